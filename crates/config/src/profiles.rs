//! `profiles`: apps of a file that are meant only when somebody says so, by the
//! words of Docker Compose.
//!
//! Problem: an app that is needed now and then, such as a debugger or a load test, stands in the
//! same file as the others and must not run with them. Rule: an app with `profiles` is left out
//! where `--profile` names none of them and `--only` does not name the app.

use std::collections::BTreeSet;

use crate::diagnostic::Diagnostic;
use crate::fields::Fields;
use crate::options::Options;
use crate::source::SourceText;
use crate::suggest;

/// The word for every profile.
pub const ALL_PROFILES: &str = "*";

/// Returns the profiles of an app.
pub(crate) fn of(fields: &Fields<'_>) -> Vec<String> {
    fields.words("profiles").unwrap_or_default()
}

/// Whether each app is meant by its profiles and `--profile`.
pub(crate) fn choose(
    all: &[Fields<'_>],
    options: &Options,
    source: SourceText<'_>,
    report: &mut Vec<Diagnostic>,
) -> Vec<bool> {
    let profiles: Vec<Vec<String>> = all.iter().map(of).collect();
    for (fields, names) in all.iter().zip(&profiles) {
        refuse_names(fields, names, report);
    }
    let known: BTreeSet<&str> = profiles.iter().flatten().map(String::as_str).collect();
    let wanted = words(&options.profiles);
    for name in wanted.iter().filter(|name| **name != ALL_PROFILES && !known.contains(*name)) {
        report.push(unknown(name, &known, source));
    }
    let is_meant =
        |of: &Vec<String>| of.is_empty() || of.iter().any(|name| wanted.contains(&name.as_str()));
    let all_meant = wanted.contains(&ALL_PROFILES);
    let is_meant: Vec<bool> = profiles.iter().map(|of| all_meant || is_meant(of)).collect();
    if words(&options.only).is_empty() && !is_meant.is_empty() && !is_meant.contains(&true) {
        report.extend(wanted.is_empty().then(|| none_is_meant(&known, source)));
    }
    is_meant
}

/// Refuses names that `--profile` could not name.
fn refuse_names(fields: &Fields<'_>, names: &[String], report: &mut Vec<Diagnostic>) {
    let is_right = |name: &String| {
        let is_letter = |c: char| c.is_alphanumeric() || "_.-".contains(c);
        name.starts_with(char::is_alphanumeric) && name.chars().all(is_letter)
    };
    for name in names.iter().filter(|name| !is_right(name)) {
        let message = format!("`{name}` cannot be the name of a profile");
        let help = "write letters, digits, `_`, `.` and `-`, a letter or digit first";
        let said = Diagnostic::error("wrong-form", message).help(help);
        report.push(fields.at("profiles", said));
    }
}

fn unknown(name: &str, known: &BTreeSet<&str>, source: SourceText<'_>) -> Diagnostic {
    let message = format!("no app of this file has the profile `{name}`");
    let help = match suggest::nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.is_empty() => "leave `--profile` out: no app has `profiles`".to_owned(),
        None => format!("there are {}", quoted(known.iter().copied())),
    };
    source.at(Diagnostic::error("no-profile", message).help(help), None)
}

fn none_is_meant(known: &BTreeSet<&str>, source: SourceText<'_>) -> Diagnostic {
    let message = "each app of this file has `profiles`, and no profile is chosen";
    let said = Diagnostic::error("no-profile", message);
    let first = known.first().copied().unwrap_or(ALL_PROFILES);
    let help = format!("`--profile {first}` chooses those with that profile");
    source.at(said.help(help), None)
}

/// Returns the names in the values of an option that takes several.
pub(crate) fn words(values: &[String]) -> Vec<&str> {
    let words = values.iter().flat_map(|name| name.split([',', ' ']));
    words.filter(|name| !name.is_empty()).collect()
}

/// Returns names as a sentence has them.
pub(crate) fn quoted<'n>(names: impl Iterator<Item = &'n str>) -> String {
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
