//! What processes used in the last minutes, for the sparklines.

use std::collections::{BTreeMap, VecDeque};

use ostler_wire::control::ProcView;

/// Looks that are kept of a process.
const KEPT: usize = 120;

/// CPU and memory of every process, look by look.
#[derive(Debug, Default)]
pub(crate) struct History {
    of: BTreeMap<u32, VecDeque<(f32, u64)>>,
}

impl History {
    /// Adds a look; a process that is gone is forgotten.
    pub(crate) fn add(&mut self, processes: &[ProcView]) {
        let mut before = std::mem::take(&mut self.of);
        for process in processes {
            let mut looks = before.remove(&process.id).unwrap_or_default();
            if looks.len() == KEPT {
                looks.pop_front();
            }
            looks.push_back((process.cpu, process.memory));
            self.of.insert(process.id, looks);
        }
    }

    /// Returns what these used together in the last `count` looks: CPU and memory.
    pub(crate) fn of(&self, ids: &[u32], count: usize) -> (Vec<f64>, Vec<f64>) {
        let looks: Vec<&VecDeque<(f32, u64)>> =
            ids.iter().filter_map(|id| self.of.get(id)).collect();
        let longest = looks.iter().map(|of| of.len()).max().unwrap_or(0).min(count);
        let at = |back: usize| {
            let of = looks.iter().filter_map(|of| of.get(of.len().checked_sub(back + 1)?));
            of.fold((0.0, 0.0), |(cpu, memory), (more, bytes)| {
                (cpu + f64::from(*more), memory + float(*bytes))
            })
        };
        (0..longest).rev().map(at).unzip()
    }
}

#[expect(clippy::cast_precision_loss, reason = "a bar has eight steps")]
fn float(bytes: u64) -> f64 {
    bytes as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use ostler_show::sample::sample;

    #[test]
    fn processes_are_added_up_look_by_look() {
        let mut history = History::default();
        for cpu in [0.0, 50.0, 100.0] {
            let [mut one, mut two] = [sample(1, "api"), sample(2, "api")];
            (one.cpu, two.cpu) = (cpu, cpu / 2.0);
            history.add(&[one, two]);
        }
        let (cpu, memory) = history.of(&[1, 2], 10);
        assert_eq!((cpu, memory.len()), (vec![0.0, 75.0, 150.0], 3));
        history.add(&[sample(1, "api")]);
        assert_eq!(history.of(&[1, 2], 2).0, [100.0, 0.0]);
        assert_eq!(history.of(&[7], 2).0, [0.0; 0]);
    }
}
