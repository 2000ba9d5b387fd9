//! Steps of a reload, as the count of what is done takes them.

use std::time::Duration;

use ostler_wire::control::{Side, Step};

use super::super::work::Work;
use super::Tally;

impl Tally {
    pub(super) fn step(&mut self, id: u32, name: &str, step: &Step, now: Duration) {
        // It may be renamed by this.
        let told = name;
        let name = &self.names.get(&id).cloned().unwrap_or_else(|| name.to_owned());
        self.note_name(name, told);
        let what = match step {
            Step::Verifying { side: Side::Old, .. } => "starting the old version again",
            Step::Verifying { .. } => "verifying the new worker",
            Step::Replaced { side, leaves, .. } => {
                if *side != Side::Old && self.counted.insert(id) {
                    self.app(name, true).done += 1;
                }
                if !leaves {
                    self.workers.remove(&id);
                    return;
                }
                self.leaving.insert(id);
                "the old worker finishes its connections"
            }
            Step::Left { connections, .. } => {
                if self.leaving.remove(&id) {
                    self.count(*connections);
                }
                self.workers.remove(&id);
                return;
            }
            Step::Failed { .. } => {
                self.workers.remove(&id);
                return;
            }
            Step::RollingBack { ids } => {
                for id in ids {
                    self.workers.remove(id);
                    let counted = self.counted.remove(id);
                    let app = self.app(name, true);
                    app.done = app.done.saturating_sub(usize::from(counted));
                }
                return;
            }
            Step::CanaryServes => return,
        };
        self.workers.insert(id, Work::of(name, what, now));
    }
}
