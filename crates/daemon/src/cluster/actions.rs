//! What the primaries decide, done in order.

use std::os::fd::{AsRawFd, OwnedFd};
use std::rc::Rc;

use ostler_cluster::{Command, HandleId, Output, WorkerId};
use ostler_core::{AppId, Event, RunId};

use super::sockets;
use crate::channel::SendError;
use crate::daemon::Daemon;
use crate::{clock, logbook};

impl Daemon {
    /// Does what a primary decided, in order.
    pub fn do_cluster(&mut self, app: AppId, mut out: Output) {
        let mut accept = Vec::new();
        while let Some(command) = out.pop() {
            match &command {
                Command::Send { worker, bytes } => self.send_line(*worker, out.bytes(*bytes), None),
                Command::SendWithConn { worker, conn, seq, bytes } => {
                    let fd = self.cluster.conns.get(conn).cloned();
                    if let Some(fd) = &fd {
                        self.guard.ledger.send(fd.as_raw_fd(), worker.0, *seq);
                    }
                    ostler_keeper::failpoint::hit("conn.unsent");
                    self.send_line(*worker, out.bytes(*bytes), fd.as_ref());
                    ostler_keeper::failpoint::hit("conn.sent");
                }
                Command::SendFence { worker, bytes } => match sockets::unconnected() {
                    Ok(fd) => self.send_line(*worker, out.bytes(*bytes), Some(&Rc::new(fd))),
                    Err(error) => {
                        logbook::error(format!(
                            "could not ask run {} what reached it: {error}",
                            worker.0
                        ));
                        if let Some(primary) = self.cluster.primaries.get_mut(&app) {
                            primary.handle_fence_failed(clock::monotonic(), *worker);
                        }
                    }
                },
                Command::CloseConn { conn, .. } => self.close_conn(*conn),
                Command::SetAccepting { listener, accepting } => {
                    if let Some(listener) = self.cluster.listeners.get_mut(&listener.0) {
                        listener.accepting = *accepting;
                    }
                    if *accepting {
                        accept.push(listener.0);
                    }
                }
                Command::SendWithListener { worker, listener, bytes } => {
                    let fd = self
                        .cluster
                        .listeners
                        .get(&listener.0)
                        .map(|listener| Rc::clone(&listener.fd));
                    self.send_line(*worker, out.bytes(*bytes), fd.as_ref());
                }
                Command::SendWithHandle { worker, handle, bytes } => {
                    let fd = self
                        .cluster
                        .handles
                        .get(handle)
                        .and_then(|fd| fd.try_clone().ok())
                        .map(Rc::new);
                    self.send_line(*worker, out.bytes(*bytes), fd.as_ref());
                }
                Command::OpenListener { listener, kind } => {
                    self.open_listener(app, *listener, kind);
                }
                Command::CloseListener { listener, unlink } => {
                    self.close_listener(*listener, unlink.as_deref());
                }
                Command::ListenerMetaChanged { listener } => {
                    self.keep_listener(app, *listener, false);
                }
                Command::CloseHandle { handle } => _ = self.cluster.handles.remove(handle),
                Command::WorkerOnline { worker } => {
                    self.model.report(Event::RuntimeOnline(RunId(worker.0)));
                }
                Command::WorkerListening { worker, .. } => {
                    let run = RunId(worker.0);
                    self.model.report(Event::Listening(run));
                    self.tell_listeners(run);
                    self.compare_listeners(run);
                }
                Command::Voluntary { worker } => {
                    logbook::log(format!("worker of run {} leaves by its own will", worker.0));
                }
                Command::UserMessage { worker, text } => {
                    self.on_user_message(RunId(worker.0), out.text(*text));
                }
                Command::UserHandle { handle, .. } => self.close_handle(app, *handle),
                Command::Noise { worker, noise } => {
                    logbook::error(format!(
                        "run {} wrote something to its IPC channel: {noise:?}",
                        worker.0
                    ));
                }
            }
        }
        if self.cluster.spare.len() < 8 {
            self.cluster.spare.push(out);
        }
        for listener in accept {
            self.accept_connections(listener);
        }
    }

    fn send_line(&mut self, worker: WorkerId, bytes: &[u8], fd: Option<&Rc<OwnedFd>>) {
        let run = RunId(worker.0);
        let Some(channel) = self.runs.get_mut(&run).and_then(|held| held.channel.as_mut()) else {
            return;
        };
        let was_blocked = channel.is_blocked();
        let result = channel.send(bytes, fd);
        let blocked = channel.is_blocked();
        match result {
            Ok(()) if blocked && !was_blocked => {
                self.ask_primary(run, |primary, worker, out| {
                    primary.handle_backpressure(worker, true, out);
                });
            }
            // Closed: the end of the channel is about to be read, and everything unacknowledged is
            // given to others.
            Ok(()) | Err(SendError::Closed) => {}
            Err(SendError::Full) => {
                logbook::error(format!(
                    "run {} does not read its IPC channel: a message was dropped",
                    run.0
                ));
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
}
