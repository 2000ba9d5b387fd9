//! Cluster apps that share a port.
//!
//! Problem: that two apps answer at one address is wanted when one takes the place of the other,
//! and a mistake when a port was copied. Rule: it is allowed, and the start of the second
//! app says so.

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
        let other = list.iter().find(|of| of.name != name && of.listens.contains(address));
        let Some(other) = other.map(|of| of.name.as_str()) else { continue };
        let text = format!("`{address}` is shared with app `{other}`: connections go to both");
        let (pasted, pasted_other) = (ostler_shell::word(name), ostler_shell::word(other));
        let hint = format!(
            "`ostler stop {pasted_other}` leaves it to `{name}`, `ostler stop {pasted}` to \
             `{other}`; what is to be separate needs another port"
        );
        session.out.tell(&Notice::Warning { text: &text, hint: Some(&hint), apart: true });
    }
}
