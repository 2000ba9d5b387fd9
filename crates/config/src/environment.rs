//! The app's environment: the caller's, then `deploy`'s, then that of files, then `env`, then
//! `port`, then `env_<name>`, and over all of them what ostler adds.

use std::collections::BTreeSet;

use ostler_core::Texts;
use ostler_core::spec::AppSpec;

use crate::attributes::is_typed;
use crate::context::Context;
use crate::diagnostic::Diagnostic;
use crate::env_files;
use crate::fields::Fields;
use crate::port;
use crate::value::{Node, Value};

/// The variable with the port of an app.
const PORT: &str = "PORT";

/// Where the app is described.
#[derive(Clone, Copy, Debug)]
pub(crate) enum From<'a> {
    /// On the command line alone.
    Options,
    /// In a process file, read with this `--env` and the variables its `deploy` section has for it.
    File { env: Option<&'a str>, deploy: Option<&'a Node> },
}

/// Gives the app all its variables.
pub(crate) fn put_all(
    spec: &mut AppSpec,
    fields: &Fields<'_>,
    from: From<'_>,
    ctx: &Context,
    report: &mut Vec<Diagnostic>,
) {
    spec.env = inherited(fields, ctx);
    match from {
        From::Options => put_port(spec, fields, ctx, report),
        From::File { env: selected, deploy } => {
            put(spec, deploy);
            put_files(spec, ("env_file", fields.node("env_file")), fields, ctx, report);
            let of_environment = selected.and_then(|name| fields.environment_files(name));
            put_files(spec, ("env_file", of_environment), fields, ctx, report);
            put(spec, fields.node("env"));
            put_port(spec, fields, ctx, report);
            if let Some(name) = selected {
                match fields.environment(name) {
                    Some(node) => put_selected(spec, node),
                    None if deploy.is_some() || of_environment.is_some() => {}
                    None => report.push(undefined(name, fields)),
                }
            }
            put_text(spec, "PM2_JSON_PROCESSING", "true");
        }
    }
    if let Some(io) = fields.node("io") {
        put_text(spec, "io", &io.plain());
    }
    let home = ctx.home.to_string_lossy();
    put_text(spec, "PM2_HOME", &home);
    // Both names of the program reach the manager that runs the app.
    if spec.env.get(ostler_env::OSTLER_HOME).is_some() {
        put_text(spec, ostler_env::OSTLER_HOME, &home);
    }
    put_text(spec, "PM2_USAGE", "CLI");
}

/// Gives the app its `port` as the variable, over what `env` says, as PM2 does when it starts an
/// app. A `PORT` that is made for each instance is meant to be what it says.
fn put_port(spec: &mut AppSpec, fields: &Fields<'_>, ctx: &Context, report: &mut Vec<Diagnostic>) {
    let Some(node) = fields.node("port") else { return };
    let written = spec.env.get(PORT).filter(|_| spec.file_variables.contains(PORT));
    let written = written.map(str::to_owned);
    let is_range = port::range(&node.plain()).is_some();
    if is_range {
        // The daemon gives it one; that of the caller is another program's.
        spec.env.remove(PORT);
        spec.file_variables.remove(PORT);
    } else if written.as_deref().is_some_and(port::is_made) {
        return;
    } else {
        let typed = is_typed(node).then(|| PORT.to_owned()).into_iter().collect();
        spec.put_env([(PORT.to_owned(), node.plain())], &typed);
        spec.file_variables.insert(PORT.to_owned());
    }
    let is_same = |of: &&String| [node.plain().as_str(), "{port}"].contains(&of.trim());
    let lost = written.filter(|of| !is_same(&of) && !ctx.as_pm2);
    report.extend(lost.map(|lost| fields.at("port", two_ports(node, &lost, is_range))));
}

fn two_ports(node: &Node, lost: &str, is_range: bool) -> Diagnostic {
    let gets = if is_range { "one that is free" } else { &*node.plain() };
    let message = format!(
        "the app has `port: {}` and the variable `PORT={lost}`: `port` counts, and it gets {gets}",
        node.plain()
    );
    let help = if is_range {
        "leave `port` or the variable `PORT` out"
    } else {
        "leave one of them out; `PORT: \"{port+instance}\"` gives each instance its own"
    };
    Diagnostic::warning("two-ports", message).help(help)
}

/// Puts the variables of `env_<name>` over all. A port that somebody wrote there is no longer
/// the daemon's to choose.
fn put_selected(spec: &mut AppSpec, node: &Node) {
    put(spec, Some(node));
    let Value::Object(entries) = &node.value else { return };
    let port = entries.iter().rfind(|entry| entry.key == PORT).map(|entry| &entry.node);
    if let Some(port) = port.filter(|_| port::port_range(spec).is_some()) {
        spec.passthrough.insert("port", port.to_json().to_string());
    }
}

fn put_files(
    spec: &mut AppSpec,
    (key, node): (&str, Option<&Node>),
    fields: &Fields<'_>,
    ctx: &Context,
    report: &mut Vec<Diagnostic>,
) {
    let said = node.map_or_else(Vec::new, |node| env_files::put(spec, node, ctx));
    report.extend(said.into_iter().map(|(part, said)| fields.at_span(key, part.span, said)));
}

fn put_text(spec: &mut AppSpec, name: &str, value: &str) {
    spec.put_env([(name.to_owned(), value.to_owned())], &BTreeSet::new());
}

/// The caller's variables that `filter_env` lets through.
fn inherited(fields: &Fields<'_>, ctx: &Context) -> Texts {
    let keep: Box<dyn Fn(&str) -> bool> = match fields.node("filter_env").map(|node| &node.value) {
        Some(Value::Bool(true)) => Box::new(|_| false),
        Some(Value::Text(exact)) => Box::new(move |name| name != exact),
        Some(Value::List(_)) => {
            let parts = fields.words("filter_env").unwrap_or_default();
            Box::new(move |name| !parts.iter().any(|part| name.contains(part.as_str())))
        }
        _ => Box::new(|_| true),
    };
    ctx.env
        .iter()
        .filter(|(name, _)| keep(name))
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect()
}

fn put(spec: &mut AppSpec, node: Option<&Node>) {
    let Some(Node { value: Value::Object(entries), .. }) = node else { return };
    let typed = entries.iter().filter(|entry| is_typed(&entry.node));
    let typed = typed.map(|entry| entry.key.clone()).collect();
    let texts = entries.iter().map(|entry| (entry.key.clone(), entry.node.plain()));
    spec.put_env(texts, &typed);
    spec.file_variables.extend(entries.iter().map(|entry| entry.key.clone()));
}

fn undefined(name: &str, fields: &Fields<'_>) -> Diagnostic {
    let diagnostic = Diagnostic::warning(
        "no-environment",
        format!("Environment [{name}] is not defined in process file"),
    )
    .own(format!("this app has no `env_{name}`"));
    let known: Vec<String> = fields.environment_names().map(|known| format!("`{known}`")).collect();
    let help = match known.as_slice() {
        [] => format!("add an object `env_{name}` to the app"),
        known => format!("the app has {}", known.join(", ")),
    };
    fields.at("env", diagnostic.help(help))
}
