//! What comes out.

/// A finished file that is published.
pub struct Artifact {
    /// Its name, without a folder.
    pub name: String,
    /// What is in it.
    pub data: Vec<u8>,
}
