//! Starting runs: what the keeper is asked for, and what becomes of its answer.

use std::fmt::Display;
use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt as _;
use std::sync::Arc;

use ostler_core::spec::{AppSpec, ExecMode};
use ostler_core::{Millis, Preparation, ProcId, Role, RunId, SpecId};
use ostler_keeper::proto::{self, FdMask, RunFds, SpawnStage as Stage};
use ostler_wire::control::NO_INTERPRETER;

use super::Driver;
use crate::budget::Full;
use crate::drain;
use crate::environment::{self, Particulars, Prepared};
use crate::model::{Counters, Input};
use crate::reports::Report;
use crate::runs::{self, NewRun, Pending};
use crate::{clock, daemon_log};

impl Driver<'_> {
    /// Begins a run.
    pub(crate) fn spawn(&mut self, now: Millis, id: ProcId, run: RunId, spec: SpecId) {
        let registry = self.model.registry();
        let (Some(version), Some(proc)) = (registry.version(spec), registry.proc(id)) else {
            let why = format!("specification {} of process {} is not known", spec.0, id.0);
            return self.spawn_failed(run, why);
        };
        if let Err(full) = self.runs.check_room(id, self.node.count_listeners()) {
            return self.refuse(run, format!("could not be started: {full}; {}", Full::HINT));
        }
        let settings = Arc::clone(&version.spec);
        if settings.limits.concern_process() && !self.keeper.limits() {
            return self.refuse(run, OLD_KEEPER.to_owned());
        }
        if settings.notifies()
            && let Err(why) = self.open_notify()
        {
            return self.spawn_failed(run, why);
        }
        let mode = mode_word(settings.exec_mode);
        daemon_log::log(format!("App [{}] starting in -{mode} mode-", proc.label(id)));
        let log_offsets = runs::log_lengths(&settings, id);
        let since_wall = self.model.known().particulars(id, run).map_or(0, |of| of.since);
        let settings = Some(settings);
        let new = NewRun { proc: id, spec, settings, since: now, since_wall, log_offsets };
        self.runs.ask(run, new);
        self.send_spawn(run);
    }

    /// Asks the keeper for a run. It may be asked again: a run that is there already is answered
    /// as it is.
    pub(crate) fn send_spawn(&mut self, run: RunId) {
        if self.runs.is_to_be_cleared(run) {
            return; // It is asked for when that is done.
        }
        self.runs.asked_now(run);
        if let Err(why) = self.runs.limit_group(run) {
            return self.refuse(run, why);
        }
        self.renew_starts();
        let Some(id) = self.runs.get(run).map(|held| held.proc) else { return };
        let prepared = self.runs.take_prepared(id);
        let Some(held) = self.runs.get(run) else { return };
        let Some(version) = self.model.registry().version(held.spec) else { return };
        self.keeper.add_spec(held.spec, || version.record());
        let Some(particulars) = self.model.known().particulars(id, run) else { return };
        let (since, inspect_port) = (held.since_wall, held.inspect_port);
        let particulars = Particulars { since, inspect_port, ..particulars };
        let template = prepared
            .and_then(|prepared| prepared.take(held.spec, particulars.given))
            .unwrap_or_else(|| environment::template(&version.spec, particulars));
        let group = self.runs.group_path(run);
        let meta = self.meta_of_run(run);
        let mut request =
            environment::complete(template, &version.spec, particulars, group.as_deref(), meta);
        self.runs.give_secrets(run, &mut request.envp);
        self.keeper.spawn(request);
    }

    /// Tells the keeper what to begin when a run ends. Its environment says that it began when it
    /// was prepared (`pm_uptime`): nobody knows better then.
    pub(crate) fn prepare_run(&mut self, id: ProcId, preparation: &Preparation) {
        self.renew_starts();
        let Preparation { after, run, spec, restarts, unstable, .. } = *preparation;
        let Some(version) = self.model.registry().version(spec) else { return };
        // The drain hook must be there when the run begins: that is looked at then.
        let limits = version.spec.limits.concern_process() && !self.keeper.limits();
        // What comes before a run comes before this one, too.
        let prelude = version.spec.has_prelude();
        if !self.keeper.prepares() || drain::is_wanted(&version.spec) || limits || prelude {
            return;
        }
        let template = self.runs.take_prepared(id);
        self.keeper.add_spec(spec, || version.record());
        let Some(particulars) = self.model.known().particulars(id, run) else { return };
        let since_wall = clock::wall();
        let particulars = Particulars { since: since_wall, restarts, unstable, ..particulars };
        let template = template
            .and_then(|template| template.take(spec, particulars.given))
            .unwrap_or_else(|| environment::template(&version.spec, particulars));
        let settings = Some(Arc::clone(&version.spec));
        // Told again when it begins; a daemon that does not live to see that knows this.
        let log_offsets = runs::log_lengths(&version.spec, id);
        let since = clock::monotonic();
        let new = NewRun { proc: id, spec, settings, since, since_wall, log_offsets };
        let ended = self.model.core().slot(id).map(|slot| slot.process().place(after));
        let told = self.runs.told(id);
        let counters = Counters { restarts, unstable, ended, told };
        let prepared = self.runs.prepare_run(after, run, new, counters);
        let Some((meta, group)) = prepared else { return };
        let particulars = Particulars { inspect_port: meta.inspect_port, ..particulars };
        let meta = meta.to_bytes();
        let request =
            environment::complete(template, &version.spec, particulars, group.as_deref(), meta);
        self.keeper.prepare(proto::Preparation {
            after: after.0,
            not_before: preparation.not_before,
            not_after: preparation.not_after,
            except_codes: preparation.except_codes.clone(),
            spec: request,
        });
    }

    /// The keeper began a prepared run, which is known since the end of the one before it.
    pub(crate) fn take_begun(&self, id: ProcId, run: RunId, spec: SpecId) {
        let registry = self.model.registry();
        let (Some(version), Some(proc)) = (registry.version(spec), registry.proc(id)) else {
            return daemon_log::error(format!("run {} of process {} is not known", run.0, id.0));
        };
        let mode = mode_word(version.spec.exec_mode);
        daemon_log::log(format!("App [{}] starting in -{mode} mode-", proc.label(id)));
    }

    /// Counters of a slot.
    fn counters(&self, id: ProcId) -> Counters {
        self.model.core().slot(id).map_or_else(Counters::default, |slot| {
            let process = slot.process();
            let (restarts, unstable) = (process.restarts(), process.unstable());
            let (ended, told) = (process.ended(), self.runs.told(id));
            Counters { restarts, unstable, ended, told }
        })
    }

    /// What is to be kept with a run.
    pub(crate) fn meta_of_run(&self, run: RunId) -> Vec<u8> {
        let owner = self.model.core().owner(run);
        let counters = owner.map_or_else(Counters::default, |(id, _)| self.counters(id));
        let role = owner.map_or(Role::Leaving, |owner| owner.1);
        let listening = self.model.core().is_listening(run);
        let meta = self.runs.meta(run, role, listening, counters);
        meta.map_or_else(Vec::new, |meta| meta.to_bytes())
    }

    /// Makes what can be made of the next run of a slot whose run has crashed: another
    /// crash is likely.
    pub(super) fn prepare_next(&mut self, run: RunId) {
        let Some(id) = self.runs.get(run).map(|held| held.proc) else { return };
        let Some(slot) = self.model.core().slot(id) else { return };
        let spec = slot.process().spec();
        let registry = self.model.registry();
        let Some(version) = registry.version(spec) else { return };
        let Some(particulars) = self.model.known().particulars(id, run) else { return };
        let particulars = Particulars { since: 0, ..particulars };
        let prepared = Prepared::new(spec, &version.spec, particulars);
        self.runs.prepare(id, prepared, |id| registry.proc(id).is_some());
    }

    /// Tries again what failed for lack of file descriptors.
    pub(crate) fn retry(&mut self) {
        let (refetch, relook) = self.runs.take_retries();
        for run in refetch {
            self.send_spawn(run);
        }
        for run in relook {
            self.runs.look_for_orphans(run, self.reports);
        }
        self.runs.end_rest_of_unknown();
    }

    /// A run never came to be, and would not the next time.
    fn refuse(&mut self, run: RunId, why: String) {
        self.runs.forget_unborn(run);
        self.tell(Input::Refused { run, why });
    }

    /// A run never came to be.
    fn spawn_failed(&mut self, run: RunId, why: String) {
        self.runs.forget_unborn(run);
        self.tell(Input::NotSpawned { run, why });
    }

    /// The keeper could not spawn a run.
    pub(crate) fn on_spawn_failed(&mut self, run: RunId, stage: Stage, errno: i32) {
        // A group that was made in advance may have been taken away since.
        let vanished = stage == Stage::Cgroup && errno == libc::ENOENT;
        if self.runs.renew_begun(run) || (vanished && self.runs.make_group_again(run)) {
            return self.reports.push_back(Report::SpawnAgain(run));
        }
        let held = self.runs.get(run);
        let version = held.and_then(|held| self.model.registry().version(held.spec));
        let why = spawn_error(version.map(|version| &*version.spec), stage, errno);
        match stage {
            // The kernel would say the same again.
            Stage::Nofile | Stage::Nice | Stage::OomScore => self.refuse(run, why),
            Stage::Spec
            | Stage::Fds
            | Stage::Fork
            | Stage::Cgroup
            | Stage::Limits
            | Stage::Gid
            | Stage::Uid
            | Stage::Cwd
            | Stage::Exec => self.spawn_failed(run, why),
        }
    }

    pub(crate) fn on_spawned(
        &mut self,
        run: RunId,
        process: (u32, u64),
        mask: FdMask,
        fds: Vec<OwnedFd>,
    ) {
        let Some(held) = self.runs.get(run) else {
            return self.runs.end_unknown(run, process, mask, fds);
        };
        if !held.is_asked() {
            return; // ProbeMessage before.
        }
        let Some(fds) = RunFds::from_list(mask, fds) else {
            self.runs.fetch_again(run);
            return self.tell(Input::Unfetched(run));
        };
        if self.runs.get(run).is_some_and(|held| held.in_advance) {
            // The list may have been written anew since the keeper was told, and it have another.
            let meta = self.meta_of_run(run);
            self.keeper.add_start(run, process, &meta);
        }
        let then = self.begin_run(run, process, fds);
        let (node, mut parts) = self.node();
        node.work(&mut parts);
        if self.is_replacement(run) {
            self.runs.lower_priority(run);
        } else {
            self.runs.settle_priority(run);
        }
        if let Some(written) = self.runs.write_pid_file(run, self.logs.files()) {
            self.tell(written);
        }
        let crashed = self.runs.get(run).is_some_and(|held| 0 < self.counters(held.proc).restarts);
        if crashed {
            // Another crash is likely.
            self.runs.open_events(run);
        }
        self.tell(Input::Spawned { run, pid: process.0 });
        match then {
            Some(Pending::Terminate) => self.terminate(run),
            Some(Pending::Kill) => self.kill(run),
            None => {}
        }
    }

    /// Begins to read a run's output and channel. Returns what was to be done as soon as
    /// it is there.
    pub(crate) fn begin_run(
        &mut self,
        run: RunId,
        process: (u32, u64),
        fds: RunFds<OwnedFd>,
    ) -> Option<Pending> {
        let has_channel = fds.ipc.is_some();
        let begun = self.runs.begin(run, process, fds)?;
        let held = self.runs.get(run)?;
        let (id, spec) = (held.proc, held.spec);
        if has_channel && held.is_cluster() {
            self.add_worker(run, id, spec);
        }
        if let Some(version) = self.model.registry().version(spec) {
            let settings = Arc::clone(&version.spec);
            self.look_whether_ready(run, id, &settings);
            self.logs.attach(run, id, &settings, begun.pipes);
        }
        begun.then
    }

    /// Whether a run is verified while another one serves in its place.
    fn is_replacement(&self, run: RunId) -> bool {
        let core = self.model.core();
        let slot = core.owner(run).filter(|owner| owner.1 == Role::Candidate);
        slot.and_then(|(id, _)| core.slot(id)).is_some_and(|slot| slot.process().run().is_some())
    }

    /// Whether a run is being verified.
    pub(super) fn is_candidate(&self, run: RunId) -> bool {
        self.model.core().owner(run).is_some_and(|owner| owner.1 == Role::Candidate)
    }
}

/// The longest first line of a script that the kernel looks at, bytes.
const FIRST_LINE: u64 = 256;

/// The first line of a script that is there, where the kernel says that something is not: then
/// that is what its first line names.
fn missing_interpreter(spec: &AppSpec, errno: i32) -> Option<String> {
    if errno != libc::ENOENT || spec.interpreter.is_some() {
        return None;
    }
    let mut head = Vec::new();
    // Whatever is there by now, nobody waits for it.
    let mut options = std::fs::OpenOptions::new();
    let file = options.read(true).custom_flags(libc::O_NONBLOCK).open(&spec.script).ok()?;
    file.take(FIRST_LINE).read_to_end(&mut head).ok()?;
    let line = head.split(|byte| *byte == b'\n').next().filter(|line| line.starts_with(b"#!"))?;
    Some(String::from_utf8_lossy(line).into_owned())
}

/// Why a run could not be spawned.
fn spawn_error(spec: Option<&AppSpec>, stage: Stage, errno: i32) -> String {
    let error = std::io::Error::from_raw_os_error(errno);
    if errno == libc::EMFILE || errno == libc::ENFILE {
        return format!("could not be started: {error} (out of file descriptors? see `ulimit -n`)");
    }
    let Some(spec) = spec else { return format!("could not be started: {error}") };
    let program = spec.interpreter.clone().unwrap_or_else(|| spec.script.display().to_string());
    match stage {
        Stage::Exec if errno == libc::ENOEXEC => format!(
            "could not execute `{program}`: it is neither a binary nor a script with a `#!` line"
        ),
        Stage::Exec => match missing_interpreter(spec, errno) {
            Some(line) => {
                format!("could not execute `{program}`: line 1 of it, `{line}`, {NO_INTERPRETER}")
            }
            None => format!("could not execute `{program}`: {error}"),
        },
        Stage::Cwd => {
            format!("could not enter the working directory `{}`: {error}", spec.cwd.display())
        }
        Stage::Uid | Stage::Gid => format!("could not become user `{}`: {error}", spec.username),
        Stage::Cgroup => format!("could not join its control group: {error}"),
        Stage::Fds => format!("could not get its pipes: {error}"),
        Stage::Fork => {
            format!("could not be forked: {error} (out of memory or processes? see `ulimit -u`)")
        }
        Stage::Limits | Stage::Spec => format!("could not be started: {error}"),
        Stage::Nofile => limit_error("nofile", spec.limits.nofile, NOFILE, &error),
        Stage::Nice => limit_error("nice", spec.limits.nice, NICE, &error),
        Stage::OomScore => limit_error("oom_score", spec.limits.oom_score, OOM_SCORE, &error),
    }
}

/// What must be so for the kernel to set a limit.
const NOFILE: &str = "it is above the hard limit of its manager (`ulimit -Hn`), which only \
                      root may raise, and nobody above `fs.nr_open`";
const NICE: &str = "only root, or who has `RLIMIT_NICE`, may go below that of its manager";
const OOM_SCORE: &str = "only root may go below that of its manager";
const OLD_KEEPER: &str = "could not be started: the keeper that runs is of an older version and \
                          cannot set `nofile`, `nice` and `oom_score`; run `ostler update`";

/// Why the kernel refused a limit.
fn limit_error<T: Display>(
    name: &str,
    wanted: Option<T>,
    because: &str,
    error: &std::io::Error,
) -> String {
    let wanted = wanted.map_or_else(String::new, |wanted| format!(" {wanted}"));
    let known = matches!(error.raw_os_error(), Some(libc::EPERM | libc::EACCES));
    let why = if known { because.to_owned() } else { error.to_string() };
    format!("could not be given `{name}`{wanted}: {why}")
}

fn mode_word(mode: ExecMode) -> &'static str {
    match mode {
        ExecMode::Fork => "fork",
        ExecMode::Cluster => "cluster",
    }
}
