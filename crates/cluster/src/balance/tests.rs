//! Stories with transcripts, and random histories.

mod choosing;
mod harness;
mod histories;
mod quarantine;
mod recovering;
mod refusing;
mod sticky;
