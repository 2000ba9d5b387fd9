//! What stands in the home beside the manager's own files, when some of these were missing.

use ostler_core::RunId;

use super::Daemon;
use crate::door::Door;
use crate::home::Missing;
use crate::{daemon_log, drain};

impl Daemon {
    /// Makes again what is missing in the home.
    pub(crate) fn look_after_home(&mut self) {
        let missing = self.home.look(&mut self.keeper, &mut self.clients);
        if missing != Missing::Nothing {
            self.write_home_again();
        }
        // The saved list was not taken away for itself if everything was.
        if let Some(task) = self.saver.look_after(missing == Missing::All) {
            self.saver.push(task, &self.inbox.mailbox, &mut self.reports);
        }
        self.look_after_doors();
    }

    /// PM2's sockets are where its clients look for them.
    pub(super) fn look_after_doors(&mut self) {
        let path = self.config.home.clone();
        let bound = [&mut self.rpc.door, &mut self.bus.door].map(|door| door.look(&path));
        if bound.contains(&true) {
            self.keep_doors();
        }
    }

    /// Gives the keeper PM2's sockets to hold.
    pub(super) fn keep_doors(&mut self) {
        for (name, note, copy) in
            [&self.rpc.door, &self.bus.door].into_iter().filter_map(Door::copy)
        {
            self.keeper.put(name, note, copy);
        }
    }

    /// Writes what is only in memory by now: a part of the home is gone, perhaps all.
    fn write_home_again(&mut self) {
        let path = self.config.home.display().to_string();
        daemon_log::log(format!("files were missing in the home `{path}`: written again"));
        if let Err(error) = drain::install(&self.config.home) {
            daemon_log::error(format!("could not write into `{path}`: {error}"));
        }
        if let Err(why) = self.state.write(self.model.snapshot()) {
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
