//! Making the daemon.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::rc::Rc;

use ostler_keeper::link::Link;
use ostler_poll::{Interest, Poll, Waker};

use super::home;
use super::inventory::{Items, take_inventory};
use crate::clients::Clients;
use crate::config::Config;
use crate::daemon::{Daemon, Parts};
use crate::guard::Guard;
use crate::keeper::{CONTROL, Keeper, LOCK, SWEPT};
use crate::logs::Logs;
use crate::node::Node;
use crate::runs::Runs;
use crate::tokens::Source;
use crate::{drain, logbook, logs, sys};

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
    home::make_home(&config.home)?;
    let mut inventory = take_inventory(&mut link).map_err(said("could not talk to the keeper"))?;
    let (lock, swept) = match inventory.items.remove(LOCK) {
        Some((meta, lock)) => (lock, meta == SWEPT),
        None => (home::take_lock(&config.home, &mut link)?, false),
    };
    let (message, end) = guard.for_keeper().map_err(said("out of descriptors"))?;
    link.send(&message, vec![end]).map_err(said("could not talk to the keeper"))?;
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
    let keeper = Keeper::new(link, inventory.welcome, lock, Rc::clone(&poll));
    let runs = Runs::new(home::mark_of(&config.home), Rc::clone(&poll));
    let mut daemon = Daemon::new(
        config,
        Parts {
            keeper: keeper.map_err(unpolled())?,
            clients: Clients::new(listener, Rc::clone(&poll)),
            runs: runs.map_err(said("could not watch control groups"))?,
            node: Node::new(guard, Rc::clone(&poll)),
            logs,
            signals,
            waker,
            poll,
        },
    );
    daemon.take_over(inventory, swept);
    if !daemon.is_over() {
        home::write_pid(daemon.home());
    }
    Ok(daemon)
}

/// An error of the system's, with what it keeps from being done.
fn said(what: &'static str) -> impl FnOnce(io::Error) -> String {
    move |error| format!("{what}: {error}")
}

fn install_drain(config: &Config) {
    if let Err(error) = drain::install(&config.home) {
        let path = drain::path(&config.home);
        logbook::error(format!(
            "could not write `{}`: {error}; workers leave without it",
            path.display()
        ));
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
