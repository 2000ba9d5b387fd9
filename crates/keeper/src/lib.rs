//! The process that must not die: forks, reaps, holds descriptors.
