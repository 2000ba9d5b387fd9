//! Commands of apps: where they begin, and what becomes of them.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use ostler_core::RunId;
use ostler_core::spec::Hook;
use ostler_logs::Stream;
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::pipe::{PipeFlags, pipe_with};

use super::Daemon;
use crate::clock;
use crate::hooks::{self, HookDone};
use crate::logs::Logs;
use crate::model::{HookRun, Input};

impl Daemon {
    /// Begins a command, or what comes before a run.
    pub(super) fn begin_hook(&mut self, of: HookRun) {
        let (run, hook, label) = (of.run, of.hook, of.label.clone());
        let folder = match hook {
            Hook::PreStart => self.runs.early_group(run),
            Hook::PostStart | Hook::PreStop => self.runs.group_path(run),
            Hook::PostStop | Hook::PreReload | Hook::PostReload => None,
        };
        let source = self.hooks.source(clock::wall());
        let begun = open_log(&self.logs, source, &of)
            .and_then(|log| self.hooks.begin(source, of, (folder, log), &self.inbox.mailbox));
        if let Err(error) = begun {
            let result = Err(format!("`{}` could not be begun: {error}", hook.as_str()));
            self.on_hook_done(HookDone { source, label, run, hook, result });
        }
    }

    /// A command is over.
    pub(super) fn on_hook_done(&mut self, done: HookDone) {
        let HookDone { source, label, run, hook, result } = done;
        self.hooks.on_done(source);
        self.logs.engine().ended(source);
        if hook != Hook::PreStart {
            let result = result.map(|_| ());
            return self.model.push(Input::HookOver { label, run, hook, result });
        }
        let result = match result {
            Ok(secrets) => {
                self.runs.keep_secrets(run, secrets);
                Ok(())
            }
            Err(why) => {
                self.runs.forget_unborn_group(run);
                Err(why)
            }
        };
        self.model.push(Input::PreludeOver { run, result });
    }
}

/// Where a command writes its lines, which go into the log of its app.
fn open_log(logs: &Logs, source: u64, of: &HookRun) -> io::Result<Option<OwnedFd>> {
    if !hooks::prints(of) {
        return Ok(None);
    }
    let (read, write) = pipe_with(PipeFlags::CLOEXEC)?;
    fcntl_setfl(&read, fcntl_getfl(&read)? | OFlags::NONBLOCK)?;
    let pipes = [(Stream::Out, Some(Arc::new(read))), (Stream::Err, None)];
    logs.attach(RunId(source), of.id, &of.spec, pipes);
    Ok(Some(write))
}
