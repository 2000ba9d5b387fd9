//! Which program this is: under the name `pm2` it is PM2 to everyone who looks, with PM2's home.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use ostler_client::Home;

/// The release of PM2 whose command line is followed; `pm2 --version` prints it.
pub(crate) const PM2_VERSION: &str = "7.0.4";

/// PM2's names, which links to the program have.
pub(crate) const PM2_NAMES: [&str; 4] = ["pm2", "pm2-runtime", "pm2-docker", "pm2-dev"];

/// The name the program was called by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    /// `pm2-runtime`, or `pm2-docker`, which is the same: apps in the foreground.
    Runtime,
    /// `pm2-dev`: apps in the foreground that are restarted when a file changes.
    Dev,
    /// A name under which commands are given.
    Program(Program),
}

impl Name {
    /// Decides by the file name in the zeroth argument.
    pub(crate) fn of(argument: Option<&OsStr>) -> Self {
        let name = argument.and_then(|path| Path::new(path).file_name());
        match name.and_then(OsStr::to_str) {
            Some("pm2") => Self::Program(Program::Pm2),
            Some("pm2-runtime" | "pm2-docker") => Self::Runtime,
            Some("pm2-dev") => Self::Dev,
            Some(_) | None => Self::Program(Program::Ostler),
        }
    }

    /// Returns in whose words is spoken.
    pub(crate) fn program(self) -> Program {
        match self {
            Self::Program(program) => program,
            Self::Runtime | Self::Dev => Program::Pm2,
        }
    }
}

/// Whose words the program speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    /// The command speaks as `ostler`.
    Ostler,
    /// The command speaks as PM2 does.
    Pm2,
}

impl Program {
    /// Returns the name as a person types it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ostler => "ostler",
            Self::Pm2 => "pm2",
        }
    }

    /// Returns the variables that name a home. The first one that is set counts: whoever says
    /// `pm2` and has set PM2's variable means that one, whatever else the shell has.
    pub(crate) fn home_variables(self) -> [&'static str; 2] {
        match self {
            Self::Ostler => [ostler_env::OSTLER_HOME, ostler_env::PM2_HOME],
            Self::Pm2 => [ostler_env::PM2_HOME, ostler_env::OSTLER_HOME],
        }
    }

    /// Returns the home that a variable names.
    pub(crate) fn named_home(self, var: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
        let set = |name| var(name).filter(|path| !path.as_os_str().is_empty());
        self.home_variables().into_iter().find_map(set)
    }

    /// Returns the manager's home in this user's home, where no variable names another one.
    pub(crate) fn usual_home(self, user_home: &Path) -> PathBuf {
        user_home.join(match self {
            Self::Ostler => ".ostler",
            Self::Pm2 => ".pm2",
        })
    }

    /// Returns the home that a variable names, else the usual one; none without `HOME`.
    pub(crate) fn home(self, var: impl Fn(&str) -> Option<PathBuf>) -> Option<Home> {
        let of_user = || var(ostler_env::HOME).filter(|path| !path.as_os_str().is_empty());
        let named = self.named_home(&var);
        named.or_else(|| Some(self.usual_home(&of_user()?))).map(Home::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_home_follows_name_and_variables() {
        let check = |program: Program, vars: &[(&str, &str)], home: &str| {
            let found = program
                .home(|name| vars.iter().find(|var| var.0 == name).map(|var| PathBuf::from(var.1)));
            assert_eq!(found.unwrap().path(), Path::new(home), "{program:?} {vars:?}");
        };
        let all = [("HOME", "/u"), ("PM2_HOME", "/p"), ("OSTLER_HOME", "/o")];
        check(Program::Ostler, &all, "/o");
        check(Program::Ostler, &all[..2], "/p");
        check(Program::Ostler, &all[..1], "/u/.ostler");
        check(Program::Ostler, &[("HOME", "/u"), ("OSTLER_HOME", "")], "/u/.ostler");
        check(Program::Pm2, &all, "/p");
        check(Program::Pm2, &[("HOME", "/u"), ("OSTLER_HOME", "/o")], "/o");
        check(Program::Pm2, &[("PM2_HOME", ""), ("OSTLER_HOME", "/o")], "/o");
        check(Program::Pm2, &all[..2], "/p");
        check(Program::Pm2, &all[..1], "/u/.pm2");
        assert!(Program::Ostler.home(|_| None).is_none());
    }

    #[test]
    fn only_the_file_name_counts() {
        let of = |path: &str| Name::of(Some(OsStr::new(path)));
        assert_eq!(of("/usr/bin/pm2"), Name::Program(Program::Pm2));
        assert_eq!(of("/pm2/ostler"), Name::Program(Program::Ostler));
        assert_eq!(Name::of(None), Name::Program(Program::Ostler));
        let runtime = ["pm2-runtime", "/usr/bin/pm2-docker"].map(of);
        assert_eq!(runtime, [Name::Runtime; 2]);
        assert_eq!((of("pm2-dev"), of("pm2-dev").program()), (Name::Dev, Program::Pm2));
    }
}
