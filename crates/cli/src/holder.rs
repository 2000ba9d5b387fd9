//! Who has an address that an app found taken, and how to free it.

use std::time::Duration;

use ostler_client::{Answer, Client, Home, Managed, managed_by};
use ostler_ports::{
    Address, Complaint, Found, Holder, ancestors, complaint, find, given_to_connections,
    taken_ports,
};
use ostler_wire::control::{Details, ProcView, Reply, Request};

use crate::session::Session;

mod told;
pub(crate) use told::Taken;
use told::{About, Owner, Spared, told};

/// How long another manager may take to say what it has.
const SOON: Duration = Duration::from_secs(2);

/// Finds in the last lines of a process that an address was taken, and who has it.
pub(crate) fn taken(session: &mut Session, id: u32, lines: &[String]) -> Option<Taken> {
    let Complaint { address, .. } = complaint(lines)?;
    let Some(address) = address.or_else(|| port_of(session, id)) else {
        let sentence = "an address that it wants is taken, and it does not say which".to_owned();
        return Some(Taken { sentence, hint: None });
    };
    // Without an answer of `/proc` it is said that it is taken, and no more.
    let hidden = || Found::Hidden { address: address.clone(), uid: None, listens: true };
    let found = find(&address).unwrap_or_else(|_| hidden());
    let list = session.known().unwrap_or_default();
    let name = list.iter().find(|of| of.id == id).map(|of| of.name.clone()).unwrap_or_default();
    let (owner, holder) = match &found {
        Found::Held(holders) => owner(session, &name, &address, holders, &list),
        Found::Connected(holders) => (of_family(&name, holders, &list), holders.first().cloned()),
        Found::Nobody | Found::Closing(_) | Found::Hidden { .. } => (Owner::Stranger, None),
    };
    let user = |uid| ostler_config::user_name(std::path::Path::new("/etc"), uid);
    let program = session.program.name();
    let spared = match &found {
        Found::Connected(_) | Found::Closing(_) | Found::Hidden { listens: false, .. } => {
            spared(session, id, &address)
        }
        Found::Nobody | Found::Held(_) | Found::Hidden { .. } => None,
    };
    let about = About { program, name: &name, address: &address, spared };
    Some(told(&about, &found, (owner, holder.as_ref()), user))
}

/// Finds who has an address that somebody wants who is no app yet.
pub(crate) fn of(session: &mut Session, address: &str) -> Option<Taken> {
    let nobody = u32::MAX;
    taken(session, nobody, &[format!("EADDRINUSE: address already in use {address}")])
}

/// The port in the app's environment, where its complaint names none.
fn port_of(session: &mut Session, id: u32) -> Option<Address> {
    let port = details(session, id)?.env.get("PORT")?.parse().ok()?;
    Some(Address::Inet { udp: false, ip: None, port })
}

fn details(session: &mut Session, id: u32) -> Option<Box<Details>> {
    match session.ask(&Request::Describe { id }) {
        Ok(Answer::Reply(Reply::Describe(details))) => Some(details),
        Ok(_) | Err(_) => None,
    }
}

/// Which ports no connection is given, where the kernel gives them the one that an app wants.
fn spared(session: &mut Session, id: u32, address: &Address) -> Option<Spared> {
    let Address::Inet { port, .. } = address else { return None };
    let range = given_to_connections().filter(|range| range.contains(port))?;
    let below = *range.start();
    let details = details(session, id)?;
    // One of a process file is changed there.
    let is_typed = details.env.get("PORT") == Some(&port.to_string())
        && !details.env.contains_key(ostler_env::PM2_JSON_PROCESSING);
    let taken = taken_ports().unwrap_or_default();
    let other = (20_000 + port % 10_000..below).find(|port| !taken.contains(port));
    Some(Spared { below, other: other.filter(|_| is_typed) })
}

/// Finds whose one of the holders is, and which of them is to be named.
fn owner(
    session: &mut Session,
    name: &str,
    address: &Address,
    holders: &[Holder],
    list: &[ProcView],
) -> (Owner, Option<Holder>) {
    let of = |process: &ProcView| of_process(name, process);
    for holder in holders {
        if let Some(process) = process_of(holder, list) {
            return (of(process), Some(holder.clone()));
        }
    }
    let ours = match session.ask(&Request::Hello) {
        Ok(Answer::Reply(Reply::Hello { pid, keeper_pid, .. })) => [pid, keeper_pid],
        Ok(_) | Err(_) => [0; 2],
    };
    // The sockets of clusters are the manager's.
    if holders.iter().any(|holder| ours.contains(&holder.pid)) {
        let mut workers = list.iter().filter(|of| of.cluster);
        let worker = workers.find_map(|of| Some((of, listener(session, of.id, address)?)));
        let owner = worker.as_ref().map_or(Owner::Stranger, |(worker, _)| of(worker));
        let worker = worker.filter(|(of, _)| of.pid != 0).map(|(of, address)| Holder {
            pid: of.pid,
            command: ostler_ports::command(of.pid),
            address,
        });
        return (owner, worker);
    }
    let elsewhere = holders.iter().find_map(|of| Some((of_other(of.pid, address)?, of.clone())));
    match elsewhere {
        Some((owner, holder)) => (owner, Some(holder)),
        None => (Owner::Stranger, holders.first().cloned()),
    }
}

fn of_process(name: &str, process: &ProcView) -> Owner {
    match process.name == name {
        true => Owner::Same(process.id),
        false => Owner::Other(process.name.clone()),
    }
}

/// The process of ours that is the holder, or has begun it.
fn process_of<'p>(holder: &Holder, list: &'p [ProcView]) -> Option<&'p ProcView> {
    let line = ancestors(holder.pid);
    list.iter().find(|of| of.pid != 0 && line.contains(&of.pid))
}

/// Whose the first of those is who have a connection.
fn of_family(name: &str, holders: &[Holder], list: &[ProcView]) -> Owner {
    let process = holders.first().and_then(|holder| process_of(holder, list));
    process.map_or(Owner::Stranger, |process| of_process(name, process))
}

/// Which other manager a process belongs to. Whoever killed it would end all of its apps, or see
/// the one started again.
fn of_other(pid: u32, address: &Address) -> Option<Owner> {
    let line = ancestors(pid);
    let line = || std::iter::once(pid).chain(line.iter().copied());
    if line().any(|pid| is_pm2(&ostler_ports::command(pid))) {
        return Some(Owner::Pm2);
    }
    let home = match line().find_map(managed_by)? {
        Managed::In(home) => home,
        Managed::Apart => return Some(Owner::Manager { home: None, app: None }),
    };
    let app = apps_of(&Home::new(&home)).unwrap_or_default().into_iter().find(|of| {
        let is_of_cluster = of.cluster && of.listens.iter().any(|one| excludes(one, address));
        is_of_cluster || of.pid != 0 && line().any(|pid| pid == of.pid)
    });
    Some(Owner::Manager { home: Some(home), app: app.map(|of| of.name) })
}

/// The apps of another home's manager, if it answers.
fn apps_of(home: &Home) -> Option<Vec<ProcView>> {
    let mut client = Client::connect(home).ok()?;
    match client.request_within(&Request::List, SOON, |_| ()).ok()? {
        Answer::Reply(Reply::List { processes }) => Some(processes),
        Answer::Reply(_) | Answer::Raw(_) => None,
    }
}

/// Whether a process calls itself as PM2's daemon does.
fn is_pm2(command: &str) -> bool {
    command.starts_with("PM2 ") && command.contains("God Daemon")
}

fn excludes(listener: &str, address: &Address) -> bool {
    Address::parse(listener).is_some_and(|of| of.excludes(address))
}

/// Where a worker listens that excludes an address.
fn listener(session: &mut Session, id: u32, address: &Address) -> Option<Address> {
    let details = details(session, id)?;
    let mut all = details.listeners.iter().filter_map(|of| Address::parse(&of.address));
    all.find(|of| of.excludes(address))
}
