//! Requests of clients: those that need no decision are answered here, all others go to the model.

use ostler_core::ProcId;
use ostler_keeper::failpoint::hit;
use ostler_logs::Filter;
use ostler_wire::control::{Action, Reply, Request, VERSION};

use super::Daemon;
use crate::budget::Capacity;
use crate::clients::Watching;
use crate::model::{ClientId, Input, closing, is_answered_to_the_end};
use crate::profiles::Wanted;
use crate::{clock, daemon_log, gone, home};

impl Daemon {
    /// Works on the requests of clients, one after the other.
    pub(super) fn serve(&mut self) {
        while let Some((client, request)) = self.clients.next_request(&mut self.reports) {
            hit("request.before");
            self.on_request(client, request);
            hit("request.after");
            self.take_reports();
        }
    }

    pub(super) fn on_request(&mut self, client: usize, request: Request) {
        if self.model.model().known().is_closing() && !is_answered_to_the_end(&request) {
            return self.reply(client, &Reply::Error(closing()));
        }
        match request {
            Request::Hello => {
                let reply = Reply::Hello {
                    protocol: VERSION,
                    version: self.config.version.to_owned(),
                    pid: std::process::id(),
                    keeper_pid: self.keeper.pid(),
                };
                self.reply(client, &reply);
            }
            Request::Logs { ids, out, err, events, own, confirm, patient, places } => {
                let ids = if ids.is_empty() { None } else { Some(ids) };
                let watching = Watching { ids: ids.clone(), events, own, confirm, patient };
                self.clients.watch(client, watching);
                let filter = Filter { ids, out, err, patient, places };
                self.logs.engine().subscribe(client as u64, filter);
            }
            Request::LastLines { id } => {
                self.last_lines.ask(client, ProcId(id), &self.runs, &mut self.clients);
            }
            Request::Talk { ids, talk } => self.talk(client, &ids, talk),
            Request::Flush { ids } => {
                if ids.is_empty()
                    && let Err(error) = home::empty_log(&self.config.home)
                {
                    daemon_log::error(format!("could not empty the log in the home: {error}"));
                }
                let token = self.clients.begin_flush(client);
                self.logs.flush(self.model.model(), &ids, token);
            }
            Request::Unwritten { ids } => {
                // The engine has tried the files of all that was begun before it answers this.
                let token = self.clients.begin_look(client, ids);
                self.logs.engine().flush(Vec::new(), token);
            }
            Request::ReloadLogs => {
                self.read_settings();
                self.logs.engine().reopen();
                self.reply(client, &Reply::Done);
            }
            Request::Profile { id, kind, ms, file } => {
                let wanted = Wanted { id: ProcId(id), kind, ms, file };
                match self.profiles.begin(client, &wanted, self.model.model()) {
                    Ok((run, line)) => self.runs.send(run, &line),
                    Err(failure) => self.reply(client, &Reply::Error(failure)),
                }
            }
            Request::Update { exe } => {
                self.keeper.begin_update(client, exe, &self.inbox.mailbox, &mut self.reports);
            }
            Request::List | Request::Jlist => {
                self.runs.look_at_all(clock::monotonic(), &mut self.reports);
                self.take_reports();
                self.decide_on(client, request);
            }
            Request::Describe { id } => {
                let slot = self.model.core().slot(ProcId(id));
                if let Some(run) = slot.and_then(|slot| slot.process().run()) {
                    self.runs.look_at(run, clock::monotonic(), &mut self.reports);
                    self.driver().tell_listeners(run);
                    self.take_reports();
                }
                self.decide_on(client, request);
            }
            Request::Act { action: Action::Restart, ref ids, ref change, .. }
            | Request::Reload { ref ids, ref change, .. } => {
                match gone::missing(self.model.model(), ids, change) {
                    Some(gone) => self.reply(client, &Reply::Error(gone)),
                    None => self.decide_on(client, request),
                }
            }
            Request::Meant { .. }
            | Request::Find { .. }
            | Request::Metrics
            | Request::Env { .. }
            | Request::Listens { .. }
            | Request::Start { .. }
            | Request::Act { .. }
            | Request::Scale { .. }
            | Request::Promote { .. }
            | Request::Save { .. }
            | Request::Export
            | Request::Resurrect
            | Request::ResurrectTold => self.decide_on(client, request),
            Request::Import { heir_of, .. } => {
                if let Some(pid) = heir_of {
                    self.node.share_with(client, pid);
                }
                self.decide_on(client, request);
            }
            Request::Kill | Request::KillTold => {
                self.bus.kill(self.model.model(), false);
                self.decide_on(client, request);
            }
        }
    }

    /// Ends a request: of a client, or of the call of one of PM2's.
    pub(super) fn reply(&mut self, client: usize, reply: &Reply) {
        match ClientId(client).call() {
            Some(call) => self.rpc.end(call, reply, self.model.model()),
            None => self.clients.reply(client, reply),
        }
    }

    fn decide_on(&mut self, client: usize, request: Request) {
        self.model.set_capacity(Capacity::now(self.node.count_listeners()));
        self.model.push(Input::Request { client: ClientId(client), request });
        self.model.decide();
    }
}
