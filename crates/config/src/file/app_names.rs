//! The names of the apps of a file: those that mean something else, and those that several have.

use std::collections::BTreeSet;

use crate::context::Context;
use crate::diagnostic::Diagnostic;
use crate::fields::Fields;
use crate::names::{doubtful_name, refused_name, refused_namespace};
use crate::resolve;

/// Makes a diagnostic.
type New = fn(&'static str, String) -> Diagnostic;

/// Refuses names that mean something else to commands.
pub(super) fn refuse_names(apps: &[Fields<'_>], ctx: &Context, report: &mut Vec<Diagnostic>) {
    for fields in apps.iter().filter(|_| !ctx.as_pm2) {
        let name = resolve::written_name(fields, ctx);
        let said = refused_name(&name).map(|of| (Diagnostic::error as New, of));
        let said = said.or(doubtful_name(&name).map(|of| (Diagnostic::warning as New, of)));
        let said = said.map(|(new, (why, help))| new("bad-name", why).help(help));
        report.extend(said.map(|said| fields.at("name", said)));
        let refused = fields.text("namespace").and_then(refused_namespace);
        let said = refused.map(|(why, help)| Diagnostic::error("bad-name", why).help(help));
        report.extend(said.map(|said| fields.at("namespace", said)));
    }
}

/// Warns of a name that several apps have: commands mean all of them by it. PM2 says nothing.
pub(super) fn warn_of_same_names(apps: &[Fields<'_>], ctx: &Context, report: &mut Vec<Diagnostic>) {
    if ctx.as_pm2 {
        return;
    }
    let names: Vec<(String, &str)> = apps
        .iter()
        .map(|fields| {
            let space = fields.text("namespace").unwrap_or("default");
            (resolve::written_name(fields, ctx), space)
        })
        .collect();
    let mut before = BTreeSet::new();
    for (name, fields) in names.iter().zip(apps) {
        if !before.insert(name) {
            let warning = Diagnostic::warning(
                "same-name",
                format!("another app of this file is called `{}`, too", name.0),
            );
            let help = "give each a `name` of its own: to commands they are one app";
            report.push(fields.at("name", warning.help(help)));
        }
    }
}
