//! What does not change while a daemon lives, and how the machine is asked.

use std::collections::BTreeSet;
use std::path::PathBuf;

use jiff::tz::TimeZone;
use ostler_core::Millis;

/// What does not change while a daemon lives.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The home directory.
    pub home: PathBuf,
    /// Marks processes of this home in their environment.
    pub mark: String,
    /// Which boot of the machine this is.
    pub boot: String,
    /// How many processes `max` means.
    pub cpus: u32,
    /// Where the saved list is.
    pub dump_path: PathBuf,
    /// Time between two looks at memory limits, ms, where it is fixed.
    pub memory_interval: Option<Millis>,
    /// Every run is asked to end by a message (`PM2_KILL_USE_MESSAGE`).
    pub kills_by_message: bool,
    /// Begins the sequence of random identifiers.
    pub seed: u64,
    /// The time zone that a `TZ` names, or that of the machine.
    pub zone: fn(Option<&str>) -> TimeZone,
    /// The ports that somebody on this machine has now.
    pub taken_ports: fn() -> BTreeSet<u16>,
}
