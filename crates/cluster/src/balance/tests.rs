//! Stories with transcripts, and random histories.

mod choosing;
mod harness;
mod histories;
mod peer;
mod quarantine;
mod recovering;
mod refusing;
mod silence;
mod sticky;
