//! What stands in the home beside the manager's own files, when some of these were missing.

use ostler_core::RunId;

use super::Daemon;
use crate::home::Missing;
use crate::model::Input;
use crate::{daemon_log, drain};

impl Daemon {
    /// Makes again what is missing in the home.
    pub(crate) fn look_after_home(&mut self) {
        let missing = self.home.look(&mut self.keeper, &mut self.clients);
        if missing != Missing::Nothing || self.state.is_removed() {
            self.write_home_again();
        }
        // The saved list was not taken away for itself if everything was.
        if let Some(task) = self.saver.look_after(missing == Missing::All) {
            self.saver.push(task, &self.inbox.mailbox, &mut self.reports);
        }
        self.rpc.door_mut().look_after(&self.config.home, &mut self.keeper);
        self.bus.door_mut().look_after(&self.config.home, &mut self.keeper);
    }

    /// Reads the settings of the home again.
    pub(super) fn read_settings(&mut self) {
        self.logs.read_settings(self.model.model());
        let is_told = self.alerts.set_home(self.logs.alerts().clone());
        self.model.push(Input::HomeTold(is_told));
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
            if let Some(written) = self.runs.write_pid_file(run, self.logs.files()) {
                self.model.push(written);
            }
        }
    }
}
