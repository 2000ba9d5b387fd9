//! How a run ended, in the keeper's form and in the core's.

use ostler_core::Exit;
use ostler_keeper::proto::ExitStatus;

/// Returns the keeper's report in the core's form.
pub fn exit_of(status: ExitStatus) -> Exit {
    match status {
        ExitStatus::Code(code) => Exit::Code(code),
        ExitStatus::Signal(number, core) => Exit::Signal { number, core },
        ExitStatus::Unknown => Exit::Unknown,
    }
}

/// Returns the core's exit in the keeper's form.
pub fn status_of(exit: Exit) -> ExitStatus {
    match exit {
        Exit::Code(code) => ExitStatus::Code(code),
        Exit::Signal { number, core } => ExitStatus::Signal(number, core),
        Exit::Unknown | Exit::NotSpawned | Exit::Refused => ExitStatus::Unknown,
    }
}
