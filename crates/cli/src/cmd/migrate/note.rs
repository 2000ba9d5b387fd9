//! What is under way, written down in our home.
//!
//! Problem: a command that is killed in the middle of an app leaves it with both managers, or with
//! none. Rule: before an app is begun, its name and which of its processes ran are in a file, and
//! when it has moved, or stays, the file is gone. The next `migrate` goes on with that app where
//! the one before was cut off, whichever step that was.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};

use super::other::Old;
use crate::failed::Failed;

/// The file of a home.
#[derive(Clone, Debug)]
pub(super) struct Note(PathBuf);

/// An app that a command has begun to move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Begun {
    pub(super) name: String,
    pub(super) namespace: String,
    /// The processes that ran then.
    pub(super) up: Vec<u32>,
}

impl Begun {
    /// Whether a process is of this app.
    pub(super) fn has(&self, old: &Old) -> bool {
        self.name == old.name && self.namespace == old.namespace
    }
}

impl Note {
    /// The one in this home.
    pub(super) fn of(home: &Path) -> Self {
        Self(home.join("ostler.migration"))
    }

    /// Writes that this app is begun.
    pub(super) fn write(&self, from: &Path, app: &[Old]) -> Result<(), Failed> {
        let Some(first) = app.first() else { return Ok(()) };
        let up: Vec<u32> = app.iter().filter(|old| old.is_up()).map(|old| old.id).collect();
        let text = json!({
            "from": from.to_string_lossy(),
            "name": first.name,
            "namespace": first.namespace,
            "up": up,
        });
        self.replace(&text.to_string()).map_err(|error| self.failed("write", &error))
    }

    fn replace(&self, text: &str) -> io::Result<()> {
        let new = self.0.with_extension("migration.new");
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        file.write_all(text.as_bytes())?;
        fs::rename(new, &self.0)
    }

    /// Nothing is under way any more.
    pub(super) fn clear(&self) -> Result<(), Failed> {
        match fs::remove_file(&self.0) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(self.failed("remove", &error))
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Returns what was begun and neither finished nor given up, of the PM2 of this home.
    pub(super) fn read(&self, from: &Path) -> Result<Option<Begun>, Failed> {
        let text = match fs::read_to_string(&self.0) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.failed("read", &error)),
        };
        Ok(begun(&text, from))
    }

    fn failed(&self, what: &str, error: &io::Error) -> Failed {
        Failed::new(format!("cannot {what} `{}`: {error}", self.0.display()))
    }
}

/// Understands a note; one of another PM2, or that cannot be read, says nothing.
fn begun(text: &str, from: &Path) -> Option<Begun> {
    let note: Json = serde_json::from_str(text).ok()?;
    let word = |key: &str| note.get(key).and_then(Json::as_str);
    if word("from")? != from.to_string_lossy() {
        return None;
    }
    let ids = note.get("up")?.as_array()?.iter();
    let up = ids.filter_map(|id| u32::try_from(id.as_u64()?).ok()).collect();
    Some(Begun { name: word("name")?.to_owned(), namespace: word("namespace")?.to_owned(), up })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_of_one_pm2_and_nothing_else_is_made_of_it() {
        let of = |text: &str| begun(text, Path::new("/home/u/.pm2"));
        let text = r#"{"from":"/home/u/.pm2","name":"my api","namespace":"x","up":[0,2]}"#;
        let expected =
            Begun { name: "my api".to_owned(), namespace: "x".to_owned(), up: vec![0, 2] };
        assert_eq!(of(text), Some(expected));
        assert_eq!(of(&text.replace("/u/", "/v/")), None);
        assert_eq!(of("{"), None);
    }
}
