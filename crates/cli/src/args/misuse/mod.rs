//! Why a command line is not understood, and what was probably meant: one type, which is said in
//! our words or in PM2's.

mod kinds;
mod own;
mod pm2;
#[cfg(test)]
mod tests;

pub(crate) use kinds::{Given, Misuse, Near, Said};

use crate::args::typed::Typed;
use crate::program::Program;

impl Misuse {
    /// Returns what is said about it under a name of the program; `typed` is the command line.
    pub(crate) fn said(&self, program: Program, typed: &Typed) -> Said {
        match program {
            Program::Ostler => own::said(self, typed),
            Program::Pm2 => pm2::said(self),
        }
    }
}
