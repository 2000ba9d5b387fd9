//! Figures of the machine, as the kernel tells them.
//!
//! What is a rate is measured between two looks, a moment apart; nothing is measured
//! while nobody asks.

mod counters;
mod numbers;
mod volumes;

use std::time::{Duration, Instant};

use counters::Counters;
use serde_json::{Map, Value, json};

/// Pause between two looks.
const EVERY: Duration = Duration::from_millis(200);

/// Looks twice, and returns every figure under the name that PM2 has for it: its value, and the
/// unit of that.
pub(crate) fn figures() -> Vec<(String, f64, &'static str)> {
    let (first, since) = (Counters::read(), Instant::now());
    std::thread::sleep(EVERY);
    let (second, seconds) = (Counters::read(), since.elapsed().as_secs_f64());
    let mut all = second.figures(&first, seconds);
    all.extend(volumes::figures());
    all
}

/// Returns figures as PM2's `slist` has them.
pub(crate) fn metrics(figures: &[(String, f64, &'static str)]) -> Value {
    let metric = |value: f64, unit: &str| {
        let value = number(value);
        json!({ "value": value, "type": "metric", "unit": unit, "historic": true })
    };
    let all = figures.iter().map(|(name, value, unit)| (name.clone(), metric(*value, unit)));
    Value::Object(all.collect::<Map<String, Value>>())
}

/// A figure as JavaScript would write it: whole ones without a point.
pub(crate) fn number(value: f64) -> Value {
    #[expect(clippy::cast_possible_truncation, reason = "it is whole and not that large")]
    let whole = (value.fract() == 0.0 && value.abs() < 9e15).then_some(value as i64);
    whole.map_or_else(|| json!(value), |whole| json!(whole))
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

    #[test]
    fn a_whole_number_has_no_point() {
        assert_eq!(number(3.0).to_string(), "3");
        assert_eq!(number(0.25).to_string(), "0.25");
        assert_eq!(number(-1.0).to_string(), "-1");
    }
}
