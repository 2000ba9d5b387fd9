//! What happens to workers, told to their primaries.

use std::collections::BTreeMap;

use ostler_cluster::{Policy, Primary, WorkerId, WorkerOptions};
use ostler_core::spec::Address;
use ostler_core::{AppId, RunId};

use super::{Node, Parts, config};

impl Node {
    /// A worker was spawned. What follows from that is for [`work`](Self::work) to do.
    pub fn add_worker(&mut self, run: RunId, app: AppId, options: WorkerOptions, policy: Policy) {
        self.workers.insert(run, app);
        let primary =
            self.primaries.entry(app).or_insert_with(|| Primary::new(config(app, policy)));
        primary.handle_worker_added(WorkerId(run.0), options);
        if primary.policy() != policy {
            // A change of the policy takes effect with the first worker that was started for it.
            primary.set_policy(policy, &mut self.queue);
        }
    }

    /// The table for `listen({ fd })` of a version that is in force or about to be.
    pub fn use_fds(&mut self, app: AppId, table: &BTreeMap<u32, Address>) {
        if let Some(primary) = self.primaries.get_mut(&app) {
            primary.set_fds(table.keys().copied().map(i64::from).collect());
        }
        self.fds.insert(app, table.clone());
    }

    /// Spreads connections as the version says that is in force.
    pub fn set_policy(&mut self, app: AppId, policy: Policy, parts: &mut Parts<'_>) {
        if let Some(primary) = self.primaries.get_mut(&app)
            && primary.policy() != policy
        {
            primary.set_policy(policy, &mut self.queue);
        }
        self.work(parts);
    }

    /// A worker passed its checks: clients may meet it.
    pub fn admit(&mut self, run: RunId, parts: &mut Parts<'_>) {
        self.ask(run, |primary, worker, out| primary.handle_admitted(worker, out));
        self.work(parts);
    }

    /// A worker is to leave: off its listeners, and told so when `tell`.
    pub fn leave(&mut self, run: RunId, tell: bool, parts: &mut Parts<'_>) {
        self.ask(run, |primary, worker, out| {
            if tell {
                primary.handle_leaving(worker, out);
            } else {
                primary.on_detached(worker, out);
            }
        });
        self.work(parts);
    }
}
