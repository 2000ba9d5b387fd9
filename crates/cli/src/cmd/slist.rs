//! `slist`: figures of the machine.

use std::fmt::Write as _;

use serde_json::Value;

use super::told;
use crate::args::FlagId;
use crate::failed::Failed;
use crate::inspect::inspect;
use crate::machine;
use crate::program::Program;
use crate::session::Session;
use crate::show::Asked;

/// Runs the command `slist`.
pub(super) fn run(session: &mut Session) -> Result<(), Failed> {
    let asked = told::asked(session)?;
    let figures = ostler_machine::figures();
    let metrics = machine::metrics(&figures);
    if let Some(asked) = asked {
        let is_lines = matches!(asked, Asked::Lines(_));
        let plain = figures.iter().map(|(name, value, _)| (name.clone(), machine::number(*value)));
        let all = match metrics {
            Value::Object(all) if !is_lines => all,
            _ => plain.collect(),
        };
        let missing = |name: &str| Failed::new(format!("there is no figure `{name}`"));
        return told::named(session, &asked, &all, missing, "`ostler slist` shows what there is");
    }
    let text = if session.has(FlagId::Tree) && session.program == Program::Ostler {
        tree(&shown(&figures), "")
    } else if session.has(FlagId::Tree) {
        tree(&metrics, "")
    } else if session.has(FlagId::Json) {
        format!("{metrics}\n")
    } else if session.program == Program::Pm2 {
        inspect(&metrics)
    } else {
        let line = |(name, value, unit): &(String, f64, &str)| {
            format!("{name}: {} {unit}\n", machine::number(*value))
        };
        figures.iter().filter(|of| !is_none(of)).map(line).collect()
    };
    session.out.data(&text);
    Ok(())
}

/// The figures as a person reads them.
fn shown(figures: &[(String, f64, &str)]) -> Value {
    let line = |(name, value, unit): &(String, f64, &str)| {
        (name.clone(), Value::String(format!("{} {unit}", machine::number(*value))))
    };
    Value::Object(figures.iter().filter(|of| !is_none(of)).map(line).collect())
}

/// Whether PM2 gives the figure a number that says that there is none.
fn is_none((name, value, _): &(String, f64, &str)) -> bool {
    name == "CPU Temperature" && *value < 0.0
}

/// Draws an object as a tree.
fn tree(value: &Value, before: &str) -> String {
    let Value::Object(map) = value else { return String::new() };
    let mut out = String::new();
    for (at, (name, value)) in map.iter().enumerate() {
        let (branch, below) =
            if at + 1 == map.len() { ("└─", "   ") } else { ("├─", "│  ") };
        let shown = match value {
            Value::Object(_) => String::new(),
            Value::String(text) => format!(": {text}"),
            other => format!(": {other}"),
        };
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{before}{branch} {name}{shown}");
        out.push_str(&tree(value, &format!("{before}{below}")));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_temperature_that_nobody_measures_is_no_figure() {
        assert!(is_none(&("CPU Temperature".to_owned(), -1.0, "°C")));
        assert!(!is_none(&("CPU Temperature".to_owned(), 48.0, "°C")));
        assert!(!is_none(&("CPU Usage".to_owned(), 0.0, "%")));
    }

    #[test]
    fn a_tree_has_no_figure_that_nobody_measures() {
        let figures =
            [("CPU Temperature".to_owned(), -1.0, "°C"), ("CPU Usage".to_owned(), 2.5, "%")];
        assert_eq!(tree(&shown(&figures), ""), "└─ CPU Usage: 2.5 %\n");
    }

    #[test]
    fn a_tree_looks_as_pm2s() {
        let value = serde_json::json!({ "CPU": { "value": 1.1, "unit": "%" }, "RAM": { "a": 1 } });
        let expected = "├─ CPU\n│  ├─ value: 1.1\n│  └─ unit: %\n└─ RAM\n   └─ a: 1\n";
        assert_eq!(tree(&value, ""), expected);
    }
}
