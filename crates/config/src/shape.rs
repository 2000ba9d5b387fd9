//! The forms a process file may have: `{apps: […]}`, a list, or one app; within a `package.json`
//! under the key `pm2` or `ostler`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::attributes;
use crate::diagnostic::Diagnostic;
use crate::fields::InFile;
use crate::source::SourceText;
use crate::suggest;
use crate::value::{Entry, Node, Span, Value};

/// The apps of a file, as written.
pub(crate) struct Shape<'n> {
    /// The apps, in order.
    pub apps: Vec<InFile<'n>>,
    /// Variables of `deploy.<env>.env`.
    pub deploy: Option<Cow<'n, Node>>,
}

/// Finds the apps. A part of what several files say need not have any.
pub(crate) fn read<'n>(
    root: &'n Node,
    env: Option<&str>,
    is_part: bool,
    source: SourceText<'_>,
    report: &mut Vec<Diagnostic>,
) -> Shape<'n> {
    let deploy = env
        .and_then(|env| root.get("deploy")?.get(env)?.get("env"))
        .filter(|node| matches!(node.value, Value::Object(_)))
        .map(Cow::Borrowed);
    let mut shape = Shape { apps: Vec::new(), deploy };
    if let Value::Object(entries) = &root.value
        && let Some(entry) = entries.iter().find(|entry| entry.key == "static")
    {
        let diagnostic = Diagnostic::error("unsupported", "`static` servers are not supported yet");
        report.push(
            source.at(
                diagnostic.help(
                    "write an app with the script `serve`, and `PM2_SERVE_PATH` in its `env`",
                ),
                entry.key_span,
            ),
        );
    }
    if !(is_part && says_no_apps(root)) {
        collect(root, String::new(), source, report, &mut shape);
    }
    shape
}

/// Whether a part of a file is clearly only about something else.
fn says_no_apps(root: &Node) -> bool {
    let Value::Object(entries) = &root.value else { return false };
    let is_empty = |node: &Node| matches!(&node.value, Value::List(items) if items.is_empty());
    entries.iter().all(|entry| match entry.key.as_str() {
        "apps" => is_empty(&entry.node),
        key => ["deploy", "$schema"].contains(&key),
    })
}

fn collect<'n>(
    node: &'n Node,
    path: String,
    source: SourceText<'_>,
    report: &mut Vec<Diagnostic>,
    shape: &mut Shape<'n>,
) {
    let inner =
        || ["apps", "pm2", "ostler"].into_iter().find_map(|key| Some((key, node.get(key)?)));
    match &node.value {
        Value::List(items) => {
            if items.is_empty() {
                let diagnostic = Diagnostic::error("no-apps", "the list of apps is empty");
                report.push(source.at(diagnostic.help("add an object with a `script`"), node.span));
            }
            for (at, item) in items.iter().enumerate() {
                match &item.value {
                    Value::Object(entries) => {
                        let path = format!("{path}[{at}]");
                        shape.apps.push(app(entries, item.span, path));
                    }
                    // A hole (`[{…}, cond && {…}]` in an evaluated file) is no app.
                    Value::Null | Value::Bool(false) => {}
                    _ => report.push(source.at(not_an_app(item), item.span)),
                }
            }
        }
        Value::Object(entries) => match inner() {
            // `{pm2: {apps: …}}` is the deepest there is.
            Some((key, apps)) if !path.contains('.') => {
                let dot = if path.is_empty() { "" } else { "." };
                collect(apps, format!("{path}{dot}{key}"), source, report, shape);
            }
            Some(_) | None
                if entries.iter().any(|entry| attributes::find(&entry.key).is_some()) =>
            {
                shape.apps.push(app(entries, node.span, path));
            }
            Some(_) | None => {
                report.push(source.at(
                    no_apps(entries),
                    node.span.map(|span| Span { end: span.start + 1, ..span }),
                ));
            }
        },
        _ => report.push(source.at(not_an_app(node), node.span)),
    }
}

fn app(entries: &[Entry], span: Option<Span>, path: String) -> InFile<'_> {
    InFile { entries: Cow::Borrowed(entries), span, path, inherited: BTreeMap::new() }
}

fn not_an_app(node: &Node) -> Diagnostic {
    let message =
        format!("an app must be an object, but this is [object {}]", node.value.type_name());
    Diagnostic::error("no-app", message)
        .own(format!("an app must be an object, but this is {}", node.shown()))
        .help("write `{ \"name\": \"api\", \"script\": \"api.js\" }`")
}

fn no_apps(entries: &[Entry]) -> Diagnostic {
    let diagnostic = Diagnostic::error("no-apps", "No script path - aborting")
        .own("there is no app in this file");
    let near = entries.iter().find_map(|entry| {
        Some((&entry.key, suggest::nearest(&entry.key, ["apps", "script"].into_iter())?))
    });
    match near {
        Some((written, near)) => {
            diagnostic.help(format!("the file has `{written}`; did you mean `{near}`?"))
        }
        None => diagnostic.help("a process file has a list `apps`, or is one app with a `script`"),
    }
}
