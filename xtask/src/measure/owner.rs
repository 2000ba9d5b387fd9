//! The struct that owns the event loop: how much of it everybody may touch, how much it does, and
//! how much of that is tested without a process.

use std::collections::{BTreeMap, BTreeSet};

use syn::visit::{self, Visit};
use syn::{ImplItem, Item, ItemFn, Macro, Type, Visibility};

use super::parsed::Parsed;
use super::row::Row;
use super::words::{count_test_attributes, idents_of_macro};

/// The crate and the struct.
const KRATE: &str = "crates/daemon";
const OWNER: &str = "Daemon";

/// A test that uses one of these needs another process.
const PROCESS: [&str; 4] = ["Command", "Child", "Sandbox", "fork"];

/// Fields and methods of the owner, and the tests of its crate.
pub fn rows(files: &[Parsed<'_>]) -> Vec<Row> {
    let files: Vec<&Parsed<'_>> = files.iter().filter(|file| file.krate == KRATE).collect();
    let product = files.iter().filter(|file| !file.is_test);
    let (mut open, mut all) = (0, 0);
    let mut methods = BTreeMap::new();
    for file in product {
        for item in &file.syntax.items {
            match item {
                Item::Struct(item) if item.ident == OWNER => {
                    all += item.fields.len();
                    let is_open = |f: &&syn::Field| !matches!(f.vis, Visibility::Inherited);
                    open += item.fields.iter().filter(is_open).count();
                }
                Item::Impl(item) if is_owner(&item.self_ty) => {
                    let of_item = item.items.iter().filter(|i| matches!(i, ImplItem::Fn(_)));
                    *methods.entry(file.source.path.as_str()).or_insert(0) += of_item.count();
                }
                _ => {}
            }
        }
    }
    methods.retain(|_, count| *count != 0);
    vec![
        row(format!("`{OWNER}`: fields open to others"), format!("{open} of {all}"), Vec::new()),
        row(
            format!("`{OWNER}`: methods"),
            format!("{} in {} files", methods.values().sum::<usize>(), methods.len()),
            methods.iter().map(|(path, count)| format!("{path}: {count}")).collect(),
        ),
        tests_row(&files),
    ]
}

fn row(what: String, now: String, places: Vec<String>) -> Row {
    Row { what, now, wanted: "", places }
}

fn is_owner(of: &Type) -> bool {
    matches!(of, Type::Path(of) if of.path.segments.last().is_some_and(|s| s.ident == OWNER))
}

fn tests_row(files: &[&Parsed<'_>]) -> Row {
    let (mut alone, mut other) = (0, 0);
    let mut places = Vec::new();
    for file in files {
        let mut tests = Tests::default();
        tests.visit_file(&file.syntax);
        let (with_process, without) = tests.counts();
        if without != 0 {
            places.push(format!("{}: {without}", file.source.path));
        }
        alone += without;
        other += with_process;
    }
    row(
        format!("{KRATE}: tests without a process"),
        format!("{alone} of {}", alone + other),
        places,
    )
}

/// The functions of a file with the names that stand in them. Whether a test needs a process is
/// seen from its own body and from those of the functions it calls in the same file.
#[derive(Default)]
struct Tests {
    bodies: BTreeMap<String, BTreeSet<String>>,
    tests: Vec<String>,
    /// Tests inside `proptest!`, with the names in the macro.
    in_macros: Vec<(usize, BTreeSet<String>)>,
    /// Names in the function being visited.
    open: Vec<BTreeSet<String>>,
}

impl Tests {
    /// How many need a process, and how many do not.
    fn counts(&self) -> (usize, usize) {
        let needs = |names: &BTreeSet<String>| self.reaches_process(names);
        let mut counts = (0, 0);
        let mut add = |needs: bool, count: usize| {
            if needs { counts.0 += count } else { counts.1 += count }
        };
        for name in &self.tests {
            add(self.bodies.get(name).is_some_and(needs), 1);
        }
        for (count, names) in &self.in_macros {
            add(needs(names), *count);
        }
        counts
    }

    fn reaches_process(&self, names: &BTreeSet<String>) -> bool {
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        let mut open: Vec<&str> = names.iter().map(String::as_str).collect();
        while let Some(name) = open.pop() {
            if PROCESS.contains(&name) {
                return true;
            }
            if seen.insert(name) {
                open.extend(self.bodies.get(name).into_iter().flatten().map(String::as_str));
            }
        }
        false
    }
}

impl<'ast> Visit<'ast> for Tests {
    fn visit_item_fn(&mut self, item: &'ast ItemFn) {
        self.open.push(BTreeSet::new());
        visit::visit_item_fn(self, item);
        let mut names = self.open.pop().unwrap_or_default();
        let name = item.sig.ident.to_string();
        names.remove(&name);
        self.bodies.entry(name.clone()).or_default().extend(names);
        if item.attrs.iter().any(|attr| attr.path().is_ident("test")) {
            self.tests.push(name);
        }
    }

    fn visit_ident(&mut self, ident: &'ast proc_macro2::Ident) {
        if let Some(names) = self.open.last_mut() {
            names.insert(ident.to_string());
        }
    }

    fn visit_macro(&mut self, item: &'ast Macro) {
        let names = idents_of_macro(item);
        let tests = count_test_attributes(item.tokens.clone());
        match self.open.last_mut() {
            Some(open) => open.extend(names),
            None if tests != 0 => self.in_macros.push((tests, names)),
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_needs_a_process_also_through_a_helper() {
        let file = syn::parse_file(
            "fn helper() -> Child { deeper() }
             fn deeper() { Command::new(\"true\"); }
             #[test] fn alone() { assert!(2 < 3); }
             #[test] fn through() { helper(); }
             #[test] fn in_a_macro() { assert!(helper().is_ok()); }
             proptest! { #[test] fn drawn(x in 0..3) { f(x); } #[test] fn more(y in 0..3) {} }",
        );
        let mut tests = Tests::default();
        tests.visit_file(&file.unwrap());
        assert_eq!(tests.counts(), (2, 3));
    }
}
