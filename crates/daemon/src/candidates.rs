//! What is asked of a worker that is being verified, and what it wrote last when it failed.

use std::path::Path;

use ostler_core::RunId;

use crate::daemon::Daemon;
use crate::mailbox::{FromThread, Sender};
use crate::model::Input;
use crate::{environment, probes};

impl Daemon {
    /// Begins the health check of a run.
    pub fn probe(&mut self, run: RunId) {
        let Some(held) = self.runs.get_mut(&run) else { return };
        let Some(version) = self.model.registry().version(held.spec) else { return };
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
            let result = Err(format!("it could not be started: {error}"));
            self.model.push(Input::Probed { run, result });
        }
    }

    /// The last lines that a run wrote to its standard error.
    pub fn stderr_tail(&self, run: RunId) -> Vec<String> {
        let Some(held) = self.runs.get(&run) else { return Vec::new() };
        let Some(version) = self.model.registry().version(held.spec) else { return Vec::new() };
        let [_, err, _] = environment::log_files(&version.spec, held.proc);
        err.map_or_else(Vec::new, |path| tail_after(&path, held.err_mark))
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
