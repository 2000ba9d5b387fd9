//! `apply`: brings a process file in, and does what `plan` shows. A second run changes nothing.

use std::io::{IsTerminal as _, Write as _};

use ostler_core::spec::AppSpec;
use ostler_wire::control::{Action, Change, ScaleTo};

use super::{file, launch, list, perform, plan, rolling, scale};
use crate::apps;
use crate::args::FlagId;
use crate::failed::Failed;
use crate::plan::{Again, Deed, Step};
use crate::process_file::ProcessFile;
use crate::session::Session;
use crate::voice::{Act, Notice, Progress};

/// Runs the command `apply`.
pub(super) fn run(session: &mut Session) -> Result<(), Failed> {
    let (steps, noted) = plan::make(session)?;
    let is_json = session.out.progress() == Some(Progress::Json);
    if !is_json {
        plan::show(session, &steps);
    }
    if steps.iter().all(|step| step.deed.is_nothing()) {
        let why = format!("everything is as {} says", session.args.word());
        return list::nothing_to_do(session, &why);
    }
    confirm(session, &steps)?;
    let (removed, others): (Vec<_>, Vec<_>) =
        steps.into_iter().partition(|step| matches!(step.deed, Deed::Remove(_)));
    let mut result = Ok(());
    // What goes may hold a port that something new wants.
    for step in removed.into_iter().chain(others) {
        if let Err(failed) = carry_out(session, step, &noted) {
            // The other apps have nothing to do with it.
            failed.problem.iter().for_each(|problem| session.out.problem(problem));
            result = Err(Failed { problem: None, ..failed });
        }
    }
    result?;
    list::table(session)
}

/// Makes sure that apps may be removed.
fn confirm(session: &mut Session, steps: &[Step]) -> Result<(), Failed> {
    let is_removed = |step: &&Step| matches!(step.deed, Deed::Remove(_));
    let names: Vec<&str> = steps.iter().filter(is_removed).map(|step| step.app.as_str()).collect();
    if names.is_empty() || session.has(FlagId::Yes) {
        return Ok(());
    }
    let names = session.out.readable(&names.join(", ")).into_owned();
    let refused = |message: String| {
        Failed::new(message).hint("`--yes` says that they may be removed; nothing was done")
    };
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return Err(refused(format!("`--prune` would remove {names}, and there is nobody to ask")));
    }
    let mut to = std::io::stderr();
    let asked = write!(to, "remove {names}? [y/N] ").and_then(|()| to.flush());
    let mut answer = String::new();
    let read = asked.and_then(|()| std::io::stdin().read_line(&mut answer));
    read.map_err(|error| Failed::new(format!("cannot ask whether to remove {names}: {error}")))?;
    match answer.trim() {
        "y" | "Y" | "yes" => Ok(()),
        _ => Err(refused(format!("{names} would be removed"))),
    }
}

fn carry_out(session: &mut Session, step: Step, noted: &ProcessFile) -> Result<(), Failed> {
    let Step { app, deed, .. } = step;
    match deed {
        Deed::Unchanged | Deed::Keep => Ok(()),
        Deed::Add(spec) => add(session, *spec, noted),
        Deed::Again { how, ids, spec, scale } => {
            let record = apps::of_spec(session, *spec, noted)?.record;
            let change = Change { records: vec![record], ..perform::unchanged(session)? };
            let list = session.known()?;
            let tells_next = |session: &mut Session| {
                if scale.is_some() {
                    session.out.tell(&Notice::ScalesNext);
                }
            };
            match how {
                Again::Start | Again::Restart => {
                    let act = file::act_on(session.program, &ids, &list);
                    file::announce_ids(session, &app, &list, &ids, act);
                    tells_next(session);
                    perform::act(session, act, Action::Restart, ids, change)?;
                }
                Again::Reload => {
                    file::announce_ids(session, &app, &list, &ids, Act::Reload);
                    tells_next(session);
                    rolling::reload(session, &ids, change, &list)?;
                }
            }
            scale.map_or(Ok(()), |count| scale::to(session, app, ScaleTo::Exactly(count)))
        }
        Deed::Scale(count) => scale::to(session, app, ScaleTo::Exactly(count)),
        Deed::Replace { ids, spec } => {
            remove(session, &app, ids)?;
            add(session, *spec, noted)
        }
        Deed::Remove(ids) => remove(session, &app, ids),
    }
}

fn add(session: &mut Session, spec: AppSpec, noted: &ProcessFile) -> Result<(), Failed> {
    let new = apps::of_spec(session, spec, noted)?;
    launch::missing(session, vec![new])
}

fn remove(session: &mut Session, app: &str, ids: Vec<u32>) -> Result<(), Failed> {
    let list = session.known()?;
    file::announce_ids(session, app, &list, &ids, Act::Delete);
    let change = perform::unchanged(session)?;
    perform::act(session, Act::Delete, Action::Delete, ids, change)
}
