//! The saved list: what is written into `dump.pm2`, and what is started again from it.

use ostler_core::ProcId;
use ostler_core::spec::AppSpec;
use ostler_wire::control::{self, Failure, Reply};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::Model;
use super::apps::failure_of;
use super::input::{ClientId, Effect};
use super::operations::{Operation, Reporting};
use super::requests::refuse;
use super::view;

/// An app as it was saved.
struct Saved {
    spec: AppSpec,
    instance: Option<u32>,
    stopped: bool,
}

impl Model {
    /// A client saves the list.
    pub(super) fn on_save(&mut self, client: ClientId, force: bool, out: &mut Vec<Effect>) {
        if self.registry.procs().len() == 0 && !force {
            let path = self.settings.dump_path.display().to_string();
            return out.push(Effect::Reply { client, reply: Reply::Saved { path, count: 0 } });
        }
        self.write_dump(Some(client), out);
    }

    /// Asks to write the list.
    pub(super) fn write_dump(&mut self, client: Option<ClientId>, out: &mut Vec<Effect>) {
        let ids = self.registry.procs().map(|(id, _)| id);
        let elements: Vec<Value> =
            ids.filter_map(|id| self.dump_element(id)).map(Value::Object).collect();
        let text = serde_json::to_vec_pretty(&elements).unwrap_or_default();
        out.push(Effect::WriteDump { client, count: self.registry.procs().len(), text });
    }

    fn dump_element(&self, id: ProcId) -> Option<Map<String, Value>> {
        let slot = self.core.slot(id)?;
        let proc = self.registry.proc(id)?;
        let version = self.registry.version(slot.process().spec())?;
        let mut map: Map<String, Value> =
            serde_json::from_str(version.record()?.get()).unwrap_or_default();
        map.remove("instances");
        for (name, value) in &version.spec.env {
            map.entry(name.clone()).or_insert_with(|| Value::String(value.clone()));
        }
        map.insert(version.spec.instance_var.clone(), proc.instance.into());
        map.insert("status".to_owned(), view::status(slot.process().phase()).into());
        map.insert("restart_time".to_owned(), slot.process().restarts().into());
        map.insert("created_at".to_owned(), proc.created_at.into());
        map.insert("unique_id".to_owned(), proc.unique_id.clone().into());
        map.insert("version".to_owned(), version.spec.version.as_deref().unwrap_or("N/A").into());
        Some(map)
    }

    /// A client brings back what was saved.
    pub(super) fn on_dump_read(
        &mut self,
        client: ClientId,
        warnings: Vec<String>,
        elements: Result<Vec<Box<RawValue>>, String>,
        out: &mut Vec<Effect>,
    ) {
        let warn = |text: String, out: &mut Vec<Effect>| {
            out.push(Effect::Event { client, event: control::Event::Warning { text } });
        };
        warnings.into_iter().for_each(|text| warn(text, out));
        let elements = match elements {
            Ok(elements) => elements,
            Err(message) => {
                let hint = Some("save a list first, with `ostler save`".to_owned());
                return refuse(client, Failure { message, hint }, out);
            }
        };
        let mut saved = Vec::new();
        for element in &elements {
            match parse_element(element) {
                Ok(element) => saved.push(element),
                Err(failure) => warn(failure.message, out),
            }
        }
        let operation = self.restore(client, saved);
        self.begin(operation, out);
    }

    fn restore(&mut self, client: ClientId, saved: Vec<Saved>) -> Operation {
        let running: Vec<String> =
            self.registry.procs().map(|(_, proc)| proc.name.clone()).collect();
        let mut operation = Operation::new(Some(client), Reporting::Slots);
        let mut restored = Vec::new();
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
                _ => (self.registry.add_version(saved.spec.clone()), self.unique_id()),
            };
            if let Some(id) = self.add_slot(spec, saved.instance, &unique_id) {
                self.wait_for_new(id, !saved.stopped, &mut operation);
                restored.push((name, script, vec![id]));
            }
            last = Some((saved.spec, spec, unique_id));
        }
        operation.reporting = Reporting::Restored(restored);
        operation
    }
}

fn parse_element(element: &RawValue) -> Result<Saved, Failure> {
    let mut spec =
        ostler_config::record::from_record(element.get()).map_err(|list| failure_of(&list))?;
    spec.instances = 1;
    let map: Map<String, Value> = serde_json::from_str(element.get()).unwrap_or_default();
    let instance = map.get(&spec.instance_var).and_then(|value| {
        let number = value.as_u64().or_else(|| value.as_str()?.parse().ok())?;
        u32::try_from(number).ok()
    });
    let stopped = map.get("status").and_then(Value::as_str) == Some("stopped");
    Ok(Saved { spec, instance, stopped })
}
