//! `dump.pm2`, the list that survives a reboot: written and read by a helper thread, since a disk
//! may take its time to sync. The file is PM2's, so that either can read the other's.
//!
//! Written whole to a new name, synced, renamed, and the folder synced: after a power cut there is
//! the old list or the new one. A file that is not understood is moved away, never deleted, and the
//! backup is used.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use ostler_pm2::dump::{Saved, read_element};
use ostler_wire::control::{Code, Failure};
use serde_json::value::RawValue;

use crate::mailbox::Mailbox;
use crate::model::{ClientId, Input};
use crate::reports::{Report, Reports};
use crate::{clock, daemon_log, files};

/// What is to be done with the list.
#[derive(Debug)]
pub enum Task {
    /// Write it; `client` waits for the end.
    Write {
        /// Who waits, if anybody does.
        client: Option<ClientId>,
        /// Processes in the list.
        count: usize,
        /// The list as text.
        text: Vec<u8>,
    },
    /// Read it for a client.
    Read {
        /// The client that waits.
        client: ClientId,
        /// It wants to know of each process.
        told: bool,
    },
}

/// What became of a task: something for the model, a line for the log.
#[derive(Debug)]
pub struct Done {
    /// For the model, where somebody waits.
    pub input: Option<Input>,
    /// For the log; a complaint where it failed.
    pub line: Option<Result<String, String>>,
}

/// Does one task after the other, each in a helper thread.
#[derive(Debug)]
pub struct Saver {
    path: PathBuf,
    waiting: VecDeque<Task>,
    busy: bool,
    /// The list, open: so its content is not lost with its name.
    kept: Option<File>,
}

impl Saver {
    /// Keeps the list at this path.
    pub fn new(path: PathBuf) -> Self {
        let kept = open(&path);
        Self { path, waiting: VecDeque::new(), busy: false, kept }
    }

    /// The home was looked at: what writes the list again that was `lost` with everything else. One
    /// that was taken away for itself is forgotten.
    pub fn look_after(&mut self, lost: bool) -> Option<Task> {
        let there = open(&self.path);
        if there.is_some() || !lost {
            self.kept = there;
            return None;
        }
        let mut text = Vec::new();
        let mut kept = self.kept.as_ref()?;
        kept.seek(SeekFrom::Start(0)).and_then(|_| kept.read_to_end(&mut text)).ok()?;
        let count = serde_json::from_slice::<Vec<&RawValue>>(&text).ok()?.len();
        Some(Task::Write { client: None, count, text })
    }

    /// Whether a task is under way.
    pub fn is_busy(&self) -> bool {
        self.busy
    }

    /// Returns what the list holds, or its backup, as far as it is understood. Nothing is moved
    /// away: who asks has no use for a complaint.
    pub fn peek(&self) -> Vec<Saved> {
        let parsed = |path: &Path| {
            let bytes = files::read(path).ok()?;
            serde_json::from_slice::<Vec<Box<RawValue>>>(&bytes).ok()
        };
        let elements = parsed(&self.path).or_else(|| parsed(&files::beside(&self.path, ".bak")));
        let elements = elements.iter().flatten();
        elements.filter_map(|element| read_element(element.get(), 1).ok()).collect()
    }

    /// Begins a task, or lets it wait for the one under way.
    pub fn push<T: From<Done> + Send + 'static>(
        &mut self,
        task: Task,
        mailbox: &Mailbox<T>,
        reports: &mut Reports,
    ) {
        self.waiting.push_back(task);
        if !self.busy {
            self.begin(mailbox, reports);
        }
    }

    /// The task under way is over: the next one begins.
    pub fn on_done<T: From<Done> + Send + 'static>(
        &mut self,
        done: Done,
        mailbox: &Mailbox<T>,
        reports: &mut Reports,
    ) {
        done.tell(reports);
        self.busy = false;
        self.kept = open(&self.path).or(self.kept.take());
        self.begin(mailbox, reports);
    }

    fn begin<T: From<Done> + Send + 'static>(
        &mut self,
        mailbox: &Mailbox<T>,
        reports: &mut Reports,
    ) {
        let Some(task) = self.waiting.pop_front() else { return };
        let (path, of_thread) = (self.path.clone(), self.path.clone());
        let refused = task.refused();
        let started = mailbox.start("saver", move |sender| {
            sender.send(run(task, &of_thread).into());
        });
        self.busy = started.is_ok();
        if let Err(error) = started {
            refused(&path, &error).tell(reports);
        }
    }
}

impl Task {
    /// What its end is if it cannot begin.
    fn refused(&self) -> impl FnOnce(&Path, &io::Error) -> Done + use<> {
        let writes = match self {
            Self::Write { client, count, .. } => Ok((*client, *count)),
            Self::Read { client, told } => Err((*client, *told)),
        };
        move |path, error| match writes {
            Ok((client, count)) => written(client, count, path, Err(error)),
            Err((client, told)) => {
                let problem =
                    format!("could not read the saved list `{}`: {error}", path.display());
                let (warnings, elements) = (Vec::new(), Err(problem));
                let before = false;
                let input = Input::DumpRead { client, told, warnings, elements, before };
                Done { input: Some(input), line: None }
            }
        }
    }
}

fn open(path: &Path) -> Option<File> {
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(path).ok()
}

fn written(
    client: Option<ClientId>,
    count: usize,
    path: &Path,
    result: Result<(), &io::Error>,
) -> Done {
    let message =
        |error: &io::Error| format!("could not save the list to `{}`: {error}", path.display());
    let line = match result {
        Ok(()) => Ok(format!("saved the list to `{}`", path.display())),
        Err(error) => Err(message(error)),
    };
    let hint = "is the disk full or the folder not writable? \
                the file of the last save is untouched";
    let result = result.map(|()| path.to_owned()).map_err(|error| Failure {
        code: Code::System,
        message: message(error),
        hint: Some(hint.to_owned()),
    });
    let input = Some(Input::DumpWritten { client, count, result });
    Done { input, line: Some(line) }
}

fn run(task: Task, path: &Path) -> Done {
    match task {
        Task::Write { client, count, text } => {
            written(client, count, path, files::write_durably(path, &text).as_ref().copied())
        }
        Task::Read { client, told } => {
            let (warnings, elements, before) = read_either(path);
            let input = Input::DumpRead { client, told, warnings, elements, before };
            Done { input: Some(input), line: None }
        }
    }
}

/// Reads the list, or the one before it, with what is to be said besides. When neither can be
/// read, the list itself is what is wrong. Whether it was the one before comes last.
fn read_either(path: &Path) -> (Vec<String>, Result<List, String>, bool) {
    let problem = match read(path) {
        Ok(elements) => return (Vec::new(), Ok(elements), false),
        Err(Unread::Missing(problem) | Unread::Wrong(problem)) => problem,
    };
    match read(&files::beside(path, ".bak")) {
        Ok(elements) => (vec![problem], Ok(elements), true),
        Err(Unread::Missing(_)) => (Vec::new(), Err(problem), false),
        Err(Unread::Wrong(before)) => (vec![before], Err(problem), false),
    }
}

/// The elements of a list, as they are written.
type List = Vec<Box<RawValue>>;

/// Why there is no list in a file, in a sentence.
enum Unread {
    /// There is no such file.
    Missing(String),
    /// It cannot be read, or is no list.
    Wrong(String),
}

/// Reads a list; what is not understood is moved away.
fn read(path: &Path) -> Result<List, Unread> {
    let bytes = match files::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(Unread::Missing(format!("no saved list at `{}`", path.display())));
        }
        Err(error) => {
            let path = path.display();
            return Err(Unread::Wrong(format!("could not read the saved list `{path}`: {error}")));
        }
    };
    serde_json::from_slice(&bytes).map_err(|error| {
        let error = ostler_pm2::not_json(&bytes, &error);
        let aside = files::set_aside(path, clock::wall());
        let path = path.display();
        Unread::Wrong(match aside {
            Ok(aside) => format!(
                "the saved list `{path}` is not understood ({error}); moved to `{}`",
                aside.display()
            ),
            Err(rename) => format!(
                "the saved list `{path}` is not understood ({error}) and cannot be moved: {rename}"
            ),
        })
    })
}

impl Done {
    /// Writes its line into the log, and tells the model what it must know.
    fn tell(self, reports: &mut Reports) {
        match self.line {
            Some(Ok(line)) => daemon_log::log(line),
            Some(Err(line)) => daemon_log::error(line),
            None => {}
        }
        reports.extend(self.input.map(Report::Model));
    }
}
