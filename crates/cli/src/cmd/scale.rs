//! `scale`: `4`, `+2`, `-1`.

use ostler_wire::control::{Event, Request, ScaleTo};

use super::{first_run, list, perform, unwritten};
use crate::failed::Failed;
use crate::program::Program;
use crate::select::{near, of_app};
use crate::session::{Session, ticket};
use crate::voice::{Act, Notice, Problem, Target};

/// Runs the command `scale`.
pub(super) fn run(session: &mut Session) -> Result<(), Failed> {
    let name = session.args.word().to_owned();
    let text = session.args.words.get(1).cloned().unwrap_or_default();
    let Some(target) = ScaleTo::parse(&text) else {
        let pasted = ostler_shell::operand(&name);
        return Err(Failed::misuse(format!("`{text}` is not a number of instances"))
            .hint(format!("`ostler scale {pasted} 4`, or `+2` or `-1` in place of the number")));
    };
    let list = session.about(&name)?;
    let named = of_app(session.program, &name, &list);
    let targets: Vec<Target> = named.into_iter().map(Target::of).collect();
    let current = targets.len();
    if current == 0 {
        let near = near(&name, &list);
        return Err(Problem::NoApp { name, near }.into());
    }
    let nothing = match target {
        ScaleTo::Exactly(count) => usize::try_from(count) == Ok(current),
        ScaleTo::Add(count) | ScaleTo::Remove(count) => count == 0,
    };
    if nothing {
        let problem = Problem::NothingToScale { name, count: current };
        // A script that sets a number may be run again, and one may have worked out `+0`.
        if session.program == Program::Pm2 {
            return Err(problem.into());
        }
        session.changed.extend(targets.iter().map(|of| of.id));
        list::nothing_to_do(session, &problem.text())?;
        return warn_of_rest(session, &targets);
    }
    announce_and_scale(session, name, target, &targets)?;
    list::table(session)
}

/// Says which of these processes do not run, and are not started by a `scale`.
fn warn_of_rest(session: &mut Session, targets: &[Target]) -> Result<(), Failed> {
    if session.program == Program::Pm2 || targets.iter().all(|of| !of.rests) {
        return Ok(());
    }
    let list = session.known()?;
    let of_app = list.iter().filter(|of| targets.iter().any(|one| one.id == of.id));
    let resting: Vec<Target> = of_app.map(Target::of).filter(|of| of.rests).collect();
    let Some(first) = resting.first() else { return Ok(()) };
    let (name, pasted) = (&first.name, ostler_shell::operand(&first.name));
    let ids: Vec<String> = resting.iter().map(|of| of.id.to_string()).collect();
    let (which, starts) = match ids.as_slice() {
        [id] => (format!("process {id} of `{name}` is not running, and stays so"), "starts it"),
        ids => (
            format!("processes {} of `{name}` are not running, and stay so", ids.join(", ")),
            "starts them",
        ),
    };
    let hint = format!("`ostler start {pasted}` {starts}");
    session.out.tell(&Notice::Warning { text: &which, hint: Some(&hint), apart: true });
    Ok(())
}

/// Brings an app that is in the list to a number of processes.
pub(super) fn to(session: &mut Session, name: String, target: ScaleTo) -> Result<(), Failed> {
    let list = session.known()?;
    let named = list.iter().filter(|process| process.name == name);
    let targets: Vec<Target> = named.map(Target::of).collect();
    announce_and_scale(session, name, target, &targets)
}

fn announce_and_scale(
    session: &mut Session,
    name: String,
    target: ScaleTo,
    targets: &[Target],
) -> Result<(), Failed> {
    let act = Act::Scale;
    session.out.tell(&Notice::Begun { act, selector: None, targets });
    let count = targets.len();
    let processes = match target {
        ScaleTo::Exactly(count) => size(count),
        ScaleTo::Add(more) => count.saturating_add(size(more)),
        ScaleTo::Remove(fewer) => count.saturating_sub(size(fewer)),
    };
    session.out.tell(&Notice::ScalesTo { processes });
    let (mut failed, mut new) = (false, Vec::new());
    // PM2's way, which leaves gaps in the numbers.
    let lowest_first = session.program == Program::Pm2;
    let doing = session.out.progress().is_some();
    let request = Request::Scale { name, target, lowest_first, doing, ticket: Some(ticket()) };
    let answer = session.ask_with(&request, |out, event| match event {
        Event::Acted { id, name, error: None, added, connections } => {
            new.extend(added.then_some(id));
            out.tell(&Notice::Scaled { id, name: &name, added, connections });
        }
        other => failed |= !perform::report(out, &other),
    });
    let result = answer.and_then(|answer| perform::done(&answer, failed));
    first_run::watch(session, &new);
    let result = perform::finish(session, act, result, &[]);
    unwritten::warn(session);
    if result.is_ok() {
        warn_of_rest(session, targets)?;
    }
    // A program that asks is told of the whole app, also where processes only leave.
    session.changed.extend(targets.iter().map(|of| of.id));
    result
}

fn size(count: u32) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}
