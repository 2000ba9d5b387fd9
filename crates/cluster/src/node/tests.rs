//! Stories with transcripts, one per rule and trap, and random histories.

mod descriptors;
mod harness;
mod histories;
mod leaving;
mod model;
mod probing;
mod recovery;
mod traps;
