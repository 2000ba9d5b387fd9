//! What git ignores: the rules of a `.gitignore`, and which of several files decides.

use std::path::{Path, PathBuf};

use fast_glob::glob_match;

use crate::path::{below, name};

/// The rules of one file, for what is below its folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gitignore {
    /// The folder for which it speaks.
    pub folder: PathBuf,
    rules: Vec<Rule>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    glob: Vec<u8>,
    /// It is about the whole path from the folder on, and not about a name anywhere.
    whole: bool,
    only_folders: bool,
    /// It takes back what a rule before it ignored.
    takes_back: bool,
}

impl Gitignore {
    /// Reads the text of a file.
    pub fn new(folder: PathBuf, text: &str) -> Self {
        Self { folder, rules: text.lines().filter_map(rule).collect() }
    }

    /// Whether it ignores this path, if it says anything about it.
    pub fn says(&self, path: &Path, is_folder: bool) -> Option<bool> {
        let rest = below(&self.folder, path)?;
        let meant = |rule: &&Rule| {
            let subject = if rule.whole { rest } else { name(path) };
            (is_folder || !rule.only_folders) && glob_match(&rule.glob, subject)
        };
        self.rules.iter().rev().find(meant).map(|rule| !rule.takes_back)
    }
}

/// Whether files, the innermost last, ignore this path.
pub fn ignores<'a>(
    files: impl DoubleEndedIterator<Item = &'a Gitignore>,
    path: &Path,
    is_folder: bool,
) -> bool {
    files.rev().find_map(|file| file.says(path, is_folder)).unwrap_or(false)
}

fn rule(line: &str) -> Option<Rule> {
    let line = without_blanks(line.strip_suffix('\r').unwrap_or(line));
    if line.starts_with('#') {
        return None;
    }
    let (takes_back, line) = line.strip_prefix('!').map_or((false, line), |rest| (true, rest));
    let (only_folders, line) = line.strip_suffix('/').map_or((false, line), |rest| (true, rest));
    let whole = line.contains('/');
    let line = line.strip_prefix('/').unwrap_or(line);
    if line.is_empty() {
        return None;
    }
    // Braces mean nothing to git, and a `!` within a pattern means itself.
    let mut glob = Vec::with_capacity(line.len());
    for (at, byte) in line.bytes().enumerate() {
        if matches!(byte, b'{' | b'}') || (at == 0 && byte == b'!') {
            glob.push(b'\\');
        }
        glob.push(byte);
    }
    Some(Rule { glob, whole, only_folders, takes_back })
}

/// Blanks at the end count only behind a `\`.
fn without_blanks(line: &str) -> &str {
    let short = line.trim_end_matches(' ');
    if short.ends_with('\\') && short.len() < line.len() {
        line.get(..=short.len()).unwrap_or(short)
    } else {
        short
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
# built
/dist/
node_modules
*.log
!keep.log
docs/*.txt
**/tmp/cache
a/**
\\#odd
with\\ \nplain  \n{x}
";

    #[track_caller]
    fn check(path: &str, expected: bool) {
        let file = Gitignore::new("/w".into(), TEXT);
        let (path, is_folder) = path.strip_suffix('/').map_or((path, false), |path| (path, true));
        let ignored = ignores([&file].into_iter(), &Path::new("/w").join(path), is_folder);
        assert_eq!(ignored, expected, "{path}");
    }

    #[test]
    fn a_path_is_ignored_as_git_ignores_it() {
        for ignored in [
            "dist/",
            "node_modules/",
            "src/node_modules/",
            "x.log",
            "src/x.log",
            "docs/a.txt",
            "tmp/cache",
            "src/tmp/cache",
            "a/b",
            "a/b/c",
            "#odd",
            "with ",
            "plain",
            "{x}",
        ] {
            check(ignored, true);
        }
        for kept in
            ["dist", "src/dist/", "keep.log", "docs/b/a.txt", "a", "src/a/b", "with", "x", "src/"]
        {
            check(kept, false);
        }
    }

    #[test]
    fn the_innermost_file_decides() {
        let outer = Gitignore::new("/w".into(), "*.js");
        let inner = Gitignore::new("/w/src".into(), "!a.js");
        let files = || [&outer, &inner].into_iter();
        assert!(ignores(files(), Path::new("/w/a.js"), false));
        assert!(!ignores(files(), Path::new("/w/src/a.js"), false));
        assert!(ignores(files(), Path::new("/w/src/b.js"), false));
    }
}
