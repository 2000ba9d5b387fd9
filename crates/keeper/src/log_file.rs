//! The file that keeper and daemon log to.

use std::io;

use crate::keeper::Keeper;
use crate::log;

impl Keeper {
    /// Goes on in the log that has the name, if ours has lost it.
    pub(crate) fn reopen_log(&self) -> io::Result<()> {
        let Some(path) = &self.config.log else { return Ok(()) };
        log::goes_to(path);
        log::follow(path)
    }

    /// Appends standard output and error to the log, if there is one; standard input is empty.
    pub(crate) fn open_log(&self) -> io::Result<()> {
        let Some(path) = &self.config.log else { return Ok(()) };
        rustix::stdio::dup2_stdin(self.spawner.null())?;
        log::append_to(path)?;
        log::goes_to(path);
        Ok(())
    }
}
