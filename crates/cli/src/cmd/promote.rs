//! `promote` and `rollback`: the two ends of a canary.

use ostler_wire::control::{Event, Request};

use super::{list, perform};
use crate::failed::Failed;
use crate::session::{Session, ticket};

/// Runs the command `promote` (`keep`) or `rollback`.
pub(super) fn run(session: &mut Session, keep: bool) -> Result<(), Failed> {
    let name = session.args.word().to_owned();
    let processes = session.list()?;
    if processes.iter().all(|process| process.name != name) {
        let hint = format!("`{} list` shows the names", session.program.name());
        return Err(Failed::new(format!("Application {name} not found")).hint(hint));
    }
    let mut failed = false;
    let answer = session.ask_with(
        &Request::Promote { name, keep, ticket: Some(ticket()) },
        |out, event| match event {
            Event::Step { name, id, step } => {
                out.say(&format!("[{name}]({id}) {}", step.sentence(id, &name)));
            }
            other => failed |= !perform::report(out, &other),
        },
    )?;
    perform::done(&answer, failed)?;
    list::table(session)
}
