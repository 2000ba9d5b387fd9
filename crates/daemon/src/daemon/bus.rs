//! What is said on PM2's bus: what happens to processes, output, what apps say.

use ostler_core::{ProcId, RunId};
use ostler_logs::{Filter, Line, Stream};
use ostler_pm2::bus::{self, Subject};
use ostler_pm2::in_app::{self, Said};
use ostler_wire::control::Lifecycle;

use super::Daemon;
use crate::model::Input;
use crate::{clock, daemon_log};

/// As whom the log engine knows the bus.
pub(super) const BUS: u64 = u64::MAX;
/// Lines of one output are put together into one event of so many bytes.
const CHUNK: usize = 64 << 10;

impl Daemon {
    /// Subscribers want in.
    pub(super) fn on_subscribers(&mut self) {
        let was_heard = self.bus.is_heard();
        self.bus.accept();
        self.heed_bus(was_heard);
    }

    /// A subscriber left, or takes bytes again.
    pub(super) fn on_subscriber(&mut self, number: usize, readable: bool) {
        let was_heard = self.bus.is_heard();
        self.bus.on_ready(number, readable);
        self.heed_bus(was_heard);
    }

    /// Events are made while somebody hears them.
    fn heed_bus(&mut self, was_heard: bool) {
        let is_heard = self.bus.is_heard();
        if was_heard == is_heard {
            return;
        }
        self.node.set_heard(is_heard);
        if is_heard {
            daemon_log::watch(true);
            self.logs.engine().subscribe(BUS, Filter::all());
        } else {
            self.logs.engine().unsubscribe(BUS);
        }
    }

    /// Sends what was published in this round.
    pub(super) fn flush_bus(&mut self) {
        let was_heard = self.bus.is_heard();
        self.bus.flush();
        self.heed_bus(was_heard);
    }

    /// Something happened to a process.
    pub(super) fn publish_lifecycle(&mut self, id: ProcId, name: &str, what: Lifecycle) {
        if !self.bus.is_heard() {
            return;
        }
        let manually = match what {
            Lifecycle::Start
            | Lifecycle::Restart
            | Lifecycle::Reload
            | Lifecycle::Stop
            | Lifecycle::Delete => true,
            Lifecycle::Online | Lifecycle::Exit | Lifecycle::RestartOverlimit => false,
        };
        self.publish_event(id, name, what.as_str(), manually);
    }

    /// The same in a word that may be anybody's.
    pub(super) fn publish_event(&mut self, id: ProcId, name: &str, event: &str, manually: bool) {
        if !self.bus.is_heard() {
            return;
        }
        // Of one that is gone there is no more to be told.
        let gone = || serde_json::json!({ "name": name, "pm_id": id.0 }).to_string();
        let process = self.model.model().event_env(id).unwrap_or_else(gone);
        let payload = bus::lifecycle(event, manually, &process, clock::wall());
        self.bus.publish("process:event", &payload);
    }

    /// Tells that everything ends.
    pub(super) fn publish_kill(&mut self, by_signal: bool) {
        if self.bus.is_heard() && !self.model.model().is_closing() {
            self.bus.publish("pm2:kill", &bus::killed(by_signal));
        }
    }

    /// Passes on what was written into the daemon's own log in this round.
    pub(super) fn publish_own(&mut self) {
        let fresh = daemon_log::take_fresh();
        if fresh.is_empty() {
            return;
        }
        let watched = self.clients.publish_own(&fresh);
        if self.bus.is_heard() {
            for (at, text) in &fresh {
                self.bus.publish("log:PM2", &bus::own_line(*at, text));
            }
        }
        daemon_log::watch(watched || self.bus.is_heard());
    }

    /// Lines of output.
    pub(super) fn publish_lines(&mut self, lines: &[Line]) {
        let dropped = lines.iter().map(|line| line.dropped).sum();
        if 0 < dropped {
            self.bus.miss(dropped);
        }
        let together =
            |first: &Line, next: &Line| first.source == next.source && first.stream == next.stream;
        let mut data = String::new();
        for chunk in lines.chunk_by(together) {
            let Some(last) = chunk.last() else { continue };
            for line in chunk {
                data.push_str(&line.text);
                data.push('\n');
                if CHUNK <= data.len() {
                    self.publish_output(line, &data);
                    data.clear();
                }
            }
            if !data.is_empty() {
                self.publish_output(last, &data);
                data.clear();
            }
        }
    }

    fn publish_output(&mut self, line: &Line, data: &str) {
        let id = ProcId(line.proc_id);
        let of = self.subject(id).unwrap_or(Subject {
            id: id.0,
            name: &line.name,
            namespace: "default",
            cluster: false,
        });
        let payload = bus::output(&of, line.at_ms, data);
        self.bus.publish(bus::output_topic(line.stream == Stream::Err), &payload);
    }

    /// A process as events name it.
    fn subject(&self, id: ProcId) -> Option<Subject<'_>> {
        let registry = self.model.registry();
        let proc = registry.proc(id)?;
        let spec = self.model.core().slot(id)?.process().spec();
        let version = registry.version(spec)?;
        let (name, namespace) = (proc.name.as_str(), version.spec.namespace.as_str());
        Some(Subject { id: id.0, name, namespace, cluster: version.is_cluster() })
    }

    /// An app said something over its channel.
    pub(super) fn on_said(&mut self, run: RunId, text: &str) {
        let said = in_app::read(text);
        if let Said::Kept(kept) = said {
            return self.model.push(Input::Kept { run, kept });
        }
        let Some(id) = self.model.model().proc_of_run(run) else { return };
        let Some(of) = self.subject(id).filter(|_| self.bus.is_heard()) else { return };
        let (topic, payload) = match &said {
            Said::Typed(topic, data) => {
                (topic.as_str(), bus::message(&of, clock::wall(), "data", data))
            }
            Said::Raw => ("process:msg", bus::message(&of, clock::wall(), "raw", text)),
            Said::Kept(_) | Said::Nothing => return,
        };
        self.bus.publish(topic, &payload);
    }
}
