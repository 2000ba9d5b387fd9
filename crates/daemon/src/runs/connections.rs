//! The connections to a run, counted before a signal ends it.

use ostler_core::RunId;
use ostler_ports::{Address, Idle, Open};
use ostler_wire::control::{Connections, ListenerView};

use super::Runs;
use super::run::Run;

impl Runs {
    /// Counts the connections that clients have to a run which lives. `shared`: what it listens
    /// on through us.
    pub fn connections(&self, run: RunId, shared: &[ListenerView]) -> Option<Connections> {
        let shared: Vec<Address> =
            shared.iter().filter_map(|of| Address::parse(&of.address)).collect();
        let members = self.members(run)?;
        Some(match ostler_ports::open(&members, &shared) {
            Open::Nowhere => Connections::Nowhere,
            Open::Count(count) => Connections::Dropped(count),
            Open::Hidden => Connections::Unknown,
        })
    }

    /// Looks whether anybody has a connection to these runs, which listen at `shared` through us.
    pub fn idle(&self, runs: &[RunId], shared: &[Address]) -> Idle {
        let members: Option<Vec<Vec<u32>>> = runs.iter().map(|run| self.members(*run)).collect();
        members.map_or(Idle::Somebody, |all| ostler_ports::idle(&all.concat(), shared))
    }

    /// The processes of a run which lives.
    fn members(&self, run: RunId) -> Option<Vec<u32>> {
        self.look_at_members(run).map(|look| look())
    }

    /// What tells the processes of a run which lives, in any thread and at any time.
    pub fn look_at_members(&self, run: RunId) -> Option<impl Fn() -> Vec<u32> + Send + use<>> {
        let held = self.get(run).filter(|held| !held.is_dead());
        let first = held.map(Run::pid).filter(|pid| *pid != 0)?;
        let groups = self.group_of(run).cloned();
        Some(move || match &groups {
            Some(groups) => groups.members(run),
            None => ostler_ports::family(first),
        })
    }
}
