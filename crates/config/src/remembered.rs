//! What was seen of the machine while a file is read, so that an app more costs no look more.
//!
//! Problem: the apps of a file have scripts, interpreters and packages in common, and each look is
//! a call of the kernel, for a program one in each folder of `PATH`. Rule: while [`during`] runs,
//! each path is looked at once; nothing that a file says can change the machine meanwhile. Outside
//! of it nothing is remembered.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

#[derive(Debug, Default)]
struct Seen {
    executable: BTreeMap<PathBuf, bool>,
    folder: BTreeMap<PathBuf, bool>,
    version: BTreeMap<PathBuf, Option<String>>,
}

thread_local! {
    static SEEN: RefCell<Option<Seen>> = const { RefCell::new(None) };
}

/// Remembers what is seen as long as `act` runs.
pub(crate) fn during<T>(act: impl FnOnce() -> T) -> T {
    let before = SEEN.replace(Some(Seen::default()));
    let done = act();
    SEEN.set(before);
    done
}

/// Whether a path is a file that may be executed, as `look` says.
pub(crate) fn executable(path: &Path, look: impl FnOnce() -> bool) -> bool {
    once(path, |seen| &mut seen.executable, look)
}

/// Whether a path is a folder.
pub(crate) fn is_folder(path: &Path) -> bool {
    once(path, |seen| &mut seen.folder, || path.is_dir())
}

/// The version that a folder or a program has, as `look` says.
pub(crate) fn version(path: &Path, look: impl FnOnce() -> Option<String>) -> Option<String> {
    once(path, |seen| &mut seen.version, look)
}

fn once<T: Clone>(
    path: &Path,
    of: fn(&mut Seen) -> &mut BTreeMap<PathBuf, T>,
    look: impl FnOnce() -> T,
) -> T {
    let known = SEEN.with_borrow_mut(|seen| of(seen.as_mut()?).get(path).cloned());
    if let Some(known) = known {
        return known;
    }
    let found = look();
    SEEN.with_borrow_mut(|seen| {
        if let Some(seen) = seen {
            of(seen).insert(path.to_owned(), found.clone());
        }
    });
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_looked_at_once_while_something_is_read_and_each_time_otherwise() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("made");
        let make = || {
            let before = is_folder(&path);
            std::fs::create_dir(&path).unwrap();
            let after = is_folder(&path);
            std::fs::remove_dir(&path).unwrap();
            (before, after)
        };
        assert_eq!(during(make), (false, false));
        assert_eq!(make(), (false, true));
        let version = |text: &str| version(&path, || Some(text.to_owned())).unwrap();
        assert_eq!(during(|| (version("1"), version("2"))), ("1".to_owned(), "1".to_owned()));
        assert_eq!(version("2"), "2");
    }
}
