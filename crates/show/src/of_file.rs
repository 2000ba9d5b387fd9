//! An app that runs, and the process file that it is from.

/// An app beside its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfFile {
    /// Path of the file.
    pub path: String,
    /// How they differ, or why that is not known; nothing where they are the same.
    pub differs: Option<String>,
}
