//! What is told of a slot's life to whoever watches.

use ostler_core::{Exit, ProcId, RunId};
use ostler_wire::control::Lifecycle;

use super::input::{ClientId, Effect};
use super::known::Known;
use super::outcome::signal_name;
use crate::environment;

impl Known {
    pub(super) fn tell_end(&self, (id, run): (ProcId, RunId), exit: Exit, out: &mut Vec<Effect>) {
        let text = match exit {
            Exit::Code(code) => format!("exited with code [{code}]"),
            Exit::Signal { number, .. } => {
                format!("exited with code [0] via signal [{}]", signal_name(number))
            }
            Exit::Unknown => "exited; how is not known".to_owned(),
            Exit::NotSpawned | Exit::Refused => "could not be started".to_owned(),
        };
        out.push(Effect::Log(format!("App [{}] {text}", self.registry.label(id))));
        self.publish(id, Lifecycle::Exit, out);
        if let Some(slot) = self.core.slot(id) {
            out.push(Effect::Told { id, end: slot.process().place(run) });
        }
    }

    pub(super) fn remove_pid_file(&self, id: ProcId, out: &mut Vec<Effect>) {
        // A slot that was removed is known by its app only.
        let of_app = || Some(self.registry.app(self.registry.app_of(id)?)?.spec);
        let spec = self.core.slot(id).map(|slot| slot.process().spec()).or_else(of_app);
        let version = spec.and_then(|spec| self.registry.version(spec));
        out.extend(
            version.map(|version| Effect::RemovePidFile(environment::pid_file(&version.spec, id))),
        );
    }

    /// Tells who watches what happened to a process that is still known.
    pub(super) fn publish(&self, id: ProcId, what: Lifecycle, out: &mut Vec<Effect>) {
        self.publish_by(None, id, what, out);
    }

    /// The same of what this client brought about.
    pub(super) fn publish_by(
        &self,
        client: Option<ClientId>,
        id: ProcId,
        what: Lifecycle,
        out: &mut Vec<Effect>,
    ) {
        let by_call = client.is_some_and(|client| client.call().is_some());
        if let Some(proc) = self.registry.proc(id) {
            out.push(Effect::Lifecycle { id, name: proc.name.clone(), what, by_call });
        }
    }
}
