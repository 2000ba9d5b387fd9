//! Which program this is: under the name `pm2` it is PM2 to everyone who looks, with PM2's home.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use ostler_client::Home;

use crate::failed::Failed;

/// The release of PM2 whose command line is followed; `pm2 --version` prints it.
pub(crate) const PM2_VERSION: &str = "7.0.4";

/// The name the program was called by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    /// Any other name.
    Ostler,
    /// The name `pm2`.
    Pm2,
}

impl Program {
    /// Decides by the file name in the zeroth argument.
    pub(crate) fn of(argument: Option<&OsStr>) -> Self {
        match argument.and_then(|path| Path::new(path).file_name()) {
            Some(name) if name == "pm2" => Self::Pm2,
            Some(_) | None => Self::Ostler,
        }
    }

    /// Returns the name as a person types it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ostler => "ostler",
            Self::Pm2 => "pm2",
        }
    }

    /// Returns `OSTLER_HOME`, else `PM2_HOME`, else a directory in the user's home.
    pub(crate) fn home(self, var: impl Fn(&str) -> Option<PathBuf>) -> Result<Home, Failed> {
        let set = |name| var(name).filter(|path| !path.as_os_str().is_empty());
        let explicit = set(ostler_env::OSTLER_HOME).or_else(|| set(ostler_env::PM2_HOME));
        let own = match self {
            Self::Ostler => ".ostler",
            Self::Pm2 => ".pm2",
        };
        match explicit.or_else(|| Some(set(ostler_env::HOME)?.join(own))) {
            Some(path) => Ok(Home::new(path)),
            None => Err(Failed::new(
                "there is no home directory: neither OSTLER_HOME, PM2_HOME nor HOME is set",
            )
            .hint("set OSTLER_HOME to a directory that you may write to")),
        }
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
        check(Program::Pm2, &all, "/o");
        check(Program::Pm2, &all[..2], "/p");
        check(Program::Pm2, &all[..1], "/u/.pm2");
        assert!(Program::Ostler.home(|_| None).unwrap_err().advice().is_some());
    }

    #[test]
    fn only_the_file_name_counts() {
        assert_eq!(Program::of(Some(OsStr::new("/usr/bin/pm2"))), Program::Pm2);
        assert_eq!(Program::of(Some(OsStr::new("/pm2/ostler"))), Program::Ostler);
        assert_eq!(Program::of(None), Program::Ostler);
    }
}
