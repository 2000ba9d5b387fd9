//! A line that is waited for: in what is written, and in what was.

use std::path::Path;

use ostler_wire::control::{Details, LogLine, Phase, Request};

use super::super::seen::{self, Seen};
use super::{Awaited, End, Waiting};
use crate::failed::Failed;

impl Waiting<'_> {
    /// Looks for the line in what a process has written, when it is first looked at or may have
    /// been missed, and when it is at rest.
    pub(super) fn look_for_line(
        &mut self,
        id: u32,
        details: &Details,
        seen: &Seen,
    ) -> Result<(), Failed> {
        let rests = matches!(details.view.phase, Phase::Stopped | Phase::Errored);
        if rests {
            // All that it wrote is in the files then, as it is when the daemon has ended since.
            let written = self.session.ask(&Request::LastLines { id });
            written.map(drop).or_else(|failed| {
                if self.session.is_without_manager() { Ok(()) } else { Err(failed) }
            })?;
        }
        if let Some(line) = self.find_in_files(id)? {
            self.end(id, End::Line(line));
        } else if rests {
            self.end(id, End::Never(seen::rest(seen)));
        }
        Ok(())
    }

    pub(super) fn find_in_files(&mut self, id: u32) -> Result<Option<String>, Failed> {
        let Awaited::Line { wanted, fresh } = &mut self.awaited else { return Ok(None) };
        let Some(pending) = self.pending.get(&id) else { return Ok(None) };
        for (path, err) in pending.logs.iter().zip([false, true]) {
            let Some(path) = path.as_deref().map(Path::new) else { continue };
            if *fresh {
                self.past.begin_at_end(id, err, path);
            }
            let text = self.past.read(id, err, path).map_err(|error| unreadable(path, &error))?;
            if let Some(line) = wanted.in_file(id, err, &text) {
                return Ok(Some(line));
            }
        }
        Ok(None)
    }

    pub(super) fn on_line(&mut self, line: &LogLine) {
        let Awaited::Line { wanted, .. } = &mut self.awaited else { return };
        if self.pending.contains_key(&line.id)
            && let Some(text) = wanted.in_line(line.id, line.err, &line.text)
        {
            self.end(line.id, End::Line(text));
        }
    }
}

pub(super) fn unreadable(path: &Path, error: &std::io::Error) -> Failed {
    Failed::new(format!("cannot read `{}`: {error}", path.display()))
}
