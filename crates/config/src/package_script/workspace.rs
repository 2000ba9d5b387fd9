//! The folder of a package that is one of several in a repository, by its name:
//! `npm start -w web`, `yarn workspace web start`, `pnpm --filter web start`.
//!
//! Which folders are packages says the `package.json` at the top under `workspaces`, or
//! `pnpm-workspace.yaml` under `packages`: paths in which `*` is any name, `**` any folders.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::{package, yaml};

/// Folders that `**` goes down, at most.
const DEEPEST: usize = 6;
/// Folders that are looked at, at most.
const MOST: usize = 10_000;

/// Finds the package with this name, or in the folder that it names, from a folder on.
///
/// # Errors
/// There is none, or the name may mean several; as a phrase.
pub(super) fn folder(from: &Path, name: &str) -> Result<PathBuf, String> {
    if name.contains(['*', '{', '[', '!', '^']) || name.contains("...") {
        return Err(format!("`{name}` may mean several packages"));
    }
    let known = from.ancestors().find_map(|top| Some((top, patterns(top)?)));
    let Some((top, patterns)) = known else {
        return Err(format!("no `package.json` from `{}` on up has workspaces", from.display()));
    };
    let all = members(top, &patterns);
    let is_meant = |folder: &&PathBuf| {
        let named = package::above(folder);
        let named = named.as_ref().and_then(|(_, package)| package.get("name")?.as_str());
        named == Some(name) || [from, top].iter().any(|base| base.join(name).as_path() == **folder)
    };
    if let Some(folder) = all.iter().find(is_meant) {
        return Ok(folder.clone());
    }
    let shown =
        |folder: &PathBuf| format!("`{}`", folder.strip_prefix(top).unwrap_or(folder).display());
    let there: Vec<String> = all.iter().take(9).map(shown).collect();
    Err(format!("`{name}` is no workspace of `{}`, but {}", top.display(), there.join(", ")))
}

/// The patterns of the packages below a folder, if it is the top of several.
fn patterns(top: &Path) -> Option<Vec<String>> {
    let of_pnpm = std::fs::read_to_string(top.join("pnpm-workspace.yaml")).ok();
    let of_pnpm = of_pnpm.and_then(|text| yaml::parse(&text).ok()).map(|node| node.to_json());
    if let Some(packages) = of_pnpm.as_ref().and_then(|node| node.get("packages")) {
        return texts(packages);
    }
    let (_, package) = package::above(top).filter(|(folder, _)| folder == top)?;
    let workspaces = package.get("workspaces")?;
    texts(workspaces.get("packages").unwrap_or(workspaces))
}

fn texts(list: &serde_json::Value) -> Option<Vec<String>> {
    let texts = list.as_array()?.iter().filter_map(|text| text.as_str());
    Some(texts.map(str::to_owned).collect())
}

/// The folders with a `package.json` that the patterns mean; one that begins with `!` takes away.
fn members(top: &Path, patterns: &[String]) -> Vec<PathBuf> {
    let mut found = BTreeSet::new();
    for pattern in patterns {
        let (taken, pattern) =
            pattern.strip_prefix('!').map_or((false, &**pattern), |of| (true, of));
        let segments: Vec<&str> =
            pattern.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
        let mut folders = BTreeSet::new();
        walk(top, &segments, DEEPEST, &mut folders);
        if taken {
            found.retain(|folder| !folders.contains(folder));
        } else {
            found.extend(folders);
        }
    }
    found.into_iter().filter(|folder| folder.join("package.json").is_file()).collect()
}

fn walk(folder: &Path, segments: &[&str], left: usize, found: &mut BTreeSet<PathBuf>) {
    let Some((first, rest)) = segments.split_first() else {
        if found.len() < MOST {
            found.insert(folder.to_owned());
        }
        return;
    };
    if *first == "**" {
        walk(folder, rest, left, found);
        for below in folders_in(folder).filter(|_| 0 < left) {
            walk(&folder.join(below), segments, left - 1, found);
        }
    } else if first.contains('*') {
        for below in folders_in(folder).filter(|name| is_like(name, first)) {
            walk(&folder.join(below), rest, left, found);
        }
    } else if folder.join(first).is_dir() {
        walk(&folder.join(first), rest, left, found);
    }
}

fn folders_in(folder: &Path) -> impl Iterator<Item = String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    let names = folders.filter_map(|entry| entry.file_name().into_string().ok());
    names.filter(|name| name != "node_modules" && !name.starts_with('.'))
}

/// Whether a name is as a pattern with stars says.
fn is_like(name: &str, pattern: &str) -> bool {
    match pattern.split_once('*') {
        None => name == pattern,
        Some((before, after)) => name.strip_prefix(before).is_some_and(|rest| {
            (0..=rest.len()).any(|at| rest.get(at..).is_some_and(|rest| is_like(rest, after)))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(top: &Path, file: &str, text: &str) {
        let file = top.join(file);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }

    #[test]
    fn a_workspace_is_found_by_its_name_and_by_its_folder() {
        let dir = tempfile::tempdir().unwrap();
        let top = dir.path();
        for (folder, name) in
            [("packages/api", "@shop/api"), ("packages/old", "old"), ("apps/a/web", "web")]
        {
            write(top, &format!("{folder}/package.json"), &format!(r#"{{"name":"{name}"}}"#));
        }
        write(top, "packages/empty/x", "");
        write(top, "apps/node_modules/no/package.json", r#"{"name":"no"}"#);
        let found = |from: &str, name: &str| {
            let folder = folder(&top.join(from), name);
            folder.map(|folder| folder.strip_prefix(top).unwrap().display().to_string())
        };
        assert!(found("", "web").unwrap_err().contains("has workspaces"));
        let tops = [
            ("package.json", r#"{"workspaces":["packages/*","!packages/old","./apps/**"]}"#),
            ("package.json", r#"{"workspaces":{"packages":["packages/a*i","apps/*/web/"]}}"#),
            (
                "pnpm-workspace.yaml",
                "packages:\n  - 'packages/*'\n  - '!packages/o*'\n  - 'apps/**'\n",
            ),
        ];
        for (file, text) in tops {
            write(top, file, text);
            assert_eq!(found("", "@shop/api").unwrap(), "packages/api", "{text}");
            assert_eq!(found("", "packages/api").unwrap(), "packages/api", "{text}");
            assert_eq!(found("packages", "api").unwrap(), "packages/api", "{text}");
            assert_eq!(found("apps/a", "web").unwrap(), "apps/a/web", "{text}");
            for nobody in ["old", "empty", "no", ".."] {
                let why = found("", nobody).unwrap_err();
                assert!(why.contains("`packages/api`"), "{why}");
            }
        }
        for several in ["web...", "*", "{packages/**}", "!web"] {
            assert!(found("", several).unwrap_err().contains("several"), "{several}");
        }
    }
}
