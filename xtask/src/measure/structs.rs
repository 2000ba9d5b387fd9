//! Structs that are wide open: many fields, each of which anybody in the crate may change; and
//! those that do much.

use std::collections::BTreeMap;

use syn::{ImplItem, Item, Type, Visibility};

use super::parsed::Parsed;
use super::row::Row;

/// So many open fields are not many yet.
const FEW: usize = 10;

/// Structs of what users run with more than a few fields that are not private.
pub fn row(files: &[Parsed<'_>]) -> Row {
    let mut found = Vec::new();
    for file in files.iter().filter(|file| file.is_product()) {
        for item in &file.syntax.items {
            let Item::Struct(item) = item else { continue };
            let is_open = |f: &&syn::Field| !matches!(f.vis, Visibility::Inherited);
            let open = item.fields.iter().filter(is_open).count();
            if FEW < open {
                found.push((open, format!("{} `{}`: {open}", file.source.path, item.ident)));
            }
        }
    }
    found.sort_by(|a, b| b.cmp(a));
    Row {
        what: format!("structs with more than {FEW} open fields"),
        now: found.len().to_string(),
        wanted: "",
        places: found.into_iter().map(|(_, place)| place).collect(),
    }
}

/// So many types are named for their methods.
const NAMED: usize = 4;

/// The types of what users run that have the most methods.
pub fn methods(files: &[Parsed<'_>]) -> Row {
    let mut counts: BTreeMap<(&str, String), usize> = BTreeMap::new();
    for file in files.iter().filter(|file| file.is_product()) {
        for item in &file.syntax.items {
            let Item::Impl(item) = item else { continue };
            let Type::Path(of) = &*item.self_ty else { continue };
            let Some(name) = of.path.segments.last().map(|last| last.ident.to_string()) else {
                continue;
            };
            let methods = item.items.iter().filter(|item| matches!(item, ImplItem::Fn(_)));
            *counts.entry((file.krate, name)).or_default() += methods.count();
        }
    }
    let mut sorted: Vec<_> = counts.into_iter().collect();
    sorted.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let place = |((krate, name), count): &((&str, String), usize)| {
        let krate = krate.strip_prefix("crates/").unwrap_or(krate);
        format!("{krate} `{name}`: {count}")
    };
    let named = sorted.iter().take(NAMED);
    Row {
        what: "types with the most methods".to_owned(),
        now: named
            .map(|((_, name), count)| format!("{name} {count}"))
            .collect::<Vec<_>>()
            .join(", "),
        wanted: "",
        places: sorted.iter().take(4 * NAMED).map(place).collect(),
    }
}
