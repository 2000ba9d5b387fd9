//! What the engine does so that it is known when its files were written.

use std::path::Path;

use ostler_poll::now;

use crate::inodes::FileId;
use crate::reactor::Reactor;
use crate::times;
use crate::types::Event;

impl Reactor {
    /// Bytes were written to the end of a file: keeps their time, if it is due.
    pub(crate) fn keep_time(&mut self, id: FileId, bytes: u64) {
        let (Some(folder), Some(file)) = (&self.times, self.files.get_mut(id)) else { return };
        let now = now();
        if !file.times.wrote(bytes, now) {
            return;
        }
        let Ok(Some(end)) = file.end() else { return };
        let Some(log) = file.open.as_ref().map(|open| open.inode) else { return };
        let path = || file.opener.resolve(&file.path);
        let error = file.times.write(folder, log, path, (end.saturating_sub(bytes), now));
        if let Some(error) = error {
            self.outbox.send(Event::TimesNotKept { path: file.path.clone(), error });
        }
    }

    /// A file has another name now, and so have its times.
    pub(crate) fn rename_times(&mut self, from: &Path, to: &Path) {
        let Some(folder) = &self.times else { return };
        if let Err(error) = times::rename(folder, from, to) {
            self.outbox.send(Event::TimesNotKept { path: to.to_owned(), error });
        }
    }
}
