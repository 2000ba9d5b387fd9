//! A worker wants a listener, and has it, and lets it go.

use ostler_wire::node::Query;
use ostler_wire::node::outgoing::{self, Answer, Sockname};

use super::key::EADDRINUSE;
use super::listener::{Asker, Listener, State, User};
use super::worker::Payload;
use super::{Command, Key, ListenerKind, Output, Primary};
use crate::balance::Policy;
use crate::{ListenerId, Millis, WorkerId};

impl Primary {
    /// Opening what [`Command::OpenListener`] named came to an end: the real address (TCP and UDP
    /// only), or the error as a negative number. An error is not remembered, so the next query
    /// tries again. Returns whether an error is told to the workers; otherwise it is tried again.
    pub fn handle_opened(
        &mut self,
        now: Millis,
        listener: ListenerId,
        result: Result<Option<Sockname>, i32>,
        out: &mut Output,
    ) -> bool {
        let Some(at) = self.listener_at(listener) else {
            if result.is_ok() {
                self.close_socket(listener, None, out);
            }
            return false;
        };
        if result.as_ref().is_err_and(|errno| self.is_retried(now, at, *errno)) {
            return false;
        }
        let Some(found) = self.listeners.get_mut(at) else { return false };
        let State::Opening { askers } = &mut found.state else { return false };
        let askers = std::mem::take(askers);
        match result {
            Ok(sockname) => {
                let wanted = found.kind.wanted_port();
                let sockname =
                    sockname.map(|name| Sockname { port: wanted.unwrap_or(name.port), ..name });
                found.state = State::Open { sockname };
                let opener = found.groups.first().copied();
                let policy = opener.map_or_else(Policy::default, |group| self.policy(group));
                self.balance.add_listener(listener, policy);
                self.answer_all(at, &askers, out);
                false
            }
            Err(errno) => {
                let found = self.listeners.remove(at);
                for asker in askers {
                    self.refuse(asker, errno, &found.name, found.data.as_deref(), out);
                }
                true
            }
        }
    }

    pub(super) fn on_query(&mut self, worker: WorkerId, ack: i64, query: &Query, out: &mut Output) {
        let asker = Asker { worker, ack };
        // A worker that was told to leave closes all its servers; it needs no answer, and would
        // crash on some.
        let Some(found) = self.workers.get(&worker).filter(|worker| worker.is_active()) else {
            return;
        };
        let group = found.options.group;
        let key = Key::of(query);
        // What a number of the configuration means is each app's own affair.
        let means = |listener: &Listener| listener.key == key && self.may_share(listener, group);
        if let Some(at) = self.listeners.iter().position(means) {
            return self.join(at, asker, query, out);
        }
        match ListenerKind::of(query, &self.group(group).options.fds) {
            Ok(kind) => {
                let state = State::Opening { askers: vec![asker] };
                let mut listener = Listener::new(self.next_listener(group), key, kind, state);
                listener.data.clone_from(&query.data);
                listener.groups.push(group);
                listener.number = self.next_asked();
                listener.open(out);
                self.add_listener(listener);
            }
            Err(errno) => self.refuse(asker, errno, "", query.data.as_deref(), out),
        }
    }

    /// The listener is there or on its way.
    fn join(&mut self, at: usize, asker: Asker, query: &Query, out: &mut Output) {
        let Some(listener) = self.listeners.get_mut(at) else { return };
        if listener.is_used_by(asker.worker) {
            let user = listener.user(asker.worker);
            if user.is_some_and(|user| user.asked == Some(asker.ack)) {
                self.answer(at, asker, out);
                return self.carry_out(out);
            }
            if query.index != 0 {
                let data = listener.data.clone().or_else(|| query.data.clone());
                return self.refuse(asker, EADDRINUSE, "", data.as_deref(), out);
            }
            // A worker numbers its servers at one address. Before the first one it has nothing
            // there: that it closed what it had was lost, with its daemon and keeper.
            listener.remove(asker.worker);
        }
        if listener.data.is_none() {
            listener.data.clone_from(&query.data);
        }
        if self.disagrees(at, asker.worker, out) {
            return self.refuse(asker, EADDRINUSE, "", query.data.as_deref(), out);
        }
        let group = self.group_of(asker.worker);
        let policy = group.map(|group| self.policy(group));
        let Some(listener) = self.listeners.get_mut(at) else { return };
        if let Some(policy) = policy.filter(|_| listener.groups.is_empty() && listener.is_open()) {
            // Only workers that leave had it: its connections are spread as its new app says.
            self.balance.set_policy(listener.id, policy);
        }
        listener.groups.extend(group.filter(|group| !listener.groups.contains(group)));
        match &mut listener.state {
            State::Waiting { askers, .. } | State::Opening { askers } => askers.push(asker),
            State::Open { .. } => self.answer_all(at, &[asker], out),
        }
    }

    /// Gives the askers the listener and answers them. What we must know after our death is stored
    /// before a worker hears of it, and the answer goes out before the worker's first connection.
    fn answer_all(&mut self, at: usize, askers: &[Asker], out: &mut Output) {
        let Some(listener) = self.listeners.get_mut(at) else { return };
        let by_kernel = self.balance.policy(listener.id) == Some(Policy::Shared);
        for Asker { worker, ack } in askers.iter().copied() {
            let Some(options) = self.workers.get(&worker).map(|found| found.options) else {
                continue;
            };
            let shared = listener.kind.is_udp() || (by_kernel && options.shared_ok);
            listener.was_handed_out |= shared;
            listener.users.push(User { worker, shared, asked: Some(ack) });
            if !shared {
                let place = listener.id.place(options.group, options.slot);
                self.balance.join(listener.id, worker, place);
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
        let Some(worker) = self.workers.get(&asker.worker) else { return };
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

    /// The worker closed a server. When the last one of its app that is not leaving does so, the
    /// app wants the socket closed.
    pub(super) fn on_close(
        &mut self,
        now: Millis,
        worker: WorkerId,
        key: &str,
        seq: Option<i64>,
        out: &mut Output,
    ) {
        let Some(at) = self.listeners.iter().position(|listener| listener.name == key) else {
            return;
        };
        let Some(found) = self.workers.get(&worker) else { return };
        let (by_will, group) = (found.is_active(), found.options.group);
        let Some(listener) = self.listeners.get_mut(at) else { return };
        let asked = listener.user(worker).and_then(|user| user.asked);
        if asked.zip(seq).is_some_and(|(asked, seq)| seq < asked) {
            // It is read again after our predecessor's death, and was obeyed: the worker has asked
            // for the same listener since.
            return;
        }
        if !listener.remove(worker) {
            return;
        }
        let listener = listener.id;
        if by_will && !self.is_wanted_by(at, group) {
            self.let_go(now, at, group, out);
        } else {
            out.push(Command::ListenerMetaChanged { listener });
            self.close_unwanted(now, at, out);
        }
        self.balance.leave(listener, worker);
        self.carry_out(out);
    }
}
