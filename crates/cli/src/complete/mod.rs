//! Completion of command lines in bash, zsh and fish.
//!
//! Three shells would need three scripts that each know every command, option and value, and that
//! say something else as soon as one of them is forgotten. So the scripts know nothing: they hand
//! the words to `ostler __complete`, which answers from the tables that the parser reads. A person
//! waits for it at each press of Tab, so it asks a daemon that runs, starts none, and says nothing
//! when something is wrong.
//!
//! The answer is one line that says whether the shell adds names of files (`files` or `none`), then
//! a line for each candidate: the word, a tab, what it is.

mod answer;
mod candidates;
mod known;
mod shell;
pub(crate) mod words;

pub(crate) use answer::{main, of_line};
pub(crate) use shell::Shell;

/// The first argument that asks for candidates.
pub(crate) const ARGUMENT: &str = "__complete";

/// Returns the words of a line as a shell takes it apart.
#[cfg(test)]
pub(crate) fn words_of(line: &str) -> Vec<String> {
    words::all(line)
}
