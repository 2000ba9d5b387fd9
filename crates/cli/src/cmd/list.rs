//! `list`: one question, one answer, one write.

use ostler_client::Answer;
use ostler_wire::control::{ProcView, Reply, Request};

use crate::args::FlagId;
use crate::failed::Failed;
use crate::session::{Session, unexpected};
use crate::view;

/// Pause between two pictures of `--watch`.
const REFRESH: std::time::Duration = std::time::Duration::from_millis(900);

/// Runs the command `list`.
pub(super) fn run(session: &mut Session) -> Result<(), Failed> {
    if !session.args.has_attribute("watch") {
        return table(session);
    }
    loop {
        let now = ostler_logs::iso(view::now()).unwrap_or_default();
        session.out.data(&format!("\x1b[2J\x1b[HLast refresh:  {now}\n"));
        table(session)?;
        session.out.flush()?;
        std::thread::sleep(REFRESH);
    }
}

/// Prints the table that ends most commands.
pub(super) fn table(session: &mut Session) -> Result<(), Failed> {
    let mut processes = session.list()?;
    view::sort(&mut processes, session.args.value(FlagId::Sort));
    if session.has(FlagId::MiniList) {
        return mini(session, &processes);
    }
    let text = view::list(&processes, view::width(), view::now(), session.out.paint);
    session.out.message(text.trim_end_matches('\n'));
    if let Some(text) = view::not_yet(&processes) {
        session.out.warn(&text);
    }
    Ok(())
}

fn mini(session: &mut Session, processes: &[ProcView]) -> Result<(), Failed> {
    for process in processes {
        let details = match session.ask(&Request::Describe { id: process.id }) {
            Ok(Answer::Reply(Reply::Describe(details))) => details,
            Ok(other) => return Err(unexpected(&other)),
            // It was deleted since the list was made.
            Err(_) => continue,
        };
        let text = view::mini(process, &details.pid_file, view::now());
        session.out.message(text.strip_suffix('\n').unwrap_or(&text));
    }
    Ok(())
}
