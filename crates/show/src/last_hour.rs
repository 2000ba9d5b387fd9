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
}

impl LastHour {
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
        let (most_cpu, most_memory) = hour
            .clone()
            .fold((0, 0), |(cpu, memory), (_, of)| (cpu.max(of.cpu), memory.max(of.memory)));
        let Some((begin, _)) = hour.clone().next() else { return Self::default() };
        let bars = |value: fn(&Usage) -> u32, most: u32| -> String {
            let one = |number: u64| match steps.get(&(number * step)) {
                Some(usage) => spark(&[f64::from(value(usage))], f64::from(most)),
                None => " ".to_owned(),
            };
            (begin / step..=last).map(one).collect()
        };
        let percent = f32::from(u16::try_from(most_cpu).unwrap_or(u16::MAX)) / 10.0;
        let memory = amount::size(u64::from(most_memory) << 10);
        Self {
            cpu: format!("{} at most {}", bars(|of| of.cpu, most_cpu), amount::cpu(percent)),
            memory: format!("{} at most {memory}", bars(|of| of.memory, most_memory)),
        }
    }
}

fn add(sum: &mut Usage, more: Usage) {
    sum.cpu = sum.cpu.saturating_add(more.cpu);
    sum.memory = sum.memory.saturating_add(more.memory);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::sample;

    #[test]
    fn processes_are_added_up_and_a_gap_is_a_gap() {
        let home = tempfile::tempdir().unwrap();
        let (one, two) = (sample(1, "api"), sample(2, "api"));
        let app = App { name: "api".to_owned(), processes: vec![&one, &two] };
        let now = 1_700_000_000 / 120 * 120;
        let put = |id, ago, cpu, memory| {
            let owner = format!("{}/api", one.namespace);
            let usage = Usage { cpu, memory, restarts: 0 };
            ostler_history::put(home.path(), id, &owner, now - ago, usage).unwrap();
        };
        let read = || LastHour::read(home.path(), &app, now * 1000);
        assert_eq!(read(), LastHour::default());
        put(1, 7200, 900, 900_000);
        assert_eq!(read(), LastHour::default(), "it is long ago");
        put(1, 480, 100, 10 << 10);
        put(1, 120, 300, 20 << 10);
        put(2, 120, 100, 20 << 10);
        put(1, 0, 0, 20 << 10);
        let told = read();
        assert_eq!(told.cpu, "▃  █▁ at most 40.0%");
        assert_eq!(told.memory, "▃  █▅ at most 40.0M");
    }
}
