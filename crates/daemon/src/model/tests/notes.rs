//! What is kept with each run in the keeper.

use std::collections::BTreeMap;

use ostler_core::{Phase, Preparation, ProcId, Role, RunId};

use super::super::Counters;
use super::world::World;

impl World {
    /// What is noted with a run when it is prepared.
    pub fn counters_of(&self, proc: ProcId, of: &Preparation) -> Counters {
        let Preparation { after, restarts, unstable, .. } = *of;
        let ended = self.model.core().slot(proc).map(|slot| slot.process().place(after));
        Counters { restarts, unstable, ended, told: self.told.get(&proc).copied() }
    }

    /// What the daemon keeps with a run in the keeper.
    pub fn note(&mut self, run: RunId) {
        let core = self.model.core();
        let (Some((id, role)), Some(sim)) = (core.owner(run), self.runs.get_mut(&run)) else {
            return;
        };
        let slot = core.slot(id).unwrap();
        let process = slot.process();
        sim.seen.role = role;
        let (restarts, unstable) = (process.restarts(), process.unstable());
        let (ended, told) = (process.ended(), self.told.get(&id).copied());
        sim.counters = Counters { restarts, unstable, ended, told };
        sim.seen.listening = core.is_listening(run);
        let online = matches!(process.phase(), Phase::Online { run: of, .. } if of == run);
        sim.seen.ready |= online || (role == Role::Candidate && slot.candidate_is_ready());
    }

    /// A daemon that begins knows of the ends that were told what is noted.
    pub fn read_told(&mut self) {
        let noted = self.runs.values().filter_map(|sim| Some((sim.seen.proc, sim.counters.told?)));
        self.told = BTreeMap::new();
        for (proc, end) in noted {
            let told = self.told.entry(proc).or_insert(end);
            *told = end.max(*told);
        }
    }
}
