//! Files and options to AppSpec, with diagnosed errors.
