//! A script under a name that an app of another script has.
//!
//! To commands they would be one app: `reload` would reload both. PM2 takes it.

use std::collections::BTreeSet;
use std::path::Path;

use ostler_client::Answer;
use ostler_wire::control::{ProcView, Reply, Request};

use crate::apps::App;
use crate::args::{FlagId, Typed};
use crate::failed::Failed;
use crate::session::Session;

/// Refuses scripts whose names apps of other scripts have, in the list or among themselves.
/// `--force` is meant to add to what is there.
pub(super) fn refuse(session: &mut Session, apps: &[App]) -> Result<(), Failed> {
    if session.has(FlagId::Force) || apps.is_empty() {
        return Ok(());
    }
    let list = session.known()?;
    let mut listed = Vec::new();
    for app in apps {
        let of_name: Vec<&ProcView> = list.iter().filter(|of| is_of(of, app)).collect();
        for process in &of_name {
            listed.push(Known {
                namespace: process.namespace.clone(),
                name: process.name.clone(),
                runs: match (&app.line, process.script == app.script) {
                    (Some(_), true) => line_of(session, process.id)?,
                    (Some(_) | None, _) => process.script.clone(),
                },
            });
        }
    }
    let names: BTreeSet<&str> = list.iter().map(|of| of.name.as_str()).collect();
    match refusal(apps, &listed, &names, &session.args.typed) {
        Some((message, hint)) => Err(Failed::new(message).hint(hint)),
        None => Ok(()),
    }
}

/// A process that is there, or will be.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Known {
    namespace: String,
    name: String,
    /// The script, or the line for the shell.
    runs: String,
}

impl Known {
    fn new(app: &App) -> Self {
        let runs = app.line.as_ref().unwrap_or(&app.script).clone();
        Self { namespace: app.namespace.clone(), name: app.name.clone(), runs }
    }
}

fn is_of(process: &ProcView, app: &App) -> bool {
    (&process.namespace, &process.name) == (&app.namespace, &app.name)
}

/// The line that the shell of a process has.
fn line_of(session: &mut Session, id: u32) -> Result<String, Failed> {
    match session.ask(&Request::Describe { id })? {
        Answer::Reply(Reply::Describe(details)) => {
            Ok(details.args.last().cloned().unwrap_or_default())
        }
        // It has gone meanwhile.
        Answer::Reply(_) | Answer::Raw(_) => Ok(String::new()),
    }
}

fn refusal(
    apps: &[App],
    listed: &[Known],
    names: &BTreeSet<&str>,
    typed: &Typed,
) -> Option<(String, String)> {
    let wanted: Vec<Known> = apps.iter().map(Known::new).collect();
    let is_same =
        |one: &Known, of: &Known| (&one.namespace, &one.name) == (&of.namespace, &of.name);
    for (at, (app, own)) in apps.iter().zip(&wanted).enumerate() {
        let free = || free(app, names, &wanted);
        let start = || {
            let script = ostler_shell::word(app.line.as_ref().unwrap_or(&app.script));
            format!("ostler start {script} --name {}", ostler_shell::word(&free()))
        };
        let mut before = wanted.iter().take(at).filter(|of| is_same(of, own));
        if let Some(other) = before.find(|of| of.runs != own.runs) {
            let (first, second, name) = (&other.runs, &own.runs, &own.name);
            let message = format!("`{first}` and `{second}` would both be called `{name}`");
            let hint = format!("leave the second out, and start it by `{}`", start());
            return Some((message, hint));
        }
        let mut of_name = listed.iter().filter(|of| is_same(of, own)).peekable();
        let Some(other) = of_name.peek().copied() else { continue };
        // One of its scripts is added to or started again by that name.
        if of_name.all(|of| of.runs != own.runs) {
            let (name, other) = (&own.name, &other.runs);
            let message = format!("`{name}` is the name of another app, which runs `{other}`");
            let line = typed.with_name(&free()).filter(|_| apps.len() == 1);
            let (line, pasted) = (line.unwrap_or_else(start), ostler_shell::operand(name));
            let hint = format!(
                "`{line}` gives this one a name of its own; `ostler delete {pasted}` removes the \
                 other"
            );
            return Some((message, hint));
        }
    }
    None
}

/// A name that nobody has: that of the script, else a number behind the one that is taken.
fn free(app: &App, names: &BTreeSet<&str>, wanted: &[Known]) -> String {
    let is_free =
        |name: &String| !names.contains(name.as_str()) && wanted.iter().all(|of| of.name != *name);
    let stem = Path::new(&app.script).file_stem().filter(|_| app.line.is_none());
    let stem = stem.map(|stem| stem.to_string_lossy().into_owned()).filter(|stem| {
        ostler_config::refused_name(stem).is_none() && ostler_config::doubtful_name(stem).is_none()
    });
    let numbered = (2..).map(|number| format!("{}-{number}", app.name));
    stem.into_iter().chain(numbered).find(is_free).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::*;

    fn app(name: &str, script: &str, line: Option<&str>) -> App {
        App {
            name: name.to_owned(),
            namespace: "default".to_owned(),
            script: script.to_owned(),
            line: line.map(str::to_owned),
            cluster: false,
            instances: 1,
            starts: true,
            depends_on: Vec::new(),
            record: RawValue::from_string("{}".to_owned()).unwrap(),
        }
    }

    fn said(apps: &[App], listed: &[App], typed: &str) -> Option<(String, String)> {
        let typed = Typed::new(typed.split(' ').map(str::to_owned));
        let names = listed.iter().map(|of| of.name.as_str()).collect();
        refusal(apps, &listed.iter().map(Known::new).collect::<Vec<_>>(), &names, &typed)
    }

    #[test]
    fn a_name_that_an_app_of_another_script_has_is_refused_with_one_that_is_free() {
        let other = app("v", "/a.js", None);
        let check = |apps: &[App], typed: &str, message: &str, hint: &str| {
            let expected = Some((message.to_owned(), hint.to_owned()));
            assert_eq!(said(apps, std::slice::from_ref(&other), typed), expected);
        };
        check(
            &[app("v", "/b.js", None)],
            "start b.js --name v",
            "`v` is the name of another app, which runs `/a.js`",
            "`ostler start b.js --name b` gives this one a name of its own; `ostler delete v` \
             removes the other",
        );
        check(
            &[app("v", "/x/v.js", None)],
            "start v.js",
            "`v` is the name of another app, which runs `/a.js`",
            "`ostler start --name v-2 v.js` gives this one a name of its own; `ostler delete v` \
             removes the other",
        );
        check(
            &[app("w", "/x/w.js", None), app("w", "/y/w.js", None)],
            "start x/w.js y/w.js",
            "`/x/w.js` and `/y/w.js` would both be called `w`",
            "leave the second out, and start it by `ostler start /y/w.js --name w-2`",
        );
        let shell = |line| app("s", "/bin/bash", Some(line));
        let found = said(&[shell("sleep 2")], &[shell("sleep 1")], "start 'sleep 2' --name s");
        let message = "`s` is the name of another app, which runs `sleep 1`";
        assert_eq!(found.map(|(message, _)| message).as_deref(), Some(message));
    }

    #[test]
    fn what_is_the_same_or_of_another_namespace_is_not_refused() {
        let mut other = [app("v", "/a.js", None)];
        assert_eq!(said(&[app("v", "/a.js", None)], &other, "start a.js --name v"), None);
        other[0].namespace = "blue".to_owned();
        assert_eq!(said(&[app("v", "/b.js", None)], &other, "start b.js --name v"), None);
    }
}
