//! `env`: the environment of one process.

use std::collections::BTreeSet;

use ostler_client::Answer;
use ostler_config::attributes;
use ostler_wire::control::{Details, ProcView, Reply, Request};

use super::list::meant;
use super::told;
use crate::caller;
use crate::failed::Failed;
use crate::program::Program;
use crate::session::{Session, unexpected};
use crate::voice::Problem;

/// Runs the command `env`.
pub(super) fn run(session: &mut Session) -> Result<(), Failed> {
    let word = session.args.word().to_owned();
    let list = session.about(&word)?;
    if session.program == Program::Ostler {
        return ours(session, &word, &list);
    }
    let Some(id) = word.parse().ok().filter(|id| list.iter().any(|process| process.id == *id))
    else {
        return Err(Problem::NoEnvironment { word }.into());
    };
    let known = match session.ask(&Request::Describe { id })? {
        Answer::Reply(Reply::Describe(details)) => versions(*details),
        other => return Err(unexpected(&other)),
    };
    for (name, value) in as_pm2(known, &ask(session, id)?) {
        let text = format!("{name}: {value}");
        session.out.screen(&session.out.readable(&text));
    }
    Ok(())
}

/// The versions of Node and of the app.
fn versions(details: Details) -> Vec<(String, String)> {
    let node = details.node_version.map(|version| ("node_version".to_owned(), version));
    let app = details.view.version.unwrap_or_else(|| "N/A".to_owned());
    node.into_iter().chain([("version".to_owned(), app)]).collect()
}

/// Returns what PM2 shows of an environment: what the app has from its caller, and a few keys of
/// the record around it.
fn as_pm2(versions: Vec<(String, String)>, vars: &[(String, String)]) -> Vec<(String, String)> {
    const BEFORE: [&str; 3] = ["unique_id", "PM2_INTERACTOR_PROCESSING", "PM2_USAGE"];
    const BEHIND: [&str; 4] = ["NODE_APP_INSTANCE", "vizion_running", "km_link", "namespace"];
    let find = |name: &&str| vars.iter().find(|(of, _)| of == name).cloned();
    let is_placed = |name: &str| BEFORE.contains(&name) || BEHIND.contains(&name);
    let rest = vars.iter().filter(|(name, _)| !is_placed(name) && !is_of_record(name)).cloned();
    versions
        .into_iter()
        .chain(BEFORE.iter().filter_map(find))
        .chain(rest)
        .chain(BEHIND.iter().filter_map(find))
        .collect()
}

/// Whether a variable is a key of PM2's record, or one of ours, and nobody's who started the app.
fn is_of_record(name: &str) -> bool {
    const OF_RUN: [&str; 10] = [
        "name",
        "created_at",
        "restart_time",
        "status",
        "unstable_restarts",
        "exit_code",
        "NODE_UNIQUE_ID",
        "NODE_CHANNEL_FD",
        "NODE_CHANNEL_SERIALIZATION_MODE",
        ostler_env::OSTLER_RUN,
    ];
    OF_RUN.contains(&name)
        || name.starts_with("pm_")
        || attributes().any(|of| of.in_environment && of.record == name)
}

/// Prints what a process was given, as `env` prints it; of an app what its first process was.
fn ours(session: &mut Session, word: &str, list: &[ProcView]) -> Result<(), Failed> {
    let ids = meant(word, list, &caller::cwd()?)?;
    let Some(id) = one_app(word, &ids, list)? else { return Ok(()) };
    let mut vars = ask(session, id)?;
    // The state is no variable: PM2 shows it among them.
    vars.retain(|(name, _)| name != "status");
    vars.sort();
    if let Some(asked) = told::asked(session)? {
        let vars = vars.into_iter().map(|(name, value)| (name, value.into())).collect();
        let missing = |name: &str| Failed::new(format!("process {id} has no variable `{name}`"));
        let page = format!("`ostler env {id}` shows those that it has");
        return told::named(session, &asked, &vars, missing, &page);
    }
    for (name, value) in vars {
        session.out.value(&format!("{name}={value}\n"));
    }
    Ok(())
}

/// Returns the first of these processes, which must be of one app: of several it is nobody's.
fn one_app(word: &str, ids: &[u32], list: &[ProcView]) -> Result<Option<u32>, Failed> {
    let of = |id: &u32| list.iter().find(|process| process.id == *id);
    let apps: BTreeSet<(&str, &str)> =
        ids.iter().filter_map(of).map(|of| (of.namespace.as_str(), of.name.as_str())).collect();
    let first = ids.first().and_then(of);
    match first.filter(|_| 1 < apps.len()) {
        Some(first) => {
            let pasted = ostler_shell::operand(&first.name);
            let message = format!("`{word}` means {} apps, and `env` shows one", apps.len());
            Err(Failed::new(message).hint(format!("`ostler env {pasted}` shows the first of them")))
        }
        None => Ok(ids.first().copied()),
    }
}

fn ask(session: &mut Session, id: u32) -> Result<Vec<(String, String)>, Failed> {
    match session.ask(&Request::Env { id })? {
        Answer::Reply(Reply::Env { vars }) => Ok(vars),
        other => Err(unexpected(&other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pm2s_order_is_the_record_then_what_the_caller_gave_and_no_other_key() {
        let names = [
            "windowsHide",
            "vizion_running",
            "unique_id",
            "status",
            "pm_uptime",
            "namespace",
            "name",
            "km_link",
            "exec_mode",
            "TERM",
            "PM2_USAGE",
            "PATH",
            "OSTLER_RUN",
            "NODE_APP_INSTANCE",
        ];
        let pair = |name: &str| (name.to_owned(), String::new());
        let shown = as_pm2(vec![pair("version")], &names.map(pair));
        let shown: Vec<&str> = shown.iter().map(|(name, _)| name.as_str()).collect();
        let given = ["version", "unique_id", "PM2_USAGE", "TERM", "PATH"];
        let behind = ["NODE_APP_INSTANCE", "vizion_running", "km_link", "namespace"];
        assert_eq!(shown, [&given[..], &behind].concat());
    }
}
