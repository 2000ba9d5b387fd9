//! Commands at moments of an app's life, and what it is given in secret.

use std::path::PathBuf;

use crate::Millis;

/// Commands of an app, by the moment at which each is run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hooks {
    /// Before each run: where it fails, the run does not begin.
    pub pre_start: Option<String>,
    /// When a run is online.
    pub post_start: Option<String>,
    /// Before a run is asked to end.
    pub pre_stop: Option<String>,
    /// When nothing of a run is left.
    pub post_stop: Option<String>,
    /// Before a reload begins its first worker.
    pub pre_reload: Option<String>,
    /// When a reload has replaced all.
    pub post_reload: Option<String>,
    /// How long each may take, ms.
    pub timeout: Millis,
}

impl Default for Hooks {
    fn default() -> Self {
        Self {
            pre_start: None,
            post_start: None,
            pre_stop: None,
            post_stop: None,
            pre_reload: None,
            post_reload: None,
            timeout: 30_000,
        }
    }
}

impl Hooks {
    /// Returns the command of a moment.
    #[must_use]
    pub fn command(&self, hook: Hook) -> Option<&str> {
        match hook {
            Hook::PreStart => self.pre_start.as_deref(),
            Hook::PostStart => self.post_start.as_deref(),
            Hook::PreStop => self.pre_stop.as_deref(),
            Hook::PostStop => self.post_stop.as_deref(),
            Hook::PreReload => self.pre_reload.as_deref(),
            Hook::PostReload => self.post_reload.as_deref(),
        }
    }

    /// Returns the place of the command of a moment.
    #[must_use]
    pub fn command_mut(&mut self, hook: Hook) -> &mut Option<String> {
        match hook {
            Hook::PreStart => &mut self.pre_start,
            Hook::PostStart => &mut self.post_start,
            Hook::PreStop => &mut self.pre_stop,
            Hook::PostStop => &mut self.post_stop,
            Hook::PreReload => &mut self.pre_reload,
            Hook::PostReload => &mut self.post_reload,
        }
    }
}

/// A moment at which a command is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the fields of `Hooks` are documented")]
pub enum Hook {
    PreStart,
    PostStart,
    PreStop,
    PostStop,
    PreReload,
    PostReload,
}

impl Hook {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::PreStart,
        Self::PostStart,
        Self::PreStop,
        Self::PostStop,
        Self::PreReload,
        Self::PostReload,
    ];

    /// Returns its key in a process file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PreStart => "pre_start",
            Self::PostStart => "post_start",
            Self::PreStop => "pre_stop",
            Self::PostStop => "post_stop",
            Self::PreReload => "pre_reload",
            Self::PostReload => "post_reload",
        }
    }
}

/// Where the value of a secret variable comes from, at each start anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Secret {
    /// This file has it, from the app's `cwd` on.
    File(PathBuf),
    /// This shell command prints it.
    Command(String),
}
