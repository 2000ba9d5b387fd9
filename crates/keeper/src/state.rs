//! The keeper's state as bytes, for the program that takes its place.
//!
//! The process stays, so its children stay its children and its descriptors keep their numbers;
//! what must be carried over is what the memory held. A version stands first, and what is added
//! later goes to the end.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;
use std::sync::Arc;

use crate::config::Config;
use crate::daemon::{Progress, Running};
use crate::keeper::Keeper;
use crate::link::Leftover;
use crate::proto::{DecodeError, ExitStatus, Reader, RunFds, Writer};
use crate::sys;
use crate::table::{Liveness, Next, Run};

const MAGIC: &[u8] = b"ostler keeper";
const STATE_VERSION: u8 = 1;

/// The state, and the descriptors that it names.
pub(crate) struct Image {
    pub(crate) bytes: Vec<u8>,
    pub(crate) fds: Vec<RawFd>,
}

/// What a state says about the daemon.
pub(crate) struct SavedDaemon {
    pub(crate) pid: u32,
    pub(crate) child: bool,
    pub(crate) greeted: bool,
    pub(crate) link: OwnedFd,
    pub(crate) pidfd: OwnedFd,
    pub(crate) leftover: Leftover,
}

/// A state read back; the runs and items go where the caller says.
pub(crate) struct Saved {
    pub(crate) config: Config,
    pub(crate) nofile: (u64, u64),
    pub(crate) daemons: u32,
    pub(crate) stop_signal: Option<i32>,
    pub(crate) shutdown: bool,
    pub(crate) daemon: SavedDaemon,
    pub(crate) runs: Vec<(u64, bool, Run)>,
    pub(crate) items: Vec<(String, Vec<u8>, OwnedFd)>,
    /// The program before this one.
    pub(crate) previous: Option<OwnedFd>,
}

struct Saver {
    bytes: Vec<u8>,
    fds: Vec<RawFd>,
}

impl Saver {
    fn w(&mut self) -> Writer<'_> {
        Writer::new(&mut self.bytes)
    }

    fn fd(&mut self, fd: Option<&OwnedFd>) {
        self.w().i32(fd.map_or(-1, AsRawFd::as_raw_fd));
        self.fds.extend(fd.map(AsRawFd::as_raw_fd));
    }

    fn os(&mut self, value: &OsStr) {
        self.w().bytes(value.as_bytes());
    }

    fn count(&mut self, count: usize) {
        self.w().u32(u32::try_from(count).unwrap_or(u32::MAX));
    }
}

/// Writes the state down for a program that starts daemons from `program`, with `previous` to fall
/// back to. The daemon must run and have a link with nothing left to be written.
pub(crate) fn save(
    keeper: &Keeper,
    running: &Running,
    program: &OsStr,
    previous: Option<&OwnedFd>,
) -> Option<Image> {
    let link = running.link.as_ref()?;
    let mut s = Saver { bytes: MAGIC.to_vec(), fds: Vec::new() };
    s.w().u8(STATE_VERSION);
    save_config(&mut s, &keeper.config, program);
    s.w().u64(keeper.spawner.nofile.0);
    s.w().u64(keeper.spawner.nofile.1);
    s.w().u32(keeper.daemons);
    s.w().u32(keeper.failures);
    s.w().option(keeper.stop_signal, Writer::i32);
    s.w().bool(keeper.shutdown);

    s.w().u32(running.pid);
    s.w().bool(running.child);
    s.w().bool(running.progress != Progress::Silent);
    s.fd(Some(&**link.socket()));
    s.fd(Some(&running.pidfd));
    let (input, batches) = link.leftover();
    s.w().bytes(input);
    s.count(batches.len());
    for (range, fds) in batches {
        s.w().u64(range.start);
        s.w().u64(range.end);
        s.count(fds.len());
        for fd in fds {
            s.fd(Some(fd));
        }
    }

    s.count(keeper.table.runs().len());
    for (run, entry) in keeper.table.runs() {
        save_run(&mut s, run, entry, keeper.table.is_unreported(run));
    }
    s.count(keeper.table.items().len());
    for (name, item) in keeper.table.items() {
        s.w().bytes(name.as_bytes());
        s.w().bytes(&item.meta);
        s.fd(Some(&item.fd));
    }
    s.fd(previous);
    let next: Vec<(u64, u64)> =
        keeper.table.runs().filter_map(|(run, entry)| Some((run, entry.next?.run))).collect();
    s.count(next.len());
    for (run, next) in next {
        s.w().u64(run);
        s.w().u64(next);
    }
    Some(Image { bytes: s.bytes, fds: s.fds })
}

fn save_config(s: &mut Saver, config: &Config, program: &OsStr) {
    s.os(program);
    s.count(config.daemon_args.len());
    for arg in &config.daemon_args {
        s.os(arg);
    }
    s.os(config.home.as_os_str());
    s.count(config.daemon_env.len());
    for (name, value) in &config.daemon_env {
        s.os(name);
        s.os(value);
    }
    s.w().option(config.log.as_ref(), |w, log| w.bytes(log.as_os_str().as_bytes()));
    s.fd(config.ready_fd.as_ref());
}

fn save_run(s: &mut Saver, run: u64, entry: &Run, unreported: bool) {
    s.w().u64(run);
    s.w().bool(unreported);
    s.w().u32(entry.pid);
    s.w().u64(entry.start_time);
    s.w().bool(entry.liveness == Liveness::Adopted);
    s.w().option(entry.status(), |w, status| status.write(w));
    s.w().bytes(&entry.meta);
    for fd in [&entry.fds.pidfd, &entry.fds.out, &entry.fds.err, &entry.fds.ipc] {
        s.fd(fd.as_deref());
    }
}

struct Loader<'a> {
    r: Reader<'a>,
    taken: BTreeSet<RawFd>,
}

impl Loader<'_> {
    fn try_fd(&mut self) -> io::Result<Option<OwnedFd>> {
        let raw = self.r.i32("fd").map_err(bad)?;
        if raw < 0 {
            return Ok(None);
        }
        if raw < 3 || !self.taken.insert(raw) {
            return Err(bad(DecodeError::Invalid("fd")));
        }
        sys::own_fd(raw).map(Some)
    }

    fn fd(&mut self) -> io::Result<OwnedFd> {
        self.try_fd()?.ok_or_else(|| bad(DecodeError::Invalid("fd")))
    }

    fn os(&mut self) -> Result<OsString, DecodeError> {
        self.r.bytes("string").map(OsString::from_vec)
    }

    fn count(&mut self) -> Result<u32, DecodeError> {
        self.r.u32("count")
    }
}

/// Reads a state back and takes its descriptors.
pub(crate) fn load(bytes: &[u8]) -> io::Result<Saved> {
    let rest = bytes.strip_prefix(MAGIC).ok_or_else(|| bad(DecodeError::Invalid("magic")))?;
    let mut l = Loader { r: Reader::new(rest), taken: BTreeSet::new() };
    if l.r.u8("version").map_err(bad)? == 0 {
        return Err(bad(DecodeError::Invalid("version")));
    }
    let config = load_config(&mut l)?;
    let nofile = (l.r.u64("nofile").map_err(bad)?, l.r.u64("nofile").map_err(bad)?);
    let daemons = l.r.u32("daemons").map_err(bad)?;
    // Daemons of the earlier program that died young: they say nothing of the next one's.
    l.r.u32("failures").map_err(bad)?;
    let stop_signal = l.r.option("stop_signal", |r| r.i32("stop_signal")).map_err(bad)?;
    let shutdown = l.r.bool("shutdown").map_err(bad)?;
    let daemon = load_daemon(&mut l)?;
    let mut runs = Vec::new();
    for _ in 0..l.count().map_err(bad)? {
        runs.push(load_run(&mut l)?);
    }
    let mut items = Vec::new();
    for _ in 0..l.count().map_err(bad)? {
        items.push((l.r.string("name").map_err(bad)?, l.r.bytes("meta").map_err(bad)?, l.fd()?));
    }
    // What is left out by older keepers.
    let previous = if l.r.is_empty() { None } else { l.try_fd()? };
    if !l.r.is_empty() {
        load_next(&mut l, &mut runs)?;
    }
    Ok(Saved { config, nofile, daemons, stop_signal, shutdown, daemon, runs, items, previous })
}

fn load_next(l: &mut Loader<'_>, runs: &mut [(u64, bool, Run)]) -> io::Result<()> {
    for _ in 0..l.count().map_err(bad)? {
        let (run, next) = (l.r.u64("run").map_err(bad)?, l.r.u64("next").map_err(bad)?);
        if let Some((_, _, entry)) = runs.iter_mut().find(|(number, _, _)| *number == run) {
            entry.next = Some(Next { run: next, failed: None });
        }
    }
    Ok(())
}

fn load_config(l: &mut Loader<'_>) -> io::Result<Config> {
    let mut config = Config { program: PathBuf::from(l.os().map_err(bad)?), ..Config::default() };
    for _ in 0..l.count().map_err(bad)? {
        config.daemon_args.push(l.os().map_err(bad)?);
    }
    config.home = PathBuf::from(l.os().map_err(bad)?);
    for _ in 0..l.count().map_err(bad)? {
        config.daemon_env.push((l.os().map_err(bad)?, l.os().map_err(bad)?));
    }
    let log = l.r.option("log", |r| r.bytes("log")).map_err(bad)?;
    config.log = log.map(|path| PathBuf::from(OsString::from_vec(path)));
    config.ready_fd = l.try_fd()?;
    Ok(config)
}

fn load_daemon(l: &mut Loader<'_>) -> io::Result<SavedDaemon> {
    let pid = l.r.u32("pid").map_err(bad)?;
    let child = l.r.bool("child").map_err(bad)?;
    let greeted = l.r.bool("greeted").map_err(bad)?;
    let (link, pidfd) = (l.fd()?, l.fd()?);
    let mut leftover = Leftover { input: l.r.bytes("input").map_err(bad)?, batches: Vec::new() };
    for _ in 0..l.count().map_err(bad)? {
        let range = l.r.u64("start").map_err(bad)?..l.r.u64("end").map_err(bad)?;
        let mut fds = Vec::new();
        for _ in 0..l.count().map_err(bad)? {
            fds.push(l.fd()?);
        }
        leftover.batches.push((range, fds));
    }
    Ok(SavedDaemon { pid, child, greeted, link, pidfd, leftover })
}

fn load_run(l: &mut Loader<'_>) -> io::Result<(u64, bool, Run)> {
    let run = l.r.u64("run").map_err(bad)?;
    let unreported = l.r.bool("unreported").map_err(bad)?;
    let pid = l.r.u32("pid").map_err(bad)?;
    let start_time = l.r.u64("start_time").map_err(bad)?;
    let adopted = l.r.bool("adopted").map_err(bad)?;
    let status = l.r.option("status", ExitStatus::read).map_err(bad)?;
    let meta = l.r.bytes("meta").map_err(bad)?;
    let mut fd = || l.try_fd().map(|fd| fd.map(Arc::new));
    let fds = RunFds { pidfd: fd()?, out: fd()?, err: fd()?, ipc: fd()? };
    let liveness = match status {
        Some(status) => Liveness::Ended(status),
        None if adopted => Liveness::Adopted,
        None => Liveness::Child,
    };
    Ok((run, unreported, Run { pid, start_time, liveness, meta, next: None, fds }))
}

fn bad(error: DecodeError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the state of the earlier keeper: {error}"))
}

#[cfg(test)]
mod tests;
