//! What is said around the lines of apps, and how the daemon's own lines read, under each name.
//!
//! Problem: the daemon's log is one file for both names, and scripts look in it for what PM2
//! itself says there.
//! Rule: the file has them, and whoever asks `ostler` for it reads ours. A sentence that is not
//! known here stays as it is.

use std::borrow::Cow;
use std::path::Path;
use std::time::Duration;

use ostler_text::shown;

use crate::program::Program;
use crate::voice::span;

/// Columns of PM2's label of a line of the past.
const PAST: usize = 10;

/// The words of one name of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Words(pub(super) Program);

impl Words {
    /// Whether the last lines of a file are also looked for in those that were rotated before it;
    /// PM2 shows one file.
    pub(super) fn goes_back(self) -> bool {
        self.0 == Program::Ostler
    }

    /// Returns what stands for the daemon, where its own lines are asked for and shown.
    pub(super) fn daemon(self) -> &'static str {
        match self.0 {
            Program::Ostler => "daemon",
            Program::Pm2 => "PM2",
        }
    }

    /// Returns the columns that this takes as a label. To PM2, name and id are both its own.
    pub(super) fn daemon_width(self) -> usize {
        match self.0 {
            Program::Ostler => self.daemon().len(),
            Program::Pm2 => "PM2|PM2".len(),
        }
    }

    /// Returns the label of a process.
    pub(super) fn label(self, id: u32, name: &str) -> String {
        let name = shown(name);
        match self.0 {
            Program::Ostler => format!("{name}:{id}"),
            Program::Pm2 => format!("{id}|{name}"),
        }
    }

    /// Returns the label of a process at a line of the past.
    pub(super) fn past_label(self, id: u32, name: &str) -> String {
        let label = self.label(id, name);
        match self.0 {
            Program::Ostler => label,
            Program::Pm2 => label.chars().take(PAST).collect(),
        }
    }

    /// Returns how wide labels are, where this is the widest.
    pub(super) fn width(self, widest: usize) -> usize {
        match self.0 {
            Program::Ostler => widest,
            Program::Pm2 => widest + 1,
        }
    }

    /// The same for lines of the past.
    pub(super) fn past_width(self, widest: usize) -> usize {
        match self.0 {
            Program::Ostler => widest,
            Program::Pm2 => PAST,
        }
    }

    /// Returns what stands above everything.
    pub(super) fn head(self, word: &str, count: usize) -> Option<String> {
        let word = shown(word);
        let plural = if word == "all" { "processes" } else { "process" };
        (self.0 == Program::Pm2).then(|| {
            format!(
                "[TAILING] Tailing last {count} lines for [{word}] {plural} \
                 (change the value with --lines option)"
            )
        })
    }

    /// Returns what stands above the last lines of a file, of which there are `found`. In a pipe
    /// our lines stand alone.
    pub(super) fn file_head(
        self,
        path: &Path,
        (found, count): (usize, usize),
        terminal: bool,
    ) -> Option<String> {
        let path = path.display().to_string();
        let path = shown(&path);
        match self.0 {
            Program::Ostler => (0 < found && terminal).then(|| format!("last lines of {path}")),
            Program::Pm2 => Some(format!("{path} last {count} lines:")),
        }
    }

    /// Returns a line that the daemon has just written.
    pub(super) fn own_line(self, text: &str) -> Cow<'_, str> {
        match self.0 {
            Program::Ostler => ours(text),
            Program::Pm2 => Cow::Borrowed(text),
        }
    }

    /// Returns a line of the daemon's file, which begins with its date.
    pub(super) fn own_line_of_file(self, line: &str) -> Cow<'_, str> {
        let parts = line.split_once(": PM2 ").and_then(|(date, rest)| {
            let (kind, text) = rest.split_once(": ")?;
            Some((date, kind, text))
        });
        match (self.0, parts) {
            (Program::Ostler, Some((date, "log", text))) => format!("{date} {}", ours(text)).into(),
            (Program::Ostler, Some((date, kind, text))) => {
                format!("{date} {kind}: {}", ours(text)).into()
            }
            (Program::Ostler, None) | (Program::Pm2, _) => Cow::Borrowed(line),
        }
    }
}

/// Returns a sentence of PM2's in our words.
fn ours(text: &str) -> Cow<'_, str> {
    let of_app = |start: &str| {
        let rest = text.strip_prefix(start)?;
        rest.split_once("] ")
    };
    if let Some((app, what)) = of_app("App [").or_else(|| of_app("app [")) {
        return format!("{app} {}", happened(what)).into();
    }
    if let Some(text) = over_memory(text) {
        return text.into();
    }
    if let Some((app, runs)) = text.strip_prefix("Script of app [").and_then(given_up) {
        return match runs {
            "1" => format!("{app} is given up after one short run"),
            runs => format!("{app} is given up after {runs} short runs in a row"),
        }
        .into();
    }
    match text.strip_prefix("reload of app [").and_then(|rest| rest.split_once("]: ")) {
        Some((app, step)) => format!("reload of {app}: {step}").into(),
        None => Cow::Borrowed(text),
    }
}

/// The app of which PM2 says that it is given up, and after how many runs.
fn given_up(rest: &str) -> Option<(&str, &str)> {
    let (app, rest) = rest.split_once("] had too many unstable restarts (")?;
    Some((app, rest.split_once(')')?.0))
}

/// A restart for its memory.
fn over_memory(text: &str) -> Option<String> {
    let rest = text.strip_prefix("[PM2][WORKER] Process ")?;
    let (id, rest) =
        rest.split_once(" restarted because it exceeds --max-memory-restart value ")?;
    let (memory, rest) = rest.strip_prefix("(current_memory=")?.split_once(" max_memory_limit=")?;
    let limit = rest.strip_suffix(" [octets])")?;
    let size = |bytes: &str| bytes.parse().ok().map(ostler_show::size);
    Some(format!(
        "process {id} is restarted for its memory: {} is above {}",
        size(memory)?,
        size(limit)?
    ))
}

/// What happened to an app, as it follows its name.
fn happened(what: &str) -> Cow<'_, str> {
    let between = |start: &str, end: &str| what.strip_prefix(start)?.strip_suffix(end);
    match what {
        "online" => "is online".into(),
        "deleted" => "was deleted".into(),
        "exited; how is not known" => "ended; how is not known".into(),
        _ => {
            if let Some(signal) = between("exited with code [0] via signal [", "]") {
                format!("was ended by {signal}").into()
            } else if let Some(code) = between("exited with code [", "]") {
                format!("ended with exit code {code}").into()
            } else if let Some(mode) = between("starting in -", "-") {
                format!("starts in {mode}").into()
            } else if let Some(ms) = between("will restart in ", "ms") {
                let ms: Option<u64> = ms.parse().ok();
                ms.map_or(Cow::Borrowed(what), |ms| {
                    format!("is started again in {}", span(Duration::from_millis(ms))).into()
                })
            } else {
                Cow::Borrowed(what)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_daemons_lines_read_in_the_words_of_the_name_that_asks() {
        let check = |theirs: &str, ours: &str| {
            let [pm2, ostler] = [Program::Pm2, Program::Ostler].map(Words);
            assert_eq!((&*pm2.own_line(theirs), &*ostler.own_line(theirs)), (theirs, ours));
            let line = format!("2026-11-22T10:00:00: PM2 log: {theirs}");
            assert_eq!(pm2.own_line_of_file(&line), line);
            assert_eq!(ostler.own_line_of_file(&line), format!("2026-11-22T10:00:00 {ours}"));
        };
        check("App [web:0] online", "web:0 is online");
        check("App [web:0] starting in -cluster mode-", "web:0 starts in cluster mode");
        check("App [web:0] exited with code [3]", "web:0 ended with exit code 3");
        check("App [a b:0] exited with code [0] via signal [SIGINT]", "a b:0 was ended by SIGINT");
        check("App [web:0] will restart in 100ms", "web:0 is started again in 0.1 s");
        check("App [web:0] will restart in 60000ms", "web:0 is started again in 1 min 0 s");
        check("App [web:0] deleted", "web:0 was deleted");
        check(
            "Script of app [api:2] had too many unstable restarts (16). Stopped. \"errored\"",
            "api:2 is given up after 16 short runs in a row",
        );
        check("app [web] cannot listen on 3000: why", "web cannot listen on 3000: why");
        check("reload of app [web]: process 1 is new", "reload of web: process 1 is new");
        check("the daemon ends", "the daemon ends");
        check(
            "[PM2][WORKER] Process 3 restarted because it exceeds --max-memory-restart value \
             (current_memory=209715200 max_memory_limit=104857600 [octets])",
            "process 3 is restarted for its memory: 200.0M is above 100.0M",
        );
        let ostler = Words(Program::Ostler);
        let error = "2026-11-22T10:00:00: PM2 error: app [web] said [no]";
        assert_eq!(ostler.own_line_of_file(error), "2026-11-22T10:00:00 error: web said [no]");
        assert_eq!(ostler.own_line_of_file("no date"), "no date");
    }
}
