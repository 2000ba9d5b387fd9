//! What counts as a change of an app.

use std::path::{Path, PathBuf};

use crate::path::{absolute, name};
use crate::pattern::Pattern;

/// What an app asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// The app's folder, absolute.
    pub folder: PathBuf,
    /// What is watched, from the folder on: paths and globs. Empty: the folder.
    pub paths: Vec<String>,
    /// What is not, from the folder on: paths and globs.
    pub ignored: Vec<String>,
    /// Names that begin with a dot, and `node_modules`, do not count.
    pub usual_ignored: bool,
    /// What git ignores does not count, either.
    pub gitignore: bool,
    /// If there are any, only files that end so count: `js`.
    pub endings: Vec<String>,
    /// So many folders deep below what is watched; `None`: all.
    pub depth: Option<usize>,
    /// Whether links to folders are followed.
    pub follows: bool,
    /// The app's script, absolute: where git ignores it, the ignored folder that it is in counts.
    pub script: PathBuf,
}

/// The same, ready to be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    asked: Asked,
    wanted: Vec<Pattern>,
    ignored: Vec<Pattern>,
}

impl Rules {
    /// Makes them of what an app asks for.
    #[must_use]
    pub fn new(asked: Asked) -> Self {
        let pattern = |text: &String| Pattern::new(&asked.folder, text);
        let mut wanted: Vec<Pattern> = asked.paths.iter().map(pattern).collect();
        if wanted.is_empty() {
            wanted.push(Pattern::new(&asked.folder, "."));
        }
        let ignored = asked.ignored.iter().map(pattern).collect();
        Self { asked, wanted, ignored }
    }

    /// Returns what was asked for.
    #[must_use]
    pub fn asked(&self) -> &Asked {
        &self.asked
    }

    /// Watches this folder too, whatever git says of it.
    pub(crate) fn want(&mut self, folder: &Path) {
        self.wanted.push(Pattern::new(Path::new("/"), &folder.to_string_lossy()));
    }

    /// Returns the folders from which on files are looked for: the app's own where it will do.
    pub(crate) fn starts(&self) -> Vec<PathBuf> {
        let mut starts: Vec<PathBuf> = Vec::new();
        for pattern in &self.wanted {
            let start = if pattern.literal.starts_with(&self.asked.folder) {
                &self.asked.folder
            } else if pattern.literal.is_dir() {
                &pattern.literal
            } else {
                pattern.literal.parent().unwrap_or(&pattern.literal)
            };
            if !starts.iter().any(|of| of == start) {
                starts.push(start.to_owned());
            }
        }
        starts
    }

    /// Whether a folder is looked into, git apart.
    #[must_use]
    pub fn enters(&self, folder: &Path) -> bool {
        let may = |pattern: &&Pattern| pattern.may_be_in(folder);
        self.wanted.iter().filter(may).any(|pattern| {
            let deep = folder.strip_prefix(&pattern.literal).map_or(0, |rest| rest.iter().count());
            self.asked.depth.is_none_or(|depth| deep <= depth) && !self.is_ignored(pattern, folder)
        })
    }

    /// Whether a change of this path counts, git apart.
    #[must_use]
    pub fn counts(&self, path: &Path, is_folder: bool) -> bool {
        let means = |pattern: &&Pattern| pattern.means(path);
        let wanted = self.wanted.iter().filter(means);
        let of_ending = || {
            let name = name(path);
            self.asked.endings.iter().any(|ending| {
                let name = name.strip_suffix(ending.trim_start_matches('.').as_bytes());
                name.is_some_and(|name| name.ends_with(b"."))
            })
        };
        let ends = self.asked.endings.is_empty() || (!is_folder && of_ending());
        ends && wanted.into_iter().any(|pattern| !self.is_ignored(pattern, path))
    }

    /// Returns the folder from which on files of git have a say about this path: what was named is
    /// wanted whatever they say of it.
    pub(crate) fn git_from(&self, path: &Path) -> Option<&Path> {
        if !self.asked.gitignore {
            return None;
        }
        let of_path = self.wanted.iter().filter(|pattern| pattern.may_be_in(path));
        let deepest = of_path.map(|of| of.literal.as_path()).filter(|of| path.starts_with(of));
        Some(deepest.max_by_key(|of| of.as_os_str().len()).unwrap_or(&self.asked.folder))
    }

    fn is_ignored(&self, wanted: &Pattern, path: &Path) -> bool {
        if self.ignored.iter().any(|pattern| pattern.covers(path)) {
            return true;
        }
        // Those of the names that were not written down.
        let Ok(rest) = path.strip_prefix(&wanted.literal) else { return false };
        let dots = !wanted.has_dots();
        self.asked.usual_ignored
            && rest.iter().any(|part| {
                let part = part.as_encoded_bytes();
                part == b"node_modules" || (dots && part.starts_with(b"."))
            })
    }
}

/// The ignored folder in which a script is, by what git ignores.
pub(crate) fn ignored_above(
    folder: &Path,
    script: &Path,
    ignores: impl Fn(&Path) -> bool,
) -> Option<PathBuf> {
    let script = absolute(folder, &script.to_string_lossy());
    let rest = script.strip_prefix(folder).ok()?.parent()?.to_owned();
    let mut at = folder.to_owned();
    for part in &rest {
        at.push(part);
        if ignores(&at) {
            return Some(at);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(paths: &[&str], ignored: &[&str]) -> Asked {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Asked {
            folder: "/w/app".into(),
            paths: owned(paths),
            ignored: owned(ignored),
            usual_ignored: true,
            ..Asked::default()
        }
    }

    #[track_caller]
    fn check(asked: Asked, counts: &[&str], not: &[&str]) {
        let rules = Rules::new(asked);
        let reached = |path: &Path| {
            path.ancestors()
                .skip(1)
                .take_while(|of| of.starts_with("/w"))
                .all(|folder| !folder.starts_with("/w/app") || rules.enters(folder))
        };
        let all =
            counts.iter().map(|path| (path, true)).chain(not.iter().map(|path| (path, false)));
        for (path, expected) in all {
            let path = absolute(Path::new("/w/app"), path);
            assert_eq!(reached(&path) && rules.counts(&path, false), expected, "{path:?}");
        }
    }

    #[test]
    fn a_folder_counts_with_all_below_it_but_dots_and_node_modules() {
        let not = [".env", ".git/HEAD", "node_modules/a/b.js", "src/node_modules/x.js"];
        check(asked(&[], &[]), &["a.js", "src/deep/b.js"], &not);
        check(Asked { usual_ignored: false, ..asked(&[], &[]) }, &not, &["../b.js"]);
    }

    #[test]
    fn what_is_named_counts_and_nothing_else() {
        check(asked(&["src", "./a.js"], &[]), &["src/x/y.js", "a.js"], &["b.js", "lib/x.js"]);
        check(
            asked(&[".env", "../shared/*.json"], &[]),
            &[".env", "../shared/a.json"],
            &["a.js", "../shared/a.js"],
        );
        check(
            asked(&["src/**/*.{js,ts}"], &[]),
            &["src/a.js", "src/x/y.ts"],
            &["src/a.css", "lib/a.js", "src/.x/a.js"],
        );
        check(asked(&["src/.*"], &[]), &["src/.env"], &["src/a"]);
    }

    #[test]
    fn what_is_ignored_does_not_count_with_all_below_it() {
        let ignored = ["logs", "*.tmp", "src/**/*.test.js", "cache*"];
        check(
            asked(&[], &ignored),
            &["a.js", "src/logs/a.js", "src/a.tmp"],
            &["logs/a.js", "a.tmp", "src/x/a.test.js", "cache-1/deep/a.js"],
        );
    }

    #[test]
    fn endings_and_depth_say_more() {
        let ext = Asked { endings: vec!["js".into(), ".json".into()], ..asked(&[], &[]) };
        check(ext, &["a.js", "src/a.json"], &["a.mjs", "js", "a.css"]);
        check(Asked { depth: Some(1), ..asked(&[], &[]) }, &["a.js", "src/a.js"], &["src/x/a.js"]);
    }

    #[test]
    fn the_ignored_folder_of_the_script_is_found() {
        let above = |script: &str| {
            let is_dist = |path: &Path| path == Path::new("/w/app/dist");
            ignored_above(Path::new("/w/app"), Path::new(script), is_dist)
        };
        assert_eq!(above("/w/app/dist/src/main.js"), Some("/w/app/dist".into()));
        assert_eq!((above("/w/app/main.js"), above("/usr/bin/node")), (None, None));
    }
}
