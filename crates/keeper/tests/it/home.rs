//! A keeper in a directory of its own, and the story's view of its daemons and runs.
//! Nothing outlives it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{IoSliceMut, Read as _};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::{Child, Command, ExitStatus as ProcessStatus};
use std::time::{Duration, Instant};

use ostler_keeper::link::Link;
use ostler_keeper::proto::{ExitStatus, FromKeeper, RunFds, SpawnSpec, ToKeeper};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// How long an event may take before the story fails.
const PATIENCE: Duration = Duration::from_secs(120);

/// A keeper and its directory.
pub struct Home {
    pub dir: tempfile::TempDir,
    pub keeper: Child,
    listener: UnixListener,
    /// Processes that must not be left behind.
    pidfds: Vec<OwnedFd>,
}

/// A daemon, played by the story.
pub struct Daemon {
    pub pid: u32,
    pub pidfd: OwnedFd,
    pub link: Link,
    _process: UnixStream,
}

/// A run as the story knows it.
pub struct Run {
    pub pid: u32,
    pub start_time: u64,
    pub fds: RunFds<OwnedFd>,
}

/// All that a daemon is told when it begins.
#[derive(Default)]
pub struct Inventory {
    pub daemons: u32,
    pub keeper: u32,
    pub nofile: (u64, u64),
    pub runs: BTreeMap<u64, (Option<ExitStatus>, Vec<u8>, Run)>,
    /// What was started when a run ended.
    pub next: BTreeMap<u64, u64>,
    pub items: BTreeMap<String, (Vec<u8>, OwnedFd)>,
}

impl Home {
    /// Starts a keeper.
    pub fn new() -> Self {
        Self::with(|_| {})
    }

    /// Starts a keeper whose command was changed.
    pub fn with(change: impl FnOnce(&mut Command)) -> Self {
        Self::started_by(|dir| {
            let mut command = Command::new(std::env::current_exe().unwrap());
            command.arg("keeper").arg(dir);
            change(&mut command);
            command.spawn().unwrap()
        })
    }

    /// A home whose keeper (or whatever starts it) is started like that.
    pub fn started_by(start: impl FnOnce(&std::path::Path) -> Child) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(dir.path().join("sock")).unwrap();
        let keeper = start(dir.path());
        Self { dir, keeper, listener, pidfds: Vec::new() }
    }

    /// The next daemon that the keeper starts.
    pub fn daemon(&mut self) -> Daemon {
        wait_readable(self.listener.as_fd());
        let (process, _) = self.listener.accept().unwrap();
        wait_readable(process.as_fd());
        let mut bytes = [0; 4];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        recvmsg(
            &process,
            &mut [IoSliceMut::new(&mut bytes)],
            &mut control,
            RecvFlags::CMSG_CLOEXEC,
        )
        .unwrap();
        let fd = control.drain().find_map(|part| match part {
            RecvAncillaryMessage::ScmRights(mut fds) => fds.next(),
            _ => None,
        });
        let pid = u32::from_le_bytes(bytes);
        let pidfd = open_pidfd(pid);
        self.pidfds.push(pidfd.try_clone().unwrap());
        Daemon { pid, pidfd, link: Link::new(fd.unwrap()).unwrap(), _process: process }
    }

    /// The next daemon, after its inventory.
    pub fn served_daemon(&mut self) -> (Daemon, Inventory) {
        let mut daemon = self.daemon();
        let inventory = self.hello(&mut daemon);
        (daemon, inventory)
    }

    /// Says hello for a daemon.
    pub fn hello(&mut self, daemon: &mut Daemon) -> Inventory {
        daemon.send(&ToKeeper::Hello { version: 1 });
        let inventory = daemon.inventory();
        for (_, _, run) in inventory.runs.values() {
            self.pidfds.extend(run.fds.pidfd.as_ref().map(|fd| fd.try_clone().unwrap()));
        }
        inventory
    }

    /// Starts a shell script as a run with its output in a pipe.
    pub fn spawn_sh(&mut self, daemon: &mut Daemon, run: u64, script: &str) -> Run {
        self.spawn(daemon, SpawnSpec { want_out: true, ..sh(run, script) })
    }

    /// Starts a run.
    pub fn spawn(&mut self, daemon: &mut Daemon, spec: SpawnSpec) -> Run {
        let run = spec.run;
        daemon.send(&ToKeeper::Spawn(spec));
        self.spawned(daemon, run)
    }

    /// Waits for the answer to a spawn.
    pub fn spawned(&mut self, daemon: &mut Daemon, run: u64) -> Run {
        match daemon.receive() {
            (FromKeeper::Spawned { run: answered, pid, start_time, mask }, fds)
                if answered == run =>
            {
                assert!(start_time > 0);
                let fds = RunFds::from_list(mask, fds).unwrap();
                self.pidfds.extend(fds.pidfd.as_ref().map(|fd| fd.try_clone().unwrap()));
                Run { pid, start_time, fds }
            }
            (other, _) => panic!("expected run {run} to be spawned, got {other:?}"),
        }
    }

    /// The keeper's pid.
    pub fn pid(&self) -> u32 {
        self.keeper.id()
    }

    /// Waits until the keeper ends.
    pub fn wait(&mut self) -> ProcessStatus {
        wait_readable(open_pidfd(self.pid()).as_fd());
        self.keeper.wait().unwrap()
    }

    /// Descriptors that the keeper has open.
    pub fn open_fds(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.pid())).unwrap().count()
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // The keeper first, else it would start daemons anew.
        let _ = self.keeper.kill();
        let _ = self.keeper.wait();
        for pidfd in &self.pidfds {
            let _ = pidfd_send_signal(pidfd, Signal::KILL);
        }
        if std::thread::panicking() {
            eprintln!(
                "{}",
                std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
            );
        }
    }
}

impl Daemon {
    pub fn send(&mut self, message: &ToKeeper) {
        self.send_with(message, vec![]);
    }

    pub fn send_with(&mut self, message: &ToKeeper, fds: Vec<OwnedFd>) {
        self.link.send(message, fds).unwrap();
        while !self.link.flush().unwrap() {
            wait_for(self.link.as_fd(), PollFlags::OUT);
        }
    }

    pub fn receive(&mut self) -> (FromKeeper, Vec<OwnedFd>) {
        loop {
            if let Some(got) = self.link.receive().unwrap() {
                return got;
            }
            wait_readable(self.link.as_fd());
        }
    }

    /// Waits for a message without descriptors.
    #[track_caller]
    pub fn expect(&mut self, expected: &FromKeeper) {
        assert_eq!(&self.receive().0, expected);
    }

    /// Waits until a run ended.
    #[track_caller]
    pub fn expect_exit(&mut self, run: u64, status: ExitStatus) {
        self.expect(&FromKeeper::Exited { run, status, next: None });
    }

    /// Waits for a refusal: its reason.
    #[track_caller]
    pub fn expect_refusal(&mut self) -> String {
        match self.receive().0 {
            FromKeeper::Refused { why, .. } => why,
            other => panic!("expected a refusal, got {other:?}"),
        }
    }

    pub fn inventory(&mut self) -> Inventory {
        let mut all = Inventory::default();
        loop {
            match self.receive() {
                (FromKeeper::Welcome { pid, daemons, nofile, .. }, _) => {
                    (all.daemons, all.keeper, all.nofile) = (daemons, pid, nofile);
                }
                (FromKeeper::Run { run, pid, start_time, status, meta, mask, next }, fds) => {
                    let fds = RunFds::from_list(mask, fds).unwrap();
                    all.next.extend(next.map(|next| (run, next)));
                    assert!(
                        all.runs
                            .insert(run, (status, meta, Run { pid, start_time, fds }))
                            .is_none()
                    );
                }
                (FromKeeper::Item { name, meta }, mut fds) => {
                    assert!(all.items.insert(name, (meta, fds.pop().unwrap())).is_none());
                }
                (FromKeeper::InventoryEnd, _) => return all,
                (other, _) => panic!("not of the inventory: {other:?}"),
            }
        }
    }

    /// Dies as with `kill -9`.
    pub fn die(self) {
        pidfd_send_signal(&self.pidfd, Signal::KILL).unwrap();
    }
}

impl Run {
    pub fn kill(&self) {
        pidfd_send_signal(self.fds.pidfd.as_ref().unwrap(), Signal::KILL).unwrap();
    }

    pub fn wait(&self) {
        wait_readable(self.fds.pidfd.as_ref().unwrap().as_fd());
    }

    /// All that the program writes until it ends.
    pub fn output(&mut self) -> String {
        read_all(self.fds.out.take().unwrap())
    }

    /// One line of the program's output.
    pub fn line(&self) -> String {
        let out = self.fds.out.as_ref().unwrap();
        let mut line = Vec::new();
        let mut byte = [0];
        while byte != *b"\n" {
            wait_readable(out.as_fd());
            assert_eq!(
                rustix::io::read(out, &mut byte).unwrap(),
                1,
                "the output ended amid a line"
            );
            line.extend(byte);
        }
        String::from_utf8(line).unwrap().trim_end().to_owned()
    }
}

/// A shell script as a run.
pub fn sh(run: u64, script: &str) -> SpawnSpec {
    SpawnSpec {
        run,
        program: b"/bin/sh".to_vec(),
        argv: vec![b"sh".to_vec(), b"-c".to_vec(), script.into()],
        envp: vec![b"PATH=/usr/bin:/bin".to_vec()],
        cwd: b"/".to_vec(),
        ..SpawnSpec::default()
    }
}

/// This executable's program part as a run.
pub fn program(run: u64, word: &str) -> SpawnSpec {
    let exe = std::env::current_exe().unwrap().into_os_string().into_encoded_bytes();
    SpawnSpec {
        program: exe.clone(),
        argv: vec![exe, b"program".to_vec(), word.into()],
        want_out: true,
        ..sh(run, "")
    }
}

pub fn read_all(fd: OwnedFd) -> String {
    let mut text = String::new();
    let mut file = File::from(fd);
    loop {
        wait_readable(file.as_fd());
        match file.read_to_string(&mut text) {
            Ok(_) => return text,
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock),
        }
    }
}

pub fn open_pidfd(pid: u32) -> OwnedFd {
    pidfd_open(Pid::from_raw(pid as i32).unwrap(), PidfdFlags::empty()).unwrap()
}

pub fn wait_readable(fd: BorrowedFd<'_>) {
    wait_for(fd, PollFlags::IN);
}

#[track_caller]
pub fn wait_for(fd: BorrowedFd<'_>, flags: PollFlags) {
    let end = Instant::now() + PATIENCE;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        assert!(!left.is_zero(), "nothing happened for {PATIENCE:?}");
        let timeout = rustix::time::Timespec { tv_sec: left.as_secs() as i64 + 1, tv_nsec: 0 };
        match poll(&mut [PollFd::from_borrowed_fd(fd, flags)], Some(&timeout)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => {}
            result => {
                result.unwrap();
                return;
            }
        }
    }
}
