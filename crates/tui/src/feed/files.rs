//! What is read beside the daemon: who listens where, and what logs say.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::SystemTime;

use ostler_client::Home;
use ostler_show::{note_ports, own_end, reasons};
use ostler_wire::control::ProcView;

use crate::input::Author;
use crate::lines::Line;

/// Ports are looked at again after this, ms: an app may open one at any time.
const PORTS_EVERY: u64 = 15_000;
/// Up to this age a process is expected to open its ports, ms.
const YOUNG: u64 = 10_000;
/// Lines of the past that are shown of a file.
const PAST: usize = 200;

/// What is known of ports.
#[derive(Default)]
pub(super) struct Ports {
    looked: u64,
    of: BTreeMap<(u32, u64), Vec<String>>,
}

impl Ports {
    /// Notes where processes listen of which the daemon does not know it.
    pub(super) fn note(&mut self, home: &Home, processes: &mut [ProcView], now: u64) {
        let unknown: Vec<(u32, u64)> = processes
            .iter()
            .filter(|process| process.pid != 0 && process.listens.is_empty())
            .map(|process| (process.pid, process.since))
            .collect();
        let is_due = PORTS_EVERY <= now.saturating_sub(self.looked)
            || unknown.iter().any(|of| !self.of.contains_key(of) || now < of.1 + YOUNG);
        if is_due {
            self.looked = now;
            note_ports(home, processes, true);
            let seen = processes.iter().filter(|of| unknown.contains(&(of.pid, of.since)));
            self.of = seen.map(|of| ((of.pid, of.since), of.listens.clone())).collect();
            return;
        }
        for process in processes.iter_mut().filter(|process| process.listens.is_empty()) {
            if let Some(known) = self.of.get(&(process.pid, process.since)) {
                process.listens.clone_from(known);
            }
        }
    }
}

/// Why processes ended, read again only when one has ended since.
#[derive(Default)]
pub(super) struct Reasons {
    ends: Vec<(u32, u64)>,
    of: BTreeMap<u32, &'static str>,
}

impl Reasons {
    /// Returns the reasons by id.
    pub(super) fn of(&mut self, processes: &[ProcView]) -> BTreeMap<u32, &'static str> {
        let end = |process: &ProcView| Some((process.id, own_end(process)?.at));
        let ends: Vec<(u32, u64)> = processes.iter().filter_map(end).collect();
        if ends != self.ends {
            (self.ends, self.of) = (ends, reasons(processes));
        }
        self.of.clone()
    }
}

/// Returns the last lines of the files of these processes, the file that was written to last at the
/// end. One that cannot be read is named.
pub(super) fn past(authors: &[Author]) -> Vec<Line> {
    let mut seen = BTreeSet::new();
    let mut sources = Vec::new();
    for author in authors {
        let [out, err, all] = &author.logs;
        let files = match (out, err) {
            (None, None) => vec![(all, false)],
            _ => vec![(out, false), (err, true)],
        };
        for (path, is_err) in files {
            if let Some(path) = path.as_ref().filter(|path| seen.insert(path.as_str())) {
                sources.push((changed(path), author, is_err, path));
            }
        }
    }
    sources.sort_by_key(|(changed, ..)| *changed);
    let mut lines = Vec::new();
    for (_, author, is_err, path) in sources {
        match ostler_logs::tail(Path::new(path), PAST) {
            Ok(past) => lines.extend(
                past.iter().map(|text| Line::of_app(&author.name, author.id, is_err, text)),
            ),
            // Nothing was written yet.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => lines.push(Line::of_ours(&format!("cannot read `{path}`: {error}"))),
        }
    }
    lines
}

fn changed(path: &str) -> SystemTime {
    std::fs::metadata(path).and_then(|of| of.modified()).unwrap_or(SystemTime::UNIX_EPOCH)
}
