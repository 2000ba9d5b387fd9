//! Process files: what is done with the apps of one, which are found in the list by their names.

use std::collections::BTreeSet;

use ostler_core::spec::AppSpec;
use ostler_wire::control::{Action, Change, Phase, ProcView};

use super::{launch, perform, resting, rolling};
use crate::apps::{self, App};
use crate::args::{Command, FlagId};
use crate::caller;
use crate::failed::Failed;
use crate::of_file;
use crate::program::Program;
use crate::select::Picked;
use crate::session::Session;
use crate::voice::{Act, Notice, Target};

/// What happens to the apps of a process file that are in the list already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// They are stopped and started again.
    Restart,
    /// They are replaced one by one.
    Reload,
}

impl Known {
    /// Returns what it is called.
    fn act(self) -> Act {
        match self {
            Self::Restart => Act::Restart,
            Self::Reload => Act::Reload,
        }
    }
}

/// Whether a word is a process file, or standard input (`-`) that holds one.
pub(super) fn is_meant(word: &str) -> bool {
    word == "-" || ostler_config::is_config_file(word)
}

/// A process file that was read.
#[derive(Debug)]
pub(super) struct File {
    path: String,
    /// Those of its apps that may be acted on.
    apps: Vec<App>,
    /// Something is wrong with others, and it was said. Nothing starts of such a file, but under
    /// the name `pm2`.
    bad: bool,
}

/// Reads a process file.
pub(super) fn read(session: &mut Session, path: &str) -> Result<File, Failed> {
    let (apps, bad) = apps::of_file(session, path)?;
    Ok(File { path: path.to_owned(), apps, bad })
}

/// Reads a process file of which something is to be started: all of it or nothing. PM2 starts those
/// of its apps that are right.
pub(super) fn read_whole(session: &mut Session, path: &str) -> Result<File, Failed> {
    let file = read(session, path)?;
    if !file.bad || session.program == Program::Pm2 {
        return Ok(file);
    }
    let names: Vec<&str> = file.apps.iter().map(|app| app.name.as_str()).collect();
    let command = session.args.command.map_or("start", Command::name);
    let only = names.join(",");
    let mut words = vec![path, "--only", &only];
    words.extend(session.args.value(FlagId::Env).into_iter().flat_map(|env| ["--env", env]));
    let quoted: Vec<_> = words.into_iter().map(ostler_shell::word).collect();
    let pasted_words = quoted.join(" ");
    let hint = format!("`ostler {command} {pasted_words}` does it with the others");
    let message = format!("no app of `{path}` was touched, since something is wrong in it");
    let failed = Failed::new(message);
    Err(if path == "-" { failed } else { failed.hint(hint) })
}

/// Does `stop`, `restart` or `delete` with the apps of a file. Apps that are not in the list are no
/// failure; `restart` starts them.
pub(super) fn act(
    session: &mut Session,
    file: File,
    act: Act,
    action: Action,
) -> Result<(), Failed> {
    let File { path, apps, bad } = file;
    let list = session.known()?;
    let names = if action == Action::Restart { names_of(&apps) } else { BTreeSet::new() };
    let (known, missing) = split(apps, &list);
    let needs = needs(&known);
    let mut targets = targets_of(&known, &list);
    let mut resting = Vec::new();
    if action == Action::Stop && session.program == Program::Ostler {
        let rest = resting::at_rest(&list);
        resting.extend(targets.iter().map(|of| of.id).filter(|id| rest.contains(id)));
        targets.retain(|of| !rest.contains(&of.id));
    }
    let ids = targets.iter().map(|target| target.id).collect::<Vec<_>>();
    let nothing_runs = ids.is_empty() && !resting.is_empty();
    if nothing_runs {
        let text = format!("no app of `{path}` runs: there is nothing to stop");
        session.out.tell(&Notice::Note { text: &text });
    } else if action == Action::Restart && path != "-" {
        announce(session, &known, &list, act);
    } else {
        session.out.tell(&Notice::Begun { act, selector: None, targets: &targets });
    }
    let records = if action == Action::Restart {
        known.into_iter().map(|app| app.record).collect()
    } else {
        Vec::new()
    };
    let change = Change { records, ..perform::unchanged(session)? };
    resting::tell(session, resting, &[], &change)?;
    let missing = if action == Action::Restart { missing } else { Vec::new() };
    let missing = needed_first(session, &needs, missing)?;
    if !ids.is_empty() {
        perform::act(session, act, action, ids, change)?;
    } else if session.program == Program::Ostler && action != Action::Restart && !nothing_runs {
        let text = format!("no app of `{path}` is in the list");
        session.out.tell(&Notice::Note { text: &text });
    }
    if action == Action::Restart {
        if !missing.is_empty() {
            launch::missing(session, missing)?;
        }
        tell_gone(session, &path, &names)?;
    }
    end(bad)
}

/// Starts the apps of a file; those that are in the list are restarted or reloaded.
pub(super) fn start(session: &mut Session, file: File, how: Known) -> Result<(), Failed> {
    let File { path, apps, bad } = file;
    let list = session.known()?;
    let names = names_of(&apps);
    let (known, missing) = split(apps, &list);
    let missing = needed_first(session, &needs(&known), missing)?;
    if !known.is_empty() {
        let ids: Vec<u32> = targets_of(&known, &list).iter().map(|target| target.id).collect();
        let act = act_on(session.program, &ids, &list);
        announce(session, &known, &list, if how == Known::Restart { act } else { how.act() });
        let records = known.into_iter().map(|app| app.record).collect();
        let change = Change { records, ..perform::unchanged(session)? };
        match how {
            Known::Restart => perform::act(session, act, Action::Restart, ids, change)?,
            Known::Reload => rolling::reload(session, &ids, change, &list)?,
        }
    }
    if !missing.is_empty() {
        launch::missing(session, missing)?;
    }
    tell_gone(session, &path, &names)?;
    end(bad)
}

/// Returns the names of all apps that these depend on.
fn needs(apps: &[App]) -> BTreeSet<String> {
    apps.iter().flat_map(|app| &app.depends_on).cloned().collect()
}

/// Starts apps that are not in the list before others are acted on that depend on one of them.
/// Returns those that are still to be started.
fn needed_first(
    session: &mut Session,
    needs: &BTreeSet<String>,
    missing: Vec<App>,
) -> Result<Vec<App>, Failed> {
    if !missing.iter().any(|app| needs.contains(&app.name)) {
        return Ok(missing);
    }
    launch::missing(session, missing)?;
    Ok(Vec::new())
}

/// What a restart of these processes is called: of some that do not run it is a start.
pub(super) fn act_on(program: Program, ids: &[u32], list: &[ProcView]) -> Act {
    let mut meant = list.iter().filter(|of| ids.contains(&of.id));
    let rest = |of: &ProcView| matches!(of.phase, Phase::Stopped | Phase::Errored);
    if program == Program::Ostler && meant.all(rest) { Act::StartAgain } else { Act::Restart }
}

fn names_of(apps: &[App]) -> BTreeSet<String> {
    apps.iter().map(|app| app.name.clone()).collect()
}

/// Tells which apps are from a file and not in it any more, such as one that was renamed: they go
/// on beside those that are.
fn tell_gone(session: &mut Session, path: &str, names: &BTreeSet<String>) -> Result<(), Failed> {
    let part = path == "-" || session.has(FlagId::Only);
    if session.program == Program::Pm2 || part {
        return Ok(());
    }
    let specs = of_file::specs(session);
    let absolute = caller::cwd()?.join(path);
    let gone = of_file::gone(&specs, &absolute, |spec| names.contains(&spec.name));
    if gone.is_empty() {
        return Ok(());
    }
    let others = apps::of_profiles(session, path)?;
    let is_there = |of: &&AppSpec| others.iter().any(|other| other.is(&of.name, &of.namespace));
    for AppSpec { name, .. } in gone.into_iter().filter(|of| !is_there(of)) {
        let text = format!("`{name}` is from this file, not in it any more, and goes on");
        let pasted = ostler_shell::operand(name);
        let hint = format!("`ostler delete {pasted}` ends it");
        session.out.tell(&Notice::Warning { text: &text, hint: Some(&hint), apart: true });
    }
    Ok(())
}

/// Something was wrong with other apps of the file, and it was said. As in PM2 no table
/// is printed then.
fn end(bad: bool) -> Result<(), Failed> {
    if bad { Err(Failed::quiet(1)) } else { Ok(()) }
}

/// Splits apps into those whose name is in the list, and the others.
fn split(apps: Vec<App>, list: &[ProcView]) -> (Vec<App>, Vec<App>) {
    let names: BTreeSet<&str> = list.iter().map(|process| process.name.as_str()).collect();
    apps.into_iter().partition(|app| names.contains(app.name.as_str()))
}

/// Returns the processes of these apps, app by app.
fn targets_of(apps: &[App], list: &[ProcView]) -> Vec<Target> {
    let mut seen = BTreeSet::new();
    let all = apps.iter().flat_map(|app| list.iter().filter(|process| process.name == app.name));
    all.filter(|process| seen.insert(process.id)).map(Target::of).collect()
}

/// Tells what will be done with these processes of an app.
pub(super) fn announce_ids(
    session: &mut Session,
    app: &str,
    list: &[ProcView],
    ids: &[u32],
    act: Act,
) {
    let meant = list.iter().filter(|process| ids.contains(&process.id));
    let picked = Picked::numbered(meant.map(Target::of).collect());
    perform::announce(session, act, app, &picked);
}

/// Tells for each app what will be done with which processes.
fn announce(session: &mut Session, apps: &[App], list: &[ProcView], act: Act) {
    for app in apps {
        let picked = Picked::numbered(targets_of(std::slice::from_ref(app), list));
        perform::announce(session, act, &app.name, &picked);
    }
}
