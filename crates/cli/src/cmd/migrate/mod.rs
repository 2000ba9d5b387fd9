//! `migrate`: takes the apps over from a PM2 that runs, one after the other, and gives them
//! back with `--back`.
//!
//! Problem: two managers cannot watch the same apps, and between the end of one and the start of
//! the other nobody serves. Rule: one app at a time. New workers of a cluster share the port with
//! the old ones before these go; whatever holds its port by itself ends first, and the time in
//! which nobody listened is told. An app that does not serve here stays where it was. Whoever
//! interrupts the command ends it between two apps, and one that was killed is gone on with.

mod back;
mod connections;
mod moving;
mod note;
mod other;
mod plan;
mod quiet;
mod service;

use std::path::{Path, PathBuf};

use ostler_wire::control::Request;

use crate::args::FlagId;
use crate::failed::Failed;
use crate::session::{Session, hold_back};
use crate::sys::Interrupts;
use crate::voice::{MigrationNotice, MoveWay, Notice, PlannedMove};
use note::Note;
use other::Other;
use plan::Move;

/// The exit code of a command that SIGINT has ended.
const INTERRUPTED: u8 = 130;

/// Runs the command `migrate`.
pub(super) fn run(session: &mut Session) -> Result<(), Failed> {
    let from = source(session)?;
    if from == session.home.path() {
        let home = from.display();
        return Err(Failed::new(format!("`{home}` is the home of both"))
            .hint("`OSTLER_HOME=DIR ostler migrate` moves the apps into another one"));
    }
    session.home.refuse_unusable()?;
    if session.has(FlagId::Back) { back::run(session, &from) } else { take_over(session, &from) }
}

/// The home of PM2: `--from`, else `PM2_HOME`, else the usual one.
fn source(session: &Session) -> Result<PathBuf, Failed> {
    if let Some(path) = session.args.value(FlagId::From) {
        return Ok(std::path::absolute(path).unwrap_or_else(|_| PathBuf::from(path)));
    }
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set(ostler_env::PM2_HOME)
        .or_else(|| set(ostler_env::HOME).map(|home| home.join(".pm2")))
        .ok_or_else(|| {
            Failed::new("the home of PM2 is not known: neither PM2_HOME nor HOME is set")
                .hint("`--from DIR` names it")
        })
}

fn take_over(session: &mut Session, from: &Path) -> Result<(), Failed> {
    let Some(mut other) = Other::find(from)? else {
        return Err(nobody(from));
    };
    let only_shown = session.has(FlagId::DryRun);
    let list =
        if only_shown && !session.connect_if_running()? { Vec::new() } else { session.list()? };
    let note = Note::of(session.home.path());
    let begun = note.read(from)?;
    let taken = list.into_iter().map(|process| process.name).collect();
    let moves = plan::plan(other.list()?, &taken, begun.as_ref(), plan::may_share(other.pid));
    let unit = service::find(from);
    tell_plan(session, from, &moves);
    if only_shown {
        return Ok(());
    }
    let interrupts = hold_back()?;
    let moved = move_all(session, &mut other, &moves, &note, from, &interrupts)?;
    session.ask(&Request::Save { force: true })?;
    let left = moves.len() - moved.apps;
    if 0 < left {
        let apps = moved.apps;
        session.out.tell(&Notice::Migration(MigrationNotice::Partly { apps, left, from }));
        // What is held back is let in at the end of this function.
        session.out.flush()?;
        return match moved {
            Moved { interrupted: true, .. } => Err(Failed::quiet(INTERRUPTED)),
            Moved { failed: true, .. } => Err(Failed::quiet(1)),
            Moved { .. } => Ok(()),
        };
    }
    let apps = moved.apps;
    service::hand_over(session, unit.as_deref())?;
    other.end()?;
    session.out.tell(&Notice::Migration(MigrationNotice::Done { apps, from }));
    Ok(())
}

/// No PM2 runs in this home; what it saved can be started all the same, if it saved anything.
fn nobody(from: &Path) -> Failed {
    let dump = from.join("dump.pm2");
    let hint = if dump.is_file() {
        let pasted = ostler_shell::word(&dump.to_string_lossy()).into_owned();
        format!("`ostler import {pasted}` starts what it saved")
    } else {
        "`--from` names the home of another PM2; `pm2 ping` starts the one of this user".to_owned()
    };
    Failed::new(format!("no PM2 runs in `{}`", from.display())).hint(hint)
}

/// How far it came.
#[derive(Clone, Copy, Debug, Default)]
struct Moved {
    /// Apps that are here now.
    apps: usize,
    /// One could not be moved.
    failed: bool,
    /// Somebody interrupted it.
    interrupted: bool,
}

/// Moves one app after the other, until somebody interrupts it.
fn move_all(
    session: &mut Session,
    other: &mut Other,
    moves: &[Move],
    note: &Note,
    from: &Path,
    interrupts: &Interrupts,
) -> Result<Moved, Failed> {
    let mut moved_so_far = Moved::default();
    for one in moves.iter().filter(|one| !matches!(one.way, MoveWay::Left(_))) {
        if interrupts.came() {
            moved_so_far.interrupted = true;
            break;
        }
        session.out.flush()?;
        note.write(from, &one.processes)?;
        let result = moving::app(session, other, one);
        note.clear()?;
        let processes = one.processes.len();
        match result {
            Ok(gap) => {
                moved_so_far.apps += 1;
                session.out.tell(&Notice::Migration(MigrationNotice::Moved {
                    app: &one.name,
                    processes,
                    way: one.way,
                    gap,
                }));
            }
            Err(why) => {
                moved_so_far.failed = true;
                why.problem.iter().for_each(|problem| session.out.problem(problem));
                session.out.tell(&Notice::Migration(MigrationNotice::Kept { app: &one.name }));
            }
        }
    }
    Ok(moved_so_far)
}

fn tell_plan(session: &mut Session, from: &Path, moves: &[Move]) {
    let rows: Vec<_> = moves
        .iter()
        .map(|one| PlannedMove {
            name: &one.name,
            processes: one.processes.len(),
            way: one.way,
            ports: one.ports.iter().map(ToString::to_string).collect(),
        })
        .collect();
    let to = session.home.path().to_owned();
    session.out.tell(&Notice::Migration(MigrationNotice::Plan { from, to: &to, moves: &rows }));
}
