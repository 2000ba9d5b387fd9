//! One request of the daemon's, obeyed or refused. Nothing here decides what should run.

use std::ffi::CString;
use std::fmt;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use ostler_poll::now;

use crate::daemon::{Daemon, Progress, Running};
use crate::keeper::Keeper;
use crate::layout::Layout;
use crate::proc_stat::start_time;
use crate::proto::{
    DecodeError, FdMask, FromKeeper, RunFds, SPAWN, SpawnSpec, SpawnStage, ToKeeper, version,
};
use crate::pulse::Pulse;
use crate::report::spawned;
use crate::table::{Fd, Liveness, Refusal, Run};

/// The first version of daemons that answer a ping.
const ANSWERS_SINCE: u8 = 3;

impl Keeper {
    /// Obeys a request, with the descriptors that came with it; those that are not kept are closed.
    /// Some may be `lost`: this process was out of descriptors.
    pub(crate) fn handle(&mut self, request: ToKeeper, mut fds: Vec<OwnedFd>, lost: bool) {
        match request {
            ToKeeper::Hello { version } => self.greet(version),
            ToKeeper::Spawn(spec) if lost => {
                self.fail_spawn(spec.run, SpawnStage::Fds, libc::EMFILE);
            }
            ToKeeper::Spawn(spec) => self.spawn(spec, fds),
            ToKeeper::Prepare(preparation) if lost => {
                self.preparations.take(preparation.after);
                let run = preparation.spec.run;
                self.refuse(format!("prepare run `{run}`"), &MISSING_FDS);
            }
            ToKeeper::Prepare(preparation) => self.prepare(preparation, fds),
            // It was used or dropped before, or is gone now.
            ToKeeper::Revoke { after } => drop(self.preparations.take(after)),
            ToKeeper::SetRunMeta { run, meta } => {
                let result = self.table.set_run_meta(run, meta);
                self.refuse_failed(result, || format!("set the metadata of run `{run}`"));
            }
            ToKeeper::Release { run } => {
                let result = self.table.release(run);
                self.refuse_failed(result, || format!("release run `{run}`"));
            }
            ToKeeper::CloseRunFd { run, which } => {
                let result = self.table.close_fd(run, which);
                self.refuse_failed(result, || format!("close a descriptor of run `{run}`"));
            }
            ToKeeper::Put { name, meta } => match (fds.pop(), fds.is_empty()) {
                (Some(fd), true) => {
                    let result = self.table.put(name.clone(), meta, Arc::new(fd));
                    self.refuse_failed(result, || format!("keep a descriptor as `{name}`"));
                }
                _ => self.refuse(format!("keep a descriptor as `{name}`"), &MISSING_FDS),
            },
            ToKeeper::SetMeta { name, meta } => {
                let result = self.table.set_meta(&name, meta);
                self.refuse_failed(result, || format!("set the metadata of `{name}`"));
            }
            ToKeeper::Del { name } => self.table.del(&name),
            ToKeeper::Adopt { run, pid, start_time, meta, mask, status } => {
                let liveness = status.map_or(Liveness::Adopted, Liveness::Ended);
                match shared(mask, fds) {
                    Some(fds) if fds.pidfd.is_some() || status.is_some() => {
                        self.adopt(run, Run { pid, start_time, liveness, meta, next: None, fds });
                    }
                    _ => self.refuse(format!("adopt run `{run}`"), &MISSING_FDS),
                }
            }
            ToKeeper::Shutdown => self.shutdown = true,
            ToKeeper::Upgrade { exe } => match CString::new(exe) {
                Ok(exe) if exe.to_bytes().starts_with(b"/") => self.upgrade = Some(exe),
                _ => self.reply(&FromKeeper::UpgradeFailed { errno: libc::EINVAL }, Vec::new()),
            },
            ToKeeper::Sync { number } => self.reply(&FromKeeper::Synced { number }, Vec::new()),
            ToKeeper::Succeed => self.retire_daemon(),
            ToKeeper::Pong => {
                if let Daemon::Running(Running { pulse: Some(pulse), .. }) = &mut self.daemon {
                    pulse.answer(now());
                    self.lean = false;
                }
            }
        }
    }

    /// Tells the daemon that a request was not understood, or that there was no memory for it.
    pub(crate) fn refuse_bad(&mut self, kind: u8, number: u64, error: DecodeError) {
        match (kind, error) {
            (SPAWN, DecodeError::NoMemory(_)) => {
                self.fail_spawn(number, SpawnStage::Spec, libc::ENOMEM);
            }
            _ => self.refuse(format!("message of type `{kind}`"), &error),
        }
    }

    /// Tells the daemon that a request was not obeyed.
    pub(crate) fn refuse(&mut self, what: String, why: &dyn fmt::Display) {
        self.reply(&FromKeeper::Refused { what, why: why.to_string() }, Vec::new());
    }

    /// Who we are.
    pub(crate) fn welcome(&self) -> FromKeeper {
        let pid = std::process::id();
        FromKeeper::Welcome {
            version: version(),
            pid,
            daemons: self.daemons,
            nofile: self.spawner.nofile,
        }
    }

    fn greet(&mut self, version: u8) {
        self.table.expect_inventory();
        self.preparations.clear();
        let welcome = self.welcome();
        self.reply(&welcome, Vec::new());
        let limit = self.answer_limit();
        if let Daemon::Running(running) = &mut self.daemon {
            running.progress = Progress::Runs { up_to: None };
            running.pulse = (ANSWERS_SINCE <= version).then(|| Pulse::new(now(), limit));
            // A daemon before this one may have been told to stop and died over it.
            if let Some(signal) = self.stop_signal {
                running.signal(signal);
            }
        }
    }

    fn spawn(&mut self, spec: SpawnSpec, passed: Vec<OwnedFd>) {
        let run = spec.run;
        let mut pidfd = None;
        if self.table.get(run).is_none() {
            if self.table.check_room(&spec.meta).is_err() {
                return self.fail_spawn(run, SpawnStage::Spec, libc::ENOSPC);
            }
            let started = Layout::new(spec, passed)
                .and_then(|mut layout| Ok((self.spawner.start(&mut layout)?, layout.meta)));
            match started {
                Ok((born, meta)) => {
                    pidfd = Some(born.pidfd);
                    let (pid, liveness, fds) = (born.pid, Liveness::Child, born.fds);
                    let start_time = start_time(pid);
                    self.note_start(run, (pid, start_time), &meta);
                    crate::failpoint::hit("keeper.born");
                    let entry = Run { pid, start_time, liveness, meta, next: None, fds };
                    let result = self.table.insert(run, entry);
                    self.refuse_failed(result, || format!("note run `{run}`"));
                }
                Err((stage, errno)) => return self.fail_spawn(run, stage, errno),
            }
        }
        let Some(entry) = self.table.get(run) else { return };
        let (message, fds) = spawned(&self.table, &mut self.reserve, (run, entry), pidfd);
        let status = entry.status();
        let next = entry.next.map(|next| next.run);
        crate::failpoint::hit("keeper.spawned");
        self.reply(&message, fds);
        if let Some(status) = status {
            self.table.mark_reported(run);
            self.reply(&FromKeeper::Exited { run, status, next }, Vec::new());
        }
    }

    fn fail_spawn(&mut self, run: u64, stage: SpawnStage, errno: i32) {
        self.reply(&FromKeeper::SpawnFailed { run, stage, errno }, Vec::new());
    }

    fn adopt(&mut self, run: u64, entry: Run) {
        match self.table.get(run) {
            Some(known) if known.pid == entry.pid && known.start_time == entry.start_time => return,
            Some(_) => return self.refuse(format!("adopt run `{run}`"), &Refusal::RunTaken),
            None => {}
        }
        let pid = entry.pid;
        let watched = entry.fds.pidfd.clone().filter(|_| entry.liveness == Liveness::Adopted);
        match self.table.insert(run, entry) {
            Ok(()) => {
                if let Some(pidfd) = watched {
                    self.watch_adopted(run, pid, pidfd);
                }
            }
            Err(refusal) => self.refuse(format!("adopt run `{run}`"), &refusal),
        }
    }

    fn refuse_failed(&mut self, result: Result<(), Refusal>, what: impl FnOnce() -> String) {
        if let Err(refusal) = result {
            self.refuse(what(), &refusal);
        }
    }
}

const MISSING_FDS: &str = "its descriptors did not arrive (is the limit of open files reached?)";

fn shared(mask: FdMask, fds: Vec<OwnedFd>) -> Option<RunFds<Fd>> {
    RunFds::from_list(mask, fds.into_iter().map(Arc::new).collect())
}
