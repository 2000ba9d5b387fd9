//! Structs that are wide open: many fields, each of which anybody in the crate may change.

use syn::{Item, Visibility};

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
