//! Rust files with their syntax, their place in the crate's modules, and whether they are tests.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use syn::{Attribute, Item};

use crate::source::Source;

/// One file, parsed.
pub struct Parsed<'a> {
    /// The file as it was read.
    pub source: &'a Source,
    /// The folder of its crate: `crates/core`, `xtask`.
    pub krate: &'a str,
    /// Its module path below the crate's root; empty for the root. Files that are not in `src` have
    /// none that means anything.
    pub module: Vec<String>,
    /// Nothing of it is in the program.
    pub is_test: bool,
    /// Its syntax tree.
    pub syntax: syn::File,
}

impl<'a> Parsed<'a> {
    /// Parses every file. Whether it is a test is decided by the `mod` line that names it.
    pub fn all(sources: &'a [Source]) -> Result<Vec<Self>> {
        let mut files: Vec<Self> = sources.iter().map(Self::parse).collect::<Result<_>>()?;
        let tests: BTreeSet<(&str, Vec<String>)> =
            files.iter().flat_map(Self::test_modules).collect();
        for file in &mut files {
            let depths = 1..=file.module.len();
            let mut above = depths.filter_map(|depth| file.module.get(..depth));
            file.is_test |= above.any(|module| tests.contains(&(file.krate, module.to_vec())));
        }
        Ok(files)
    }

    /// Whether it is part of what users run: neither a test nor a tool of the project.
    pub fn is_product(&self) -> bool {
        !self.is_test && self.krate != "xtask"
    }

    fn parse(source: &'a Source) -> Result<Self> {
        let syntax = syn::parse_file(&source.text)
            .with_context(|| format!("cannot parse `{}`", source.path))?;
        let (krate, inside) = match source.path.find("/src/") {
            Some(at) => (&source.path[..at], Some(&source.path[at + "/src/".len()..])),
            None => (source.path.find("/tests/").map_or("", |at| &source.path[..at]), None),
        };
        Ok(Self {
            source,
            krate,
            module: inside.map(module_of).unwrap_or_default(),
            is_test: inside.is_none() || krate == "crates/testkit",
            syntax,
        })
    }

    /// The modules that this file declares under `#[cfg(test)]` and keeps in files of their own.
    fn test_modules(&self) -> Vec<(&'a str, Vec<String>)> {
        let declared = self.syntax.items.iter().filter_map(|item| match item {
            Item::Mod(module) if is_test_only(&module.attrs) => Some(module.ident.to_string()),
            _ => None,
        });
        let path = |name| self.module.iter().cloned().chain([name]).collect();
        declared.map(|name| (self.krate, path(name))).collect()
    }
}

/// The module path of a file below `src`.
fn module_of(path: &str) -> Vec<String> {
    let mut parts: Vec<&str> = path.trim_end_matches(".rs").split('/').collect();
    if matches!(parts.last(), Some(&("mod" | "lib" | "main"))) {
        parts.pop();
    }
    parts.into_iter().map(str::to_owned).collect()
}

/// Whether the item is compiled for tests only: `#[cfg(test)]` or `#[test]`.
pub fn is_test_only(attrs: &[Attribute]) -> bool {
    attrs.iter().any(|attr| {
        attr.path().is_ident("test")
            || attr.path().is_ident("cfg")
                && attr.meta.require_list().is_ok_and(|list| list.tokens.to_string() == "test")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_s_place_is_known_from_its_path() {
        for (path, module) in [
            ("lib.rs", ""),
            ("main.rs", ""),
            ("guard/mod.rs", "guard"),
            ("guard.rs", "guard"),
            ("guard/watch.rs", "guard::watch"),
        ] {
            assert_eq!(module_of(path).join("::"), module, "{path}");
        }
    }

    #[test]
    fn a_file_is_a_test_when_its_mod_line_says_so() {
        let source = |path: &str, text: &str| Source { path: path.into(), text: text.into() };
        let sources = [
            source("crates/a/src/lib.rs", "mod guard; #[cfg(test)] mod tests;"),
            source("crates/a/src/guard.rs", ""),
            source("crates/a/src/tests.rs", ""),
            source("crates/a/src/tests/world.rs", ""),
            source("crates/b/src/tests.rs", ""),
            source("crates/b/tests/it/main.rs", ""),
        ];
        let files = Parsed::all(&sources).unwrap();
        let tests: Vec<bool> = files.iter().map(|file| file.is_test).collect();
        assert_eq!(tests, [false, false, true, true, false, true]);
    }
}
