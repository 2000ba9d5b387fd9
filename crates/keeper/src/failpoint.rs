//! Death at a named place, for tests: a process is killed most easily where nobody thought of it.
//!
//! Only with the feature `failpoints`; without it [`hit`] is nothing. `OSTLER_FAILPOINT=NAME` or
//! `NAME:NTH` kills the process that comes to that place (for the NTH time), as SIGKILL would;
//! `NAME:NTH:parent` kills its parent instead, which is the keeper of a daemon that it started.
//! `OSTLER_FAILPOINT_ONCE` names a file that is made then, and while it is there nobody
//! dies any more.

/// Places in the daemon.
pub const DAEMON: [&str; 37] = [
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
    "release.after",
    "takeover.recovered",
    "takeover.after",
    "accept.unnoted",
    "accept.noted",
    "conn.unsent",
    "conn.sent",
    "channel.handled",
];

/// Places of a change of program in the daemon: in the old one, then in the new one.
pub const DAEMON_UPDATE: [&str; 9] = [
    "update.told",
    "update.welcomed",
    "succession.quiet",
    "succession.asked",
    "succession.awaited",
    "succession.found",
    "succession.taken",
    "takeover.recovered",
    "takeover.after",
];

/// Places of a change of program in the keeper.
pub const KEEPER_UPDATE: [&str; 4] =
    ["keeper.upgrade", "keeper.resumed", "keeper.succession.before", "keeper.succession.after"];

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
    let (wanted, rest) = wanted.split_once(':').unwrap_or((&wanted, "1"));
    let (nth, whom) = rest.split_once(':').unwrap_or((rest, ""));
    if wanted != name || COUNT.fetch_add(1, Ordering::Relaxed) + 1 != nth.parse().unwrap_or(1) {
        return;
    }
    let Some(once) = std::env::var_os(ostler_env::OSTLER_FAILPOINT_ONCE) else { return };
    if std::fs::OpenOptions::new().write(true).create_new(true).open(once).is_err() {
        return;
    }
    use rustix::process::{Pid, Signal, getpid, getppid, kill_process};
    if whom == "parent" {
        // One that is dead already need not be killed.
        let parent = getppid().filter(|parent| *parent != Pid::INIT);
        let _ = parent.map(|parent| kill_process(parent, Signal::KILL));
        return;
    }
    // It cannot fail, and nothing comes after it.
    let _ = kill_process(getpid(), Signal::KILL);
    loop {
        std::thread::park();
    }
}
