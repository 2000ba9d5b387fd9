//! What is said on the bus: what happens to processes, output, what apps say.

use ostler_core::{ProcId, RunId};
use ostler_logs::{Line, Stream};
use ostler_pm2::bus::{self, Subject};
use ostler_pm2::in_app::Said;
use ostler_wire::control::Lifecycle;

use super::Bus;
use crate::clock;
use crate::model::Model;

/// Lines of one output are put together into one event of so many bytes.
const CHUNK: usize = 64 << 10;

impl Bus {
    /// Something happened to a process.
    pub fn lifecycle(&mut self, model: &Model, id: ProcId, name: &str, what: Lifecycle) {
        let manually = match what {
            Lifecycle::Start
            | Lifecycle::Restart
            | Lifecycle::Reload
            | Lifecycle::Stop
            | Lifecycle::Delete => true,
            Lifecycle::Online | Lifecycle::Exit | Lifecycle::RestartOverlimit => false,
        };
        self.event(model, (id, name), what.as_str(), manually);
    }

    /// The same in a word that may be anybody's.
    pub fn event(
        &mut self,
        model: &Model,
        (id, name): (ProcId, &str),
        event: &str,
        manually: bool,
    ) {
        if !self.is_heard() {
            return;
        }
        // Of one that is gone there is no more to be told.
        let gone = || serde_json::json!({ "name": name, "pm_id": id.0 }).to_string();
        let process = model.known().event_env(id).unwrap_or_else(gone);
        self.publish("process:event", &bus::lifecycle(event, manually, &process, clock::wall()));
    }

    /// Everything is to end, which is told once.
    pub fn kill(&mut self, model: &Model, by_signal: bool) {
        if self.is_heard() && !model.known().is_closing() {
            self.publish("pm2:kill", &bus::killed(by_signal));
        }
    }

    /// Passes on what was written into the daemon's own log. Returns whether anybody wants it.
    pub fn own(&mut self, fresh: &[(u64, String)]) -> bool {
        if self.is_heard() {
            for (at, text) in fresh {
                self.publish("log:PM2", &bus::own_line(*at, text));
            }
        }
        self.is_heard()
    }

    /// Lines of output.
    pub fn lines(&mut self, model: &Model, lines: &[Line]) {
        let dropped = lines.iter().map(|line| line.dropped).sum();
        if 0 < dropped {
            self.miss(dropped);
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
                    self.output(model, line, &data);
                    data.clear();
                }
            }
            if !data.is_empty() {
                self.output(model, last, &data);
                data.clear();
            }
        }
    }

    fn output(&mut self, model: &Model, line: &Line, data: &str) {
        let id = ProcId(line.proc_id);
        let of = subject(model, id).unwrap_or(Subject {
            id: id.0,
            name: &line.name,
            namespace: "default",
            cluster: false,
        });
        let payload = bus::output(&of, line.at_ms, data);
        self.publish(bus::output_topic(line.stream == Stream::Err), &payload);
    }

    /// An app said something over its channel: `said` is what is understood of the text.
    pub fn said(&mut self, model: &Model, run: RunId, said: &Said, text: &str) {
        if !self.is_heard() {
            return;
        }
        let Some(of) = model.known().proc_of_run(run).and_then(|id| subject(model, id)) else {
            return;
        };
        let (topic, payload) = match said {
            Said::Typed(topic, data) => {
                (topic.as_str(), bus::message(&of, clock::wall(), "data", data))
            }
            Said::Raw => ("process:msg", bus::message(&of, clock::wall(), "raw", text)),
            Said::Kept(_) | Said::Nothing => return,
        };
        self.publish(topic, &payload);
    }
}

/// A process as events name it.
fn subject(model: &Model, id: ProcId) -> Option<Subject<'_>> {
    let registry = model.registry();
    let proc = registry.proc(id)?;
    let spec = model.core().slot(id)?.process().spec();
    let version = registry.version(spec)?;
    let (name, namespace) = (proc.name.as_str(), version.spec.namespace.as_str());
    Some(Subject { id: id.0, name, namespace, cluster: version.is_cluster() })
}
