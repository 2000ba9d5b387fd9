//! PM2's words for states and signals.

use std::borrow::Cow;

use ostler_wire::control::Phase;

/// Returns PM2's word for a phase.
#[must_use]
pub fn status(phase: Phase) -> &'static str {
    match phase {
        Phase::Stopped => "stopped",
        Phase::Errored => "errored",
        Phase::Starting => "launching",
        Phase::Online => "online",
        Phase::Stopping => "stopping",
        Phase::Backoff { .. } => "waiting restart",
    }
}

/// Returns a signal's name with its prefix, or its number.
#[must_use]
pub fn signal(number: i32) -> Cow<'static, str> {
    const NAMES: [(i32, &str); 16] = [
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
    ];
    NAMES
        .iter()
        .find(|(known, _)| *known == number)
        .map_or_else(|| format!("number {number}").into(), |(_, name)| (*name).into())
}
