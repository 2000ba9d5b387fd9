//! What applications say over their channels.

use std::os::fd::OwnedFd;

use ostler_cluster::{HandleId, Received, WorkerId};
use ostler_core::{AppId, Event, RunId};
use ostler_keeper::failpoint::hit;
use ostler_pm2::in_app::may_be_kept;
use ostler_poll::Ready;
use ostler_wire::node::{self, Framer, Incoming, Mark, Message};

use super::{Node, Parts};
use crate::model::Input;
use crate::profiles::is_done;
use crate::reports::{Report, Reports};
use crate::{clock, daemon_log, in_app};

impl Node {
    /// An application's channel has something to read or takes bytes again.
    pub fn on_channel(&mut self, run: RunId, ready: Ready, parts: &mut Parts<'_>) {
        let Some(channel) = parts.runs.channel(run) else { return };
        if ready.is_hangup() {
            channel.note_hangup();
        }
        if channel.is_blocked() {
            channel.flush();
            if !channel.is_blocked() {
                self.ask(run, |primary, worker, out| {
                    primary.handle_backpressure(worker, false, out);
                });
                self.work(parts);
            }
        }
        if ready.is_readable() {
            self.read_channel(run, parts);
        }
    }

    /// Reads what an application said.
    pub(super) fn read_channel(&mut self, run: RunId, parts: &mut Parts<'_>) {
        // What is in front is not answered yet.
        if self.unanswered.contains_key(&run) {
            return;
        }
        let mut buffer = std::mem::take(&mut self.read_buffer);
        if let Some(seen) = parts.runs.channel(run).map(|channel| channel.peek(&mut buffer)) {
            self.on_messages(run, parts);
            hit("channel.handled");
            if self.primary.is_asking(WorkerId(run.0)) {
                self.unanswered.insert(run, seen);
            } else {
                if let Some(channel) = parts.runs.channel(run) {
                    channel.consume(&mut buffer, seen);
                }
                if seen.closed {
                    self.on_channel_closed(run, parts);
                }
                if seen.more {
                    // An application may write as fast as we read.
                    self.unread.insert(run);
                }
            }
        }
        self.read_buffer = buffer;
    }

    /// Whether a channel may hold more than was read in this turn.
    pub fn wants_turn(&self) -> bool {
        !self.unread.is_empty()
    }

    /// Reads on where a channel may hold more than was read in the last turn.
    pub fn begin_turn(&mut self, parts: &mut Parts<'_>) {
        for run in std::mem::take(&mut self.unread) {
            self.read_channel(run, parts);
        }
    }

    fn on_channel_closed(&mut self, run: RunId, parts: &mut Parts<'_>) {
        parts.runs.close_channel(run);
        self.ask(run, |primary, worker, out| primary.handle_eof(clock::monotonic(), worker, out));
        self.work(parts);
        if !parts.runs.ends_by_itself(run) {
            parts.reports.push_back(Report::Core(Event::Disconnected(run)));
        }
    }

    /// An application is dead: reads what it said last, and closes its channel.
    pub fn close_channel(&mut self, run: RunId, parts: &mut Parts<'_>) {
        self.take_out(run, parts);
        if let Some(channel) = parts.runs.channel(run) {
            channel.drain(&mut self.read_buffer);
            self.on_messages(run, parts);
        }
        parts.runs.close_channel(run);
        self.ask(run, |primary, worker, out| {
            primary.handle_worker_gone(clock::monotonic(), worker, out);
        });
        self.work(parts);
        self.workers.remove(&run);
    }

    /// Handles every whole message that was read from a channel.
    fn on_messages(&mut self, run: RunId, parts: &mut Parts<'_>) {
        let cluster = parts.runs.get(run).is_some_and(|held| held.is_cluster());
        let Some(channel) = parts.runs.channel(run) else { return };
        let mut framer = std::mem::take(&mut channel.framer);
        let mark = framer.mark();
        if cluster {
            self.worker_messages(run, &mut framer, parts);
        } else {
            fork_messages(run, self.heard, &mut framer, parts);
        }
        if mark != framer.mark() {
            let mark = framer.mark();
            self.ask(run, |primary, worker, _| primary.set_mark(worker, mark));
        }
        if let Some(channel) = parts.runs.channel(run) {
            channel.framer = framer;
        }
    }

    fn worker_messages(&mut self, run: RunId, framer: &mut Framer<OwnedFd>, parts: &mut Parts<'_>) {
        let Some(app) = self.workers.get(&run).copied() else { return };
        let now = clock::monotonic();
        while let Some(mut message) = framer.next_message() {
            let received = match message.fd.take() {
                Some(node::Received::Fd(fd)) => Received::Fd(self.add_handle(fd)),
                Some(node::Received::Missing) => Received::Missing,
                None if message.wants_ack => Received::Missing,
                None => Received::Nothing,
            };
            if let Some(text) = self.complaint(app, &message) {
                parts.reports.push_back(Report::AppError { app, text });
            }
            let worker = WorkerId(run.0);
            self.primary.handle_message(now, worker, &message.incoming, received, &mut self.queue);
            self.work(parts);
        }
    }

    /// What is to be told of a worker that asks for a descriptor by a number that means nothing: it
    /// would be one of ours.
    fn complaint(&self, app: AppId, message: &Message<'_, OwnedFd>) -> Option<String> {
        let Incoming::QueryServer { query, .. } = &message.incoming else { return None };
        let number = query.fd?;
        let table = self.fds.get(&app);
        let may_name = number < 0
            || u32::try_from(number)
                .is_ok_and(|number| table.is_some_and(|table| table.contains_key(&number)));
        (!may_name).then(|| {
            format!(
                "asked to listen on descriptor {number}, which means nothing here: it got EINVAL; \
                 say what it means in `fds`, such as `fds: {{ \"{number}\": \"127.0.0.1:8080\" }}`"
            )
        })
    }

    /// Takes in a descriptor that an app sent.
    fn add_handle(&mut self, fd: OwnedFd) -> HandleId {
        self.next_handle += 1;
        let id = HandleId(self.next_handle);
        self.handles.insert(id, fd);
        id
    }
}

/// Handles what a plain process with a channel says: messages only, and descriptors that
/// nobody asked for.
fn fork_messages(run: RunId, heard: bool, framer: &mut Framer<OwnedFd>, parts: &mut Parts<'_>) {
    while let Some(message) = framer.next_message() {
        match &message.incoming {
            Incoming::User(text) => on_user_message(run, text, heard, parts.reports),
            Incoming::Garbage(_) => {
                daemon_log::error(format!(
                    "run {} wrote something that is no IPC message to its channel",
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
            parts.runs.send(run, &bytes);
        }
    }
}

/// `heard`: somebody wants to hear what apps say.
pub(super) fn on_user_message(run: RunId, text: &str, heard: bool, reports: &mut Reports) {
    if text == "\"ready\"" {
        reports.push_back(Report::Core(Event::ReadyMessage(run)));
    } else if let Some(count) = in_app::rejections(text) {
        reports.push_back(Report::Model(Input::Rejections { run, count }));
    } else if let Some(version) = in_app::node_version(text) {
        let version = version.to_owned();
        return reports.push_back(Report::Model(Input::NodeVersion { run, version }));
    }
    if is_done(text) {
        return reports.push_back(Report::Profiled { run, text: text.to_owned() });
    }
    if heard || may_be_kept(text) {
        reports.push_back(Report::Said { run, text: text.to_owned() });
    }
}
