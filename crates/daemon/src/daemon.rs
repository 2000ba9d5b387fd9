//! The daemon: its parts, and the loop in which everything happens.
//!
//! One thread. Sources of events (keeper, clients, channels, listeners, log engine, signals, time)
//! are polled together; each is turned into calls of the pure machines; what these decide is
//! carried out in order, after what must survive has been saved. Nothing here waits for anything
//! but the poll.

mod actions;
mod calls;
mod due;
mod effects;
mod ending;
mod home;
mod hooks;
mod keeper;
mod last_lines;
mod listening;
mod output;
mod own_lines;
mod reports;
mod requests;
mod succession;
mod takeover;
mod talk;

use std::os::fd::OwnedFd;
use std::rc::Rc;

use ostler_poll::{Events, Poll, Ready, Watched};

use crate::alerts::Alerts;
use crate::budget::Capacity;
use crate::bus::Bus;
use crate::calendar::Calendar;
use crate::clients::Clients;
use crate::config::Config;
use crate::decisions::Decisions;
use crate::driver::Driver;
use crate::foreground::Foreground;
use crate::from_thread::FromThread;
use crate::home::Watch;
use crate::hooks::Hooks;
use crate::keeper::Keeper;
use crate::logs::Logs;
use crate::mailbox::Mailbox;
use crate::model::Input;
use crate::node::Node;
use crate::notify::Notify;
use crate::probes::ProbeMessage;
use crate::profiles::Profiles;
use crate::reports::Reports;
use crate::rest::Rest;
use crate::rpc::Rpc;
use crate::runs::Runs;
use crate::saver::Saver;
use crate::state_file::StateFile;
use crate::tokens::Polled;
use crate::watched_files::WatchedFiles;
use crate::{clock, daemon_log, tokens};
use actions::Actions;
use last_lines::LastLines;

/// The length of our own log is looked at when so much was written into it, bytes.
const BOUND_AFTER: usize = 64 << 10;

/// How long one turn of work may take, ms.
const SLICE: u64 = 20;

/// The daemon, made of parts.
pub(crate) struct Daemon {
    config: Config,
    model: Decisions,
    /// What a successor must know.
    state: StateFile,
    /// Writes and reads the saved list.
    saver: Saver,
    keeper: Keeper,
    clients: Clients,
    rpc: Rpc,
    bus: Bus,
    home: Watch,
    runs: Runs,
    node: Node,
    logs: Logs,
    notify: Notify,
    inbox: Inbox,
    /// What the parts have told and is not taken up yet.
    reports: Reports,
    /// Who waits for what a run wrote last.
    last_lines: LastLines,
    calendar: Calendar,
    files: WatchedFiles,
    profiles: Profiles,
    /// Who is told of alerts.
    alerts: Alerts,
    /// Who waits for the answer to an action.
    actions: Actions,
    /// Commands of apps that are under way.
    hooks: Hooks,
    /// Bytes written into our own log since its length was looked at.
    unbounded: usize,
    /// When the daemon began, ms since 1970.
    since: u64,
    rest: Rest,
}

/// Where the loop hears of things that concern no part alone.
pub(crate) struct Inbox {
    pub(crate) poll: Rc<Poll<Polled>>,
    pub(crate) signals: Watched<OwnedFd>,
    pub(crate) mailbox: Mailbox<FromThread>,
    pub(crate) foreground: Foreground,
}

/// What a daemon is made of.
pub(crate) struct Parts {
    pub(crate) model: Decisions,
    pub(crate) state: StateFile,
    pub(crate) saver: Saver,
    pub(crate) keeper: Keeper,
    pub(crate) clients: Clients,
    pub(crate) rpc: Rpc,
    pub(crate) bus: Bus,
    pub(crate) home: Watch,
    pub(crate) runs: Runs,
    pub(crate) node: Node,
    pub(crate) logs: Logs,
    pub(crate) notify: Notify,
    pub(crate) inbox: Inbox,
}

impl Daemon {
    /// Puts the parts together.
    pub(crate) fn new(config: Config, parts: Parts) -> Self {
        let Parts { mut model, state, saver, keeper, clients, rpc, bus, .. } = parts;
        let Parts { home, runs, node, logs, notify, inbox, .. } = parts;
        let calendar = Calendar::new(Rc::clone(&inbox.poll));
        let alerts = Alerts::new(&config.home, logs.alerts().clone());
        model.push(Input::HomeTold(alerts.is_home_told()));
        Self {
            config,
            model,
            state,
            saver,
            keeper,
            clients,
            rpc,
            bus,
            home,
            runs,
            node,
            logs,
            notify,
            inbox,
            reports: Reports::new(),
            last_lines: LastLines::default(),
            calendar,
            files: WatchedFiles::default(),
            profiles: Profiles::default(),
            alerts,
            actions: Actions::default(),
            hooks: Hooks::default(),
            unbounded: BOUND_AFTER,
            since: clock::wall(),
            rest: Rest::after_work(clock::monotonic()),
        }
    }

    /// The parts that runs concern, with the model to look at.
    fn driver(&mut self) -> Driver<'_> {
        Driver {
            model: self.model.model(),
            keeper: &mut self.keeper,
            runs: &mut self.runs,
            node: &mut self.node,
            logs: &self.logs,
            notify: &mut self.notify,
            mailbox: &self.inbox.mailbox,
            reports: &mut self.reports,
        }
    }

    /// Runs until it is told to go.
    pub(crate) fn run(&mut self) -> std::io::Result<()> {
        let mut events = Events::with_capacity(256);
        // What the keeper said right after its inventory was read together with it: no poll tells
        // of it again.
        self.on_keeper();
        self.alerts.resume(self.model.registry(), &self.inbox.mailbox);
        self.work();
        while !self.model.is_gone() {
            self.inbox.poll.wait(&mut events, self.deadline())?;
            // What the last turn left comes after all others had theirs.
            self.clients.begin_turn();
            self.rpc.begin_turn();
            let mut driver = self.driver();
            let (node, mut parts) = driver.node();
            node.begin_turn(&mut parts);
            if self.logs.begin_turn() {
                self.on_log_events();
            }
            self.take_reports();
            let mut worked = false;
            for event in tokens::connections_last(&events) {
                worked |= event.token != Polled::Keeper;
                self.on_ready(event.token, event.ready);
                if self.model.is_gone() {
                    break;
                }
            }
            if !self.model.is_gone() {
                self.on_time();
                self.work();
            }
            let worked = worked || self.model.take_worked();
            let looked = self.model.take_looked();
            if self.rest.end_turn(worked, clock::monotonic()) && !looked {
                ostler_keeper::release_program_pages();
            }
        }
        self.keeper.flush_link();
        Ok(())
    }

    /// Gives everything back but the connections of clients: those that wait for our end take the
    /// end of their connection for it, so it comes with the end of the process.
    pub(crate) fn end(self) {
        let Self { clients, .. } = self;
        std::mem::forget(clients);
    }

    fn on_ready(&mut self, source: Polled, ready: Ready) {
        match source {
            Polled::Keeper => self.on_keeper(),
            Polled::Control => self.clients.accept(&mut self.reports),
            Polled::Client(number) => {
                self.clients.on_ready(number, ready.is_readable());
                self.serve();
                self.clients.flush_one(number, &mut self.reports);
            }
            Polled::Channel(run) => {
                let mut driver = self.driver();
                let (node, mut parts) = driver.node();
                node.on_channel(run, ready, &mut parts);
            }
            Polled::Listener(listener) => {
                let mut driver = self.driver();
                let (node, mut parts) = driver.node();
                node.on_listener(listener, &mut parts);
            }
            Polled::Signals => self.on_signals(),
            Polled::Foreground => self.on_foreground_end(),
            Polled::Waker => self.on_wake(),
            Polled::Descendant(pid) => self.runs.on_descendant(pid),
            Polled::Inotify => self.runs.on_inotify(&mut self.reports),
            Polled::Guard => self.node.on_guard(),
            Polled::Home => self.home.rest(),
            Polled::Calendar => {
                if let Some(input) = self.calendar.on_ready() {
                    self.logs.on_calendar(matches!(input, Input::ClockSet));
                    self.model.push(input);
                }
            }
            Polled::Notify => self.driver().hear(),
            Polled::Rpc => self.rpc.accept(),
            Polled::Caller(number) => self.rpc.on_ready(number, ready.is_readable()),
            Polled::Bus => self.bus.accept(&mut self.reports),
            Polled::Subscriber(number) => {
                self.bus.on_ready(number, ready.is_readable(), &mut self.reports);
            }
        }
        self.take_reports();
    }

    /// Lets the machine take what has come, carries out what it decides, tells who waits for
    /// it, until nothing is left, or for [`SLICE`]: what takes longer goes on after all others
    /// had their turn.
    fn work(&mut self) {
        let until = clock::monotonic() + SLICE;
        loop {
            self.serve();
            self.serve_calls();
            let mut driver = self.driver();
            let (node, mut parts) = driver.node();
            node.read_on(&mut parts);
            self.driver().walk();
            self.take_reports();
            if self.model.is_gone() {
                break; // Somebody else decides now.
            }
            self.model.set_capacity(Capacity::now(self.node.count_listeners()));
            self.model.decide();
            self.model.save(&mut self.state);
            if self.state.take_owed() {
                self.home.rest();
            }
            let finished = self.runs.deferred() == 0 || self.driver().defers_cleanup();
            if finished && !self.model.has_effects() {
                break;
            }
            let mut is_over = false;
            while !is_over && let Some(effect) = self.model.next_effect() {
                self.carry_out(effect);
                is_over = until <= clock::monotonic();
            }
            if is_over && self.model.has_effects() {
                break;
            }
            let mut driver = self.driver();
            if !driver.defers_cleanup() {
                driver.finish_exited();
            }
        }
        if !self.model.has_effects() && !self.model.is_gone() {
            self.keeper.send_released();
        }
        self.actions.look(self.model.model(), &self.runs, &mut self.clients);
        self.driver().shorten_starts();
        let times = [self.model.model().scheduled_for(), self.logs.period()];
        self.calendar.wake_at(times.into_iter().flatten().min());
        self.node.set_warming(self.model.core().is_replacing());
        self.end_if_over();
        own_lines::publish(&mut self.clients, &mut self.bus);
        self.keeper.watch_link();
        // Not later: who is answered finds what was done in the log, and a daemon that is killed
        // must have told of every end that it acted on.
        daemon_log::flush();
        self.flush_clients();
        daemon_log::flush();
        self.unbounded += daemon_log::take_written();
        if BOUND_AFTER < self.unbounded {
            self.unbounded = 0;
            if crate::home::bound_log(&self.config.home) {
                self.logs.on_rotated();
            }
        }
    }

    /// Sends what was said to clients.
    fn flush_clients(&mut self) {
        self.clients.flush(&mut self.reports);
        self.rpc.flush(&mut self.reports);
        self.bus.flush(&mut self.reports);
        self.take_reports();
    }

    fn on_wake(&mut self) {
        self.on_log_events();
        while let Some(message) = self.inbox.mailbox.try_recv() {
            match message {
                FromThread::Tried(result) => self.keeper.on_tried(result, &mut self.reports),
                FromThread::Probe(ProbeMessage::Connect(run, listener, fd)) => {
                    let mut driver = self.driver();
                    let (node, mut parts) = driver.node();
                    node.send_probe_connection(run, listener, fd, &mut parts);
                }
                FromThread::Probe(ProbeMessage::Ready(run)) => {
                    self.model.report(ostler_core::Event::ReadyMessage(run));
                }
                FromThread::Probe(ProbeMessage::Looked(run, result)) => {
                    self.model.push(Input::Checked { run, result });
                }
                FromThread::Probe(ProbeMessage::End(run, result)) => {
                    self.driver().on_probed(run, result);
                }
                FromThread::Hook(done) => self.on_hook_done(done),
                FromThread::Walked(walked) => self.runs.on_walked(walked, &mut self.reports),
                FromThread::Cleared(runs) => self.driver().on_cleared(runs),
                FromThread::Watched(news) => self.model.push(self.files.on_news(news)),
                FromThread::Saver(done) => {
                    self.saver.on_done(done, &self.inbox.mailbox, &mut self.reports);
                    self.home.watch();
                }
                FromThread::Alerted(number) => {
                    if self.alerts.on_taken(number) {
                        self.model.push(Input::Alerted(number));
                    }
                }
                FromThread::Found(found) => {
                    let input = self.alerts.on_found(found);
                    self.model.push(input);
                }
                FromThread::Cared(done) => self.logs.on_cared(done, &self.inbox.mailbox),
            }
        }
    }
}
