//! Why a file of another manager cannot be imported.

/// Why a file cannot be understood: what is wrong, and in which line, from 1 on.
#[derive(Debug, PartialEq, Eq)]
pub struct NotUnderstood {
    /// What is wrong.
    pub why: String,
    /// The line, where it is known.
    pub line: Option<usize>,
}

impl NotUnderstood {
    pub(super) fn at(line: usize, why: impl Into<String>) -> Self {
        Self { why: why.into(), line: Some(line) }
    }
}
