//! Taking up what a predecessor left.

use std::collections::BTreeMap;
use std::sync::Arc;

use ostler_cluster::{ListenerMeta, WorkerId, WorkerOptions};
use ostler_core::{AppId, Exit, Role, RunId};

use super::inventory::{Found, Items};
use crate::daemon_log;
use crate::driver::Driver;
use crate::guard::Left;
use crate::model::Input;
use crate::node::{self, Restored};
use crate::reports::Report;
use crate::runs::NewRun;

impl Driver<'_> {
    /// Gives the connections that dead daemons had accepted to the primary.
    pub(crate) fn give_recovered(&mut self, connections: Vec<Left>) {
        for (app, count) in self.node.recover(connections) {
            let name = self.model.registry().app_name(app);
            daemon_log::log(format!("{count} connections of app [{name}] were recovered"));
        }
        let (node, mut parts) = self.node();
        node.work(&mut parts);
    }

    /// Brings the primary of cluster apps back, with the sockets that the keeper held and the
    /// workers that live.
    pub(crate) fn restore_primary(&mut self, found: &BTreeMap<RunId, Found>, items: &mut Items) {
        let mut restored =
            Restored { listeners: self.take_up_listeners(items), ..Restored::default() };
        for (run, found) in found.iter().filter(|(_, found)| found.fds.ipc.is_some()) {
            let meta = &found.meta;
            let Some(app) = self.model.registry().proc(meta.proc).map(|proc| proc.app) else {
                continue;
            };
            if meta.cluster {
                // Candidates only; who turns out to be none is admitted when all is taken in.
                let quarantined = meta.role == Role::Candidate;
                let options = self.worker_options(app, meta.proc, meta.spec, meta.ending);
                let options = WorkerOptions { quarantined, ..options };
                restored.workers.push((WorkerId(run.0), options));
            }
        }
        let registry = self.model.registry();
        for (id, app) in registry.apps() {
            if let Some(version) = registry.version(app.spec) {
                restored.apps.push((id, Arc::clone(&version.spec)));
            }
        }
        self.node.restore(restored);
    }

    fn take_up_listeners(&mut self, items: &mut Items) -> Vec<ListenerMeta> {
        let mut metas = Vec::new();
        let names: Vec<String> =
            items.keys().filter(|name| name.starts_with("listener/")).cloned().collect();
        for name in names {
            let Some((bytes, fd)) = items.remove(&name) else { continue };
            match ListenerMeta::from_bytes(&bytes) {
                // The daemon before was about to close it.
                Ok(_) if !node::serves(&fd) => self.keeper.forget(name),
                Ok(mut meta) => {
                    let registry = self.model.registry();
                    meta.groups.retain(|group| registry.app(AppId(group.0)).is_some());
                    self.node.add_listener(meta.listener, fd);
                    metas.push(meta);
                }
                Err(error) => {
                    daemon_log::error(format!(
                        "listening socket `{name}` cannot be taken over: {error}"
                    ));
                    self.keeper.forget(name);
                }
            }
        }
        metas
    }

    /// Takes a found run's descriptors in. Returns how it ended, if it did.
    pub(crate) fn take_up_run(&mut self, run: RunId, found: Found) -> Option<(RunId, Exit)> {
        let is_whole = found.is_whole();
        let Found { pid, start_time, exit, meta, fds, .. } = found;
        let settings = self.model.registry().version(meta.spec).map(|version| version.spec.clone());
        let new = NewRun {
            proc: meta.proc,
            spec: meta.spec,
            settings,
            since: meta.since,
            since_wall: meta.since_wall,
            log_offsets: meta.log_offsets,
        };
        self.runs.take_up(run, new, &meta);
        if is_whole {
            self.begin_run(run, (pid, start_time), fds);
        } else {
            self.runs.fetch_again(run);
        }
        exit.map(|exit| (run, exit))
    }

    /// Runs that the keeper began while there was no daemon have no pid file yet.
    pub(crate) fn take_up_begun(&mut self, begun: &[RunId]) {
        for run in begun {
            let role = self.model.core().owner(*run).map(|owner| owner.1);
            let alive = self.runs.get(*run).is_some_and(|held| !held.is_dead());
            if alive && role == Some(Role::Current) {
                let written = self.runs.write_pid_file(*run, self.logs.files());
                self.reports.extend(written.map(Report::Model));
            }
        }
    }

    /// What had to wait until everything was taken in.
    pub(crate) fn after_takeover(&mut self) {
        let runs: Vec<(RunId, u32, bool)> =
            self.runs.iter().map(|(run, held)| (run, held.pid(), held.is_dead())).collect();
        for (run, pid, dead) in runs {
            self.runs.take_up_priority(run);
            if self.model.core().owner(run).is_some_and(|owner| owner.1 != Role::Candidate) {
                self.worker_admitted(run);
            }
            // One that is asked for again is told then.
            if !dead && pid != 0 {
                // The keeper had spawned it before it could be told; told again, it changes
                // nothing.
                self.reports.push_back(Report::Model(Input::Spawned { run, pid }));
            }
            if !self.node.listeners_of(run).is_empty() {
                self.tell_listeners(run);
            }
            self.compare_listeners(run);
        }
    }
}
