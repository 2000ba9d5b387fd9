//! `list`: one question, one answer, one write.

use ostler_client::Answer;
use ostler_wire::control::{ProcView, Reply, Request};

use crate::args::FlagId;
use crate::failed::Failed;
use crate::program::Program;
use crate::session::{Session, unexpected};
use crate::view;
use crate::voice::Notice;

/// Pause between two pictures of `--watch`.
const REFRESH: std::time::Duration = std::time::Duration::from_millis(900);

/// Runs the command `list`.
pub(super) fn run(session: &mut Session) -> Result<(), Failed> {
    if !session.args.has_attribute("watch") {
        return pm2_table(session);
    }
    loop {
        let now = ostler_logs::iso(view::now()).unwrap_or_default();
        session.out.data(&format!("\x1b[2J\x1b[HLast refresh:  {now}\n"));
        pm2_table(session)?;
        session.out.flush()?;
        std::thread::sleep(REFRESH);
    }
}

/// Ends a command that changed something. Under PM2's name it is the table; ours has said what was
/// done, and only what has no effect yet is left to say.
pub(super) fn table(session: &mut Session) -> Result<(), Failed> {
    match session.program {
        Program::Pm2 => pm2_table(session),
        Program::Ostler => {
            let processes = session.list()?;
            warn_of_no_effect(session, &processes);
            Ok(())
        }
    }
}

/// Prints PM2's table.
fn pm2_table(session: &mut Session) -> Result<(), Failed> {
    let mut processes = session.list()?;
    view::sort(&mut processes, session.args.value(FlagId::Sort));
    if session.has(FlagId::MiniList) {
        return mini(session, &processes);
    }
    let text = view::list(&processes, view::width(), view::now(), session.out.paint);
    session.out.message(text.trim_end_matches('\n'));
    warn_of_no_effect(session, &processes);
    Ok(())
}

fn warn_of_no_effect(session: &mut Session, processes: &[ProcView]) {
    if let Some(text) = view::not_yet(processes) {
        session.out.tell(&Notice::NotYet { text: &text });
    }
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
