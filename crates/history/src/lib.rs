//! What processes used over a day, in files of bounded size.
//!
//! One file for each process holds two rings: [`HOUR`] has a record for every ten seconds, [`DAY`]
//! one for every two minutes. A record is written in place, and says itself of which time it is; so
//! a file that was left alone for a while, or whose writer was killed, has gaps and no false
//! figures. The writer keeps nothing in memory.

mod file;
mod ring;

pub use file::{FOLDER, forget_others, put, read};
pub use ring::{DAY, HOUR, Http, Ring, Sample, Usage};
