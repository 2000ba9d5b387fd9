//! One step of the journal: how many bytes of a stream go to which of its files.

use crate::note::Which;

/// What is written where.
#[derive(Clone, Copy)]
pub(crate) struct Step {
    /// The files of the stream that get it.
    pub which: Which,
    /// How many of the stream's bytes it is made of; 0 for what they have lost.
    pub taken: u64,
    /// It goes on where the file ends, even within a line.
    pub goes_on: bool,
    /// It ends within a line, which goes on with the stream's next bytes.
    pub begins: bool,
}
