//! The daemon of the world dies, and another takes up the work.

use std::collections::VecDeque;

use ostler_core::Event;

use super::super::{ClientId, FoundRun, Input, Model, State};
use super::sim::SimRun;
use super::world::{World, settings};

impl World {
    /// What a daemon reads that begins now.
    pub fn read_disk(&self) -> State {
        match &self.disk {
            Some(state) => serde_json::from_str(&serde_json::to_string(state).unwrap()).unwrap(),
            None => State::empty("boot".to_owned()),
        }
    }

    /// The daemon dies, and another takes up the work; clients with a ticket ask again.
    pub fn forget(&mut self) {
        self.deaths += 1;
        let deaths = self.deaths;
        if std::mem::take(&mut self.end_in_crash) {
            self.end_all();
        }
        self.reports.clear();
        self.callers.unheard();
        // The next daemon says hello.
        self.prepared.clear();
        self.read_told();
        self.model = Model::new(settings(self.steps as u64 + 7));
        let found: Vec<FoundRun> = self.runs.values().map(SimRun::found).collect();
        let (mut out, mut inputs) = (Vec::new(), VecDeque::new());
        self.model.recover(self.at, self.read_disk(), &found, &mut out);
        self.untold.check_recovery(&self.model, &out);
        self.perform(out, false, &mut inputs);
        if deaths < self.deaths {
            return;
        }
        self.model.check();
        self.tell_room();
        self.reports.extend(inputs);
        for run in self.runs.values().cloned().collect::<Vec<_>>() {
            let id = run.seen.run;
            if run.alive {
                self.reports.push_back(Input::Spawned { run: id, pid: run.pid });
                self.announce(&run);
            } else if !run.child {
                self.reports.push_back(Input::Core(Event::TreeGone(id)));
            }
        }
        self.ask_again(deaths);
    }

    fn ask_again(&mut self, deaths: usize) {
        let mut again = Vec::new();
        for (client, talk) in &mut self.talks {
            match &talk.again {
                _ if talk.over || talk.cut => {}
                Some(request) => again.push((*client, request.clone())),
                None => talk.cut = true,
            }
        }
        for (client, request) in again {
            if self.deaths == deaths {
                let request = serde_json::from_str(&request).unwrap();
                self.input(Input::Request { client: ClientId(client), request });
            }
        }
    }
}
