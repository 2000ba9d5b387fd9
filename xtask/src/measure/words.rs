//! Names inside macros, whose contents the grammar does not see.

use std::collections::BTreeSet;

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::Macro;

/// Returns every identifier in the macro's arguments.
pub fn idents_of_macro(item: &Macro) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    collect(item.tokens.clone(), &mut found);
    found
}

fn collect(tokens: TokenStream, found: &mut BTreeSet<String>) {
    for token in tokens {
        match token {
            TokenTree::Group(group) => collect(group.stream(), found),
            TokenTree::Ident(ident) => _ = found.insert(ident.to_string()),
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
}

/// Returns the paths that begin with `crate`, `super` or `self`.
pub fn paths_in(tokens: TokenStream) -> Vec<Vec<String>> {
    let (mut found, mut path, mut colons) = (Vec::new(), Vec::<String>::new(), 0);
    for token in tokens {
        match token {
            TokenTree::Ident(ident) => {
                let ident = ident.to_string();
                let is_root = matches!(ident.as_str(), "crate" | "super" | "self");
                if colons != 2 || path.is_empty() {
                    found.push(std::mem::take(&mut path));
                }
                if !path.is_empty() || is_root {
                    path.push(ident);
                }
                colons = 0;
            }
            TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
            TokenTree::Group(group) => {
                found.push(std::mem::take(&mut path));
                found.extend(paths_in(group.stream()));
            }
            TokenTree::Punct(_) | TokenTree::Literal(_) => found.push(std::mem::take(&mut path)),
        }
    }
    found.push(path);
    found.retain(|path| 1 < path.len());
    found
}

/// Returns how often `#[test]` stands in the tokens, at any depth.
pub fn count_test_attributes(tokens: TokenStream) -> usize {
    let (mut count, mut after_hash) = (0, false);
    for token in tokens {
        match token {
            TokenTree::Group(group) => {
                let is_attribute = after_hash && group.delimiter() == Delimiter::Bracket;
                count += usize::from(is_attribute && group.stream().to_string() == "test");
                count += count_test_attributes(group.stream());
                after_hash = false;
            }
            TokenTree::Punct(punct) => after_hash = punct.as_char() == '#',
            TokenTree::Ident(_) | TokenTree::Literal(_) => after_hash = false,
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_found_in_the_arguments_of_macros() {
        let tokens = "\"{}\", crate::a::B, x::y, f(super::c::d(1)), self.z".parse().unwrap();
        let found: Vec<String> = paths_in(tokens).iter().map(|path| path.join("::")).collect();
        assert_eq!(found, ["crate::a::B", "super::c::d"]);
    }
}
