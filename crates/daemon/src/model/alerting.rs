//! What is an alert.

use std::path::Path;

use ostler_core::spec::{AlertKind, RuleAction};
use ostler_core::{AppId, Phase, ProcId, RunId};
use ostler_sinks::Alert;
use ostler_wire::control::{Code, Failure};

use super::Model;
use super::input::Effect;
use super::rule_found::RuleFound;
use crate::environment::log_files;

/// That one is not owed any more is saved so late at most, ms.
const SAVE_WITHIN: u64 = 1000;

impl Model {
    /// The home names somebody who is told, or not.
    pub(super) fn on_home_told(&mut self, is_told: bool) {
        // The next daemon must know it from its first moment on.
        self.known.unsaved |= std::mem::replace(&mut self.alerts.is_home_told, is_told) != is_told;
    }

    /// Those who are told have this one.
    pub(super) fn on_alerted(&mut self, number: u64) {
        if self.alerts.forget(number) {
            self.save_by.get_or_insert(self.known.at.now + SAVE_WITHIN);
        }
    }

    /// A process was given up.
    pub(super) fn alert_given_up(&mut self, id: ProcId, unstable: u32) {
        let last = self.known.registry.proc(id).and_then(|proc| proc.last.as_ref());
        let how = last.map_or_else(String::new, |last| format!("; the last one: {}", last.fact()));
        let text = format!(
            "process {} is not started again after {unstable} unstable restarts in a row{how}",
            id.0
        );
        self.alert(id, AlertKind::Errored, text);
    }

    /// A process cannot be started.
    pub(super) fn alert_refused(&mut self, id: ProcId) {
        let proc = self.known.registry.proc(id);
        let why = proc.and_then(|proc| proc.last.as_ref()?.reason());
        let why = why.map_or_else(String::new, |why| format!(": {why}"));
        self.alert(id, AlertKind::Errored, format!("process {} cannot be started{why}", id.0));
    }

    /// A process is above its memory limit.
    pub(super) fn alert_over_memory(&mut self, id: ProcId, memory: u64, limit: u64) {
        const MB: u64 = 1 << 20;
        let text = format!(
            "process {} used {} MB of memory, more than its limit of {} MB, and is replaced",
            id.0,
            memory / MB,
            limit / MB
        );
        self.alert(id, AlertKind::Memory, text);
    }

    /// The kernel ended a process for want of memory.
    pub(super) fn alert_out_of_memory(&mut self, id: ProcId) {
        let text = format!("the kernel ended process {} for want of memory", id.0);
        self.alert(id, AlertKind::Memory, text);
    }

    /// A process has lost its health.
    pub(super) fn alert_health(&mut self, id: ProcId, text: String) {
        self.alert(id, AlertKind::Health, text);
    }

    /// A process has its health again.
    pub(super) fn alert_healthy(&mut self, id: ProcId) {
        let text = format!("process {} passes its health check again", id.0);
        self.alert(id, AlertKind::Healthy, text);
    }

    /// A reload failed.
    pub(super) fn alert_reload(&mut self, app: AppId, failure: &Failure) {
        // What a user has cut short is no news to them.
        if failure.code == Code::NotVerified {
            self.alert_of(app, None, AlertKind::Reload, failure.message.clone());
        }
    }

    /// Log files of a process have not got so many lines of a run's output, since that began.
    pub(super) fn on_dropped_lines(&mut self, id: ProcId, run: RunId, stream: usize, lines: u64) {
        if let Some(proc) = self.known.registry.proc_mut(id)
            && proc.dropped.on_dropped(run.0, stream, lines)
        {
            self.save_by.get_or_insert(self.known.at.now + SAVE_WITHIN);
        }
    }

    /// It is known whether a file of an app can be written.
    pub(super) fn on_written(&mut self, path: &Path, error: Option<String>) {
        let is_new = self.unwritten.on_written(path, error.clone());
        if let Some(error) = error.filter(|_| is_new) {
            self.alert_unwritten(path, &error);
        }
    }

    /// A log of an app could be written before, and cannot be written.
    fn alert_unwritten(&mut self, path: &Path, error: &str) {
        // A full disk is told of each file: where nobody listens, none is looked for.
        if !self.is_any_told(AlertKind::Log) {
            return;
        }
        let is_of = |(id, slot): (ProcId, &ostler_core::supervisor::Slot)| {
            let spec = &self.known.registry.version(slot.process().spec())?.spec;
            let files = log_files(spec, id);
            files.iter().flatten().any(|file| file == path).then_some(id)
        };
        // One who is told of a file that many share needs no more.
        let first = self.known.core.slots().find_map(is_of);
        if let Some(id) = first {
            let text = format!("the log file `{}` cannot be written: {error}", path.display());
            self.alert(id, AlertKind::Log, text);
        }
    }

    /// Whether somebody is told of this, of whichever app.
    fn is_any_told(&self, kind: AlertKind) -> bool {
        let registry = &self.known.registry;
        let mut specs = registry.apps().filter_map(|(_, app)| registry.version(app.spec));
        specs.any(|version| self.alerts.is_told(&version.spec.alerts, kind))
    }

    /// A rule of an app has found a line.
    pub(super) fn on_found(&mut self, number: u64, found: RuleFound, out: &mut Vec<Effect>) {
        let RuleFound { id, rule, then, line, held_back } = found;
        for action in then {
            match action {
                RuleAction::Alert => {
                    let mut text = format!("the rule `{rule}` has found a line: {line}");
                    if 0 < held_back {
                        text.push_str(&format!("\n({held_back} more before it)"));
                    }
                    self.alert(id, AlertKind::Rule, text);
                }
                RuleAction::Restart => {
                    let slot = self.known.core.slot(id).map(|slot| slot.process());
                    // What is stopped, or begins anew already, is left alone.
                    if slot.is_some_and(|of| matches!(of.phase(), Phase::Online { .. })) {
                        let label = self.known.registry.label(id);
                        let line = format!("App [{label}] is restarted by its log rule `{rule}`");
                        out.push(Effect::Log(line));
                        let why = format!("by its log rule `{rule}`");
                        self.restart_by_itself(&[id], &why, true, out);
                    }
                }
            }
        }
        self.settle(out);
        out.push(Effect::SeenTo(number));
    }

    fn alert(&mut self, id: ProcId, kind: AlertKind, text: String) {
        if let Some(app) = self.known.registry.app_of(id) {
            self.alert_of(app, Some(id), kind, text);
        }
    }

    fn alert_of(&mut self, id: AppId, process: Option<ProcId>, kind: AlertKind, text: String) {
        let Some(app) = self.known.registry.app(id) else { return };
        let version = self.known.registry.version(app.spec);
        let own = version.map(|version| &version.spec.alerts);
        if !own.map_or(self.alerts.is_home_told, |own| self.alerts.is_told(own, kind)) {
            return;
        }
        self.alerts.owe(Alert {
            kind: kind.word().to_owned(),
            namespace: app.namespace.clone(),
            app: app.name.clone(),
            process: process.map(|id| id.0),
            at: self.known.at.wall,
            text,
            held_back: 0,
        });
        self.known.unsaved = true;
    }
}
