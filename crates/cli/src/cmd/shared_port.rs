//! Cluster apps that share a port.
//!
//! Problem: that two apps answer at one address is wanted when one takes the place of the other,
//! and a mistake when a port was copied. Rule: it is allowed, and the start of the second
//! app says so.

use std::collections::BTreeSet;

use ostler_wire::control::ProcView;

use crate::program::Program;
use crate::session::Session;
use crate::voice::Notice;

/// Warns of addresses of this app that others have, too. Under PM2's name nobody asks.
pub(super) fn warn(session: &mut Session, name: &str, addresses: &[String]) {
    if session.program == Program::Pm2 || addresses.is_empty() {
        return;
    }
    // Without a list there is nothing to compare with.
    let list = session.list().unwrap_or_default();
    for address in addresses {
        let of = |of: &&ProcView| of.name != name && of.listens.contains(address);
        let others: BTreeSet<&str> = list.iter().filter(of).map(|of| of.name.as_str()).collect();
        if others.is_empty() {
            continue;
        }
        let shown: Vec<String> = others.iter().map(|of| format!("`{of}`")).collect();
        let apps = if others.len() == 1 { "app" } else { "apps" };
        let text = format!(
            "`{address}` is shared with {apps} {}: connections go to all of them",
            shown.join(", ")
        );
        let words: Vec<_> = others.iter().map(|of| ostler_shell::word(of)).collect();
        let dashed = others.iter().any(|of| of.starts_with('-'));
        let pasted = if dashed { "-- " } else { "" }.to_owned() + &words.join(" ");
        let hint = format!(
            "`ostler stop {pasted}` leaves it to `{name}`; what is to be separate needs another \
             port"
        );
        session.out.tell(&Notice::Warning { text: &text, hint: Some(&hint), apart: true });
    }
}
