//! The form in which the model is saved: what a daemon must know again after it lost its memory.
//!
//! The versions of the format:
//! - 1: first. Fields were added since with defaults, so that older files load.

use std::fmt;
use std::sync::Arc;

use ostler_core::Exit;
use ostler_pm2::in_app::InApp;
use ostler_sinks::Alert;
use ostler_wire::control::{Happened, Notified, OverMemory, Unhealthy};
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer as _, Serialize};
use serde_json::value::RawValue;

use super::dropped_lines::DroppedLines;
use super::outcome::Outcome;
use super::tickets::Ticket;

/// Version of the format.
pub const VERSION: u32 = 1;

/// Everything that is saved.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct State {
    /// Version of the format.
    pub version: u32,
    /// Which boot it belongs to.
    pub boot: String,
    /// Mark of the home that it belongs to; empty in the states of earlier versions.
    #[serde(default)]
    pub mark: String,
    /// Counts what was saved, so that the newest is known.
    #[serde(default)]
    pub serial: u64,
    /// Last run number given out.
    pub last_run: u64,
    /// Apps: number, namespace, name, specification in force.
    pub apps: Vec<(u32, String, String, u32)>,
    /// Specifications by number, as records.
    pub specs: Vec<(u32, Arc<RawValue>)>,
    /// Slots of all apps.
    pub procs: Vec<SavedProc>,
    /// Reloads under way.
    pub reloads: Vec<SavedReload>,
    /// What was begun under which ticket.
    #[serde(default)]
    pub tickets: Vec<Ticket>,
    /// What somebody should know.
    #[serde(default)]
    pub alerts: SavedAlerts,
    /// Everything is being ended.
    #[serde(default)]
    pub ending: bool,
}

/// Returns the serial that a saved state begins with, which may be cut off after it.
pub fn saved_serial(text: &[u8]) -> Option<u64> {
    /// Takes the serial, and nothing that comes after it.
    struct Until<'a>(&'a mut Option<u64>);

    impl<'de> Visitor<'de> for Until<'_> {
        type Value = ();

        fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
            formatter.write_str("a state")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
            while let Some(key) = map.next_key::<String>()? {
                if key == "serial" {
                    *self.0 = Some(map.next_value()?);
                    break;
                }
                map.next_value::<IgnoredAny>()?;
            }
            Ok(())
        }
    }

    let mut found = None;
    // It says that something follows, or that it is cut off.
    _ = serde_json::Deserializer::from_slice(text).deserialize_map(Until(&mut found));
    found
}

/// Alerts as they are saved.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct SavedAlerts {
    /// The home names somebody who is told of all apps.
    pub is_home_told: bool,
    /// Number of the last one.
    pub last: u64,
    /// Those that are owed, by number.
    pub owed: Vec<(u64, Alert)>,
}

/// A slot as it is saved.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SavedProc {
    /// Number of the slot.
    pub id: u32,
    /// Number of its app.
    pub app: u32,
    /// Name of the process.
    pub name: String,
    /// Number of the instance.
    pub instance: u32,
    /// Value of the incremented variable.
    #[serde(default)]
    pub increment: Option<u32>,
    /// When it was added or reset, ms since 1970.
    pub created_at: u64,
    /// The record's `unique_id`, as in PM2.
    pub unique_id: String,
    /// The version of Node that ran it last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_version: Option<String>,
    /// Specification of the current run.
    pub spec: u32,
    /// Specification of the next run, where it differs.
    #[serde(default)]
    pub next: Option<u32>,
    /// The user wants it up.
    pub up: bool,
    /// It had been given up.
    #[serde(default)]
    pub errored: bool,
    /// Restarts so far.
    #[serde(default)]
    pub restarts: u32,
    /// Short runs in a row.
    #[serde(default)]
    pub unstable: u32,
    /// Last pause of the growing back-off, ms.
    #[serde(default)]
    pub backoff: u64,
    /// It is to be forgotten.
    #[serde(default)]
    pub removing: bool,
    /// The place of the last run whose end is in these counters.
    #[serde(default)]
    pub ended: Option<u64>,
    /// The place of the run in which these counters last began anew: what is noted with
    /// it is older.
    #[serde(default)]
    pub renewed: Option<u64>,
    /// The candidate that took over last, and its place.
    #[serde(default)]
    pub taken: Option<(u64, u64)>,
    /// The run that is to end: it may not have been asked yet.
    #[serde(default)]
    pub ending: Option<u64>,
    /// When the next run is due, on the monotonic clock.
    #[serde(default)]
    pub due: Option<u64>,
    /// The last run that was given out before it fell asleep, if it sleeps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sleeping_after: Option<u64>,
    /// How the last run ended, and why if that is not how a process ends.
    #[serde(default)]
    pub last_exit: Option<(SavedExit, Option<String>)>,
    /// When that end was, ms since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<u64>,
    /// It was asked to end then.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub end_asked: bool,
    /// The kernel ended it then for want of memory.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub end_oom: bool,
    /// When its last run had ended by itself, where a command stopped it afterwards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own_end_at: Option<u64>,
    /// The kernel wrote a core dump at that end. Apart from it, so that a daemon of an earlier
    /// version can read the file after an update that was given up.
    #[serde(default)]
    pub core_dump: bool,
    /// It ran, but did not pass a check; apart for the same reason.
    #[serde(default)]
    pub not_verified: bool,
    /// The last restart for its memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over_memory: Option<OverMemory>,
    /// Its last run was ended for want of health.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unhealthy: Option<Unhealthy>,
    /// Whether a user had it monitored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monitored: Option<bool>,
    /// The user stopped it.
    #[serde(default)]
    pub halted: Option<bool>,
    /// Whether the user wants its files to be watched, where that is not as its app says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watch: Option<bool>,
    /// When the clock restarts it, ms since 1970, by which specification.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheduled: Option<(u32, u64)>,
    /// An app that it depends on has ended, and it is to be restarted when that has recovered.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dependency_lost: bool,
    /// Its last restart for which nobody asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restarted: Option<Happened>,
    /// Its worker of a new version that was not accepted, until one is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed_reload: Option<Happened>,
    /// How many of its restarts were asked for.
    #[serde(default)]
    pub asked_restarts: u32,
    /// Lines that its log files have not got.
    #[serde(default, skip_serializing_if = "DroppedLines::is_none")]
    pub dropped: DroppedLines,
    /// What its run said of itself, and which run that was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_app: Option<(u64, InApp)>,
    /// What it said on the socket for that, and which run that was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notified: Option<(u64, Notified)>,
}

/// How a run ended, or that it never ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SavedExit {
    Code(i32),
    Signal(i32),
    Unknown,
    #[serde(rename = "spawn_failed")]
    NotSpawned,
}

/// What became of a run, in the form that daemons of earlier versions can read, too.
pub fn saved_exit(outcome: &Outcome) -> (SavedExit, Option<String>) {
    let exit = match outcome {
        Outcome::Ended(Exit::Code(code)) => SavedExit::Code(*code),
        Outcome::Ended(Exit::Signal { number, .. }) => SavedExit::Signal(*number),
        Outcome::Ended(Exit::Unknown) => SavedExit::Unknown,
        Outcome::Ended(Exit::NotSpawned | Exit::Refused)
        | Outcome::NotSpawned { .. }
        | Outcome::NotVerified { .. } => SavedExit::NotSpawned,
    };
    (exit, outcome.reason().map(str::to_owned))
}

impl SavedProc {
    /// What became of the last run.
    pub fn outcome(&self) -> Option<Outcome> {
        let (exit, why) = self.last_exit.clone()?;
        Some(match (exit, why) {
            (SavedExit::NotSpawned, Some(why)) if self.not_verified => Outcome::NotVerified { why },
            (SavedExit::NotSpawned, Some(why)) => Outcome::NotSpawned { why },
            (SavedExit::NotSpawned, None) => Outcome::Ended(Exit::NotSpawned),
            (SavedExit::Code(code), _) => Outcome::Ended(Exit::Code(code)),
            (SavedExit::Signal(number), _) => {
                Outcome::Ended(Exit::Signal { number, core: self.core_dump })
            }
            (SavedExit::Unknown, _) => Outcome::Ended(Exit::Unknown),
        })
    }
}

/// A reload as it is saved.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SavedReload {
    /// Number of the app.
    pub app: u32,
    /// The new version.
    pub to: u32,
    /// The last run before it.
    #[serde(default)]
    pub began_after: u64,
    /// Slots, each with the version it had before.
    pub from: Vec<(u32, u32)>,
    /// Candidates at a time.
    pub parallel: u32,
    /// Further runs above the number of slots.
    pub surge: Option<u32>,
    /// One slot first, then the user decides.
    pub canary: bool,
    /// Carry on when a candidate fails.
    pub no_rollback: bool,
    /// The new version may listen elsewhere.
    #[serde(default)]
    pub port_change: bool,
    /// 0 forward, 1 canary, 2 back.
    pub stage: u8,
    /// Slots that were replaced.
    #[serde(default)]
    pub done: Vec<u32>,
    /// Slots that the user took away.
    #[serde(default)]
    pub dropped: Vec<u32>,
    /// Slot and run of the first failure.
    pub failure: Option<(u32, u64)>,
}

impl State {
    /// Nothing, for this boot.
    pub fn empty(boot: String) -> Self {
        Self {
            version: VERSION,
            boot,
            mark: String::new(),
            serial: 0,
            last_run: 0,
            apps: Vec::new(),
            specs: Vec::new(),
            procs: Vec::new(),
            reloads: Vec::new(),
            tickets: Vec::new(),
            alerts: SavedAlerts::default(),
            ending: false,
        }
    }
}
