//! Saving what must survive this daemon, and taking it up again.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use ostler_core::reload::Stage;
use ostler_core::{
    AppId, Exit, Failure, Goal, ProcId, ReloadOptions, RunId, SavedProcess, SavedReload, SeenRun,
    SpecId, Supervisor,
};
use ostler_keeper::proto::RunFds;
use serde_json::value::RawValue;

use crate::book::{App, LastExit, Proc};
use crate::daemon::{Daemon, Ending};
use crate::logbook;
use crate::runs::{Meta, Run};
use crate::state_file::{self, State};
use crate::tickets::Tickets;

/// A run in the keeper's inventory.
pub struct Found {
    /// Its process.
    pub pid: u32,
    /// When that began.
    pub start_time: u64,
    /// How it ended, if it did.
    pub exit: Option<Exit>,
    /// What was kept with it.
    pub meta: Meta,
    /// Its descriptors.
    pub fds: RunFds<OwnedFd>,
}

/// A save that failed is tried again after this, ms.
const SAVE_AGAIN: u64 = 2000;

impl Daemon {
    /// Saves, if anything that must survive has changed. Called before actions that follow from it
    /// are carried out.
    pub fn save_if_dirty(&mut self) {
        if !std::mem::take(&mut self.dirty) {
            return;
        }
        self.save_now();
        self.arm_memory(crate::clock::monotonic());
    }

    /// Saves.
    pub fn save_now(&mut self) {
        let in_use: Vec<SpecId> = self.specs_in_use();
        self.book.forget_versions(|spec| in_use.contains(&spec));
        self.save_by = None;
        if let Err(error) = self.state().write(&self.config.home) {
            logbook::error(format!(
                "could not save the state to `{}`: {error}",
                self.config.home.display()
            ));
            self.save_by = Some(crate::clock::monotonic() + SAVE_AGAIN);
        }
    }

    fn specs_in_use(&self) -> Vec<SpecId> {
        let slots = self
            .core
            .slots()
            .flat_map(|(_, slot)| [slot.process().spec(), slot.process().next_spec()]);
        let runs = self.runs.values().map(|run| run.spec);
        let reloads = self.core.saved_reloads().into_iter().flat_map(|reload| {
            let from = reload.from.into_iter().map(|(_, version)| version.0);
            from.chain([reload.to.0]).collect::<Vec<_>>()
        });
        let jobs = self.jobs.iter().flat_map(|job| {
            job.changes
                .values()
                .copied()
                .chain(job.queued.iter().map(|queued| queued.spec))
                .collect::<Vec<_>>()
        });
        let mut all: Vec<SpecId> = slots.chain(runs).chain(reloads).chain(jobs).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    fn state(&self) -> State {
        let record = |spec: &ostler_core::spec::AppSpec| {
            RawValue::from_string(ostler_pm2::record::to_record(spec)).ok()
        };
        let mut state = State::empty();
        state.ending = self.ending == Ending::Stopping;
        state.last_run = self.core.last_run();
        state.apps = self
            .book
            .apps
            .iter()
            .map(|(id, app)| (id.0, app.key.0.clone(), app.key.1.clone(), app.spec.0))
            .collect();
        state.specs = self
            .book
            .versions
            .iter()
            .filter_map(|(id, version)| Some((id.0, record(&version.spec)?)))
            .collect();
        for saved in self.core.saved_processes() {
            let Some(proc) = self.book.procs.get(&saved.id) else { continue };
            state.procs.push(state_file::SavedProc {
                id: saved.id.0,
                app: saved.app.0,
                name: proc.name.clone(),
                instance: proc.instance,
                increment: proc.increment,
                created_at: proc.created_at,
                unique_id: proc.unique_id.clone(),
                spec: saved.spec.0,
                next: saved.next.map(|(spec, _)| spec.0),
                up: saved.goal == Goal::Up,
                errored: saved.errored,
                restarts: saved.restarts,
                unstable: saved.unstable,
                backoff: saved.backoff,
                removing: saved.removing,
                ended: saved.ended.map(|run| run.0),
                due: saved.due,
                last_exit: proc
                    .last_exit
                    .as_ref()
                    .map(|last| (last.exit.into(), last.reason.clone())),
            });
        }
        state.tickets = self.book.tickets.to_saved();
        for saved in self.core.saved_reloads() {
            state.reloads.push(state_file::SavedReload {
                app: saved.app.0,
                to: saved.to.0.0,
                from: saved.from.iter().map(|(id, version)| (id.0, version.0.0)).collect(),
                parallel: saved.options.parallel,
                surge: saved.options.surge,
                canary: saved.options.canary,
                no_rollback: saved.options.no_rollback,
                stage: match saved.stage {
                    Stage::Forward => 0,
                    Stage::Canary => 1,
                    Stage::Back => 2,
                },
                done: saved.done.iter().map(|id| id.0).collect(),
                dropped: saved.dropped.iter().map(|id| id.0).collect(),
                failure: saved.failure.map(|(id, run, _)| (id.0, run.0)),
            });
        }
        state
    }

    /// Takes up what was saved and what was found.
    pub fn recover(&mut self, state: State, found: &BTreeMap<RunId, Found>) {
        for (id, record) in &state.specs {
            match crate::records::read(record) {
                Ok(spec) => self.book.insert_version(SpecId(*id), spec),
                Err(_) => logbook::error(format!(
                    "saved specification {id} is not understood; its processes are lost"
                )),
            }
        }
        for (id, namespace, name, spec) in state.apps {
            self.book.insert_app(AppId(id), App { key: (namespace, name), spec: SpecId(spec) });
        }
        self.book.tickets = Tickets::new(state.tickets);
        let mut processes = Vec::new();
        for saved in state.procs {
            let Some(process) = self.saved_process(&saved, found) else { continue };
            self.book.insert_proc(
                ProcId(saved.id),
                Proc {
                    app: AppId(saved.app),
                    name: saved.name,
                    instance: saved.instance,
                    increment: saved.increment,
                    created_at: saved.created_at,
                    unique_id: saved.unique_id,
                    last_exit: saved
                        .last_exit
                        .map(|(exit, reason)| LastExit { exit: exit.into(), reason }),
                    rollout: None,
                },
            );
            processes.push(process);
        }
        let reloads = state.reloads.iter().filter_map(|saved| self.saved_reload(saved)).collect();
        let seen: Vec<SeenRun> =
            found.iter().map(|(run, found)| found.meta.seen(*run, found.exit)).collect();
        let version_of = |spec: SpecId| self.version(spec);
        let mut out = Vec::new();
        let now = crate::clock::monotonic();
        self.core = Supervisor::recover(
            now,
            state.last_run,
            &processes,
            reloads,
            &seen,
            version_of,
            &mut out,
        );
        self.actions.extend(out);
        self.dirty = true;
    }

    fn version(&self, spec: SpecId) -> Option<(SpecId, Arc<ostler_core::spec::Policy>)> {
        Some((spec, self.book.versions.get(&spec)?.policy.clone()))
    }

    fn saved_process(
        &self,
        saved: &state_file::SavedProc,
        found: &BTreeMap<RunId, Found>,
    ) -> Option<SavedProcess> {
        let (spec, policy) = self.version(SpecId(saved.spec))?;
        let cluster =
            self.book.versions.get(&spec)?.spec.exec_mode == ostler_core::spec::ExecMode::Cluster;
        // Counters are saved seldom and noted with every run.
        let uncounted =
            |(run, found): &(&RunId, &Found)| found.exit.is_none() || saved.ended < Some(run.0);
        let of_slot = found.iter().filter(|(_, found)| found.meta.p == saved.id);
        let noted = of_slot.filter(uncounted).map(|(_, found)| found.meta.n).max();
        let (restarts, unstable) = noted.unwrap_or_default();
        Some(SavedProcess {
            id: ProcId(saved.id),
            app: AppId(saved.app),
            spec,
            policy,
            next: saved.next.and_then(|next| self.version(SpecId(next))),
            cluster,
            goal: if saved.up { Goal::Up } else { Goal::Down },
            errored: saved.errored,
            restarts: restarts.max(saved.restarts),
            unstable: if noted.is_some() { unstable } else { saved.unstable },
            backoff: saved.backoff,
            removing: saved.removing,
            ended: saved.ended.map(RunId),
            due: saved.due,
        })
    }

    fn saved_reload(&self, saved: &state_file::SavedReload) -> Option<SavedReload> {
        let from = saved
            .from
            .iter()
            .filter_map(|(id, spec)| Some((ProcId(*id), self.version(SpecId(*spec))?)));
        Some(SavedReload {
            app: AppId(saved.app),
            to: self.version(SpecId(saved.to))?,
            from: from.collect(),
            options: ReloadOptions {
                parallel: saved.parallel,
                surge: saved.surge,
                canary: saved.canary,
                no_rollback: saved.no_rollback,
            },
            stage: match saved.stage {
                0 => Stage::Forward,
                1 => Stage::Canary,
                _ => Stage::Back,
            },
            done: saved.done.iter().copied().map(ProcId).collect(),
            dropped: saved.dropped.iter().copied().map(ProcId).collect(),
            failure: saved
                .failure
                .map(|(id, run)| (ProcId(id), RunId(run), Failure::Exited(Exit::Unknown))),
        })
    }

    /// Takes a found run's descriptors in.
    pub fn take_up_run(&mut self, run: RunId, found: Found) -> Option<(RunId, Exit)> {
        let Found { pid, start_time, exit, meta, fds } = found;
        let mut held = Run::new(ProcId(meta.p), SpecId(meta.s), meta.has(3), meta.t, meta.w);
        // Without its pidfd it is as good as not begun: there was no room, the keeper is asked
        // again.
        let held_fast = fds.pidfd.is_some();
        held.pid = if held_fast || exit.is_some() { pid } else { 0 };
        held.start_time = start_time;
        held.grouped = meta.has(4);
        held.ending = meta.has(2);
        held.ready = meta.has(0);
        held.err_mark = meta.e;
        self.runs.insert(run, held);
        self.take_fds(run, fds);
        if exit.is_none() && !held_fast {
            self.fetch_again(run);
        }
        exit.map(|exit| (run, exit))
    }
}
