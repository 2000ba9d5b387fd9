//! Whether a value is what its attribute wants, as far as the value alone tells.

use crate::attributes::{Attribute, Rule, Type};
use crate::cron;
use crate::diagnostic::Diagnostic;
use crate::port;
use crate::units;
use crate::value::{Node, Span, Value, number_text};

/// A complaint, and the part of the value that it is about.
type Wrong = (Box<Diagnostic>, Option<Span>);

/// Returns the value as its attribute wants it (numeric texts become numbers), or the complaint, in
/// which the attribute is called as it was `written`.
pub(crate) fn check(key: &Attribute, written: &str, node: &Node) -> Result<Node, Wrong> {
    let mut node = node.clone();
    if let Value::Text(text) = &node.value
        && key.types.contains(&Type::Number)
        && !matches!(key.rule, Rule::Memory)
        && let Some(number) = text.trim().parse::<f64>().ok().filter(|number| number.is_finite())
        // Digits in a text stay a text where texts are welcome: `uid: "0700"`, `instances: "2"`.
        && (!key.types.contains(&Type::Text) || matches!(key.rule, Rule::Uptime | Rule::Port))
    {
        node.value = Value::Number(number);
    }
    let of_type = key.types.iter().any(|wanted| wanted.name() == node.value.type_name());
    if !of_type {
        let advice = switch(key, &node).unwrap_or_else(|| key.advice.to_owned());
        let diagnostic = wrong_type(written, key.types, &node).help(advice);
        return Err((Box::new(diagnostic), node.span));
    }
    check_rule(key, written, &node).map_err(|(diagnostic, span)| {
        (Box::new(diagnostic.help(key.advice)), span.or(node.span))
    })?;
    Ok(node)
}

/// Returns the complaint that a value is of none of these types.
fn wrong_type(name: &str, types: &[Type], found: &Node) -> Diagnostic {
    let wanted: Vec<String> =
        types.iter().map(|wanted| format!("[object {}]", wanted.name())).collect();
    let message = format!(
        "Expect \"{name}\" to be a typeof {}, but now is [object {}]",
        wanted.join(" / "),
        found.value.type_name()
    );
    let words: Vec<&str> = types.iter().flat_map(|wanted| wanted.in_words()).copied().collect();
    let own = format!("`{name}` must be {}, but is {}", either(&words), found.shown());
    Diagnostic::error("wrong-type", message).own(own)
}

/// The advice about a word that was a truth value in YAML 1.1, where one is wanted.
fn switch(key: &Attribute, node: &Node) -> Option<String> {
    let Value::Text(text) = &node.value else { return None };
    let meant = switched(text).filter(|_| key.types.contains(&Type::Bool))?;
    Some(format!("write `{meant}`, without quotes: `{text}` is a text, also in YAML 1.2"))
}

/// What a word meant in YAML 1.1.
pub(crate) fn switched(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "yes" | "on" | "y" => Some(true),
        "no" | "off" | "n" => Some(false),
        _ => None,
    }
}

/// Returns alternatives as a sentence has them: `a, b or c`.
fn either(words: &[&str]) -> String {
    match words.split_last() {
        Some((last, before)) if !before.is_empty() => format!("{} or {last}", before.join(", ")),
        Some((last, _)) => (*last).to_owned(),
        None => String::new(),
    }
}

fn check_rule(key: &Attribute, name: &str, node: &Node) -> Result<(), Wrong> {
    match &node.value {
        _ if key.rule == Rule::ExitCodes => check_exit_codes(name, node),
        Value::Number(number) => check_number(key, name, *number).map_err(whole),
        Value::Text(text) => check_text(key, name, text).map_err(whole),
        Value::List(items) if key.rule == Rule::PlainItems => check_items(name, items),
        Value::Null | Value::Bool(_) | Value::List(_) | Value::Object(_) => Ok(()),
    }
}

/// A complaint about all of the value.
fn whole(diagnostic: Diagnostic) -> Wrong {
    (Box::new(diagnostic), None)
}

fn check_number(key: &Attribute, name: &str, number: f64) -> Result<(), Diagnostic> {
    let now = number_text(number);
    if !number.is_finite() {
        let own = format!("`{name}` must be a finite number, but is `{now}`");
        let message = format!("\"{name}\" is not a finite number");
        return Err(Diagnostic::error("wrong-form", message).own(own));
    }
    if key.rule == Rule::Cron && number != 0.0 {
        return Err(wrong_cron(name, "it is a number"));
    }
    let (least, most) = match key.rule {
        Rule::Min(least) => (Some(f64::from(least)), None),
        Rule::Between(least, most) => (Some(f64::from(least)), Some(f64::from(most))),
        Rule::Percent => (Some(1.0), Some(f64::from(u32::MAX))),
        Rule::Uptime => (Some(100.0), None),
        Rule::Memory | Rule::Port => (Some(0.0), None),
        Rule::Count => (None, None),
        Rule::Any
        | Rule::Date
        | Rule::Cron
        | Rule::Words(_)
        | Rule::NotEmpty
        | Rule::PlainItems
        | Rule::ExitCodes => {
            return Ok(());
        }
    };
    if number.fract() != 0.0 {
        let own = format!("`{name}` must be a whole number, but is `{now}`");
        let message = format!("\"{name}\" must be a whole number, but now is {now}");
        return Err(Diagnostic::error("wrong-form", message).own(own));
    }
    if let Some(least) = least.filter(|least| number < *least) {
        let own = format!("`{name}` must be at least {least}, but is `{now}`");
        let message = format!("The minimum of \"{name}\" is {least}, but now is {now}");
        return Err(Diagnostic::error("too-small", message).own(own));
    }
    if let Some(most) = most.filter(|most| *most < number) {
        let own = format!("`{name}` must be at most {most}, but is `{now}`");
        let message = format!("The maximum of \"{name}\" is {most}, but now is {now}");
        return Err(Diagnostic::error("too-large", message).own(own));
    }
    Ok(())
}

fn check_text(key: &Attribute, name: &str, text: &str) -> Result<(), Diagnostic> {
    // PM2's words, and in ours what the value must be.
    let failed = |wanted: &str, must: &str| {
        let message = format!("Verify \"{name}\" with regex failed, {wanted}");
        let own = format!("`{name}` must {must}, but is `{text}`");
        Err(Diagnostic::error("wrong-form", message).own(own))
    };
    match key.rule {
        Rule::Uptime if units::uptime(text).is_none() => failed(
            concat!(
                "it should be a NUMBER - milliseconds, \"[NUMBER]h\"(hours), ",
                "\"[NUMBER]m\"(minutes) or \"[NUMBER]s\"(seconds)",
            ),
            "be a time",
        ),
        Rule::Memory if units::memory(text).is_none() => failed(
            concat!(
                "it should be a NUMBER - byte, \"[NUMBER]G\"(Gigabyte), ",
                "\"[NUMBER]M\"(Megabyte) or \"[NUMBER]K\"(Kilobyte)",
            ),
            "be a size",
        ),
        Rule::Percent if units::percent(text).is_none() => {
            failed("it should be a NUMBER or \"[NUMBER]%\", from 1 up", "be percent from 1 up")
        }
        Rule::Words(words) if !words.contains(&text) => failed(
            &format!("it should be one of {}, but now is \"{text}\"", words.join(", ")),
            &format!("be {}", either(words)),
        ),
        Rule::Port if port::range(text).is_none() => failed(
            "it should be a NUMBER, auto or a range of ports",
            "be a port, `auto` or a range of ports",
        ),
        Rule::Count if text.trim() != "max" && text.trim().parse::<i32>().is_err() => failed(
            &format!("it should be a whole number or max, but now is \"{text}\""),
            "be a whole number or `max`",
        ),
        Rule::Date if !units::has_date(text) => {
            failed(&format!("there is no part of a date in \"{text}\""), "have a part of a date")
        }
        Rule::Cron if !cron::is_none(text) => {
            cron::check(text).map_err(|why| wrong_cron(name, &why))
        }
        Rule::NotEmpty if text.trim().is_empty() => {
            let own = format!("`{name}` is empty");
            Err(Diagnostic::error("empty", format!("\"{name}\" is empty")).own(own))
        }
        Rule::Any
        | Rule::Min(_)
        | Rule::Between(..)
        | Rule::Percent
        | Rule::Memory
        | Rule::Uptime
        | Rule::Port
        | Rule::Count
        | Rule::Date
        | Rule::Cron
        | Rule::Words(_)
        | Rule::NotEmpty
        | Rule::PlainItems
        | Rule::ExitCodes => Ok(()),
    }
}

/// PM2 says no more than that there is an error.
fn wrong_cron(name: &str, why: &str) -> Diagnostic {
    let own = format!("`{name}` is no pattern of cron: {why}");
    Diagnostic::error("bad-cron", format!("Cron pattern error: {why}")).own(own)
}

/// A code that no process can exit with would wait for ever.
fn check_exit_codes(name: &str, node: &Node) -> Result<(), Wrong> {
    let items = match &node.value {
        Value::List(items) => items.as_slice(),
        _ => std::slice::from_ref(node),
    };
    check_items(name, items)?;
    let is_none = |item: &&Node| item.plain().trim().parse::<u8>().is_err();
    let Some(item) = items.iter().find(is_none) else { return Ok(()) };
    let message = format!("`{name}` has `{}`, and exit codes are 0 to 255", item.plain());
    Err((Box::new(Diagnostic::error("wrong-form", message)), item.span))
}

fn check_items(name: &str, items: &[Node]) -> Result<(), Wrong> {
    let nested = |item: &&Node| matches!(item.value, Value::Object(_) | Value::List(_));
    let Some(item) = items.iter().find(nested) else { return Ok(()) };
    let message = format!(
        "every item of \"{name}\" must be a text, but one is [object {}]",
        item.value.type_name()
    );
    let own = format!("every item of `{name}` must be a text, but one is {}", item.shown());
    Err((Box::new(Diagnostic::error("wrong-type", message).own(own)), item.span))
}
