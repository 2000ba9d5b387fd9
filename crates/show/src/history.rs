//! What happened to an app without a command, as the daemon's own log tells it.
//!
//! Problem: an app that is online says nothing of the restart before, nor of a reload that failed
//! and left the old version serving. The daemon writes both into its log, and keeps neither.
//! Rule: the end of that log is read; what is not in it any more was long ago.

use std::path::Path;
use std::time::UNIX_EPOCH;

use crate::reason::tail;

/// What happened to an app, each with its date.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// The last restart that nobody asked for, and why.
    pub restarted: Option<String>,
    /// The last reload, where it failed, and why.
    pub failed_reload: Option<String>,
}

impl History {
    /// Returns what the daemon's log says of the app of this name.
    #[must_use]
    pub fn read(log: &Path, app: &str) -> Self {
        tail(log, UNIX_EPOCH).map_or_else(Self::default, |text| Self::of(&text, app))
    }

    fn of(text: &str, app: &str) -> Self {
        let mut history = Self::default();
        for line in text.lines() {
            let Some((date, said)) = line.split_once(": PM2 log: ") else { continue };
            if let Some(why) = restart(said, app) {
                history.restarted = Some(format!("{date}, {why}"));
            }
            if let Some(step) = step(said, app) {
                if step.contains(") failed: ") {
                    history.failed_reload = Some(format!("{date}, {step}"));
                } else if step.starts_with("new worker ") && step.contains(" passed its checks") {
                    history.failed_reload = None;
                }
            }
            // Whoever has the name now is another one.
            if is_end(said, app) {
                history = Self::default();
            }
        }
        history
    }
}

/// Why it was restarted, where that is what the line says.
fn restart(said: &str, app: &str) -> Option<String> {
    if let Some(rest) = said.strip_prefix("Change detected on path ") {
        let (path, of) = rest.rsplit_once(" for app ")?;
        return (of.strip_suffix(" - restarting")? == app).then(|| format!("`{path}` changed"));
    }
    let label = said.strip_prefix("App [")?.strip_suffix("] is restarted by its `cron_restart`")?;
    (name_in(label) == app).then(|| "by its `cron_restart`".to_owned())
}

/// A step of a reload of this app.
fn step<'t>(said: &'t str, app: &str) -> Option<&'t str> {
    said.strip_prefix("reload of app [")?.strip_prefix(app)?.strip_prefix("]: ")
}

/// Whether a process of this app was deleted.
fn is_end(said: &str, app: &str) -> bool {
    let label = said.strip_prefix("App [").and_then(|rest| rest.strip_suffix("] deleted"));
    label.is_some_and(|label| name_in(label) == app)
}

/// The name in `name:id`.
fn name_in(label: &str) -> &str {
    label.rsplit_once(':').map_or(label, |(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_app_says_when_a_file_the_clock_or_a_reload_that_failed_was_at_it() {
        let of = |lines: &[&str]| {
            let dated = lines.iter().zip(10..);
            let text: String = dated
                .map(|(line, at)| format!("2026-11-27T10:00:{at}: PM2 log: {line}\n"))
                .collect();
            let History { restarted, failed_reload } = History::of(&text, "a b");
            (restarted, failed_reload)
        };
        let changed = "Change detected on path /srv/x for app y.js for app a b - restarting";
        let clock = "App [a b:3] is restarted by its `cron_restart`";
        let failed = "reload of app [a b]: new worker 3 (run 9) failed: it ended with exit code 1";
        let old = "reload of app [a b]: worker of the old version for 2 (pid 7) passed its checks";
        let well = "reload of app [a b]: new worker 3 (pid 8) passed its checks";
        assert_eq!(
            of(&["no date", changed]).0.unwrap(),
            "2026-11-27T10:00:11, `/srv/x for app y.js` changed"
        );
        assert_eq!(of(&[changed, clock]).0.unwrap(), "2026-11-27T10:00:11, by its `cron_restart`");
        let why = "2026-11-27T10:00:11, new worker 3 (run 9) failed: it ended with exit code 1";
        assert_eq!(of(&[well, failed, old]).1.unwrap(), why);
        assert_eq!(of(&[failed, well]), (None, None));
        assert_eq!(of(&[clock, failed, "App [a b:3] deleted"]), (None, None));
        assert_eq!(of(&["Change detected on path /x for app b - restarting"]), (None, None));
        assert_eq!(History::of("", "a"), History::default());
    }
}
