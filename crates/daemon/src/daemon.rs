//! The daemon: its parts, and the loop in which everything happens.
//!
//! One thread. Sources of events (keeper, clients, channels, listeners, log engine, signals, time)
//! are polled together; each is turned into calls of the pure machines; what these decide is
//! carried out in order, after what must survive has been saved. Nothing here waits for anything
//! but the poll.

mod cluster;
mod due;
mod ending;
mod keeper;
mod output;
mod spawning;
mod stopping;

use std::os::fd::OwnedFd;
use std::path::Path;
use std::rc::Rc;

use ostler_core::{Action, Millis};
use ostler_keeper::failpoint::hit;
use ostler_poll::{Events, Poll, Waker, Watched};
use ostler_wire::control;

use crate::clients::Clients;
use crate::config::Config;
use crate::deciding::{Deciding, Ending};
use crate::keeper::Keeper;
use crate::logs::Logs;
use crate::mailbox::{FromThread, Mailbox};
use crate::node::Node;
use crate::probes::Said;
use crate::reports::{Report, Reports};
use crate::runs::Runs;
use crate::tokens::Source;
use crate::{clock, logbook};

/// The daemon.
pub(crate) struct Daemon {
    pub(crate) config: Config,
    pub(crate) model: Deciding,
    pub(crate) keeper: Keeper,
    pub(crate) clients: Clients,
    pub(crate) runs: Runs,
    pub(crate) node: Node,
    pub(crate) logs: Logs,
    inbox: Inbox,
    /// What the parts have told and is not taken up yet.
    reports: Reports,
    /// When output that cannot be written is not waited for any more, at the end of everything.
    output_by: Option<Millis>,
}

/// Where the loop hears of things that concern no part alone.
struct Inbox {
    poll: Rc<Poll<Source>>,
    signals: Watched<OwnedFd>,
    mailbox: Mailbox<FromThread>,
}

/// What a daemon is made of.
pub(crate) struct Parts {
    pub(crate) keeper: Keeper,
    pub(crate) clients: Clients,
    pub(crate) runs: Runs,
    pub(crate) node: Node,
    pub(crate) logs: Logs,
    pub(crate) signals: Watched<OwnedFd>,
    pub(crate) waker: Waker,
    pub(crate) poll: Rc<Poll<Source>>,
}

impl Daemon {
    /// Puts the parts together.
    pub(crate) fn new(config: Config, parts: Parts) -> Self {
        let Parts { keeper, clients, runs, node, logs, signals, waker, poll } = parts;
        Self {
            config,
            model: Deciding::new(),
            keeper,
            clients,
            runs,
            node,
            logs,
            inbox: Inbox { poll, signals, mailbox: Mailbox::new(waker) },
            reports: Reports::new(),
            output_by: None,
        }
    }

    /// The home directory.
    pub(crate) fn home(&self) -> &Path {
        &self.config.home
    }

    /// Whether it goes now.
    pub(crate) fn is_over(&self) -> bool {
        self.model.ending == Ending::Now
    }

    /// Runs until it is told to go.
    pub(crate) fn run(&mut self) -> std::io::Result<()> {
        let mut events = Events::with_capacity(256);
        // What the keeper said right after its inventory was read together with it: no poll tells
        // of it again.
        self.on_keeper();
        self.work();
        while !self.is_over() {
            self.inbox.poll.wait(&mut events, self.deadline())?;
            for event in events.iter() {
                self.on_ready(event.token, event.ready.is_readable());
            }
            self.on_time();
            self.work();
        }
        self.keeper.flush_link();
        Ok(())
    }

    fn on_ready(&mut self, source: Source, readable: bool) {
        match source {
            Source::Keeper => self.on_keeper(),
            Source::Control => self.clients.accept(&mut self.reports),
            Source::Client(number) => {
                self.clients.on_ready(number, readable);
                self.serve();
                self.clients.flush_one(number, &mut self.reports);
            }
            Source::Channel(run) => {
                let (node, mut parts) = self.node();
                node.on_channel(run, readable, &mut parts);
            }
            Source::Listener(listener) => {
                let (node, mut parts) = self.node();
                node.on_listener(listener, &mut parts);
            }
            Source::Signals => self.on_signals(),
            Source::Waker => self.on_wake(),
            Source::Descendant(pid) => self.runs.on_descendant(pid, &mut self.reports),
            Source::Inotify => self.runs.on_inotify(&mut self.reports),
            Source::Guard => self.node.on_guard(),
        }
        self.take_reports();
    }

    /// Lets the machine take what has come, carries out what it decides, tells who waits for it,
    /// until nothing is left.
    fn work(&mut self) {
        loop {
            let now = clock::monotonic();
            self.serve();
            self.take_reports();
            let mut out = Vec::new();
            while let Some(event) = self.model.events.pop_front() {
                self.model.core.handle(now, event, &mut out);
            }
            self.model.actions.extend(out);
            let unsaved = self.model.dirty && !self.is_over();
            let finished = self.runs.deferred() == 0 || self.defers_cleanup();
            let idle = self.model.actions.is_empty() && self.model.touched.is_empty();
            if idle && finished && !unsaved {
                break;
            }
            if !self.is_over() {
                self.save_if_dirty();
            }
            while let Some(action) = self.model.actions.pop_front() {
                self.carry_out(now, action);
            }
            self.advance_jobs();
            if !self.defers_cleanup() {
                self.finish_exited();
            }
        }
        self.clients.publish_own();
        self.keeper.watch_link();
        self.flush_clients();
        // Not later: a daemon that is killed must have told of every end that it acted on.
        logbook::flush();
    }

    /// Carries out one action of the core's.
    fn carry_out(&mut self, now: Millis, action: Action) {
        let (before, after) = places(&action);
        hit(before);
        match action {
            Action::Spawn { proc, run, spec } => self.spawn(now, proc, run, spec),
            Action::Disconnect(run) => self.disconnect(run),
            Action::Terminate(run) => self.terminate(run),
            Action::Kill(run) => self.kill(run),
            Action::Sweep(run) => self.sweep(run),
            Action::Probe(run) => self.probe(run),
            Action::Note { run } => self.note(run),
            Action::Tell(notice) => self.tell(notice),
        }
        hit(after);
    }

    /// Works on the requests of clients, one after the other.
    fn serve(&mut self) {
        while let Some((client, request)) = self.clients.next_request(&mut self.reports) {
            hit("request.before");
            self.on_request(client, request);
            hit("request.after");
            self.take_reports();
        }
    }

    /// Takes up what the parts have told.
    pub(crate) fn take_reports(&mut self) {
        while let Some(report) = self.reports.pop_front() {
            match report {
                Report::Core(event) => self.model.events.push_back(event),
                Report::Listening(run) => self.on_listening(run),
                Report::OrphansGone { run, spec, pid } => self.on_orphans_gone(run, spec, pid),
                Report::Released(run) => self.on_released(run),
                Report::AppError { app, text } => {
                    logbook::error(format!("app [{}] {text}", self.app_name(app)));
                }
                Report::ClientGone { client, watched } => {
                    if watched {
                        self.logs.engine().unsubscribe(client as u64);
                    }
                    self.drop_jobs(client);
                }
                Report::Reply { client, reply } => self.reply(client, &reply),
                Report::Upgraded { client } => self.make_room(client),
            }
        }
    }

    /// Sends what was said to clients.
    pub(crate) fn flush_clients(&mut self) {
        self.clients.flush(&mut self.reports);
        self.take_reports();
    }

    /// Tells a client something on the way to its reply.
    pub(crate) fn event(&mut self, client: usize, event: &control::Event) {
        self.clients.event(client, event);
    }

    /// Ends a client's request.
    pub(crate) fn reply(&mut self, client: usize, reply: &control::Reply) {
        self.clients.reply(client, reply);
    }

    fn on_wake(&mut self) {
        self.on_log_events();
        while let Some(message) = self.inbox.mailbox.try_recv() {
            match message {
                FromThread::Tried(result) => self.keeper.on_tried(result, &mut self.reports),
                FromThread::Probe(Said::Connect(run, listener, fd)) => {
                    let (node, mut parts) = self.node();
                    node.send_probe_connection(run, listener, fd, &mut parts);
                }
                FromThread::Probe(Said::End(run, result)) => self.on_probed(run, result),
            }
        }
    }
}

/// Where a test may kill this process.
fn places(action: &Action) -> (&'static str, &'static str) {
    match action {
        Action::Spawn { .. } => ("spawn.before", "spawn.after"),
        Action::Disconnect(_) => ("disconnect.before", "disconnect.after"),
        Action::Terminate(_) | Action::Kill(_) | Action::Sweep(_) => {
            ("terminate.before", "terminate.after")
        }
        Action::Probe(_) | Action::Note { .. } => ("note.before", "note.after"),
        Action::Tell(_) => ("tell.before", "tell.after"),
    }
}
