//! Whoever looks at the files of apps: a thread, while files of some app are watched.

use ostler_core::SpecId;
use ostler_watch::{Rules, Said, Wanted, Watcher};

use crate::daemon_log;
use crate::from_thread::FromThread;
use crate::mailbox::Mailbox;
use crate::model::{Input, ToWatch};

/// The files that are watched.
#[derive(Debug, Default)]
pub struct WatchedFiles(Option<Watcher>);

impl WatchedFiles {
    /// Watches the files of these versions, and no others.
    pub fn set(&mut self, list: Vec<ToWatch>, mailbox: &Mailbox<FromThread>) {
        if list.is_empty() {
            self.0 = None;
            return;
        }
        if self.0.is_none() {
            match start(mailbox) {
                Ok(watcher) => self.0 = Some(watcher),
                Err(error) => {
                    return daemon_log::error(format!(
                        "files of apps cannot be watched: {error}; where `sysctl \
                         fs.inotify.max_user_instances` is too low, raise it"
                    ));
                }
            }
        }
        if let Some(watcher) = &self.0 {
            let wanted = |of: ToWatch| Wanted {
                id: of.spec.0,
                rules: Rules::new(of.asked),
                since: of.since,
            };
            watcher.set(list.into_iter().map(wanted).collect());
        }
    }
}

fn start(mailbox: &Mailbox<FromThread>) -> std::io::Result<Watcher> {
    let (watcher, work) = Watcher::new()?;
    mailbox.start("watch", move |sender| {
        let ended = work.run(|said| sender.send(FromThread::Watched(Ok(said))));
        if let Err(error) = ended {
            sender.send(FromThread::Watched(Err(error.to_string())));
        }
    })?;
    Ok(watcher)
}

/// What it says, for the model.
pub fn input(said: Result<Said, String>) -> Option<Input> {
    let said = said.inspect_err(|error| {
        daemon_log::error(format!("files of apps are watched no more: {error}"));
    });
    match said.ok()? {
        Said::Changed { id, path } => Some(Input::Changed { spec: SpecId(id), path }),
        Said::Limited { id, folders } => {
            Some(Input::WatchLimited { spec: SpecId(id), limit: limit(folders) })
        }
        Said::Watching(_) => None,
    }
}

fn limit(folders: usize) -> String {
    let most = std::fs::read_to_string("/proc/sys/fs/inotify/max_user_watches");
    let most = most.map_or_else(|_| "its most".to_owned(), |text| text.trim().to_owned());
    format!(
        "the system lets a user watch {most} folders (ostler watches {folders}); name fewer paths \
         in `watch`, or run `sysctl fs.inotify.max_user_watches=524288`"
    )
}
