//! Whether a value is what its attribute wants, as far as the value alone tells.

use crate::attributes::{Attribute, Rule, Type};
use crate::diagnostic::Diagnostic;
use crate::units;
use crate::value::{Node, Value, number_text};

/// Returns the value as its attribute wants it (numeric texts become numbers), or the complaint, in
/// which the attribute is called as it was `written`.
pub(crate) fn check(key: &Attribute, written: &str, node: &Node) -> Result<Node, Diagnostic> {
    let mut node = node.clone();
    if let Value::Text(text) = &node.value
        && key.types.contains(&Type::Number)
        && !matches!(key.rule, Rule::Memory)
        && let Some(number) = text.trim().parse::<f64>().ok().filter(|number| number.is_finite())
        // Digits in a text stay a text where texts are welcome: `uid: "0700"`, `instances: "2"`.
        && (!key.types.contains(&Type::Text) || matches!(key.rule, Rule::Uptime))
    {
        node.value = Value::Number(number);
    }
    let of_type = key.types.iter().any(|wanted| wanted.name() == node.value.type_name());
    if !of_type {
        return Err(wrong_type(written, key.types, &node.value).help(key.advice));
    }
    check_rule(key, written, &node).map_err(|diagnostic| diagnostic.help(key.advice))?;
    Ok(node)
}

/// Returns the complaint that a value is of none of these types.
fn wrong_type(name: &str, types: &[Type], found: &Value) -> Diagnostic {
    let wanted: Vec<String> =
        types.iter().map(|wanted| format!("[object {}]", wanted.name())).collect();
    let message = format!(
        "Expect \"{name}\" to be a typeof {}, but now is [object {}]",
        wanted.join(" / "),
        found.type_name()
    );
    Diagnostic::error("wrong-type", message)
}

fn check_rule(key: &Attribute, name: &str, node: &Node) -> Result<(), Diagnostic> {
    match &node.value {
        Value::Number(number) => check_number(key, name, *number),
        Value::Text(text) => check_text(key, name, text),
        Value::List(items) if key.rule == Rule::PlainItems => check_items(name, items),
        Value::Null | Value::Bool(_) | Value::List(_) | Value::Object(_) => Ok(()),
    }
}

fn check_number(key: &Attribute, name: &str, number: f64) -> Result<(), Diagnostic> {
    if !number.is_finite() {
        let message = format!("\"{name}\" is not a finite number");
        return Err(Diagnostic::error("wrong-form", message));
    }
    let least = match key.rule {
        Rule::Min(least) => least,
        Rule::Uptime => 100,
        Rule::Memory => 0,
        Rule::Count if number.fract() != 0.0 => {
            let now = number_text(number);
            let message = format!("\"{name}\" must be a whole number, but now is {now}");
            return Err(Diagnostic::error("wrong-form", message));
        }
        Rule::Any
        | Rule::Count
        | Rule::Date
        | Rule::Words(_)
        | Rule::NotEmpty
        | Rule::PlainItems => return Ok(()),
    };
    if number.fract() != 0.0 {
        let now = number_text(number);
        let message = format!("\"{name}\" must be a whole number, but now is {now}");
        return Err(Diagnostic::error("wrong-form", message));
    }
    if number < f64::from(least) {
        let now = number_text(number);
        let message = format!("The minimum of \"{name}\" is {least}, but now is {now}");
        return Err(Diagnostic::error("too-small", message));
    }
    Ok(())
}

fn check_text(key: &Attribute, name: &str, text: &str) -> Result<(), Diagnostic> {
    let failed = |wanted: &str| {
        let message = format!("Verify \"{name}\" with regex failed, {wanted}");
        Err(Diagnostic::error("wrong-form", message))
    };
    match key.rule {
        Rule::Uptime if units::uptime(text).is_none() => failed(concat!(
            "it should be a NUMBER - milliseconds, \"[NUMBER]h\"(hours), ",
            "\"[NUMBER]m\"(minutes) or \"[NUMBER]s\"(seconds)",
        )),
        Rule::Memory if units::memory(text).is_none() => failed(concat!(
            "it should be a NUMBER - byte, \"[NUMBER]G\"(Gigabyte), ",
            "\"[NUMBER]M\"(Megabyte) or \"[NUMBER]K\"(Kilobyte)",
        )),
        Rule::Words(words) if !words.contains(&text) => {
            failed(&format!("it should be one of {}, but now is \"{text}\"", words.join(", ")))
        }
        Rule::Count if text.trim() != "max" && text.trim().parse::<i32>().is_err() => {
            failed(&format!("it should be a whole number or max, but now is \"{text}\""))
        }
        Rule::Date if !units::has_date(text) => {
            failed(&format!("there is no part of a date in \"{text}\""))
        }
        Rule::NotEmpty if text.trim().is_empty() => {
            Err(Diagnostic::error("empty", format!("\"{name}\" is empty")))
        }
        Rule::Any
        | Rule::Min(_)
        | Rule::Memory
        | Rule::Uptime
        | Rule::Count
        | Rule::Date
        | Rule::Words(_)
        | Rule::NotEmpty
        | Rule::PlainItems => Ok(()),
    }
}

fn check_items(name: &str, items: &[Node]) -> Result<(), Diagnostic> {
    let nested = |item: &&Node| matches!(item.value, Value::Object(_) | Value::List(_));
    let Some(item) = items.iter().find(nested) else { return Ok(()) };
    let message = format!(
        "every item of \"{}\" must be a text, but one is [object {}]",
        name,
        item.value.type_name()
    );
    Err(Diagnostic::error("wrong-type", message))
}
