//! What a command tells about what happens, and in whose words.
//!
//! Problem: one program has two names. Scripts that were written for PM2 look for its sentences; a
//! person who types `ostler` expects what uv, cargo and docker compose have taught: the data on
//! standard output, one line that says what was done, `error:` with the place and `hint:` with a
//! command.
//! Rule: a command tells a [`Notice`], a fact without words. Two renderers make lines of it: `pm2`
//! says PM2's words, byte for byte, and `ostler` ours. Neither decides anything.

mod notice;
mod ostler;
mod pm2;
mod problem;
mod service;
mod tally;
#[cfg(test)]
mod tests;

pub(crate) use notice::{Act, Notice, Planned, Selector, Subject, Target};
pub(crate) use problem::Problem;
pub(crate) use service::ServiceNotice;

use std::time::Instant;

use crate::paint::Paint;
use crate::program::Program;
use tally::Tally;

/// A line, and where it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// Standard output.
    Out(String),
    /// Standard output, also when the command is to be silent: somebody needs it to go on.
    Data(String),
    /// Standard error.
    Err(String),
}

/// Makes lines of notices, in the words of one name.
#[derive(Debug)]
pub(crate) struct Voice {
    program: Program,
    since: Instant,
    /// What is being done. Only ours speaks of it as a whole.
    tally: Tally,
}

impl Voice {
    /// The voice of the program under this name.
    pub(crate) fn new(program: Program) -> Self {
        Self { program, since: Instant::now(), tally: Tally::default() }
    }

    /// Returns what the notice comes to.
    pub(crate) fn lines(&mut self, notice: &Notice<'_>, paint: Paint) -> Vec<Line> {
        match self.program {
            Program::Pm2 => pm2::lines(notice, paint),
            Program::Ostler => {
                let now = self.since.elapsed();
                self.tally.take(notice, now);
                ostler::lines(notice, &self.tally, now, paint)
            }
        }
    }
}
