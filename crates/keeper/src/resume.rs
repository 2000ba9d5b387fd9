//! The keeper becomes a newer keeper.
//!
//! A process that must not die can be replaced in place: `exec` keeps the process, its children,
//! its pending signals and the descriptors that are told to stay. Until `exec` has succeeded
//! nothing is given up.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::process::ExitCode;
use std::sync::Arc;

use ostler_poll::Interest;
use rustix::fs::{MemfdFlags, Mode, OFlags, memfd_create, open};

use crate::cstrings::CStrings;
use crate::daemon::{Daemon, Progress, Running};
use crate::failpoint::hit;
use crate::keeper::Keeper;
use crate::log::log;
use crate::polled::Polled;
use crate::proto::FromKeeper;
use crate::state::{self, Image};
use crate::sys;
use crate::table::Liveness;

/// Goes on as the keeper that this process was before it executed this program; `state` is the
/// descriptor number that followed `--resume`. Must be called from the only thread of the process.
pub fn resume(state: RawFd) -> ExitCode {
    match try_resume(state) {
        Ok(mut keeper) => keeper.run(),
        Err(error) => {
            log(&format!("cannot go on after the upgrade: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn try_resume(state: RawFd) -> io::Result<Keeper> {
    let mut file = File::from(sys::own_fd(state)?);
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    let saved = state::load(&bytes)?;
    drop(file);
    hit("keeper.resumed");
    let mut keeper = Keeper::new(saved.config, saved.nofile)?;
    keeper.daemons = saved.daemons;
    keeper.previous = saved.previous;
    keeper.stop_signal = saved.stop_signal;
    keeper.shutdown = saved.shutdown;

    let mut adopted = Vec::new();
    for (run, unreported, mut entry) in saved.runs {
        if entry.liveness == Liveness::Child {
            // An earlier keeper may have kept it.
            entry.fds.pidfd = None;
        }
        if let (Liveness::Adopted, Some(pidfd)) = (entry.liveness, &entry.fds.pidfd) {
            adopted.push((run, entry.pid, Arc::clone(pidfd)));
        }
        keeper.table.insert(run, entry).map_err(io::Error::other)?;
        if !unreported {
            keeper.table.mark_reported(run);
        }
    }
    for (run, pid, pidfd) in adopted {
        keeper.watch_adopted(run, pid, pidfd);
    }
    for (name, meta, fd) in saved.items {
        keeper.table.put(name, meta, Arc::new(fd)).map_err(io::Error::other)?;
    }

    let daemon = saved.daemon;
    let mut link = keeper.watch_link(daemon.link)?;
    link.restore(daemon.leftover);
    let mut pidfd = keeper.poll.unwatched(daemon.pidfd, Polled::Daemon);
    if !daemon.child {
        pidfd.set(Interest::READ)?;
    }
    let mut running = Running::new(daemon.pid, pidfd, daemon.child, link);
    running.progress = if daemon.greeted { Progress::Served } else { Progress::Silent };
    keeper.daemon = Daemon::Running(running);
    keeper.wake();
    let welcome = keeper.welcome();
    keeper.reply(&welcome, Vec::new());
    // Children that ended between the two programs.
    keeper.reap();
    Ok(keeper)
}

impl Keeper {
    /// Becomes the new program, when one was asked for and the daemon has read everything.
    pub(crate) fn try_upgrade(&mut self) {
        let Daemon::Running(running) = &self.daemon else { return };
        let told = matches!(running.progress, Progress::Silent | Progress::Served);
        let written = running.link.as_ref().is_some_and(|link| link.queued() == 0);
        if !told || !written {
            return;
        }
        let Some(exe) = self.upgrade.take() else { return };
        // Under its path there may be another program by now, or none.
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        let previous = open("/proc/self/exe", flags, Mode::empty()).ok();
        let program = OsStr::from_bytes(exe.as_bytes());
        let Some(image) = state::save(self, running, program, previous.as_ref()) else { return };
        log(&format!("becoming `{}`", exe.to_string_lossy()));
        hit("keeper.upgrade");
        // The new program lowers it by itself, if it knows how.
        let score = self.spawner.oom_score.as_ref();
        score.inspect(|score| score.restore());
        let errno = match exec_with(&exe, &image) {
            Ok(errno) => errno,
            Err(error) => error.raw_os_error().unwrap_or(libc::EIO),
        };
        score.inspect(|score| score.lower_again());
        log(&format!(
            "cannot become `{}`, going on: {}",
            exe.to_string_lossy(),
            io::Error::from_raw_os_error(errno)
        ));
        self.wake();
        self.reply(&FromKeeper::UpgradeFailed { errno }, Vec::new());
    }
}

/// Executes the program; returns only when that failed.
fn exec_with(exe: &std::ffi::CString, image: &Image) -> io::Result<i32> {
    let memfd: OwnedFd = memfd_create("ostler-keeper", MemfdFlags::empty())?;
    let mut file = File::from(memfd);
    file.write_all(&image.bytes)?;
    let number = file.as_raw_fd().to_string();
    let argv: [&[u8]; 4] = [exe.as_bytes(), b"keeper", b"--resume", number.as_bytes()];
    let argv = CStrings::new(argv.into_iter())?;
    let env: Vec<Vec<u8>> = std::env::vars_os()
        .filter(|(name, _)| ostler_env::is_for_manager(name))
        .map(|(name, value)| [name.as_bytes(), b"=", value.as_bytes()].concat())
        .collect();
    let envp = CStrings::new(env.iter().map(Vec::as_slice))?;

    let result = inherit(&image.fds, true).map(|()| sys::exec(exe, &argv, &envp));
    inherit(&image.fds, false)?;
    result
}

/// Sets whether the descriptors outlive an `exec`.
fn inherit(fds: &[RawFd], on: bool) -> io::Result<()> {
    fds.iter().try_for_each(|fd| sys::set_cloexec_raw(*fd, !on))
}
