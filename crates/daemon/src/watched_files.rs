//! Whoever looks at the files of apps: a thread, while files of some app are watched.

use std::io;

use ostler_core::SpecId;
use ostler_watch::{Rules, Said, Wanted, Watcher};
use rustix::io::Errno;

use crate::from_thread::FromThread;
use crate::mailbox::Mailbox;
use crate::model::{Input, ToWatch};

/// The files that are watched.
#[derive(Debug, Default)]
pub struct WatchedFiles(Option<Watcher>);

impl WatchedFiles {
    /// Watches the files of these versions, and no others. [`Input::Watching`] follows; where
    /// nothing can be watched, the model is to be told at once.
    pub fn set(&mut self, list: Vec<ToWatch>, mailbox: &Mailbox<FromThread>) -> Option<Input> {
        if list.is_empty() {
            self.0 = None;
            return None;
        }
        let begun = self.0.take().map_or_else(|| start(mailbox), Ok);
        let watcher = match begun {
            Ok(watcher) => self.0.insert(watcher),
            Err(error) => return Some(Input::WatchEnded { why: why(&error) }),
        };
        let wanted =
            |of: ToWatch| Wanted { id: of.spec.0, rules: Rules::new(of.asked), since: of.since };
        watcher.set(list.into_iter().map(wanted).collect());
        None
    }

    /// Takes what the thread says, for the model. One that has ended is of no use any more.
    pub fn on_said(&mut self, said: io::Result<Said>) -> Input {
        match said {
            Ok(Said::Changed { id, path }) => Input::Changed { spec: SpecId(id), path },
            Ok(Said::Limited { id, folders }) => {
                Input::WatchLimited { spec: SpecId(id), folders, most: most_folders() }
            }
            Ok(Said::Watching(_)) => Input::Watching,
            Err(error) => {
                self.0 = None;
                Input::WatchEnded { why: why(&error) }
            }
        }
    }
}

fn start(mailbox: &Mailbox<FromThread>) -> io::Result<Watcher> {
    let (watcher, work) = Watcher::new()?;
    mailbox.start("watch", move |sender| {
        let ended = work.run(|said| sender.send(FromThread::Watched(Ok(said))));
        if let Err(error) = ended {
            sender.send(FromThread::Watched(Err(error)));
        }
    })?;
    Ok(watcher)
}

/// What the system says, and what helps where the cause is usually the same.
fn why(error: &io::Error) -> String {
    match Errno::from_io_error(error) {
        Some(Errno::MFILE) => {
            format!("{error}; if `sysctl fs.inotify.max_user_instances` is too low, raise it")
        }
        Some(_) | None => error.to_string(),
    }
}

/// How many folders this user may watch.
fn most_folders() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/sys/fs/inotify/max_user_watches").ok()?;
    text.trim().parse().ok()
}
