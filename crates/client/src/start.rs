//! How a daemon comes to be: one, however many commands want one at the same time.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use ostler_wire::control::HOME_TAKEN;
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fs::FlockOperation;
use rustix::pipe::PipeFlags;

use crate::holder::Holder;
use crate::living::connect_living_heard;
use crate::quiet::LATE;
use crate::{Client, Error, Home, Silence, last_words};

/// How long a daemon may take to become ready.
pub const START_LIMIT: Duration = Duration::from_secs(10);

/// How long another command may take to start one.
const LOCK_LIMIT: Duration = Duration::from_secs(60);
/// The time between two looks whether it has.
const PAUSE: Timespec = Timespec { tv_sec: 0, tv_nsec: 10_000_000 };

/// What is told of a daemon that is being started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Starting {
    /// None answers, and one is started now.
    Begun,
    /// It is not ready yet. With what its log has said so far, as the rest of a sentence.
    Late(String),
    /// One that has no socket does not make one yet.
    Silent(Silence),
    /// Another command is starting one, and that takes its time.
    Locked(Holder),
}

/// The program that becomes the keeper.
#[derive(Clone, Debug)]
pub struct Starter {
    /// The absolute path of the program.
    pub exe: PathBuf,
    /// The first argument, which makes it the keeper.
    pub role: String,
    /// How long the daemon may take to become ready.
    pub limit: Duration,
    /// After how long it is told that it is not ready yet.
    pub late: Duration,
    /// The manager is for this process: it ends with it.
    pub foreground: bool,
    /// The home was made by this process for itself: nobody can be there.
    pub new_home: bool,
    /// The manager is started in place of PM2, and does unasked only what that does.
    pub as_pm2: bool,
}

impl Starter {
    /// Makes this program the keeper.
    #[must_use]
    pub fn new(exe: impl Into<PathBuf>) -> Self {
        let (exe, role) = (exe.into(), "keeper".to_owned());
        let (limit, late) = (START_LIMIT, LATE);
        Self { exe, role, limit, late, foreground: false, new_home: false, as_pm2: false }
    }
}

/// A connection and how it came about.
#[derive(Debug)]
pub struct Connected {
    /// The connection to the daemon.
    pub client: Client,
    /// Whether the daemon was started by this call.
    pub started: bool,
}

/// Connects; when nobody answers, starts a daemon first. `told` is called before one is started,
/// and once more when it is late.
///
/// # Errors
/// As [`Client::connect`], [`Home::prepare`]; [`Error::NotStarted`], [`Error::NotReady`].
pub fn connect_or_start(
    home: &Home,
    starter: &Starter,
    mut told: impl FnMut(Starting),
) -> Result<Connected, Error> {
    match Client::connect(home) {
        Err(Error::NotRunning { .. }) => {}
        other => return Ok(Connected { client: other?, started: false }),
    }
    home.prepare()?;
    // The lock ends with its file, whichever way this function or process ends.
    let _lock = StartLock { file: lock(home, &mut told)?, path: home.start_lock() };
    if !starter.new_home
        && let Some(client) = connect_living_heard(home, |of| told(Starting::Silent(of)))?
    {
        return Ok(Connected { client, started: false });
    }
    told(Starting::Begun);
    match start(home, starter, &mut told) {
        Ok(()) => Ok(Connected { client: Client::connect(home)?, started: true }),
        // It may have no socket, and be in another container.
        Err(Error::NotStarted { reason, log }) if reason.starts_with(HOME_TAKEN) => {
            match connect_living_heard(home, |of| told(Starting::Silent(of)))? {
                Some(client) => Ok(Connected { client, started: false }),
                None => Err(Error::NotStarted { reason, log }),
            }
        }
        Err(error) => Err(error),
    }
}

/// The right to start a daemon. Its file is taken away with it, so that a home at rest holds none;
/// whoever waited for the lock of a file that is gone makes a new one.
struct StartLock {
    file: File,
    path: PathBuf,
}

impl Drop for StartLock {
    fn drop(&mut self) {
        // What cannot be taken away does no harm.
        if is_at(&self.file, &self.path) {
            _ = std::fs::remove_file(&self.path);
        }
    }
}

fn lock(home: &Home, told: &mut impl FnMut(Starting)) -> Result<File, Error> {
    let path = home.start_lock();
    let unusable = |source| Error::HomeUnusable { home: home.path().to_owned(), source };
    let begun = Instant::now();
    let mut late_at = Some(begun + LATE);
    loop {
        let file = open(&path).map_err(unusable)?;
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) if is_at(&file, &path) => return Ok(file),
            // Whoever held it before has taken the file away: the lock of it is worth nothing.
            Ok(()) | Err(rustix::io::Errno::INTR) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                let holder = || Holder::of(&file, home.path());
                if LOCK_LIMIT <= begun.elapsed() {
                    return Err(Error::Locked(holder()));
                }
                if late_at.take_if(|at| *at <= Instant::now()).is_some() {
                    told(Starting::Locked(holder()));
                }
                // A signal ends the pause, which does no harm.
                _ = rustix::event::poll(&mut [], Some(&PAUSE));
            }
            Err(error) => {
                return Err(Error::io(format!("cannot lock `{}`", path.display()))(error.into()));
            }
        }
    }
}

/// Opens a file of the home, which is made where there is none, and is no link.
fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).append(true).mode(0o600).custom_flags(libc::O_NOFOLLOW).open(path)
}

/// Whether the open file is the one at this path.
fn is_at(file: &File, path: &Path) -> bool {
    let same =
        |a: &std::fs::Metadata, b: &std::fs::Metadata| (a.dev(), a.ino()) == (b.dev(), b.ino());
    matches!((file.metadata(), std::fs::metadata(path)), (Ok(a), Ok(b)) if same(&a, &b))
}

/// Starts the keeper and waits until the daemon answers.
fn start(home: &Home, starter: &Starter, told: impl FnMut(Starting)) -> Result<(), Error> {
    let path = home.log();
    let unusable = |source| Error::HomeUnusable { home: home.path().to_owned(), source };
    let log = open(&path).map_err(unusable)?;
    let began = log.metadata().map_or(0, |meta| meta.len());
    let err = log
        .try_clone()
        .map_err(Error::io("cannot duplicate the descriptor of the daemon's log"))?;
    let (reader, writer) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)
        .map_err(|error| Error::io("cannot make a pipe")(error.into()))?;

    let mut command = Command::new(&starter.exe);
    command.arg(&starter.role).current_dir(home.path()).env_clear();
    command.envs(std::env::vars_os().filter(|(name, _)| ostler_env::is_for_manager(name)));
    command.env_remove(ostler_env::OSTLER_FOREGROUND);
    command.env_remove(ostler_env::OSTLER_MANNER);
    if starter.as_pm2 {
        command.env(ostler_env::OSTLER_MANNER, "pm2");
    }
    if starter.foreground {
        let start = own_start().map_err(Error::io("cannot read this process's own start"))?;
        let word = format!("{}:{start}", std::process::id());
        command.env(ostler_env::OSTLER_FOREGROUND, word);
    }
    command.env(ostler_env::OSTLER_HOME, home.path());
    command.env(ostler_env::OSTLER_READY_FD, writer.as_raw_fd().to_string());
    command.stdin(Stdio::null()).stdout(log).stderr(err);
    crate::sys::detach(&mut command, writer);
    let what = format!("cannot start `{}`", starter.exe.display());
    // What is waited for is the process between us and the keeper, which ends at once.
    let between = command.spawn().and_then(|mut child| child.wait());
    between.map_err(Error::io(what))?;
    // The command owns the write end of the pipe: with it goes this side's copy.
    drop(command);

    let late = || last_words::so_far(&path, began);
    let said = read_ready(&reader, starter, &path, (late, told))?;
    let said = said.trim();
    if said == "ok" {
        return Ok(());
    }
    let reason = if said.is_empty() { last_words::since(&path, began) } else { said.to_owned() };
    Err(Error::NotStarted { reason, log: path })
}

/// When this process started, in clock ticks after boot, as `/proc` has it.
fn own_start() -> io::Result<u64> {
    let line = std::fs::read_to_string("/proc/self/stat")?;
    // The name may hold blanks and parentheses: what counts comes after the last one.
    let (_, rest) = line.rsplit_once(") ").ok_or(io::ErrorKind::InvalidData)?;
    let field = rest.split_ascii_whitespace().nth(19);
    field.and_then(|field| field.parse().ok()).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// Reads the ready pipe: `ok`, or the reason why the daemon cannot run, which ends with the pipe.
/// What its log says and that it is late is told once.
fn read_ready(
    reader: &OwnedFd,
    starter: &Starter,
    log: &Path,
    (late, mut told): (impl Fn() -> String, impl FnMut(Starting)),
) -> Result<String, Error> {
    let limit = starter.limit;
    let began = Instant::now();
    let until = began + limit;
    let mut late_at = Some(began + starter.late).filter(|at| *at < until);
    let mut said = Vec::new();
    let mut buffer = [0; 1024];
    loop {
        let left = late_at.unwrap_or(until).saturating_duration_since(Instant::now());
        let timeout = Timespec {
            tv_sec: i64::try_from(left.as_secs()).unwrap_or(0),
            tv_nsec: left.subsec_nanos().into(),
        };
        match rustix::event::poll(
            &mut [PollFd::new(&reader.as_fd(), PollFlags::IN)],
            Some(&timeout),
        ) {
            Ok(0) if late_at.take().is_some() => {
                told(Starting::Late(late()));
                continue;
            }
            Ok(0) => return Err(Error::NotReady { limit, log: log.to_owned() }),
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => continue,
            Err(error) => return Err(Error::io("cannot wait for the daemon")(error.into())),
        }
        match rustix::io::read(reader, &mut buffer) {
            Ok(0) => break,
            Ok(length) => said.extend_from_slice(buffer.get(..length).unwrap_or_default()),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(Error::io("cannot read what the daemon says")(error.into())),
        }
        if said == b"ok\n" {
            break;
        }
    }
    Ok(String::from_utf8_lossy(&said).into_owned())
}
