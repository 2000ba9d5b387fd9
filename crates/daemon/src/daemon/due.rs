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
        Due::ALL.iter().filter_map(|due| due.at(self)).min()
    }

    /// Does what is due.
    pub fn on_time(&mut self) {
        let now = clock::monotonic();
        for due in Due::ALL {
            if due.at(self).is_some_and(|at| at <= now) {
                due.act(self, now);
            }
        }
        self.take_reports();
    }
}

impl Due {
    /// When it is due next.
    fn at(self, daemon: &Daemon) -> Option<Millis> {
        match self {
            Due::Model => daemon.model.deadline(),
            Due::Cluster => daemon.node.deadline(),
            Due::CloseOutputs => daemon.keeper.close_due(),
            Due::Cleanup => daemon.keeper.starting_until(),
            Due::Link => daemon.keeper.link_due(),
            Due::Give => daemon.keeper.give_due(),
            Due::Starts => daemon.keeper.starts_due(),
            Due::Retry => daemon.runs.retry_due(),
            Due::Clients => daemon.clients.deadline(),
            Due::Callers => daemon.rpc.door().deadline(),
            Due::Messages => daemon.rpc.sends_at(),
            Due::Subscribers => daemon.bus.door().deadline(),
            Due::Keeper => daemon.keeper.start_due(),
            Due::Silence => daemon.keeper.silent_due(),
            Due::Update => daemon.keeper.update_due(),
            Due::Priority => daemon.runs.priority_due(),
            Due::LastOutput => daemon.runs.output_due(),
            Due::Guard => daemon.node.guard_due(),
            Due::Home => daemon.home.deadline(),
            Due::Complaints => daemon_log::deadline(),
            Due::LogCare => daemon.logs.care_due(),
            Due::Profiles => daemon.profiles.due(),
            Due::Rest => daemon.rest.due(),
        }
    }

    /// Does what is due now.
    fn act(self, daemon: &mut Daemon, now: Millis) {
        match self {
            Due::Model => daemon.model.push(Input::Deadline),
            Due::Cluster => {
                let mut driver = daemon.driver();
                let (node, mut parts) = driver.node();
                node.on_time(now, &mut parts);
            }
            Due::CloseOutputs => daemon.keeper.close_outputs(|run| daemon.runs.contains(run)),
            Due::Cleanup => daemon.keeper.spawn_answered(),
            Due::Link => daemon.on_keeper(),
            Due::Give => daemon.give_everything(),
            Due::Starts => daemon.driver().renew_starts(),
            Due::Retry => daemon.driver().retry(),
            Due::Clients => daemon.clients.accept(&mut daemon.reports),
            Due::Callers => {
                daemon.rpc.door_mut().look_after(&daemon.config.home, &mut daemon.keeper);
                daemon.rpc.accept();
            }
            Due::Messages => {
                for (runs, bytes) in daemon.rpc.take_sends(now) {
                    daemon.runs.send_all(&runs, &bytes);
                }
            }
            Due::Subscribers => {
                daemon.bus.door_mut().look_after(&daemon.config.home, &mut daemon.keeper);
                daemon.bus.accept(&mut daemon.reports);
            }
            Due::Keeper => daemon.start_due_keeper(now),
            Due::Silence => {
                if daemon.keeper.is_silent(now) {
                    let seconds = keeper::SILENCE / 1000;
                    let error = io::Error::other(format!("it said nothing for {seconds} s"));
                    daemon.replace_keeper(&error);
                }
            }
            Due::Update => {
                let hangs = daemon.keeper.expire_update(&mut daemon.reports);
                daemon.replace_keeper(&hangs);
            }
            Due::Priority => daemon.runs.restore_priorities(now),
            Due::LastOutput => {
                daemon.end_if_over();
                daemon.runs.forget_output();
            }
            Due::Guard => daemon.node.start_guard(),
            Due::Home => daemon.look_after_home(),
            Due::Complaints => daemon_log::sum_up(now),
            Due::LogCare => daemon.logs.look_after(daemon.model.model(), &daemon.inbox.mailbox),
            Due::Profiles => {
                for (client, reply) in daemon.profiles.give_up(now, daemon.model.model()) {
                    daemon.reply(client, &reply);
                }
            }
            Due::Rest => {
                daemon.model.forget_caches();
                daemon.rest.begin();
            }
        }
    }
}
