//! Whether a run is ready, where its app says what makes it so (`ready`).
//!
//! Problem: the core knows only that somebody will tell. Rule: from the begin of the run on it is
//! looked at, by a thread or by its lines, until it is ready, is taken as ready, or has ended. A
//! daemon that takes a run over that is not ready yet begins anew.

use std::sync::Arc;

use ostler_core::spec::{AppSpec, ExecMode, Probe, Ready};
use ostler_core::{Event, ProcId, RunId};
use ostler_logs::Line;
use ostler_ports::Address;

use super::Driver;
use crate::daemon_log;
use crate::from_thread::FromThread;
use crate::mailbox::Sender;
use crate::probes;
use crate::reports::Report;
use crate::runs::Run;

impl Driver<'_> {
    /// A run begins, or was taken over.
    pub(super) fn look_whether_ready(&mut self, run: RunId, id: ProcId, spec: &Arc<AppSpec>) {
        match &spec.ready {
            None | Some(Ready::Message | Ready::Notifies) => {}
            Some(Ready::Line { .. }) => {
                if self.runs.begin_watch(run).is_some() {
                    self.logs.hear(run, id);
                }
            }
            Some(Ready::Listens { port }) => self.look_for_port(run, *port),
            // A worker is asked when it listens: before, somebody else would answer.
            Some(Ready::Answers(Probe::Http { .. })) if spec.exec_mode == ExecMode::Cluster => {}
            Some(Ready::Answers(_)) => self.ask_until_ready(run, Arc::clone(spec)),
        }
    }

    /// A worker listens: its primary knows it, and the kernel does not.
    pub(super) fn look_for_listener(&mut self, run: RunId) {
        let Some(spec) = self.runs.get(run).and_then(Run::settings).map(Arc::clone) else {
            return;
        };
        match &spec.ready {
            Some(Ready::Listens { port }) => {
                let listeners = self.node.listeners_of(run);
                let found = listeners.iter().filter_map(|of| Address::parse(&of.address));
                if probes::is_at_port(found, *port) {
                    self.reports.push_back(Report::Core(Event::ReadyMessage(run)));
                }
            }
            Some(Ready::Answers(probe)) if self.own_listener(run, probe).is_some() => {
                self.ask_until_ready(run, spec);
            }
            Some(Ready::Answers(_) | Ready::Line { .. } | Ready::Message | Ready::Notifies)
            | None => {}
        }
    }

    /// The run is ready, or is taken as ready.
    pub(super) fn look_no_more(&mut self, run: RunId) {
        if self.runs.end_watch(run) {
            self.hear_no_more(run);
        }
    }

    /// Nothing more comes from a run.
    pub(super) fn hear_no_more(&self, run: RunId) {
        if matches!(self.ready(run), Some(Ready::Line { .. })) {
            self.logs.hear_no_more(run);
        }
    }

    /// Lines of a slot for one of whose runs somebody waits.
    pub(crate) fn on_lines(&mut self, run: RunId, lines: &[Line]) {
        self.logs.heard(run);
        let Some(Ready::Line { text }) = self.ready(run) else { return };
        let is = |line: &Line| line.source == run.0 && line.text.contains(text.as_str());
        if lines.iter().any(is) {
            self.reports.push_back(Report::Core(Event::ReadyMessage(run)));
        }
    }

    /// What makes the run ready, if its app says it.
    fn ready(&self, run: RunId) -> Option<&Ready> {
        self.runs.get(run)?.settings()?.ready.as_ref()
    }

    fn look_for_port(&mut self, run: RunId, port: Option<u16>) {
        let Some(members) = self.runs.look_at_members(run) else { return };
        self.look_until_ready(run, move |_| probes::listens(&members(), port));
    }

    fn ask_until_ready(&mut self, run: RunId, spec: Arc<AppSpec>) {
        let Some(Ready::Answers(probe)) = spec.ready.clone() else { return };
        let own = self.own_listener(run, &probe);
        self.look_until_ready(run, move |sender| {
            let say = |said| sender.send(FromThread::Probe(said));
            probes::answers(run, (&spec, &probe), own, &say)
        });
    }

    /// Looks in a thread until it is ready.
    fn look_until_ready(
        &mut self,
        run: RunId,
        look: impl Fn(&Sender<FromThread>) -> bool + Send + 'static,
    ) {
        let Some(wanted) = self.runs.begin_watch(run) else { return };
        let work = move |sender: &Sender<FromThread>| {
            let say = |said| sender.send(FromThread::Probe(said));
            probes::until_ready(run, &wanted, &say, || look(sender));
        };
        if let Err(error) = self.mailbox.start("ready", work) {
            // It is taken as ready when its time is over.
            daemon_log::error(format!("no thread to look whether run {} is ready: {error}", run.0));
            self.runs.end_watch(run);
        }
    }
}
