//! The ostler command.
fn main() {}
