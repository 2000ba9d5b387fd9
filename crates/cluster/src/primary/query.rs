//! A worker wants a listener, and has it, and lets it go.

use ostler_wire::node::Query;
use ostler_wire::node::outgoing::{self, Answer, Sockname};

use super::Primary;
use crate::key::EADDRINUSE;
use crate::listener::{Asker, Listener, State};
use crate::worker::{Phase, What};
use crate::{Action, Key, ListenerId, ListenerKind, Output, Policy, WorkerId};

impl Primary {
    /// Opening what [`Action::OpenListener`] named came to an end: the real address (TCP and UDP
    /// only), or the error as a negative number. An error is not remembered: who asks next tries
    /// again.
    pub fn handle_opened(
        &mut self,
        listener: ListenerId,
        result: Result<Option<Sockname>, i32>,
        out: &mut Output,
    ) {
        let Some(at) = self.listener_at(listener) else {
            if result.is_ok() {
                out.push(Action::CloseListener { listener, unlink: None });
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
                self.admit(at, &askers, out);
                self.pump(at, out);
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
        // Who was told to leave closes all its servers; it needs no answer, and would crash on
        // some.
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
                out.push(Action::OpenListener { listener: id, kind });
            }
            Err(errno) => self.refuse(asker, errno, "", query.data.as_deref(), out),
        }
    }

    /// The listener is there or on its way.
    fn join(&mut self, at: usize, asker: Asker, query: &Query, out: &mut Output) {
        let Some(listener) = self.listeners.get_mut(at) else { return };
        if listener.is_held_by(asker.worker) {
            if listener.member(asker.worker).is_some_and(|member| member.asked == Some(asker.ack)) {
                return self.answer(at, asker, out);
            }
            let data = listener.data.clone().or_else(|| query.data.clone());
            return self.refuse(asker, EADDRINUSE, "", data.as_deref(), out);
        }
        if listener.data.is_none() {
            listener.data.clone_from(&query.data);
        }
        match &mut listener.state {
            State::Opening { askers } => askers.push(asker),
            State::Open { .. } => {
                self.admit(at, &[asker], out);
                self.pump(at, out);
            }
        }
    }

    /// Makes members and answers them. What we must know after our death is stored before a worker
    /// hears of it.
    fn admit(&mut self, at: usize, askers: &[Asker], out: &mut Output) {
        let Some(listener) = self.listeners.get_mut(at) else { return };
        for asker in askers {
            let Some(worker) = self.workers.iter().find(|worker| worker.id == asker.worker) else {
                continue;
            };
            let shared = listener.kind.is_udp()
                || (self.policy == Policy::Shared && worker.options.shared_ok);
            listener.add(asker.worker, worker.options.slot, shared, Some(asker.ack));
        }
        let listener = listener.id;
        out.push(Action::ListenerMetaChanged { listener });
        for asker in askers {
            self.answer(at, *asker, out);
        }
    }

    fn answer(&mut self, at: usize, asker: Asker, out: &mut Output) {
        let Some(listener) = self.listeners.get_mut(at) else { return };
        let id = listener.id;
        let Some(member) = listener.member(asker.worker) else { return };
        if member.shared {
            let what = What::Listener { listener: id, ack: asker.ack, tries: 0 };
            return self.send_what(asker.worker, what, out);
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
        out.push(Action::Send { worker: asker.worker, bytes });
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
        out.push(Action::Send { worker: asker.worker, bytes });
    }

    /// The worker closed a server. When the last one that is not leaving does so, the app wants it
    /// closed.
    pub(super) fn on_close(&mut self, worker: WorkerId, key: &str, out: &mut Output) {
        let Some(at) = self.listeners.iter().position(|listener| listener.name == key) else {
            return;
        };
        let Some(listener) = self.listeners.get_mut(at) else { return };
        let by_will = listener.member(worker).is_some_and(|member| member.active);
        if !listener.remove(worker) {
            return;
        }
        if by_will && listener.members.is_empty() {
            return self.close_listener(at, out);
        }
        out.push(Action::ListenerMetaChanged { listener: listener.id });
        self.pump(at, out);
    }

    pub(super) fn close_listener(&mut self, at: usize, out: &mut Output) {
        let listener = self.listeners.remove(at);
        for waiting in listener.waiting {
            out.push(Action::CloseConn { conn: waiting.conn, taken: false });
        }
        let unlink = listener.kind.unlink().map(str::to_owned);
        out.push(Action::CloseListener { listener: listener.id, unlink });
    }

    /// Closes what nobody uses. To be called when the app is at rest: until then a listener without
    /// workers waits for their successors, and clients wait in its queue.
    pub fn close_unused(&mut self, out: &mut Output) {
        for at in (0..self.listeners.len()).rev() {
            if self
                .listeners
                .get(at)
                .is_some_and(|listener| listener.is_open() && listener.members.is_empty())
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
