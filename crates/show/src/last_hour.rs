//! What an app used in the last hour, where the web API has written it down.

use std::collections::BTreeMap;
use std::path::Path;

use ostler_history::{DAY, Usage};

use crate::amount;
use crate::app::App;
use crate::spark::spark;

/// Bars of an hour.
const BARS: u64 = 30;

/// What an app used: CPU and memory, each as bars and in figures.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LastHour {
    /// CPU use, as text.
    pub cpu: String,
    /// Memory, as text.
    pub memory: String,
    /// Requests of HTTP a minute, as text; empty where none were measured.
    pub requests: String,
    /// How long 95 of 100 of them took at most, as text; empty where none were measured.
    pub latency: String,
}

impl LastHour {
    /// What there is, each with its name.
    pub(crate) fn facts(&self) -> [(&'static str, &String); 4] {
        [
            ("cpu, last hour", &self.cpu),
            ("memory, last hour", &self.memory),
            ("requests, last hour", &self.requests),
            ("95 of 100 within", &self.latency),
        ]
    }

    /// Reads what is kept in this home of the processes of an app; nothing where nobody wrote it.
    #[must_use]
    pub fn read(home: &Path, app: &App<'_>, now_ms: u64) -> Self {
        let mut steps = BTreeMap::new();
        for process in &app.processes {
            let owner = format!("{}/{}", process.namespace, process.name);
            // What cannot be read is as good as what was not written.
            let samples = ostler_history::read(home, process.id, &owner, DAY, now_ms / 1000);
            for sample in samples.unwrap_or_default() {
                add(steps.entry(sample.at).or_default(), sample.usage);
            }
        }
        Self::of(&steps, now_ms / 1000)
    }

    /// What the sums of all processes were, by the second at which each step began.
    fn of(steps: &BTreeMap<u64, Usage>, now: u64) -> Self {
        let step = u64::from(DAY.step);
        let last = now / step;
        let Some(first) = last.checked_sub(BARS - 1) else { return Self::default() };
        let hour = steps.range(first * step..=now);
        let most = |value: fn(&Usage) -> u32| hour.clone().map(|(_, of)| value(of)).max();
        let Some((begin, _)) = hour.clone().next() else { return Self::default() };
        let told = |value: fn(&Usage) -> u32, text: fn(u32) -> String| -> String {
            let most = most(value).unwrap_or(0);
            let one = |number: u64| match steps.get(&(number * step)) {
                Some(usage) => spark(&[f64::from(value(usage))], f64::from(most)),
                None => " ".to_owned(),
            };
            let bars: String = (begin / step..=last).map(one).collect();
            format!("{bars} at most {}", text(most))
        };
        let is_http = hour.clone().any(|(_, of)| of.http.is_some());
        let of_http = |value, text| if is_http { told(value, text) } else { String::new() };
        Self {
            cpu: told(|of| of.cpu, |most| amount::cpu(tenths(most))),
            memory: told(|of| of.memory, |most| amount::size(u64::from(most) << 10)),
            requests: of_http(
                |of| of.http.unwrap_or_default().rate,
                |most| format!("{:.1} a minute", tenths(most)),
            ),
            latency: of_http(
                |of| of.http.unwrap_or_default().latency,
                |most| format!("{:.1} ms", f64::from(most) / 1000.0),
            ),
        }
    }
}

fn tenths(tenths: u32) -> f32 {
    #[expect(clippy::cast_precision_loss, reason = "so many digits are not shown")]
    let tenths = tenths as f32;
    tenths / 10.0
}

fn add(sum: &mut Usage, more: Usage) {
    sum.cpu = sum.cpu.saturating_add(more.cpu);
    sum.memory = sum.memory.saturating_add(more.memory);
    if let Some(more) = more.http {
        let http = sum.http.get_or_insert_default();
        http.rate = http.rate.saturating_add(more.rate);
        http.latency = http.latency.max(more.latency);
    }
}

#[cfg(test)]
mod tests {
    use ostler_history::Http;

    use super::*;
    use crate::sample::sample;

    #[test]
    fn processes_are_added_up_and_a_gap_is_a_gap() {
        let home = tempfile::tempdir().unwrap();
        let (one, two) = (sample(1, "api"), sample(2, "api"));
        let app = App { name: "api".to_owned(), processes: vec![&one, &two] };
        let now = 1_700_000_000 / 120 * 120;
        let put = |id, ago, cpu, memory, http| {
            let owner = format!("{}/api", one.namespace);
            let usage = Usage { cpu, memory, restarts: 0, http };
            ostler_history::put(home.path(), id, &owner, now - ago, usage).unwrap();
        };
        let read = || LastHour::read(home.path(), &app, now * 1000);
        assert_eq!(read(), LastHour::default());
        put(1, 7200, 900, 900_000, None);
        assert_eq!(read(), LastHour::default(), "it is long ago");
        put(1, 480, 100, 10 << 10, None);
        put(1, 0, 0, 20 << 10, None);
        assert_eq!((read().requests, read().latency), Default::default(), "none were measured");
        let http = |rate, latency| Some(Http { rate, latency });
        put(1, 120, 300, 20 << 10, http(600, 2000));
        put(2, 120, 100, 20 << 10, http(600, 4500));
        let told = read();
        assert_eq!(told.cpu, "▃  █▁ at most 40.0%");
        assert_eq!(told.memory, "▃  █▅ at most 40.0M");
        assert_eq!(told.requests, "▁  █▁ at most 120.0 a minute");
        assert_eq!(told.latency, "▁  █▁ at most 4.5 ms");
    }
}
