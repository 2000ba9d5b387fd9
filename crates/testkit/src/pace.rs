//! How fast this machine is now: what a limit on time is measured by.

use std::time::{Duration, Instant};

use crate::Sandbox;

impl Sandbox {
    /// What a command takes that the daemon answers at once: the quickest of several.
    #[track_caller]
    pub fn pace(&self) -> Duration {
        let ping = |_| {
            let began = Instant::now();
            self.run(&["ping"]).success();
            began.elapsed()
        };
        (0..5).map(ping).min().unwrap_or_default()
    }

    /// The time `limit`, or where the machine is so busy that even the [`pace`](Self::pace) shows
    /// it, `times` that.
    #[track_caller]
    pub fn allowed(&self, limit: Duration, times: u32) -> Duration {
        limit.max(self.pace() * times)
    }
}
