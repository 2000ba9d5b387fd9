//! What becomes of the apps of a process file: one value, which `plan` shows and `apply` does.

use ostler_core::spec::{AppSpec, ExecMode};
use ostler_wire::control::{Phase, ProcView};
use serde_json::{Value, json};

use crate::of_file::Differences;

/// What becomes of an app.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) app: String,
    pub(crate) deed: Deed,
    /// Why, each in a few words.
    pub(crate) changes: Vec<String>,
}

/// What is done with an app.
#[derive(Debug)]
pub(crate) enum Deed {
    /// It is as the file says.
    Unchanged,
    /// It is new.
    Add(Box<AppSpec>),
    /// Its processes are started again with what the file says, then brought to this number.
    Again { how: Again, ids: Vec<u32>, spec: Box<AppSpec>, scale: Option<u32> },
    /// It is brought to this number of processes.
    Scale(u32),
    /// It is deleted and added: what has changed counts only for an app that is new.
    Replace { ids: Vec<u32>, spec: Box<AppSpec> },
    /// It is from this file, and not in it any more.
    Remove(Vec<u32>),
    /// The same, but it stays.
    Keep,
}

/// How processes are started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Again {
    /// They do not run.
    Start,
    Restart,
    /// One by one, with no request lost.
    Reload,
}

impl Deed {
    /// Returns the word for it.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Unchanged => "unchanged",
            Self::Add(_) | Self::Again { how: Again::Start, .. } => "start",
            Self::Again { how: Again::Restart, .. } => "restart",
            Self::Again { how: Again::Reload, .. } => "reload",
            Self::Scale(_) => "scale",
            Self::Replace { .. } => "replace",
            Self::Remove(_) => "remove",
            Self::Keep => "keep",
        }
    }

    /// Whether nothing is done.
    pub(crate) fn is_nothing(&self) -> bool {
        matches!(self, Self::Unchanged | Self::Keep)
    }
}

impl Step {
    /// An app that is new.
    pub(crate) fn add(spec: AppSpec) -> Self {
        let changes = vec![format!("instances {}", spec.instances)];
        Self { app: spec.name.clone(), deed: Deed::Add(Box::new(spec)), changes }
    }

    /// An app that is in the list.
    pub(crate) fn known(processes: &[&ProcView], found: Differences, of_file: AppSpec) -> Self {
        let app = of_file.name.clone();
        let Differences { scaled, scaled_shown, changed, added } = found;
        let ids: Vec<u32> = processes.iter().map(|of| of.id).collect();
        let down = ids_that_are_down(processes, &of_file);
        let all_down = down.len() == ids.len();
        let scale = scaled.and_then(|count| u32::try_from(count).ok());
        let mut changes = added.clone();
        changes.extend(changed.iter().cloned());
        changes.extend(scale.map(|_| scaled_shown));
        let spec = Box::new(of_file);
        let deed = if !added.is_empty() {
            Deed::Replace { ids, spec }
        } else if !changed.is_empty() {
            let how = match spec.exec_mode {
                _ if all_down => Again::Start,
                ExecMode::Cluster => Again::Reload,
                ExecMode::Fork => Again::Restart,
            };
            Deed::Again { how, ids, spec, scale }
        } else if !down.is_empty() {
            changes.push(match all_down {
                true => "does not run".to_owned(),
                false => format!("{} of {} do not run", down.len(), ids.len()),
            });
            Deed::Again { how: Again::Start, ids: down, spec, scale }
        } else if let Some(count) = scale {
            Deed::Scale(count)
        } else {
            changes.push("nothing changed".to_owned());
            Deed::Unchanged
        };
        Self { app, deed, changes }
    }

    /// An app from this file that is not in it any more.
    pub(crate) fn gone(app: String, ids: Vec<u32>, prune: bool) -> Self {
        let mut changes = vec!["not in the file any more".to_owned()];
        if prune {
            return Self { app, deed: Deed::Remove(ids), changes };
        }
        let pasted = ostler_shell::operand(&app);
        changes.push(format!("to remove it: `--prune`, or `ostler delete {pasted}`"));
        Self { app, deed: Deed::Keep, changes }
    }

    /// An app from this file of which no profile is chosen: it stays, also with `--prune`.
    pub(crate) fn other_profile(app: String, profiles: &[String]) -> Self {
        let why = format!("its profile is not chosen: {} chooses it", chooses(profiles));
        Self { app, deed: Deed::Keep, changes: vec![why] }
    }
}

/// Returns what chooses an app with these profiles.
pub(crate) fn chooses(profiles: &[String]) -> String {
    let first = profiles.first().map_or("", String::as_str);
    format!("`--profile {}`", ostler_shell::word(first))
}

/// Returns the processes that do not run and should. A job that has done its work should not, and
/// what is started by hand neither.
fn ids_that_are_down(processes: &[&ProcView], of_file: &AppSpec) -> Vec<u32> {
    if !of_file.autostart || !of_file.policy.autorestart || of_file.policy.oneshot {
        return Vec::new();
    }
    let down = processes.iter().filter(|of| match of.phase {
        Phase::Stopped | Phase::Errored => true,
        Phase::Starting
        | Phase::Online
        | Phase::Stopping
        | Phase::Backoff { .. }
        | Phase::Sleeping
        | Phase::Waiting => false,
    });
    down.map(|of| of.id).collect()
}

/// Returns a line for each step.
pub(crate) fn lines(steps: &[Step]) -> Vec<String> {
    let width = steps.iter().map(|step| step.app.chars().count()).max().unwrap_or(0);
    let line = |step: &Step| {
        format!("{:<9}  {:<width$}  {}", step.deed.word(), step.app, step.changes.join(", "))
    };
    steps.iter().map(line).collect()
}

/// Returns an object for each step.
pub(crate) fn objects(steps: &[Step]) -> Vec<Value> {
    let object =
        |step: &Step| json!({"app": step.app, "action": step.deed.word(), "changes": step.changes});
    steps.iter().map(object).collect()
}

#[cfg(test)]
mod tests;
