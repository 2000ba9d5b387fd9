//! Who does not answer, and what can be done about it.

use std::fmt::{self, Display, Formatter};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::parts::{is_stopped, parts_of};

/// Who does not answer, and for how long it is waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Silence {
    home: PathBuf,
    /// The manager's own log.
    log: PathBuf,
    /// Its daemon, if its process can be seen.
    daemon: Option<u32>,
    /// Those of daemon and keeper that a signal has stopped.
    stopped: Vec<u32>,
    limit: Duration,
}

impl Silence {
    /// The state of the manager of this home, which is waited for until the limit.
    pub(crate) fn of(home: &Path, log: PathBuf, limit: Duration) -> Self {
        let mut parts = parts_of(home);
        parts.sort_by_key(|part| part.pid);
        let daemon = parts.iter().find(|part| part.daemon).map(|part| part.pid);
        let stopped = parts.iter().map(|part| part.pid).filter(|pid| is_stopped(*pid)).collect();
        Self { home: home.to_owned(), log, daemon, stopped, limit }
    }

    /// Returns what is told while it is waited for.
    #[must_use]
    pub fn meanwhile(&self) -> String {
        let (who, why) = (self.who(), self.why());
        format!("{who} does not answer yet{why}; waiting for it up to {} s", self.limit.as_secs())
    }

    /// Returns what to do when it was waited for in vain.
    #[must_use]
    pub fn hint(&self) -> String {
        if self.stopped.is_empty() {
            return show_log(&self.log);
        }
        let pids: Vec<String> = self.stopped.iter().map(u32::to_string).collect();
        // Numbers need no quotes.
        let pasted = pids.join(" ");
        format!("`kill -CONT {pasted}` lets it go on; apps are not touched")
    }

    fn who(&self) -> String {
        let pid = self.daemon.map_or(String::new(), |pid| format!(" (pid {pid})"));
        format!("the daemon of `{}`{pid}", self.home.display())
    }

    fn why(&self) -> &'static str {
        let is_daemon = self.daemon.is_some_and(|pid| self.stopped.contains(&pid));
        match (self.stopped.len(), is_daemon) {
            (0, _) => "",
            (1, true) => " (a signal has stopped it)",
            (1, false) => " (a signal has stopped its keeper)",
            _ => " (a signal has stopped it and its keeper)",
        }
    }
}

impl Display for Silence {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (who, why) = (self.who(), self.why());
        write!(f, "{who} did not answer within {} s{why}", self.limit.as_secs())
    }
}

/// Advice to look into a log.
pub(crate) fn show_log(log: &Path) -> String {
    let log = log.to_string_lossy();
    let pasted = ostler_shell::operand(&log);
    format!("`tail -n 20 {pasted}` shows what it did last")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_silent_is_named_and_what_is_stopped_is_let_go_on() {
        let silence = |stopped: &[u32]| Silence {
            home: "/srv/h".into(),
            log: "/srv/h/pm2.log".into(),
            daemon: Some(12),
            stopped: stopped.to_vec(),
            limit: Duration::from_secs(30),
        };
        let check = |stopped: &[u32], meanwhile: &str, end: &str, hint: &str| {
            let of = silence(stopped);
            let said = (of.meanwhile(), of.to_string(), of.hint());
            assert_eq!(said, (meanwhile.to_owned(), end.to_owned(), hint.to_owned()));
        };
        check(
            &[],
            "the daemon of `/srv/h` (pid 12) does not answer yet; waiting for it up to 30 s",
            "the daemon of `/srv/h` (pid 12) did not answer within 30 s",
            "`tail -n 20 /srv/h/pm2.log` shows what it did last",
        );
        check(
            &[11, 12],
            "the daemon of `/srv/h` (pid 12) does not answer yet (a signal has stopped it and its \
             keeper); waiting for it up to 30 s",
            "the daemon of `/srv/h` (pid 12) did not answer within 30 s (a signal has stopped it \
             and its keeper)",
            "`kill -CONT 11 12` lets it go on; apps are not touched",
        );
    }
}
