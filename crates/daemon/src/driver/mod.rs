//! Carrying out what the supervision machine decides, and telling what became of it.
//!
//! What concerns runs concerns several parts: the keeper starts them, their output goes to the log
//! engine, their channels to the primary of cluster apps. Here the parts are brought together.
//! The model can be looked at and not changed: whatever happens is a [`Report`].

mod cluster;
mod handover;
mod hearing;
mod ready;
mod sleeping;
mod spawning;
mod stopping;

use ostler_core::Action;

use crate::from_thread::FromThread;
use crate::keeper::Keeper;
use crate::logs::Logs;
use crate::mailbox::{Mailbox, Sender};
use crate::model::{Input, Model};
use crate::node::{Node, Parts};
use crate::notify::Notify;
use crate::reports::{Report, Reports};
use crate::runs::Runs;
use crate::{clock, daemon_log};

/// The parts that runs concern.
pub(crate) struct Driver<'a> {
    pub(crate) model: &'a Model,
    pub(crate) keeper: &'a mut Keeper,
    pub(crate) runs: &'a mut Runs,
    pub(crate) node: &'a mut Node,
    pub(crate) logs: &'a Logs,
    pub(crate) notify: &'a mut Notify,
    pub(crate) mailbox: &'a Mailbox<FromThread>,
    pub(crate) reports: &'a mut Reports,
}

impl Driver<'_> {
    /// Carries out one action.
    pub(crate) fn act(&mut self, action: &Action) {
        match *action {
            Action::Spawn { proc, run, spec } => self.spawn(clock::monotonic(), proc, run, spec),
            Action::Prepare { proc, ref preparation } => self.prepare_run(proc, preparation),
            Action::Revoke { after } => self.keeper.revoke(after),
            Action::Begun { proc, run, spec } => self.take_begun(proc, run, spec),
            Action::Disconnect(run) => self.disconnect(run),
            Action::Terminate(run) => self.terminate(run),
            Action::Kill(run) => self.kill(run),
            Action::Sweep(run) => self.sweep(run),
            Action::Probe(run) => self.probe(run),
            Action::Note { run } => self.note(run),
            // The model keeps notices to itself.
            Action::Tell(_) => {}
        }
    }

    /// Looks for descendants of runs in a helper thread, if that is wanted.
    pub(crate) fn walk(&mut self) {
        while let Some(walk) = self.runs.begin_walk() {
            let of_thread = walk.clone();
            let work = move |sender: &Sender<FromThread>| {
                sender.send(FromThread::Walked(of_thread.make()));
            };
            if let Err(error) = self.mailbox.start("walk", work) {
                daemon_log::error(format!("no thread to look for descendants: {error}"));
                self.runs.on_walked(walk.make(), self.reports);
            }
        }
    }

    /// Tells the model that something has happened.
    fn tell(&mut self, input: Input) {
        self.reports.push_back(Report::Model(input));
    }

    /// The part for cluster apps, with the parts that it speaks to.
    pub(crate) fn node(&mut self) -> (&mut Node, Parts<'_>) {
        let parts =
            Parts { runs: &mut *self.runs, keeper: &mut *self.keeper, reports: &mut *self.reports };
        (&mut *self.node, parts)
    }
}
