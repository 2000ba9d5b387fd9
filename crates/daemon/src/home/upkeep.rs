//! Making again what is missing in the home.
//!
//! Somebody may delete, move or replace any of the files by which commands find this manager, and
//! it goes on: what is missing is made from what keeper and daemon hold.

use std::path::Path;

use super::{LOCK, Note, SOCKET, Watch, mark};
use crate::clients::Clients;
use crate::daemon_log;
use crate::keeper::{CONTROL, Keeper};

/// How much was missing. What else stood in the home is to be written again then, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// Everything was there.
    Nothing,
    /// Some of it was gone.
    Some,
    /// Lock and socket were gone: all of the home was lost.
    All,
}

impl Watch {
    /// Makes again what is missing; later, where that fails.
    pub fn look(&mut self, keeper: &mut Keeper, clients: &mut Clients) -> Missing {
        self.forget_changes();
        let mended = self.mend(keeper, clients);
        match &mended {
            Ok(_) => self.settle(),
            Err(problem) => {
                // It is said once, however long it lasts.
                if self.retry_later() {
                    daemon_log::error(problem);
                }
            }
        }
        self.renew();
        mended.unwrap_or(Missing::Nothing)
    }

    fn mend(&mut self, keeper: &mut Keeper, clients: &mut Clients) -> Result<Missing, String> {
        let mut missing = super::make(&self.home)?;
        let mut lost = 0;
        let unseen = |path: &Path| {
            let path = path.display().to_string();
            move |error| format!("could not look at `{path}`: {error}")
        };
        let path = self.home.join(LOCK);
        if !keeper.has_lock_at(&path).map_err(unseen(&path))? {
            let lock = super::take_lock(&self.home).map_err(|problem| {
                let pid = std::process::id();
                format!(
                    "{problem} since it was taken from this one (pid {pid}), whose apps go on \
                     and hear no command; `kill -TERM {pid}` ends them"
                )
            })?;
            keeper.replace_lock(lock);
            lost += 1;
        }
        super::reopen_log(&self.home);
        let path = self.home.join(SOCKET);
        if super::id_at(&path).map_err(unseen(&path))? != Some(self.socket) {
            self.bind_anew(keeper, clients)?;
            lost += 1;
        }
        if !mark::is_there(&self.home, &self.mark) {
            mark::write(&self.home, &self.mark);
            missing = true;
        }
        if !super::has_pid(&self.home) {
            super::write_pid(&self.home)?;
            missing = true;
        }
        Ok(match lost {
            0 if !missing => Missing::Nothing,
            2 => Missing::All,
            _ => Missing::Some,
        })
    }

    fn bind_anew(&mut self, keeper: &mut Keeper, clients: &mut Clients) -> Result<(), String> {
        let (listener, socket) = super::bind_control(&self.home)?;
        clients.listen_at(listener).map_err(|error| format!("could not poll: {error}"))?;
        self.socket = socket;
        self.give_control(keeper, clients);
        daemon_log::log(format!(
            "the control socket `{}` was gone: bound anew",
            self.home.join(SOCKET).display()
        ));
        Ok(())
    }

    /// Gives the keeper the control socket to hold.
    pub fn give_control(&self, keeper: &mut Keeper, clients: &Clients) {
        let note = Note { mark: self.mark.clone(), socket: self.socket };
        keeper.put(CONTROL.to_owned(), note.to_bytes(), clients.listener_copy());
    }
}
