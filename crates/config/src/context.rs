//! What a file or option is resolved against: the caller's world, as values, so that nothing here
//! reads the process's own.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::remembered;

/// The caller's world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Context {
    /// ostler's home directory; logs and pids go below it.
    pub home: PathBuf,
    /// The caller's working directory, absolute.
    pub cwd: PathBuf,
    /// The caller's environment.
    pub env: BTreeMap<String, String>,
    /// Number of CPUs, at least 1: what `instances: "max"` means.
    pub cpus: u32,
    /// Name of the caller's user.
    pub username: String,
    /// Effective user id of the caller; only 0 may choose another user.
    pub euid: u32,
    /// Node that runs scripts with an unknown extension; `None` looks `node` up in `PATH`.
    pub node: Option<PathBuf>,
    /// Folder with `passwd` and `group`: `/etc`.
    pub etc: PathBuf,
    /// Whether output goes to files below the home where an app names none.
    pub log_files: bool,
    /// The program that serves a folder, which is what the script [`SERVE`](crate::SERVE) of a
    /// process file means; `None` where it means a file.
    pub server: Option<PathBuf>,
    /// Names of the apps that are in the list already; `None` where nobody has looked.
    pub listed: Option<BTreeSet<String>>,
    /// Whether what may be done in two ways is done in PM2's.
    pub as_pm2: bool,
}

impl Context {
    /// The file that `program` means for the caller: itself when it has a `/` (relative to the
    /// working directory), else the first executable file of that name in `PATH`.
    #[must_use]
    pub fn find_program(&self, program: &str) -> Option<PathBuf> {
        self.find_program_from(program, &self.cwd)
    }

    /// As [`find_program`](Self::find_program), relative to `cwd`.
    #[must_use]
    pub fn find_program_from(&self, program: &str, cwd: &Path) -> Option<PathBuf> {
        if program.is_empty() {
            return None;
        }
        if program.contains('/') {
            return Some(self.absolute(cwd, program)).filter(|path| is_executable(path));
        }
        let folders = self.env.get("PATH").map_or("/usr/local/bin:/usr/bin:/bin", String::as_str);
        // An empty element means the working directory, by old custom; `join` of an empty path
        // gives just that.
        folders
            .split(':')
            .map(|folder| cwd.join(folder).join(program))
            .find(|path| is_executable(path))
    }

    /// What a program says of its version; `None`: nothing, or it cannot be run.
    pub(crate) fn version_of(&self, program: &Path) -> Option<String> {
        remembered::version(program, || {
            let mut command = Command::new(program);
            let said = command.arg("--version").env_clear().envs(&self.env).output().ok()?;
            let text = String::from_utf8_lossy(&said.stdout).trim().to_owned();
            Some(text).filter(|text| !text.is_empty())
        })
    }

    /// `path` as absolute: `~` is the caller's home, anything relative starts at `base`.
    #[must_use]
    pub fn absolute(&self, base: &Path, path: &str) -> PathBuf {
        let home = self.env.get("HOME").map(Path::new);
        if let (Some(home), Some(rest)) = (home, path.strip_prefix('~')) {
            if rest.is_empty() {
                return home.to_owned();
            }
            if let Some(rest) = rest.strip_prefix('/') {
                return clean(&home.join(rest));
            }
        }
        clean(&base.join(path))
    }
}

/// Whether it is a regular file that someone may execute.
pub(crate) fn is_executable(path: &Path) -> bool {
    let look = || {
        std::fs::metadata(path)
            .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
    };
    remembered::executable(path, look)
}

/// Returns the path without `.`, `..` and doubled slashes, as Node's `path.resolve` does: by text
/// alone, without following links.
pub(crate) fn clean(path: &Path) -> PathBuf {
    use std::path::Component;
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                out.pop();
            }
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => out.push(part),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_cleaned_by_text() {
        assert_eq!(clean(Path::new("/a/./b/../c//d/")), Path::new("/a/c/d"));
        assert_eq!(clean(Path::new("/../a")), Path::new("/a"));
    }
}
