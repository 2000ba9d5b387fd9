//! What a command tells about what happens, and in whose words.
//!
//! Problem: one program has two names. Scripts that were written for PM2 look for its sentences;
//! a person who types `ostler` expects what uv, cargo and docker compose have taught: the data on
//! standard output, one line that says what was done, `error:` with the place and `hint:` with
//! a command to paste.
//! Rule: a command tells a [`Notice`], a fact without words. Two renderers make lines of it: `pm2`
//! says PM2's words, byte for byte, and `ostler` ours. Neither decides anything.

mod act;
mod deployment;
mod json;
mod line;
mod migration;
mod module;
mod notice;
mod ostler;
mod pm2;
mod problem;
mod progress;
mod readiness;
mod release;
mod rows;
mod service;
mod setting;
mod span;
mod talk;
mod tally;
#[cfg(test)]
mod tests;
mod verbs;
mod work;

pub(crate) use act::{Act, Planned, Selector, Subject, Target};
pub(crate) use deployment::DeployNotice;
pub(crate) use line::{Line, Text};
pub(crate) use migration::{MigrationNotice, MoveWay, PlannedMove};
pub(crate) use module::ModuleNotice;
pub(crate) use notice::{Notice, Standing, Under};
pub(crate) use problem::Problem;
pub(crate) use progress::{EVERY, Progress, Window};
pub(crate) use release::{ReleaseNotice, Way};
pub(crate) use service::ServiceNotice;
pub(crate) use setting::SettingNotice;
pub(crate) use span::span;
pub(crate) use talk::TalkNotice;

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::args::Typed;
use crate::paint::Paint;
use crate::program::Program;
use progress::Block;
use tally::Tally;

/// Makes lines of notices, in the words of one name.
#[derive(Debug)]
pub(crate) struct Voice {
    program: Program,
    since: Instant,
    /// The command line, of which hints are made.
    pub(crate) typed: Typed,
    /// What is being done. Only ours speaks of it as a whole.
    tally: Tally,
    progress: Progress,
    block: Block,
    /// The object of the end, which is told when nothing follows any more.
    held: Option<Value>,
    /// That no daemon stays was told.
    daemons_end: bool,
    /// That the manager takes its time was told.
    waits: bool,
}

impl Voice {
    /// The voice of the program under this name.
    pub(crate) fn new(program: Program) -> Self {
        let (tally, block) = (Tally::default(), Block::default());
        let (since, progress) = (Instant::now(), Progress::Plain);
        Self {
            program,
            since,
            typed: Typed::default(),
            tally,
            progress,
            block,
            held: None,
            daemons_end: false,
            waits: false,
        }
    }

    /// Shows progress in this way, under our own name.
    pub(crate) fn show(&mut self, progress: Progress) {
        self.progress = progress;
    }

    /// Returns how progress is shown.
    pub(crate) fn progress(&self) -> Option<Progress> {
        (self.program == Program::Ostler).then_some(self.progress)
    }

    /// Returns what draws the block of what goes on now; nothing where none is to be seen.
    pub(crate) fn draw(&mut self, window: Window) -> String {
        if self.progress() != Some(Progress::Live) {
            return String::new();
        }
        match self.tally.block(self.since.elapsed()) {
            Some(lines) => self.block.draw(lines, window),
            None => self.block.erase(),
        }
    }

    /// Returns what removes the block.
    pub(crate) fn erase(&mut self) -> String {
        self.block.erase()
    }

    /// Returns what the notice comes to.
    pub(crate) fn lines(&mut self, notice: &Notice<'_>, paint: Paint) -> Vec<Line> {
        // Each connection of a command finds it out.
        let told = match notice {
            Notice::DaemonsEnd => Some(&mut self.daemons_end),
            Notice::Waits { .. } => Some(&mut self.waits),
            _ => None,
        };
        if told.is_some_and(|told| std::mem::replace(told, true)) {
            return Vec::new();
        }
        match self.program {
            Program::Pm2 => pm2::lines(notice, paint),
            Program::Ostler => {
                let now = self.since.elapsed();
                self.tally.take(notice, now);
                let progress = self.progress;
                match self.objects(notice, now) {
                    Some(objects) => objects,
                    None => {
                        let said = (progress, &self.typed);
                        ostler::lines(notice, &mut self.tally, now, said, paint)
                    }
                }
            }
        }
    }

    /// Returns the objects of a notice, if a program reads them. The end of what is done is held
    /// back: what is said of it afterwards, such as that an app did not become ready, comes before.
    fn objects(&mut self, notice: &Notice<'_>, now: Duration) -> Option<Vec<Line>> {
        if self.progress != Progress::Json {
            return None;
        }
        let object = json::object(notice, &self.tally, now, &self.typed)?;
        let mut lines = Vec::new();
        match notice {
            Notice::Finished { .. } => {
                lines.extend(self.end());
                self.held = object;
                return Some(lines);
            }
            Notice::Begun { .. } | Notice::StartsScript { .. } | Notice::StartsMissing { .. } => {
                lines.extend(self.end());
            }
            Notice::Problem(_) | Notice::Missed { .. } => {
                if let Some(ok) = self.held.as_mut().and_then(|held| held.get_mut("ok")) {
                    *ok = Value::Bool(false);
                }
            }
            _ => {}
        }
        lines.extend(object.as_ref().map(json::line));
        lines.extend(json::asides(notice).iter().map(json::line));
        Some(lines)
    }

    /// Returns what is to be said last, if there is anything.
    pub(crate) fn end(&mut self) -> Option<Line> {
        self.held.take().as_ref().map(json::line)
    }
}
