//! What each request does.

use ostler_core::{Event, ProcId};
use ostler_logs::Filter;
use ostler_wire::control::{self, Change, Failure, Reply, Request, ScaleTo, VERSION};

use crate::clients::Watching;
use crate::daemon::Daemon;
use crate::deciding::Ending;
use crate::jobs::{Job, Style, Waiting, Wanted};
use crate::{clock, logbook};

impl Daemon {
    /// One request of a client.
    pub fn on_request(&mut self, conn: usize, request: Request) {
        if self.model.ending != Ending::No
            && !matches!(
                request,
                Request::Hello
                    | Request::List
                    | Request::Find { .. }
                    | Request::Jlist
                    | Request::Kill
            )
        {
            let message = "the daemon is about to end".to_owned();
            return self.reply(
                conn,
                &Reply::Error(Failure { message, hint: Some("try again".to_owned()) }),
            );
        }
        match request {
            Request::Hello => self.reply(
                conn,
                &Reply::Hello {
                    protocol: VERSION,
                    version: self.config.version.to_owned(),
                    pid: std::process::id(),
                    keeper_pid: self.keeper.pid(),
                },
            ),
            Request::List => {
                let processes = self.list();
                self.reply(conn, &Reply::List { processes });
            }
            Request::Find { word } => {
                let ids = self.find(&word);
                self.reply(conn, &Reply::Found { ids });
            }
            Request::Jlist => {
                let text = self.jlist();
                self.clients.reply_raw(conn, text);
            }
            Request::Describe { id } => {
                let reply = self.details(ProcId(id)).map_or_else(
                    || Reply::Error(unknown_process(id)),
                    |details| Reply::Describe(Box::new(details)),
                );
                self.reply(conn, &reply);
            }
            Request::Env { id } => {
                let reply = self
                    .env_of(ProcId(id))
                    .map_or_else(|| Reply::Error(unknown_process(id)), |vars| Reply::Env { vars });
                self.reply(conn, &reply);
            }
            Request::Listens { id, within } => self.on_listens(conn, ProcId(id), within),
            Request::Start { apps } => self.on_start(conn, &apps),
            Request::Act { action, ids, change } => self.on_act(conn, action, &ids, &change),
            Request::Scale { name, target } => self.on_scale(conn, &name, target),
            Request::Reload { ids, change, options, ticket } => {
                self.on_reload(conn, &ids, &change, options, ticket);
            }
            Request::Promote { name, keep, ticket } => {
                self.on_promote(conn, &name, keep, ticket.as_deref());
            }
            Request::Logs { ids, out, err, events, own } => {
                let ids = if ids.is_empty() { None } else { Some(ids) };
                self.on_logs(conn, Filter { ids, out, err }, events, own);
            }
            Request::Flush { ids } => self.on_flush(conn, &ids),
            Request::ReloadLogs => {
                self.logs.engine().reopen();
                self.reply(conn, &Reply::Done);
            }
            Request::Save { force } => self.on_save(conn, force),
            Request::Resurrect => self.on_resurrect(conn),
            Request::Update { exe } => self.on_update(conn, exe),
            Request::Kill => self.on_kill(conn),
        }
    }

    fn on_act(&mut self, conn: usize, action: control::Action, ids: &[u32], change: &Change) {
        let mut job = Job::new(conn, Style::Act);
        job.todo = ids.iter().map(|id| (ProcId(*id), action)).collect();
        if action == control::Action::Restart {
            // As PM2: one of two instances stays up, two at a time of more (command line §1.1).
            let default = if ids.len() <= 2 { 1 } else { 2 };
            let one_app = |id: &u32| self.model.book.procs.get(&ProcId(*id)).map(|proc| proc.app);
            let several =
                ids.iter().filter_map(one_app).collect::<std::collections::BTreeSet<_>>().len();
            let wanted = change.parallel.and_then(|count| usize::try_from(count).ok());
            job.parallel = wanted.unwrap_or(default * several.max(1)).max(1);
            for id in ids.iter().copied().map(ProcId) {
                match self.changed_spec(id, change, false) {
                    Ok(spec) => _ = job.changes.insert(id, spec),
                    Err(failure) => return self.reply(conn, &Reply::Error(failure)),
                }
            }
        }
        if action != control::Action::Reset {
            self.cut_reloads_short(action, ids);
        }
        self.begin_job(job);
    }

    fn on_listens(&mut self, conn: usize, id: ProcId, within: u32) {
        let mut job = Job::new(conn, Style::Listens(id));
        let until = clock::monotonic() + u64::from(within);
        job.active.insert(id, Waiting { until, ..self.waiting_for(id, Wanted::Listening, false) });
        self.begin_job(job);
    }

    fn on_scale(&mut self, conn: usize, name: &str, target: ScaleTo) {
        let Some(app) =
            self.model.book.apps.iter().find(|(_, app)| app.key.1 == name).map(|(id, _)| *id)
        else {
            let failure = Failure {
                message: format!("Application {name} not found"),
                hint: Some("see `ostler list` for the names".to_owned()),
            };
            return self.reply(conn, &Reply::Error(failure));
        };
        let ids: Vec<ProcId> = self.model.book.procs_of(app).map(|(id, _)| id).collect();
        let now = u32::try_from(ids.len()).unwrap_or(u32::MAX);
        let wanted = match target {
            ScaleTo::Exactly(count) => count,
            ScaleTo::Add(more) => now.saturating_add(more),
            ScaleTo::Remove(fewer) => now.saturating_sub(fewer),
        };
        if wanted == now {
            let failure = Failure {
                message: "Nothing to do".to_owned(),
                hint: Some(format!("app `{name}` has {now} instances already")),
            };
            return self.reply(conn, &Reply::Error(failure));
        }
        let mut job = Job::new(conn, Style::Act);
        let surplus = usize::try_from(now.saturating_sub(wanted)).unwrap_or(0);
        // Newest first: the numbers that remain have no gap.
        for id in ids.iter().rev().take(surplus) {
            job.active.insert(*id, self.waiting_for(*id, Wanted::Gone, false));
            self.handle_now(Event::Retire(*id));
        }
        for _ in now..wanted {
            if let Some(id) = self.add_instance(app) {
                job.active.insert(id, self.waiting_for(id, Wanted::Up, true));
            }
        }
        self.begin_job(job);
    }

    fn on_logs(&mut self, number: usize, filter: Filter, events: bool, own: bool) {
        self.clients.watch(number, Watching { ids: filter.ids.clone(), events, own });
        if own {
            logbook::watch(true);
        }
        self.logs.engine().subscribe(number as u64, filter);
    }

    fn on_flush(&mut self, conn: usize, ids: &[u32]) {
        let mut paths: Vec<std::path::PathBuf> = Vec::new();
        for id in self.model.book.procs.keys() {
            if ids.is_empty() || ids.contains(&id.0) {
                let spec = self.model.core.slot(*id).map(|slot| slot.process().spec());
                if let Some(version) = spec.and_then(|spec| self.model.book.versions.get(&spec)) {
                    paths.extend(
                        crate::environment::log_files(&version.spec, *id).into_iter().flatten(),
                    );
                }
            }
        }
        if ids.is_empty() {
            let own = self.config.home.join("pm2.log");
            if let Err(error) =
                std::fs::OpenOptions::new().write(true).open(&own).and_then(|file| file.set_len(0))
            {
                logbook::error(format!("could not empty `{}`: {error}", own.display()));
            }
        }
        paths.sort();
        paths.dedup();
        let token = self.clients.begin_flush(conn);
        self.logs.engine().flush(paths, token);
    }

    fn on_kill(&mut self, conn: usize) {
        let mut job = Job::new(conn, Style::Kill);
        for id in self.model.book.procs.keys().copied() {
            job.active.insert(id, self.waiting_for(id, Wanted::Gone, false));
        }
        self.begin_job(job);
        self.begin_end();
    }
}

fn unknown_process(id: u32) -> Failure {
    Failure {
        message: format!("process {id} not found"),
        hint: Some("see `ostler list` for the ids".to_owned()),
    }
}
