//! The saved list: what is written into `dump.pm2`, and what is started again from it.

use std::collections::BTreeSet;

use ostler_core::ProcId;
use ostler_core::process::Process;
use ostler_core::spec::AppSpec;
use ostler_pm2::dump::{Saved, Saving};
use ostler_wire::control::{self, Code, Failure, Reply};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::Model;
use super::apps::failure_of;
use super::free_ports::GivenPorts;
use super::input::{ClientId, Effect};
use super::known::Known;
use super::operations::{Operation, Pending, Reporting, Target};
use super::progress::tell;
use super::registry::Proc;
use super::requests::{closing, refuse};
use crate::budget::Budget;

/// Which numbers processes get that are started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Numbers {
    /// The next ones.
    New,
    /// Those that they had, where these are free.
    Kept,
}

impl Model {
    /// A client saves the list.
    pub(super) fn on_save(&mut self, client: ClientId, force: bool, out: &mut Vec<Effect>) {
        if self.known.kept().next().is_none() && !force {
            let path = self.known.settings.dump_path.display().to_string();
            return out.push(Effect::Reply { client, reply: Reply::Saved { path, count: 0 } });
        }
        self.write_dump(Some(client), out);
    }

    /// Asks to write the list.
    pub(super) fn write_dump(&mut self, client: Option<ClientId>, out: &mut Vec<Effect>) {
        let text = self.known.dump_text();
        let apps = self.known.kept().map(|(_, proc)| proc.app).collect::<BTreeSet<_>>();
        out.push(Effect::WriteDump { client, count: apps.len(), text });
    }

    /// A client brings back what was saved.
    pub(super) fn on_dump_read(
        &mut self,
        (client, told): (ClientId, bool),
        before: bool,
        warnings: Vec<String>,
        elements: Result<Vec<Box<RawValue>>, String>,
        out: &mut Vec<Effect>,
    ) {
        out.extend(warnings.into_iter().map(|text| warning(client, text)));
        if self.known.closing {
            return refuse(client, closing(), out);
        }
        let elements = match elements {
            Ok(elements) => elements,
            Err(message) => {
                let hint = Some("save a list first, with `ostler save`".to_owned());
                return refuse(client, Failure { code: Code::NotFound, message, hint }, out);
            }
        };
        self.start_saved((client, told), (&elements, before), Numbers::New, out);
    }

    /// A client brings a list of its own.
    pub(super) fn on_import(
        &mut self,
        client: (ClientId, bool),
        elements: &[Box<RawValue>],
        out: &mut Vec<Effect>,
    ) {
        self.start_saved(client, (elements, false), Numbers::Kept, out);
    }

    /// `told`: of each process, as of a start. `before`: it is the list before the last one.
    fn start_saved(
        &mut self,
        (client, told): (ClientId, bool),
        (elements, before): (&[Box<RawValue>], bool),
        numbers: Numbers,
        out: &mut Vec<Effect>,
    ) {
        let mut saved = Vec::new();
        for element in elements {
            match ostler_pm2::dump::read_element(element.get(), self.known.settings.cpus) {
                Ok(element) => saved.push(element),
                Err(list) => out.push(warning(client, failure_of(&list).message)),
            }
        }
        let count = saved.len();
        let mut operation = self.restore(client, saved, numbers, out);
        (operation.each, operation.doing) = (told, told);
        if told {
            let (up, down): (Vec<_>, Vec<_>) =
                operation.active.iter().partition(|(_, pending)| pending.target == Target::Up);
            let named = |all: Vec<(&ProcId, &Pending)>| {
                all.into_iter().map(|(id, pending)| (id.0, pending.name.clone())).collect()
            };
            let (started, stopped) = (named(up), named(down));
            let restoring = control::Event::Restoring { started, stopped, saved: count, before };
            tell(Some(client), restoring, out);
            self.known.tell_each(&operation, out);
        }
        self.begin(operation, out);
    }

    fn restore(
        &mut self,
        client: ClientId,
        saved: Vec<Saved>,
        numbers: Numbers,
        out: &mut Vec<Effect>,
    ) -> Operation {
        let running: Vec<String> =
            self.known.registry.procs().map(|(_, proc)| proc.name.clone()).collect();
        let mut operation = Operation::new(Some(client), Reporting::Slots);
        let mut restored = Vec::new();
        let mut budget = self.known.budget();
        let mut last: Option<(AppSpec, ostler_core::SpecId, String)> = None;
        for saved in saved {
            if running.contains(&saved.spec.name) {
                continue;
            }
            let (name, script) = (saved.spec.name.clone(), saved.spec.script.display().to_string());
            // Instances of one app were saved one after the other: they share their specification
            // again.
            let (spec, unique_id) = match last.take() {
                Some((spec, id, unique_id)) if spec == saved.spec => (id, unique_id),
                _ => {
                    out.extend(ostler_config::not_yet(&saved.spec).map(|of| {
                        let text = format!("`{name}`: {}", of.sentence());
                        warning(client, text)
                    }));
                    let mut spec = saved.spec.clone();
                    self.known.settle_log_names(&mut spec);
                    let settled = self.known.settle_port(&mut spec, &mut GivenPorts::default());
                    // It is started all the same, and says itself what it lacks.
                    out.extend(settled.err().map(|failure| warning(client, failure.message)));
                    (self.known.registry.add_version(spec), self.unique_id())
                }
            };
            let number = saved.number.filter(|_| numbers == Numbers::Kept);
            if let Some(id) = self.add_numbered(spec, number, saved.instance, &unique_id) {
                if let Some(proc) = self.known.registry.proc_mut(id) {
                    proc.halted = saved.stopped && !saved.waits;
                }
                self.start_restored(id, &saved, &mut budget, &mut operation);
                restored.push((name, script, vec![id]));
            }
            last = Some((saved.spec, spec, unique_id));
        }
        operation.reporting = Reporting::Restored(restored);
        operation
    }

    /// Starts a restored slot if it was up and has room beside what was started before it.
    fn start_restored(
        &mut self,
        id: ProcId,
        saved: &Saved,
        budget: &mut Budget,
        operation: &mut Operation,
    ) {
        let first = self.known.core.slot(id).is_some_and(|slot| {
            let of_app = self.known.registry.procs_of(slot.app()).next();
            slot.process().is_cluster() && of_app.is_some_and(|(first, _)| first == id)
        });
        let (slots, listeners) = (budget.slots + 1, budget.listeners + usize::from(first));
        let with = Budget { slots, listeners, ..*budget };
        match with.check() {
            Err(full) if !saved.stopped => {
                operation.active.insert(id, self.known.pending(id, Target::Up, true));
                self.refuse_start(id, &full);
            }
            Err(_) | Ok(()) => {
                self.wait_for_new(id, !saved.stopped, operation);
                if !saved.stopped {
                    *budget = with;
                }
            }
        }
    }
}

impl Known {
    /// The list, as it is saved.
    pub(super) fn dump_text(&self) -> Vec<u8> {
        let ids = self.kept().map(|(id, _)| id);
        let elements: Vec<Value> =
            ids.filter_map(|id| self.dump_element(id)).map(Value::Object).collect();
        serde_json::to_vec_pretty(&elements).unwrap_or_default()
    }

    /// What the list keeps. Modules are recorded among the settings, and started by these.
    fn kept(&self) -> impl Iterator<Item = (ProcId, &Proc)> {
        self.registry.procs().filter(|(id, _)| {
            let slot = self.core.slot(*id);
            let version = slot.and_then(|slot| self.registry.version(slot.process().spec()));
            version.is_none_or(|version| !version.is_module)
        })
    }

    /// The phase of a process as the list is to have it: a job is done again when the list is
    /// brought back, unless the user has stopped it.
    fn phase_to_save(&self, process: &Process, proc: &Proc) -> control::Phase {
        let version = self.registry.version(process.spec());
        let is_job = version.is_some_and(|version| version.policy.oneshot);
        match self.phase_of(process) {
            control::Phase::Stopped if is_job && !proc.halted && proc.ended.is_some() => {
                control::Phase::Starting
            }
            phase => phase,
        }
    }

    fn dump_element(&self, id: ProcId) -> Option<Map<String, Value>> {
        let process = self.core.slot(id)?.process();
        let proc = self.registry.proc(id)?;
        let version = self.registry.version(process.spec())?;
        Some(ostler_pm2::dump::element(&Saving {
            spec: &version.spec,
            phase: self.phase_to_save(process, proc),
            instance: proc.instance,
            restarts: process.restarts(),
            created_at: proc.created_at,
            unique_id: &proc.unique_id,
            waits: proc.scheduled.is_some(),
            watch: proc.watch,
        }))
    }
}

fn warning(client: ClientId, text: String) -> Effect {
    Effect::Event { client, event: control::Event::Warning { text, unready: None } }
}
