//! The primary of Node's cluster as a pure machine.
