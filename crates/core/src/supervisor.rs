//! All slots and all reloads; the one way in and the one way out.
//!
//! # Invariants
//! - A run belongs to one slot in one role: current, candidate or leaving.
//!   Tested by `invariants_hold_under_random_histories`.
//! - A report about a run that no slot knows changes nothing. Tested by the same.
//! - What [`check`](Supervisor::check) looks at holds after every event. Tested by the same.
//! - After the daemon lost its memory at any action, the end state is the same.
//!   Tested by `memory_may_be_lost_at_every_action`.

mod check;
mod health;
mod memory;
mod prepare;
mod recover;
mod reports;
mod rollout;
mod sleep;
mod slot;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

pub use slot::Slot;

use crate::event::Notice;
use crate::process::Process;
use crate::reload::{Reload, SavedReload};
use crate::run::{AppId, ProcId, Role, RunId};
use crate::runs::Runs;
use crate::saved::SavedProcess;
use crate::spec::Version;
use crate::{Action, Event, Millis};

/// The machine of everything.
#[derive(Clone, Debug, Default)]
pub struct Supervisor {
    slots: BTreeMap<ProcId, Slot>,
    reloads: BTreeMap<AppId, Reload>,
    runs: Runs,
}

impl Supervisor {
    /// Nothing to supervise yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns every slot, by number.
    pub fn slots(&self) -> impl Iterator<Item = (ProcId, &Slot)> {
        self.slots.iter().map(|(id, slot)| (*id, slot))
    }

    /// Returns one slot.
    #[must_use]
    pub fn slot(&self, id: ProcId) -> Option<&Slot> {
        self.slots.get(&id)
    }

    /// Returns the slot that a run belongs to, and what the run is to it.
    #[must_use]
    pub fn owner(&self, run: RunId) -> Option<(ProcId, Role)> {
        let id = self.runs.owner(run)?;
        Some((id, self.slots.get(&id)?.role(run)))
    }

    /// Whether the run has a listener.
    #[must_use]
    pub fn is_listening(&self, run: RunId) -> bool {
        self.runs.listens(run)
    }

    /// Returns the reload of an app that is under way.
    #[must_use]
    pub fn reload(&self, app: AppId) -> Option<&Reload> {
        self.reloads.get(&app)
    }

    /// Whether runs are being replaced one after the other, by reloads that nobody need decide on.
    #[must_use]
    pub fn is_replacing(&self) -> bool {
        self.reloads.values().any(|reload| !reload.is_canary())
    }

    /// Returns when to call [`handle`](Self::handle) with [`Event::Deadline`], if nothing else
    /// happens before that.
    #[must_use]
    pub fn deadline(&self) -> Option<Millis> {
        let reloads = self.reloads.values().filter_map(Reload::deadline);
        self.slots.values().filter_map(Slot::deadline).chain(reloads).min()
    }

    /// Returns what must be saved about every slot.
    #[must_use]
    pub fn saved_processes(&self) -> Vec<SavedProcess> {
        self.slots.values().map(Slot::save).collect()
    }

    /// Returns what must be saved about every reload.
    #[must_use]
    pub fn saved_reloads(&self) -> Vec<SavedReload> {
        self.reloads.iter().map(|(app, reload)| reload.save(*app)).collect()
    }

    /// Returns the last run number given out: save it, or take the highest that the keeper knows.
    #[must_use]
    pub fn last_run(&self) -> u64 {
        self.runs.last().0
    }

    /// Takes one event, which is the only way anything changes. The actions that follow are to be
    /// carried out in order.
    pub fn handle(&mut self, now: Millis, event: Event, out: &mut Vec<Action>) {
        let (concerned, at) = (self.concerned(&event), out.len());
        self.on_event(now, event, out);
        self.prepare(now, concerned, at, out);
        debug_assert_eq!(self.check(), Ok(()));
    }

    fn on_event(&mut self, now: Millis, event: Event, out: &mut Vec<Action>) {
        match event {
            Event::Add { proc, app, spec, policy, cluster } => {
                self.add(proc, app, (spec, policy), cluster);
            }
            Event::Start(id) => {
                self.command(now, id, out, |process, runs, out| process.on_start(now, runs, out));
            }
            Event::Stop(id) => self.stop(now, id, out),
            Event::Restart { proc, change } => self.restart(now, proc, change, out),
            Event::Hold { proc, held } => self.command(now, proc, out, |process, runs, out| {
                process.on_hold(now, held, runs, out);
            }),
            Event::Sleep(id) => self.sleep(now, id, out),
            Event::Wake(id) => {
                self.command(now, id, out, |process, runs, out| process.on_wake(now, runs, out));
            }
            Event::Delete(id) => {
                self.remove(now, id, out, |process, out| process.on_stop(now, out));
            }
            Event::Retire(id) => {
                self.remove(now, id, out, |process, out| process.on_retire(now, out));
            }
            Event::Reset(id) => self.command(now, id, out, |process, _, _| process.on_reset()),
            Event::Reload { app, procs, spec, policy, options } => {
                self.begin_reload(now, app, &procs, (spec, policy), options, out);
            }
            Event::Promote { app, keep } => self.promote(now, app, keep, out),
            Event::Spawned(run) => {
                self.on_current(run, |process| process.on_spawned(now, out));
                self.on_candidate(now, run, out, |it, _| it.on_spawned(now));
            }
            Event::RuntimeOnline(run) => {
                self.on_current(run, |process| process.on_runtime_online(out));
            }
            Event::ReadyMessage(run) => {
                self.on_current(run, |process| process.on_ready(false, out));
                self.on_candidate(now, run, out, |it, out| it.on_ready_message(now, out));
            }
            Event::Listening(run) => self.on_listening(now, run, out),
            Event::Covers(run) => {
                self.on_candidate(now, run, out, |it, out| it.on_listening(now, true, out));
            }
            Event::Elsewhere(run) => {
                self.on_candidate(now, run, out, |it, out| it.on_elsewhere(now, out));
            }
            Event::Probed { run, healthy } => {
                self.on_candidate(now, run, out, |it, _| it.on_probed(now, healthy));
            }
            Event::Measured { run, memory } => self.on_measured(now, run, memory, out),
            Event::Unhealthy(run) => self.on_unhealthy(now, run, out),
            Event::Disconnected(run) => self.on_disconnected(now, run, out),
            Event::Exited { run, exit, next } => self.on_exited(now, run, exit, next, out),
            Event::TreeGone(run) => self.on_tree_gone(now, run, out),
            Event::Deadline => self.on_deadline(now, out),
        }
    }

    /// Adds a slot, which takes part in the reload of its app.
    fn add(&mut self, id: ProcId, app: AppId, version: Version, cluster: bool) {
        let Entry::Vacant(vacant) = self.slots.entry(id) else { return };
        vacant.insert(Slot::new(app, Process::new(id, version.clone(), cluster)));
        if let Some(reload) = self.reloads.get_mut(&app) {
            reload.on_added(id, version);
        }
    }

    /// A command of the user to a slot that is not being removed.
    fn command(
        &mut self,
        now: Millis,
        id: ProcId,
        out: &mut Vec<Action>,
        act: impl FnOnce(&mut Process, &mut Runs, &mut Vec<Action>),
    ) {
        let Some(slot) = self.slots.get_mut(&id).filter(|slot| !slot.removing) else { return };
        act(&mut slot.process, &mut self.runs, out);
        self.settle(now, id, out);
    }

    fn stop(&mut self, now: Millis, id: ProcId, out: &mut Vec<Action>) {
        self.take_from_reload(now, id, out);
        if let Some(slot) = self.slots.get_mut(&id) {
            slot.skip_drains(now, out);
        }
        self.command(now, id, out, |process, _, out| process.on_stop(now, out));
    }

    fn restart(&mut self, now: Millis, id: ProcId, change: Option<Version>, out: &mut Vec<Action>) {
        self.take_from_reload(now, id, out);
        self.command(now, id, out, |process, runs, out| {
            process.on_restart(now, change, runs, out);
        });
    }

    fn remove(
        &mut self,
        now: Millis,
        id: ProcId,
        out: &mut Vec<Action>,
        act: impl FnOnce(&mut Process, &mut Vec<Action>),
    ) {
        self.take_from_reload(now, id, out);
        let Some(slot) = self.slots.get_mut(&id) else { return };
        slot.skip_drains(now, out);
        slot.removing = true;
        act(&mut slot.process, out);
        self.settle(now, id, out);
    }

    /// Forgets a slot that is to be removed once nothing of it runs, and moves the app's reload on.
    fn settle(&mut self, now: Millis, id: ProcId, out: &mut Vec<Action>) {
        let Some(slot) = self.slots.get(&id) else { return };
        let app = slot.app;
        if slot.removing && slot.runs().next().is_none() {
            self.slots.remove(&id);
            self.runs.forget_all_of(id);
            out.push(Action::Tell(Notice::Removed { proc: id }));
        }
        self.drive(now, app, out);
    }
}
