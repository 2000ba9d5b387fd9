//! From a call to the command line that it is. Nothing is done here.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::scope::{Known, Scope, full_name, word_of_logs};
use super::tools::{Apps, Gives, Place, Tool};
use crate::failed::Failed;

/// A command, and where it runs.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) words: Vec<String>,
    /// What the app is given besides.
    pub(super) variables: BTreeMap<String, String>,
    pub(super) folder: PathBuf,
    /// Those of the words that are options which nobody wrote.
    pub(super) unsaid: Vec<String>,
    /// It prints a line of a log instead of objects.
    pub(super) prints_line: bool,
}

/// What a call means.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Meant {
    /// This command is run.
    Line(Line),
    /// Nothing: there is no app in the project.
    Nobody,
    /// What is to be started runs already: these processes of this app.
    Runs { name: String, ids: Vec<u32> },
}

/// The begin of variables that say which manager is meant, and how it speaks.
const OURS: [&str; 2] = ["OSTLER", "PM2"];

/// Understands a call. `list`: every process that there is; `base`: where the project is.
pub(super) fn of(
    tool: &Tool,
    given: &Map<String, Value>,
    scope: &Scope,
    list: &[Known],
    base: &Path,
) -> Result<Meant, Failed> {
    refuse_unknown(tool, given)?;
    let awaited = given.get("for").and_then(Value::as_str);
    let prints_line = tool.name == "wait" && awaited.is_some_and(|of| of.starts_with("log="));
    let mut unsaid = vec!["--no-color".to_owned()];
    if !prints_line {
        unsaid.extend(tool.always.iter().cloned());
    }
    let mut words = vec![tool.command.clone()];
    words.extend(unsaid.iter().cloned());
    match of_apps(tool, given, scope, list)? {
        Some(chosen) => words.extend(chosen),
        None => return Ok(Meant::Nobody),
    }
    let folder = base.to_owned();
    let mut line = Line { words, variables: BTreeMap::new(), folder, unsaid, prints_line };
    let mut rest = Vec::new();
    for (name, gives) in &tool.gives {
        let value = given.get(name).filter(|value| !value.is_null());
        match (gives, value) {
            (Gives::Option { option, otherwise }, value) => {
                let option = option_of(name, option, otherwise, value)?;
                line.unsaid.extend(option.clone().filter(|_| value.is_none()));
                line.words.extend(option);
            }
            (Gives::Word(Place::Argument | Place::Script), None) => {
                return Err(Failed::new(format!("`{}` needs `{name}`", tool.name)));
            }
            (Gives::Word(_), None) => {}
            (Gives::Word(Place::Argument), Some(value)) => line.words.push(text(name, value)?),
            (Gives::Word(Place::Script), Some(value)) => {
                line.words.extend(script(&text(name, value)?, scope, list, base)?);
            }
            (Gives::Word(Place::Rest), Some(value)) => rest = texts(name, value)?,
            (Gives::Word(Place::Environment), Some(value)) => {
                line.variables = variables(name, value)?;
            }
            (Gives::Word(Place::Folder), Some(value)) => {
                line.folder = scope.folder(base, &text(name, value)?)?;
            }
        }
    }
    if let Some(running) = running(given, scope, list, &line.folder) {
        return Ok(running);
    }
    if !rest.is_empty() {
        line.words.push("--".to_owned());
        line.words.extend(rest);
    }
    Ok(Meant::Line(line))
}

fn refuse_unknown(tool: &Tool, given: &Map<String, Value>) -> Result<(), Failed> {
    let takes_app = tool.apps != Apps::None;
    let is_known = |name: &str| tool.gives.contains_key(name) || takes_app && name == "app";
    let Some(unknown) = given.keys().find(|name| !is_known(name)) else { return Ok(()) };
    let mut known: Vec<&str> = tool.gives.keys().map(String::as_str).collect();
    known.extend(takes_app.then_some("app"));
    let (unknown, name) = (ostler_text::shown(unknown), &tool.name);
    Err(Failed::new(format!("`{name}` does not take `{unknown}`; it takes: {}", known.join(", "))))
}

/// Returns the words by which the command knows the apps; nothing where there is none to look at.
fn of_apps(
    tool: &Tool,
    given: &Map<String, Value>,
    scope: &Scope,
    list: &[Known],
) -> Result<Option<Vec<String>>, Failed> {
    if tool.apps == Apps::None {
        return Ok(Some(Vec::new()));
    }
    let word = given.get("app").filter(|value| !value.is_null());
    let word = word.map(|value| text("app", value)).transpose()?;
    let word = match (word, tool.apps) {
        (Some(word), _) => word,
        (None, Apps::Any | Apps::Logs) if !list.iter().any(|of| scope.has(of)) => return Ok(None),
        (None, Apps::Any | Apps::Logs) => "all".to_owned(),
        (None, Apps::None | Apps::Needed | Apps::Whole) => {
            return Err(Failed::new(format!("`{}` needs `app`", tool.name)));
        }
    };
    let meant = scope.meant(&word, list)?;
    let words = match tool.apps {
        Apps::None | Apps::Any | Apps::Needed => meant.iter().map(|of| of.id.to_string()).collect(),
        Apps::Whole => vec![whole(&meant, list)?],
        Apps::Logs => match word_of_logs(&meant, list) {
            Some(word) => vec![word],
            None => {
                return Err(Failed::new("another app has one of these names")
                    .hint("name one app by `NAMESPACE/NAME`, or one process by its id"));
            }
        },
    };
    Ok(Some(words))
}

/// The one app that is meant, with all of its processes.
fn whole(meant: &[&Known], list: &[Known]) -> Result<String, Failed> {
    let mut names: Vec<String> = meant.iter().map(|of| full_name(of)).collect();
    names.dedup();
    let [name] = names.as_slice() else {
        return Err(Failed::new(format!("several apps are meant: {}", names.join(", ")))
            .hint("name one of them by `NAMESPACE/NAME`"));
    };
    let all = list.iter().filter(|of| full_name(of) == *name).count();
    if all != meant.len() {
        return Err(Failed::new(format!("`{name}` has processes that are not meant"))
            .hint("name the app, and not one of its processes"));
    }
    Ok(name.clone())
}

/// What is started: something of the list by its ids, else what was written.
fn script(word: &str, scope: &Scope, list: &[Known], base: &Path) -> Result<Vec<String>, Failed> {
    if word.starts_with('-') {
        let word = ostler_text::shown(word);
        return Err(Failed::new(format!("`{word}` is no script"))
            .hint("arguments of the app are in `args`"));
    }
    let is_listed = |of: &Known| of.name == word || full_name(of) == word || of.namespace == word;
    let is_id = word.parse().is_ok_and(|id: u32| list.iter().any(|of| of.id == id));
    if base.join(word).exists() || !is_id && !list.iter().any(is_listed) {
        return Ok(vec![word.to_owned()]);
    }
    Ok(scope.meant(word, list)?.iter().map(|of| of.id.to_string()).collect())
}

/// Returns what runs already of the script that is to be started, in the same folder and, where one
/// is given, under the same name.
fn running(
    given: &Map<String, Value>,
    scope: &Scope,
    list: &[Known],
    folder: &Path,
) -> Option<Meant> {
    let script = std::fs::canonicalize(folder.join(given.get("script")?.as_str()?)).ok()?;
    let name = given.get("name").and_then(Value::as_str);
    let is_same = |of: &&Known| {
        scope.has(of)
            && std::fs::canonicalize(&of.script).is_ok_and(|path| path == script)
            && std::fs::canonicalize(&of.cwd).is_ok_and(|path| path == folder)
            && name.is_none_or(|name| of.name == name)
            && !["stopped", "stopping", "errored"].contains(&of.status.as_str())
    };
    let found: Vec<&Known> = list.iter().filter(is_same).collect();
    let name = found.first()?.name.clone();
    let ids = found.iter().filter(|of| of.name == name).map(|of| of.id).collect();
    Some(Meant::Runs { name, ids })
}

fn option_of(
    name: &str,
    option: &str,
    otherwise: &str,
    value: Option<&Value>,
) -> Result<Option<String>, Failed> {
    Ok(match value {
        None if otherwise.is_empty() => None,
        None => Some(format!("--{option}={otherwise}")),
        Some(Value::Bool(true)) => Some(format!("--{option}")),
        Some(Value::Bool(false)) => None,
        Some(value) => Some(format!("--{option}={}", text(name, value)?)),
    })
}

/// A value that is a word; a number is one, too.
fn text(name: &str, value: &Value) -> Result<String, Failed> {
    match value {
        Value::String(text) if text.is_empty() || text.contains('\0') => {
            Err(Failed::new(format!("`{name}` must not be empty, and have no NUL in it")))
        }
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
            Err(Failed::new(format!("`{name}` must be a text")))
        }
    }
}

fn texts(name: &str, value: &Value) -> Result<Vec<String>, Failed> {
    let Value::Array(all) = value else {
        return Err(Failed::new(format!("`{name}` must be an array of texts")));
    };
    all.iter().map(|one| text(name, one)).collect()
}

fn variables(name: &str, value: &Value) -> Result<BTreeMap<String, String>, Failed> {
    let Value::Object(all) = value else {
        return Err(Failed::new(format!("`{name}` must be an object of variables")));
    };
    let variable = |(variable, value): (&String, &Value)| {
        let shown = ostler_text::shown(variable);
        if variable.is_empty() || variable.contains(['=', '\0']) {
            return Err(Failed::new(format!("`{shown}` is no name of a variable")));
        }
        if variable.split_once('_').is_some_and(|(begin, _)| OURS.contains(&begin)) {
            return Err(Failed::new(format!("`{shown}` is a variable of `ostler` itself")));
        }
        let value = if value == "" { String::new() } else { text(&shown, value)? };
        Ok((variable.clone(), value))
    };
    all.iter().map(variable).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tools::Tools;
    use super::*;

    /// What a call becomes, over two apps of the project and one beside it.
    fn of_call(name: &str, given: &Value) -> Result<Meant, String> {
        let tools = include_str!("../../../../docs/tools.json");
        let tools = Tools::parse(tools, true).unwrap();
        let known = |id, name: &str, cwd: &str| Known {
            id,
            name: name.to_owned(),
            namespace: "default".to_owned(),
            cwd: cwd.into(),
            script: Path::new(cwd).join("app.js"),
            status: "online".to_owned(),
        };
        let list = [
            known(0, "api", "/no-such/shop"),
            known(1, "api", "/no-such/shop"),
            known(2, "db", "/no-such/shop"),
            known(3, "other", "/no-such/else"),
        ];
        let scope = Scope::Below("/no-such/shop".into());
        let tool = tools.find(name).unwrap();
        let given = given.as_object().unwrap();
        of(tool, given, &scope, &list, Path::new("/no-such/shop")).map_err(|of| of.to_string())
    }

    fn words(name: &str, given: &Value) -> String {
        let Meant::Line(line) = of_call(name, given).unwrap() else { panic!("nobody") };
        let is_own = |word: &&String| !word.starts_with("--json=") && *word != "--no-color";
        let words: Vec<&str> = line.words.iter().filter(is_own).map(String::as_str).collect();
        words.join(" ")
    }

    #[test]
    fn a_call_is_a_command_about_the_apps_of_the_project() {
        assert_eq!(words("list", &json!({})), "list 0 1 2");
        assert_eq!(words("describe", &json!({ "app": "api" })), "describe 0 1");
        assert_eq!(words("restart", &json!({ "app": "2" })), "restart 2 --wait=30s");
        assert_eq!(words("stop", &json!({ "app": "all" })), "stop 0 1 2");
        assert_eq!(
            words("scale", &json!({ "app": "api", "number": "+1" })),
            "scale default/api +1"
        );
        assert_eq!(
            words("logs", &json!({ "grep": "a b", "err": true, "lines": 5 })),
            "logs --nostream /^(?:api|db)$/ --err --grep=a b --lines=5"
        );
        assert_eq!(
            words("start", &json!({ "script": "x.js", "args": ["--port", "1"], "instances": 2 })),
            "start --instances=2 x.js --wait=30s -- --port 1"
        );
        assert_eq!(words("start", &json!({ "script": "api" })), "start 0 1 --wait=30s");
    }

    #[test]
    fn what_is_not_meant_so_is_refused() {
        let check = |name: &str, given: &Value, says: &str| {
            let refused = of_call(name, given).unwrap_err();
            assert!(refused.contains(says), "{refused}");
        };
        check("restart", &json!({}), "`restart` needs `app`");
        check("restart", &json!({ "app": "other" }), "an app of another folder, `/no-such/else`");
        check("start", &json!({ "script": "other" }), "an app of another folder");
        check("start", &json!({ "script": "--force" }), "`--force` is no script");
        check("start", &json!({ "script": "x", "env": { "OSTLER_HOME": "/" } }), "`ostler` itself");
        check("list", &json!({ "force": true }), "does not take `force`; it takes: app");
        check("scale", &json!({ "app": "all", "number": 2 }), "several apps are meant");
        check("scale", &json!({ "app": "0", "number": 2 }), "and not one of its processes");
        check("logs", &json!({ "grep": ["x"] }), "`grep` must be a text");
    }
}
