//! What apps say to the socket that they were given for that.

use super::Driver;
use crate::model::Input;
use crate::notify::{NOTIFY, Received};

/// So many messages are taken up in a turn; others wait for the next one.
const IN_A_TURN: usize = 64;

impl Driver<'_> {
    /// Makes the socket where it is not there.
    ///
    /// # Errors
    /// Why there can be none, in words.
    pub(super) fn open_notify(&mut self) -> Result<(), String> {
        if self.notify.open()?
            && let Some(copy) = self.notify.copy()
        {
            self.keeper.put(NOTIFY.to_owned(), Vec::new(), copy);
        }
        Ok(())
    }

    /// Something waits at the socket.
    pub(crate) fn hear(&mut self) {
        for _ in 0..IN_A_TURN {
            let Some(Received { pid, uid, message, fds }) = self.notify.receive() else { return };
            let run = self.runs.run_of_process(pid, uid);
            let is_asked = |of: &_| self.runs.get(*of).is_some_and(crate::runs::Run::notifies);
            match run.filter(is_asked) {
                Some(run) => self.tell(Input::Notified { run, message }),
                None => self.notify.complain(pid),
            }
            drop(fds);
        }
    }
}
