//! What the primary decides, done in order.

use std::os::fd::OwnedFd;
use std::rc::Rc;

use ostler_cluster::{Command, ConnId, HandleId, ListenerId, Noise, Span, WorkerId};
use ostler_core::{AppId, Event, RunId};
use ostler_keeper::failpoint::hit;

use super::{Node, Parts, sockets};
use crate::reports::Report;
use crate::runs::SendError;
use crate::{clock, daemon_log};

impl Node {
    /// Carries out what the primary has decided, and takes connections that somebody is free
    /// for, until nothing of either is left.
    pub fn work(&mut self, parts: &mut Parts<'_>) {
        loop {
            while let Some(command) = self.queue.pop() {
                self.carry_out(command, parts);
            }
            let Some(listener) = self.accept_from.pop_front() else { break };
            self.accept(listener);
        }
        if !self.sleeping.is_empty() && 0 < self.primary.waiting() {
            self.call_who_is_waited_for(parts);
        }
    }

    fn carry_out(&mut self, command: Command, parts: &mut Parts<'_>) {
        match command {
            Command::Send { worker, bytes } => self.send(parts, worker, bytes, None),
            Command::SendWithConn { worker, conn, seq, bytes } => {
                self.send_conn(parts, (worker, conn, seq), bytes);
            }
            Command::SendFence { worker, bytes } => self.send_fence(parts, worker, bytes),
            Command::CloseConn { conn, taken } => self.close_conn(conn, taken),
            Command::SetAccepting { listener, accepting } => {
                self.set_accepting(listener, accepting);
            }
            Command::SendWithListener { worker, listener, bytes } => {
                let fd =
                    self.listeners.get(&listener.0).map(|listener| Rc::clone(&listener.socket));
                self.send(parts, worker, bytes, fd.as_ref());
            }
            Command::SendWithHandle { worker, handle, bytes } => {
                let fd = self.handles.get(&handle).and_then(|fd| fd.try_clone().ok());
                self.send(parts, worker, bytes, fd.map(Rc::new).as_ref());
            }
            Command::OpenListener { listener, kind } => self.open_listener(listener, &kind, parts),
            Command::CloseListener { listener, unlink } => {
                self.close_listener(listener, unlink.as_deref(), parts.keeper);
            }
            Command::ListenerMetaChanged { listener } => {
                self.keep_listener(listener, false, parts.keeper);
            }
            Command::CloseHandle { handle } => _ = self.handles.remove(&handle),
            Command::WorkerOnline { worker } => {
                parts.reports.push_back(Report::Core(Event::RuntimeOnline(RunId(worker.0))));
            }
            Command::WorkerListening { worker, .. } => {
                parts.reports.push_back(Report::Listening(RunId(worker.0)));
            }
            Command::Disagrees { worker, holder, policy, key } => {
                let Some(app) = self.workers.get(&RunId(worker.0)).copied() else { return };
                let holder = AppId(holder.0);
                parts.reports.push_back(Report::Disagrees { app, holder, policy, key });
            }
            Command::Voluntary { worker } => {
                daemon_log::remark(format!("worker of run {} leaves by its own will", worker.0));
            }
            Command::UserMessage { worker, text } => {
                super::channels::on_user_message(
                    RunId(worker.0),
                    self.queue.text(text),
                    self.heard,
                    parts.reports,
                );
            }
            Command::UserHandle { worker, handle, .. } => self.close_handle(worker, handle),
            Command::Noise { worker, noise } => {
                let Some(app) = self.workers.get(&RunId(worker.0)).copied() else { return };
                let text = format!("{} (run {})", noise_in_words(noise), worker.0);
                parts.reports.push_back(Report::AppError { app, text });
            }
        }
    }

    fn send(
        &mut self,
        parts: &mut Parts<'_>,
        worker: WorkerId,
        bytes: Span,
        fd: Option<&Rc<OwnedFd>>,
    ) {
        let run = RunId(worker.0);
        let Some(channel) = parts.runs.channel(run) else { return };
        let was_blocked = channel.is_blocked();
        let result = channel.send(self.queue.bytes(bytes), fd);
        let blocked = channel.is_blocked();
        match result {
            Ok(()) if blocked && !was_blocked => {
                self.ask(run, |primary, worker, out| {
                    primary.handle_backpressure(worker, true, out);
                });
            }
            // Closed: the end of the channel is about to be read, and everything unacknowledged is
            // given to others.
            Ok(()) | Err(SendError::Closed) => {}
            Err(SendError::Full) => {
                daemon_log::error(format!(
                    "run {} does not read its IPC channel: a message was dropped",
                    run.0
                ));
            }
        }
    }

    fn send_conn(
        &mut self,
        parts: &mut Parts<'_>,
        (worker, conn, seq): (WorkerId, ConnId, u64),
        bytes: Span,
    ) {
        match self.connections.sent(conn, worker, seq).cloned() {
            Ok(fd) => {
                hit("conn.unsent");
                self.send(parts, worker, bytes, Some(&fd));
                hit("conn.sent");
            }
            Err(error) => daemon_log::error(format!("could not send to run {}: {error}", worker.0)),
        }
    }

    fn send_fence(&mut self, parts: &mut Parts<'_>, worker: WorkerId, bytes: Span) {
        match sockets::unconnected() {
            Ok(fd) => self.send(parts, worker, bytes, Some(&Rc::new(fd))),
            Err(error) => {
                daemon_log::error(format!(
                    "could not ask run {} what reached it: {error}",
                    worker.0
                ));
                self.ask(RunId(worker.0), |primary, worker, _| {
                    primary.handle_fence_failed(clock::monotonic(), worker);
                });
            }
        }
    }

    fn close_conn(&mut self, conn: ConnId, taken: bool) {
        let closed =
            if taken { self.connections.acknowledged(conn) } else { self.connections.closed(conn) };
        if let Err(error) = closed {
            daemon_log::error(format!("could not close a connection: {error}"));
        }
    }

    fn set_accepting(&mut self, listener: ListenerId, accepting: bool) {
        if let Some(listener) = self.listeners.get_mut(&listener.0) {
            listener.accepting = accepting;
        }
        if accepting {
            self.accept_later(listener.0);
        }
    }

    /// Nothing here has a use for a descriptor that an app sent.
    fn close_handle(&mut self, worker: WorkerId, handle: HandleId) {
        self.handles.remove(&handle);
        self.ask(RunId(worker.0), |primary, _, out| primary.handle_closed(handle, out));
    }
}

fn noise_in_words(noise: Noise) -> &'static str {
    match noise {
        Noise::Garbage(_) => "wrote something that is no IPC message to its channel",
        Noise::Unknown => "wrote an internal message to its channel that is not known",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_is_told_in_words() {
        let unknown = noise_in_words(Noise::Unknown);
        assert!(unknown.contains("that is not known"), "{unknown}");
    }
}
