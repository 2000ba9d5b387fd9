//! What is shown of processes: the list in three widths and as lines, and one process in full.

mod cells;
mod describe;
mod list;
mod mini;
mod sort;
mod table;

pub(crate) use describe::describe;
pub(crate) use list::{list, width};
pub(crate) use mini::mini;
pub(crate) use sort::sort;

use std::time::{SystemTime, UNIX_EPOCH};

/// Now, ms since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// A process for tests: online since 1,000 ms, otherwise plain.
#[cfg(test)]
pub(crate) fn sample(id: u32, name: &str) -> ostler_wire::control::ProcView {
    ostler_wire::control::ProcView {
        id,
        name: name.to_owned(),
        namespace: "default".to_owned(),
        version: None,
        cluster: false,
        pid: 4000 + id,
        since: 1000,
        restarts: 0,
        status: "online".to_owned(),
        cpu: 0.0,
        memory: 21_390_950,
        user: "root".to_owned(),
        watching: false,
        rollout: None,
        script: "/srv/app.js".to_owned(),
        logs: [
            Some(format!("/h/logs/{name}-out.log")),
            Some(format!("/h/logs/{name}-error.log")),
            None,
        ],
    }
}
