//! A home of its own for one test, and the proof that nothing of it is left.

mod surroundings;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fmt::Display;
use std::fs;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::procs::{self, Signal};
use crate::run::{self, Ostler, Output};
use crate::runtimes::Runtime;
use crate::wait::{self, wait_exit};

/// How long everything of a home may take to end after `kill` answered.
const END_LIMIT: Duration = Duration::from_secs(10);
/// Ports given to apps: below Linux's ephemeral range (32768–60999), from which outgoing
/// connections take theirs.
const PORTS: std::ops::Range<u16> = 12000..32000;

/// A temporary home with an environment, a work folder and ports that no other test shares.
///
/// Its folder is short (`/tmp/o-XXXXXX`), because the path of a UNIX socket may have only 107
/// bytes. Inside: `h` is `OSTLER_HOME`, `u` is `HOME`, `w` is the working directory.
///
/// When it is dropped, `ostler kill` is run and everything of this home must end; what is left is
/// killed, and fails the test unless [`Sandbox::allow_left_behind`] was called.
pub struct Sandbox {
    dir: TempDir,
    program: Option<PathBuf>,
    /// Whether commands run as a user who may nothing.
    ordinary: bool,
    env: BTreeMap<OsString, OsString>,
    ports: RefCell<Vec<UnixListener>>,
    helpers: RefCell<Vec<Child>>,
    may_leave: Cell<bool>,
}

impl Sandbox {
    /// A new home for the program at `program`: `Sandbox::new(env!("CARGO_BIN_EXE_ostler"))`.
    pub fn new(program: impl AsRef<Path>) -> Self {
        let program = program.as_ref();
        assert!(program.is_file(), "no program at `{}`", program.display());
        let mut sandbox = Self::without_program();
        sandbox.program = Some(program.to_owned());
        sandbox
    }

    /// A new home for a test that starts the parts it needs itself.
    pub fn without_program() -> Self {
        let dir = tempfile::Builder::new().prefix("o-").rand_bytes(6).tempdir_in("/tmp").unwrap();
        for (part, mode) in [("h", 0o700), ("u", 0o700), ("w", 0o755)] {
            let path = dir.path().join(part);
            fs::create_dir(&path).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        }
        let mut env: BTreeMap<OsString, OsString> = [
            ("OSTLER_HOME", dir.path().join("h").as_os_str()),
            ("HOME", dir.path().join("u").as_os_str()),
            ("NO_COLOR", OsStr::new("1")),
            ("TERM", OsStr::new("dumb")),
            ("LANG", OsStr::new("C.UTF-8")),
            ("TZ", OsStr::new("UTC")),
            ("USER", OsStr::new("tester")),
        ]
        .map(|(name, value)| (name.into(), value.to_owned()))
        .into();
        // PATH finds the interpreters; the profile file is where coverage of the program under test
        // goes.
        for name in ["PATH", "LLVM_PROFILE_FILE", "RUST_BACKTRACE"] {
            env.extend(std::env::var_os(name).map(|value| (name.into(), value)));
        }
        Self {
            dir,
            program: None,
            ordinary: false,
            env,
            ports: RefCell::default(),
            helpers: RefCell::default(),
            may_leave: Cell::new(false),
        }
    }

    /// The folder that everything of this test is in.
    pub fn root(&self) -> &Path {
        self.dir.path()
    }

    /// Returns the folder that is `OSTLER_HOME`.
    pub fn home(&self) -> PathBuf {
        self.root().join("h")
    }

    /// Working directory of the commands, and the place of the victims.
    pub fn work(&self) -> PathBuf {
        self.root().join("w")
    }

    /// A file of the home, for example `logs/api-out.log`.
    pub fn file(&self, name: impl AsRef<Path>) -> PathBuf {
        self.home().join(name)
    }

    /// Writes a file into the work folder (folders on the way are made), and gives its path.
    #[track_caller]
    pub fn write(&self, name: impl AsRef<Path>, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.work().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap_or_else(|e| panic!("writing `{}`: {e}", path.display()));
        if self.ordinary {
            self.give_away(&path);
        }
        path
    }

    /// Writes an executable file into the work folder.
    #[track_caller]
    pub fn write_executable(&self, name: impl AsRef<Path>, content: impl AsRef<[u8]>) -> PathBuf {
        let source = self.write(Path::new(".source").join(name.as_ref()), content);
        let path = self.work().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        // A child copies it: a file that this process holds open for writing, while another thread
        // forks, could not be executed for a moment (ETXTBSY).
        let installed =
            Command::new("install").args(["-m", "755"]).arg(&source).arg(&path).status();
        assert!(installed.is_ok_and(|s| s.success()), "cannot install `{}`", path.display());
        path
    }

    /// Sets a variable for every command of this sandbox.
    pub fn set_env(&mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) {
        self.env.insert(name.as_ref().to_owned(), value.as_ref().to_owned());
    }

    /// Removes a variable for every command of this sandbox.
    pub fn remove_env(&mut self, name: impl AsRef<OsStr>) {
        self.env.remove(name.as_ref());
    }

    /// Puts a runtime first in `PATH`, so that `node` (`bun`, `deno`) is this one.
    pub fn use_runtime(&mut self, runtime: &Runtime) {
        let old = self.env.get(OsStr::new("PATH")).cloned().unwrap_or_default();
        let dirs = std::iter::once(runtime.dir().to_owned()).chain(std::env::split_paths(&old));
        let path = std::env::join_paths(dirs).unwrap();
        self.set_env("PATH", path);
    }

    /// Returns a command that runs the program in this sandbox, for a test that has a way of
    /// its own to start it.
    #[track_caller]
    pub fn command(&self) -> Command {
        let Some(program) = &self.program else {
            panic!("this sandbox was made without a program")
        };
        self.command_of(program)
    }

    /// A command that runs any program with this sandbox's environment and work folder.
    pub fn command_of(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_clear().envs(&self.env).current_dir(self.work());
        if self.ordinary {
            command.uid(surroundings::NOBODY).gid(surroundings::NOBODY);
        }
        command
    }

    /// Starts a helper process that is ended with the sandbox and never counts as left behind.
    #[track_caller]
    pub fn spawn_helper(&self, mut command: Command) -> u32 {
        let child = command.spawn().unwrap_or_else(|e| panic!("cannot run {command:?}: {e}"));
        let pid = child.id();
        self.helpers.borrow_mut().push(child);
        pid
    }

    /// Runs `ostler ARGS` to its end, whatever its code.
    #[track_caller]
    pub fn run<S: AsRef<OsStr>>(&self, args: &[S]) -> Output {
        let mut command = self.command();
        command.args(args);
        run::finish(command, &[], run::LIMIT)
    }

    /// A call of `ostler` whose output is checked; ends with `.run()`.
    pub fn ostler<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Ostler<'_> {
        Ostler::new(self).args(args)
    }

    /// The process list as `ostler jlist` prints it.
    #[track_caller]
    pub fn jlist(&self) -> Vec<Value> {
        let output = self.run(&["jlist"]).success();
        let start = output.out.find('[').unwrap_or_else(|| panic!("no list in `{}`", output.out));
        serde_json::from_str(&output.out[start..])
            .unwrap_or_else(|e| panic!("jlist printed no JSON: {e}\n{}", output.out))
    }

    /// Live pids of the processes named `name`, in the order of the list.
    #[track_caller]
    pub fn pids_of(&self, name: &str) -> Vec<u32> {
        let list = self.jlist();
        let named = list.iter().filter(|p| p["name"] == name);
        named
            .filter_map(|p| u32::try_from(p["pid"].as_u64()?).ok())
            .filter(|pid| *pid != 0)
            .collect()
    }

    /// PM2's status words of the processes named `name`, in the order of the list.
    #[track_caller]
    pub fn statuses_of(&self, name: &str) -> Vec<String> {
        let list = self.jlist();
        let named = list.iter().filter(|p| p["name"] == name);
        named.map(|p| p["pm2_env"]["status"].as_str().unwrap_or("?").to_owned()).collect()
    }

    /// Asks the list until `ask` is content with it.
    #[track_caller]
    pub fn wait_list<T>(
        &self,
        what: impl Display,
        limit: Duration,
        mut ask: impl FnMut(&[Value]) -> Option<T>,
    ) -> T {
        wait::wait_for(what, limit, || ask(&self.jlist()))
    }

    /// Waits until the processes named `name` are `count`, all with this status.
    #[track_caller]
    pub fn wait_status(&self, name: &str, status: &str, count: usize, limit: Duration) {
        wait::wait_for(format_args!("{count} × `{name}` to be {status}"), limit, || {
            let all = self.statuses_of(name);
            (all.len() == count && all.iter().all(|s| s == status)).then_some(())
        });
    }

    /// [`wait::wait_for`], for symmetry.
    #[track_caller]
    pub fn wait_for<T>(
        &self,
        what: impl Display,
        limit: Duration,
        ask: impl FnMut() -> Option<T>,
    ) -> T {
        wait::wait_for(what, limit, ask)
    }

    /// Waits until `file` (absolute, or of the home) satisfies `ask`; wakes up when something in
    /// its folder changes.
    #[track_caller]
    pub fn wait_file<T>(
        &self,
        file: impl AsRef<Path>,
        limit: Duration,
        mut ask: impl FnMut(&str) -> Option<T>,
    ) -> T {
        let path = self.home().join(file);
        let dir = path.parent().unwrap();
        wait::wait_for(format_args!("folder `{}`", dir.display()), limit, || {
            dir.is_dir().then_some(())
        });
        wait::wait_in(
            dir,
            format_args!("the awaited content of `{}`", path.display()),
            limit,
            || {
                let bytes = fs::read(&path).ok()?;
                ask(&String::from_utf8_lossy(&bytes))
            },
        )
    }

    /// The daemon's pid from its pid file, when that process lives.
    pub fn daemon_pid(&self) -> Option<u32> {
        let pid = fs::read_to_string(self.file("pm2.pid")).ok()?.trim().parse().ok()?;
        procs::alive(pid).then_some(pid)
    }

    /// The keeper's pid: a process of this home that runs our program with the keeper's role, else
    /// the daemon's parent that runs our program. (The daemon has other children.)
    pub fn keeper_pid(&self) -> Option<u32> {
        let daemon = self.daemon_pid();
        let program = self.program.as_ref()?.canonicalize().ok()?;
        let is_ours =
            |pid: &u32| Some(*pid) != daemon && procs::exe(*pid).as_ref() == Some(&program);
        let ours: BTreeSet<u32> = self.pids().into_iter().filter(is_ours).collect();
        let named = ours
            .iter()
            .find(|pid| procs::args(**pid).iter().take(2).any(|arg| arg.contains("keeper")));
        let parent = || {
            daemon.and_then(procs::stat).map(|stat| stat.parent).filter(|pid| ours.contains(pid))
        };
        named.copied().or_else(parent)
    }

    /// Every live process of this home, also those that left their session.
    pub fn pids(&self) -> BTreeSet<u32> {
        procs::of_home(self.root())
    }

    /// A TCP port on loopback that no other sandbox on this machine has and nobody listens at.
    pub fn port(&self) -> u16 {
        // The lock is an abstract socket: it vanishes with the test, however that ends.
        let first = PORTS.start
            + u16::try_from(std::process::id() % u32::from(PORTS.end - PORTS.start)).unwrap();
        for port in (first..PORTS.end).chain(PORTS.start..first) {
            let name = SocketAddr::from_abstract_name(format!("ostler-test-port-{port}")).unwrap();
            let Ok(lock) = UnixListener::bind_addr(&name) else { continue };
            if std::net::TcpListener::bind(("0.0.0.0", port)).is_ok() {
                self.ports.borrow_mut().push(lock);
                return port;
            }
        }
        panic!("no free port in {PORTS:?}");
    }

    /// This test leaves processes behind on purpose: they are killed, and do not fail it.
    pub fn allow_left_behind(&self) {
        self.may_leave.set(true);
    }

    /// Kills whatever of this home is alive, and gives a line about each.
    fn kill_rest(&self) -> Vec<String> {
        let mut seen = BTreeMap::new();
        let end = Instant::now() + END_LIMIT;
        // Again and again: what is killed may have been about to fork.
        while Instant::now() < end {
            let rest = self.pids();
            if rest.is_empty() {
                break;
            }
            // All at once: of keeper and daemon, each replaces the other.
            for signal in [Signal::STOP, Signal::KILL] {
                for pid in &rest {
                    seen.entry(*pid).or_insert_with(|| procs::describe(*pid));
                    procs::kill_if(*pid, signal, || self.pids().contains(pid));
                }
            }
            for pid in rest {
                wait_exit(pid, END_LIMIT);
            }
        }
        seen.into_values().collect()
    }

    fn end_orderly(&self) {
        if self.program.is_some() && !self.pids().is_empty() {
            let mut command = self.command();
            command.arg("kill");
            // When `kill` hangs or fails, what it leaves is the finding.
            let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                run::finish(command, &[], run::LIMIT)
            }));
            if ended.is_err() {
                eprintln!("`ostler kill` did not end");
            }
        }
        if self.may_leave.get() {
            return;
        }
        let end = Instant::now() + END_LIMIT;
        for pid in self.pids() {
            wait_exit(pid, end.saturating_duration_since(Instant::now()));
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        for mut helper in self.helpers.take() {
            // It may have ended by itself; then there is nothing to kill.
            let _already_ended = helper.kill();
            helper.wait().unwrap();
        }
        self.end_orderly();
        let log = fs::read_to_string(self.file("pm2.log")).unwrap_or_default();
        let left = self.kill_rest();
        if std::thread::panicking() {
            eprintln!("-- pm2.log of `{}`\n{log}", self.root().display());
        } else if !left.is_empty() && !self.may_leave.get() {
            panic!(
                "left behind of `{}`:\n{}\n-- pm2.log\n{log}",
                self.root().display(),
                left.join("\n")
            );
        }
    }
}
