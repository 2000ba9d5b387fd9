//! From a fresh process to a daemon that answers: alone in its home, with everything that a
//! predecessor left.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use ostler_cluster::{ListenerMeta, Output, Primary, WorkerId};
use ostler_core::{AppId, RunId};
use ostler_keeper::link::{self, Link};
use ostler_keeper::proto::{FromKeeper, RunFds, ToKeeper, version};
use ostler_poll::{Interest, Poll, Waker};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::inotify;

use crate::clients::Clients;
use crate::cluster::{self, Cluster};
use crate::config::Config;
use crate::courtesy::Courtesy;
use crate::daemon::Daemon;
use crate::decisions::Decisions;
use crate::driver::{exit_of, meta_of};
use crate::found::Found;
use crate::guard::{self, Guard};
use crate::keeper::{Keeper, Welcome};
use crate::logs::Logs;
use crate::mailbox::Mailbox;
use crate::model::{Input, Settings, State};
use crate::reports::Reports;
use crate::saver::Saver;
use crate::tokens::Source;
use crate::tree::{self, Groups, Stat};
use crate::{logbook, logs, state_file, sys};

/// Names of descriptors in the keeper.
pub(crate) const CONTROL: &str = "control";
pub(crate) const LOCK: &str = "lock";

/// Time between two looks at memory limits, ms (PM2: runtime behaviour §8).
const MEMORY_INTERVAL: u64 = 30_000;

/// Kept with the lock once what an earlier keeper left behind was looked for.
pub(crate) const SWEPT: &[u8] = b"swept";

/// Everything the keeper held for us.
#[derive(Default)]
struct Inventory {
    welcome: Welcome,
    runs: BTreeMap<RunId, Found>,
    items: BTreeMap<String, (Vec<u8>, OwnedFd)>,
    /// Runs whose metadata is not understood, with their processes.
    strays: Vec<(u64, Option<OwnedFd>)>,
    /// What an earlier keeper left behind was looked for.
    swept: bool,
}

/// Makes the daemon.
///
/// # Errors
/// In words for a person: what could not be had, and what to do.
pub(crate) fn start(config: Config, link: Link) -> Result<Daemon, String> {
    let said = |what: &str| {
        let what = what.to_owned();
        move |error: io::Error| format!("{what}: {error}")
    };
    sys::limit_arenas();
    let signals = sys::signal_fd().map_err(said("could not set up signals"))?;
    let poll = Rc::new(Poll::new().map_err(said("could not poll"))?);
    let guard = Guard::start(Rc::clone(&poll))
        .map_err(said("could not prepare a guard for connections"))?;
    raise_descriptor_limit();
    make_home(&config.home)?;
    let mut link = link;
    let mut inventory = take_inventory(&mut link).map_err(said("could not talk to the keeper"))?;
    let lock = match inventory.items.remove(LOCK) {
        Some((meta, lock)) => {
            inventory.swept = meta == SWEPT;
            lock
        }
        None => take_lock(&config.home, &mut link)?,
    };
    let (guard_end, guard_fd) = guard.for_keeper().map_err(said("out of descriptors"))?;
    link.send(&guard_end, vec![guard_fd]).map_err(said("could not talk to the keeper"))?;
    if let Err(error) = crate::drain::install(&config.home) {
        let path = crate::drain::path(&config.home);
        logbook::error(format!(
            "could not write `{}`: {error}; workers leave without it",
            path.display()
        ));
    }
    let listener = match inventory.items.remove(CONTROL) {
        Some((_, fd)) => UnixListener::from(fd),
        None => bind_control(&config.home, &mut link)?,
    };
    listener.set_nonblocking(true).map_err(said("could not use the control socket"))?;
    let waker = Waker::new(&poll, Source::Waker).map_err(said("could not poll"))?;
    let of_logs = |name: &str| name.strip_prefix(logs::PREFIX).map(str::to_owned);
    let names: Vec<(String, String)> =
        inventory.items.keys().filter_map(|name| Some((name.clone(), of_logs(name)?))).collect();
    let kept: Vec<(String, OwnedFd)> = names
        .into_iter()
        .filter_map(|(name, own)| Some((own, inventory.items.remove(&name)?.1)))
        .collect();
    let logs = Logs::start(waker.clone(), kept).map_err(said("could not start the log engine"))?;
    let mark = mark_of(&config.home);
    let inotify_flags = inotify::CreateFlags::CLOEXEC | inotify::CreateFlags::NONBLOCK;
    let inotify = inotify::init(inotify_flags)
        .map_err(|error| format!("could not watch control groups: {error}"))?;
    let read = Interest::READ.edge();
    let keeper = Keeper::new(link, inventory.welcome, lock, Rc::clone(&poll))
        .map_err(said("could not poll"))?;
    let listener = poll.watch(listener, Source::Control, read).map_err(said("could not poll"))?;
    let signals = poll.watch(signals, Source::Signals, read).map_err(said("could not poll"))?;
    let inotify = poll.watch(inotify, Source::Inotify, read).map_err(said("could not poll"))?;
    let mut daemon = Daemon {
        model: Decisions::new(settings(&config, &mark)),
        saver: Saver::new(dump_path(&config.home)),
        groups: Groups::find(&mark),
        guard,
        courtesy: Courtesy::default(),
        keeper,
        runs: BTreeMap::new(),
        cluster: Cluster::default(),
        logs,
        clients: Clients::new(listener, Rc::clone(&poll)),
        mailbox: Mailbox::new(waker),
        reports: Reports::new(),
        inotify,
        watches: BTreeMap::new(),
        mark,
        dead: Vec::new(),
        prepared: BTreeMap::new(),
        signals,
        window: Vec::new(),
        output_by: None,
        pending_cluster: Vec::new(),
        refetch: BTreeSet::new(),
        retry_at: None,
        relook: BTreeSet::new(),
        poll,
        config,
    };
    daemon.take_over(inventory);
    if !daemon.model.is_gone() {
        daemon.write_own_pid();
    }
    Ok(daemon)
}

impl Daemon {
    fn write_own_pid(&self) {
        let path = self.config.home.join("pm2.pid");
        if let Err(error) = std::fs::write(&path, std::process::id().to_string()) {
            logbook::error(format!("could not write `{}`: {error}", path.display()));
        }
    }

    /// Takes up everything that a predecessor left: in the keeper, or, where the keeper died too,
    /// in the state file and among the processes of this machine.
    fn take_over(&mut self, mut inventory: Inventory) {
        let mut had_state = false;
        let state = state_file::read(&self.config.home, |problem| {
            had_state = true;
            logbook::error(problem);
        });
        had_state |= state.is_some();
        let state = state.unwrap_or_else(|| State::empty(state_file::boot_id()));
        if !inventory.swept {
            if had_state {
                self.adopt_orphans(&state, &mut inventory);
            }
            self.keeper.set_meta(LOCK.to_owned(), SWEPT.to_vec());
        }
        let (connections, guards) = guard::recover(&mut inventory.items, &self.guard.ledger);
        for name in guards {
            self.keeper.forget(name);
        }
        self.on_log_events();
        if state.procs.is_empty() && inventory.runs.is_empty() && inventory.strays.is_empty() {
            self.logs.engine().resumed();
            self.give_recovered(connections);
            self.model.recover(state, &[]);
            return;
        }
        // First what is to be read and heard of, then the machine, then what it decides.
        let found = std::mem::take(&mut inventory.runs);
        let for_model: Vec<_> = found.iter().map(|(run, found)| found.for_model(*run)).collect();
        self.model.recover(state, &for_model);
        ostler_keeper::failpoint::hit("takeover.recovered");
        self.restore_primaries(&found, &mut inventory.items);
        let mut dead = Vec::new();
        for (run, found) in found {
            dead.extend(self.take_up_run(run, found));
        }
        self.give_recovered(connections);
        for (app, out) in std::mem::take(&mut self.pending_cluster) {
            self.do_cluster(app, out);
        }
        // Now there is somebody to whom the connections of dead workers can go.
        for (run, exit) in dead {
            self.on_found_dead(run, exit);
        }
        self.on_log_events();
        self.logs.engine().resumed();
        for name in inventory.items.keys().cloned().collect::<Vec<_>>() {
            self.keeper.forget(name);
        }
        for (run, pidfd) in inventory.strays {
            logbook::error(format!(
                "the keeper holds run {run}, of which nothing is known: killed"
            ));
            if let Some(Err(error)) = pidfd.map(|pidfd| tree::signal(&pidfd, libc::SIGKILL)) {
                logbook::error(format!("could not kill it: {error}"));
            }
        }
        self.after_takeover();
        ostler_keeper::failpoint::hit("takeover.after");
        logbook::log(format!(
            "New daemon (pid {}) took over {} processes, {} online",
            std::process::id(),
            self.model.registry().procs().len(),
            self.model.model().count_online()
        ));
    }

    /// Keeper and daemon were killed: what they ran still runs, deaf and mute. Each such run is
    /// adopted so that it is known, and marked as ending: it is stopped and started cleanly, never
    /// doubled.
    fn adopt_orphans(&mut self, state: &State, inventory: &mut Inventory) {
        let mut by_run: BTreeMap<RunId, Vec<tree::Held>> = BTreeMap::new();
        for (run, held) in tree::marked(&self.mark) {
            if inventory.runs.contains_key(&run) {
                continue; // An earlier daemon of this keeper came so far.
            }
            by_run.entry(run).or_default().push(held);
        }
        let mut slots = BTreeSet::new();
        let mut strays = Vec::new();
        for (run, mut processes) in by_run.into_iter().rev() {
            let is_leader = |held: &tree::Held| {
                Stat::read(held.pid).is_some_and(|stat| stat.session == held.pid)
            };
            let leader = processes.iter().position(is_leader).map(|at| processes.swap_remove(at));
            let slot = leader
                .as_ref()
                .and_then(|leader| tree::variable_of(leader.pid, "pm_id")?.parse::<u32>().ok());
            // The newest of a slot is the one; others were on their way out.
            let saved = slot
                .filter(|slot| slots.insert(*slot))
                .and_then(|slot| state.procs.iter().find(|proc| proc.id == slot));
            let Some((leader, saved)) = leader.as_ref().zip(saved) else {
                // Nobody knows it: descendants without their first process, or an app that was
                // deleted.
                strays.extend(processes);
                strays.extend(leader);
                continue;
            };
            let meta = crate::runs::Meta {
                p: saved.id,
                s: saved.spec,
                r: 0,
                t: crate::clock::monotonic(),
                w: crate::clock::wall(),
                f: 0b0100
                    | if self.groups.as_ref().is_some_and(|groups| groups.is_populated(run)) {
                        0b1_0000
                    } else {
                        0
                    },
                n: (saved.restarts, saved.unstable),
                e: 0,
            };
            let start_time = Stat::read(leader.pid).map_or(0, |stat| stat.start_time);
            let pid = leader.pid;
            let fds = RunFds { pidfd: leader.fd.try_clone().ok(), ..RunFds::default() };
            self.keeper.adopt(run, (pid, start_time), meta.to_bytes(), None, &fds);
            logbook::log(format!(
                "process {pid} of run {} is an orphan: stopped and started cleanly",
                run.0
            ));
            inventory.runs.insert(run, Found { pid, start_time, exit: None, meta, fds });
        }
        tree::end_strays(&strays);
        if let Some(groups) = &self.groups {
            groups.remove_others(|run| inventory.runs.contains_key(&run));
        }
    }

    /// Gives each cluster app its primary again, with the sockets that the keeper held and the
    /// workers that live.
    fn restore_primaries(
        &mut self,
        found: &BTreeMap<RunId, Found>,
        items: &mut BTreeMap<String, (Vec<u8>, OwnedFd)>,
    ) {
        let mut metas: BTreeMap<AppId, Vec<ListenerMeta>> = BTreeMap::new();
        let names: Vec<String> =
            items.keys().filter(|name| name.starts_with("listener/")).cloned().collect();
        for name in names {
            let app = name.split('/').nth(1).and_then(|number| number.parse().ok()).map(AppId);
            let Some(app) = app.filter(|app| self.model.registry().app(*app).is_some()) else {
                continue;
            };
            let Some((bytes, fd)) = items.remove(&name) else { continue };
            match ListenerMeta::from_bytes(&bytes) {
                // The daemon before was about to close it.
                Ok(_) if !cluster::serves(&fd) => {
                    self.keeper.forget(name);
                }
                Ok(meta) => {
                    self.add_listener(app, meta.listener, fd);
                    metas.entry(app).or_default().push(meta);
                }
                Err(error) => {
                    logbook::error(format!(
                        "listening socket `{name}` cannot be taken over: {error}"
                    ));
                    self.keeper.forget(name);
                }
            }
        }
        let mut workers: BTreeMap<AppId, Vec<(WorkerId, ostler_cluster::WorkerOptions)>> =
            BTreeMap::new();
        for (run, found) in found {
            let id = ostler_core::ProcId(found.meta.p);
            let Some(app) = self.model.registry().proc(id).map(|proc| proc.app) else { continue };
            if found.meta.has(3) && found.fds.ipc.is_some() {
                let options =
                    self.worker_options(id, ostler_core::SpecId(found.meta.s), found.meta.has(2));
                // Candidates only; who turns out to be none is trusted when all is taken in.
                let options =
                    ostler_cluster::WorkerOptions { quarantined: found.meta.r == 1, ..options };
                workers.entry(app).or_default().push((WorkerId(run.0), options));
                self.cluster.workers.insert(*run, app);
            }
        }
        let apps: BTreeSet<AppId> = metas.keys().chain(workers.keys()).copied().collect();
        for app in apps {
            let metas = metas.remove(&app).unwrap_or_default();
            let workers = workers.remove(&app).unwrap_or_default();
            let spec = self
                .model
                .registry()
                .app(app)
                .and_then(|app| self.model.registry().version(app.spec));
            let policy = spec
                .map_or_else(Default::default, |version| cluster::policy_of(version.spec.balance));
            let mut out = Output::new();
            let primary = Primary::restore(cluster::config(app, policy), metas, &workers, &mut out);
            self.cluster.primaries.insert(app, primary);
            self.pending_cluster.push((app, out));
            let spec = self.model.registry().app(app).map(|app| app.spec);
            if let Some(spec) = spec {
                self.use_fds(app, spec);
            }
        }
    }

    /// What had to wait until everything was taken in.
    fn after_takeover(&mut self) {
        let runs: Vec<RunId> = self.runs.keys().copied().collect();
        for run in runs {
            if let Some(pid) = self
                .runs
                .get(&run)
                .filter(|held| held.cluster && held.exit.is_none())
                .map(|held| held.pid)
            {
                self.courtesy.take_over(run, pid);
            }
            if self
                .model
                .core()
                .owner(run)
                .is_some_and(|owner| owner.1 != ostler_core::Role::Candidate)
            {
                self.worker_admitted(run);
            }
            if self.runs.get(&run).is_some_and(|held| held.exit.is_none()) {
                // The keeper had spawned it before it could be told; told again, it changes
                // nothing.
                let pid = self.runs.get(&run).map_or(0, |held| held.pid);
                self.model.push(Input::Spawned { run, pid });
            }
            self.compare_listeners(run);
        }
    }
}

/// What the model must know of this home and this machine.
fn settings(config: &Config, mark: &str) -> Settings {
    let interval =
        std::env::var(ostler_env::PM2_WORKER_INTERVAL).ok().and_then(|text| text.parse().ok());
    Settings {
        home: config.home.clone(),
        mark: mark.to_owned(),
        boot: state_file::boot_id(),
        cpus: std::thread::available_parallelism()
            .map_or(1, |cpus| u32::try_from(cpus.get()).unwrap_or(u32::MAX)),
        dump_path: dump_path(&config.home),
        memory_interval: interval.unwrap_or(MEMORY_INTERVAL).max(100),
        seed: seed(),
    }
}

fn dump_path(home: &Path) -> PathBuf {
    std::env::var_os(ostler_env::PM2_DUMP_FILE_PATH)
        .map_or_else(|| home.join("dump.pm2"), PathBuf::from)
}

/// Begins the sequence of random identifiers.
fn seed() -> u64 {
    let mut bytes = [0_u8; 8];
    match rustix::rand::getrandom(&mut bytes[..], rustix::rand::GetRandomFlags::empty()) {
        Ok(_) => u64::from_ne_bytes(bytes),
        Err(error) => {
            logbook::error(format!("no random numbers: {error}; `unique_id` follows the time"));
            crate::clock::wall()
        }
    }
}

/// As many descriptors as we may have: an app costs several, and a shell's soft limit is gone at
/// 200 apps.
fn raise_descriptor_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    if let Err(error) =
        setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })
    {
        logbook::error(format!("could not raise the limit of open files: {error}"));
    }
}

fn make_home(home: &Path) -> Result<(), String> {
    let hint = "set OSTLER_HOME to a folder that you may write to";
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true).mode(0o700);
    for folder in [home.to_owned(), home.join("logs"), home.join("pids")] {
        builder.create(&folder).map_err(|error| {
            format!("could not create `{}`: {error}\nhint: {hint}", folder.display())
        })?;
    }
    Ok(())
}

/// One daemon per home: the lock is held by keeper and daemon both, and free when both are dead.
fn take_lock(home: &Path, link: &mut Link) -> Result<OwnedFd, String> {
    let path = home.join("ostler.lock");
    let failed =
        |error: &dyn std::fmt::Display| format!("could not lock `{}`: {error}", path.display());
    let file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path);
    let file = file.map_err(|error| failed(&error))?;
    match rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
        // A daemon that ended took the file away in between; its lock is worth nothing.
        Ok(()) if !is_at(&file, &path) => return take_lock(home, link),
        Ok(()) => {}
        Err(rustix::io::Errno::WOULDBLOCK) => {
            return Err(format!("another daemon has the home `{}`", home.display()));
        }
        Err(error) => return Err(failed(&error)),
    }
    let file = OwnedFd::from(file);
    let copy = file.try_clone().map_err(|error| failed(&error))?;
    link.send(&ToKeeper::Put { name: LOCK.to_owned(), meta: Vec::new() }, vec![copy])
        .map_err(|error| failed(&error))?;
    Ok(file)
}

/// Whether the open file is the one at this path.
fn is_at(file: &std::fs::File, path: &Path) -> bool {
    let same =
        |a: &std::fs::Metadata, b: &std::fs::Metadata| (a.dev(), a.ino()) == (b.dev(), b.ino());
    matches!((file.metadata(), std::fs::metadata(path)), (Ok(a), Ok(b)) if same(&a, &b))
}

/// The control socket. We have the lock, so a file in its place is a dead daemon's.
fn bind_control(home: &Path, link: &mut Link) -> Result<UnixListener, String> {
    let path = home.join("ostler.sock");
    let failed = |error: io::Error| {
        let hint = if path.as_os_str().len() > 107 {
            "\nhint: the path is longer than 107 bytes: set OSTLER_HOME to a shorter one"
        } else {
            ""
        };
        format!("could not listen on `{}`: {error}{hint}", path.display())
    };
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    let listener = UnixListener::bind(&path).map_err(failed)?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).map_err(failed)?;
    let copy = OwnedFd::from(listener.try_clone().map_err(failed)?);
    link.send(&ToKeeper::Put { name: CONTROL.to_owned(), meta: Vec::new() }, vec![copy])
        .map_err(failed)?;
    Ok(listener)
}

/// Asks the keeper for everything it holds, and waits for all of it.
fn take_inventory(link: &mut Link) -> io::Result<Inventory> {
    link.send(&ToKeeper::Hello { version: version() }, Vec::new())?;
    let mut inventory = Inventory::default();
    loop {
        match link.receive()? {
            Some((FromKeeper::InventoryEnd, _)) => return Ok(inventory),
            Some((message, fds)) => inventory.take(message, fds),
            None => {
                let written = link.flush()?;
                let interest = if written { PollFlags::IN } else { PollFlags::IN | PollFlags::OUT };
                poll(&mut [PollFd::new(link, interest)], None)?;
            }
        }
    }
}

impl Inventory {
    fn take(&mut self, message: FromKeeper, fds: Vec<OwnedFd>) {
        match message {
            FromKeeper::Welcome { pid, nofile, .. } => self.welcome = Welcome { pid, nofile },
            FromKeeper::Run { run, pid, start_time, status, meta, mask, .. } => {
                match (meta_of(&meta), RunFds::from_list(mask, fds)) {
                    (Some(meta), fds) => {
                        let fds = fds.unwrap_or_default();
                        let found = Found { pid, start_time, exit: status.map(exit_of), meta, fds };
                        self.runs.insert(RunId(run), found);
                    }
                    (None, fds) => self.strays.push((run, fds.and_then(|fds| fds.pidfd))),
                }
            }
            FromKeeper::Item { name, meta } => {
                if let Some(fd) = fds.into_iter().next() {
                    self.items.insert(name, (meta, fd));
                }
            }
            FromKeeper::Exited { run, status, .. } => {
                if let Some(found) = self.runs.get_mut(&RunId(run)) {
                    found.exit = Some(exit_of(status));
                }
            }
            FromKeeper::InventoryEnd
            | FromKeeper::Spawned { .. }
            | FromKeeper::SpawnFailed { .. }
            | FromKeeper::Refused { .. }
            | FromKeeper::UpgradeFailed { .. } => {}
        }
    }
}

/// The mark of a home in the environment of what it runs: its path, hashed by FNV-1a, the same in
/// every version.
fn mark_of(home: &Path) -> String {
    let path = std::fs::canonicalize(home).unwrap_or_else(|_| home.to_owned());
    let hash = std::os::unix::ffi::OsStrExt::as_bytes(path.as_os_str())
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        });
    format!("{hash:016x}")
}

/// Tells who started us how it went: `ok`, or what is wrong.
pub(crate) fn tell_ready(fd: Option<OwnedFd>, result: Result<(), &str>) {
    if let Some(fd) = fd {
        let text = result.err().unwrap_or("ok");
        // Whoever waited may have left.
        _ = std::fs::File::from(fd).write_all(format!("{text}\n").as_bytes());
    }
}

/// The daemon's end of the link that its keeper passed.
///
/// # Errors
/// There is none: the daemon was started by hand.
pub(crate) fn link() -> Result<Link, String> {
    match link::from_env() {
        Ok(Some(link)) => Ok(link),
        Ok(None) => {
            Err("the daemon is started by its keeper, not by hand; run any `ostler` command"
                .to_owned())
        }
        Err(error) => Err(format!("could not use the link to the keeper: {error}")),
    }
}
