//! `list --watch`: the list again and again. On a terminal each picture takes the place of the one
//! before; whoever reads a pipe gets one after the other.

use std::io::IsTerminal as _;
use std::time::Duration;

use super::list;
use crate::args::FlagId;
use crate::failed::Failed;
use crate::paint;
use crate::program::Program;
use crate::session::Session;
use crate::view;

/// Pause between two pictures.
const REFRESH: Duration = Duration::from_millis(900);

/// Shows the list until the command is ended.
pub(super) fn run(session: &mut Session) -> Result<(), Failed> {
    let mut first = true;
    loop {
        let head = head(session, first);
        session.out.data(&head);
        list::run(session)?;
        session.out.flush()?;
        first = false;
        std::thread::sleep(REFRESH);
    }
}

/// Returns what stands above a picture.
fn head(session: &Session, first: bool) -> String {
    let now = |form: &str| ostler_logs::date(view::now(), form);
    let program_reads = session.args.wants_json() || session.has(FlagId::Template);
    match session.program {
        Program::Pm2 => {
            format!("\x1b[2J\x1b[0fLast refresh:  {}\n", now("YYYY-MM-DDTHH:mm:ssZ"))
        }
        Program::Ostler if program_reads => String::new(),
        Program::Ostler if std::io::stdout().is_terminal() && !paint::is_dumb() => {
            format!("\x1b[2J\x1b[H{}, Ctrl-C ends\n\n", now("HH:mm:ss"))
        }
        Program::Ostler => if first { "" } else { "\n" }.to_owned(),
    }
}
