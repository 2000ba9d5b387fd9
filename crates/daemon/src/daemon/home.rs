//! Making again what is missing in the home.

use ostler_core::RunId;

use super::Daemon;
use crate::door::Door;
use crate::{daemon_log, drain, home};

impl Daemon {
    /// Something in the home has changed.
    pub(super) fn on_home(&mut self) {
        self.home.forget_changes();
        self.look_after_home();
    }

    /// Makes again what is missing in the home.
    pub(crate) fn look_after_home(&mut self) {
        match self.mend_home().and_then(|()| self.mend_doors()) {
            Ok(()) => self.home.settle(),
            Err(problem) => {
                // It is said once, however long it lasts.
                if self.home.retry_later() {
                    daemon_log::error(problem);
                }
            }
        }
        self.home.renew();
    }

    fn mend_home(&mut self) -> Result<(), String> {
        let path = self.config.home.clone();
        let mut missing = home::make(&path)?;
        if !self.keeper.has_lock_at(&path.join(home::LOCK)) {
            let lock = home::take_lock(&path).map_err(|problem| {
                format!(
                    "{problem} since it was taken from this one (pid {}), whose apps go on and \
                     hear no command; `kill -TERM {}` ends them",
                    std::process::id(),
                    std::process::id()
                )
            })?;
            self.keeper.replace_lock(lock);
            missing = true;
        }
        home::reopen_log(&path);
        if home::id_at(&path.join(home::SOCKET)) != Some(self.home.socket) {
            self.bind_anew()?;
            missing = true;
        }
        if !home::mark::is_there(&path, &self.home.mark) {
            home::mark::write(&path, &self.home.mark);
            missing = true;
        }
        if !home::has_pid(&path) {
            home::write_pid(&path)?;
            missing = true;
        }
        if missing {
            self.write_home_again();
        }
        Ok(())
    }

    /// PM2's sockets are where its clients look for them.
    fn mend_doors(&mut self) -> Result<(), String> {
        let path = self.config.home.clone();
        let results = [&mut self.rpc.door, &mut self.bus.door].map(|door| door.mend(&path));
        if results.contains(&Ok(true)) {
            self.keep_doors();
        }
        results.into_iter().find_map(Result::err).map_or(Ok(()), Err)
    }

    /// Gives the keeper PM2's sockets to hold.
    pub(super) fn keep_doors(&mut self) {
        for (name, note, copy) in
            [&self.rpc.door, &self.bus.door].into_iter().filter_map(Door::copy)
        {
            self.keeper.put(name, note, copy);
        }
    }

    fn bind_anew(&mut self) -> Result<(), String> {
        let (listener, socket) = home::bind_control(&self.config.home)?;
        self.clients.listen_at(listener).map_err(|error| format!("could not poll: {error}"))?;
        self.home.socket = socket;
        self.keep_control();
        daemon_log::log(format!(
            "the control socket `{}` was gone: bound anew",
            self.config.home.join(home::SOCKET).display()
        ));
        Ok(())
    }

    /// Gives the keeper the control socket to hold.
    pub(super) fn keep_control(&mut self) {
        let copy = self.clients.listener_copy();
        let note = home::Note { mark: self.home.mark.clone(), socket: self.home.socket };
        self.keeper.put(crate::keeper::CONTROL.to_owned(), note.to_bytes(), copy);
    }

    /// Writes what is only in memory by now: a part of the home is gone, perhaps all.
    fn write_home_again(&mut self) {
        let path = self.config.home.display().to_string();
        daemon_log::log(format!("files were missing in the home `{path}`: written again"));
        if let Err(error) = drain::install(&self.config.home) {
            daemon_log::error(format!("could not write into `{path}`: {error}"));
        }
        if let Err(why) = self.save_now() {
            daemon_log::error(why);
        }
        self.driver().write_starts();
        self.logs.engine().reopen();
        let live: Vec<RunId> =
            self.runs.iter().filter(|(_, run)| run.is_alive()).map(|(id, _)| id).collect();
        for run in live {
            self.runs.write_pid_file(run, self.logs.files());
        }
    }
}
