//! An app that runs, and the process file that it is from.

/// An app beside its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfFile {
    /// Path of the file.
    pub path: String,
    /// How they differ; `None`: they are the same.
    pub unlike: Option<Unlike>,
}

/// Why an app is not said to be as its file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unlike {
    /// It is not: how they differ.
    Differs(String),
    /// Nobody can know, for this reason.
    Unknown(String),
}
