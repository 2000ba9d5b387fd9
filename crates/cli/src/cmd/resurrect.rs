//! `resurrect`: starts what was saved and does not run.

use std::collections::BTreeSet;
use std::path::Path;

use ostler_client::Answer;
use ostler_wire::control::{Event, Reply, Request};

use super::{first_run, list, perform, unwritten};
use crate::args::{Command, CommandId};
use crate::failed::Failed;
use crate::program::Program;
use crate::session::{Session, unexpected};
use crate::voice::{Act, Notice, Subject, Target};

/// The protocol since which a daemon tells of each process that is brought back.
const TOLD_SINCE: u32 = 8;

/// Runs the command `resurrect`.
pub(super) fn run(session: &mut Session) -> Result<(), Failed> {
    restore(session)?;
    list::table(session)
}

/// Starts what was saved and does not run, and reports it.
pub(super) fn restore(session: &mut Session) -> Result<(), Failed> {
    let path = session.home.dump();
    let told = session.out.progress().is_some() && TOLD_SINCE <= session.protocol()?;
    let request = if told { Request::ResurrectTold } else { Request::Resurrect };
    restore_from(session, &request, &path)
}

/// The same of another list, which the request has.
pub(super) fn restore_from(
    session: &mut Session,
    request: &Request,
    path: &Path,
) -> Result<(), Failed> {
    session.connect()?;
    let act = if matches!(request, Request::Import { .. }) { Act::Import } else { Act::Resurrect };
    session.out.tell(&Notice::Resurrects { act, path });
    let mut restored = BTreeSet::new();
    let answer = session.ask_with(request, |out, event| match event {
        Event::Restored { name, script, error: None } => {
            restored.insert(name.clone());
            out.tell(&Notice::Restored { name: &name, script: &script });
        }
        Event::Restored { name, script, error: Some(error) } => {
            // As PM2: told, but the others count.
            let subject = Subject::Saved { name: &name, script: &script };
            out.tell(&Notice::Missed { subject, error: &error });
        }
        Event::Restoring { started, stopped, saved, before } => {
            let target = |(id, name), rests| Target { id, name, cluster: false, rests };
            let started = started.into_iter().map(|one| target(one, false));
            let stopped = stopped.into_iter().map(|one| target(one, true));
            let targets: Vec<Target> = started.chain(stopped).collect();
            out.tell(&Notice::Restores { targets: &targets, saved, before });
        }
        Event::Starting { id, name, up } => out.tell(&Notice::Starts { id, name: &name, up }),
        other => {
            perform::report(out, &other);
        }
    });
    let result = match answer {
        Ok(Answer::Reply(Reply::Done)) => Ok(()),
        Ok(other) => Err(unexpected(&other)),
        // No usable list is no failure to PM2's boot scripts, nor when an init system starts the
        // manager before anything was saved. Whoever asks for the list is told that there is none.
        Err(Failed { code: 1, problem: Some(problem), .. }) if !asks_for_list(session) => {
            session.out.tell(&Notice::NothingSaved { problem: &problem });
            return Ok(());
        }
        Err(other) => Err(other),
    };
    let ids = if result.is_ok() { ids_of(session, &restored)? } else { Vec::new() };
    first_run::watch(session, &ids);
    let result = perform::finish(session, act, result, &[]);
    session.changed.extend(&ids);
    unwritten::warn(session);
    result
}

/// Whether the list was asked for, under our own name.
fn asks_for_list(session: &Session) -> bool {
    let is_asked =
        |command: &Command| matches!(command.id, CommandId::Resurrect | CommandId::Import);
    session.program == Program::Ostler && session.args.command.is_some_and(is_asked)
}

/// Returns the processes of these apps.
fn ids_of(session: &mut Session, names: &BTreeSet<String>) -> Result<Vec<u32>, Failed> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let list = session.list()?;
    Ok(list.iter().filter(|of| names.contains(&of.name)).map(|of| of.id).collect())
}
