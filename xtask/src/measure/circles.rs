//! Files of a crate that import each other in a circle: none of them can be read, tested or moved
//! without the others.
//!
//! The rule: a file imports another when it names something that is *defined* there, in a `use` or
//! in a path. `mod x;` imports nothing, and neither does a `pub use`: a name that is passed on
//! leads to the file that defines it. So a parent that only declares and passes on is in no circle
//! with its children, although they name its types; a parent that itself uses what a child defines
//! is. Calls of methods are not seen, and tests are left out.

use std::collections::{BTreeMap, BTreeSet};

use syn::visit::{self, Visit};
use syn::{
    ImplItemFn, Item, ItemFn, ItemImpl, ItemMod, ItemUse, Macro, UseTree, VisRestricted, Visibility,
};

use super::parsed::{Parsed, is_test_only};
use super::row::Row;
use super::words::paths_in;

/// A path of modules, with or without a name at its end.
type Path = Vec<String>;

/// The circles of all crates.
pub fn row(files: &[Parsed<'_>]) -> Row {
    let mut places = Vec::new();
    let mut sizes = Vec::new();
    let crates: BTreeSet<&str> = files.iter().map(|file| file.krate).collect();
    for krate in crates {
        let of_crate = files.iter().filter(|file| file.krate == krate && !file.is_test);
        let imports = imports(&of_crate.collect::<Vec<_>>());
        for circle in circles(&imports) {
            sizes.push(circle.len());
            places.push(format!("{krate}, {} files:", circle.len()));
            for file in &circle {
                let inside =
                    imports.get(file).into_iter().flatten().filter(|f| circle.contains(*f));
                let names: Vec<&str> = inside.map(|file| short(file)).collect();
                places.push(format!("  {} → {}", short(file), names.join(", ")));
            }
        }
    }
    sizes.sort_unstable_by(|a, b| b.cmp(a));
    let sizes_text: Vec<String> = sizes.iter().map(usize::to_string).collect();
    Row {
        what: "circles of files that import each other (sizes)".to_owned(),
        now: match sizes.len() {
            0 => "0".to_owned(),
            count => format!("{count} ({})", sizes_text.join(", ")),
        },
        wanted: "0",
        places,
    }
}

/// The path below `src`.
fn short(path: &str) -> &str {
    path.split_once("/src/").map_or(path, |(_, below)| below)
}

/// Which file imports which, by path.
fn imports<'a>(files: &[&Parsed<'a>]) -> BTreeMap<&'a str, BTreeSet<&'a str>> {
    let mut modules = Modules::default();
    for file in files {
        let file_path = file.source.path.as_str();
        let mut reader = Reader { modules: &mut modules, file: file_path, at: file.module.clone() };
        reader.module();
        reader.visit_file(&file.syntax);
    }
    let modules = modules.with_paths_from_root();
    let mut imports = BTreeMap::new();
    for (at, module) in &modules.0 {
        let edges: &mut BTreeSet<&str> = imports.entry(module.file).or_default();
        let used = module.uses.iter().filter_map(|path| modules.locate(path, 0));
        let named = module.paths.iter().filter_map(|path| modules.resolve(at, path));
        let named = named.filter_map(|path| modules.locate(&path, 0));
        edges.extend(used.chain(named).filter(|file| *file != module.file));
    }
    imports
}

/// Groups of files each of which reaches every other.
fn circles<'a>(imports: &BTreeMap<&'a str, BTreeSet<&'a str>>) -> Vec<BTreeSet<&'a str>> {
    let reach = |from: &'a str| {
        let mut seen = BTreeSet::new();
        let mut open = vec![from];
        while let Some(file) = open.pop() {
            let next = imports.get(file).into_iter().flatten();
            open.extend(next.copied().filter(|next| seen.insert(*next)));
        }
        seen
    };
    let reached: BTreeMap<&str, BTreeSet<&str>> =
        imports.keys().map(|file| (*file, reach(file))).collect();
    let back = |from: &str, to: &str| reached.get(to).is_some_and(|reached| reached.contains(from));
    let circle = |from: &'a str| -> BTreeSet<&'a str> {
        let forward = reached.get(from).into_iter().flatten();
        forward.copied().filter(|to| back(from, to)).collect()
    };
    let all: BTreeSet<_> = imports.keys().map(|file| circle(file)).collect();
    all.into_iter().filter(|circle| 1 < circle.len()).collect()
}

/// Names, globs and uses of a module.
type Imports = (BTreeMap<String, Path>, Vec<Path>, Vec<Path>);

/// Imports and definitions of one module, in a file of its own or inside another.
#[derive(Default)]
struct Module<'a> {
    file: &'a str,
    /// Names of items that it defines.
    defined: BTreeSet<String>,
    /// Names that a `use` brings in, with what they mean.
    names: BTreeMap<String, Path>,
    /// Modules from which `use x::*` brings everything in.
    globs: Vec<Path>,
    /// Items that it imports for itself.
    uses: Vec<Path>,
    /// Paths in its code, as written.
    paths: Vec<Path>,
}

#[derive(Default)]
struct Modules<'a>(BTreeMap<Path, Module<'a>>);

impl<'a> Modules<'a> {
    /// The path from the crate's root that a path in module `at` means; `None` for what is not of
    /// this crate, or local.
    fn resolve(&self, at: &[String], path: &[String]) -> Option<Path> {
        // One name alone is a local variable, although a module may be called the same.
        let of_module = (1 < path.len()).then(|| self.path_from_root(at, path));
        of_module.flatten().or_else(|| {
            let (first, rest) = path.split_first()?;
            let named = self.0.get(at)?.names.get(first)?;
            Some(named.iter().chain(rest).cloned().collect())
        })
    }

    /// The same for a path that begins with a module.
    fn path_from_root(&self, at: &[String], path: &[String]) -> Option<Path> {
        let (first, rest) = path.split_first()?;
        let parent = || at.get(..at.len().checked_sub(1)?);
        let base = match first.as_str() {
            "crate" => Vec::new(),
            "self" => at.to_vec(),
            "super" if rest.first().is_some_and(|next| next == "super") => {
                return self.path_from_root(parent()?, rest);
            }
            "super" => parent()?.to_vec(),
            _ => {
                let child: Path = at.iter().chain([first]).cloned().collect();
                self.0.contains_key(&child).then_some(child)?
            }
        };
        Some(base.into_iter().chain(rest.iter().cloned()).collect())
    }

    /// Replaces imports as written by paths from the root; those from other crates are left out.
    fn with_paths_from_root(mut self) -> Self {
        let imports: Vec<(Path, Imports)> = self
            .0
            .iter()
            .map(|(at, module)| {
                let paths = |paths: &[Path]| {
                    paths.iter().filter_map(|path| self.path_from_root(at, path)).collect()
                };
                let named = module.names.iter();
                let names = named.filter_map(|(name, path)| {
                    Some((name.clone(), self.path_from_root(at, path)?))
                });
                (at.clone(), (names.collect(), paths(&module.globs), paths(&module.uses)))
            })
            .collect();
        for (at, (names, globs, uses)) in imports {
            let module = self.0.entry(at).or_default();
            (module.names, module.globs, module.uses) = (names, globs, uses);
        }
        self
    }

    /// The file that defines what the path from the root names.
    fn locate(&self, path: &[String], depth: usize) -> Option<&'a str> {
        let splits = (0..=path.len()).rev().filter_map(|at| path.split_at_checked(at));
        let known = |(module, rest)| Some((self.0.get(module)?, rest));
        let (module, rest): (&Module<'a>, &[String]) = splits.into_iter().find_map(known)?;
        let Some((name, rest)) = rest.split_first() else { return Some(module.file) };
        // Names that are passed on in a circle would never end.
        if module.defined.contains(name) || 16 < depth {
            return Some(module.file);
        }
        if let Some(passed_on) = module.names.get(name) {
            let path: Path = passed_on.iter().chain(rest).cloned().collect();
            return self.locate(&path, depth + 1);
        }
        let defines = |glob: &&Path| {
            self.0.get(glob.as_slice()).is_some_and(|module| module.defined.contains(name))
        };
        match module.globs.iter().find(defines) {
            Some(glob) => self.0.get(glob.as_slice()).map(|module| module.file),
            None => Some(module.file),
        }
    }
}

/// Collects what the modules of one file define, import and name.
struct Reader<'m, 'a> {
    modules: &'m mut Modules<'a>,
    file: &'a str,
    at: Path,
}

impl<'a> Reader<'_, 'a> {
    fn module(&mut self) -> &mut Module<'a> {
        let module = self.modules.0.entry(self.at.clone()).or_default();
        module.file = self.file;
        module
    }

    /// Notes every name of a `use`; `path` is what stands before `tree`.
    fn import(&mut self, path: &[String], tree: &UseTree, passed_on: bool) {
        let with = |name: String| -> Path { path.iter().cloned().chain([name]).collect() };
        let (name, target) = match tree {
            UseTree::Path(tree) => {
                return self.import(&with(tree.ident.to_string()), &tree.tree, passed_on);
            }
            UseTree::Group(group) => {
                return group.items.iter().for_each(|tree| self.import(path, tree, passed_on));
            }
            UseTree::Glob(_) => {
                self.module().globs.push(path.to_vec());
                if !passed_on {
                    self.module().uses.push(path.to_vec());
                }
                return;
            }
            UseTree::Name(tree) if tree.ident == "self" => {
                (path.last().cloned().unwrap_or_default(), path.to_vec())
            }
            UseTree::Name(tree) => (tree.ident.to_string(), with(tree.ident.to_string())),
            UseTree::Rename(tree) => (tree.rename.to_string(), with(tree.ident.to_string())),
        };
        if !passed_on {
            self.module().uses.push(target.clone());
        }
        self.module().names.insert(name, target);
    }
}

impl<'ast> Visit<'ast> for Reader<'_, '_> {
    fn visit_item(&mut self, item: &'ast Item) {
        let ident = match item {
            Item::Const(item) => Some(&item.ident),
            Item::Enum(item) => Some(&item.ident),
            Item::Fn(item) => Some(&item.sig.ident),
            Item::Macro(item) => item.ident.as_ref(),
            Item::Static(item) => Some(&item.ident),
            Item::Struct(item) => Some(&item.ident),
            Item::Trait(item) => Some(&item.ident),
            Item::Type(item) => Some(&item.ident),
            Item::Union(item) => Some(&item.ident),
            _ => None,
        };
        if let Some(ident) = ident {
            self.module().defined.insert(ident.to_string());
        }
        visit::visit_item(self, item);
    }

    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        if item.content.is_some() && !is_test_only(&item.attrs) {
            self.at.push(item.ident.to_string());
            self.module();
            visit::visit_item_mod(self, item);
            self.at.pop();
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        if !is_test_only(&item.attrs) {
            let passed_on = !matches!(item.vis, Visibility::Inherited);
            self.import(&[], &item.tree, passed_on);
        }
    }

    fn visit_item_fn(&mut self, item: &'ast ItemFn) {
        if !is_test_only(&item.attrs) {
            visit::visit_item_fn(self, item);
        }
    }

    fn visit_item_impl(&mut self, item: &'ast ItemImpl) {
        if !is_test_only(&item.attrs) {
            visit::visit_item_impl(self, item);
        }
    }

    fn visit_impl_item_fn(&mut self, item: &'ast ImplItemFn) {
        if !is_test_only(&item.attrs) {
            visit::visit_impl_item_fn(self, item);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.module().paths.push(segments);
        visit::visit_path(self, path);
    }

    fn visit_vis_restricted(&mut self, _: &'ast VisRestricted) {
        // The `crate` of `pub(crate)` is no import.
    }

    fn visit_macro(&mut self, item: &'ast Macro) {
        let paths = paths_in(item.tokens.clone());
        self.module().paths.extend(paths);
        visit::visit_macro(self, item);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Source;

    #[track_caller]
    fn check(files: &[(&str, &str)], expected: &[&str]) {
        let source = |(path, text): &(&str, &str)| Source {
            path: format!("crates/a/src/{path}"),
            text: (*text).to_owned(),
        };
        let sources: Vec<Source> = files.iter().map(source).collect();
        assert_eq!(row(&Parsed::all(&sources).unwrap()).places, expected);
    }

    #[test]
    fn two_files_that_name_each_other_are_a_circle() {
        check(
            &[
                ("lib.rs", "mod a; mod b; mod c; pub use a::A;"),
                ("a.rs", "use crate::b::B; pub struct A(B);"),
                ("b.rs", "pub struct B; fn f() { super::a::g(); }"),
                ("c.rs", "use crate::{a::A, b::B};"),
            ],
            &["crates/a, 2 files:", "  a.rs → b.rs", "  b.rs → a.rs"],
        );
    }

    #[test]
    fn a_name_that_is_passed_on_leads_to_where_it_is_defined() {
        check(
            &[
                ("lib.rs", "mod a; mod b; pub use a::A; pub type Number = u64;"),
                ("a.rs", "use crate::Number; pub struct A(Number);"),
                ("b.rs", "use crate::A; fn f(a: A) {}"),
            ],
            &[],
        );
    }

    #[test]
    fn a_parent_that_only_passes_on_is_in_no_circle_with_its_children() {
        let child = ("a/child.rs", "use super::A; pub struct C(A); pub fn f() {}");
        check(
            &[("lib.rs", "mod a;"), ("a.rs", "mod child; pub use child::C; pub struct A;"), child],
            &[],
        );
        check(
            &[
                ("lib.rs", "mod a;"),
                ("a.rs", "mod child; pub struct A; fn g() { child::f() }"),
                child,
            ],
            &["crates/a, 2 files:", "  a.rs → a/child.rs", "  a/child.rs → a.rs"],
        );
    }

    #[test]
    fn a_variable_that_is_called_like_a_module_is_no_import() {
        check(
            &[
                ("lib.rs", "mod a;"),
                ("a.rs", "mod child; pub struct A; fn g(child: u32) { f(child) }"),
                ("a/child.rs", "use super::A; fn f(a: A) {}"),
            ],
            &[],
        );
    }

    #[test]
    fn what_only_tests_import_makes_no_circle() {
        check(
            &[
                ("lib.rs", "mod a; mod b;"),
                ("a.rs", "use crate::b::B; pub struct A(B);"),
                ("b.rs", "pub struct B; #[cfg(test)] mod tests { use crate::a::A; }"),
            ],
            &[],
        );
    }
}
