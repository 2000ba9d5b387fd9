//! The names of the apps of a file: those that mean something else, and those that several have.

use std::collections::BTreeSet;

use crate::diagnostic::Diagnostic;
use crate::fields::Fields;
use crate::names::{doubtful_name, refused_name, refused_namespace};

/// Makes a diagnostic.
type New = fn(&'static str, String) -> Diagnostic;

/// Refuses names that mean something else to commands.
pub(super) fn refuse_names(apps: &[Fields<'_>], names: &[String], report: &mut Vec<Diagnostic>) {
    for (fields, name) in apps.iter().zip(names) {
        let said = refused_name(name).map(|of| (Diagnostic::error as New, of));
        let said = said.or(doubtful_name(name).map(|of| (Diagnostic::warning as New, of)));
        let said = said.map(|(new, (why, help))| new("bad-name", why).help(help));
        report.extend(said.map(|said| fields.at("name", said)));
        let refused = fields.text("namespace").and_then(refused_namespace);
        let said = refused.map(|(why, help)| Diagnostic::error("bad-name", why).help(help));
        report.extend(said.map(|said| fields.at("namespace", said)));
    }
}

/// Warns of a name that several apps have: commands mean all of them by it.
pub(super) fn warn_of_same_names(
    apps: &[Fields<'_>],
    names: &[String],
    report: &mut Vec<Diagnostic>,
) {
    let mut before = BTreeSet::new();
    for (fields, name) in apps.iter().zip(names) {
        let space = fields.text("namespace").unwrap_or("default");
        if !before.insert((name, space)) {
            let warning = Diagnostic::warning(
                "same-name",
                format!("another app of this file is called `{name}`, too"),
            );
            let help = "give each a `name` of its own: to commands they are one app";
            report.push(fields.at("name", warning.help(help)));
        }
    }
}
