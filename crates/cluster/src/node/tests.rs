//! Stories with transcripts, one per rule and trap, and random histories.

mod apps;
mod descriptors;
mod harness;
mod histories;
mod kernel;
mod leaving;
mod model;
mod peer;
mod probing;
mod recovery;
mod traps;
