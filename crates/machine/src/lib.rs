//! Figures of the machine, as the kernel tells them.
//!
//! What is a rate is measured between two looks, a moment apart; nothing is measured
//! while nobody asks.

#![forbid(unsafe_code)]

mod counters;
mod numbers;
mod volumes;

use std::time::{Duration, Instant};

pub use counters::Counters;

/// Pause between two looks.
const EVERY: Duration = Duration::from_millis(200);

/// Looks twice, and returns every figure under the name that PM2 has for it: its value, and the
/// unit of that.
#[must_use]
pub fn figures() -> Vec<(String, f64, &'static str)> {
    let (first, since) = (Counters::read(), Instant::now());
    std::thread::sleep(EVERY);
    let (second, seconds) = (Counters::read(), since.elapsed().as_secs_f64());
    let mut all = second.figures(&first, seconds);
    all.extend(volumes::figures());
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_memory_a_loopback_device_and_a_root() {
        let figures = figures();
        let value = |name: &str| {
            let found = figures.iter().find(|(known, ..)| known == name);
            found.unwrap_or_else(|| panic!("no `{name}` in {figures:?}")).1
        };
        assert!(0.0 < value("RAM Available") && value("RAM Available") <= value("RAM Total"));
        assert!((0.0..=100.0).contains(&value("CPU Usage")));
        assert!(0.0 <= value("net:rx_5:lo") && 0.0 < value("fs:size:/"));
    }
}
