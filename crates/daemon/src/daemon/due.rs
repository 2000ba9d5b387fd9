//! What is due by time alone.
//!
//! A deadline stands with the state that it belongs to, so none can be stale. Here is the one list
//! of them: what is due is a row of [`Due`], and the compiler sees to it that each row has a time
//! and is done.

use std::io;

use ostler_core::Millis;

use super::Daemon;
use crate::model::Input;
use crate::{clock, daemon_log, keeper};

/// Something that is due at some time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Due {
    /// The model's next deadline.
    Model,
    /// The next deadline of a primary, or of a listening socket.
    Cluster,
    /// Telling the keeper of outputs that are closed.
    CloseOutputs,
    /// Cleanup that was deferred.
    Cleanup,
    /// Using the link to the keeper again, which lacked something.
    Link,
    /// Giving the keeper what could not be given to it.
    Give,
    /// The list of starts, where that of a predecessor is kept.
    Starts,
    /// What failed for lack of file descriptors.
    Retry,
    /// Clients for whom there was no room.
    Clients,
    /// The same of PM2's.
    Callers,
    /// What apps are asked by PM2's clients.
    Messages,
    /// Subscribers for whom there was no room.
    Subscribers,
    /// The start of another keeper.
    Keeper,
    /// A keeper that says nothing any more.
    Silence,
    /// The answer of a keeper that changes its program.
    Update,
    /// The usual priority for workers that are being verified.
    Priority,
    /// The end, though output was not written.
    LastOutput,
    /// The start of another guard.
    Guard,
    /// Another try to make again what is missing in the home.
    Home,
    /// The number of complaints that were not written.
    Complaints,
    /// A look at rotated log files.
    LogCare,
    /// Profiles that will not be written any more.
    Profiles,
    /// The rest after work.
    Rest,
}

impl Due {
    /// All of them, in the order in which they are done.
    const ALL: [Self; 23] = [
        Self::Model,
        Self::Cluster,
        Self::CloseOutputs,
        Self::Cleanup,
        Self::Link,
        Self::Give,
        Self::Starts,
        Self::Retry,
        Self::Clients,
        Self::Callers,
        Self::Messages,
        Self::Subscribers,
        Self::Keeper,
        Self::Silence,
        Self::Update,
        Self::Priority,
        Self::LastOutput,
        Self::Guard,
        Self::Home,
        Self::Complaints,
        Self::LogCare,
        Self::Profiles,
        Self::Rest,
    ];
}

impl Daemon {
    /// When something is due next.
    pub fn deadline(&self) -> Option<Millis> {
        if self.model.has_effects()
            || self.clients.want_turn()
            || self.node.wants_turn()
            || self.rpc.want_turn()
            || self.bus.want_turn()
            || self.logs.want_turn()
        {
            return Some(0); // The work at hand goes on when everybody else had a turn.
        }
        Due::ALL.iter().filter_map(|due| self.due_at(*due)).min()
    }

    /// Does what is due.
    pub fn on_time(&mut self) {
        let now = clock::monotonic();
        for due in Due::ALL {
            if self.due_at(due).is_some_and(|at| at <= now) {
                self.on_due(due, now);
            }
        }
        self.take_reports();
    }

    fn due_at(&self, due: Due) -> Option<Millis> {
        match due {
            Due::Model => self.model.deadline(),
            Due::Cluster => self.node.deadline(),
            Due::CloseOutputs => self.keeper.close_due(),
            Due::Cleanup => self.keeper.starting_until(),
            Due::Link => self.keeper.link_due(),
            Due::Give => self.keeper.give_due(),
            Due::Starts => self.keeper.starts_due(),
            Due::Retry => self.runs.retry_due(),
            Due::Clients => self.clients.deadline(),
            Due::Callers => self.rpc.door().deadline(),
            Due::Messages => self.rpc.sends_at(),
            Due::Subscribers => self.bus.door().deadline(),
            Due::Keeper => self.keeper.start_due(),
            Due::Silence => self.keeper.silent_due(),
            Due::Update => self.keeper.update_due(),
            Due::Priority => self.runs.priority_due(),
            Due::LastOutput => self.runs.output_due(),
            Due::Guard => self.node.guard_due(),
            Due::Home => self.home.deadline(),
            Due::Complaints => daemon_log::deadline(),
            Due::LogCare => self.logs.care_due(),
            Due::Profiles => self.profiles.due(),
            Due::Rest => self.rest.due(),
        }
    }

    fn on_due(&mut self, due: Due, now: Millis) {
        match due {
            Due::Model => self.model.push(Input::Deadline),
            Due::Cluster => {
                let mut driver = self.driver();
                let (node, mut parts) = driver.node();
                node.on_time(now, &mut parts);
            }
            Due::CloseOutputs => self.keeper.close_outputs(|run| self.runs.contains(run)),
            Due::Cleanup => self.keeper.spawn_answered(),
            Due::Link => self.on_keeper(),
            Due::Give => self.give_everything(),
            Due::Starts => self.driver().renew_starts(),
            Due::Retry => self.driver().retry(),
            Due::Clients => self.clients.accept(&mut self.reports),
            Due::Callers => {
                self.rpc.door_mut().look_after(&self.config.home, &mut self.keeper);
                self.rpc.accept();
            }
            Due::Messages => {
                for (runs, bytes) in self.rpc.take_sends(now) {
                    self.runs.send_all(&runs, &bytes);
                }
            }
            Due::Subscribers => {
                self.bus.door_mut().look_after(&self.config.home, &mut self.keeper);
                self.bus.accept(&mut self.reports);
            }
            Due::Keeper => self.start_due_keeper(now),
            Due::Silence => {
                if self.keeper.is_silent(now) {
                    let seconds = keeper::SILENCE / 1000;
                    let error = io::Error::other(format!("it said nothing for {seconds} s"));
                    self.replace_keeper(&error);
                }
            }
            Due::Update => {
                let hangs = self.keeper.expire_update(&mut self.reports);
                self.replace_keeper(&hangs);
            }
            Due::Priority => self.runs.restore_priorities(now),
            Due::LastOutput => {
                self.end_if_over();
                self.runs.forget_output();
            }
            Due::Guard => self.node.start_guard(),
            Due::Home => self.look_after_home(),
            Due::Complaints => daemon_log::sum_up(now),
            Due::LogCare => self.logs.look_after(self.model.model(), &self.inbox.mailbox),
            Due::Profiles => {
                for (client, reply) in self.profiles.give_up(now, self.model.model()) {
                    self.reply(client, &reply);
                }
            }
            Due::Rest => {
                self.model.forget_caches();
                self.rest.begin();
            }
        }
    }
}
