//! How long functions are, from `fn` to the closing brace, in what users run.

use syn::visit::{self, Visit};
use syn::{Block, Expr, ImplItemFn, ItemFn, ItemImpl, ItemMod, Signature, Stmt, TraitItemFn};

use super::parsed::{Parsed, is_test_only};
use super::row::Row;

/// Above this a function is listed.
const LONG: usize = 60;

/// Lengths of all functions, and those that are long.
pub fn rows(files: &[Parsed<'_>]) -> Vec<Row> {
    let mut all = Vec::new();
    for file in files.iter().filter(|file| file.is_product()) {
        let mut functions = Functions { path: &file.source.path, found: Vec::new() };
        functions.visit_file(&file.syntax);
        all.extend(functions.found);
    }
    all.sort_by_key(|function| function.lines);
    let at = |share: usize| {
        all.get(all.len().saturating_sub(1) * share / 100).map_or(0, |function| function.lines)
    };
    let lengths = Row {
        what: format!("functions ({}): lines, median / p90 / longest", all.len()),
        now: format!("{} / {} / {}", at(50), at(90), at(100)),
        wanted: "8 / 25 / 60 but for one flat match or table",
        places: Vec::new(),
    };
    let long: Vec<&Function> = all.iter().rev().filter(|f| LONG < f.lines).collect();
    let flat = long.iter().filter(|function| function.flat.is_some()).count();
    let over = Row {
        what: format!("functions over {LONG} lines"),
        now: format!("{} and {flat} flat", long.len() - flat),
        wanted: "0 and a few flat",
        places: long.iter().map(|function| function.place()).collect(),
    };
    vec![lengths, over]
}

/// One function with a body.
struct Function {
    /// Where it begins, as `crates/core/src/spec.rs:12`.
    place: String,
    name: String,
    lines: usize,
    /// `match` or `table`, if nearly all of it is one of these.
    flat: Option<&'static str>,
}

impl Function {
    fn place(&self) -> String {
        let flat = self.flat.map_or(String::new(), |flat| format!(", one {flat}"));
        format!("{} `{}`: {}{flat}", self.place, self.name, self.lines)
    }
}

struct Functions<'a> {
    path: &'a str,
    found: Vec<Function>,
}

impl Functions<'_> {
    fn add(&mut self, signature: &Signature, body: &Block) {
        let first = signature.fn_token.span.start().line;
        let last = body.brace_token.span.close().end().line;
        let lines = last + 1 - first;
        self.found.push(Function {
            place: format!("{}:{first}", self.path),
            name: signature.ident.to_string(),
            lines,
            flat: body.stmts.iter().find_map(|statement| flat(statement, lines)),
        });
    }
}

impl<'ast> Visit<'ast> for Functions<'_> {
    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        if !is_test_only(&item.attrs) {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_impl(&mut self, item: &'ast ItemImpl) {
        if !is_test_only(&item.attrs) {
            visit::visit_item_impl(self, item);
        }
    }

    fn visit_item_fn(&mut self, item: &'ast ItemFn) {
        if !is_test_only(&item.attrs) {
            self.add(&item.sig, &item.block);
            visit::visit_item_fn(self, item);
        }
    }

    fn visit_impl_item_fn(&mut self, item: &'ast ImplItemFn) {
        if !is_test_only(&item.attrs) {
            self.add(&item.sig, &item.block);
            visit::visit_impl_item_fn(self, item);
        }
    }

    fn visit_trait_item_fn(&mut self, item: &'ast TraitItemFn) {
        if let Some(body) = &item.default {
            self.add(&item.sig, body);
        }
        visit::visit_trait_item_fn(self, item);
    }
}

/// Returns `match` or `table`, if the statement is one that makes up four fifths of a function with
/// so many lines.
fn flat(statement: &Stmt, of: usize) -> Option<&'static str> {
    let expr = match statement {
        Stmt::Expr(expr, _) => expr,
        Stmt::Local(local) => &local.init.as_ref()?.expr,
        Stmt::Item(_) | Stmt::Macro(_) => return None,
    };
    let (what, span) = inner(expr)?;
    let lines = span.close().end().line + 1 - span.open().start().line;
    (of * 4 <= lines * 5).then_some(what)
}

/// The `match` or table that the expression is, also as the only argument of a call.
fn inner(expr: &Expr) -> Option<(&'static str, proc_macro2::extra::DelimSpan)> {
    match expr {
        Expr::Match(found) => Some(("match", found.brace_token.span)),
        Expr::Struct(found) => Some(("table", found.brace_token.span)),
        Expr::Array(found) => Some(("table", found.bracket_token.span)),
        Expr::Call(call) if call.args.len() == 1 => inner(call.args.first()?),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_flat_when_nearly_all_of_it_is_one_match() {
        let arms = "A => 1,\n".repeat(18);
        let flat = format!("fn flat() {{\nmatch x {{\n{arms}}}\n}}\n");
        let deep = format!("fn deep() {{\nf();\nif y {{\nmatch x {{\n{arms}}}\n}}\n}}\n");
        let text = flat + &deep;
        let file = syn::parse_file(&text).unwrap();
        let mut functions = Functions { path: "a.rs", found: Vec::new() };
        functions.visit_file(&file);
        let found: Vec<String> = functions.found.iter().map(Function::place).collect();
        assert_eq!(found, ["a.rs:1 `flat`: 22, one match", "a.rs:23 `deep`: 25"]);
    }
}
