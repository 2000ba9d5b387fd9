//! PM2's words for states and signals.

use std::borrow::Cow;

use ostler_wire::control::Phase;

/// Returns PM2's word for a phase.
#[must_use]
pub fn status(phase: Phase) -> &'static str {
    match phase {
        // No process, and nothing is wrong.
        Phase::Stopped | Phase::Sleeping => "stopped",
        Phase::Errored => "errored",
        Phase::Starting | Phase::Waiting => "launching",
        Phase::Online => "online",
        Phase::Stopping => "stopping",
        Phase::Backoff { .. } => "waiting restart",
    }
}

/// Signals that have a name, with it.
const SIGNALS: [(i32, &str); 30] = [
    (libc::SIGHUP, "SIGHUP"),
    (libc::SIGINT, "SIGINT"),
    (libc::SIGQUIT, "SIGQUIT"),
    (libc::SIGILL, "SIGILL"),
    (libc::SIGTRAP, "SIGTRAP"),
    (libc::SIGABRT, "SIGABRT"),
    (libc::SIGBUS, "SIGBUS"),
    (libc::SIGFPE, "SIGFPE"),
    (libc::SIGKILL, "SIGKILL"),
    (libc::SIGUSR1, "SIGUSR1"),
    (libc::SIGSEGV, "SIGSEGV"),
    (libc::SIGUSR2, "SIGUSR2"),
    (libc::SIGPIPE, "SIGPIPE"),
    (libc::SIGALRM, "SIGALRM"),
    (libc::SIGTERM, "SIGTERM"),
    (libc::SIGSYS, "SIGSYS"),
    (libc::SIGCHLD, "SIGCHLD"),
    (libc::SIGCONT, "SIGCONT"),
    (libc::SIGSTOP, "SIGSTOP"),
    (libc::SIGTSTP, "SIGTSTP"),
    (libc::SIGTTIN, "SIGTTIN"),
    (libc::SIGTTOU, "SIGTTOU"),
    (libc::SIGURG, "SIGURG"),
    (libc::SIGXCPU, "SIGXCPU"),
    (libc::SIGXFSZ, "SIGXFSZ"),
    (libc::SIGVTALRM, "SIGVTALRM"),
    (libc::SIGPROF, "SIGPROF"),
    (libc::SIGWINCH, "SIGWINCH"),
    (libc::SIGIO, "SIGIO"),
    (libc::SIGPWR, "SIGPWR"),
];

/// Returns a signal's name with its prefix, or its number.
#[must_use]
pub fn signal(number: i32) -> Cow<'static, str> {
    SIGNALS
        .iter()
        .find(|(known, _)| *known == number)
        .map_or_else(|| format!("number {number}").into(), |(_, name)| (*name).into())
}

/// Returns the names of all signals that have one.
pub fn signals() -> impl Iterator<Item = &'static str> {
    SIGNALS.iter().map(|(_, name)| *name)
}

/// Returns the number of a signal that is named with or without its prefix, or by its number.
#[must_use]
pub fn signal_number(word: &str) -> Option<i32> {
    /// Signals have numbers up to this.
    const LAST: i32 = 64;
    let upper = word.to_ascii_uppercase();
    let bare = upper.strip_prefix("SIG").unwrap_or(&upper);
    let named = SIGNALS.iter().find(|(_, name)| name.strip_prefix("SIG") == Some(bare));
    let number = || word.parse().ok().filter(|number| (1..=LAST).contains(number));
    named.map(|(number, _)| *number).or_else(number)
}
