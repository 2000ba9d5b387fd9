//! One host, and the command as it is run there.

use std::io;
use std::process::{Child, ExitStatus, Output, Stdio};
use std::thread;

use ostler_shell::word;
use serde_json::Value;

use crate::args::flags::{FLAGS, Takes};
use crate::args::{FlagId, Parsed};
use crate::caller;
use crate::deploy::Host;
use crate::failed::Failed;
use crate::session::Session;

/// Where a program may be that the shell of a command over ssh does not find.
const PATH: &str = "PATH=\"$PATH:/usr/local/bin:$HOME/.local/bin\"; export PATH; ";

/// What a shell ends with when it does not find a program.
const NOT_FOUND: i32 = 127;

/// A host that the command is run on.
#[derive(Debug)]
pub(super) struct Remote {
    host: Host,
    program: String,
}

impl Remote {
    pub(super) fn new(name: &str) -> Result<Self, Failed> {
        let host = Host::named(name);
        let program = match host.is_here() {
            true => caller::program()?.to_string_lossy().into_owned(),
            false => "ostler".to_owned(),
        };
        Ok(Self { host, program })
    }

    pub(super) fn name(&self) -> &str {
        &self.host.name
    }

    /// Begins a command of ours there.
    pub(super) fn spawn(&self, words: &[String]) -> Result<Child, Failed> {
        let line: Vec<_> = std::iter::once(&self.program).chain(words).map(|of| word(of)).collect();
        let mut command = self.host.command(&format!("{PATH}exec {}", line.join(" ")));
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().map_err(|error| self.broken(&error))
    }

    /// Says that ssh itself could not be run.
    pub(super) fn broken(&self, error: &io::Error) -> Failed {
        Failed::new(format!("cannot run ssh for {}: {error}", self.name()))
    }

    /// Returns why the command failed there, if it did.
    pub(super) fn failure(&self, status: ExitStatus) -> Option<String> {
        if status.success() {
            return None;
        }
        Some(match status.code() {
            Some(_) if self.host.was_not_reached(status) => "ssh did not reach it".to_owned(),
            Some(NOT_FOUND) => "no `ostler` is in its PATH, /usr/local/bin or ~/.local/bin".into(),
            Some(code) => format!("exit code {code}"),
            None => "ssh was killed".to_owned(),
        })
    }

    /// Returns the objects of an array that was printed there, each with the host.
    pub(super) fn objects(&self, text: &[u8]) -> Result<Vec<Value>, Failed> {
        let mut objects: Vec<Value> = serde_json::from_slice(text)
            .map_err(|_| Failed::new(format!("{} printed no JSON", self.name())))?;
        objects.iter_mut().for_each(|object| self.mark(object));
        Ok(objects)
    }

    /// Puts the host into an object, before everything else.
    pub(super) fn mark(&self, object: &mut Value) {
        if let Value::Object(fields) = object {
            let rest = std::mem::take(fields);
            fields.insert("host".to_owned(), self.name().into());
            fields.extend(rest);
        }
    }

    /// Returns a line behind the host's name.
    pub(super) fn prefixed(&self, line: &str) -> String {
        format!("{}: {}", self.name(), ostler_text::shown_lines(line.trim_end_matches('\r')))
    }
}

/// Asks all hosts the same at once, and waits for all of them.
pub(super) fn ask(remotes: &[Remote], words: &[String]) -> Result<Vec<Output>, Failed> {
    let children: Result<Vec<_>, _> = remotes.iter().map(|remote| remote.spawn(words)).collect();
    let waits: Vec<_> = children?
        .into_iter()
        .map(|child| thread::spawn(move || child.wait_with_output()))
        .collect();
    let ends = waits.into_iter().zip(remotes).map(|(wait, remote)| match wait.join() {
        Ok(output) => output.map_err(|error| remote.broken(&error)),
        Err(panic) => std::panic::resume_unwind(panic),
    });
    ends.collect()
}

/// Returns the words of the command line without the hosts and these options. A value is joined to
/// the option that it belongs to.
pub(super) fn words(parsed: &Parsed, without: &[FlagId]) -> Vec<String> {
    let mut words = vec![parsed.command.map_or("", |command| command.name()).to_owned()];
    // Before the options: what stands behind `--json` may be taken for fields.
    words.extend(parsed.words.iter().cloned());
    let given = parsed.given.iter().filter(|(id, _)| *id != FlagId::Hosts && !without.contains(id));
    for (id, value) in given {
        let Some(flag) = FLAGS.iter().find(|flag| flag.id == *id) else { continue };
        words.push(match (flag.takes, value) {
            (Takes::Nothing, _) | (_, None) => format!("--{}", flag.name()),
            (_, Some(value)) => format!("--{}={value}", flag.name()),
        });
    }
    if let Some(rest) = &parsed.rest {
        words.push("--".to_owned());
        words.extend(rest.iter().cloned());
    }
    words
}

/// Returns the line that does the same on these hosts.
pub(super) fn line_here(session: &Session, hosts: &str) -> String {
    let words = words(&session.args, &[]);
    let words: Vec<_> = words.iter().map(|of| word(of)).collect();
    format!("ostler -H {} {}", word(hosts), words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::parse;
    use crate::program::Program;

    #[test]
    fn a_command_goes_to_a_host_as_it_was_meant() {
        let check = |typed: &str, expected: &[&str]| {
            let parsed = parse(typed.split(' ').map(Into::into), Program::Ostler).unwrap();
            assert_eq!(words(&parsed, &[]), expected, "{typed}");
        };
        check("list -H a,b", &["list"]);
        check("-H a,b ls api --json name,pid", &["list", "api", "--json=name,pid"]);
        check("--hosts=a scale api -1", &["scale", "api", "-1"]);
        check("reload api --wait=5s -H a", &["reload", "api", "--wait=5s"]);
        check(
            "start x.js -i 2 -H a -- --port 1",
            &["start", "x.js", "--instances=2", "--", "--port", "1"],
        );
        check("list api --json -H a", &["list", "api", "--json"]);
        check("logs --lines 3 -H a api", &["logs", "api", "--lines=3"]);
    }
}
