//! `attach`: what a process writes is shown, and what is typed goes to its standard input.
//!
//! Two threads wait: one for the keyboard, which passes on what is typed, and one for the daemon.
//! Both tell the command what came. It ends with its own standard input, a moment later: what the
//! last line brings about is to be seen.

use std::io::{BufRead as _, BufReader, Read};
use std::ops::ControlFlow;
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::time::Duration;

use ostler_client::{Client, Error, Home, follow};
use ostler_wire::control::{Code, Event, Failure, LogLine, Request, Talk};

use super::{send, talk};
use crate::failed::Failed;
use crate::program::Program;
use crate::session::Session;
use crate::voice::{Notice, Subject, TalkNotice, Target};

/// So long nothing must come after the last line that was typed.
const SILENCE: Duration = Duration::from_millis(300);
/// A process that does not read is asked again after this.
const AGAIN: Duration = Duration::from_millis(20);
/// So much is written to a pipe at once, whole.
const AT_ONCE: usize = 4096;
/// Lines that may wait to be shown.
const WAITING: usize = 256;

/// What the threads tell.
enum Came {
    /// The process wrote a line.
    Line(LogLine),
    /// No more of what it writes is told.
    Lost(Result<(), Error>),
    /// No more is typed.
    End,
    /// A line did not reach the process.
    Refused(Failure),
    /// Whether a line reached the process is not known.
    Broken(Error),
}

/// Runs the command `attach`.
pub(super) fn run(session: &mut Session) -> Result<(), Failed> {
    let word = session.args.word().to_owned();
    let separator = session.args.words.get(1).cloned().unwrap_or_else(|| "\n".to_owned());
    let target = match session.program {
        Program::Ostler => talk::one(session, &word)?,
        Program::Pm2 if !word.bytes().all(|byte| byte.is_ascii_digit()) => {
            return Err(talk::bare("pm_id must be a process number (not a process name)", ""));
        }
        Program::Pm2 => send::of_id(session, &word)?,
    };
    session.out.tell(&Notice::Talk(TalkNotice::Attached { target: &target }));
    session.out.flush()?;
    let (tell, told) = sync_channel(WAITING);
    watch(Client::connect(&session.home)?, session.home.clone(), target.id, tell.clone());
    let home = session.home.clone();
    let id = target.id;
    std::thread::spawn(move || {
        let end = pass_on(&home, id, &separator).unwrap_or_else(|came| came);
        // Without a listener the command is over.
        _ = tell.send(end);
    });
    until_the_end(session, &target, &told)
}

fn until_the_end(
    session: &mut Session,
    target: &Target,
    told: &Receiver<Came>,
) -> Result<(), Failed> {
    while let Ok(came) = told.recv() {
        match came {
            Came::Line(line) => show(session, &line)?,
            Came::End => {
                while let Ok(Came::Line(line)) = told.recv_timeout(SILENCE) {
                    show(session, &line)?;
                }
                return Ok(());
            }
            Came::Lost(result) => return Ok(result?),
            Came::Broken(error) => return Err(error.into()),
            Came::Refused(error) => {
                let subject = Subject::Process { id: target.id, name: &target.name };
                session.out.tell(&Notice::Missed { subject, error: &error });
                return Err(Failed::quiet(1));
            }
        }
    }
    Ok(())
}

/// Tells of each line that the process writes; returns as soon as it does.
fn watch(client: Client, home: Home, id: u32, tell: SyncSender<Came>) {
    let (ready, is_ready) = channel();
    let (out, err, events, own, confirm) = (true, true, false, false, true);
    let request = Request::Logs {
        ids: vec![id],
        out,
        err,
        events,
        own,
        confirm,
        patient: false,
        places: false,
    };
    std::thread::spawn(move || {
        let on_event = |event| match event {
            Event::Following { .. } => {
                // Of the second daemon nobody waits for it.
                _ = ready.send(());
                ControlFlow::Continue(())
            }
            Event::Log(line) => match tell.send(Came::Line(line)) {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            },
            Event::Acted { .. }
            | Event::Step { .. }
            | Event::Failed { .. }
            | Event::Warning { .. }
            | Event::Started { .. }
            | Event::Starting { .. }
            | Event::Doing { .. }
            | Event::Restoring { .. }
            | Event::Process { .. }
            | Event::Own { .. }
            | Event::Restored { .. }
            | Event::Asked { .. }
            | Event::Answered { .. } => ControlFlow::Continue(()),
        };
        let result = follow(client, &home, &request, on_event, |_| ());
        // Without a listener the command is over.
        _ = tell.send(Came::Lost(result.map(|_| ())));
    });
    // When that does not come, the thread tells why.
    _ = is_ready.recv();
}

/// Passes on each line that is typed, until no more comes, or one does not arrive.
fn pass_on(home: &Home, id: u32, separator: &str) -> Result<Came, Came> {
    let mut typed = BufReader::new(std::io::stdin());
    while let Some(text) = next_lines(&mut typed, separator) {
        let request = Request::Talk { ids: vec![id], talk: Talk::Input { text } };
        while let Some(failure) = ask(home, &request).map_err(Came::Broken)? {
            if failure.code != Code::Busy {
                return Err(Came::Refused(failure));
            }
            std::thread::sleep(AGAIN);
        }
    }
    Ok(Came::End)
}

/// Reads a line and those that came with it, as much as is written at once; `None` at the end. A
/// read that fails is the end: the terminal is gone.
fn next_lines<R: Read>(typed: &mut BufReader<R>, separator: &str) -> Option<String> {
    let mut text = String::new();
    loop {
        let mut line = Vec::new();
        let read = typed.read_until(b'\n', &mut line).unwrap_or(0);
        if read == 0 {
            return (!text.is_empty()).then_some(text);
        }
        let line = line.strip_suffix(b"\n").unwrap_or(&line);
        text.push_str(&String::from_utf8_lossy(line));
        text.push_str(separator);
        let next = whole_line(typed.buffer());
        if next.is_none_or(|next| AT_ONCE < text.len() + next + separator.len()) {
            return Some(text);
        }
    }
}

/// Length of the line that is there whole.
fn whole_line(bytes: &[u8]) -> Option<usize> {
    bytes.iter().position(|byte| *byte == b'\n')
}

/// Asks whatever daemon is there, and returns what went wrong with the process.
fn ask(home: &Home, request: &Request) -> Result<Option<Failure>, Error> {
    let mut failure = None;
    Client::connect(home)?.request(request, |event| {
        if let Event::Acted { error, .. } = event {
            failure = error;
        }
    })?;
    Ok(failure)
}

fn show(session: &mut Session, line: &LogLine) -> Result<(), Failed> {
    let text = format!("{}\n", line.text);
    if line.err && session.program == Program::Ostler {
        session.out.data_aside(&text);
    } else {
        session.out.data(&text);
    }
    session.out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_come_together_go_together_as_far_as_they_fit() {
        let lines = |text: &str, separator: &str| {
            let mut typed = BufReader::new(text.as_bytes());
            std::iter::from_fn(|| next_lines(&mut typed, separator)).collect::<Vec<String>>()
        };
        assert_eq!(lines("a\nb\n", ";"), ["a;b;"]);
        assert_eq!(lines("a\n\nlast", "\n"), ["a\n\n", "last\n"]);
        assert_eq!(lines("", "\n"), [""; 0]);
        let half = "x".repeat(AT_ONCE / 2);
        let three = format!("{half}\n{half}\n{half}\n");
        assert_eq!(lines(&three, "\n"), [&format!("{half}\n")[..]; 3]);
        let long = "y".repeat(9000);
        assert_eq!(lines(&format!("{long}\nz\n"), "\n")[0].len(), 9001);
    }
}
