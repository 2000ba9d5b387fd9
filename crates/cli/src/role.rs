//! Which of the three processes this is.

use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::ExitCode;

/// A role of the binary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Holds processes and descriptors.
    Keeper,
    /// Decides.
    Daemon,
    /// Asks.
    Command,
}

/// The role that the first argument gives.
pub(crate) fn of(argument: Option<&OsStr>) -> Role {
    match argument.and_then(OsStr::to_str) {
        Some("keeper") => Role::Keeper,
        Some("daemon") => Role::Daemon,
        Some(_) | None => Role::Command,
    }
}

/// Becomes the keeper: `keeper`; `keeper --resume N` when an older keeper executed this program in its place;
/// `keeper --adopt N --nofile SOFT:HARD` when a daemon whose keeper died started it.
pub(crate) fn keeper() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(2).collect();
    let value = |name: &str| words.iter().position(|word| word == name).and_then(|at| words.get(at + 1));
    if words.first().is_some_and(|word| word == "--resume") {
        return match value("--resume").and_then(|number| number.parse().ok()) {
            Some(number) => ostler_keeper::resume(number),
            None => refuse("`keeper --resume` needs the number of a descriptor"),
        };
    }
    let adopt = match value("--adopt").map(|number| number.parse().map(ostler_keeper::link::inherited)) {
        None => None,
        Some(Ok(Ok(link))) => Some(link),
        Some(Ok(Err(error))) => return refuse(&format!("the descriptor of `keeper --adopt` is not usable: {error}")),
        Some(Err(_)) => return refuse("`keeper --adopt` needs the number of a descriptor"),
    };
    let nofile = value("--nofile").and_then(|limits| {
        let (soft, hard) = limits.split_once(':')?;
        Some((soft.parse().ok()?, hard.parse().ok()?))
    });
    let (Some(home), Ok(program)) = (home(), std::env::current_exe()) else {
        return refuse(
            "a keeper needs OSTLER_HOME and the path of its own program; it is started by commands such as `ostler list`",
        );
    };
    let ready_fd: Option<OwnedFd> = match ostler_keeper::link::ready_fd_from_env() {
        Ok(ready) => ready,
        Err(error) => return refuse(&format!("the descriptor in OSTLER_READY_FD is not usable: {error}")),
    };
    let log = Some(home.join("pm2.log"));
    let daemon_args = vec![OsString::from("daemon")];
    ostler_keeper::run(ostler_keeper::Config {
        program,
        daemon_args,
        home,
        ready_fd,
        log,
        adopt,
        nofile,
        ..Default::default()
    })
}

/// Becomes the daemon.
pub(crate) fn daemon() -> ExitCode {
    let (Some(home), Ok(exe)) = (home(), std::env::current_exe()) else {
        return refuse("a daemon needs OSTLER_HOME and the path of its own program; it is started by its keeper");
    };
    ostler_daemon::run(ostler_daemon::Config { home, exe, version: env!("CARGO_PKG_VERSION") })
}

fn home() -> Option<PathBuf> {
    std::env::var_os("OSTLER_HOME").map(PathBuf::from)
}

fn refuse(why: &str) -> ExitCode {
    use std::io::Write as _;
    // Standard error is the daemon's log here; there is no other place to tell of a failure to write to it.
    let _ = writeln!(std::io::stderr(), "{why}");
    ExitCode::FAILURE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_argument_decides() {
        assert_eq!(of(Some(OsStr::new("keeper"))), Role::Keeper);
        assert_eq!(of(Some(OsStr::new("daemon"))), Role::Daemon);
        assert_eq!(of(Some(OsStr::new("list"))), Role::Command);
        assert_eq!(of(None), Role::Command);
    }
}
