use std::collections::BTreeSet;
use std::path::Path;

use super::*;

#[test]
fn codes_are_in_the_order_of_the_alphabet_and_none_is_there_twice() {
    let names: Vec<&str> = codes().iter().map(|code| code.name).collect();
    let sorted: BTreeSet<&str> = names.iter().copied().collect();
    assert_eq!(names, sorted.into_iter().collect::<Vec<_>>());
}

/// Adds the codes that the sources below a folder use.
fn used(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            used(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let text = text.split("#[cfg(test)]").next().unwrap();
            for kind in ["error", "warning", "note"] {
                for rest in text.split(&format!("Diagnostic::{kind}(")).skip(1) {
                    let Some(rest) = rest.trim_start().strip_prefix('"') else { continue };
                    found.insert(rest.split('"').next().unwrap().to_owned());
                }
            }
        }
    }
}

#[test]
fn every_code_that_is_used_is_explained_and_every_page_is_of_one_that_is_used() {
    let mut found = BTreeSet::from([crate::IGNORED_OPTION.to_owned()]);
    used(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    // Made by a constructor that names it otherwise.
    found.retain(|code| code != "x");
    let explained: BTreeSet<String> = codes().iter().map(|code| code.name.to_owned()).collect();
    assert_eq!(found, explained);
}
