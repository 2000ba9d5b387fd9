//! A keeper of a few lines, and the real daemon at the other end of its link.

use std::io::Write as _;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};

use ostler_keeper::KEEPER_FD_VAR;
use ostler_keeper::link::{KeeperEnd, pair};
use ostler_keeper::proto::{ExitStatus, FromKeeper, RunFds, ToKeeper, encode, version};
use ostler_testkit::{Sandbox, try_wait};
use rustix::io::{FdFlags, fcntl_setfd};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use crate::takeover::SOON;

/// A keeper's end of a link, and the daemon that it started.
struct FakeKeeper {
    link: KeeperEnd,
    /// The same socket, for bytes that must arrive together.
    socket: UnixStream,
    daemon: Child,
}

impl FakeKeeper {
    fn start(sandbox: &Sandbox) -> Self {
        let (ours, theirs) = pair().unwrap();
        fcntl_setfd(&theirs, FdFlags::empty()).unwrap();
        let mut command: Command = sandbox.command();
        command.arg("daemon").env("OSTLER_HOME", sandbox.home()).stdin(Stdio::null());
        command.env(KEEPER_FD_VAR, std::os::fd::AsRawFd::as_raw_fd(&theirs).to_string());
        let daemon = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let socket = UnixStream::from(ours.try_clone().unwrap());
        Self { link: KeeperEnd::new(ours).unwrap(), socket, daemon }
    }

    fn send(&mut self, message: &FromKeeper, fds: Vec<OwnedFd>) {
        self.link.send(message, fds).unwrap();
    }

    /// Waits for a request of the daemon's.
    fn wait(&mut self, what: &str, wanted: impl Fn(&ToKeeper) -> bool) {
        let link = &mut self.link;
        let seen = try_wait(SOON, || {
            while let Some((request, _)) = link.receive().unwrap() {
                if wanted(&request) {
                    return Some(());
                }
            }
            None
        });
        assert!(seen.is_some(), "the daemon did not {what}");
    }
}

impl Drop for FakeKeeper {
    fn drop(&mut self) {
        self.daemon.kill().unwrap();
        self.daemon.wait().unwrap();
    }
}

/// A run that ends while the keeper tells its inventory: the end is read together with the end of
/// the inventory, and no poll tells of it again.
#[test]
fn an_end_that_arrives_together_with_the_inventory_is_not_overlooked() {
    let sandbox = Sandbox::new(env!("CARGO_BIN_EXE_ostler"));
    let mut program = Command::new("sleep").arg("1000").spawn().unwrap();
    let mut keeper = FakeKeeper::start(&sandbox);
    keeper.wait("say hello", |request| matches!(request, ToKeeper::Hello { .. }));
    let pid = std::process::id();
    let nofile = (1024, 4096);
    keeper.send(&FromKeeper::Welcome { version: version(), pid, daemons: 2, nofile }, Vec::new());
    let pidfd = pidfd_open(Pid::from_child(&program), PidfdFlags::empty()).unwrap();
    let fds =
        RunFds { pidfd: Some(pidfd.as_fd().try_clone_to_owned().unwrap()), ..RunFds::default() };
    let run = FromKeeper::Run {
        run: 7,
        pid: program.id(),
        start_time: 1,
        status: None,
        meta: br#"{"p":0,"s":0,"r":0,"t":1,"w":1,"f":0,"n":[0,0]}"#.to_vec(),
        mask: fds.mask(),
        next: None,
    };
    keeper.send(&run, vec![pidfd]);
    let exited = FromKeeper::Exited { run: 7, status: ExitStatus::Code(4), next: None };
    let together = [FromKeeper::InventoryEnd, exited].map(|message| encode(&message, 0).unwrap());
    keeper.socket.write_all(&together.concat()).unwrap();
    keeper.wait("release the run that ended", |request| *request == ToKeeper::Release { run: 7 });
    program.kill().unwrap();
    program.wait().unwrap();
}
