//! `plan`: what `start` and `reload` of a process file would do, app by app. Nothing is done.

use ostler_core::spec::AppSpec;
use serde_json::{Value, json};

use crate::args::FlagId;
use crate::caller;
use crate::failed::Failed;
use crate::file_check;
use crate::of_file::{self, Differences};
use crate::process_file::ProcessFile;
use crate::session::Session;

/// What would become of an app.
struct Step {
    app: String,
    /// `start`, `restart`, `keep`.
    action: &'static str,
    changes: Vec<String>,
    /// What a restart does not bring in, with the command that does.
    apart: Vec<String>,
}

/// Runs the command `plan`.
pub(super) fn run(session: &mut Session) -> Result<(), Failed> {
    let Some(path) = session.args.words.first().cloned() else { return Ok(()) };
    if path == "-" {
        return Err(Failed::misuse("`plan` reads its file again for each app, and not `-`")
            .hint("write what is on standard input into a file"));
    }
    let wanted = file_check::specs_of_file(session, &path)?;
    let (list, running) = if session.connect_if_running()? {
        (session.list()?, of_file::specs(session))
    } else {
        (Vec::new(), Vec::new())
    };
    let env = session.args.value(FlagId::Env).map(str::to_owned);
    let words = file_words(&path, env.as_deref());
    let cwd = caller::cwd()?;
    let noted = ProcessFile { path: cwd.join(&path), cwd, env };
    let mut steps = Vec::new();
    for spec in &wanted {
        let same = |name: &str, space: &str| name == spec.name && space == spec.namespace;
        let count = list.iter().filter(|of| same(&of.name, &of.namespace)).count();
        let Some(now) = running.iter().find(|of| same(&of.name, &of.namespace)) else {
            let changes = vec![format!("instances {}", spec.instances)];
            steps.push(Step { app: spec.name.clone(), action: "start", changes, apart: vec![] });
            continue;
        };
        let found = of_file::planned(session, &noted, now, count).map_err(Failed::new)?;
        steps.push(known(spec.name.clone(), found, &words));
    }
    let has = |of: &AppSpec| {
        wanted.iter().any(|spec| spec.name == of.name && spec.namespace == of.namespace)
    };
    let gone = of_file::gone(&running, &noted.path, has);
    steps.extend(gone.into_iter().filter(|_| session.args.value(FlagId::Only).is_none()).map(
        |app| {
            let pasted = ostler_shell::operand(&app);
            let delete = format!("to remove it: `ostler delete {pasted}`");
            let changes = vec!["not in the file any more".to_owned(), delete];
            Step { app, action: "keep", changes, apart: Vec::new() }
        },
    ));
    show(session, &steps);
    Ok(())
}

/// The file and its environment, as a command takes them.
fn file_words(path: &str, env: Option<&str>) -> String {
    let of_env = env.map_or_else(String::new, |env| format!(" --env {}", ostler_shell::word(env)));
    format!("{}{of_env}", ostler_shell::word(path))
}

fn known(app: String, found: Differences, file: &str) -> Step {
    let (pasted, only) = (ostler_shell::operand(&app), ostler_shell::word(&app));
    let mut apart = Vec::new();
    if let Some(count) = found.scaled {
        apart.push(format!("{} (`ostler scale {pasted} {count}`)", found.scaled_shown));
    }
    let start = format!("ostler start {file} --only {only}");
    apart.extend(
        found
            .added
            .into_iter()
            .map(|change| format!("{change} (`ostler delete {pasted} && {start}`)")),
    );
    Step { app, action: "restart", changes: found.changed, apart }
}

fn show(session: &mut Session, steps: &[Step]) {
    if session.has(FlagId::Json) {
        let objects: Vec<Value> = steps
            .iter()
            .map(|step| {
                json!({
                    "app": step.app, "action": step.action, "changes": step.changes,
                    "not_applied": step.apart,
                })
            })
            .collect();
        return session.out.json(format!("{}\n", Value::from(objects)).into_bytes());
    }
    let width = steps.iter().map(|step| step.app.chars().count()).max().unwrap_or(0);
    for step in steps {
        let changes = if step.changes.is_empty() {
            "nothing changed".to_owned()
        } else {
            step.changes.join(", ")
        };
        let mut line = format!("{:<8} {:<width$}  {changes}", step.action, step.app);
        if !step.apart.is_empty() {
            line.push_str(&format!("; not by that: {}", step.apart.join(", ")));
        }
        let line = session.out.readable(&line).into_owned();
        session.out.data(&(line + "\n"));
    }
}
