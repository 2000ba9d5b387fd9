//! Apps that sleep: who has a connection to one, and who waits for one.

use std::collections::BTreeSet;

use ostler_core::{AppId, RunId};
use ostler_ports::{Address, Idle};

use super::Driver;
use crate::model::{Callers, Input, Traffic};

impl Driver<'_> {
    /// An app sleeps: it is told when somebody waits for it.
    pub(crate) fn await_caller(&mut self, app: AppId) {
        let (node, mut parts) = self.node();
        node.await_caller(app, &mut parts);
    }

    /// Looks who has a connection to the workers of an app. What they were handed since the last
    /// look costs nothing to know, and then the kernel is not asked.
    pub(crate) fn look_for_callers(
        &mut self,
        app: AppId,
        runs: Vec<RunId>,
        seen: Option<u64>,
        pause: bool,
    ) {
        // From here on nobody comes between the look and what follows from it.
        if pause {
            self.pause(&runs, true);
        }
        let (handed, owed) = self.node.handed(&runs);
        let callers = if owed || seen.is_some_and(|seen| seen != handed) {
            Callers::Somebody
        } else {
            self.callers_of(&runs)
        };
        let paused = pause && callers == Callers::Nobody;
        if pause && !paused {
            self.pause(&runs, false);
        }
        self.tell(Input::Traffic { app, traffic: Traffic { runs, handed, callers, paused } });
    }

    /// Workers get no connections, or get some again.
    pub(crate) fn pause(&mut self, runs: &[RunId], paused: bool) {
        let (node, mut parts) = self.node();
        node.pause(runs, paused, &mut parts);
    }

    fn callers_of(&self, runs: &[RunId]) -> Callers {
        let mut shared = BTreeSet::new();
        for listener in runs.iter().flat_map(|run| self.node.listeners_of(*run)) {
            let address = &listener.address;
            if listener.balance == "shared" {
                return Callers::Unheard(format!("its workers accept by themselves at {address}"));
            }
            match Address::parse(address) {
                Some(Address::Inet { udp: true, .. }) | None => {
                    let why = format!("nobody can be seen who speaks to it at {address}");
                    return Callers::Unheard(why);
                }
                Some(_) => shared.insert(address.clone()),
            };
        }
        let shared: Vec<Address> =
            shared.iter().filter_map(|address| Address::parse(address)).collect();
        match self.runs.idle(runs, &shared) {
            Idle::Nobody => Callers::Nobody,
            Idle::Somebody => Callers::Somebody,
            Idle::Own(at) => Callers::Unheard(format!(
                "it listens at {at} by itself, where nobody would wake it"
            )),
            Idle::Hidden => Callers::Unheard("its connections may not be seen".to_owned()),
        }
    }
}
