//! Taking up what a predecessor left.

use std::collections::{BTreeMap, BTreeSet};

use ostler_cluster::{ListenerMeta, WorkerId, WorkerOptions};
use ostler_core::{AppId, Exit, Role, RunId};
use ostler_keeper::failpoint::hit;

use super::inventory::{Found, Inventory, Items, Unknown};
use crate::daemon::Daemon;
use crate::guard::Left;
use crate::keeper::{LOCK, SWEPT};
use crate::model::{Input, State};
use crate::node::{self, Restored, policy_of};
use crate::runs::{self, NewRun};
use crate::{guard, logbook, state_file};

impl Daemon {
    /// Takes up everything that a predecessor left: in the keeper, or, where the keeper died too,
    /// in the state file and among the processes of this machine. `swept`: what an earlier keeper
    /// left was looked for.
    pub(super) fn take_over(&mut self, mut inventory: Inventory, swept: bool) {
        let mut had_state = false;
        let state = state_file::read(&self.config.home, |problem| {
            had_state = true;
            logbook::error(problem);
        });
        had_state |= state.is_some();
        let state = state.unwrap_or_else(|| State::empty(state_file::boot_id()));
        if !swept {
            if had_state {
                self.adopt_orphans(&state, &mut inventory);
            }
            self.keeper.set_meta(LOCK.to_owned(), SWEPT.to_vec());
        }
        let (connections, guards) = guard::recover(&mut inventory.items, self.node.ledger());
        for name in guards {
            self.keeper.forget(name);
        }
        self.on_log_events();
        if state.procs.is_empty() && inventory.runs.is_empty() && inventory.unknown.is_empty() {
            self.logs.engine().resumed();
            self.give_recovered(connections);
            self.model.recover(state, &[]);
        } else {
            self.take_up(state, inventory, connections);
        }
    }

    /// First what is to be read and heard of, then the machine, then what it decides.
    fn take_up(&mut self, state: State, mut inventory: Inventory, connections: Vec<Left>) {
        let found = std::mem::take(&mut inventory.runs);
        let for_model: Vec<_> = found.iter().map(|(run, found)| found.for_model(*run)).collect();
        self.model.recover(state, &for_model);
        hit("takeover.recovered");
        self.restore_primaries(&found, &mut inventory.items);
        let mut dead = Vec::new();
        for (run, found) in found {
            dead.extend(self.take_up_run(run, found));
        }
        self.give_recovered(connections);
        let (node, mut parts) = self.node();
        node.work(&mut parts);
        // Now there is somebody to whom the connections of dead workers can go.
        for (run, exit) in dead {
            self.on_found_dead(run, exit);
        }
        self.take_reports();
        self.on_log_events();
        self.logs.engine().resumed();
        for name in inventory.items.into_keys() {
            self.keeper.forget(name);
        }
        for unknown in inventory.unknown {
            end_unknown(&unknown);
        }
        self.after_takeover();
        hit("takeover.after");
        logbook::log(format!(
            "New daemon (pid {}) took over {} processes, {} online",
            std::process::id(),
            self.model.registry().procs().len(),
            self.model.model().count_online()
        ));
    }

    /// Gives the connections that dead daemons had accepted to the primaries of their apps.
    fn give_recovered(&mut self, connections: Vec<Left>) {
        for (app, count) in self.node.recover(connections) {
            let name = self.model.registry().app_name(app);
            logbook::log(format!("{count} connections of app [{name}] were recovered"));
        }
    }

    /// Gives each cluster app its primary again, with the sockets that the keeper held and the
    /// workers that live.
    fn restore_primaries(&mut self, found: &BTreeMap<RunId, Found>, items: &mut Items) {
        let mut listeners = self.take_up_listeners(items);
        let mut workers: BTreeMap<AppId, Vec<(WorkerId, WorkerOptions)>> = BTreeMap::new();
        for (run, found) in found.iter().filter(|(_, found)| found.fds.ipc.is_some()) {
            let meta = &found.meta;
            let Some(app) = self.model.registry().proc(meta.proc).map(|proc| proc.app) else {
                continue;
            };
            if meta.cluster {
                // Candidates only; who turns out to be none is admitted when all is taken in.
                let quarantined = meta.role == Role::Candidate;
                let options = self.worker_options(meta.proc, meta.spec, meta.ending);
                let options = WorkerOptions { quarantined, ..options };
                workers.entry(app).or_default().push((WorkerId(run.0), options));
            }
        }
        let apps: BTreeSet<AppId> = listeners.keys().chain(workers.keys()).copied().collect();
        for app in apps {
            let registry = self.model.registry();
            let version = registry.app(app).and_then(|app| registry.version(app.spec));
            let policy =
                version.map_or_else(Default::default, |version| policy_of(version.spec.balance));
            let listeners = listeners.remove(&app).unwrap_or_default();
            let workers = workers.remove(&app).unwrap_or_default();
            self.node.restore(app, Restored { policy, listeners, workers });
            if let Some(version) = version {
                self.node.use_fds(app, &version.spec.fds);
            }
        }
    }

    fn take_up_listeners(&mut self, items: &mut Items) -> BTreeMap<AppId, Vec<ListenerMeta>> {
        let mut metas: BTreeMap<AppId, Vec<ListenerMeta>> = BTreeMap::new();
        let names: Vec<String> =
            items.keys().filter(|name| name.starts_with("listener/")).cloned().collect();
        for name in names {
            let app = name.split('/').nth(1).and_then(|number| number.parse().ok()).map(AppId);
            let Some(app) = app.filter(|app| self.model.registry().app(*app).is_some()) else {
                continue;
            };
            let Some((bytes, fd)) = items.remove(&name) else { continue };
            match ListenerMeta::from_bytes(&bytes) {
                // The daemon before was about to close it.
                Ok(_) if !node::serves(&fd) => self.keeper.forget(name),
                Ok(meta) => {
                    self.node.add_listener(app, meta.listener, fd);
                    metas.entry(app).or_default().push(meta);
                }
                Err(error) => {
                    logbook::error(format!(
                        "listening socket `{name}` cannot be taken over: {error}"
                    ));
                    self.keeper.forget(name);
                }
            }
        }
        metas
    }

    /// Takes a found run's descriptors in. Returns how it ended, if it did.
    fn take_up_run(&mut self, run: RunId, found: Found) -> Option<(RunId, Exit)> {
        let pid = found.known_pid();
        let Found { start_time, exit, meta, fds, .. } = found;
        let settings = self.model.registry().version(meta.spec).map(|version| version.spec.clone());
        let new = NewRun {
            proc: meta.proc,
            spec: meta.spec,
            settings,
            since: meta.since,
            since_wall: meta.since_wall,
            stderr_offset: meta.stderr_offset,
        };
        self.runs.take_up(run, new, &meta);
        if pid == 0 {
            self.runs.fetch_again(run);
        } else {
            self.begin_run(run, (pid, start_time), fds);
        }
        exit.map(|exit| (run, exit))
    }

    /// What had to wait until everything was taken in.
    fn after_takeover(&mut self) {
        let runs: Vec<(RunId, u32, bool)> =
            self.runs.iter().map(|(run, held)| (run, held.pid(), held.is_dead())).collect();
        for (run, pid, dead) in runs {
            self.runs.take_up_priority(run);
            if self.model.core().owner(run).is_some_and(|owner| owner.1 != Role::Candidate) {
                self.worker_admitted(run);
            }
            if !dead {
                // The keeper had spawned it before it could be told; told again, it changes
                // nothing.
                self.model.push(Input::Spawned { run, pid });
            }
            self.compare_listeners(run);
        }
    }
}

/// Ends a run of which nothing is known.
fn end_unknown(unknown: &Unknown) {
    let Unknown { run, pidfd, why } = unknown;
    logbook::error(format!("the keeper holds run {run}, which is not understood ({why}): killed"));
    if let Some(Err(error)) = pidfd.as_ref().map(|pidfd| runs::signal(pidfd, libc::SIGKILL)) {
        logbook::error(format!("could not kill it: {error}"));
    }
}
