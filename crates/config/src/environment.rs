//! The app's environment: the caller's, then `deploy`'s, then `env`, then `env_<name>`, and over
//! all of them what ostler adds.

use std::collections::BTreeMap;

use crate::context::Context;
use crate::diagnostic::Diagnostic;
use crate::fields::Fields;
use crate::value::{Node, Value};

/// Where the app is described.
#[derive(Clone, Copy, Debug)]
pub(crate) enum From<'a> {
    /// On the command line alone.
    Options,
    /// In a process file, read with this `--env` and the variables its `deploy` section has for it.
    File { env: Option<&'a str>, deploy: Option<&'a Node> },
}

/// All variables of the app.
pub(crate) fn build(
    fields: &Fields<'_>,
    from: From<'_>,
    ctx: &Context,
    report: &mut Vec<Diagnostic>,
) -> BTreeMap<String, String> {
    let mut env = inherited(fields, ctx);
    if let From::File { env: selected, deploy } = from {
        put(&mut env, deploy);
        put(&mut env, fields.node("env"));
        if let Some(name) = selected {
            match fields.environment(name) {
                Some(node) => put(&mut env, Some(node)),
                None if deploy.is_some() => {}
                None => report.push(undefined(name, fields)),
            }
        }
        env.insert("PM2_JSON_PROCESSING".to_owned(), "true".to_owned());
    }
    if let Some(port) = fields.node("port") {
        env.insert("PORT".to_owned(), port.plain());
    }
    if let Some(io) = fields.node("io") {
        env.insert("io".to_owned(), io.plain());
    }
    env.insert("PM2_HOME".to_owned(), ctx.home.to_string_lossy().into_owned());
    env.insert("PM2_USAGE".to_owned(), "CLI".to_owned());
    env
}

/// The caller's variables that `filter_env` lets through.
fn inherited(fields: &Fields<'_>, ctx: &Context) -> BTreeMap<String, String> {
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
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

fn put(env: &mut BTreeMap<String, String>, node: Option<&Node>) {
    let Some(Node { value: Value::Object(entries), .. }) = node else { return };
    env.extend(entries.iter().map(|entry| (entry.key.clone(), entry.node.plain())));
}

fn undefined(name: &str, fields: &Fields<'_>) -> Diagnostic {
    let diagnostic = Diagnostic::warning(
        "no-environment",
        format!("Environment [{name}] is not defined in process file"),
    );
    let known: Vec<String> = fields.environment_names().map(|known| format!("`{known}`")).collect();
    let help = match known.as_slice() {
        [] => format!("add an object `env_{name}` to the app"),
        known => format!("the app has {}", known.join(", ")),
    };
    fields.at("env", diagnostic.help(help))
}
