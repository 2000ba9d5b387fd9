//! The first start of all: what a newcomer may do next.

use super::address;
use crate::program::Program;
use crate::session::Session;
use crate::voice::Notice;

/// After the very first start: what to do next. `addresses`: what the app listens on, where that
/// is known.
pub(super) fn tell(session: &mut Session, addresses: &[String]) {
    if !session.started || session.program == Program::Pm2 {
        return;
    }
    // Only for the words below: without a list there are none.
    let Some(first) = session.known().ok().and_then(|list| list.into_iter().next()) else { return };
    let name = &first.name;
    let curl = addresses.iter().find_map(|one| address::curl(one));
    let curl = curl.map(|command| (command, "ask it something"));
    let steps: Vec<(String, &'static str)> = curl
        .into_iter()
        .chain([
            (format!("ostler logs {name}"), "watch its output"),
            (format!("ostler scale {name} 4"), "run four of it, on one port"),
            ("ostler stop all".to_owned(), "stop everything, keep the list"),
            ("ostler kill".to_owned(), "stop everything and the daemon"),
        ])
        .collect();
    session.out.tell(&Notice::FirstSteps { steps: &steps });
}
