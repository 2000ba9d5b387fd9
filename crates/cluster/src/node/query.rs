//! A worker wants a listener, and has it, and lets it go.

use ostler_wire::node::Query;
use ostler_wire::node::outgoing::{self, Answer, Sockname};

use super::key::EADDRINUSE;
use super::listener::{Asker, Listener, State, User};
use super::worker::{Payload, Phase};
use super::{Command, Key, ListenerKind, Output, Primary};
use crate::balance::Policy;
use crate::{ListenerId, WorkerId};

impl Primary {
    /// Opening what [`Command::OpenListener`] named came to an end: the real address (TCP and UDP
    /// only), or the error as a negative number. An error is not remembered, so the
    /// next query tries again.
    pub fn handle_opened(
        &mut self,
        listener: ListenerId,
        result: Result<Option<Sockname>, i32>,
        out: &mut Output,
    ) {
        let Some(at) = self.listener_at(listener) else {
            if result.is_ok() {
                out.push(Command::CloseListener { listener, unlink: None });
            }
            return;
        };
        let Some(found) = self.listeners.get_mut(at) else { return };
        let State::Opening { askers } = &mut found.state else { return };
        let askers = std::mem::take(askers);
        match result {
            Ok(sockname) => {
                let wanted = found.kind.wanted_port();
                let sockname =
                    sockname.map(|name| Sockname { port: wanted.unwrap_or(name.port), ..name });
                found.state = State::Open { sockname };
                self.balance.add_listener(listener);
                self.answer_all(at, &askers, out);
            }
            Err(errno) => {
                let found = self.listeners.remove(at);
                for asker in askers {
                    self.refuse(asker, errno, &found.name, found.data.as_deref(), out);
                }
            }
        }
    }

    pub(super) fn on_query(&mut self, worker: WorkerId, ack: i64, query: &Query, out: &mut Output) {
        let asker = Asker { worker, ack };
        // A worker that was told to leave closes all its servers; it needs no answer, and would
        // crash on some.
        if self.worker(worker).is_none_or(|worker| worker.phase != Phase::Active) {
            return;
        }
        let key = Key::of(query);
        if let Some(at) = self.listeners.iter().position(|listener| listener.key == key) {
            return self.join(at, asker, query, out);
        }
        let id = ListenerId(self.next_listener);
        match ListenerKind::of(query, &self.fds) {
            Ok(kind) => {
                self.next_listener += 1;
                let mut listener =
                    Listener::new(id, key, kind.clone(), State::Opening { askers: vec![asker] });
                listener.data.clone_from(&query.data);
                self.listeners.push(listener);
                out.push(Command::OpenListener { listener: id, kind });
            }
            Err(errno) => self.refuse(asker, errno, "", query.data.as_deref(), out),
        }
    }

    /// The listener is there or on its way.
    fn join(&mut self, at: usize, asker: Asker, query: &Query, out: &mut Output) {
        let Some(listener) = self.listeners.get_mut(at) else { return };
        if listener.is_used_by(asker.worker) {
            if listener.user(asker.worker).is_some_and(|user| user.asked == Some(asker.ack)) {
                self.answer(at, asker, out);
                return self.carry_out(out);
            }
            let data = listener.data.clone().or_else(|| query.data.clone());
            return self.refuse(asker, EADDRINUSE, "", data.as_deref(), out);
        }
        if listener.data.is_none() {
            listener.data.clone_from(&query.data);
        }
        match &mut listener.state {
            State::Opening { askers } => askers.push(asker),
            State::Open { .. } => self.answer_all(at, &[asker], out),
        }
    }

    /// Gives the askers the listener and answers them. What we must know after our death is stored
    /// before a worker hears of it, and the answer goes out before the worker's first connection.
    fn answer_all(&mut self, at: usize, askers: &[Asker], out: &mut Output) {
        let Some(listener) = self.listeners.get_mut(at) else { return };
        let policy = self.balance.policy();
        for Asker { worker, ack } in askers.iter().copied() {
            let Some(found) = self.workers.iter().find(|found| found.id == worker) else {
                continue;
            };
            let shared =
                listener.kind.is_udp() || (policy == Policy::Shared && found.options.shared_ok);
            listener.users.push(User { worker, shared, asked: Some(ack) });
            if !shared {
                self.balance.join(listener.id, worker);
            }
        }
        out.push(Command::ListenerMetaChanged { listener: listener.id });
        for asker in askers {
            self.answer(at, *asker, out);
        }
        self.carry_out(out);
    }

    fn answer(&mut self, at: usize, asker: Asker, out: &mut Output) {
        let Some(listener) = self.listeners.get(at) else { return };
        let Some(user) = listener.user(asker.worker) else { return };
        if user.shared {
            let payload = Payload::Listener { listener: listener.id, ack: asker.ack, tries: 0 };
            return self.send_payload(asker.worker, payload, out);
        }
        let seq = self.next_seq();
        let Some(listener) = self.listeners.get(at) else { return };
        let Some(worker) = self.workers.iter().find(|worker| worker.id == asker.worker) else {
            return;
        };
        let answer =
            Answer { ack: asker.ack, seq, key: &listener.name, data: listener.data.as_deref() };
        let bytes = out.write(|bytes| {
            outgoing::answer_round_robin(bytes, worker.options.mark, answer, listener.sockname());
        });
        out.push(Command::Send { worker: asker.worker, bytes });
    }

    pub(super) fn refuse(
        &mut self,
        asker: Asker,
        errno: i32,
        key: &str,
        data: Option<&str>,
        out: &mut Output,
    ) {
        let seq = self.next_seq();
        let Some(worker) = self.worker(asker.worker) else { return };
        let answer = Answer { ack: asker.ack, seq, key, data };
        let bytes =
            out.write(|bytes| outgoing::answer_error(bytes, worker.options.mark, answer, errno));
        out.push(Command::Send { worker: asker.worker, bytes });
    }

    /// The worker closed a server. When the last one that is not leaving does so, the app wants
    /// the socket closed.
    pub(super) fn on_close(&mut self, worker: WorkerId, key: &str, out: &mut Output) {
        let Some(at) = self.listeners.iter().position(|listener| listener.name == key) else {
            return;
        };
        let by_will = self.worker(worker).is_some_and(|found| found.phase == Phase::Active);
        let Some(listener) = self.listeners.get_mut(at) else { return };
        if !listener.remove(worker) {
            return;
        }
        if by_will && listener.users.is_empty() {
            return self.close_listener(at, out);
        }
        let listener = listener.id;
        out.push(Command::ListenerMetaChanged { listener });
        self.balance.leave(listener, worker);
        self.carry_out(out);
    }

    fn close_listener(&mut self, at: usize, out: &mut Output) {
        let listener = self.listeners.remove(at);
        self.balance.remove_listener(listener.id);
        self.carry_out(out);
        let unlink = listener.kind.unlink().map(str::to_owned);
        out.push(Command::CloseListener { listener: listener.id, unlink });
    }

    /// Closes what nobody uses. To be called when the app is at rest: until then a listener without
    /// workers waits for their successors, and clients wait in its queue.
    pub fn close_unused(&mut self, out: &mut Output) {
        for at in (0..self.listeners.len()).rev() {
            if self
                .listeners
                .get(at)
                .is_some_and(|listener| listener.is_open() && listener.users.is_empty())
            {
                self.close_listener(at, out);
            }
        }
    }

    /// Closes everything: the app was stopped.
    pub fn close_all(&mut self, out: &mut Output) {
        for at in (0..self.listeners.len()).rev() {
            self.close_listener(at, out);
        }
    }
}
