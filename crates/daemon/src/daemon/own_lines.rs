//! What the daemon writes into its own log, for whoever reads that.

use crate::bus::Bus;
use crate::clients::Clients;
use crate::daemon_log;

/// Passes on what was written in this round.
pub(super) fn publish(clients: &mut Clients, bus: &mut Bus) {
    let fresh = daemon_log::take_fresh();
    if fresh.is_empty() {
        return;
    }
    let watched = clients.publish_own(&fresh);
    let heard = bus.own(&fresh);
    daemon_log::watch(watched || heard);
}
