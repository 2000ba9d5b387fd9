//! What an app was given: the attributes whose values are not the usual ones.
//!
//! Whoever shows an app reads it from here, so that an attribute is shown as soon as it has a row.

use ostler_core::spec::AppSpec;
use serde_json::Value as Json;

use super::attribute::{Attribute, Input};
use super::attributes;

/// Returns what an app was given as it was written, in the order of the table: attributes and
/// their values. What depends on other attributes or on the machine (paths, users, numbers of
/// processes) is no part of it: every app has its own.
pub fn given(spec: &AppSpec) -> impl Iterator<Item = (&'static Attribute, Json)> {
    let usual = AppSpec::new("/".into(), "/".into());
    let written = attributes().filter(|of| of.input == Input::Direct && of.is_of_app());
    written.filter_map(move |attribute| {
        let value = attribute.get(spec);
        let is_nothing = value.is_null() || value.as_array().is_some_and(Vec::is_empty);
        let is_usual =
            value == attribute.get(&usual) || Some(&value) == attribute.default().as_ref();
        (!is_nothing && !is_usual).then_some((attribute, value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_usual_is_not_given_and_the_example_of_each_row_is() {
        let usual = AppSpec::new("/a.js".into(), "/".into());
        assert_eq!(given(&usual).count(), 0);
        for attribute in attributes().filter(|of| of.input == Input::Direct && of.is_of_app()) {
            let mut spec = usual.clone();
            let example = serde_json::from_str(attribute.example).unwrap();
            attribute.set(&mut spec, &example).unwrap();
            let names: Vec<&str> = given(&spec).map(|(of, _)| of.name).collect();
            assert_eq!(names, [attribute.name]);
        }
    }
}
