//! The file that keeper and daemon log to.

use std::io;

use rustix::fs::{Mode, OFlags, open};

use crate::keeper::Keeper;

impl Keeper {
    /// Goes on in the log that has the name, if ours has lost it.
    pub(crate) fn reopen_log(&self) -> io::Result<()> {
        use rustix::fs::{fstat, stat};
        let Some(path) = &self.config.log else { return Ok(()) };
        let (ours, named) = (fstat(rustix::stdio::stdout())?, stat(path));
        let id = |file: rustix::fs::Stat| (file.st_dev, file.st_ino);
        // Without its folder it is made together with that, by the daemon.
        let lost =
            path.parent().is_some_and(std::path::Path::is_dir) && named.map(id) != Ok(id(ours));
        if lost { self.open_log() } else { Ok(()) }
    }

    /// Appends standard output and error to the log, if there is one; standard input is empty.
    pub(crate) fn open_log(&self) -> io::Result<()> {
        let Some(path) = &self.config.log else { return Ok(()) };
        let flags =
            OFlags::WRONLY | OFlags::APPEND | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let file = open(path, flags, Mode::RUSR | Mode::WUSR)?;
        rustix::stdio::dup2_stdin(self.spawner.null())?;
        rustix::stdio::dup2_stdout(&file)?;
        Ok(rustix::stdio::dup2_stderr(&file)?)
    }
}
