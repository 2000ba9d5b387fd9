//! What an export is.

/// A file of an engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its usual name.
    pub name: String,
    /// What is in it.
    pub text: String,
}

/// Something of an app that the engine has no word for, or means in another way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The app's name.
    pub app: String,
    /// What is not there, and what to do.
    pub text: String,
}

/// The files for an engine, and what is not in them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Export {
    /// The files, one at least.
    pub files: Vec<File>,
    /// What is not in them, app by app.
    pub notes: Vec<Note>,
}
