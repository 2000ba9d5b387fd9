//! What is wrong with a value, as it is told.

use crate::attributes::{Attribute, Gives};
use crate::diagnostic::{COMMAND_LINE, Diagnostic};
use crate::value::Node;

/// The diagnostic about a value that the command line gave an attribute.
pub(super) fn of_option(key: &Attribute, diagnostic: Diagnostic) -> Diagnostic {
    let parts = key.flags.iter().filter_map(|flag| match flag.gives {
        Gives::Part(part) => Some((part, *flag.long.first()?)),
        _ => None,
    });
    let parts: Vec<(&str, &str)> = parts.collect();
    if 1 < parts.len() {
        return diagnostic.of_options(key.name, &parts);
    }
    match key.flags.first().and_then(|flag| flag.long.first()) {
        Some(option) => diagnostic.of_option(key.name, option),
        // The script and its arguments are words.
        None => crate::script::of_command_line(diagnostic).origin(COMMAND_LINE),
    }
}

/// The complaint about an empty text.
pub(super) fn empty(key: &Attribute, written: &str) -> Diagnostic {
    let advice =
        if key.name == "script" { key.advice } else { "leave it out, or write what it is to be" };
    Diagnostic::error("empty", format!("`{written}` is empty")).help(advice)
}

/// The complaint about an `env_<name>` that is no object. PM2 accepts it and does nothing.
pub(super) fn no_environment(key: &str, node: &Node) -> Diagnostic {
    let kind = node.value.type_name();
    let message = format!("`{key}` is ignored: it must be an object, but is [object {kind}]");
    let own = format!("`{key}` is ignored: it must be an object, but is {}", node.shown());
    let diagnostic = Diagnostic::warning("no-variables", message).own(own);
    diagnostic.help(format!("write `{key}: {{ NAME: \"value\" }}`, to be used with `--env`"))
}
