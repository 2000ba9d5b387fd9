//! Making the daemon.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use ostler_keeper::STARTS;
use ostler_keeper::failpoint::hit;
use ostler_keeper::link::Link;
use ostler_keeper::proto::ToKeeper;
use ostler_poll::{Interest, Poll, Waker};

use super::inventory::{Items, take_inventory};
use super::room::Room;
use crate::bus::Bus;
use crate::clients::Clients;
use crate::config::Config;
use crate::daemon::{Daemon, Inbox, Parts};
use crate::decisions::Decisions;
use crate::foreground::Foreground;
use crate::guard::Guard;
use crate::home::mark::Origin;
use crate::home::{self, Note, Watch};
use crate::keeper::{self, CONTROL, Keeper, LOCK, OLD_LOCKS, SUCCESSION, SWEPT};
use crate::log_care::LogCare;
use crate::logs::Logs;
use crate::mailbox::Mailbox;
use crate::model::Settings;
use crate::node::Node;
use crate::notes::{self, Notes};
use crate::notify::{NOTIFY, Notify};
use crate::reserve::{self, Reserve};
use crate::rpc::Rpc;
use crate::runs::{Runs, kills_by_message};
use crate::saver::Saver;
use crate::starts::Starts;
use crate::state_file::StateFile;
use crate::tokens::Polled;
use crate::{daemon_log, door, drain, logs, state_file, sys};

/// The shortest fixed time between two looks at memory limits, ms.
const LEAST_MEMORY_INTERVAL: u64 = 100;

/// Makes the daemon.
///
/// # Errors
/// In words for a person: what could not be had, and what to do.
pub(crate) fn start(config: Config, mut link: Link) -> Result<Daemon, String> {
    sys::limit_arenas();
    let signals = sys::signal_fd().map_err(said("could not set up signals"))?;
    let poll = Rc::new(Poll::new().map_err(said("could not poll"))?);
    let guard = start_guard(&poll)?;
    home::raise_descriptor_limit();
    let (reserve, of_keeper) = (Reserve::filled(), Reserve::of(reserve::KEEPER));
    let room = Room::keep();
    let mut inventory =
        take_inventory(&mut link, room).map_err(said("could not talk to the keeper"))?;
    take_succession(&mut inventory.items, &mut link)?;
    let (locks, swept) = take_locks(&config, &mut inventory.items, &mut link)?;
    introduce_guard(&guard, &mut link)?;
    install_drain(&config);
    let (listener, Note { mark, socket }) = control(&config.home, &mut inventory.items, &mut link)?;
    let unpolled = || said("could not poll");
    let read = Interest::READ.edge();
    let waker = Waker::new(&poll, Polled::Waker).map_err(unpolled())?;
    let held = take_named(&mut inventory.items, logs::PREFIX);
    let foreground = Foreground::of_environment(&poll)?;
    let abandoned = foreground.is_gone();
    let logs = start_logs(&waker, held, &config, foreground.is_some() && !abandoned)?;
    let listener = poll.watch(listener, Polled::Control, read).map_err(unpolled())?;
    let signals = poll.watch(signals, Polled::Signals, read).map_err(unpolled())?;
    let (home, keeper_pid) = (config.home.clone(), inventory.welcome.pid);
    let listed = inventory.items.remove(STARTS).is_some(); // Both get it anew.
    let starts = Starts::new(&home, &mark);
    let keeper = Keeper::new(link, inventory.welcome, locks, starts, of_keeper, Rc::clone(&poll));
    let mut keeper = keeper.map_err(unpolled())?;
    let state = StateFile::new(&home, &mark, take_notes(&mut inventory.items, &mut keeper));
    let watch = Watch::new(&home, mark.clone(), socket, &poll).map_err(said("could not watch"))?;
    let model = Decisions::new(settings(&config, &mark));
    let saver = Saver::new(dump_path(&config.home));
    let notify = Notify::new(inventory.items.remove(NOTIFY), &mark, &poll);
    let runs = Runs::new(mark, Rc::clone(&poll));
    let mut daemon = Daemon::new(
        config,
        Parts {
            model,
            state,
            saver,
            keeper,
            clients: Clients::new(listener, reserve, Rc::clone(&poll)),
            rpc: Rpc::new(inventory.items.remove(door::RPC), &poll),
            bus: Bus::new(inventory.items.remove(door::PUB), &poll),
            home: watch,
            runs: runs.map_err(said("could not watch control groups"))?,
            node: Node::new(guard, Rc::clone(&poll)),
            logs,
            notify,
            inbox: Inbox { poll, signals, mailbox: Mailbox::new(waker), foreground },
        },
    );
    daemon.take_over(inventory, swept, listed);
    if abandoned {
        daemon.on_foreground_end();
    }
    settle_in(&mut daemon, &home, keeper_pid);
    Ok(daemon)
}

/// Starts the log engine; `is_read`: somebody in the foreground reads its lines soon.
fn start_logs(
    waker: &Waker,
    held: Vec<(String, OwnedFd)>,
    config: &Config,
    is_read: bool,
) -> Result<Logs, String> {
    let care = LogCare::new(&config.home, config.rotates_logs);
    let logs = Logs::start(waker.clone(), held, care);
    let logs = logs.map_err(said("could not start the log engine"))?;
    logs.engine().await_reader(is_read);
    Ok(logs)
}

fn start_guard(poll: &Rc<Poll<Polled>>) -> Result<Guard, String> {
    Guard::start(Rc::clone(poll)).map_err(said("could not prepare a guard for connections"))
}

/// The lock of the home with those that it had before, and whether orphans of an earlier keeper
/// were looked for.
fn take_locks(
    config: &Config,
    items: &mut Items,
    link: &mut Link,
) -> Result<((OwnedFd, Vec<OwnedFd>), bool), String> {
    if let Err(error) = home::make(&config.home) {
        // What runs is taken over whatever became of the home.
        if !items.contains_key(LOCK) {
            return Err(error);
        }
        daemon_log::error(error);
    }
    let (lock, swept) = match items.remove(LOCK) {
        Some((meta, lock)) => (lock, meta == SWEPT),
        None => (take_lock(&config.home, link)?, false),
    };
    let old_locks = take_named(items, OLD_LOCKS);
    Ok(((lock, old_locks.into_iter().map(|(_, lock)| lock).collect()), swept))
}

/// The home shows who the daemon is.
fn settle_in(daemon: &mut Daemon, home: &Path, keeper_pid: u32) {
    if let Err(problem) = home::write_pid(home) {
        daemon_log::error(problem);
    }
    // It may have changed while there was no daemon.
    daemon.look_after_home();
    daemon_log::log(format!(
        "New daemon started (pid {}, keeper {keeper_pid}, home `{}`)",
        std::process::id(),
        home.display()
    ));
}

/// An error of the system's, with what it keeps from being done.
fn said(what: &'static str) -> impl FnOnce(io::Error) -> String {
    move |error| format!("{what}: {error}")
}

/// A daemon that made room for us may go now: we have everything.
fn take_succession(items: &mut Items, link: &mut Link) -> Result<(), String> {
    let Some((_, end)) = items.remove(SUCCESSION) else { return Ok(()) };
    hit("succession.found");
    if !keeper::take(&end) {
        return Err("the daemon before has taken everything back: its keeper died".to_owned());
    }
    hit("succession.taken");
    let forget = ToKeeper::Del { name: SUCCESSION.to_owned() };
    if let Err(error) = link.send(&forget, Vec::new()) {
        daemon_log::error(format!("could not talk to the keeper: {error}"));
    }
    Ok(())
}

/// The keeper gets the end of the guard's socket.
fn introduce_guard(guard: &Guard, link: &mut Link) -> Result<(), String> {
    let (message, end) = guard.for_keeper().map_err(said("out of file descriptors"))?;
    if let Err(error) = link.send(&message, vec![end]) {
        // It has just died, and we have everything: another one is started as soon as we run.
        daemon_log::error(format!("could not talk to the keeper: {error}"));
    }
    Ok(())
}

fn install_drain(config: &Config) {
    if let Err(error) = drain::install(&config.home) {
        let path = drain::path(&config.home);
        daemon_log::error(format!(
            "could not write `{}`: {error}; workers leave without it",
            path.display()
        ));
    }
}

/// The copies of the state that the keeper holds; it is given new ones where it has none.
fn take_notes(items: &mut Items, keeper: &mut Keeper) -> Option<Notes> {
    let [first, second] = notes::NAMES.map(|name| items.remove(name));
    if let (Some((_, first)), Some((_, second))) = (first, second) {
        return Some(Notes::held([first, second]));
    }
    match Notes::new() {
        Ok(notes) => {
            for (name, copy) in notes.copies() {
                keeper.put(name.to_owned(), Vec::new(), copy);
            }
            Some(notes)
        }
        Err(error) => {
            daemon_log::error(format!("no memory for a copy of the state: {error}"));
            None
        }
    }
}

/// The lock of the home, which the keeper holds as well.
fn take_lock(home: &Path, link: &mut Link) -> Result<OwnedFd, String> {
    let lock = home::take_lock(home)?;
    let copy = lock.try_clone().map_err(said("could not keep the lock"))?;
    link.send(&ToKeeper::Put { name: LOCK.to_owned(), meta: Vec::new() }, vec![copy])
        .map_err(said("could not keep the lock"))?;
    Ok(lock)
}

/// The control socket that an earlier daemon had, else a new one, and what is kept with it.
fn control(
    home: &Path,
    items: &mut Items,
    link: &mut Link,
) -> Result<(UnixListener, Note), String> {
    let unusable = || said("could not use the control socket");
    let kept = items.remove(CONTROL);
    let note = kept.as_ref().and_then(|(bytes, _)| Note::from_bytes(bytes));
    let visited = kept.is_some() || state_file::exists(home);
    let mark = |kept| Origin { kept, visited, home }.mark();
    match (kept, note) {
        (Some((_, fd)), note) => {
            // An earlier version did not say which file it is.
            let socket = home::id_at(&home.join(home::SOCKET)).ok().flatten().unwrap_or_default();
            let socket = note.as_ref().map_or(socket, |note| note.socket);
            let note = Note { mark: mark(note.map(|note| note.mark))?, socket };
            let listener = UnixListener::from(fd);
            listener.set_nonblocking(true).map_err(unusable())?;
            Ok((listener, note))
        }
        (None, _) => {
            let mark = mark(None)?;
            let (listener, socket) = home::bind_control(home)?;
            let note = Note { mark, socket };
            let copy = listener.try_clone().map_err(unusable())?.into();
            let put = ToKeeper::Put { name: CONTROL.to_owned(), meta: note.to_bytes() };
            link.send(&put, vec![copy]).map_err(unusable())?;
            Ok((listener, note))
        }
    }
}

/// Takes out what the keeper holds under names that begin like this, by the rest of the name.
fn take_named(items: &mut Items, prefix: &str) -> Vec<(String, OwnedFd)> {
    let names: Vec<String> =
        items.keys().filter(|name| name.starts_with(prefix)).cloned().collect();
    let taken = names.into_iter().filter_map(|name| {
        let own = name.strip_prefix(prefix)?.to_owned();
        Some((own, items.remove(&name)?.1))
    });
    taken.collect()
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
        memory_interval: interval.map(|ms: u64| ms.max(LEAST_MEMORY_INTERVAL)),
        kills_by_message: kills_by_message(),
        seed: seed(),
        zone: ostler_logs::zone_of,
        // Who cannot be asked has none: then a port is tried.
        taken_ports: || ostler_ports::taken_ports().unwrap_or_default(),
    }
}

fn dump_path(home: &Path) -> PathBuf {
    std::env::var_os(ostler_env::PM2_DUMP_FILE_PATH)
        .map_or_else(|| home.join(home::DUMP), PathBuf::from)
}

/// Begins the sequence of random identifiers.
fn seed() -> u64 {
    let mut bytes = [0_u8; 8];
    match rustix::rand::getrandom(&mut bytes[..], rustix::rand::GetRandomFlags::empty()) {
        Ok(_) => u64::from_ne_bytes(bytes),
        Err(error) => {
            daemon_log::error(format!("no random numbers: {error}; `unique_id` follows the time"));
            crate::clock::wall()
        }
    }
}
