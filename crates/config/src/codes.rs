//! What each kind of complaint means, for `ostler explain CODE`.
//!
//! A complaint is as short as a line of a terminal; who has never met the rule wants to know what
//! it is for. So each code has a page, with a process file that is complained about and one that is
//! not, where it can be shown in a file. A code is never given another meaning.

mod kind;
mod table;

pub use kind::Code;

/// Returns every code, in the order of the alphabet.
pub fn codes() -> &'static [Code] {
    table::CODES
}

/// Returns the code of this name.
#[must_use]
pub fn code(name: &str) -> Option<&'static Code> {
    table::CODES.iter().find(|code| code.name == name)
}

#[cfg(test)]
mod tests;
