//! What the primaries decide, done; what happens to workers, told to their primaries.

use std::collections::BTreeMap;
use std::os::fd::AsRawFd;

use mio::Interest;
use ostler_cluster::{
    Action, ConnId, HandleId, ListenerId, ListenerKind, Output, Primary, Received, Recovered, WorkerId, WorkerOptions,
};
use ostler_core::{AppId, Event, Goal, Phase, ProcId, Role, RunId, SpecId};
use ostler_keeper::proto::ToKeeper;
use ostler_wire::node::{self, Framer, Incoming, Mark};
use rustix::io::Errno;

use super::{ACCEPT_PAUSE, Listener, policy_of, sockets};
use crate::channel::{Channel, SendError};
use crate::cluster;
use crate::daemon::Daemon;
use crate::guard::Left;
use crate::tokens::Source;
use crate::{clock, logbook, sys};

impl Daemon {
    // ------------------------------------------------------------------------------------------ channels

    /// An application's channel has something to read or takes bytes again.
    pub fn on_channel(&mut self, run: RunId, readable: bool) {
        let Some(channel) = self.runs.get_mut(&run).and_then(|held| held.channel.as_mut()) else { return };
        if channel.is_blocked() {
            channel.flush();
            if !channel.is_blocked() {
                self.ask_primary(run, |primary, worker, out| primary.handle_backpressure(worker, false, out));
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
        if let Some(channel) = held.channel.take() {
            self.deregister(channel.as_raw_fd());
        }
        self.ask_primary(run, |primary, worker, out| primary.handle_eof(clock::monotonic(), worker, out));
        self.events.push_back(Event::Disconnected(run));
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

    fn worker_messages(&mut self, run: RunId, framer: &mut Framer<std::os::fd::OwnedFd>) {
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
                    self.app_name(app)
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
        number < 0 || u32::try_from(number).is_ok_and(|number| table.is_some_and(|table| table.contains_key(&number)))
    }

    /// A plain process with a channel: messages only, and descriptors that nobody asked for.
    fn fork_messages(&mut self, run: RunId, framer: &mut Framer<std::os::fd::OwnedFd>) {
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
                // The descriptor is closed, but without a word its sender would never send anything again.
                let mut bytes = Vec::new();
                node::outgoing::handle_ack(&mut bytes, Mark::Plain);
                self.send_bytes(run, &bytes);
            }
        }
    }

    fn on_user_message(&mut self, run: RunId, text: &str) {
        if text == "\"ready\"" {
            self.events.push_back(Event::ReadyMessage(run));
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
        let Some(channel) = self.runs.get_mut(&run).and_then(|held| held.channel.as_mut()) else { return };
        if channel.send(bytes, None) == Err(SendError::Full) {
            logbook::error(format!("run {} does not read its IPC channel: a message was dropped", run.0));
        }
    }

    // ------------------------------------------------------------------------------------------ workers

    /// A worker was spawned.
    pub fn add_worker(&mut self, run: RunId, id: ProcId, spec: SpecId) {
        let Some(app) = self.book.procs.get(&id).map(|proc| proc.app) else { return };
        let held = self.core.owner(run).is_some_and(|owner| owner.1 == Role::Candidate);
        let options = WorkerOptions { held, ..self.worker_options(id, spec, false) };
        let policy =
            self.book.versions.get(&spec).map_or_else(Default::default, |version| policy_of(version.spec.balance));
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
        let Some(version) = self.book.versions.get(&spec) else { return };
        let table = version.spec.fds.clone();
        if let Some(primary) = self.cluster.primaries.get_mut(&app) {
            primary.set_fds(table.keys().copied().map(i64::from).collect());
        }
        self.cluster.fds.insert(app, table);
    }

    /// What the machine must know about a worker.
    pub fn worker_options(&self, id: ProcId, spec: SpecId, leaving: bool) -> WorkerOptions {
        let slot = self.book.procs.get(&id).map_or(0, |proc| proc.instance);
        let interpreter = self.book.versions.get(&spec).and_then(|version| version.spec.interpreter.clone());
        let deno = interpreter.is_some_and(|program| program.ends_with("deno"));
        WorkerOptions { leaving, shared_ok: !deno, servers_ok: !deno, ..WorkerOptions::node(slot) }
    }

    /// A worker has proven itself: clients may meet it.
    pub fn worker_trusted(&mut self, run: RunId) {
        self.ask_primary(run, |primary, worker, out| primary.handle_trusted(worker, out));
    }

    /// A connection for this worker only.
    pub fn hand_own(&mut self, run: RunId, listener: ListenerId, fd: std::os::fd::OwnedFd) {
        let conn = self.cluster.add_conn(fd);
        let mut sent = false;
        self.ask_primary(run, |primary, worker, out| sent = primary.handle_own(worker, listener, conn, out));
        if !sent {
            self.close_conn(conn);
        }
    }

    /// Spreads connections as the version says that is in force.
    pub fn apply_balance(&mut self, app: AppId, spec: SpecId) {
        let Some(policy) = self.book.versions.get(&spec).map(|version| policy_of(version.spec.balance)) else { return };
        let Some(primary) = self.cluster.primaries.get_mut(&app).filter(|primary| primary.policy() != policy) else {
            return;
        };
        let mut out = Output::new();
        primary.set_policy(policy, &mut out);
        self.do_cluster(app, out);
    }

    /// A worker is to leave: off its listeners, and told so when `tell`.
    pub fn worker_leaving(&mut self, run: RunId, tell: bool) {
        self.ask_primary(
            run,
            |primary, worker, out| {
                if tell { primary.handle_leaving(worker, out) } else { primary.handle_off(worker, out) }
            },
        );
    }

    /// A worker is dead, and everything it said was read.
    pub fn worker_gone(&mut self, run: RunId) {
        self.ask_primary(run, |primary, worker, out| primary.handle_worker_gone(clock::monotonic(), worker, out));
        self.cluster.workers.remove(&run);
    }

    fn ask_primary(&mut self, run: RunId, ask: impl FnOnce(&mut Primary, WorkerId, &mut Output)) {
        let Some(app) = self.cluster.workers.get(&run).copied() else { return };
        let Some(primary) = self.cluster.primaries.get_mut(&app) else { return };
        let mut out = self.cluster.spare.pop().unwrap_or_default();
        ask(primary, WorkerId(run.0), &mut out);
        self.do_cluster(app, out);
    }

    /// Time passed for the primaries.
    pub fn on_cluster_deadline(&mut self, now: u64) {
        let due = |primary: &Primary| primary.deadline().is_some_and(|at| at <= now);
        let apps: Vec<AppId> = self.cluster.primaries.iter().filter(|(_, one)| due(one)).map(|(app, _)| *app).collect();
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

    // ------------------------------------------------------------------------------------------ connections

    /// Somebody waits at a listening socket.
    pub fn on_listener(&mut self, number: u64) {
        if let Some(listener) = self.cluster.listeners.get_mut(&number) {
            listener.ready = true;
        }
        self.accept_connections(number);
    }

    /// Takes connections while some worker has a free slot. The rest waits in the kernel, where our death loses nothing.
    fn accept_connections(&mut self, number: u64) {
        loop {
            let Some(listener) = self.cluster.listeners.get_mut(&number) else { return };
            if !(listener.ready && listener.accepting) {
                return;
            }
            let app = listener.app;
            let ledger = &self.guard.ledger;
            ledger.asking(listener.fd.as_raw_fd(), number);
            let accepted = sockets::accept(&listener.fd);
            if let Ok((fd, _)) = &accepted {
                ostler_keeper::failpoint::hit("accept.unnoted");
                ledger.hold(fd.as_raw_fd(), number);
            }
            ledger.asked();
            match accepted {
                Ok((fd, peer)) => {
                    ostler_keeper::failpoint::hit("accept.noted");
                    let conn = self.cluster.add_conn(fd);
                    let mut out = self.cluster.spare.pop().unwrap_or_default();
                    if let Some(primary) = self.cluster.primaries.get_mut(&app) {
                        primary.handle_accepted(clock::monotonic(), ListenerId(number), conn, peer, &mut out);
                    }
                    self.do_cluster(app, out);
                }
                Err(Errno::AGAIN) => {
                    listener.ready = false;
                    return;
                }
                // It gave up while it waited.
                Err(Errno::INTR | Errno::CONNABORTED | Errno::PROTO) => {}
                Err(error) => {
                    logbook::error(format!(
                        "could not accept a connection: {error}; trying again in {ACCEPT_PAUSE} ms"
                    ));
                    self.cluster.accept_at = Some(clock::monotonic() + ACCEPT_PAUSE);
                    return;
                }
            }
        }
    }

    /// Closes our copy of a connection.
    fn close_conn(&mut self, conn: ConnId) {
        if let Some(fd) = self.cluster.conns.remove(&conn) {
            self.guard.ledger.clear(fd.as_raw_fd());
        }
    }

    /// Gives the connections that dead daemons had accepted to the primaries of their apps.
    pub fn give_recovered(&mut self, left: Vec<Left>) {
        let mut by_app: BTreeMap<AppId, Vec<Recovered>> = BTreeMap::new();
        for Left { fd, note } in left {
            let Some(app) = cluster::app_of(note.listener).filter(|app| self.cluster.primaries.contains_key(app))
            else {
                // It was stopped; so are its clients.
                self.guard.ledger.clear(fd.as_raw_fd());
                continue;
            };
            let peer = sockets::peer(&fd);
            let sent = note.sent.map(|(run, seq)| (WorkerId(run), seq));
            let conn = self.cluster.add_conn(fd);
            by_app.entry(app).or_default().push(Recovered { conn, listener: ListenerId(note.listener), peer, sent });
        }
        for (app, conns) in by_app {
            logbook::log(format!("{} connections of app [{}] were recovered", conns.len(), self.app_name(app)));
            let mut out = Output::new();
            if let Some(primary) = self.cluster.primaries.get_mut(&app) {
                primary.handle_recovered(clock::monotonic(), &conns, &mut out);
            }
            self.pending_cluster.push((app, out));
        }
    }

    /// Does what a primary decided, in order.
    pub fn do_cluster(&mut self, app: AppId, mut out: Output) {
        let mut accept = Vec::new();
        for action in out.actions() {
            match action {
                Action::Send { worker, bytes } => self.send_line(*worker, out.bytes(*bytes), None),
                Action::SendWithConn { worker, conn, seq, bytes } => {
                    let fd = self.cluster.conns.get(conn).cloned();
                    if let Some(fd) = &fd {
                        self.guard.ledger.send(fd.as_raw_fd(), worker.0, *seq);
                    }
                    ostler_keeper::failpoint::hit("conn.unsent");
                    self.send_line(*worker, out.bytes(*bytes), fd.as_ref());
                    ostler_keeper::failpoint::hit("conn.sent");
                }
                Action::SendFence { worker, bytes } => match sockets::unconnected() {
                    Ok(fd) => self.send_line(*worker, out.bytes(*bytes), Some(&std::rc::Rc::new(fd))),
                    Err(error) => {
                        logbook::error(format!("could not ask run {} what reached it: {error}", worker.0));
                        if let Some(primary) = self.cluster.primaries.get_mut(&app) {
                            primary.handle_fence_failed(clock::monotonic(), *worker);
                        }
                    }
                },
                Action::CloseConn { conn, .. } => self.close_conn(*conn),
                Action::SetAccepting { listener, accepting } => {
                    if let Some(listener) = self.cluster.listeners.get_mut(&listener.0) {
                        listener.accepting = *accepting;
                    }
                    if *accepting {
                        accept.push(listener.0);
                    }
                }
                Action::SendWithListener { worker, listener, bytes } => {
                    let fd = self.cluster.listeners.get(&listener.0).map(|listener| listener.fd.clone());
                    self.send_line(*worker, out.bytes(*bytes), fd.as_ref());
                }
                Action::SendWithHandle { worker, handle, bytes } => {
                    let fd = self.cluster.handles.get(handle).and_then(|fd| fd.try_clone().ok()).map(std::rc::Rc::new);
                    self.send_line(*worker, out.bytes(*bytes), fd.as_ref());
                }
                Action::OpenListener { listener, kind } => self.open_listener(app, *listener, kind),
                Action::CloseListener { listener, unlink } => self.close_listener(*listener, unlink.as_deref()),
                Action::ListenerMetaChanged { listener } => self.keep_listener(app, *listener, false),
                Action::CloseHandle { handle } => _ = self.cluster.handles.remove(handle),
                Action::WorkerOnline { worker } => self.events.push_back(Event::RuntimeOnline(RunId(worker.0))),
                Action::WorkerListening { worker, .. } => {
                    let run = RunId(worker.0);
                    self.events.push_back(Event::Listening(run));
                    self.compare_listeners(run);
                }
                Action::Voluntary { worker } => {
                    logbook::log(format!("worker of run {} leaves by its own will", worker.0));
                }
                Action::UserMessage { worker, text } => self.on_user_message(RunId(worker.0), out.text(*text)),
                Action::UserHandle { handle, .. } => self.close_handle(app, *handle),
                Action::Noise { worker, noise } => {
                    logbook::error(format!("run {} wrote something to its IPC channel: {noise:?}", worker.0));
                }
            }
        }
        out.clear();
        if self.cluster.spare.len() < 8 {
            self.cluster.spare.push(out);
        }
        for listener in accept {
            self.accept_connections(listener);
        }
    }

    fn send_line(&mut self, worker: WorkerId, bytes: &[u8], fd: Option<&std::rc::Rc<std::os::fd::OwnedFd>>) {
        let run = RunId(worker.0);
        let Some(channel) = self.runs.get_mut(&run).and_then(|held| held.channel.as_mut()) else { return };
        let was_blocked = channel.is_blocked();
        let result = channel.send(bytes, fd);
        let blocked = channel.is_blocked();
        match result {
            Ok(()) if blocked && !was_blocked => {
                self.ask_primary(run, |primary, worker, out| primary.handle_backpressure(worker, true, out));
            }
            // Closed: the end of the channel is about to be read, and everything unacknowledged is given to others.
            Ok(()) | Err(SendError::Closed) => {}
            Err(SendError::Full) => {
                logbook::error(format!("run {} does not read its IPC channel: a message was dropped", run.0));
            }
        }
    }

    /// Nothing here has a use for a descriptor that an app sent.
    fn close_handle(&mut self, app: AppId, handle: HandleId) {
        self.cluster.handles.remove(&handle);
        let mut out = Output::new();
        if let Some(primary) = self.cluster.primaries.get_mut(&app) {
            primary.handle_closed(handle, &mut out);
        }
        self.do_cluster(app, out);
    }

    // ------------------------------------------------------------------------------------------ listeners

    fn open_listener(&mut self, app: AppId, id: ListenerId, kind: &ListenerKind) {
        let configured = match kind {
            ListenerKind::Fd { number, udp: false } => {
                let address = u32::try_from(*number).ok().and_then(|number| self.cluster.fds.get(&app)?.get(&number));
                address.map(sockets::kind_of)
            }
            _ => None,
        };
        let kind = configured.as_ref().unwrap_or(kind);
        let result = match sockets::open(kind) {
            Ok((fd, name)) => {
                self.add_listener(app, id, fd);
                Ok(name)
            }
            Err(error) => {
                let name = self.app_name(app);
                logbook::error(format!("app [{name}] cannot listen on {kind:?}: {error}"));
                Err(-error.raw_os_error())
            }
        };
        let opened = result.is_ok();
        let mut out = Output::new();
        if let Some(primary) = self.cluster.primaries.get_mut(&app) {
            primary.handle_opened(id, result, &mut out);
        }
        if opened {
            // Before any worker hears of it: a socket that only we have would die with us.
            self.keep_listener(app, id, true);
        }
        self.do_cluster(app, out);
    }

    /// While there are connections to hand over, workers go before us. Woken by every single one, we would stop the worker
    /// that is about to take the last one: five thousand changes a second, each for one connection. Last in turn, we find
    /// several at once, for a third of the time.
    fn go_last(&self, last: bool) {
        if let Err(error) = sys::set_batch(last) {
            logbook::error(format!("could not change the scheduling of the daemon: {error}"));
        }
    }

    /// Takes a socket in.
    pub fn add_listener(&mut self, app: AppId, id: ListenerId, fd: std::os::fd::OwnedFd) {
        let raw = fd.as_raw_fd();
        if self.cluster.listeners.is_empty() {
            self.go_last(true);
        }
        self.cluster.listeners.insert(id.0, Listener { app, fd: std::rc::Rc::new(fd), accepting: false, ready: true });
        if let Err(error) = self.register(raw, Source::Listener(id.0), Interest::READABLE) {
            logbook::error(format!("a listening socket cannot be watched: {error}"));
        }
    }

    /// Gives a socket, or what changed about it, to the keeper.
    pub fn keep_listener(&mut self, app: AppId, id: ListenerId, new: bool) {
        let meta = self.cluster.primaries.get(&app).and_then(|primary| primary.listener_meta(id));
        let Some(meta) = meta.map(|meta| meta.to_bytes()) else { return };
        let name = listener_name(app, id);
        if !new {
            return self.keeper_send(&ToKeeper::SetMeta { name, meta }, Vec::new());
        }
        match self.cluster.listeners.get(&id.0).map(|listener| listener.fd.try_clone()) {
            Some(Ok(fd)) => self.keeper_send(&ToKeeper::Put { name, meta }, vec![fd]),
            Some(Err(error)) => logbook::error(format!("a listening socket cannot be kept: {error}")),
            None => {}
        }
    }

    fn close_listener(&mut self, id: ListenerId, unlink: Option<&str>) {
        if let Some(raw) = self.cluster.raw(id) {
            self.deregister(raw);
        }
        if let Some(listener) = self.cluster.listeners.remove(&id.0) {
            if unlink.is_none()
                && let Some(path) = sockets::path_of(&listener.fd)
            {
                // The machine knows it by a number only.
                sockets::unlink(&path);
            }
            let name = listener_name(listener.app, id);
            self.keeper_send(&ToKeeper::Del { name }, Vec::new());
            if self.cluster.listeners.is_empty() {
                self.go_last(false);
            }
        }
        if let Some(path) = unlink {
            sockets::unlink(path);
        }
    }

    /// Closes the sockets of an app that is at rest, and those that a reload made superfluous.
    pub fn tidy_listeners(&mut self, app: AppId) {
        if !self.cluster.primaries.contains_key(&app) {
            return;
        }
        let slots = || self.core.slots().filter(move |(_, slot)| slot.app() == app).map(|(_, slot)| slot);
        let at_rest = slots().all(|slot| {
            let process = slot.process();
            let down = process.goal() == Goal::Down && process.run().is_none();
            down && slot.candidate().is_none()
        });
        let settled = self.core.reload(app).is_none()
            && slots().all(|slot| {
                let online = matches!(slot.process().phase(), Phase::Online { run, .. } if self.core.is_listening(run));
                online && slot.leaving().next().is_none()
            });
        let mut out = Output::new();
        if let Some(primary) = self.cluster.primaries.get_mut(&app) {
            if at_rest {
                primary.close_all(&mut out);
            } else if settled {
                primary.close_unused(&mut out);
            }
        }
        self.do_cluster(app, out);
    }

    /// Forgets the primary of an app that has no slots any more.
    pub fn forget_app_if_gone(&mut self, app: AppId) {
        if self.book.apps.contains_key(&app) {
            return self.tidy_listeners(app);
        }
        let mut out = Output::new();
        if let Some(primary) = self.cluster.primaries.get_mut(&app) {
            primary.close_all(&mut out);
        }
        self.do_cluster(app, out);
        self.cluster.primaries.remove(&app);
        self.cluster.fds.remove(&app);
    }

    /// Tells the machine when a candidate listens on all that the run it would replace listens on.
    pub fn compare_listeners(&mut self, run: RunId) {
        let Some((id, Role::Candidate)) = self.core.owner(run) else { return };
        let current = self.core.slot(id).and_then(|slot| slot.process().run());
        // Where the old run is gone, any listener will do: there is nothing to compare with.
        let covers = current.map_or_else(|| self.core.is_listening(run), |current| self.cluster.covers(run, current));
        if let Some(held) = self.runs.get_mut(&run)
            && covers
            && !std::mem::replace(&mut held.covers, true)
        {
            self.events.push_back(Event::Covers(run));
        }
    }
}

/// The name of a socket in the keeper.
pub fn listener_name(app: AppId, id: ListenerId) -> String {
    format!("listener/{}/{}", app.0, id.0)
}
