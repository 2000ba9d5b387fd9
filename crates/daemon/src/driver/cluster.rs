//! What the primary of cluster apps is told of what was decided, and the other way round.

use ostler_cluster::{GroupId, ListenerId, WorkerOptions};
use ostler_core::spec::Probe;
use ostler_core::{AppId, Event, ProcId, Role, RunId, SpecId};

use super::Driver;
use crate::daemon_log;
use crate::from_thread::FromThread;
use crate::mailbox::Sender;
use crate::model::{Input, Unneeded};
use crate::node::policy_of;
use crate::probes;

impl Driver<'_> {
    /// A worker was spawned.
    pub(super) fn add_worker(&mut self, run: RunId, id: ProcId, spec: SpecId) {
        let Some(app) = self.model.registry().proc(id).map(|proc| proc.app) else { return };
        let quarantined = self.is_candidate(run);
        let options = WorkerOptions { quarantined, ..self.worker_options(app, id, spec, false) };
        let Some(version) = self.model.registry().version(spec) else { return };
        self.node.add_worker(run, app, options, policy_of(version.spec.balance));
        self.node.use_version(app, &version.spec);
    }

    /// What the machine must know about a worker.
    pub(crate) fn worker_options(
        &self,
        app: AppId,
        id: ProcId,
        spec: SpecId,
        leaving: bool,
    ) -> WorkerOptions {
        let slot = self.model.registry().proc(id).map_or(0, |proc| proc.instance);
        let version = self.model.registry().version(spec);
        let interpreter = version.and_then(|version| version.spec.interpreter.as_deref());
        let deno = interpreter.is_some_and(|program| program.ends_with("deno"));
        let node = WorkerOptions::node(GroupId(app.0), slot);
        WorkerOptions { leaving, shared_ok: !deno, servers_ok: !deno, ..node }
    }

    /// A worker passed its checks: clients may meet it.
    pub(crate) fn worker_admitted(&mut self, run: RunId) {
        self.runs.restore_priority(run);
        let (node, mut parts) = self.node();
        node.admit(run, &mut parts);
    }

    /// Spreads connections as the version says that is in force.
    pub(crate) fn apply_balance(&mut self, app: AppId, spec: SpecId) {
        if let Some(version) = self.model.registry().version(spec) {
            let policy = policy_of(version.spec.balance);
            let (node, mut parts) = self.node();
            node.set_policy(app, policy, &mut parts);
        }
    }

    /// Closes listening sockets of an app.
    pub(crate) fn close_listeners(&mut self, app: AppId, which: Unneeded) {
        let (node, mut parts) = self.node();
        match which {
            Unneeded::All => node.close_all(app, &mut parts),
            Unneeded::Unused => node.close_unused(app, &mut parts),
        }
    }

    /// Forgets what an app listened on that is gone.
    pub(crate) fn forget_app(&mut self, app: AppId) {
        let (node, mut parts) = self.node();
        node.forget_app(app, &mut parts);
    }

    /// A server of a worker listens.
    pub(crate) fn on_listening(&mut self, run: RunId) {
        // As with `compare_listeners`.
        self.tell_listeners(run);
        self.tell(Input::Core(Event::Listening(run)));
        self.compare_listeners(run);
        self.look_for_listener(run);
    }

    /// Tells the model what a worker listens on.
    pub(crate) fn tell_listeners(&mut self, run: RunId) {
        let listeners = self.node.listeners_of(run);
        self.tell(Input::Listeners { run, listeners });
    }

    /// Tells the machine when a candidate listens on all that the run it would replace listens on.
    pub(crate) fn compare_listeners(&mut self, run: RunId) {
        let Some((id, Role::Candidate)) = self.model.core().owner(run) else { return };
        let current = self.model.core().slot(id).and_then(|slot| slot.process().run());
        // Where the old run is gone, any listener will do: there is nothing to compare with.
        let covers = current.map_or_else(
            || self.model.core().is_listening(run),
            |current| self.node.covers(run, current),
        );
        if covers && self.runs.set_covers(run) {
            // What is decided of it is told with what it listens on: it may have said `ready`
            // before it says that it listens.
            self.tell_listeners(run);
            self.tell(Input::Core(Event::Covers(run)));
        } else if !covers && current.is_some_and(|current| self.node.is_as_busy(run, current)) {
            self.tell(Input::Core(Event::Elsewhere(run)));
        }
    }

    /// The listener of this worker that a question means.
    pub(super) fn own_listener(&self, run: RunId, probe: &Probe) -> Option<ListenerId> {
        let (host, port) = probes::place(probe)?;
        self.node.own_listener(run, host, port)
    }

    /// Begins the health check of a run.
    pub(crate) fn probe(&mut self, run: RunId) {
        let Some(held) = self.runs.get(run) else { return };
        let Some(version) = self.model.registry().version(held.spec) else { return };
        let spec = version.spec.clone();
        let Some(health) = spec.health.clone() else { return };
        if !self.runs.begin_probe(run) {
            return;
        }
        let own = self.own_listener(run, &health.probe);
        let work = move |sender: &Sender<FromThread>| {
            let say = |said| sender.send(FromThread::Probe(said));
            probes::ask(run, &spec, &health, own, &say);
        };
        if let Err(error) = self.mailbox.start("probe", work) {
            let result = Err(format!("it could not be started: {error}"));
            self.tell(Input::Probed { run, result });
        }
    }

    /// Asks a run that serves for its health once.
    pub(crate) fn check_health(&mut self, run: RunId) {
        let Some(held) = self.runs.get(run) else { return };
        let Some(version) = self.model.registry().version(held.spec) else { return };
        let spec = version.spec.clone();
        let Some(health) = spec.health.clone() else { return };
        let own = self.own_listener(run, &health.probe);
        let work = move |sender: &Sender<FromThread>| {
            let say = |said| sender.send(FromThread::Probe(said));
            probes::look(run, &spec, &health, own, &say);
        };
        if let Err(error) = self.mailbox.start("health", work) {
            // The machine lacks threads, which says nothing of the app.
            daemon_log::error(format!("no thread for the health check of run {}: {error}", run.0));
            self.tell(Input::Checked { run, result: Ok(()) });
        }
    }

    /// The health check of a run is over.
    pub(crate) fn on_probed(&mut self, run: RunId, result: Result<(), String>) {
        self.runs.end_probe(run);
        self.tell(Input::Probed { run, result });
    }
}
