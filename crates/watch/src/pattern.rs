//! A path or a glob, as `watch` and `ignore_watch` have them.

use std::path::{Path, PathBuf};

use fast_glob::glob_match;

use crate::path::absolute;

/// A path or a glob, absolute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    /// The part before the first wildcard: folders by their names.
    pub literal: PathBuf,
    /// All of it, if it has a wildcard.
    glob: Option<Vec<u8>>,
}

impl Pattern {
    /// Reads a pattern that is meant from this folder on.
    pub fn new(folder: &Path, text: &str) -> Self {
        let Some(wild) = text.find(['*', '?', '[', '{']) else {
            return Self { literal: absolute(folder, text), glob: None };
        };
        let (plain, rest) = text.split_at(wild);
        let cut = plain.rfind('/').map_or(0, |at| at + 1);
        let (folders, name) = plain.split_at(cut);
        let literal = absolute(folder, folders);
        let mut glob = escape(literal.as_os_str().as_encoded_bytes());
        glob.push(b'/');
        glob.extend(name.bytes().chain(rest.bytes()));
        Self { literal, glob: Some(glob) }
    }

    /// Whether it means this path, or a folder above it.
    pub fn covers(&self, path: &Path) -> bool {
        match &self.glob {
            Some(glob) => {
                let mut above = path.ancestors().take_while(|of| *of != self.literal);
                above.any(|path| glob_match(glob, path.as_os_str().as_encoded_bytes()))
            }
            None => path.starts_with(&self.literal),
        }
    }

    /// Whether it means this path itself, or as a plain path what is below it.
    pub fn means(&self, path: &Path) -> bool {
        match &self.glob {
            Some(glob) => glob_match(glob, path.as_os_str().as_encoded_bytes()),
            None => path.starts_with(&self.literal),
        }
    }

    /// Whether something that it means may be in this folder.
    pub fn may_be_in(&self, folder: &Path) -> bool {
        folder.starts_with(&self.literal) || self.literal.starts_with(folder)
    }

    /// Whether it asks for names that begin with a dot.
    pub fn has_dots(&self) -> bool {
        self.glob.as_ref().is_some_and(|glob| {
            let own = glob.get(self.literal.as_os_str().len()..).unwrap_or_default();
            own.windows(2).any(|pair| pair == b"/.")
        })
    }
}

/// Text that means itself in a glob.
pub fn escape(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for byte in text {
        if matches!(byte, b'*' | b'?' | b'[' | b']' | b'{' | b'}' | b'!' | b'\\') {
            out.push(b'\\');
        }
        out.push(*byte);
    }
    out
}
