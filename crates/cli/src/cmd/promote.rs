//! `promote` and `rollback`: the two ends of a canary.

use ostler_wire::control::Request;

use super::{list, perform};
use crate::failed::Failed;
use crate::select::{near, of_app};
use crate::session::{Session, ticket};
use crate::voice::{Act, Notice, Problem, Target};

/// Runs the command `promote` (`keep`) or `rollback`.
pub(super) fn run(session: &mut Session, keep: bool) -> Result<(), Failed> {
    let name = session.args.word().to_owned();
    let processes = session.about(&name)?;
    let named = of_app(session.program, &name, &processes);
    let targets: Vec<Target> = named.into_iter().map(Target::of).collect();
    if targets.is_empty() {
        let near = near(&name, &processes);
        return Err(Problem::NoApp { name, near }.into());
    }
    let act = if keep { Act::Promote } else { Act::Rollback };
    session.out.tell(&Notice::Begun { act, selector: None, targets: &targets });
    let mut failed = false;
    let answer =
        session.ask_with(&Request::Promote { name, keep, ticket: Some(ticket()) }, |out, event| {
            failed |= !perform::report(out, &event);
        });
    let result = answer.and_then(|answer| perform::done(&answer, failed));
    perform::finish(session, act, result, &[])?;
    list::table(session)
}
