//! What a process that is not what was waited for wrote last.

use std::path::Path;

use ostler_client::Answer;
use ostler_wire::control::{Reply, Request};

use super::for_line::unreadable;
use super::{End, Ended, Waiting};
use crate::failed::Failed;
use crate::session::unexpected;
use crate::wait::seen::Never;

/// Lines that are quoted of a process that goes on, at most.
const LINES: usize = 10;

impl Waiting<'_> {
    /// Adds what a process that is not what was waited for wrote last.
    pub(super) fn quote_last_lines(&mut self) -> Result<(), Failed> {
        for at in 0..self.ended.len() {
            let Some(Ended { id, end, .. }) = self.ended.get(at) else { continue };
            let id = *id;
            let (lines, err) = match end {
                End::Never(Never::Ended(_) | Never::GivenUp(_) | Never::Rests(_)) => {
                    self.last_lines_of_end(id)?
                }
                End::Never(Never::Late { .. }) | End::TimedOut(_) => self.last_lines_of_run(id)?,
                End::Ready { .. }
                | End::Done
                | End::Exited(_)
                | End::Line(_)
                | End::Never(Never::Gone | Never::Unmanaged | Never::Stopped) => continue,
            };
            if let Some(ended) = self.ended.get_mut(at) {
                (ended.lines, ended.err) = (lines, err);
            }
        }
        Ok(())
    }

    fn last_lines_of_end(&mut self, id: u32) -> Result<(Vec<String>, bool), Failed> {
        match self.session.ask(&Request::LastLines { id }) {
            Ok(Answer::Reply(Reply::LastLines { lines, err })) => Ok((lines, err)),
            Ok(other) => Err(unexpected(&other)),
            // Why it ended is known, and that is what is told.
            Err(_) if self.session.is_without_manager() => Ok((Vec::new(), true)),
            Err(failed) => Err(failed),
        }
    }

    fn last_lines_of_run(&self, id: u32) -> Result<(Vec<String>, bool), Failed> {
        let Some([out, err]) = self.logs.get(&id) else { return Ok((Vec::new(), true)) };
        for (path, err) in [(err, true), (out, false)] {
            let Some(path) = path.as_deref().map(Path::new) else { continue };
            let text = self.past.read(id, err, path).map_err(|error| unreadable(path, &error))?;
            let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
            if !lines.is_empty() {
                let last = lines.iter().skip(lines.len().saturating_sub(LINES));
                return Ok((last.map(|line| (*line).to_owned()).collect(), err));
            }
        }
        Ok((Vec::new(), true))
    }
}
