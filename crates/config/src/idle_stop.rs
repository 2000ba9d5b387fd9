//! Which apps can sleep until somebody comes.
//!
//! Whoever is to be woken by a connection must have its listening socket held while it has no
//! process, and whoever is to fall asleep must have its connections counted. Both is so where the
//! daemon is the primary that hands them to the workers, and nowhere else.

use ostler_core::spec::{AppSpec, Balance, ExecMode, Health, Probe};

use crate::diagnostic::Diagnostic;
use crate::fields::Fields;

/// Complains of an app that cannot be woken, or would never sleep.
pub(crate) fn check(spec: &AppSpec, fields: &Fields<'_>, report: &mut Vec<Diagnostic>) {
    if let Some(why) = why_never_asleep(spec) {
        // Where the key that is in the way is not written, the attribute itself is shown.
        let key = if fields.node(why.key).is_some() { why.key } else { "idle_stop" };
        let said = Diagnostic::error("no-idle-stop", why.message).help(why.help);
        report.push(fields.at(key, said));
    }
}

/// What keeps an app from the sleep that it asks for.
#[derive(Clone, Copy, Debug)]
pub struct NeverAsleep {
    /// The attribute that is in the way.
    key: &'static str,
    /// What is said of it.
    pub message: &'static str,
    /// What can be done.
    pub help: &'static str,
}

/// Returns what keeps an app from the sleep that it asks for, if it asks for it.
#[must_use]
pub fn why_never_asleep(spec: &AppSpec) -> Option<NeverAsleep> {
    spec.idle_stop?;
    let (key, message, help) = in_the_way(spec)?;
    Some(NeverAsleep { key, message, help })
}

fn in_the_way(spec: &AppSpec) -> Option<(&'static str, &'static str, &'static str)> {
    let program = spec.interpreter.as_deref().and_then(|program| program.rsplit('/').next());
    let asked = |of: &Health| of.restart_after.is_some() && matches!(of.probe, Probe::Tcp { .. });
    if spec.exec_mode != ExecMode::Cluster {
        Some((
            "exec_mode",
            "`idle_stop` needs cluster mode: nobody holds the socket of an app in fork mode while \
             it does not run",
            match program {
                Some("node") => "write `exec_mode: \"cluster\"`, or leave `idle_stop` out",
                Some(_) | None => "leave `idle_stop` out: apps of Node alone can sleep",
            },
        ))
    } else if program == Some("bun") {
        Some((
            "interpreter",
            "`idle_stop` is not for bun: its workers bind the port by themselves",
            "run it with Node, or leave `idle_stop` out",
        ))
    } else if spec.balance == Balance::Shared {
        Some((
            "balance",
            "`idle_stop` cannot be had with `balance: \"shared\"`: workers that accept by \
             themselves tell nobody of it",
            "leave `balance` out, or write `\"sticky\"`",
        ))
    } else if spec.health.as_ref().is_some_and(asked) {
        Some((
            "health",
            "`idle_stop` cannot be had with a health check by `tcp` that goes on while the app \
             serves: each is a connection, and keeps it awake",
            "check it by `http`, which goes to the worker past its port",
        ))
    } else {
        None
    }
}
