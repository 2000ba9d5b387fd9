//! The lines of what is selected: the last ones of the files, then each as it is written.
//!
//! Problem: a line that is written while the files are read is in them and is told too. Rule: lines
//! are told from before the files are read, and one that was written before the end of that and
//! stands at their end is shown once.

use std::net::Shutdown;
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, PoisonError};

use ostler_client::{Answer, Client, Error, Home};
use ostler_wire::control::{Event, LogLine, Reply, Request};

use super::{AGAIN, connect, files, why};
use crate::input::{Author, Input};
use crate::lines::Line;

/// Lines of the past among which one that is told is looked for.
const OVERLAP: usize = 64;

/// The connection over which lines come, to end it from elsewhere.
#[derive(Debug, Default)]
enum Current {
    #[default]
    None,
    Open(UnixStream),
    /// No more are wanted.
    Ended,
}

/// A thread that tells lines; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Follower {
    current: Arc<Mutex<Current>>,
}

impl Drop for Follower {
    fn drop(&mut self) {
        let before = replace(&self.current, Current::Ended);
        if let Current::Open(stream) = before {
            // One that is closed already has ended.
            _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl Follower {
    /// Begins to tell lines of these processes under this number.
    pub(crate) fn new(home: Home, of: u64, authors: Vec<Author>, tell: SyncSender<Input>) -> Self {
        let current = Arc::default();
        let mut follow =
            Follow { home, of, authors, tell, current: Arc::clone(&current), past: None };
        std::thread::spawn(move || follow.run());
        Self { current }
    }
}

struct Follow {
    home: Home,
    of: u64,
    authors: Vec<Author>,
    tell: SyncSender<Input>,
    current: Arc<Mutex<Current>>,
    /// When the past had been read, and its last lines.
    past: Option<(u64, Vec<Line>)>,
}

impl Follow {
    fn run(&mut self) {
        while let Some(client) = self.begin() {
            let told = match self.stream(client) {
                Ok(Answer::Reply(Reply::Error(failure))) => failure.message,
                // The daemon ended; that is told by who listens to it alone.
                Ok(Answer::Reply(_) | Answer::Raw(_)) | Err(Error::Broken) => continue,
                Err(error) => why(&error),
            };
            self.tell(vec![Line::of_ours(&told)]);
            std::thread::sleep(AGAIN);
        }
    }

    /// Connects as soon as there is a daemon; nothing when no more is wanted.
    fn begin(&self) -> Option<Client> {
        loop {
            let client = connect(&self.home);
            let stream = client.as_ref().ok().map(|client| client.as_fd().try_clone_to_owned());
            let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
            if matches!(*current, Current::Ended) {
                return None;
            }
            if let (Ok(client), Some(Ok(stream))) = (client, stream) {
                *current = Current::Open(UnixStream::from(stream));
                return Some(client);
            }
            drop(current);
            std::thread::sleep(AGAIN);
        }
    }

    fn stream(&mut self, mut client: Client) -> Result<Answer, Error> {
        let request = Request::Logs {
            ids: self.authors.iter().map(|author| author.id).collect(),
            out: true,
            err: true,
            events: false,
            own: false,
            confirm: true,
            patient: false,
            places: false,
        };
        client.request(&request, |event| match event {
            Event::Following { .. } if self.past.is_none() => {
                let lines = files::past(&self.authors);
                let last = lines.iter().rev().take(OVERLAP).cloned().collect();
                self.past = Some((ostler_show::now(), last));
                self.tell(lines);
            }
            Event::Log(line) => self.line(&line),
            Event::Acted { .. }
            | Event::Step { .. }
            | Event::Failed { .. }
            | Event::Warning { .. }
            | Event::Started { .. }
            | Event::Starting { .. }
            | Event::Doing { .. }
            | Event::Restoring { .. }
            | Event::Following { .. }
            | Event::Process { .. }
            | Event::Own { .. }
            | Event::Restored { .. }
            | Event::Asked { .. }
            | Event::Answered { .. } => {}
        })
    }

    fn line(&mut self, line: &LogLine) {
        let mut lines = Vec::new();
        if 0 < line.dropped {
            let count = line.dropped;
            lines.push(Line::of_ours(&format!("─ {count} lines left out: too fast to show ─")));
        }
        let new = Line::of_app(&line.name, line.id, line.err, &line.text);
        match &mut self.past {
            Some((read, last)) if line.at <= *read => {
                // Each line of the past stands for one that is told.
                match last.iter().position(|of| of.text == new.text && of.is_err == new.is_err) {
                    Some(place) => drop(last.remove(place)),
                    None => lines.push(new),
                }
            }
            Some(_) | None => lines.push(new),
        }
        if !lines.is_empty() {
            self.tell(lines);
        }
    }

    fn tell(&self, lines: Vec<Line>) {
        // Without a view the thread is ended, too.
        _ = self.tell.send(Input::Lines(self.of, lines));
    }
}

fn replace(current: &Mutex<Current>, new: Current) -> Current {
    std::mem::replace(&mut *current.lock().unwrap_or_else(PoisonError::into_inner), new)
}
