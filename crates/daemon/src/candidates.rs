//! What is asked of a worker that must prove itself, and what it said last when it did not.

use std::path::Path;

use ostler_core::{Event, ProcId, RunId, SpecId};

use crate::daemon::Daemon;
use crate::mailbox::{FromThread, Sender};
use crate::{environment, logbook, probes};

impl Daemon {
    /// Begins the health check of a run.
    pub fn probe(&mut self, run: RunId) {
        let Some(held) = self.runs.get_mut(&run) else { return };
        let Some(version) = self.model.book.versions.get(&held.spec) else { return };
        let Some(health) = version.spec.health.clone() else { return };
        if std::mem::replace(&mut held.probing, true) {
            return;
        }
        let own = probes::place(&health)
            .and_then(|(host, port)| self.cluster.own_listener(run, host, port));
        let spec = version.spec.clone();
        let work = move |sender: &Sender<FromThread>| {
            probes::ask(run, &spec, &health, own, &|said| sender.send(FromThread::Probe(said)));
        };
        if let Err(error) = self.mailbox.start("probe", work) {
            logbook::error(format!("could not start a health check: {error}"));
            self.model.events.push_back(Event::Probed { run, healthy: false });
        }
    }

    /// The run's last words, from what it wrote to its error file.
    pub fn last_words(&self, mark: u64, spec: SpecId, id: ProcId) -> Vec<String> {
        let Some(version) = self.model.book.versions.get(&spec) else { return Vec::new() };
        let [_, err, _] = environment::log_files(&version.spec, id);
        err.map_or_else(Vec::new, |path| tail_after(&path, mark))
    }
}

/// The last lines of a file beyond `mark`, ten at most.
fn tail_after(path: &Path, mark: u64) -> Vec<String> {
    use std::io::{Read, Seek, SeekFrom};
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = std::fs::File::open(path)?;
        let length = file.metadata()?.len();
        let begin = if length < mark { 0 } else { mark.max(length.saturating_sub(16 << 10)) };
        file.seek(SeekFrom::Start(begin))?;
        let mut bytes = Vec::new();
        file.take(16 << 10).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes = read().unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines.iter().skip(lines.len().saturating_sub(10)).map(|line| (*line).to_owned()).collect()
}
