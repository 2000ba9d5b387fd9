//! Requests of clients: those that need no decision are answered here, all others go to the model.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use ostler_core::{ProcId, RunId};
use ostler_keeper::failpoint::hit;
use ostler_logs::Filter;
use ostler_wire::control::{Action, Change, Code, Failure, Reply, Request, VERSION};

use super::Daemon;
use crate::clients::Watching;
use crate::model::{ClientId, Input, Usage, closing, is_answered_to_the_end};
use crate::{daemon_log, environment, home};

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
        if self.model.model().is_closing() && !is_answered_to_the_end(&request) {
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
            Request::Logs { ids, out, err, events, own } => {
                let ids = if ids.is_empty() { None } else { Some(ids) };
                self.on_logs(client, Filter { ids, out, err }, events, own);
            }
            Request::Flush { ids } => self.on_flush(client, &ids),
            Request::ReloadLogs => {
                self.logs.engine().reopen();
                self.reply(client, &Reply::Done);
            }
            Request::Update { exe } => self.on_update(client, exe),
            Request::List | Request::Jlist => {
                let looks = self.runs.look_at_all(crate::clock::monotonic());
                self.tell_usage(looks);
                self.decide_on(client, request);
            }
            Request::Describe { id } => {
                let slot = self.model.core().slot(ProcId(id));
                if let Some(run) = slot.and_then(|slot| slot.process().run()) {
                    let look = self.runs.look_at(run, crate::clock::monotonic());
                    self.tell_usage(look.map(|look| (run, look)));
                    self.driver().tell_listeners(run);
                    self.take_reports();
                }
                self.decide_on(client, request);
            }
            Request::Act { action: Action::Restart, ref ids, ref change, .. }
            | Request::Reload { ref ids, ref change, .. } => match self.what_is_gone(ids, change) {
                Some(gone) => self.reply(client, &Reply::Error(gone)),
                None => self.decide_on(client, request),
            },
            Request::Find { .. }
            | Request::Env { .. }
            | Request::Listens { .. }
            | Request::Start { .. }
            | Request::Act { .. }
            | Request::Scale { .. }
            | Request::Promote { .. }
            | Request::Save { .. }
            | Request::Resurrect => self.decide_on(client, request),
            Request::Kill => {
                self.publish_kill(false);
                self.decide_on(client, request);
            }
        }
    }

    /// What processes that run would need to be started again, and is not there any more. Whoever
    /// stopped them would have nothing left that runs. What a change brings was looked at by
    /// whoever asks for it.
    fn what_is_gone(&self, ids: &[u32], change: &Change) -> Option<Failure> {
        if !change.records.is_empty() || change.patch.is_some() {
            return None;
        }
        let core = self.model.core();
        ids.iter().find_map(|id| {
            let process = core.slot(ProcId(*id))?.process();
            process.run()?;
            let spec = &self.model.registry().version(process.next_spec())?.spec;
            let interpreter = spec.interpreter.as_ref().map(|program| spec.cwd.join(program));
            let interpreter = interpreter.filter(|path| {
                spec.interpreter.as_ref().is_some_and(|program| program.contains('/'))
                    && path.is_absolute()
            });
            let needed = [("script", Some(&spec.script)), ("working directory", Some(&spec.cwd))];
            let needed = needed.into_iter().chain([("interpreter", interpreter.as_ref())]);
            let gone = needed.filter_map(|(what, path)| Some((what, path?)));
            let (what, path) = gone.into_iter().find(|(_, path)| is_gone(path))?;
            Some(Failure {
                code: Code::NotFound,
                message: format!(
                    "the {what} of app `{}` is gone: `{}`; nothing was stopped",
                    spec.name,
                    path.display()
                ),
                hint: Some(format!("put it back, or `ostler delete {}`", spec.name)),
            })
        })
    }

    /// Ends a request: of a client, or of the call of one of PM2's.
    pub(super) fn reply(&mut self, client: usize, reply: &Reply) {
        match ClientId(client).call() {
            Some(call) => self.end_call(call, reply),
            None => self.clients.reply(client, reply),
        }
    }

    fn decide_on(&mut self, client: usize, request: Request) {
        self.model.push(Input::Request { client: ClientId(client), request });
        self.model.decide();
    }

    /// Tells the model what runs use.
    pub(super) fn tell_usage(&mut self, looks: impl IntoIterator<Item = (RunId, (f32, u64))>) {
        let looks = looks.into_iter();
        let usage = looks.map(|(run, (cpu, memory))| (run, Usage { cpu, memory })).collect();
        self.model.push(Input::Usage(usage));
    }

    fn on_logs(&mut self, client: usize, filter: Filter, events: bool, own: bool) {
        self.clients.watch(client, Watching { ids: filter.ids.clone(), events, own });
        if own {
            daemon_log::watch(true);
        }
        self.logs.engine().subscribe(client as u64, filter);
    }

    fn on_flush(&mut self, client: usize, ids: &[u32]) {
        let mut paths: Vec<PathBuf> = Vec::new();
        for (id, slot) in self.model.core().slots() {
            if !ids.is_empty() && !ids.contains(&id.0) {
                continue;
            }
            if let Some(version) = self.model.registry().version(slot.process().spec()) {
                self.logs.files().note(&version.spec, id);
                paths.extend(environment::log_files(&version.spec, id).into_iter().flatten());
            }
        }
        if ids.is_empty()
            && let Err(error) = home::empty_log(&self.config.home)
        {
            daemon_log::error(format!("could not empty the log in the home: {error}"));
        }
        paths.sort();
        paths.dedup();
        let token = self.clients.begin_flush(client);
        self.logs.engine().flush(paths, token);
    }
}

/// Whether nothing is at this path. Where that cannot be told, there may be something.
fn is_gone(path: &Path) -> bool {
    let found = std::fs::metadata(path).map_err(|error| error.kind());
    matches!(found, Err(ErrorKind::NotFound | ErrorKind::NotADirectory))
}
