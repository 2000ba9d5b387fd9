//! `validate`: what is wrong with process files. Nothing is started.

use ostler_config::Diagnostic;
use ostler_config::Severity;
use serde_json::{Value, json};

use super::told;
use crate::apps;
use crate::failed::{FAILED, Failed};
use crate::session::Session;

/// Runs the command `validate`.
pub(super) fn run(session: &mut Session) -> Result<(), Failed> {
    let asked = told::asked(session)?;
    let mut bad = false;
    for path in session.args.words.clone() {
        let (apps, diagnostics) = apps::checked(session, &path)?;
        let diagnostics = apps::in_order_of_file(&diagnostics);
        bad |= diagnostics.iter().any(Diagnostic::is_error);
        if let Some(asked) = &asked {
            let found: Vec<Value> = diagnostics.iter().map(object).collect();
            let whole = |found| json!({ "file": path, "apps": apps, "diagnostics": found });
            told::inside(session, asked, &found, whole);
            continue;
        }
        apps::tell(session, &diagnostics);
        session.out.message(&summary(&path, apps.len(), &diagnostics));
    }
    if bad { Err(Failed::quiet(FAILED)) } else { Ok(()) }
}

/// One line about a file.
fn summary(path: &str, apps: usize, diagnostics: &[Diagnostic]) -> String {
    let count = |severity| diagnostics.iter().filter(|of| of.severity == severity).count();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    let of = |count: usize, what: &str| match count {
        0 => None,
        1 => Some(format!("1 {what}")),
        _ => Some(format!("{count} {what}s")),
    };
    let mut parts: Vec<String> = of(apps, "app").into_iter().collect();
    parts.extend(of(errors, "error"));
    parts.extend(of(warnings, "warning"));
    if errors + warnings == 0 {
        parts.push("nothing is wrong".to_owned());
    }
    format!("{path}: {}", parts.join(", "))
}

fn object(diagnostic: &Diagnostic) -> Value {
    let severity = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    };
    let place = diagnostic.place.as_deref();
    json!({
        "severity": severity,
        "code": diagnostic.code,
        "message": ostler_text::without_numbers(diagnostic.own_message()),
        "key": diagnostic.ours.key,
        "file": diagnostic.origin,
        "line": place.map(|place| place.line),
        "column": place.map(|place| place.column),
        "length": place.map(|place| place.length),
        "hint": diagnostic.own_advice(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_one_line() {
        let warning = || Diagnostic::warning("x", "x");
        let error = || Diagnostic::error("x", "x");
        assert_eq!(summary("a.json", 2, &[]), "a.json: 2 apps, nothing is wrong");
        assert_eq!(summary("a.json", 1, &[warning()]), "a.json: 1 app, 1 warning");
        assert_eq!(summary("a", 0, &[error(), error(), warning()]), "a: 2 errors, 1 warning");
    }
}
