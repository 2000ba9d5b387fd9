//! Why a request failed at a process, in words.

use ostler_core::ProcId;
use ostler_wire::control::{Code, Failure};

/// Where the reason stands why an app's process ended, as a hint.
pub(super) fn see_logs(name: &str) -> String {
    let pasted = ostler_shell::operand(name);
    format!("see `ostler logs {pasted}`")
}

/// A process that was deleted by somebody else.
pub(super) fn gone(id: ProcId) -> Failure {
    Failure {
        code: Code::NotFound,
        message: format!("process {} was deleted meanwhile", id.0),
        hint: None,
    }
}

/// A restart that a later stop made void.
pub(super) fn superseded(id: ProcId) -> Failure {
    let message = format!("process {} was left to a `stop` that came later", id.0);
    Failure { code: Code::CutShort, message, hint: None }
}

/// A process that became another user's.
pub(super) fn unsignalable(id: ProcId, pid: u32, user: &str) -> Failure {
    Failure {
        code: Code::Unkillable,
        message: format!(
            "process {} cannot be ended: pid {pid} runs as {user} and may not be signalled",
            id.0
        ),
        hint: Some(format!("end it as that user, for example by `sudo kill {pid}`")),
    }
}

/// A run that the keeper did not come to begin.
pub(super) fn unspawned(id: ProcId) -> Failure {
    Failure {
        code: Code::NotSpawned,
        message: format!("process {} is not spawned yet", id.0),
        hint: Some(
            "the manager is out of file descriptors or overloaded, or its keeper does not answer \
             (see `ulimit -n` and pm2.log); ostler retries"
                .to_owned(),
        ),
    }
}

/// A run whose descriptors the daemon cannot take in.
pub(super) fn unfetched(id: ProcId) -> Failure {
    Failure {
        code: Code::System,
        message: format!(
            "process {} was started, but the manager has no file descriptors left to look after it",
            id.0
        ),
        hint: Some("raise its limit (`prlimit --nofile=… --pid` of both); it retries".to_owned()),
    }
}

/// An app that another command has started.
pub(super) fn listed(name: &str) -> Failure {
    Failure {
        code: Code::NothingToDo,
        message: format!("`{name}` runs already: another command has just started it"),
        hint: Some(format!(
            "`ostler restart {pasted}` restarts it, `--force` starts a second one of that name",
            pasted = ostler_shell::operand(name)
        )),
    }
}

/// A process that was not killed, and is not where it should be.
pub(super) fn unfinished(id: ProcId, ends: bool) -> Failure {
    let what = if ends { "has not ended yet" } else { "is not up yet" };
    Failure {
        code: Code::Unknown,
        message: format!("process {} {what}", id.0),
        hint: Some("`ostler list` shows what it does; ostler goes on with it".to_owned()),
    }
}

/// A run that no signal ends.
pub(super) fn unkillable(id: ProcId) -> Failure {
    Failure {
        code: Code::Unkillable,
        message: format!("process {} is still there after SIGKILL", id.0),
        hint: Some(
            "it is stuck in uninterruptible sleep (see `ps -o stat,wchan`); ostler retries"
                .to_owned(),
        ),
    }
}
