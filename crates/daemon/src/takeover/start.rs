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

use super::home;
use super::inventory::{Items, take_inventory};
use crate::clients::Clients;
use crate::config::Config;
use crate::daemon::{Daemon, Inbox, Parts};
use crate::decisions::Decisions;
use crate::guard::Guard;
use crate::keeper::{self, CONTROL, Keeper, LOCK, SUCCESSION, SWEPT};
use crate::logs::Logs;
use crate::mailbox::Mailbox;
use crate::model::Settings;
use crate::node::Node;
use crate::notes::{self, Notes};
use crate::runs::Runs;
use crate::saver::Saver;
use crate::starts::Starts;
use crate::state_file::StateFile;
use crate::tokens::Source;
use crate::{daemon_log, drain, logs, state_file, sys};

/// Time between two looks at memory limits, ms (PM2: runtime behaviour §8).
const MEMORY_INTERVAL: u64 = 30_000;

/// Makes the daemon.
///
/// # Errors
/// In words for a person: what could not be had, and what to do.
pub(crate) fn start(config: Config, mut link: Link) -> Result<Daemon, String> {
    sys::limit_arenas();
    let signals = sys::signal_fd().map_err(said("could not set up signals"))?;
    let poll = Rc::new(Poll::new().map_err(said("could not poll"))?);
    let guard = Guard::start(Rc::clone(&poll))
        .map_err(said("could not prepare a guard for connections"))?;
    home::raise_descriptor_limit();
    let mut inventory = take_inventory(&mut link).map_err(said("could not talk to the keeper"))?;
    take_succession(&mut inventory.items, &mut link)?;
    match home::make_home(&config.home) {
        // What runs is taken over whatever became of the home.
        Err(error) if inventory.items.contains_key(LOCK) => daemon_log::error(error),
        made => made?,
    }
    let (lock, swept) = match inventory.items.remove(LOCK) {
        Some((meta, lock)) => (lock, meta == SWEPT),
        None => (home::take_lock(&config.home, &mut link)?, false),
    };
    let (message, end) = guard.for_keeper().map_err(said("out of file descriptors"))?;
    if let Err(error) = link.send(&message, vec![end]) {
        // It has just died, and we have everything: another one is started as soon as we run.
        daemon_log::error(format!("could not talk to the keeper: {error}"));
    }
    install_drain(&config);
    let listener = match inventory.items.remove(CONTROL) {
        Some((_, fd)) => UnixListener::from(fd),
        None => home::bind_control(&config.home, &mut link)?,
    };
    listener.set_nonblocking(true).map_err(said("could not use the control socket"))?;
    let unpolled = || said("could not poll");
    let read = Interest::READ.edge();
    let waker = Waker::new(&poll, Source::Waker).map_err(unpolled())?;
    let held = take_logs(&mut inventory.items);
    let logs = Logs::start(waker.clone(), held).map_err(said("could not start the log engine"))?;
    let listener = poll.watch(listener, Source::Control, read).map_err(unpolled())?;
    let signals = poll.watch(signals, Source::Signals, read).map_err(unpolled())?;
    let (home, keeper_pid) = (config.home.clone(), inventory.welcome.pid);
    // The keeper has it as well; both get it anew.
    drop(inventory.items.remove(STARTS));
    let starts = Starts::new(&home);
    let keeper = Keeper::new(link, inventory.welcome, lock, starts, Rc::clone(&poll));
    let mut keeper = keeper.map_err(unpolled())?;
    let state = StateFile::new(&home, take_notes(&mut inventory.items, &mut keeper));
    let mark = home::mark_of(&config.home);
    let model = Decisions::new(settings(&config, &mark));
    let saver = Saver::new(dump_path(&config.home));
    let runs = Runs::new(mark, Rc::clone(&poll));
    let mut daemon = Daemon::new(
        config,
        Parts {
            model,
            state,
            saver,
            keeper,
            clients: Clients::new(listener, Rc::clone(&poll)),
            runs: runs.map_err(said("could not watch control groups"))?,
            node: Node::new(guard, Rc::clone(&poll)),
            logs,
            inbox: Inbox { poll, signals, mailbox: Mailbox::new(waker) },
        },
    );
    daemon.take_over(inventory, swept);
    home::write_pid(&home);
    daemon_log::log(format!(
        "New daemon started (pid {}, keeper {keeper_pid}, home `{}`)",
        std::process::id(),
        home.display()
    ));
    Ok(daemon)
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

/// Takes out what is for the log engine, by its names.
fn take_logs(items: &mut Items) -> Vec<(String, OwnedFd)> {
    let names: Vec<String> =
        items.keys().filter(|name| name.starts_with(logs::PREFIX)).cloned().collect();
    let taken = names.into_iter().filter_map(|name| {
        let own = name.strip_prefix(logs::PREFIX)?.to_owned();
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
            daemon_log::error(format!("no random numbers: {error}; `unique_id` follows the time"));
            crate::clock::wall()
        }
    }
}
