//! The keeper's side of things: a new one for one that died, and the change of program of both.

use std::ffi::OsString;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use mio::Interest;
use ostler_core::RunId;
use ostler_keeper::link::{self, Link};
use ostler_keeper::proto::{RunFds, ToKeeper, VERSION};
use ostler_wire::control::{Failure, Reply};

use crate::daemon::{Daemon, Ending};
use crate::logbook;
use crate::tokens::Source;

/// Keepers that die one after the other are not replaced for ever: something else is wrong then.
const MOST_DEATHS: u32 = 20;

impl Daemon {
    /// The keeper is gone. The apps live on; a new keeper gets our copies of everything.
    pub fn replace_keeper(&mut self, error: &std::io::Error) {
        if self.ending == Ending::Now {
            return;
        }
        self.keeper_deaths += 1;
        logbook::error(format!("the keeper (pid {}) is gone ({error}); starting another", self.keeper.0));
        self.deregister(self.link.fd());
        if MOST_DEATHS < self.keeper_deaths {
            logbook::error("too many keepers died; the daemon ends, apps go on until the next command");
            self.ending = Ending::Now;
            return;
        }
        match self.start_keeper() {
            Ok(link) => {
                self.link = link;
                self.hand_over();
            }
            Err(error) => {
                logbook::error(format!("could not start a keeper: {error}; the daemon ends, apps go on"));
                self.ending = Ending::Now;
            }
        }
    }

    fn start_keeper(&self) -> std::io::Result<Link> {
        let (theirs, ours) = link::pair()?;
        let mut command = Command::new(&self.config.exe);
        command.arg("keeper").env("OSTLER_HOME", &self.config.home).current_dir("/");
        // They name descriptors of the first keeper's daemon.
        command.env_remove(ostler_keeper::READY_FD_VAR).env_remove(ostler_keeper::KEEPER_FD_VAR);
        command.stdin(Stdio::null());
        // Inherited by the keeper alone: nothing else is started by this process but short health checks.
        rustix::io::fcntl_setfd(&theirs, rustix::io::FdFlags::empty())?;
        command.arg("--adopt").arg(theirs.as_raw_fd().to_string());
        command.arg("--nofile").arg(format!("{}:{}", self.nofile.0, self.nofile.1));
        // Not our child's child for ever: it outlives us, in a session of its own.
        command.process_group(0);
        let child = command.spawn()?;
        logbook::log(format!("started keeper {}", child.id()));
        let link = Link::new(ours)?;
        self.register(link.fd(), Source::Keeper, Interest::READABLE | Interest::WRITABLE)?;
        Ok(link)
    }

    /// Gives a new keeper everything that it must hold.
    fn hand_over(&mut self) {
        self.keeper_send(&ToKeeper::Hello { version: VERSION }, Vec::new());
        let copy = |fd: &OwnedFd| fd.try_clone();
        match (copy(&self.lock), self.listener.try_clone()) {
            (Ok(lock), Ok(listener)) => {
                self.keeper_send(&ToKeeper::Put { name: "lock".to_owned(), meta: Vec::new() }, vec![lock]);
                let control = ToKeeper::Put { name: "control".to_owned(), meta: Vec::new() };
                self.keeper_send(&control, vec![OwnedFd::from(listener)]);
            }
            (Err(error), _) | (_, Err(error)) => logbook::error(format!("out of descriptors for the keeper: {error}")),
        }
        let logs: Vec<(String, std::io::Result<OwnedFd>)> =
            self.kept_logs.iter().map(|(name, fd)| (format!("log/{name}"), copy(fd))).collect();
        for (name, fd) in logs {
            match fd {
                Ok(fd) => self.keeper_send(&ToKeeper::Put { name, meta: Vec::new() }, vec![fd]),
                Err(error) => logbook::error(format!("out of descriptors for the keeper: {error}")),
            }
        }
        let listeners: Vec<(ostler_core::AppId, u64)> =
            self.cluster.listeners.iter().map(|(id, listener)| (listener.app, *id)).collect();
        for (app, id) in listeners {
            self.keep_listener(app, ostler_cluster::ListenerId(id), true);
        }
        let runs: Vec<RunId> = self.runs.keys().copied().collect();
        for run in runs {
            self.hand_over_run(run);
        }
    }

    fn hand_over_run(&mut self, run: RunId) {
        let Some(held) = self.runs.get(&run) else { return };
        if held.exit.is_some() {
            return;
        }
        if held.pid == 0 {
            // It was asked for, and nobody knows whether it came to be; a run without a process has ended.
            let marked = crate::tree::marked(&self.mark).into_iter().filter(|(of, _)| *of == run);
            for (_, process) in marked {
                if let Err(error) = crate::tree::signal(&process.fd, libc::SIGKILL) {
                    logbook::error(format!("could not kill process {}: {error}", process.pid));
                }
            }
            self.spawn_failed(run, "its keeper died while it was being started".to_owned());
            return;
        }
        let Some(pidfd) = held.pidfd.as_ref().and_then(|fd| fd.try_clone().ok()) else { return };
        let [out, err] = &held.pipes;
        let copy = |fd: &Option<OwnedFd>| fd.as_ref().and_then(|fd| fd.try_clone().ok());
        let fds = RunFds {
            pidfd: Some(pidfd),
            out: copy(out),
            err: copy(err),
            ipc: held.channel.as_ref().and_then(|channel| channel.duplicate().ok()),
        };
        let (pid, start_time) = (held.pid, held.start_time);
        let meta = self.meta_of_run(run);
        self.adopt(run, pid, start_time, meta, &fds);
    }

    /// Makes the keeper hold a run that is not its child.
    pub fn adopt(&mut self, run: RunId, pid: u32, start_time: u64, meta: Vec<u8>, fds: &RunFds<OwnedFd>) {
        let copies: Result<Vec<OwnedFd>, std::io::Error> = fds.iter().map(OwnedFd::try_clone).collect();
        match copies {
            Ok(copies) => {
                let message = ToKeeper::Adopt { run: run.0, pid, start_time, meta, mask: fds.mask() };
                self.keeper_send(&message, copies);
            }
            Err(error) => logbook::error(format!("out of descriptors for the keeper: {error}")),
        }
    }

    // ------------------------------------------------------------------------------------------ change of program

    /// A client asks for another program: the keeper changes first; when it has, this daemon makes room for a new one.
    pub fn on_update(&mut self, conn: usize, exe: String) {
        if let Err(error) = rustix::fs::access(&exe, rustix::fs::Access::EXEC_OK) {
            let message = format!("cannot execute `{exe}`: {error}");
            let hint = Some("nothing was changed; the running daemon goes on".to_owned());
            return self.reply(conn, &Reply::Error(Failure { message, hint }));
        }
        if self.update.is_some() {
            let message = "another update is under way".to_owned();
            return self.reply(conn, &Reply::Error(Failure { message, hint: None }));
        }
        logbook::log(format!("updating keeper and daemon to `{exe}`"));
        self.update = Some((conn, exe.clone()));
        self.keeper_send(&ToKeeper::Upgrade { exe: OsString::from(exe).into_encoded_bytes() }, Vec::new());
    }

    /// The keeper has changed its program, or could not.
    pub fn on_keeper_upgraded(&mut self, errno: Option<i32>) {
        let Some((conn, exe)) = self.update.take() else { return };
        match errno {
            Some(errno) => {
                let error = std::io::Error::from_raw_os_error(errno);
                let message = format!("could not change to `{exe}`: {error}");
                let hint = Some("nothing was changed; the running daemon goes on".to_owned());
                self.reply(conn, &Reply::Error(Failure { message, hint }));
            }
            None => {
                logbook::log("the keeper runs the new program; the daemon makes room for its successor");
                self.reply(conn, &Reply::Done);
                self.flush_clients();
                self.save_now();
                self.ending = Ending::Now;
            }
        }
    }
}
