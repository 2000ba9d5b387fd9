//! What is under way with the processes of an operation, for who waits for it.

use std::cell::OnceCell;

use ostler_core::{EndingStage, Phase, ProcId, RunId};
use ostler_wire::control::{self, Doing};

use super::Model;
use super::hooks::{HooksUnderWay, PreStop};
use super::input::Effect;
use super::known::Known;
use super::operations::Operation;
use super::outcome::signal_name;
use super::progress::tell;

impl Model {
    /// A run begins, or its end goes a stage further: who waits for it is told.
    pub(super) fn goes_on(&mut self, run: RunId) {
        if let Some((id, _)) = self.known.core.owner(run) {
            self.changed.insert(id);
        }
    }
}

impl Known {
    /// Tells what is under way with a process, if its client wants to know and was not told yet.
    pub(super) fn tell_doing(
        &self,
        hooks: &HooksUnderWay,
        operation: &mut Operation,
        id: ProcId,
        out: &mut Vec<Effect>,
    ) {
        if !operation.doing {
            return;
        }
        let Some(what) = self.doing(hooks, id) else { return };
        let Some(pending) = operation.active.get_mut(&id) else { return };
        if pending.told.as_ref().is_some_and(|told| told.is_same(&what)) {
            return;
        }
        pending.told = Some(what.clone());
        let name = pending.name.clone();
        tell(operation.client, control::Event::Doing { id: id.0, name, what }, out);
    }

    fn doing(&self, hooks: &HooksUnderWay, id: ProcId) -> Option<Doing> {
        let slot = self.core.slot(id)?;
        match slot.process().phase() {
            Phase::Starting { .. } => Some(Doing::Starts),
            Phase::Held => Some(Doing::Waits { waits_for: self.waits_for(id, &OnceCell::new()) }),
            Phase::Stopping(ending) => {
                let within = |at: u64| at.saturating_sub(self.at.now);
                Some(match ending.stage() {
                    EndingStage::Draining { until } => Doing::Drains { within: within(until) },
                    EndingStage::Asked { kill_at }
                        if hooks.stops.get(&ending.run()) == Some(&PreStop::Runs) =>
                    {
                        Doing::PreStop { within: within(kill_at) }
                    }
                    EndingStage::Asked { kill_at } => {
                        let signal = self.stop_signal(ending.run());
                        Doing::Asked { signal, within: within(kill_at) }
                    }
                    EndingStage::Killed { .. } | EndingStage::Stuck { .. } => Doing::Killed,
                })
            }
            Phase::Stopped | Phase::Errored => {
                slot.leaving().next().is_some().then_some(Doing::OldLeave)
            }
            Phase::Online { .. } | Phase::Backoff { .. } | Phase::Sleeping { .. } => None,
        }
    }

    /// The signal that a run is asked by; nothing where that is a message.
    fn stop_signal(&self, run: RunId) -> Option<String> {
        let policy = &self.version_by_run(run)?.policy;
        let by_message = policy.stop_by_message || self.settings.kills_by_message;
        (!by_message).then(|| signal_name(policy.stop_signal).into_owned())
    }
}
