//! What happens to workers, told to their primaries.

use ostler_cluster::{Policy, Primary, WorkerId, WorkerOptions};
use ostler_core::spec::AppSpec;
use ostler_core::{AppId, RunId};

use super::{Node, Parts, config};
use crate::rights::Rights;

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

    /// What a version that is in force or about to be says about opening sockets: the table for
    /// `listen({ fd })`, and with whose rights.
    pub fn use_version(&mut self, app: AppId, spec: &AppSpec) {
        if let Some(primary) = self.primaries.get_mut(&app) {
            primary.set_fds(spec.fds.keys().copied().map(i64::from).collect());
        }
        self.fds.insert(app, spec.fds.clone());
        self.rights.insert(app, Rights::of(spec));
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
