//! Control groups: one for each run, where version 2 of them can be had.
//!
//! `cgroup.kill` ends everything in a group in one step, and `cgroup.events` tells when it is
//! empty; nothing that a run starts can leave its group.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use ostler_core::RunId;

use super::proc::{ProcessRef, hold};
use super::stat::{Stat, is_gone};
use crate::daemon_log;

/// With the value `off` in the environment of the command that starts the daemon, no control groups
/// are made: some hosts reserve them for another manager.
pub const GROUPS_VARIABLE: &str = ostler_env::OSTLER_CGROUP;

/// Where runs get control groups of their own.
#[derive(Clone, Debug)]
pub struct Groups {
    base: PathBuf,
    /// The group that was made in advance.
    prepared: Option<RunId>,
}

impl Groups {
    /// A folder below our own control group, when version 2 is mounted, we may write there, and the
    /// user did not forbid it by [`GROUPS_VARIABLE`].
    ///
    /// # Errors
    /// Nobody can tell for now. What runs may be in groups, so to go on without them is wrong.
    pub fn find(mark: &str) -> io::Result<Option<Self>> {
        if std::env::var_os(GROUPS_VARIABLE).is_some_and(|value| value == "off") {
            return Ok(None);
        }
        let Some(around) = ostler_keeper::groups::around()? else { return Ok(None) };
        let base = around.join(format!("ostler-{mark}"));
        match fs::create_dir(&base) {
            Err(error) if is_passing(&error) => return Err(error),
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Ok(None),
            Ok(()) | Err(_) => {}
        }
        let there = base.join("cgroup.kill").try_exists()?;
        Ok(there.then_some(Self { base, prepared: None }))
    }

    /// The group of a run, made.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn create(&mut self, run: RunId) -> io::Result<PathBuf> {
        let path = self.path(run);
        if self.prepared.take_if(|prepared| *prepared == run).is_some() {
            return Ok(path);
        }
        match fs::create_dir(&path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => Ok(path),
        }
    }

    /// Makes the group of a run that may come next, while nobody waits for it: where one crashed,
    /// another will be started.
    pub fn prepare(&mut self, run: RunId) {
        if self.prepared != Some(run) {
            // It is made when it is needed, if it cannot be made now.
            self.prepared = self.create(run).ok().map(|_| run);
        }
    }

    /// Makes the group of a run that vanished; `false` when it did not, or cannot be made.
    pub fn make_again(&self, run: RunId) -> bool {
        fs::create_dir(self.path(run)).is_ok()
    }

    /// The group of a run, made anew: what is in it is killed. A group that `cgroup.kill` was
    /// written to once is of no use again: the kernel (6.18) kills whatever is born into it.
    /// `false` when there can be none.
    pub fn renew(&self, run: RunId) -> bool {
        if self.is_populated(run) && self.kill(run).is_err() {
            return false;
        }
        self.remove(run);
        fs::create_dir(self.path(run)).is_ok()
    }

    /// Where the group of a run is.
    pub fn path(&self, run: RunId) -> PathBuf {
        self.base.join(format!("run-{}", run.0))
    }

    /// The run whose group this path in the hierarchy is, or is in.
    pub fn run_at(&self, path: &str) -> Option<RunId> {
        let base = self.base.file_name()?.to_str()?;
        let (_, group) = path.split_once(&format!("/{base}/"))?;
        run_named(group.split('/').next()?)
    }

    /// Whether any process is in it; `false` also when there is no such group, and `true` when
    /// nobody can tell.
    pub fn is_populated(&self, run: RunId) -> bool {
        match self.open_events(run) {
            Ok(events) => is_populated(&events),
            Err(error) => !is_gone(&error),
        }
    }

    /// What tells whether the group of a run is populated, for [`is_populated`].
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn open_events(&self, run: RunId) -> io::Result<OwnedFd> {
        let flags = rustix::fs::OFlags::RDONLY | rustix::fs::OFlags::CLOEXEC;
        Ok(rustix::fs::open(
            self.path(run).join("cgroup.events"),
            flags,
            rustix::fs::Mode::empty(),
        )?)
    }

    /// SIGKILL for everything in it.
    pub fn kill(&self, run: RunId) -> io::Result<()> {
        match fs::write(self.path(run).join("cgroup.kill"), "1") {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    /// Takes an empty group away.
    pub fn remove(&self, run: RunId) {
        // A group that is still populated stays; whoever empties it calls again.
        _ = fs::remove_dir(self.path(run));
    }

    /// The runs that have a group, each with the processes in it.
    pub fn all_members(&self) -> BTreeMap<RunId, Vec<u32>> {
        self.runs().into_iter().map(|run| (run, self.members(run))).collect()
    }

    /// Ends the groups of other runs, which nobody will empty any more: whatever is in one is
    /// killed at once, with what it is about to start.
    pub fn end_others(&self, known: impl Fn(RunId) -> bool) {
        for run in self.runs().into_iter().filter(|run| !known(*run)) {
            if self.is_populated(run)
                && let Err(error) = self.kill(run)
            {
                daemon_log::error(format!("could not kill the control group of {run:?}: {error}"));
            }
            self.remove(run);
        }
    }

    /// The runs that have a group.
    fn runs(&self) -> Vec<RunId> {
        let entries = fs::read_dir(&self.base).into_iter().flatten().flatten();
        let run = |entry: fs::DirEntry| run_named(entry.file_name().to_str()?);
        entries.filter_map(run).collect()
    }

    /// Takes the folder of all groups away.
    pub fn remove_base(&self) {
        for entry in fs::read_dir(&self.base).into_iter().flatten().flatten() {
            // Prepared for a run that never came; the system's own files are not removed by this.
            _ = fs::remove_dir(entry.path());
        }
        _ = fs::remove_dir(&self.base);
    }

    /// What tells the processes in the group of a run, for [`members_in`].
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn open_members(&self, run: RunId) -> io::Result<OwnedFd> {
        let flags = rustix::fs::OFlags::RDONLY | rustix::fs::OFlags::CLOEXEC;
        let path = self.path(run).join("cgroup.procs");
        Ok(rustix::fs::open(path, flags, rustix::fs::Mode::empty())?)
    }

    /// Processes in the group of a run.
    pub fn members(&self, run: RunId) -> Vec<u32> {
        let text = fs::read_to_string(self.path(run).join("cgroup.procs")).unwrap_or_default();
        text.lines().filter_map(|line| line.parse().ok()).collect()
    }

    /// The members of a run's group without its first process, each held fast and then found in the
    /// group once more.
    pub fn hold_members(&self, run: RunId, first: u32) -> Vec<ProcessRef> {
        let hold_live = |pid: u32| hold(pid, Stat::read(pid)?.start_time).ok().flatten();
        let members = self.members(run).into_iter().filter(|pid| *pid != first);
        let held: Vec<ProcessRef> = members.filter_map(hold_live).collect();
        let still = self.members(run);
        let mut held: Vec<ProcessRef> =
            held.into_iter().filter(|one| still.contains(&one.pid)).collect();
        held.sort_by_key(|one| std::cmp::Reverse(one.pid));
        held
    }
}

/// The run whose group has this name.
fn run_named(name: &str) -> Option<RunId> {
    name.strip_prefix("run-")?.parse().ok().map(RunId)
}

/// Whether the system lacks something at this moment; all else says that there are no
/// groups for us.
fn is_passing(error: &io::Error) -> bool {
    let code = error.raw_os_error();
    [libc::EIO, libc::EINTR, libc::ENOMEM, libc::EMFILE, libc::ENFILE].map(Some).contains(&code)
}

/// Processes in the group whose list this is; `None` when it is gone, or has more of them than
/// one read can tell.
pub fn members_in(list: &OwnedFd) -> Option<Vec<u32>> {
    let mut text = [0; 4096];
    let length = rustix::io::pread(list, &mut text, 0).ok().filter(|length| *length < 4096)?;
    let lines = std::str::from_utf8(text.get(..length)?).ok()?.lines();
    Some(lines.filter_map(|line| line.parse().ok()).collect())
}

/// Whether any process is in the group whose events these are; `true` when nobody can tell.
pub fn is_populated(events: &OwnedFd) -> bool {
    let mut text = [0; 256];
    match rustix::io::pread(events, &mut text, 0).map_err(io::Error::from) {
        Ok(length) => text
            .get(..length)
            .unwrap_or_default()
            .split(|byte| *byte == b'\n')
            .any(|line| line == b"populated 1"),
        Err(error) => !is_gone(&error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_in_the_hierarchy_names_the_run_whose_group_it_is_in() {
        let groups = Groups { base: "/sys/fs/cgroup/own/ostler-m".into(), prepared: None };
        let run_at = |path| groups.run_at(path).map(|run| run.0);
        assert_eq!(run_at("/own/ostler-m/run-7"), Some(7));
        assert_eq!(run_at("/own/ostler-m/run-7/inner"), Some(7));
        for other in ["/own/ostler-m", "/own/ostler-m/x", "/own/ostler-n/run-7", "/run-7", "/"] {
            assert_eq!(run_at(other), None, "{other}");
        }
    }
}
