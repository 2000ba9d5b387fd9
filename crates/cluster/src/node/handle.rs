//! Descriptors in messages: listening sockets as answers, and what app and owner send each other.

use ostler_wire::node::outgoing::{self, Answer};
use ostler_wire::node::{Handle, HandleType, Incoming, LARGE_HANDLE_MESSAGE, Mark};

use super::key::EMFILE;
use super::listener::Asker;
use super::worker::{Given, Payload, Phase, Unacknowledged};
use super::{Command, Output, Primary, Received};
use crate::balance::NO_DESCRIPTOR;
use crate::{HandleId, ListenerId, Millis, WorkerId};

/// A descriptor that did not arrive is sent again so often, as Node does.
const MAX_RESENT: u8 = 3;
/// Messages with descriptors that may wait for one worker.
const MAX_DELAYED: usize = 1024;

/// Why a message was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendError {
    /// There is no such worker, or its channel is closed.
    NoWorker,
    /// The message is not one JSON value; it would kill the worker.
    NotJson,
    /// The worker's runtime cannot take a `net.Server`.
    NoServers,
    /// Only sockets and servers go to an app: a raw handle is the cluster's own.
    NotForApps,
    /// The worker does not take the descriptors that it was sent before.
    Full,
}

impl std::fmt::Display for SendError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::NoWorker => "the worker has no channel",
            Self::NotJson => "the message is not one JSON value",
            Self::NoServers => "the worker's runtime cannot take a `net.Server`",
            Self::NotForApps => "a raw handle cannot be sent to an app",
            Self::Full => "the worker has not taken the descriptors that it was sent before",
        })
    }
}

impl std::error::Error for SendError {}

impl Primary {
    /// Sends a message to the application: one JSON value. Text that an application would take for
    /// an internal message is swallowed there, as in Node.
    ///
    /// # Errors
    /// [`SendError::NoWorker`] or [`SendError::NotJson`].
    pub fn send_user(
        &mut self,
        worker: WorkerId,
        json: &str,
        out: &mut Output,
    ) -> Result<(), SendError> {
        if self.connected(worker).is_none() {
            return Err(SendError::NoWorker);
        }
        let mut result = Ok(());
        let bytes = out.write(|bytes| result = outgoing::user(bytes, json));
        result.map_err(|_| SendError::NotJson)?;
        out.push(Command::Send { worker, bytes });
        Ok(())
    }

    /// Sends a descriptor to the application with a message. The owner has made sure that it is a
    /// socket of that `kind`, and non-blocking; it keeps its copy until [`Command::CloseHandle`].
    /// `dgram_type` is `udp4` or `udp6` with a [`HandleType::DgramSocket`].
    ///
    /// # Errors
    /// All of [`SendError`]; the descriptor is still the owner's then.
    pub fn send_handle(
        &mut self,
        worker: WorkerId,
        handle: HandleId,
        kind: HandleType,
        json: &str,
        dgram_type: Option<&str>,
        out: &mut Output,
    ) -> Result<(), SendError> {
        let Some(found) = self.connected(worker) else { return Err(SendError::NoWorker) };
        match kind {
            HandleType::NetSocket | HandleType::DgramSocket | HandleType::BoundSocket => {}
            HandleType::NetServer if found.options.servers_ok => {}
            HandleType::NetServer => return Err(SendError::NoServers),
            HandleType::NetNative | HandleType::DgramNative | HandleType::Unknown => {
                return Err(SendError::NotForApps);
            }
        }
        if found.delayed.len() + found.unacknowledged.len() >= MAX_DELAYED {
            return Err(SendError::Full);
        }
        let mut bytes = Vec::new();
        outgoing::user_handle(&mut bytes, found.options.mark, kind, json, dgram_type)
            .map_err(|_| SendError::NotJson)?;
        let payload = Payload::Handle { handle, bytes: bytes.into(), tries: 0 };
        self.send_payload(worker, payload, out);
        self.carry_out(out);
        Ok(())
    }

    /// Sends a message with a descriptor, or lets it wait behind a large one. The decisions of the
    /// balance are still to be carried out afterwards.
    pub(super) fn send_payload(&mut self, id: WorkerId, payload: Payload, out: &mut Output) {
        let Some(worker) = self.worker(id) else { return };
        worker.delayed.push_back(payload);
        self.send_delayed(id, out);
    }

    fn send_delayed(&mut self, id: WorkerId, out: &mut Output) {
        while let Some(worker) = self.worker(id).filter(|worker| worker.gate_open()) {
            let Some(payload) = worker.delayed.pop_front() else { break };
            let Some(large) = self.write_payload(id, &payload, out) else { continue };
            if let Some(worker) = self.worker(id) {
                worker.unacknowledged.push_back(Unacknowledged { payload, large });
            }
        }
        self.update_blocked(id);
    }

    /// Writes the line, and returns whether it is a large one. `None`: its object is gone.
    fn write_payload(&mut self, id: WorkerId, payload: &Payload, out: &mut Output) -> Option<bool> {
        match payload {
            Payload::Conn(_) | Payload::Fence(_) => None,
            Payload::Handle { handle, bytes, .. } => {
                let large = bytes.len() >= LARGE_HANDLE_MESSAGE;
                let bytes = out.copy(bytes);
                out.push(Command::SendWithHandle { worker: id, handle: *handle, bytes });
                Some(large)
            }
            Payload::Listener { listener, ack, .. } => {
                let seq = self.next_seq();
                let mark = self.worker(id)?.options.mark;
                let found = self.listeners.get(self.listener_at(*listener)?)?;
                let kind = if found.kind.is_udp() {
                    HandleType::DgramNative
                } else {
                    HandleType::NetNative
                };
                let answer =
                    Answer { ack: *ack, seq, key: &found.name, data: found.data.as_deref() };
                let bytes = out.write(|bytes| outgoing::answer_shared(bytes, mark, answer, kind));
                let large = bytes.len() >= LARGE_HANDLE_MESSAGE;
                out.push(Command::SendWithListener { worker: id, listener: *listener, bytes });
                Some(large)
            }
        }
    }

    pub(super) fn on_handle_ack(&mut self, id: WorkerId, out: &mut Output) {
        let Some(worker) = self.worker(id) else { return };
        if worker.is_unsure() {
            return;
        }
        let Some(sent) = worker.unacknowledged.pop_front() else { return };
        if let Payload::Handle { handle, .. } = sent.payload {
            self.drop_handle(handle, out);
        }
        if sent.large {
            self.send_delayed(id, out);
            self.carry_out(out);
        }
    }

    pub(super) fn on_handle_nack(&mut self, now: Millis, id: WorkerId, out: &mut Output) {
        let Some(worker) = self.worker(id) else { return };
        if worker.is_unsure() {
            worker.unsure = worker.unsure.saturating_add(1);
            // It may have been the fence.
            worker.fence_at = Some(now + NO_DESCRIPTOR);
            self.balance.handle_unsure(id);
            return self.carry_out(out);
        }
        let Some(sent) = worker.unacknowledged.pop_front() else { return };
        match sent.payload {
            Payload::Conn(seq) => {
                if let Some(conn) = worker.take_handed(seq) {
                    self.balance.handle_missed(now, id, conn);
                }
            }
            Payload::Fence(_) => {}
            Payload::Handle { handle, tries, .. } if tries >= MAX_RESENT => {
                self.drop_handle(handle, out);
            }
            Payload::Handle { handle, bytes, tries } => {
                worker.delayed.push_back(Payload::Handle { handle, bytes, tries: tries + 1 });
            }
            Payload::Listener { listener, ack, tries } if tries >= MAX_RESENT => {
                self.give_up_answer(Asker { worker: id, ack }, listener, out);
            }
            Payload::Listener { listener, ack, tries } => {
                worker.delayed.push_back(Payload::Listener { listener, ack, tries: tries + 1 });
            }
        }
        self.send_delayed(id, out);
        self.carry_out(out);
    }

    /// The worker cannot take the socket that it asked for.
    fn give_up_answer(&mut self, asker: Asker, listener: ListenerId, out: &mut Output) {
        let Some(at) = self.listener_at(listener) else { return };
        let Some(found) = self.listeners.get_mut(at) else { return };
        found.remove(asker.worker);
        let (name, data) = (found.name.clone(), found.data.clone());
        out.push(Command::ListenerMetaChanged { listener });
        self.refuse(asker, EMFILE, &name, data.as_deref(), out);
    }

    /// The app sent a descriptor. It must be acknowledged whatever we make of it, or its channel is
    /// stuck for ever.
    pub(super) fn on_handle(
        &mut self,
        worker: WorkerId,
        message: &Handle<'_>,
        received: Received,
        out: &mut Output,
    ) {
        let Received::Fd(handle) = received else {
            return self.reply(worker, out, outgoing::handle_nack);
        };
        self.reply(worker, out, outgoing::handle_ack);
        let ours = match message.kind {
            HandleType::NetSocket
            | HandleType::NetServer
            | HandleType::DgramSocket
            | HandleType::BoundSocket => true,
            HandleType::NetNative | HandleType::DgramNative | HandleType::Unknown => false,
        };
        if !ours || !matches!(Incoming::parse(message.message.as_bytes()), Incoming::User(_)) {
            return out.push(Command::CloseHandle { handle });
        }
        if let (Some(found), Some(key)) = (self.worker(worker), &message.key) {
            found.given.push(Given { handle, key: key.clone().into_owned() });
        }
        let text = out.copy(message.message.as_bytes());
        out.push(Command::UserHandle { worker, handle, kind: message.kind, text });
    }

    /// The owner closed its copy of a descriptor that an app had sent.
    pub fn handle_closed(&mut self, handle: HandleId, out: &mut Output) {
        let ids: Vec<WorkerId> = self.workers.keys().copied().collect();
        for id in ids {
            let Some(worker) = self.workers.get_mut(&id) else { break };
            worker.given.retain(|given| given.handle != handle);
            if worker.notify.is_empty() || worker.phase == Phase::Closed {
                continue;
            }
            let given = &worker.given;
            let (open, closed): (Vec<_>, Vec<_>) = std::mem::take(&mut worker.notify)
                .into_iter()
                .partition(|key| given.iter().any(|g| g.key == *key));
            worker.notify = open;
            for key in closed {
                self.reply(id, out, |bytes, mark| outgoing::socket_all_closed(bytes, mark, &key));
            }
        }
    }

    /// Closes our copy of a descriptor, and tells who gave it to us.
    pub(super) fn drop_handle(&mut self, handle: HandleId, out: &mut Output) {
        out.push(Command::CloseHandle { handle });
        self.handle_closed(handle, out);
    }

    pub(super) fn on_notify_close(&mut self, worker: WorkerId, key: &str, out: &mut Output) {
        let Some(found) = self.worker(worker) else { return };
        if !found.given.iter().any(|given| given.key == key) {
            self.reply(worker, out, |bytes, mark| outgoing::socket_all_closed(bytes, mark, key));
        } else if !found.notify.iter().any(|waiting| waiting == key) {
            found.notify.push(key.to_owned());
        }
    }

    pub(super) fn on_get_count(&mut self, worker: WorkerId, key: &str, out: &mut Output) {
        let Some(found) = self.worker(worker) else { return };
        let open = found.given.iter().filter(|given| given.key == key).count();
        let open = u64::try_from(open).unwrap_or(u64::MAX);
        self.reply(worker, out, |bytes, mark| outgoing::socket_count(bytes, mark, key, open));
    }

    pub(super) fn reply(
        &mut self,
        worker: WorkerId,
        out: &mut Output,
        write: impl FnOnce(&mut Vec<u8>, Mark),
    ) {
        let Some(mark) = self.worker(worker).map(|worker| worker.options.mark) else { return };
        let bytes = out.write(|bytes| write(bytes, mark));
        out.push(Command::Send { worker, bytes });
    }
}
