//! Every process in the form of PM2's `jlist` (wire protocol §5).

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;

use ostler_core::spec::AppSpec;
use ostler_core::{Exit, ProcId};
use ostler_wire::control::HEAD;
use serde_json::{Map, Value};

use super::Model;
use super::outcome::{Outcome, signal_name};
use super::registry::Rollout;
use super::view::status;
use crate::environment;

/// Keys of the record that each process has for itself.
const OWN: [&str; 11] = [
    "name",
    "pm_out_log_path",
    "pm_err_log_path",
    "pm_log_path",
    "pm_pid_path",
    "version",
    "km_link",
    "vizion_running",
    "unique_id",
    "status",
    "pm_id",
];

impl Model {
    /// All elements as one text.
    pub(super) fn jlist(&self) -> String {
        let mut text = String::from("[");
        for (id, _) in self.registry.procs() {
            let before = text.len();
            if 1 < before {
                text.push(',');
            }
            if self.write_element(id, &mut text).is_none() {
                text.truncate(before);
            }
            if before == 1 {
                // Elements are about as long as the first.
                let length = text.len() + text.len() / 16;
                text.reserve(HEAD + length * self.registry.procs().len());
            }
        }
        text.push(']');
        text
    }

    fn write_element(&self, id: ProcId, out: &mut String) -> Option<()> {
        let process = self.core.slot(id)?.process();
        let proc = self.registry.proc(id)?;
        let version = self.registry.version(process.spec())?;
        let facts = process.run().and_then(|run| self.facts.get(&run));
        let usage = facts.map(|facts| facts.usage).unwrap_or_default();
        let pid = facts.map_or(0, |facts| facts.pid);
        let name = json(&proc.name);
        let face = version.face(|spec| face(spec, version.record().as_deref().map(|of| of.get())));
        // Writing to a string cannot fail.
        _ = write!(out, "{{\"pid\":{pid},\"name\":{name},\"pm2_env\":{{{face}");
        let [stdout, stderr, combined] = environment::log_files(&version.spec, id);
        _ = write!(
            out,
            "\"name\":{name},\"pm_out_log_path\":{},\"pm_err_log_path\":{},\"pm_pid_path\":{}",
            path(stdout),
            path(stderr),
            json(&environment::pid_file(&version.spec, id).display().to_string()),
        );
        if let Some(combined) = combined {
            _ = write!(out, ",\"pm_log_path\":{}", json(&combined.display().to_string()));
        }
        _ = write!(out, ",{}:{}", json(&version.spec.instance_var), proc.instance);
        _ = write!(
            out,
            ",\"status\":\"{}\",\"pm_uptime\":{},\"created_at\":{},\"pm_id\":{},\
             \"restart_time\":{},\"unstable_restarts\":{},\"unique_id\":{},\"version\":{},\
             \"axm_actions\":[],\"axm_monitor\":{{}},\"axm_options\":{{}},\"axm_dynamic\":{{}},\
             \"km_link\":false,\"vizion_running\":false",
            status(process.phase()),
            facts.map_or(proc.created_at, |facts| facts.since),
            proc.created_at,
            id.0,
            process.restarts(),
            process.unstable(),
            json(&proc.unique_id),
            json(version.spec.version.as_deref().unwrap_or("N/A")),
        );
        write_outcome(proc.last.as_ref(), out);
        if let Some(rollout) = proc.rollout {
            _ = write!(out, ",\"rollout\":\"{}\"", Rollout::as_str(rollout));
        }
        _ = write!(
            out,
            "}},\"pm_id\":{},\"monit\":{{\"memory\":{},\"cpu\":{}}}}}",
            id.0, usage.memory, usage.cpu
        );
        Some(())
    }
}

fn write_outcome(last: Option<&Outcome>, out: &mut String) {
    match last {
        Some(Outcome::Ended(Exit::Code(code))) => _ = write!(out, ",\"exit_code\":{code}"),
        // Beyond PM2, which shows 0 for a process that a signal killed: the signal.
        Some(Outcome::Ended(Exit::Signal { number, .. })) => {
            let name = signal_name(*number);
            _ = write!(out, ",\"exit_code\":0,\"exit_signal\":\"{name}\"");
        }
        Some(
            Outcome::Ended(Exit::Unknown | Exit::NotSpawned)
            | Outcome::NotSpawned { .. }
            | Outcome::NotVerified { .. },
        )
        | None => {}
    }
}

/// The part of the record that all processes of a version share: its keys and, beside them, every
/// variable.
fn face(spec: &AppSpec, record: Option<&str>) -> String {
    let keys: Map<String, Value> =
        record.and_then(|record| serde_json::from_str(record).ok()).unwrap_or_default();
    let mut all: BTreeMap<&str, Cow<'_, Value>> = BTreeMap::new();
    for (name, value) in &spec.env {
        all.insert(name, Cow::Owned(Value::String(value.clone())));
    }
    for (name, value) in &keys {
        all.insert(name, Cow::Borrowed(value));
    }
    for name in OWN.into_iter().chain([spec.instance_var.as_str()]) {
        all.remove(name);
    }
    let mut text = String::new();
    for (name, value) in all {
        _ = write!(text, "{}:{value},", json(name));
    }
    text
}

fn path(path: Option<PathBuf>) -> String {
    json(&path.map_or_else(|| "/dev/null".to_owned(), |path| path.display().to_string()))
}

fn json(text: &str) -> String {
    // Text can always be written as JSON.
    serde_json::to_string(text).unwrap_or_default()
}
