//! How processes ended: the code that a shell would have for it, and what is said of it.

use ostler_wire::control::{Outcome, Phase, ProcView};

use super::course::Seen;

/// A process as far as it matters for the end.
pub(super) fn seen(process: &ProcView) -> Seen {
    let alive = !matches!(process.phase, Phase::Stopped | Phase::Errored);
    let how = process.ended.as_ref().filter(|ended| !ended.asked).map(|ended| &ended.how);
    Seen { alive, code: how.map_or(0, code) }
}

/// How a run ended, as a shell has it.
fn code(how: &Outcome) -> u8 {
    match how {
        Outcome::Code(code) => u8::try_from(*code & 0xff).unwrap_or(1),
        Outcome::Signal { name, .. } => {
            signal_number(name).and_then(|number| number.checked_add(128)).unwrap_or(1)
        }
        Outcome::Unknown | Outcome::NotSpawned { .. } | Outcome::NotVerified { .. } => 1,
    }
}

fn signal_number(name: &str) -> Option<u8> {
    let bare = name.strip_prefix("SIG").unwrap_or(name);
    let number = match bare {
        "HUP" => libc::SIGHUP,
        "INT" => libc::SIGINT,
        "QUIT" => libc::SIGQUIT,
        "ILL" => libc::SIGILL,
        "TRAP" => libc::SIGTRAP,
        "ABRT" => libc::SIGABRT,
        "BUS" => libc::SIGBUS,
        "FPE" => libc::SIGFPE,
        "KILL" => libc::SIGKILL,
        "USR1" => libc::SIGUSR1,
        "SEGV" => libc::SIGSEGV,
        "USR2" => libc::SIGUSR2,
        "PIPE" => libc::SIGPIPE,
        "ALRM" => libc::SIGALRM,
        "TERM" => libc::SIGTERM,
        "XCPU" => libc::SIGXCPU,
        "SYS" => libc::SIGSYS,
        _ => return None,
    };
    u8::try_from(number).ok()
}

/// Says how a process ended, and what follows.
pub(super) fn told(process: &ProcView, how: &Outcome) -> String {
    let then = match process.phase {
        Phase::Stopped | Phase::Sleeping => "",
        Phase::Errored => "; it failed too often and is not restarted",
        Phase::Waiting => "; it is restarted when what it depends on is there",
        Phase::Starting | Phase::Online | Phase::Stopping | Phase::Backoff { .. } => {
            "; it is restarted"
        }
    };
    format!("process {} (`{}`) ended: {how}{then}", process.id, process.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_as_a_shell_has_it() {
        let signal = |name: &str| code(&Outcome::Signal { name: name.to_owned(), core: false });
        assert_eq!((signal("SIGKILL"), signal("SIGSEGV"), signal("SIGTERM")), (137, 139, 143));
        assert_eq!((code(&Outcome::Code(3)), code(&Outcome::Unknown)), (3, 1));
    }
}
