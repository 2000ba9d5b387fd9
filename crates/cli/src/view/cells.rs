//! How single values are shown.

use std::borrow::Cow;

use ostler_pm2::words;
use ostler_show::in_units;
use ostler_wire::control::{Phase, ProcView};

use super::table::Cell;
use crate::paint::Ink;

/// Returns how long it runs: `12s`, `5m`, `3h`, `2D`, `4M`, `2Y`; `0` when it does not run. A unit
/// is used only when there is more than one of it.
pub(super) fn uptime(process: &ProcView, now: u64) -> String {
    if process.phase != Phase::Online || process.since == 0 {
        return "0".to_owned();
    }
    let mut text = String::new();
    let mut count = now.saturating_sub(process.since) / 1000;
    for (unit, next) in [('s', 60), ('m', 60), ('h', 24), ('D', 30), ('M', 12), ('Y', u64::MAX)] {
        if unit == 's' || 1 < count {
            text = format!("{count}{unit}");
        }
        count /= next;
    }
    text
}

/// Returns a number of bytes: `0b`, `1.5kb`, `20.4mb`, base 1024.
pub(super) fn memory(bytes: u64) -> String {
    in_units(bytes, ["kb", "mb", "gb", "tb"]).unwrap_or_else(|| format!("{bytes}b"))
}

/// Returns a share of one CPU: `0%`, `4.5%`.
pub(super) fn cpu(percent: f32) -> String {
    let rounded = (f64::from(percent) * 10.0).round() / 10.0;
    format!("{}%", crate::inspect::float(rounded.max(0.0)))
}

/// Returns the mode: `fork` or `cluster`.
pub(super) fn mode(process: &ProcView) -> &'static str {
    if process.cluster { "cluster" } else { "fork" }
}

/// Returns the name, with a mark while a reload is under way.
pub(super) fn name(process: &ProcView) -> Cow<'_, str> {
    match &process.rollout {
        Some(rollout) => Cow::Owned(format!("[{rollout}] {}", process.name)),
        None => Cow::Borrowed(&process.name),
    }
}

/// Returns the phase in its colour, in PM2's word.
pub(super) fn status(process: &ProcView) -> Cell<'static> {
    let inks: &[Ink] = match process.phase {
        Phase::Online => &[Ink::Green, Ink::Bold],
        Phase::Starting | Phase::Waiting => &[Ink::Blue, Ink::Bold],
        Phase::Stopped
        | Phase::Errored
        | Phase::Stopping
        | Phase::Sleeping
        | Phase::Backoff { .. } => &[Ink::Red, Ink::Bold],
    };
    Cell::inked(words::status(process.phase), inks)
}

/// Returns the version, `N/A` when unknown.
pub(super) fn version(process: &ProcView) -> &str {
    process.version.as_deref().unwrap_or("N/A")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::sample::sample;

    #[test]
    fn uptime_takes_a_unit_from_two_on() {
        let check = |seconds: u64, text: &str| {
            assert_eq!(uptime(&sample(0, "a"), 1000 + seconds * 1000), text, "{seconds} s");
        };
        check(0, "0s");
        check(119, "119s");
        check(120, "2m");
        check(2 * 3600 - 1, "119m");
        check(2 * 3600, "2h");
        check(47 * 3600, "47h");
        check(48 * 3600, "2D");
        check(59 * 86400, "59D");
        check(60 * 86400, "2M");
        check(720 * 86400, "2Y");
        let mut stopped = sample(0, "a");
        stopped.phase = Phase::Stopped;
        assert_eq!(uptime(&stopped, 9_000_000), "0");
    }

    #[test]
    fn memory_and_cpu_have_at_most_one_decimal() {
        assert_eq!(memory(0), "0b");
        assert_eq!(memory(1023), "1023b");
        assert_eq!(memory(1536), "1.5kb");
        assert_eq!(memory(21_390_950), "20.4mb");
        assert_eq!(memory(1024 * 1024 - 1), "1.0mb");
        assert_eq!(memory(5 << 40), "5.0tb");
        assert_eq!(
            (cpu(0.0), cpu(4.5), cpu(99.96), cpu(12.34)),
            ("0%".into(), "4.5%".into(), "100%".into(), "12.3%".into())
        );
    }
}
