//! A process in `dump.pm2`, the list that survives a reboot: PM2's file, so that either program can
//! read the other's.

use ostler_config::Diagnostic;
use ostler_config::cron::pattern_of;
use ostler_config::watch::Watching;
use ostler_core::spec::AppSpec;
use ostler_wire::control::Phase;
use serde_json::{Map, Value as Json};

use crate::not_json::not_json;
use crate::{record, words};

/// Whether a stopped process is started by the clock.
const WAITS: &str = "ostler_waits";

/// What is saved of a process. Times are ms since 1970.
#[derive(Clone, Copy, Debug)]
pub struct Saving<'a> {
    /// The version of its specification that is in force.
    pub spec: &'a AppSpec,
    /// What is true of it.
    pub phase: Phase,
    /// Number of the instance (`NODE_APP_INSTANCE`).
    pub instance: u32,
    /// Restarts so far.
    pub restarts: u32,
    /// When it was added or its counters were reset.
    pub created_at: u64,
    /// PM2's `unique_id`: one for all processes added by one start.
    pub unique_id: &'a str,
    /// The clock starts it though it does not run.
    pub waits: bool,
    /// Whether the user wants its files to be watched, where that is not as its app says.
    pub watch: Option<bool>,
}

/// A process as it was saved.
#[derive(Clone, Debug, PartialEq)]
pub struct Saved {
    /// Its app, with one instance.
    pub spec: AppSpec,
    /// Number of the instance, where it is known.
    pub instance: Option<u32>,
    /// The number that it had (`pm_id`), where that is known.
    pub number: Option<u32>,
    /// Whether it is to stay stopped.
    pub stopped: bool,
    /// The clock starts it though it is stopped.
    pub waits: bool,
}

/// Returns the element of a process.
#[must_use]
pub fn element(saving: &Saving<'_>) -> Map<String, Json> {
    let spec = saving.spec;
    let mut map = record::to_map(spec);
    map.remove("instances");
    for (name, value) in record::variables(spec) {
        map.entry(name).or_insert(value);
    }
    let mut put = |key: &str, value: Json| map.insert(key.to_owned(), value);
    put(&spec.instance_var, saving.instance.into());
    // One that sleeps is wanted, and is to be there after the next start of the machine.
    let phase = if saving.phase == Phase::Sleeping { Phase::Online } else { saving.phase };
    put("status", words::status(phase).into());
    put("restart_time", saving.restarts.into());
    put("created_at", saving.created_at.into());
    put("unique_id", saving.unique_id.into());
    if let Some(on) = saving.watch.filter(|on| *on != Watching::of(spec).on) {
        put("watch", on.into());
    }
    if saving.phase == Phase::Stopped && pattern_of(spec).is_some() {
        put(WAITS, saving.waits.into());
    }
    put("version", spec.version.as_deref().unwrap_or("N/A").into());
    map
}

/// Reads an element; `cpus` as for [`from_record`](record::from_record).
///
/// # Errors
/// What is missing or of the wrong kind, all of it.
pub fn read_element(text: &str, cpus: u32) -> Result<Saved, Vec<Diagnostic>> {
    let map: Map<String, Json> = serde_json::from_str(text).map_err(|error| {
        vec![record::wrong(format!("a record must be JSON: {}", not_json(text.as_bytes(), &error)))]
    })?;
    let mut spec = record::from_map(&map, cpus)?;
    spec.instances = 1;
    let number = |value: &Json| value.as_u64().or_else(|| value.as_str()?.parse().ok());
    let instance = map.get(&spec.instance_var).and_then(number);
    let number = map.get("pm_id").and_then(number).and_then(|number| number.try_into().ok());
    let stopped = map.get("status").and_then(Json::as_str) == Some("stopped");
    let instance = instance.and_then(|number| number.try_into().ok());
    // PM2's list does not tell; a job is stopped between its times.
    let is_job = || !spec.policy.autorestart && pattern_of(&spec).is_some();
    let waits = map.get(WAITS).and_then(Json::as_bool).unwrap_or_else(is_job);
    Ok(Saved { spec, instance, number, stopped, waits })
}
