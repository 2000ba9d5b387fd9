//! Which role this process has.

use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::ExitCode;

/// A role of the binary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Holds processes and descriptors.
    Keeper,
    /// Decides what runs.
    Daemon,
    /// Prints documentation, for the repository and for packages.
    Generate,
    /// Tells a shell what may be typed next.
    Complete,
    /// Serves the files of a folder.
    Serve,
    /// Asks the daemon, and prints.
    Command,
}

/// Returns the role that the first argument gives.
pub(crate) fn of(argument: Option<&OsStr>) -> Role {
    match argument.and_then(OsStr::to_str) {
        Some("keeper") => Role::Keeper,
        Some("daemon") => Role::Daemon,
        Some(crate::generate::ARGUMENT) => Role::Generate,
        Some(crate::complete::ARGUMENT) => Role::Complete,
        Some(ostler_config::SERVE_ARGUMENT) => Role::Serve,
        Some(_) | None => Role::Command,
    }
}

/// Becomes the keeper: `keeper`, `keeper --resume N` when an older keeper executed this program in
/// its place, or `keeper --adopt N --nofile SOFT:HARD` when a daemon lost its keeper and starts a
/// new one for itself.
pub(crate) fn keeper() -> ExitCode {
    let Some(options) = Options::of(std::env::args_os().skip(2)) else {
        return refuse("a keeper is started by commands such as `ostler list`, not by hand");
    };
    if let Some(state) = options.resume {
        return ostler_keeper::resume(state);
    }
    let Some((home, program)) = home_and_program() else { return refuse(NO_HOME) };
    let inherited = match options.adopt.map(ostler_keeper::link::inherited).transpose() {
        Ok(link) => link,
        Err(error) => {
            return refuse(&format!(
                "the descriptor of the daemon to adopt is not usable: {error}"
            ));
        }
    };
    let ready_fd: Option<OwnedFd> = match ostler_keeper::link::ready_fd_from_env() {
        Ok(ready) => ready,
        Err(error) => {
            return refuse(&format!("the descriptor in OSTLER_READY_FD is not usable: {error}"));
        }
    };
    ostler_keeper::run(ostler_keeper::Config {
        program,
        daemon_args: vec![OsString::from("daemon")],
        daemon_env: Vec::new(),
        ready_fd,
        log: Some(home.join("pm2.log")),
        adopt: inherited,
        nofile: options.nofile,
        hello_limit: None,
        answer_limit: None,
        home,
    })
}

/// Becomes the daemon.
pub(crate) fn daemon() -> ExitCode {
    match home_and_program() {
        Some((home, exe)) => ostler_daemon::run(ostler_daemon::Config {
            home,
            exe,
            version: env!("CARGO_PKG_VERSION"),
            rotates_logs: std::env::var_os(ostler_env::OSTLER_MANNER).is_none_or(|of| of != "pm2"),
        }),
        None => refuse(NO_HOME),
    }
}

/// Becomes a server of files.
pub(crate) fn serve() -> ExitCode {
    match crate::sys::signal_fd(&crate::sys::ENDING) {
        Ok(signals) => ostler_serve::run(signals),
        Err(error) => refuse(&format!("cannot take signals: {error}")),
    }
}

/// The complaint when there is no home.
const NO_HOME: &str = "a keeper or daemon needs OSTLER_HOME and the path of its own program; \
                       both are started by commands such as `ostler list`";

fn home_and_program() -> Option<(PathBuf, PathBuf)> {
    let home = std::env::var_os(ostler_env::OSTLER_HOME).filter(|home| !home.is_empty())?;
    Some((home.into(), std::env::current_exe().ok()?))
}

/// The options of a keeper.
#[derive(Debug, Default, PartialEq, Eq)]
struct Options {
    resume: Option<i32>,
    adopt: Option<i32>,
    nofile: Option<(u64, u64)>,
}

impl Options {
    /// The options in these words; `None` when one is not understood.
    fn of(mut words: impl Iterator<Item = OsString>) -> Option<Self> {
        let mut options = Self::default();
        while let Some(word) = words.next() {
            let value = words.next()?;
            let value = value.to_str()?;
            match word.to_str()? {
                "--resume" => options.resume = Some(value.parse().ok()?),
                "--adopt" => options.adopt = Some(value.parse().ok()?),
                "--nofile" => {
                    let (soft, hard) = value.split_once(':')?;
                    options.nofile = Some((soft.parse().ok()?, hard.parse().ok()?));
                }
                _ => return None,
            }
        }
        Some(options)
    }
}

fn refuse(why: &str) -> ExitCode {
    use std::io::Write as _;
    // Standard error is the daemon's log here; a failure to write to it can be said nowhere else.
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

    #[test]
    fn a_keeper_understands_what_daemons_and_keepers_tell_it() {
        let parsed = |line: &str| Options::of(line.split_whitespace().map(OsString::from));
        assert_eq!(parsed(""), Some(Options::default()));
        assert_eq!(parsed("--resume 5"), Some(Options { resume: Some(5), ..Options::default() }));
        let adopt = Options { adopt: Some(4), nofile: Some((1024, 524_288)), ..Options::default() };
        assert_eq!(parsed("--adopt 4 --nofile 1024:524288"), Some(adopt));
        for line in ["--resume", "--resume x", "--nofile 5", "--help 1"] {
            assert_eq!(parsed(line), None, "{line}");
        }
    }
}
