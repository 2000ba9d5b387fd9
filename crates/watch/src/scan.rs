//! An app whose folders are watched, and the walk through them.

use std::fs::{self, DirEntry, Metadata};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use rustix::io::Errno;

use crate::folders::{Folders, Key};
use crate::git::{Gitignore, ignores};
use crate::rules::{Rules, ignored_above};

/// An app that is watched.
#[derive(Debug)]
pub struct Root {
    /// What others call it.
    pub id: u32,
    /// What counts as a change of it.
    pub rules: Rules,
    /// What git ignores, the innermost last.
    gits: Vec<Gitignore>,
    /// Folders that are not there, from which on files were to be looked for.
    pub lost: Vec<PathBuf>,
}

/// Which of the files that a walk meets have changed.
#[derive(Clone, Copy, Debug)]
pub enum Changed {
    /// None: everything is as it was.
    Nothing,
    /// Those that were written after this, ms since 1970.
    Since(u64),
    /// All: they have just come.
    Everything,
}

/// What a walk found.
#[derive(Debug, Default)]
pub struct Found {
    /// The first file that has changed.
    pub changed: Option<PathBuf>,
    /// There are more folders than this user may watch.
    pub limited: bool,
}

impl Root {
    /// An app of which nothing is watched yet.
    pub fn new(id: u32, rules: Rules) -> Self {
        let mut root = Self { id, rules, gits: Vec::new(), lost: Vec::new() };
        let asked = root.rules.asked().clone();
        if asked.gitignore {
            root.read_git_above(&asked.folder);
            root.read_git(&asked.folder);
            let ignored = |path: &Path| ignores(root.gits.iter(), path, true);
            if let Some(folder) = ignored_above(&asked.folder, &asked.script, ignored) {
                root.rules.want(&folder);
            }
        }
        root
    }

    /// Walks through everything.
    pub fn begin(&mut self, key: Key, folders: &mut Folders, changed: Changed, found: &mut Found) {
        for start in self.rules.starts() {
            self.enter(&start, key, folders, changed, found);
        }
    }

    /// Watches a folder and all below it.
    pub fn enter(
        &mut self,
        start: &Path,
        key: Key,
        folders: &mut Folders,
        changed: Changed,
        found: &mut Found,
    ) {
        let is_start = self.rules.starts().iter().any(|of| of == start);
        let mut open = vec![start.to_owned()];
        while let Some(folder) = open.pop() {
            match folders.watch(&folder, key) {
                Ok(true) => {}
                Ok(false) => continue, // A link leads back to it.
                Err(Errno::NOSPC | Errno::NOMEM) => {
                    found.limited = true;
                    return;
                }
                Err(_) => {
                    if is_start && folder == start && !self.lost.contains(&folder) {
                        self.lost.push(folder);
                    }
                    continue;
                }
            }
            if self.rules.asked().gitignore {
                self.read_git(&folder);
            }
            // It may be gone again, and the kernel tells of that.
            let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
            for entry in entries {
                if let Some(folder) = self.look_at(&entry, changed, found) {
                    open.push(folder);
                }
            }
        }
    }

    /// Looks at one entry of a folder; one that is a folder to be entered is returned.
    fn look_at(&self, entry: &DirEntry, changed: Changed, found: &mut Found) -> Option<PathBuf> {
        let mut kind = entry.file_type().ok()?;
        let path = entry.path();
        if kind.is_symlink() && self.rules.asked().follows {
            kind = fs::metadata(&path).ok()?.file_type();
        }
        if kind.is_dir() {
            return self.enters(&path).then_some(path);
        }
        let is_changed = || match changed {
            Changed::Nothing => false,
            Changed::Everything => true,
            Changed::Since(since) => entry.metadata().is_ok_and(|of| is_written(&of, since)),
        };
        if found.changed.is_none() && self.counts(&path, false) && is_changed() {
            found.changed = Some(path);
        }
        None
    }

    /// Whether a folder is entered.
    pub fn enters(&self, folder: &Path) -> bool {
        self.rules.enters(folder) && !self.git_ignores(folder, true)
    }

    /// Whether a change of a path counts.
    pub fn counts(&self, path: &Path, is_folder: bool) -> bool {
        self.rules.counts(path, is_folder) && !self.git_ignores(path, is_folder)
    }

    fn git_ignores(&self, path: &Path, is_folder: bool) -> bool {
        let Some(from) = self.rules.git_from(path).filter(|from| *from != path) else {
            return false;
        };
        let all = from == self.rules.asked().folder;
        let files = self.gits.iter().filter(|file| all || file.folder.starts_with(from));
        ignores(files, path, is_folder)
    }

    /// Reads a folder's own file of git, if it has one.
    pub fn read_git(&mut self, folder: &Path) {
        self.gits.retain(|file| file.folder != folder);
        if let Ok(text) = fs::read(folder.join(".gitignore")) {
            let file = Gitignore::new(folder.to_owned(), &String::from_utf8_lossy(&text));
            let depth = |file: &Gitignore| file.folder.as_os_str().len();
            let at = self.gits.iter().take_while(|of| depth(of) <= depth(&file)).count();
            self.gits.insert(at, file);
        }
    }

    /// Reads the files of the repository that the app is a part of, above its own folder.
    fn read_git_above(&mut self, folder: &Path) {
        let is_top = |of: &&Path| fs::symlink_metadata(of.join(".git")).is_ok();
        let Some(top) = folder.ancestors().find(is_top) else { return };
        if let Ok(text) = fs::read(top.join(".git/info/exclude")) {
            self.gits.push(Gitignore::new(top.to_owned(), &String::from_utf8_lossy(&text)));
        }
        let kept = self.gits.len();
        let between = folder.ancestors().skip(1).take_while(|of| of.starts_with(top));
        let mut between: Vec<&Path> = between.collect();
        between.reverse();
        for of in between {
            if let Ok(text) = fs::read(of.join(".gitignore")) {
                self.gits.push(Gitignore::new(of.to_owned(), &String::from_utf8_lossy(&text)));
            }
        }
        // A repository that ignores the whole app says nothing about its files.
        let within = folder.ancestors().take_while(|of| of.starts_with(top) && *of != top);
        if within.into_iter().any(|of| ignores(self.gits.iter(), of, true)) {
            self.gits.clear();
        } else if kept == self.gits.len() && folder == top {
            self.gits.shrink_to_fit();
        }
    }
}

/// Whether a file was written after this and not in the future.
fn is_written(file: &Metadata, since: u64) -> bool {
    let at = file.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    let now = UNIX_EPOCH.elapsed().ok();
    let after = |at: &std::time::Duration| u128::from(since) < at.as_millis();
    at.is_some_and(|at| after(&at) && now.is_none_or(|now| at <= now))
}
