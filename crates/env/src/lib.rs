//! Every environment variable that a part of ostler reads or sets, once.
//!
//! A variable that is read in one file and documented in another soon means two things. So each
//! is a row here: the constant that the code uses, and what the documentation says of it. Nothing
//! else in the workspace names a variable of ours in a string; `cargo xtask tidy` checks that.

#![forbid(unsafe_code)]

mod rows;
mod variable;

pub use rows::*;
pub use variable::{Audience, Origin, Reader, Variable};

/// Returns the row of the variable of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Variable> {
    VARIABLES.iter().find(|variable| variable.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_variable_is_described_once() {
        for (at, variable) in VARIABLES.iter().enumerate() {
            let name = variable.name;
            assert!(VARIABLES[at + 1..].iter().all(|other| other.name != name), "{name} twice");
            assert!(2 < variable.meaning.split_whitespace().count(), "{name}: say what it means");
            assert!(variable.meaning.ends_with('.'), "{name}: {}", variable.meaning);
            assert!(!variable.readers.is_empty(), "{name} is read by nobody");
        }
    }

    #[test]
    fn our_names_say_that_they_are_ours() {
        for variable in VARIABLES {
            let prefixed = variable.name.starts_with("OSTLER_");
            assert_eq!(prefixed, variable.origin == Origin::Ours, "{}", variable.name);
        }
    }
}
