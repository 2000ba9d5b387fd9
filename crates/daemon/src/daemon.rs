//! The daemon: everything it knows, and the loop in which everything happens.
//!
//! One thread. Sources of events (keeper, clients, channels, listeners, log engine, signals, time)
//! are polled together; each is turned into calls of the pure machines; what these decide is
//! carried out in order, after what must survive has been saved. Nothing here waits for anything
//! but the poll.

use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::OwnedFd;
use std::rc::Rc;

use ostler_core::{AppId, ProcId, RunId};
use ostler_poll::{Events, Poll, Watched};

use crate::clients::Clients;
use crate::cluster::Cluster;
use crate::config::Config;
use crate::courtesy::Courtesy;
use crate::decisions::Decisions;
use crate::guard::Guard;
use crate::keeper::Keeper;
use crate::logbook;
use crate::logs::Logs;
use crate::mailbox::{FromThread, Mailbox};
use crate::model::Input;
use crate::probes::Said;
use crate::reports::{Report, Reports};
use crate::runs::Run;
use crate::saver::Saver;
use crate::tokens::Source;
use crate::tree::Groups;

mod due;
mod ending;
mod keeper;
mod output;

/// Everything.
pub(crate) struct Daemon {
    pub config: Config,
    pub model: Decisions,
    pub saver: Saver,
    pub poll: Rc<Poll<Source>>,
    pub keeper: Keeper,
    /// Keeps accepted connections when we die.
    pub guard: Guard,
    /// Workers on trial that let others go first.
    pub courtesy: Courtesy,
    pub runs: BTreeMap<RunId, Run>,
    pub cluster: Cluster,
    pub logs: Logs,
    pub clients: Clients,
    pub mailbox: Mailbox<FromThread>,
    pub reports: Reports,
    pub groups: Option<Groups>,
    /// Tells when control groups are empty: watch → run.
    pub inotify: Watched<OwnedFd>,
    pub watches: BTreeMap<i32, RunId>,
    /// Marks processes of this home in their environment.
    pub mark: String,
    /// Runs that ended in this round: what is left of them is seen to after their successors were
    /// started.
    pub dead: Vec<RunId>,
    /// What was made ready for the next runs of slots whose runs crash.
    pub prepared: BTreeMap<ProcId, crate::environment::Prepared>,
    pub signals: Watched<OwnedFd>,
    pub window: Vec<u8>,
    /// Until then the last output of ended runs is waited for at the end of everything.
    pub output_by: Option<u64>,
    /// Decisions of restored primaries that wait for the channels.
    pub pending_cluster: Vec<(AppId, ostler_cluster::Output)>,
    /// Runs whose descriptors are to be asked for again: there was no room for them.
    pub refetch: BTreeSet<RunId>,
    /// When to try again what failed for want of descriptors.
    pub retry_at: Option<u64>,
    /// Dead runs whose descendants are to be looked for then.
    pub relook: BTreeSet<RunId>,
}

/// So many dead runs do not wait.
const MOST_DEAD: usize = 64;

impl Daemon {
    /// Whether what is left of dead runs waits.
    fn bury_later(&self) -> bool {
        self.keeper.starting_until().is_some() && self.dead.len() < MOST_DEAD
    }

    /// Runs until it is told to go.
    pub fn run(&mut self) -> std::io::Result<()> {
        let mut events = Events::with_capacity(256);
        // What the keeper said right after its inventory was read together with it: no poll tells
        // of it again.
        self.on_keeper();
        self.work();
        while !self.model.is_gone() {
            self.poll.wait(&mut events, self.deadline())?;
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
            Source::Channel(run) => self.on_channel(run, readable),
            Source::Listener(listener) => self.on_listener(listener),
            Source::Signals => self.on_signals(),
            Source::Waker => self.on_wake(),
            Source::Descendant(pid) => self.on_descendant(pid),
            Source::Inotify => self.on_inotify(),
            Source::Guard => self.guard.bury(),
        }
        self.take_reports();
    }

    /// Lets the machine take what has come, carries out what it decides, tells who waits for it,
    /// until nothing is left.
    pub fn work(&mut self) {
        loop {
            self.serve();
            self.model.decide();
            self.save();
            let deferred = self.dead.is_empty() || self.bury_later();
            if deferred && !self.model.has_effects() {
                break;
            }
            while let Some(effect) = self.model.next_effect() {
                self.carry_out(effect);
            }
            if !self.bury_later() {
                self.bury();
            }
        }
        self.end_if_over();
        self.clients.publish_own();
        self.keeper.watch_link();
        self.flush_clients();
        // Not later: a daemon that is killed must have told of every end that it acted on.
        logbook::flush();
    }

    /// Takes up what the parts have told.
    pub fn take_reports(&mut self) {
        while let Some(report) = self.reports.pop_front() {
            match report {
                Report::ClientGone { client, watched } => self.on_client_gone(client, watched),
                Report::Reply { client, reply } => self.reply(client, &reply),
                Report::Upgraded { client } => self.make_room(client),
            }
        }
    }

    /// Sends what was said to clients.
    pub fn flush_clients(&mut self) {
        self.clients.flush(&mut self.reports);
        self.take_reports();
    }

    fn on_wake(&mut self) {
        self.on_log_events();
        while let Some(message) = self.mailbox.try_recv() {
            match message {
                FromThread::Tried(result) => self.keeper.on_tried(result, &mut self.reports),
                FromThread::Saver(done) => self.on_saver(done),
                FromThread::Probe(Said::Connect(run, listener, fd)) => {
                    self.send_probe_connection(run, listener, fd);
                }
                FromThread::Probe(Said::End(run, result)) => self.on_probed(run, result),
            }
        }
    }

    fn on_probed(&mut self, run: RunId, result: Result<(), String>) {
        if let Some(held) = self.runs.get_mut(&run) {
            held.probing = false;
        }
        self.model.push(Input::Probed { run, result });
    }
}
