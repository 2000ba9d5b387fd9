//! What a run may take with its descendants of processors and memory, by its control group.
//!
//! The kernel has these files only where their controller is on for the groups of this home. It can
//! be switched on where the group around ours has no process in it, or is the root of all. Where it
//! cannot, the app is not started without its limit. The group is the kernel's: the limit holds
//! whoever of the manager lives, and goes with the run.

use std::fmt::Display;
use std::fs;
use std::path::Path;

use ostler_core::RunId;
use ostler_core::spec::AppSpec;

use super::{Run, Runs};

/// The time in which a share is counted, microseconds; the kernel's own default.
const PERIOD: u64 = 100_000;

/// A limit that a control group has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Limit {
    /// Percent of a core.
    Cpu(u32),
    /// Bytes of memory.
    Memory(u64),
}

impl Limit {
    fn of(spec: &AppSpec) -> impl Iterator<Item = Self> {
        let cpu = spec.limits.max_cpu.map(Self::Cpu);
        cpu.into_iter().chain(spec.limits.max_memory.map(Self::Memory))
    }

    fn controller(self) -> &'static str {
        match self {
            Self::Cpu(_) => "cpu",
            Self::Memory(_) => "memory",
        }
    }

    /// The limit in words, as it follows "held to".
    fn shown(self) -> String {
        match self {
            Self::Cpu(percent) => format!("`max_cpu` {percent} %"),
            Self::Memory(bytes) => format!("`max_memory` {bytes} bytes"),
        }
    }

    /// What does without a control group, if anything.
    fn instead(self) -> &'static str {
        match self {
            Self::Cpu(_) => "",
            Self::Memory(_) => "; `max_memory_restart` needs no control group",
        }
    }

    /// Sets it for a group.
    fn set(self, group: &Path) -> Result<(), String> {
        if let Some(base) = group.parent() {
            enable(base, self.controller())?;
        }
        match self {
            Self::Cpu(percent) => {
                let quota = u64::from(percent) * PERIOD / 100;
                write(&group.join("cpu.max"), &format!("{quota} {PERIOD}"))
            }
            Self::Memory(bytes) => {
                write(&group.join("memory.max"), &bytes.to_string())?;
                // What is swapped out would be memory beyond the limit. Without swap in the kernel
                // there is no such file.
                let swap = group.join("memory.swap.max");
                if swap.exists() {
                    write(&swap, "0")?;
                }
                // An app of which one process is missing may go on without working.
                write(&group.join("memory.oom.group"), "1")
            }
        }
    }
}

impl Runs {
    /// Limits what a run may take by its control group, where its specification says so.
    ///
    /// # Errors
    /// Why it cannot be limited, in words.
    pub fn limit_group(&self, run: RunId) -> Result<(), String> {
        self.get(run).map_or(Ok(()), |held| self.limit(run, held))
    }

    pub(super) fn limit(&self, run: RunId, held: &Run) -> Result<(), String> {
        let Some(spec) = held.settings.as_ref() else { return Ok(()) };
        for limit in Limit::of(spec) {
            let told = |why: &str| {
                format!("could not be held to {}: {why}{}", limit.shown(), limit.instead())
            };
            if !spec.policy.tree_kill {
                return Err(told("with `treekill: false` it gets no control group"));
            }
            let group = self.path_of(run, held).ok_or_else(|| {
                told("no control groups of version 2 can be made here for its manager")
            })?;
            limit.set(&group).map_err(|why| told(&why))?;
        }
        Ok(())
    }

    /// How often the kernel has ended processes of the run at the limit of its own control group.
    pub(super) fn count_group_kills(&self, run: RunId) -> Option<u64> {
        super::oom::count(&self.group_path(run)?.join("memory.events"))
    }
}

/// Switches a controller on for the groups in this folder.
fn enable(base: &Path, controller: &str) -> Result<(), String> {
    let has = |file: &str| {
        let text = fs::read_to_string(base.join(file)).unwrap_or_default();
        text.split_whitespace().any(|word| word == controller)
    };
    if has("cgroup.subtree_control") {
        return Ok(());
    }
    let on = format!("+{controller}");
    if !has("cgroup.controllers")
        && let Some(around) = base.parent()
    {
        write(&around.join("cgroup.subtree_control"), &on)?;
    }
    write(&base.join("cgroup.subtree_control"), &on)
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
            assert_eq!(Limit::Cpu(150).set(&around.join("base/run-7")), Ok(()));
            let read = |file: &str| fs::read_to_string(around.join(file)).unwrap_or_default();
            assert_eq!(read("base/run-7/cpu.max"), "150000 100000");
            assert_eq!(read("base/cgroup.subtree_control"), "+cpu");
            let is_around = !controllers.contains("cpu ");
            assert_eq!(read("cgroup.subtree_control"), if is_around { "+cpu" } else { "" });
            fs::remove_dir_all(around).unwrap();
        }
    }

    #[test]
    fn memory_is_limited_with_its_swap_and_all_processes_end_together() {
        let around = folder("memory-here", "cpu memory");
        let run = around.join("base/run-7");
        fs::write(run.join("memory.swap.max"), "max").unwrap();
        assert_eq!(Limit::Memory(64 << 20).set(&run), Ok(()));
        let read = |file: &str| fs::read_to_string(run.join(file)).unwrap_or_default();
        assert_eq!(read("memory.max"), "67108864");
        assert_eq!(
            (read("memory.swap.max").as_str(), read("memory.oom.group").as_str()),
            ("0", "1")
        );
        assert_eq!(read("../cgroup.subtree_control"), "+memory");
        fs::remove_dir_all(around).unwrap();
    }

    #[test]
    fn a_group_that_cannot_be_limited_says_why() {
        let around = folder("cpu-none", "cpu");
        fs::remove_dir(around.join("base/run-7")).unwrap();
        let why = Limit::Cpu(50).set(&around.join("base/run-7")).unwrap_err();
        assert!(why.starts_with("could not write to `") && why.contains("run-7/cpu.max"), "{why}");
        fs::remove_dir_all(around).unwrap();
    }
}
