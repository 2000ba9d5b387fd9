//! The beginning of a run: what is made ready for it, and what becomes of it once it is there.

use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;

use ostler_core::{ProcId, RunId};
use ostler_keeper::proto::RunFds;
use ostler_logs::Stream;
use ostler_poll::Interest;

use super::channel::Channel;
use super::life::{Alive, Life};
use super::{Meta, NewRun, Pending, Run, Runs, Secrets};
use crate::app_files::AppFiles;
use crate::environment::{self, Prepared};
use crate::model::Input;
use crate::tokens::Polled;
use crate::{daemon_log, inspect, reserve};

/// What becomes of a run's descriptors and requests once it is there.
#[derive(Debug)]
pub struct Begun {
    /// The read ends of its output.
    pub pipes: [(Stream, Option<Arc<OwnedFd>>); 2],
    /// What was to be done as soon as it is there.
    pub then: Option<Pending>,
}

impl Runs {
    /// A run is about to be asked for. It gets a control group, if it is to be stopped
    /// with its descendants.
    pub fn ask(&mut self, run: RunId, new: NewRun) {
        let inspect_port = self.free_inspect_port(&new);
        let held = self.grouped(run, new);
        self.all.insert(run, Run { inspect_port, ..held });
    }

    /// A run in its control group, if it gets one.
    pub(super) fn grouped(&mut self, run: RunId, new: NewRun) -> Run {
        let tree_kill = new.settings.as_ref().is_some_and(|spec| spec.policy.tree_kill);
        let group = self.groups.as_mut().filter(|_| tree_kill).map(|groups| groups.create(run));
        if let Some(Err(error)) = &group {
            daemon_log::error(format!(
                "no control group for run {}: {error}; using process groups",
                run.0
            ));
        }
        Run::new(new, matches!(group, Some(Ok(_))))
    }

    /// The port for the inspector of a run that is about to be asked for, if it is to have one.
    fn free_inspect_port(&self, new: &NewRun) -> Option<u16> {
        let wanted = inspect::wanted(new.settings.as_ref()?)?;
        let live = || self.all.values().filter(|held| !held.is_dead());
        Some(inspect::first_free(wanted, |port| live().any(|held| held.inspect_port == Some(port))))
    }

    /// Where the control group of a run is, if it has one.
    pub fn group_path(&self, run: RunId) -> Option<PathBuf> {
        self.path_of(run, self.get(run)?)
    }

    pub(super) fn path_of(&self, run: RunId, held: &Run) -> Option<PathBuf> {
        self.groups.as_ref().filter(|_| held.grouped).map(|groups| groups.path(run))
    }

    /// Makes the control group of a run that vanished; `false` when it did not, or cannot be made.
    pub fn make_group_again(&self, run: RunId) -> bool {
        self.groups.as_ref().is_some_and(|groups| groups.make_again(run))
    }

    /// Makes the control group of a run anew that is asked for again: what is in it is killed.
    pub fn renew_group(&mut self, run: RunId) {
        if let (Some(groups), Some(held)) = (&self.groups, self.all.get_mut(&run)) {
            held.grouped = held.grouped && groups.renew(run);
        }
    }

    /// A run that an earlier daemon had started is taken up, as far as it is to be had
    /// without its descriptors.
    pub fn take_up(&mut self, run: RunId, new: NewRun, meta: &Meta) {
        let mut held = Run::new(new, meta.grouped);
        held.ending = meta.ending;
        held.ready = meta.ready;
        held.inspect_port = meta.inspect_port;
        if let Some(end) = meta.counters.told {
            self.note_told(held.proc, end);
        }
        self.all.insert(run, held);
    }

    /// A run is there: its channel is read from now on. `None`: that was known.
    pub fn begin(
        &mut self,
        run: RunId,
        process: (u32, u64),
        fds: RunFds<OwnedFd>,
    ) -> Option<Begun> {
        self.secrets.remove(&run);
        let held = self.all.get_mut(&run)?;
        let Life::Asked { then } = held.life else { return None };
        let mut alive = Alive::new(process, fds.pidfd.map(Arc::new), held.since);
        if let Some(ipc) = fds.ipc {
            let mut ipc = self.poll.unwatched(Arc::new(ipc), Polled::Channel(run));
            if let Err(error) = ipc.set_or_owe(Interest::READ.edge() | Interest::WRITE) {
                daemon_log::error(format!(
                    "the channel of run {} cannot be watched: {error}",
                    run.0
                ));
            }
            alive.channel = Some(Channel::new(ipc));
        }
        let [out, err] = [fds.out, fds.err].map(|pipe| pipe.map(Arc::new));
        alive.processes.pipes = [out.clone(), err.clone()];
        held.life = Life::Alive(alive);
        Some(Begun { pipes: [(Stream::Out, out), (Stream::Err, err)], then })
    }

    /// Writes the pid file of a run. Returns what is to be known of it.
    pub fn write_pid_file(&self, run: RunId, files: &AppFiles) -> Option<Input> {
        let held = self.get(run)?;
        let spec = held.settings.as_ref()?;
        let path = environment::pid_file(spec, held.proc);
        files.note(spec, held.proc);
        let error = files.write_pid(&path, held.pid()).err().map(|error| error.to_string());
        if let Some(error) = &error {
            daemon_log::error(format!(
                "could not write the pid file `{}`: {error}",
                path.display()
            ));
        }
        Some(Input::Written { path, error })
    }

    /// Has at hand what tells of a run's orphans, where the last run crashed: another
    /// crash is likely.
    pub fn open_events(&mut self, run: RunId) {
        let (Some(groups), Some(held)) = (&self.groups, self.all.get_mut(&run)) else { return };
        let grouped = held.grouped;
        if let Some(processes) = held.processes_mut().filter(|_| grouped) {
            // It is opened when it is needed, if it cannot be opened now.
            processes.events = groups.open_events(run).ok().filter(reserve::is_plentiful);
        }
    }

    /// A run never came to be.
    pub fn forget_unborn(&mut self, run: RunId) {
        self.secrets.remove(&run);
        if let Some(held) = self.all.remove(&run)
            && held.grouped
            && let Some(groups) = &self.groups
        {
            groups.remove(run);
        }
    }

    /// What was to come before a run has failed, or is not wanted: whatever it left is ended.
    pub fn forget_unborn_group(&mut self, run: RunId) {
        self.secrets.remove(&run);
        let Some(groups) = self.groups.as_ref().filter(|_| !self.all.contains_key(&run)) else {
            return;
        };
        if groups.is_populated(run)
            && let Err(error) = groups.kill(run)
        {
            daemon_log::error(format!("could not end what `pre_start` left: {error}"));
        }
        groups.remove(run);
    }

    /// Keeps what a run that is about to be asked for is given.
    pub fn keep_secrets(&mut self, run: RunId, secrets: Secrets) {
        self.secrets.insert(run, secrets);
    }

    /// Puts the secrets of a run into its environment, over what has the same name.
    pub fn give_secrets(&self, run: RunId, envp: &mut Vec<Vec<u8>>) {
        let Some(secrets) = self.secrets.get(&run) else { return };
        envp.retain(|variable| {
            let name = variable.split(|byte| *byte == b'=').next().unwrap_or_default();
            secrets.iter().all(|(secret, _)| secret.as_bytes() != name)
        });
        let variables = secrets.iter().map(|(name, value)| [name.as_bytes(), b"=", value].concat());
        envp.extend(variables);
    }

    /// Takes what was made ready for the next run of a slot.
    pub fn take_prepared(&mut self, id: ProcId) -> Option<Prepared> {
        self.prepared.remove(&id)
    }

    /// Makes ready what can be for the next run of a slot, while nobody waits for it; what was made
    /// for slots that are gone is dropped.
    pub fn prepare(
        &mut self,
        id: ProcId,
        prepared: Option<Prepared>,
        is_known: impl Fn(ProcId) -> bool,
    ) {
        self.prepared.retain(|id, _| is_known(*id));
        self.told.retain(|id, _| is_known(*id));
        self.prepared.extend(prepared.map(|prepared| (id, prepared)));
    }

    /// Makes the control group of a run before it is asked for, for what comes before it.
    pub fn early_group(&mut self, run: RunId) -> Option<PathBuf> {
        self.groups.as_mut()?.create(run).ok()
    }

    /// Makes the control group of a run that may come next.
    pub fn prepare_group(&mut self, run: RunId) {
        if let Some(groups) = &mut self.groups {
            groups.prepare(run);
        }
    }
}
