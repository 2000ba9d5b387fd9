//! The share of the processors that a run may take with its descendants, by its control group.
//!
//! The kernel has that file only where the controller `cpu` is on for the groups of this home. It
//! can be switched on where the group around ours has no process in it, or is the root of all.
//! Where it cannot, the app is not started without its limit.

use std::fmt::Display;
use std::fs;
use std::path::Path;

use ostler_core::RunId;

use super::{Run, Runs};

/// The time in which a share is counted, microseconds; the kernel's own default.
const PERIOD: u64 = 100_000;

impl Runs {
    /// Limits what a run may take of the processors, where its specification says so.
    ///
    /// # Errors
    /// Why it cannot be limited, in words.
    pub fn limit_cpu(&self, run: RunId) -> Result<(), String> {
        self.get(run).map_or(Ok(()), |held| self.limit(run, held))
    }

    pub(super) fn limit(&self, run: RunId, held: &Run) -> Result<(), String> {
        let Some(spec) = held.settings.as_ref() else { return Ok(()) };
        let Some(percent) = spec.limits.max_cpu else { return Ok(()) };
        let told = |why: &str| format!("could not be held to `max_cpu` {percent} %: {why}");
        if !spec.policy.tree_kill {
            return Err(told("with `treekill: false` it gets no control group"));
        }
        let group = self.path_of(run, held).ok_or_else(|| {
            told("no control groups of version 2 can be made here for its manager")
        })?;
        limit(&group, percent).map_err(|why| told(&why))
    }
}

/// Sets the limit of a group.
fn limit(group: &Path, percent: u32) -> Result<(), String> {
    if let Some(base) = group.parent() {
        enable(base)?;
    }
    let quota = u64::from(percent) * PERIOD / 100;
    write(&group.join("cpu.max"), &format!("{quota} {PERIOD}"))
}

/// Switches the controller on for the groups in this folder.
fn enable(base: &Path) -> Result<(), String> {
    let has = |file: &str| {
        let text = fs::read_to_string(base.join(file)).unwrap_or_default();
        text.split_whitespace().any(|word| word == "cpu")
    };
    if has("cgroup.subtree_control") {
        return Ok(());
    }
    if !has("cgroup.controllers")
        && let Some(around) = base.parent()
    {
        write(&around.join("cgroup.subtree_control"), "+cpu")?;
    }
    write(&base.join("cgroup.subtree_control"), "+cpu")
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    let told = |error: &dyn Display| format!("could not write to `{}`: {error}", path.display());
    fs::write(path, text).map_err(|error| match error.raw_os_error() {
        Some(libc::EBUSY) => told(&"the group has processes in it, and cannot share them out"),
        _ => told(&error),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Files as the kernel has them, below a folder of our own.
    fn folder(name: &str, controllers: &str) -> std::path::PathBuf {
        let around = std::env::temp_dir().join(format!("ostler-{name}-{}", std::process::id()));
        let run = around.join("base/run-7");
        fs::create_dir_all(&run).unwrap();
        fs::write(around.join("base/cgroup.controllers"), controllers).unwrap();
        around
    }

    #[test]
    fn a_share_is_written_for_each_period_and_the_controller_is_switched_on_where_it_is_off() {
        for (name, controllers) in [("cpu-here", "cpuset cpu io"), ("cpu-around", "memory")] {
            let around = folder(name, controllers);
            assert_eq!(limit(&around.join("base/run-7"), 150), Ok(()));
            let read = |file: &str| fs::read_to_string(around.join(file)).unwrap_or_default();
            assert_eq!(read("base/run-7/cpu.max"), "150000 100000");
            assert_eq!(read("base/cgroup.subtree_control"), "+cpu");
            let is_around = !controllers.contains("cpu ");
            assert_eq!(read("cgroup.subtree_control"), if is_around { "+cpu" } else { "" });
            fs::remove_dir_all(around).unwrap();
        }
    }

    #[test]
    fn a_group_that_cannot_be_limited_says_why() {
        let around = folder("cpu-none", "cpu");
        fs::remove_dir(around.join("base/run-7")).unwrap();
        let why = limit(&around.join("base/run-7"), 50).unwrap_err();
        assert!(why.starts_with("could not write to `") && why.contains("run-7/cpu.max"), "{why}");
        fs::remove_dir_all(around).unwrap();
    }
}
