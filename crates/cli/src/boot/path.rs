//! Paths that are still right after the next upgrade of Node.
//!
//! Version managers put each version of Node, and what npm installed with it, into a folder of its
//! own. A service that names such a folder is dead the day it is removed, and nobody notices before
//! the next boot. So: the program is named by a path without a version in it, and `PATH` names what
//! the version manager keeps up to date, where it has that.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// Folders in which a program may be found although `PATH` does not name them.
const USUAL: [&str; 4] =
    ["/usr/local/bin", "/usr/bin", "/opt/homebrew/bin", "/home/linuxbrew/.linuxbrew/bin"];

/// Folders that a service always has in its `PATH`.
const BASE: [&str; 6] =
    ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// Links that version managers keep pointing at the version in use, below one of the folders above
/// a version's own.
const TWINS: [&str; 3] = ["current/bin", "aliases/default/bin", "shims"];

/// How far above a version's `bin` its manager's folder may be.
const HEIGHT: usize = 6;

/// Returns a path without a version by which the running program can be called, if there is one.
pub(crate) fn stable_exe(argument: &OsStr, current: &Path, path: &str) -> Option<PathBuf> {
    let real = current.canonicalize().unwrap_or_else(|_| current.to_owned());
    let name = Path::new(argument).file_name().unwrap_or(argument);
    let as_called =
        Path::new(argument).components().nth(1).and_then(|_| std::path::absolute(argument).ok());
    let folders = std::env::split_paths(path).filter(|folder| folder.is_absolute());
    let usual = USUAL.iter().map(PathBuf::from);
    as_called
        .into_iter()
        .chain(folders.chain(usual).map(|folder| folder.join(name)))
        .chain([current.to_owned()])
        .find(|path| !passes(path) && path.canonicalize().is_ok_and(|found| found == real))
}

/// Returns `PATH` for a service, and the folders in it that will not stay.
pub(crate) fn service_path(path: &str, user_home: &Path) -> (String, Vec<String>) {
    let mut seen = BTreeSet::new();
    let mut kept: Vec<String> = Vec::new();
    let mut passing = Vec::new();
    let given = std::env::split_paths(path).filter(|folder| folder.is_absolute());
    for folder in given.chain(BASE.map(PathBuf::from)) {
        let folder = if passes(&folder) {
            match twin(&folder, user_home) {
                Some(twin) => twin,
                // Of one shell or one call: gone before the machine boots.
                None if is_of_the_moment(&folder) => continue,
                None => {
                    passing.push(folder.display().to_string());
                    folder
                }
            }
        } else {
            folder
        };
        let text = folder.display().to_string();
        if seen.insert(text.clone()) {
            kept.push(text);
        }
    }
    passing.dedup();
    (kept.join(":"), passing)
}

/// Whether a path goes away with a version of something, or sooner.
fn passes(path: &Path) -> bool {
    let mut words = path.components().filter_map(|part| part.as_os_str().to_str());
    is_of_the_moment(path) || path.starts_with("/nix/store") || words.any(is_version)
}

/// Whether it belongs to one shell (fnm) or one call (npx, `npm run`).
fn is_of_the_moment(path: &Path) -> bool {
    path.components()
        .any(|part| part.as_os_str() == "fnm_multishells" || part.as_os_str() == "_npx")
        || path.ends_with("node_modules/.bin")
}

/// `v20.1.0`, `20.1.0_1`, `node-v20.1.0-linux-x64`.
fn is_version(word: &str) -> bool {
    let word = word.strip_prefix("node-").unwrap_or(word);
    let word = word.strip_prefix('v').unwrap_or(word);
    let mut parts = word.splitn(3, '.');
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let first = parts.next().is_some_and(digits) && parts.next().is_some_and(digits);
    first && parts.next().is_some_and(|rest| rest.starts_with(|char: char| char.is_ascii_digit()))
}

/// Returns the folder that stands for whichever version is in use.
fn twin(folder: &Path, user_home: &Path) -> Option<PathBuf> {
    // fnm's folder of one shell is a link to the version.
    let real = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let above = real
        .ancestors()
        .skip(1)
        .take(HEIGHT)
        .take_while(|above| *above != user_home && *above != Path::new("/"));
    above
        .flat_map(|above| TWINS.map(|twin| above.join(twin)))
        .find(|twin| !passes(twin) && twin.join("node").exists())
}
