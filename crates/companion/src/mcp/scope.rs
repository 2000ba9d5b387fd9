//! Which apps are those of the project, and which of them a word means.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::failed::Failed;

/// A process of the list.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Known {
    pub(super) id: u32,
    pub(super) name: String,
    pub(super) namespace: String,
    /// Its working directory.
    pub(super) cwd: PathBuf,
    /// The path of its script.
    pub(super) script: PathBuf,
    /// What is true of it, in the word of `list`.
    pub(super) status: String,
}

/// Which apps are shown and managed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// Those that work in this folder or below it, which is a real path.
    Below(PathBuf),
    /// Those of every folder.
    All,
}

impl Scope {
    /// Whether a process is one of the project.
    pub(super) fn has(&self, process: &Known) -> bool {
        match self {
            Self::All => true,
            Self::Below(folder) => is_below(&process.cwd, folder),
        }
    }

    /// Returns a folder where an app is to be started. `base`: where this program was started.
    pub(super) fn folder(&self, base: &Path, word: &str) -> Result<PathBuf, Failed> {
        let path = base.join(word);
        let shown = ostler_text::shown(word);
        let path = std::fs::canonicalize(&path)
            .map_err(|error| Failed::new(format!("there is no folder `{shown}`: {error}")))?;
        match self {
            Self::Below(folder) if !path.starts_with(folder) => {
                let folder = folder.display();
                Err(Failed::new(format!(
                    "`{shown}` is outside of the project's folder, `{folder}`"
                ))
                .hint(HOW_TO_SEE_ALL))
            }
            Self::Below(_) | Self::All => Ok(path),
        }
    }

    /// Returns the processes that a word means: all, those of an app, of a namespace, of
    /// `NAMESPACE/NAME`, or the one with this id.
    pub(super) fn meant<'a>(
        &self,
        word: &str,
        list: &'a [Known],
    ) -> Result<Vec<&'a Known>, Failed> {
        let (own, others): (Vec<&Known>, Vec<&Known>) = list.iter().partition(|of| self.has(of));
        let shown = ostler_text::shown(word);
        if let Some(found) = named(word, &own) {
            return Ok(found);
        }
        if let Some(other) = named(word, &others).and_then(|found| found.first().copied()) {
            let cwd = other.cwd.display();
            return Err(Failed::new(format!("`{shown}` is an app of another folder, `{cwd}`"))
                .hint(HOW_TO_SEE_ALL));
        }
        let mut names: Vec<&str> = own.iter().map(|of| of.name.as_str()).collect();
        names.dedup();
        let there = match names.as_slice() {
            [] => "there is none in this folder".to_owned(),
            names => format!("there are: {}", names.join(", ")),
        };
        Err(Failed::new(format!("no app, namespace or process is called `{shown}`; {there}")))
    }
}

const HOW_TO_SEE_ALL: &str =
    "`ostler mcp --all` manages the apps of all folders; its user decides that";

/// Folders may be named by links, and may be gone.
fn is_below(path: &Path, folder: &Path) -> bool {
    let real = std::fs::canonicalize(path);
    real.as_deref().unwrap_or(path).starts_with(folder)
}

fn named<'a>(word: &str, list: &[&'a Known]) -> Option<Vec<&'a Known>> {
    let of = |wanted: &dyn Fn(&Known) -> bool| -> Option<Vec<&'a Known>> {
        let found: Vec<&Known> = list.iter().copied().filter(|of| wanted(of)).collect();
        (!found.is_empty()).then_some(found)
    };
    if word == "all" {
        return of(&|_| true);
    }
    of(&|known| known.name == word)
        .or_else(|| of(&|known| full_name(known) == word))
        .or_else(|| of(&|known| known.namespace == word))
        .or_else(|| of(&|known| word.parse() == Ok(known.id)))
}

/// Returns namespace and name, by which a command finds an app.
pub(super) fn full_name(known: &Known) -> String {
    format!("{}/{}", known.namespace, known.name)
}

/// Returns the one word by which `logs` knows these processes and no other: a pattern of names, a
/// full name, or an id.
pub(super) fn word_of_logs(meant: &[&Known], list: &[Known]) -> Option<String> {
    let has = |known: &Known| meant.iter().any(|of| of.id == known.id);
    let mut names: Vec<&str> = meant.iter().map(|of| of.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    if list.iter().filter(|of| names.contains(&of.name.as_str())).all(has) {
        let names: Vec<String> = names.into_iter().map(escaped).collect();
        return Some(format!("/^(?:{})$/", names.join("|")));
    }
    let [first, ..] = meant else { return None };
    let full = full_name(first);
    let of_full: Vec<&Known> = list.iter().filter(|of| full_name(of) == full).collect();
    if of_full.len() == meant.len() && of_full.iter().all(|of| has(of)) {
        return Some(full);
    }
    (meant.len() == 1).then(|| first.id.to_string())
}

/// A name as a pattern that means it alone.
fn escaped(name: &str) -> String {
    let mut pattern = String::new();
    for letter in name.chars() {
        if letter.is_ascii_punctuation() {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(id: u32, namespace: &str, name: &str, cwd: &str) -> Known {
        let script = Path::new(cwd).join("app.js");
        let (name, namespace, status) = (name.into(), namespace.into(), "online".into());
        Known { id, name, namespace, cwd: cwd.into(), script, status }
    }

    fn list() -> Vec<Known> {
        vec![
            known(0, "shop", "api", "/no-such/shop"),
            known(1, "shop", "api", "/no-such/shop"),
            known(2, "shop", "a.b", "/no-such/shop/worker"),
            known(3, "back", "api", "/no-such/shopping"),
            known(4, "back", "db", "/no-such/back"),
        ]
    }

    #[test]
    fn a_word_means_apps_of_the_project_alone_and_says_where_another_one_is() {
        let (list, scope) = (list(), Scope::Below("/no-such/shop".into()));
        let ids = |scope: &Scope, word: &str| -> Result<Vec<u32>, String> {
            let found = scope.meant(word, &list).map_err(|failed| failed.to_string())?;
            Ok(found.iter().map(|of| of.id).collect())
        };
        assert_eq!(ids(&scope, "all"), Ok(vec![0, 1, 2]));
        assert_eq!(ids(&scope, "api"), Ok(vec![0, 1]));
        assert_eq!(ids(&scope, "shop/a.b"), Ok(vec![2]));
        assert_eq!(ids(&scope, "1"), Ok(vec![1]));
        assert!(ids(&scope, "db").unwrap_err().contains("another folder, `/no-such/back`"));
        assert!(ids(&scope, "3").unwrap_err().contains("`/no-such/shopping`"));
        assert!(ids(&scope, "x").unwrap_err().ends_with("there are: api, a.b"));
        assert_eq!(ids(&Scope::All, "api"), Ok(vec![0, 1, 3]));
        assert_eq!(ids(&Scope::All, "back"), Ok(vec![3, 4]));
    }

    #[test]
    fn logs_are_asked_for_by_a_word_that_means_no_other_app() {
        let list = list();
        let word = |ids: &[u32]| {
            let meant: Vec<&Known> = list.iter().filter(|of| ids.contains(&of.id)).collect();
            word_of_logs(&meant, &list)
        };
        assert_eq!(word(&[2, 4]).as_deref(), Some(r"/^(?:a\.b|db)$/"));
        assert_eq!(word(&[0, 1]).as_deref(), Some("shop/api"));
        assert_eq!(word(&[0]).as_deref(), Some("0"));
        assert_eq!(word(&[0, 1, 2]), None);
        assert_eq!(word(&[0, 1, 3]).as_deref(), Some("/^(?:api)$/"));
    }

    #[test]
    fn an_app_is_started_in_the_project_alone() {
        let folder = tempfile::tempdir().unwrap();
        let root = std::fs::canonicalize(folder.path()).unwrap();
        std::fs::create_dir(root.join("api")).unwrap();
        let scope = Scope::Below(root.join("api"));
        assert_eq!(scope.folder(&root.join("api"), "."), Ok(root.join("api")));
        let refused = scope.folder(&root.join("api"), "..").unwrap_err().to_string();
        assert!(refused.contains("is outside of the project's folder"), "{refused}");
        assert_eq!(Scope::All.folder(&root.join("api"), ".."), Ok(root.clone()));
        assert!(scope.folder(&root, "nope").is_err());
    }
}
