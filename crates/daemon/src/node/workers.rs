//! What happens to workers, told to the primary.

use ostler_cluster::{GroupId, Policy, WorkerId, WorkerOptions};
use ostler_core::spec::AppSpec;
use ostler_core::{AppId, RunId};

use super::{Node, Parts, numbers};
use crate::rights::Rights;

impl Node {
    /// A worker was spawned. What follows from that is for [`work`](Self::work) to do.
    pub fn add_worker(&mut self, run: RunId, app: AppId, options: WorkerOptions, policy: Policy) {
        self.workers.insert(run, app);
        self.primary.handle_worker_added(WorkerId(run.0), options);
        if self.primary.policy(options.group) != policy {
            // A change of the policy takes effect with the first worker that was started for it.
            self.primary.set_policy(options.group, policy, &mut self.queue);
        }
    }

    /// What a version that is in force or about to be says about opening sockets: the table for
    /// `listen({ fd })`, and with whose rights.
    pub fn use_version(&mut self, app: AppId, spec: &AppSpec) {
        self.primary.set_fds(GroupId(app.0), numbers(&spec.fds));
        self.primary.set_user(GroupId(app.0), spec.uid);
        self.fds.insert(app, spec.fds.clone());
        self.rights.insert(app, Rights::of(spec));
    }

    /// Spreads connections as the version says that is in force.
    pub fn set_policy(&mut self, app: AppId, policy: Policy, parts: &mut Parts<'_>) {
        let group = GroupId(app.0);
        if self.primary.policy(group) != policy {
            self.primary.set_policy(group, policy, &mut self.queue);
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
