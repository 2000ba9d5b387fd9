//! Asking a run to end, and forcing it.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use ostler_core::RunId;
use ostler_core::spec::AppSpec;

use super::Runs;
use super::cgroup::Groups;
use super::life::{Alive, Life, Pending};
use super::proc::{ProcessRef, signal};
use super::run::Run;
use super::walk::Purpose;
use crate::daemon_log;
use crate::model::Input;
use crate::reports::{Report, Reports};

impl Runs {
    /// The run is about to be asked to end. `false`: that was known, or nobody knows it.
    pub fn mark_ending(&mut self, run: RunId) -> bool {
        self.get_mut(run).is_some_and(|held| !std::mem::replace(&mut held.ending, true))
    }

    /// What a dead run left is about to be killed. That is not noted: who finds the run must know
    /// that it ended by itself.
    pub fn mark_swept(&mut self, run: RunId) {
        if let Some(held) = self.get_mut(run) {
            held.swept = true;
        }
    }

    /// Whether apps of this specification are asked to end by a message.
    pub fn wants_message(&self, spec: &AppSpec) -> bool {
        spec.policy.stop_by_message || self.kills_by_message
    }

    /// Whether a run was asked to end by a message, so that it ends by itself when it is done. That
    /// it closes its channel does not say so: a worker that closed its servers when it was asked
    /// has nothing more to tell its primary, and may have requests to finish.
    pub fn ends_by_itself(&self, run: RunId) -> bool {
        let settings = self.get(run).filter(|held| held.ending).and_then(|it| it.settings.as_ref());
        settings.is_some_and(|spec| self.wants_message(spec))
    }

    /// Whether a run is asked to end by a message over its channel, which is open.
    pub fn stops_by_message(&self, run: RunId) -> bool {
        let Some(held) = self.get(run) else { return false };
        let wanted = held.settings.as_ref().is_some_and(|spec| self.wants_message(spec));
        wanted && matches!(&held.life, Life::Alive(alive) if alive.channel.is_some())
    }

    /// Asks a run to end, and its descendants. `by_message`: it was asked over its channel, and the
    /// first process gets no signal.
    pub fn terminate(&mut self, run: RunId, by_message: bool) {
        let Some(held) = self.all.get_mut(&run) else { return };
        if let Life::Asked { then } = &mut held.life {
            then.get_or_insert(Pending::Terminate);
            return;
        }
        let Some(settings) = &held.settings else { return };
        let tree_kill = settings.policy.tree_kill;
        if let Some(processes) = held.processes_mut() {
            processes.terminated = true;
        }
        if by_message {
            return;
        }
        match (tree_kill, self.group_of(run)) {
            (false, _) => self.terminate_all(run, &[]),
            (true, Some(groups)) => {
                let below = members_below(groups, run, self.first_process(run));
                self.terminate_all(run, &below);
            }
            (true, None) => self.look_for_descendants(run, Purpose::Terminate),
        }
    }

    /// Asks the first process of a run to end and then its descendants: the other way round it
    /// would see its children die, and might replace them.
    pub(super) fn terminate_all(&mut self, run: RunId, below: &[ProcessRef]) {
        let Some(held) = self.get(run) else { return };
        let Some(number) = held.settings.as_ref().map(|spec| spec.policy.stop_signal) else {
            return;
        };
        self.signal_first(run, number);
        self.ask_to_end(run, below);
    }

    /// The control groups, if the run has one.
    pub(super) fn group_of(&self, run: RunId) -> Option<&Groups> {
        self.groups.as_ref().filter(|_| self.get(run).is_some_and(|held| held.grouped))
    }

    fn signal_first(&self, run: RunId, number: i32) -> Option<Forbidden> {
        match self.all.get(&run).map(|held| &held.life) {
            Some(Life::Alive(Alive { pidfd: Some(pidfd), processes, .. })) => {
                send(pidfd, number, processes.pid)
            }
            Some(Life::Asked { .. } | Life::Alive(_) | Life::Dead(_)) | None => None,
        }
    }

    /// Asks those descendants to end that were not asked before.
    pub(super) fn ask_to_end(&mut self, run: RunId, descendants: &[ProcessRef]) {
        let Some(held) = self.all.get_mut(&run) else { return };
        let Some(number) = held.settings.as_ref().map(|spec| spec.policy.stop_signal) else {
            return;
        };
        let Some(processes) = held.processes_mut() else { return };
        for one in descendants {
            if processes.asked.insert(one.pid) {
                send(&one.fd, number, one.pid);
            }
        }
    }

    /// Kills a run with its descendants.
    pub fn kill(&mut self, run: RunId, reports: &mut Reports) {
        let Some(held) = self.all.get_mut(&run) else { return };
        if let Life::Asked { then } = &mut held.life {
            *then = Some(Pending::Kill);
            return;
        }
        let tree_kill = held.settings.as_ref().is_none_or(|spec| spec.policy.tree_kill);
        match (tree_kill, self.group_of(run)) {
            (false, _) => self.kill_all(run, &[], reports),
            (true, Some(groups)) => {
                if let Err(error) = groups.kill(run) {
                    daemon_log::error(format!(
                        "could not kill the control group of run {}: {error}",
                        run.0
                    ));
                }
                self.kill_all(run, &[], reports);
            }
            (true, None) => self.look_for_descendants(run, Purpose::Kill),
        }
    }

    /// Kills the descendants of a run and then its first process.
    pub(super) fn kill_all(&mut self, run: RunId, below: &[ProcessRef], reports: &mut Reports) {
        let below = below.iter().map(|one| send(&one.fd, libc::SIGKILL, one.pid));
        let forbidden: Vec<Option<Forbidden>> = below.collect();
        let first = self.signal_first(run, libc::SIGKILL);
        if let Some(Forbidden { pid, uid }) = first.or(forbidden.into_iter().flatten().next()) {
            let user = user_in_words(Path::new("/etc"), uid);
            reports.push_back(Report::Model(Input::Unsignalable { run, pid, user }));
            if let Some(held) = self.all.get_mut(&run) {
                held.unsignalable = true;
            }
        }
        if self.get(run).is_some_and(Run::is_dead) {
            self.look_for_orphans(run, reports);
        }
    }

    /// Whether a dead run left something that is to be ended.
    pub fn has_orphans(&self, run: RunId) -> bool {
        let Some(held) = self.get(run) else { return false };
        let empty = self.group_of(run).is_some() && !self.is_populated(run);
        held.is_dead() && !empty && !held.waits_for_output()
    }

    /// Asks those members of a dead run's control group to end that were born while the others were
    /// asked, or of which only the first process was asked, by a message.
    pub(super) fn ask_the_rest(&mut self, run: RunId) {
        let terminated = |held: &Run| held.processes().is_some_and(|all| all.terminated);
        if self.get(run).is_some_and(terminated)
            && let Some(groups) = self.group_of(run)
        {
            let left = members_below(groups, run, self.first_process(run));
            self.ask_to_end(run, &left);
        }
    }
}

/// The members of a run's control group but the first process. A lone process, which most are,
/// needs no look at each.
fn members_below(groups: &Groups, run: RunId, first: u32) -> Vec<ProcessRef> {
    if groups.members(run).iter().all(|pid| *pid == first) {
        return Vec::new();
    }
    groups.hold_members(run, first)
}

fn user_in_words(etc: &Path, uid: Option<u32>) -> String {
    let Some(uid) = uid else { return "another user".to_owned() };
    match ostler_config::user_name(etc, uid) {
        Some(name) => format!("{name} (uid {uid})"),
        None => format!("uid {uid}"),
    }
}

/// A process that we may not signal, since it became another user's.
struct Forbidden {
    pid: u32,
    uid: Option<u32>,
}

fn send(pidfd: &OwnedFd, number: i32, pid: u32) -> Option<Forbidden> {
    let error = signal(pidfd, number).err()?;
    daemon_log::error(format!("could not signal process {pid}: {error}"));
    (error.kind() == io::ErrorKind::PermissionDenied).then(|| {
        let owner = fs::metadata(format!("/proc/{pid}")).map(|process| process.uid());
        Forbidden { pid, uid: owner.ok() }
    })
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use ostler_core::{Exit, ProcId, Role, SpecId};
    use ostler_poll::Poll;

    use super::*;
    use crate::model::Counters;
    use crate::runs::NewRun;

    #[test]
    fn a_crash_is_not_noted_as_an_end_that_was_asked_for_when_what_it_left_is_swept() {
        let mut runs = Runs::new("mark".to_owned(), Rc::new(Poll::new().unwrap())).unwrap();
        let (proc, spec, run) = (ProcId(0), SpecId(0), RunId(1));
        let (since, log_offsets) = (0, [0; 2]);
        runs.ask(run, NewRun { proc, spec, settings: None, since, since_wall: 0, log_offsets });
        runs.die(run, Exit::Code(1), true);
        let noted =
            |runs: &Runs| runs.meta(run, Role::Leaving, false, Counters::default()).unwrap();
        runs.mark_swept(run);
        assert!(!noted(&runs).ending);
        runs.mark_ending(run);
        assert!(noted(&runs).ending);
    }

    #[test]
    fn a_user_is_named_where_passwd_names_it() {
        let etc = tempfile::tempdir().unwrap();
        assert_eq!(user_in_words(etc.path(), Some(7)), "uid 7");
        fs::write(etc.path().join("passwd"), "seven:x:7:8::/:/bin/sh\n").unwrap();
        assert_eq!(user_in_words(etc.path(), Some(7)), "seven (uid 7)");
        assert_eq!(user_in_words(etc.path(), Some(8)), "uid 8");
        assert_eq!(user_in_words(etc.path(), None), "another user");
    }
}
