//! Stories with transcripts, one per rule and trap, and random histories.

mod harness;
mod histories;
mod leaving;
mod proving;
mod recovery;
mod spreading;
mod traps;
