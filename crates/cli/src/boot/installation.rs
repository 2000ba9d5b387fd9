//! What installing a service does: a file to write, and programs to run.

use std::path::PathBuf;

/// The installation of one service.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Installation {
    /// The file that is written.
    pub(crate) target: PathBuf,
    /// Permissions of the file.
    pub(crate) mode: u32,
    /// The text of the file.
    pub(crate) text: String,
    /// Commands that make the service start at boot.
    pub(crate) enable: Vec<Step>,
    /// Commands that stop it and end that, before the file is removed.
    pub(crate) disable: Vec<Step>,
    /// Commands after the file was removed.
    pub(crate) forget: Vec<Step>,
}

/// A program with its arguments; no shell is involved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Step(pub(crate) Vec<String>);

impl Step {
    /// A step of these words.
    pub(crate) fn of<const N: usize>(words: [&str; N]) -> Self {
        Self(words.map(str::to_owned).to_vec())
    }

    /// Whether it asks the init system itself, which must run for that; the others change files.
    pub(crate) fn asks(&self) -> bool {
        let is_asked = |word: &String| ["start", "stop", "daemon-reload"].contains(&word.as_str());
        self.0.iter().any(is_asked)
    }

    /// Returns it as a person would type it.
    pub(crate) fn shown(&self) -> String {
        self.0.join(" ")
    }
}
