//! What workers say and what happens to them, told to their primaries.

use std::os::fd::OwnedFd;

use ostler_cluster::{ListenerId, Output, Primary, Received, WorkerId, WorkerOptions};
use ostler_core::{AppId, Event, ProcId, Role, RunId, SpecId};
use ostler_wire::node::{self, Framer, Incoming, Mark};

use super::policy_of;
use crate::channel::{Channel, SendError};
use crate::daemon::Daemon;
use crate::{clock, logbook};

impl Daemon {
    // ------------------------------------------------------------------------------------------
    // channels

    /// An application's channel has something to read or takes bytes again.
    pub fn on_channel(&mut self, run: RunId, readable: bool) {
        let Some(channel) = self.runs.get_mut(&run).and_then(|held| held.channel.as_mut()) else {
            return;
        };
        if channel.is_blocked() {
            channel.flush();
            if !channel.is_blocked() {
                self.ask_primary(run, |primary, worker, out| {
                    primary.handle_backpressure(worker, false, out);
                });
            }
        }
        if !readable {
            return;
        }
        let mut window = std::mem::take(&mut self.window);
        while let Some(seen) = self.channel(run).map(|channel| channel.peek(&mut window)) {
            self.handle_channel(run);
            ostler_keeper::failpoint::hit("channel.handled");
            if let Some(channel) = self.channel(run) {
                channel.consume(&mut window, seen);
            }
            if seen.closed {
                self.on_channel_closed(run);
            }
            if !seen.more {
                break;
            }
        }
        self.window = window;
    }

    fn channel(&mut self, run: RunId) -> Option<&mut Channel> {
        self.runs.get_mut(&run)?.channel.as_mut()
    }

    fn on_channel_closed(&mut self, run: RunId) {
        let Some(held) = self.runs.get_mut(&run) else { return };
        held.disconnected = true;
        held.channel = None;
        self.ask_primary(run, |primary, worker, out| {
            primary.handle_eof(clock::monotonic(), worker, out);
        });
        self.model.report(Event::Disconnected(run));
    }

    /// Handles every whole message that was read from a channel.
    pub fn handle_channel(&mut self, run: RunId) {
        let Some(held) = self.runs.get_mut(&run) else { return };
        let Some(channel) = held.channel.as_mut() else { return };
        let mut framer = std::mem::take(&mut channel.framer);
        let mark = framer.mark();
        if held.cluster {
            self.worker_messages(run, &mut framer);
        } else {
            self.fork_messages(run, &mut framer);
        }
        if mark != framer.mark() {
            let mark = framer.mark();
            self.ask_primary(run, |primary, worker, _| primary.set_mark(worker, mark));
        }
        if let Some(channel) = self.runs.get_mut(&run).and_then(|held| held.channel.as_mut()) {
            channel.framer = framer;
        }
    }

    fn worker_messages(&mut self, run: RunId, framer: &mut Framer<OwnedFd>) {
        let Some(app) = self.cluster.workers.get(&run).copied() else { return };
        let now = clock::monotonic();
        while let Some(message) = framer.next_message() {
            let received = match message.fd {
                Some(node::Received::Fd(fd)) => Received::Fd(self.cluster.add_handle(fd)),
                Some(node::Received::Missing) => Received::Missing,
                None if message.wants_ack => Received::Missing,
                None => Received::Nothing,
            };
            if let Incoming::QueryServer { query, .. } = &message.incoming
                && let Some(number) = query.fd.filter(|number| !self.may_name(app, *number))
            {
                // The number would be one of ours.
                logbook::error(format!(
                    "app [{}] asked to listen on descriptor {number}, which means nothing here: it got EINVAL; \
                     say what it means in `fds`, such as `fds: {{ \"{number}\": \"127.0.0.1:8080\" }}`",
                    self.model.registry().app_name(app)
                ));
            }
            let mut out = self.cluster.spare.pop().unwrap_or_default();
            if let Some(primary) = self.cluster.primaries.get_mut(&app) {
                primary.handle_message(now, WorkerId(run.0), &message.incoming, received, &mut out);
            }
            self.do_cluster(app, out);
        }
    }

    fn may_name(&self, app: AppId, number: i64) -> bool {
        let table = self.cluster.fds.get(&app);
        number < 0
            || u32::try_from(number)
                .is_ok_and(|number| table.is_some_and(|table| table.contains_key(&number)))
    }

    /// A plain process with a channel: messages only, and descriptors that nobody asked for.
    fn fork_messages(&mut self, run: RunId, framer: &mut Framer<OwnedFd>) {
        while let Some(message) = framer.next_message() {
            match &message.incoming {
                Incoming::User(text) => self.on_user_message(run, text),
                Incoming::Garbage(what) => {
                    logbook::error(format!(
                        "run {} wrote something to its IPC channel that is no message: {what:?}",
                        run.0
                    ));
                }
                Incoming::Handle(_)
                | Incoming::Online { .. }
                | Incoming::QueryServer { .. }
                | Incoming::Listening { .. }
                | Incoming::Close { .. }
                | Incoming::ExitedAfterDisconnect { .. }
                | Incoming::Ack { .. }
                | Incoming::HandleAck
                | Incoming::HandleNack
                | Incoming::SocketNotifyClose { .. }
                | Incoming::SocketGetCount { .. }
                | Incoming::UnknownInternal(_) => {}
            }
            if message.wants_ack {
                // The descriptor is closed, but without a word its sender would never send anything
                // again.
                let mut bytes = Vec::new();
                node::outgoing::handle_ack(&mut bytes, Mark::Plain);
                self.send_bytes(run, &bytes);
            }
        }
    }

    pub fn on_user_message(&mut self, run: RunId, text: &str) {
        if text == "\"ready\"" {
            self.model.report(Event::ReadyMessage(run));
        }
    }

    /// Sends a message to the application.
    pub fn send_user(&mut self, run: RunId, json: &str) {
        let mut bytes = Vec::new();
        if node::outgoing::user(&mut bytes, json).is_ok() {
            self.send_bytes(run, &bytes);
        }
    }

    /// Writes bytes to the application, which must be whole lines.
    pub fn send_bytes(&mut self, run: RunId, bytes: &[u8]) {
        let Some(channel) = self.runs.get_mut(&run).and_then(|held| held.channel.as_mut()) else {
            return;
        };
        if channel.send(bytes, None) == Err(SendError::Full) {
            logbook::error(format!(
                "run {} does not read its IPC channel: a message was dropped",
                run.0
            ));
        }
    }

    // ------------------------------------------------------------------------------------------
    // workers

    /// A worker was spawned.
    pub fn add_worker(&mut self, run: RunId, id: ProcId, spec: SpecId) {
        let Some(app) = self.model.registry().proc(id).map(|proc| proc.app) else { return };
        let quarantined =
            self.model.core().owner(run).is_some_and(|owner| owner.1 == Role::Candidate);
        let options = WorkerOptions { quarantined, ..self.worker_options(id, spec, false) };
        let policy = self
            .model
            .registry()
            .version(spec)
            .map_or_else(Default::default, |version| policy_of(version.spec.balance));
        self.cluster.workers.insert(run, app);
        let primary = self.cluster.primary(app, policy);
        primary.handle_worker_added(WorkerId(run.0), options);
        let mut out = Output::new();
        if primary.policy() != policy {
            // A change of the policy takes effect with the first worker that was started for it.
            primary.set_policy(policy, &mut out);
        }
        self.do_cluster(app, out);
        self.use_fds(app, spec);
    }

    /// The table for `listen({ fd })` of a version that is in force or about to be.
    pub fn use_fds(&mut self, app: AppId, spec: SpecId) {
        let Some(version) = self.model.registry().version(spec) else { return };
        let table = version.spec.fds.clone();
        if let Some(primary) = self.cluster.primaries.get_mut(&app) {
            primary.set_fds(table.keys().copied().map(i64::from).collect());
        }
        self.cluster.fds.insert(app, table);
    }

    /// What the machine must know about a worker.
    pub fn worker_options(&self, id: ProcId, spec: SpecId, leaving: bool) -> WorkerOptions {
        let slot = self.model.registry().proc(id).map_or(0, |proc| proc.instance);
        let interpreter = self
            .model
            .registry()
            .version(spec)
            .and_then(|version| version.spec.interpreter.clone());
        let deno = interpreter.is_some_and(|program| program.ends_with("deno"));
        WorkerOptions { leaving, shared_ok: !deno, servers_ok: !deno, ..WorkerOptions::node(slot) }
    }

    /// A worker passed its checks: clients may meet it.
    pub fn worker_admitted(&mut self, run: RunId) {
        self.courtesy.end(run);
        self.ask_primary(run, |primary, worker, out| primary.handle_admitted(worker, out));
    }

    /// A connection for this worker only.
    pub fn send_probe_connection(&mut self, run: RunId, listener: ListenerId, fd: OwnedFd) {
        let conn = self.cluster.add_conn(fd);
        let mut sent = false;
        self.ask_primary(run, |primary, worker, out| {
            sent = primary.send_probe_connection(worker, listener, conn, out);
        });
        if !sent {
            self.close_conn(conn);
        }
    }

    /// Spreads connections as the version says that is in force.
    pub fn apply_balance(&mut self, app: AppId, spec: SpecId) {
        let Some(policy) =
            self.model.registry().version(spec).map(|version| policy_of(version.spec.balance))
        else {
            return;
        };
        let Some(primary) =
            self.cluster.primaries.get_mut(&app).filter(|primary| primary.policy() != policy)
        else {
            return;
        };
        let mut out = Output::new();
        primary.set_policy(policy, &mut out);
        self.do_cluster(app, out);
    }

    /// A worker is to leave: off its listeners, and told so when `tell`.
    pub fn worker_leaving(&mut self, run: RunId, tell: bool) {
        self.ask_primary(run, |primary, worker, out| {
            if tell {
                primary.handle_leaving(worker, out);
            } else {
                primary.on_detached(worker, out);
            }
        });
    }

    /// A worker is dead, and everything it said was read.
    pub fn worker_gone(&mut self, run: RunId) {
        self.ask_primary(run, |primary, worker, out| {
            primary.handle_worker_gone(clock::monotonic(), worker, out);
        });
        self.cluster.workers.remove(&run);
    }

    pub fn ask_primary(
        &mut self,
        run: RunId,
        ask: impl FnOnce(&mut Primary, WorkerId, &mut Output),
    ) {
        let Some(app) = self.cluster.workers.get(&run).copied() else { return };
        let Some(primary) = self.cluster.primaries.get_mut(&app) else { return };
        let mut out = self.cluster.spare.pop().unwrap_or_default();
        ask(primary, WorkerId(run.0), &mut out);
        self.do_cluster(app, out);
    }

    /// Time passed for the primaries.
    pub fn on_cluster_deadline(&mut self, now: u64) {
        let due = |primary: &Primary| primary.deadline().is_some_and(|at| at <= now);
        let apps: Vec<AppId> = self
            .cluster
            .primaries
            .iter()
            .filter(|(_, one)| due(one))
            .map(|(app, _)| *app)
            .collect();
        for app in apps {
            let mut out = Output::new();
            if let Some(primary) = self.cluster.primaries.get_mut(&app) {
                primary.handle_deadline(now, &mut out);
            }
            self.do_cluster(app, out);
        }
        if self.cluster.accept_at.is_some_and(|at| at <= now) {
            self.cluster.accept_at = None;
            let all: Vec<u64> = self.cluster.listeners.keys().copied().collect();
            for listener in all {
                self.accept_connections(listener);
            }
        }
    }
}
