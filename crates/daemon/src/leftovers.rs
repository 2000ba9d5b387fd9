//! The files of a home that are of use only while its manager lives: they go with it.
//!
//! A daemon that was killed leaves files that it was about to rename, and pid files of processes
//! that ended while there was none. Logs, the saved list and what was moved aside stay.

use std::fs;
use std::path::Path;

use crate::home;

/// Files that are replaced by a new one, which is written beside them under a longer name.
const REPLACED: [&str; 7] = [
    "drain.cjs",
    home::PID,
    "ostler.state",
    "ostler.starts",
    "ostler.ports",
    home::mark::NAME,
    home::DUMP,
];

/// Takes them away.
pub fn remove(home: &Path) {
    home::remove_pid(home);
    remove_named(home, is_of_manager);
    remove_named(&home.join("pids"), |name| name.ends_with(".pid") || is_new(name, ".pid"));
}

fn remove_named(folder: &Path, is_ours: impl Fn(&str) -> bool) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        if entry.file_name().to_str().is_some_and(&is_ours) {
            // Another process may have been faster, and the manager goes in any case.
            _ = fs::remove_file(entry.path());
        }
    }
}

fn is_of_manager(name: &str) -> bool {
    let of_manager = [
        home::SOCKET,
        home::LOCK,
        home::PID,
        home::mark::NAME,
        "drain.cjs",
        "ostler.state",
        "ostler.state.bak",
        "ostler.starts",
        "ostler.ports",
    ];
    of_manager.contains(&name) || REPLACED.iter().any(|replaced| is_new(name, replaced))
}

/// Whether it is a file that was to be renamed to one with this ending: `….new`, or by the number
/// of the process that wrote it.
fn is_new(name: &str, replaced: &str) -> bool {
    let Some((_, ending)) = name.rsplit_once(&format!("{replaced}.")) else { return false };
    ending == "new" || (!ending.is_empty() && ending.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_of_use_only_to_a_living_manager_is_removed_and_nothing_else() {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join("pids")).unwrap();
        let stays = [
            "dump.pm2",
            "dump.pm2.bak",
            "pm2.log",
            "ostler.state.bad-17",
            "notes.new",
            "pids/notes",
            "drain.cjs.mine",
        ];
        let goes = [
            "ostler.sock",
            "pm2.pid",
            "pm2.pid.123",
            "drain.cjs.77",
            "ostler.state.new",
            "ostler.starts.5",
            "ostler.ports",
            "ostler.ports.5",
            "dump.pm2.new",
            "pids/app-0.pid",
            "pids/app-0.pid.9",
        ];
        for name in stays.iter().chain(&goes) {
            fs::write(home.path().join(name), "").unwrap();
        }
        remove(home.path());
        for (names, there) in [(&stays[..], true), (&goes[..], false)] {
            for name in names {
                assert_eq!(home.path().join(name).exists(), there, "{name}");
            }
        }
    }
}
