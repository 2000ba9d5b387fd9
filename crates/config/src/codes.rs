//! What each kind of complaint means, for `ostler explain CODE`.
//!
//! A complaint is as short as a line of a terminal; who has never met the rule wants to know what
//! it is for. So each code has a page, with a process file that is complained about and one that is
//! not, where it can be shown in a file. A code is never given another meaning.

mod kind;
mod last;
mod rest;
mod table;

use std::sync::LazyLock;

pub use kind::Code;

static CODES: LazyLock<Vec<Code>> =
    LazyLock::new(|| [table::CODES, rest::CODES, last::CODES].concat());

/// Returns every code, in the order of the alphabet.
pub fn codes() -> &'static [Code] {
    &CODES
}

/// Returns the code of this name.
#[must_use]
pub fn code(name: &str) -> Option<&'static Code> {
    codes().iter().find(|code| code.name == name)
}

#[cfg(test)]
mod tests;
