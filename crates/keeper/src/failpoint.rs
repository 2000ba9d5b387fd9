//! Death at a named place, for tests: a process is killed most easily where nobody thought of it.
//!
//! Only with the feature `failpoints`; without it [`hit`] is nothing. `OSTLER_FAILPOINT=NAME` or
//! `NAME:NTH` kills the process that comes to that place (for the NTH time), as SIGKILL would;
//! `OSTLER_FAILPOINT_ONCE` names a file that is made then, and while it is there nobody
//! dies any more.

/// Places in the daemon.
pub const DAEMON: [&str; 36] = [
    "state.before",
    "state.written",
    "state.between",
    "state.after",
    "send.before",
    "send.after",
    "spawn.before",
    "spawn.after",
    "prepare.before",
    "prepare.after",
    "revoke.before",
    "revoke.after",
    "begun.before",
    "begun.after",
    "disconnect.before",
    "disconnect.after",
    "terminate.before",
    "terminate.after",
    "note.before",
    "note.after",
    "tell.before",
    "tell.after",
    "report.spawned",
    "report.exited",
    "reply.before",
    "reply.after",
    "request.before",
    "request.after",
    "release.before",
    "takeover.recovered",
    "takeover.after",
    "accept.unnoted",
    "accept.noted",
    "conn.unsent",
    "conn.sent",
    "channel.handled",
];

/// Places in the keeper.
pub const KEEPER: [&str; 8] = [
    "keeper.request.before",
    "keeper.request.after",
    "keeper.reply.before",
    "keeper.reply.after",
    "keeper.born",
    "keeper.spawned",
    "keeper.reaped",
    "keeper.daemon.born",
];

/// Dies here if that was asked for.
#[cfg(not(feature = "failpoints"))]
#[inline]
pub fn hit(_name: &str) {}

/// Dies here if that was asked for.
#[cfg(feature = "failpoints")]
pub fn hit(name: &str) {
    use std::sync::atomic::{AtomicU32, Ordering};
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let Ok(wanted) = std::env::var(ostler_env::OSTLER_FAILPOINT) else { return };
    let (wanted, nth) = wanted.split_once(':').unwrap_or((&wanted, "1"));
    if wanted != name || COUNT.fetch_add(1, Ordering::Relaxed) + 1 != nth.parse().unwrap_or(1) {
        return;
    }
    let Some(once) = std::env::var_os(ostler_env::OSTLER_FAILPOINT_ONCE) else { return };
    if std::fs::OpenOptions::new().write(true).create_new(true).open(once).is_err() {
        return;
    }
    let own = rustix::process::getpid();
    // It cannot fail, and nothing comes after it.
    let _ = rustix::process::kill_process(own, rustix::process::Signal::KILL);
    loop {
        std::thread::park();
    }
}
