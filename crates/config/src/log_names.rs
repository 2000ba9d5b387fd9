//! Names of log files that nobody named.
//!
//! Problem: PM2 makes them of the app's name, in which everything but a few letters becomes `-`.
//! So `日本` and `中国` have one file, and `a/b` and `a-b`, and apps of one name in two namespaces.
//! Rule: a name in ASCII has the file that it has under PM2, unless that is another app's; every
//! other name, and whoever comes second, has a file with a mark that is made of namespace and name.

use std::path::{Path, PathBuf};

use ostler_core::spec::LogSpec;

/// The files of an app: standard output, standard error, both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogNames([PathBuf; 3]);

impl LogNames {
    /// Those that PM2 gives an app of this name.
    #[must_use]
    pub fn usual(home: &Path, name: &str) -> Self {
        Self::of_base(home, &file_name(name))
    }

    /// Those that no other app has.
    #[must_use]
    pub fn own(home: &Path, namespace: &str, name: &str) -> Self {
        Self::of_base(home, &format!("{}-{:08x}", file_name(name), mark(namespace, name)))
    }

    /// Those that an app gets which is alone.
    pub(crate) fn first(home: &Path, namespace: &str, name: &str) -> Self {
        match name.is_ascii() {
            true => Self::usual(home, name),
            false => Self::own(home, namespace, name),
        }
    }

    fn of_base(home: &Path, base: &str) -> Self {
        let folder = home.join("logs");
        Self(["-out.log", "-error.log", ".log"].map(|end| folder.join(format!("{base}{end}"))))
    }

    /// Returns the files, in their order.
    #[must_use]
    pub fn paths(&self) -> &[PathBuf; 3] {
        &self.0
    }
}

/// Returns the files of a specification in the order of [`LogNames::paths`], to be changed.
pub fn log_paths_mut(logs: &mut LogSpec) -> [&mut Option<PathBuf>; 3] {
    [&mut logs.out, &mut logs.err, &mut logs.combined]
}

/// A name as part of a file's name: everything outside letters, digits, `.`, `-` and `\` becomes
/// `-`, as in PM2.
pub(crate) fn file_name(name: &str) -> String {
    name.chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '\\') { c } else { '-' })
        .collect()
}

/// FNV-1a of namespace and name: the same in every version and on every machine.
fn mark(namespace: &str, name: &str) -> u32 {
    let bytes = namespace.bytes().chain([0]).chain(name.bytes());
    bytes.fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_ascii_has_pm2s_files_and_others_have_their_own() {
        let home = Path::new("/h");
        let out = |name: &str| LogNames::first(home, "default", name).0[0].display().to_string();
        assert_eq!(out("my_app 1.0"), "/h/logs/my-app-1.0-out.log");
        assert_eq!(out("日本"), "/h/logs/---f3295676-out.log");
        assert_ne!(out("日本"), out("中国"));
        let own = |namespace, name| LogNames::own(home, namespace, name);
        assert_ne!(own("a", "web"), own("b", "web"));
        assert_ne!(own("default", "a/b"), own("default", "a-b"));
        assert_ne!(own("a", "bc"), own("ab", "c"));
    }
}
