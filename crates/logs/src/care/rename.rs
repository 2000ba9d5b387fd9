//! The new name of a log that is rotated.

use std::io;
use std::path::{Path, PathBuf};

use super::names::{self, Names};
use crate::date;
use crate::opener::Opener;

/// Names that are tried for the rotated files of one date.
const MOST: u32 = 100_000;

/// Gives a log new names, each once.
#[derive(Debug, Default)]
pub struct Renamer {
    /// The last name: its date and number.
    last: (String, u32),
}

impl Renamer {
    /// Renames a log to the first name of this moment that nothing has, or had before it was
    /// compressed. Returns the name.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn rename(
        &mut self,
        log: &Path,
        names: &Names,
        opener: &dyn Opener,
    ) -> io::Result<PathBuf> {
        let unnamed = || io::Error::other("no name for the rotated file can be made from its name");
        let date = names.date(&date::now());
        let first = if self.last.0 == date { self.last.1 + 1 } else { 0 };
        for number in first..MOST {
            let to = names::path(log, &date, number).ok_or_else(unnamed)?;
            // In this order: a name that nothing has was compressed before, or never given.
            if to.symlink_metadata().is_ok() || names::packed_there(&to).is_some() {
                continue;
            }
            match opener.rename(log, &to) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
                Ok(()) => {
                    self.last = (date, number);
                    return Ok(to);
                }
            }
        }
        Err(io::Error::other("too many files were rotated at one moment"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::care::Packing;
    use crate::opener::Plain;

    #[test]
    fn no_name_is_given_twice_also_not_one_of_a_file_that_was_compressed() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("a.log");
        // One date for all: only the number differs.
        let names = Names::new("[x]YYYY").unwrap();
        let mut renamer = Renamer::default();
        let rotate = |renamer: &mut Renamer| {
            std::fs::write(&log, "x").unwrap();
            renamer.rename(&log, &names, &Plain).unwrap()
        };
        let number = |path: &Path| {
            names.read(&log, path.file_name().unwrap().to_str().unwrap()).unwrap().number
        };
        assert_eq!(number(&rotate(&mut renamer)), 0);
        let second = rotate(&mut renamer);
        assert_eq!(number(&second), 1);
        std::fs::rename(&second, names::packed(&second, Packing::Zstd)).unwrap();
        assert_eq!(number(&rotate(&mut renamer)), 2);
        assert_eq!(number(&rotate(&mut Renamer::default())), 3, "in another life");
    }
}
