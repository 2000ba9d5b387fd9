//! Whether a slot has come to what is waited for, and why it has not.

use ostler_core::{Exit, Phase, ProcId, RunId};
use ostler_wire::control::{self, Code, Failure, NO_INTERPRETER};

use super::failures::{gone, see_logs, unfetched, unfinished, unkillable, unsignalable, unspawned};
use super::known::Known;
use super::operations::{Operation, Target};
use super::outcome::Outcome;

impl Known {
    /// `Some` when the slot has come to what is waited for, with what went wrong.
    pub(super) fn settled(&self, id: ProcId, operation: &mut Operation) -> Option<Option<Failure>> {
        let looks = operation.doing;
        let pending = operation.active.get_mut(&id)?;
        let Some(slot) = self.core.slot(id) else {
            return Some(match pending.target {
                Target::Up => Some(gone(id)),
                Target::Down | Target::Gone | Target::Listening => None,
            });
        };
        match (pending.target, slot.process().phase()) {
            (Target::Gone, _) => None,
            (Target::Listening, Phase::Starting { run, .. } | Phase::Online { run, .. }) => {
                self.facts.get(&run).is_some_and(|facts| facts.is_listening()).then_some(None)
            }
            (
                Target::Listening,
                Phase::Stopped
                | Phase::Errored
                | Phase::Backoff { .. }
                | Phase::Held
                | Phase::Sleeping { .. }
                | Phase::Stopping(_),
            ) => Some(None),
            // The runs that a reload replaced must have left, too.
            (Target::Down, Phase::Stopped | Phase::Errored) => {
                slot.leaving().next().is_none().then_some(None)
            }
            (Target::Up, Phase::Online { run, .. }) => {
                pending.late = self.facts.get(&run).is_some_and(|facts| facts.late);
                Some(None)
            }
            // It came up, and fell asleep since.
            (Target::Up, Phase::Sleeping { .. }) => Some(None),
            // It ran and ended well, as one that is not to be restarted does, or was stopped by
            // somebody else.
            (Target::Up, Phase::Stopped) => Some(self.why_stopped(id)),
            (Target::Up, Phase::Errored) if pending.came_up || self.ended_well(id) => Some(None),
            (Target::Up, Phase::Errored) if looks && self.has_ended_since(id, pending.since) => {
                Some(None)
            }
            (Target::Up, Phase::Errored) => Some(Some(self.why_errored(id))),
            (Target::Up, Phase::Held) => self.waits_in_vain(id).map(Some),
            // One that is due now was due when the daemon before died, and starts in this turn.
            (Target::Up, Phase::Backoff { until }) => (self.at.now < until).then_some(None),
            (Target::Up, Phase::Starting { run, .. }) if self.is_unfetched(run) => {
                Some(Some(unfetched(id)))
            }
            // Its run has ended before it was ready: a client of ours looks at it, as after any
            // other start. PM2's waits until it is given up, unless it lived for too long for that.
            (Target::Up, Phase::Starting { .. })
                if (looks || slot.process().unstable() == 0)
                    && self.has_ended_since(id, pending.since) =>
            {
                Some(None)
            }
            (
                Target::Down,
                Phase::Starting { .. }
                | Phase::Online { .. }
                | Phase::Stopping(_)
                | Phase::Held
                | Phase::Sleeping { .. }
                | Phase::Backoff { .. },
            )
            | (Target::Up, Phase::Starting { .. } | Phase::Stopping(_)) => None,
        }
    }

    /// Whether a run of the slot has ended by itself since then, ms since 1970.
    fn has_ended_since(&self, id: ProcId, since: u64) -> bool {
        let proc = self.registry.proc(id).filter(|proc| {
            proc.ended.as_ref().is_some_and(|ended| !ended.asked && since <= ended.at)
        });
        matches!(proc.and_then(|proc| proc.last.as_ref()), Some(Outcome::Ended(_)))
    }

    fn is_unfetched(&self, run: RunId) -> bool {
        self.facts.get(&run).is_some_and(|facts| facts.unfetched)
    }

    pub(super) fn why_not_yet(&self, id: ProcId, target: Target) -> Failure {
        if let Some((pid, user)) = self.unsignalable(id) {
            return unsignalable(id, *pid, user);
        }
        match self.core.slot(id).map(|slot| slot.process().phase()) {
            Some(Phase::Starting { spawned: false, .. }) => unspawned(id),
            Some(Phase::Stopping(ending)) if ending.is_killed() => unkillable(id),
            Some(
                Phase::Starting { .. }
                | Phase::Online { .. }
                | Phase::Stopping(_)
                | Phase::Backoff { .. }
                | Phase::Held
                | Phase::Sleeping { .. }
                | Phase::Stopped
                | Phase::Errored,
            )
            | None => unfinished(id, target != Target::Up),
        }
    }

    fn why_stopped(&self, id: ProcId) -> Option<Failure> {
        let last = self.registry.proc(id).and_then(|proc| proc.last.as_ref())?;
        last.reason().map(|why| Failure {
            code: Code::NotSpawned,
            message: why.to_owned(),
            hint: None,
        })
    }

    /// Whether its last run ended by itself with 0: it did what it was started for, though it was
    /// given up after doing so again and again.
    fn ended_well(&self, id: ProcId) -> bool {
        let last = self.registry.proc(id).and_then(|proc| proc.last.as_ref());
        matches!(last, Some(Outcome::Ended(Exit::Code(0))))
    }

    fn why_errored(&self, id: ProcId) -> Failure {
        let proc = self.registry.proc(id);
        let last = proc.and_then(|proc| proc.last.as_ref()).map(|last| last.fact());
        let never_ran = matches!(last, Some(control::Outcome::NotSpawned { .. }));
        let name = proc.map_or("", |proc| proc.name.as_str());
        let last = last.map_or_else(|| "unknown".to_owned(), |last| last.to_string());
        // Some ends say so by themselves.
        let says_so = last.starts_with("could not be started");
        let how = if says_so { last } else { format!("did not start: {last}") };
        let pasted = ostler_shell::operand(name);
        // It has written nothing.
        let spec = self.core.slot(id).map(|slot| slot.process().spec());
        let version = spec.and_then(|spec| self.registry.version(spec));
        let script = version.map(|version| version.spec.script.display().to_string());
        let hint = match (never_ran, script) {
            (true, Some(script)) if how.contains(NO_INTERPRETER) => {
                control::interpreter_hint(&script, &pasted)
            }
            (true, _) => format!("fix what it says, then `ostler restart {pasted}`"),
            (false, _) => see_logs(name),
        };
        Failure { code: Code::Ended, message: format!("app `{name}` {how}"), hint: Some(hint) }
    }
}
