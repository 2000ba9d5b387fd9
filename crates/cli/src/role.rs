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

/// Becomes the keeper: `keeper`, `keeper --resume N` when an older keeper executed this program in
/// its place, or `keeper --adopt N --nofile SOFT:HARD` when a daemon lost its keeper and starts a
/// new one for itself.
pub(crate) fn keeper() -> ExitCode {
    let Some(words) = Words::of(std::env::args_os().skip(2)) else {
        return refuse("a keeper is started by commands such as `ostler list`, not by hand");
    };
    if let Some(state) = words.resume {
        return ostler_keeper::resume(state);
    }
    let Some((home, program)) = home_and_program() else { return refuse(NO_HOME) };
    let inherited = match words.adopt.map(ostler_keeper::link::inherited).transpose() {
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
        nofile: words.nofile,
        hello_limit: None,
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
        }),
        None => refuse(NO_HOME),
    }
}

/// What is wrong when there is no home.
const NO_HOME: &str = "a keeper or daemon needs OSTLER_HOME and the path of its own program; both are started by commands such as `ostler list`";

fn home_and_program() -> Option<(PathBuf, PathBuf)> {
    let home = std::env::var_os(ostler_env::OSTLER_HOME).filter(|home| !home.is_empty())?;
    Some((home.into(), std::env::current_exe().ok()?))
}

/// What a keeper is told.
#[derive(Debug, Default, PartialEq, Eq)]
struct Words {
    resume: Option<i32>,
    adopt: Option<i32>,
    nofile: Option<(u64, u64)>,
}

impl Words {
    /// `None` when a word is not understood.
    fn of(mut words: impl Iterator<Item = OsString>) -> Option<Self> {
        let mut told = Self::default();
        while let Some(word) = words.next() {
            let value = words.next()?;
            let value = value.to_str()?;
            match word.to_str()? {
                "--resume" => told.resume = Some(value.parse().ok()?),
                "--adopt" => told.adopt = Some(value.parse().ok()?),
                "--nofile" => {
                    let (soft, hard) = value.split_once(':')?;
                    told.nofile = Some((soft.parse().ok()?, hard.parse().ok()?));
                }
                _ => return None,
            }
        }
        Some(told)
    }
}

fn refuse(why: &str) -> ExitCode {
    use std::io::Write as _;
    // Standard error is the daemon's log here; there is no other place to tell of a failure to
    // write to it.
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
        let told = |line: &str| Words::of(line.split_whitespace().map(OsString::from));
        assert_eq!(told(""), Some(Words::default()));
        assert_eq!(told("--resume 5"), Some(Words { resume: Some(5), ..Words::default() }));
        let adopt = Words { adopt: Some(4), nofile: Some((1024, 524_288)), ..Words::default() };
        assert_eq!(told("--adopt 4 --nofile 1024:524288"), Some(adopt));
        for line in ["--resume", "--resume x", "--nofile 5", "--help 1"] {
            assert_eq!(told(line), None, "{line}");
        }
    }
}
