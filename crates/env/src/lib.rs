//! Every environment variable that a part of ostler reads or sets, once.
//!
//! A variable that is read in one file and documented in another soon means two things. So each
//! is a row here: the constant that the code uses, and what the documentation says of it. Nothing
//! else in the workspace names a variable of ours in a string; `cargo xtask tidy` checks that.

#![forbid(unsafe_code)]

use std::ffi::OsStr;

mod rows;
mod table;
mod variable;

pub use rows::*;
pub use variable::{Audience, Origin, Reader, Variable};

/// The commit that the program was built from, where the build was told.
pub const COMMIT: Option<&str> = option_env!("OSTLER_COMMIT");

/// Returns the row of the variable of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Variable> {
    VARIABLES.iter().find(|variable| variable.name == name)
}

/// Whether keeper and daemon are given the variable when somebody starts them: they read it, and it
/// is not a word from one part of ostler to another. Nothing else of the caller's environment
/// reaches them: a caller may be an app, whose variables say things of that app.
#[must_use]
pub fn is_for_manager(name: &OsStr) -> bool {
    let read = |reader: &Reader| matches!(reader, Reader::Daemon | Reader::Keeper);
    name.to_str().and_then(find).is_some_and(|variable| {
        // The manager of a process in the foreground is for that one as long as it lives, whichever
        // part starts the other; and it stays what it was started as.
        let is_meant = variable.audience != Audience::Internal
            || [OSTLER_FOREGROUND, OSTLER_MANNER].contains(&variable.name);
        is_meant && variable.readers.iter().any(read)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_variable_is_described_once() {
        for (at, variable) in VARIABLES.iter().enumerate() {
            let name = variable.name;
            assert!(VARIABLES[at + 1..].iter().all(|other| other.name != name), "{name} twice");
            assert!(2 < variable.meaning.split_whitespace().count(), "{name}: say what it means");
            assert!(variable.meaning.ends_with('.'), "{name}: {}", variable.meaning);
            assert!(!variable.readers.is_empty(), "{name} is read by nobody");
        }
    }

    #[test]
    fn the_manager_is_given_what_it_reads_and_nothing_that_is_said_of_an_app() {
        let given = |name: &str| is_for_manager(OsStr::new(name));
        for name in ["OSTLER_HOME", "OSTLER_CGROUP", "PM2_DUMP_FILE_PATH", "PATH", "TZ"] {
            assert!(given(name), "{name}");
        }
        let apps = ["OSTLER_RUN", "NODE_CHANNEL_FD", "NODE_UNIQUE_ID", "PM2_HOME", "pm_id"];
        let callers = ["NOTIFY_SOCKET", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID"];
        let parts = ["OSTLER_KEEPER_FD", "OSTLER_READY_FD"];
        let others = ["LD_PRELOAD", "NODE_OPTIONS", "SECRET", "HOME"];
        for name in apps.iter().chain(&callers).chain(&parts).chain(&others) {
            assert!(!given(name), "{name}");
        }
    }

    #[test]
    fn our_names_say_that_they_are_ours() {
        for variable in VARIABLES {
            let prefixed = variable.name.starts_with("OSTLER_");
            assert_eq!(prefixed, variable.origin == Origin::Ours, "{}", variable.name);
        }
    }
}
