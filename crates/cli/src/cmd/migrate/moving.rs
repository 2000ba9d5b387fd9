//! Moving one app from the other manager. When the new processes do not serve, they are forgotten,
//! and the old ones go on.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ostler_client::Answer;
use ostler_ports::Address;
use ostler_wire::control::{Action, Change, Event, Phase, ProcView, Reply, Request};
use serde_json::value::RawValue;

use super::connections;
use super::other::{Old, Other, Stopping};
use super::plan::{Move, family_ports};
use super::quiet::Quiet;
use crate::failed::Failed;
use crate::session::{Session, ticket, unexpected};
use crate::voice::MoveWay;

/// How long a new process may take until it serves.
const LIMIT: Duration = Duration::from_secs(30);
/// How long a worker of a cluster may take to listen; one that never does serves without.
const LISTENS_WITHIN: u32 = 10_000;
/// How long old workers may finish what they were handed.
const SETTLE: Duration = Duration::from_secs(3);
/// How long descendants of what has ended may go on listening; who left the tree may stay.
const DESCENDANTS: Duration = Duration::from_secs(2);
/// How long a process that listens nowhere must stay up to count, as PM2's `min_uptime`.
const STAYS: Duration = Duration::from_secs(1);
/// How often what cannot be waited for is looked at.
const LOOK: Duration = Duration::from_millis(2);

/// Moves an app. Returns how long nobody listened, where somebody did before.
pub(super) fn app(
    session: &mut Session,
    other: &mut Other,
    one: &Move,
) -> Result<Option<Duration>, Failed> {
    let gap = match one.way {
        MoveWay::Shared => shared(session, other, one).map(|()| None),
        MoveWay::Restarted => restarted(session, other, one),
        MoveWay::Listed => begin(session, one, None).map(|_| None),
        MoveWay::Left(_) => return Ok(None),
    }?;
    // What stands in its list is what is left there.
    for old in &one.processes {
        other.call("deleteProcessId", &old.id.into())?;
    }
    Ok(gap)
}

/// Starts the processes here, unless a command before has done that.
fn begin(session: &mut Session, one: &Move, heir_of: Option<u32>) -> Result<Vec<u32>, Failed> {
    if one.begun {
        let list = session.list()?;
        let here: BTreeSet<u32> =
            list.iter().filter(|process| process.name == one.name).map(|one| one.id).collect();
        let wanted: BTreeSet<u32> = one.processes.iter().map(|old| old.id).collect();
        if here == wanted {
            return Ok(here.into_iter().collect());
        }
        if !here.is_empty() {
            let pasted = ostler_shell::word(&one.name);
            let message = format!("other processes are called `{}` here", one.name);
            return Err(Failed::new(message)
                .hint(format!("`ostler delete {pasted}` if they are not to be here")));
        }
    }
    restore(session, &one.processes, heir_of)
}

/// New workers listen on the ports of the old ones, which go then.
fn shared(session: &mut Session, other: &mut Other, one: &Move) -> Result<(), Failed> {
    let old: Vec<u32> = one.processes.iter().filter(|old| old.is_up()).map(|old| old.id).collect();
    let ports = match listening_here(session, other.pid, one) {
        Ok(ports) => ports,
        Err(why) if one.begun => {
            // What the command before has kept from PM2, it gets back with another socket.
            other.stop(&old)?;
            return restart(other, &old).and(Err(why));
        }
        Err(why) => return Err(why),
    };
    let quiet = Quiet::keep(other.pid, &ports);
    // What it had heard of before, it has taken when it answers this.
    other.call("ping", &serde_json::json!({}))?;
    // What PM2 has taken and not handed on yet counts too; it is looked at before those that get
    // it.
    let mut pids = vec![other.pid];
    pids.extend(one.processes.iter().map(|old| old.pid));
    let until = Instant::now() + SETTLE;
    while connections::of(&pids, &ports) != 0 && Instant::now() < until {
        std::thread::sleep(LOOK);
    }
    if let Err(why) = other.stop(&old) {
        quiet.end().map_err(|error| {
            Failed::new(format!("PM2 takes no connections any more at {ports:?}: {error}"))
                .hint(format!("`pm2 restart {pasted}`", pasted = ostler_shell::word(&one.name)))
        })?;
        return Err(why);
    }
    Ok(())
}

/// Starts the new workers, and waits until each listens; else none is left. Those of a command that
/// was killed may have been cut off from the socket before they had it, and are started again then.
fn listening_here(
    session: &mut Session,
    heir_of: u32,
    one: &Move,
) -> Result<BTreeSet<u16>, Failed> {
    let mut tries = if one.begun { 2 } else { 1 };
    loop {
        let ids = begin(session, one, Some(heir_of))?;
        tries -= 1;
        match listening(session, &ids) {
            Ok(ports) => return Ok(ports),
            Err(why) => {
                forget(session, ids)?;
                if tries == 0 {
                    return Err(why);
                }
            }
        }
    }
}

/// The old processes end, then the new ones start.
fn restarted(
    session: &mut Session,
    other: &mut Other,
    one: &Move,
) -> Result<Option<Duration>, Failed> {
    let since = Instant::now();
    let up: Vec<&Old> = one.processes.iter().filter(|old| old.is_up()).collect();
    let up_ids: Vec<u32> = up.iter().map(|old| old.id).collect();
    let stopping = gone(other, &up)?;
    let serves = begin(session, one, None).and_then(|ids| {
        serving(session, &ids, &one.ports).or_else(|why| forget(session, ids).and(Err(why)))
    });
    let gap = (!one.ports.is_empty()).then(|| since.elapsed());
    // Only now: it takes its time to notice that they are gone.
    stopping.into_iter().try_for_each(|one| other.finish_stop(one))?;
    match serves {
        Ok(()) => Ok(gap),
        Err(why) => restart(other, &up_ids).and(Err(why)),
    }
}

/// Has the old processes end, and waits until they are gone and nobody of theirs listens.
fn gone(other: &mut Other, up: &[&Old]) -> Result<Vec<Stopping>, Failed> {
    let pids: Vec<u32> = up.iter().map(|old| old.pid).filter(|pid| *pid != 0).collect();
    let family: Vec<u32> =
        ostler_ports::with_descendants(&pids).unwrap_or_default().into_iter().collect();
    let held = ostler_client::Manager::hold(&pids)?;
    let stopping: Vec<Stopping> =
        up.iter().map(|old| other.begin_stop(old.id)).collect::<Result<_, _>>()?;
    held.wait_end()?;
    let until = Instant::now() + DESCENDANTS;
    while !family_ports(&family).is_empty() && Instant::now() < until {
        std::thread::sleep(LOOK);
    }
    Ok(stopping)
}

/// Has the other manager start these again.
fn restart(other: &mut Other, ids: &[u32]) -> Result<(), Failed> {
    ids.iter().try_for_each(|id| {
        other.call("restartProcessId", &serde_json::json!({ "id": id })).map(|_| ())
    })
}

/// Starts these processes here, with their numbers. Those that did not run come into the list.
pub(super) fn restore(
    session: &mut Session,
    processes: &[Old],
    heir_of: Option<u32>,
) -> Result<Vec<u32>, Failed> {
    let names: BTreeSet<&str> = processes.iter().map(|old| old.name.as_str()).collect();
    let records: Result<Vec<Box<RawValue>>, _> =
        processes.iter().map(|old| record(old, session)).map(RawValue::from_string).collect();
    let processes = records.map_err(|error| Failed::new(format!("a record of PM2's: {error}")))?;
    let request = Request::Import { elements: processes, heir_of, told: false };
    let mut first = None;
    let answer = session.ask_with(&request, |_, event| match event {
        Event::Restored { error: Some(error), .. } | Event::Failed { error, .. } => {
            first.get_or_insert(error);
        }
        _ => {}
    });
    let list = session.list()?;
    let ids = list.iter().filter(|one| names.contains(one.name.as_str())).map(|one| one.id);
    let ids: Vec<u32> = ids.collect();
    let failed = match (answer, first) {
        (Ok(Answer::Reply(Reply::Done)), None) => return Ok(ids),
        (_, Some(error)) => Failed::from(error),
        (Ok(other), None) => unexpected(&other),
        (Err(failed), None) => failed,
    };
    forget(session, ids)?;
    Err(failed)
}

/// The record of a process as it is to be here. Its pid file is in our home: PM2 removes its own
/// when the old process ends.
fn record(old: &Old, session: &Session) -> String {
    let mut record = old.record.clone();
    let status = if old.is_up() { "online" } else { "stopped" };
    record.insert("status".to_owned(), status.into());
    let of_pm2 = record.get("pm_pid_path").and_then(serde_json::Value::as_str).map(PathBuf::from);
    if let Some(name) = of_pm2.as_deref().and_then(Path::file_name) {
        let path = session.home.path().join("pids").join(name);
        record.insert("pm_pid_path".to_owned(), path.to_string_lossy().into());
    }
    serde_json::Value::Object(record).to_string()
}

/// Removes processes from our list.
pub(super) fn forget(session: &mut Session, ids: Vec<u32>) -> Result<(), Failed> {
    if ids.is_empty() {
        return Ok(());
    }
    let change = Change::default();
    let request = Request::Act { action: Action::Delete, ids, change, ticket: Some(ticket()) };
    match session.ask(&request)? {
        Answer::Reply(Reply::Done) => Ok(()),
        other => Err(unexpected(&other)),
    }
}

/// Waits until each worker listens; returns the ports.
fn listening(session: &mut Session, ids: &[u32]) -> Result<BTreeSet<u16>, Failed> {
    let mut ports = BTreeSet::new();
    for id in up(session, ids)?.into_iter().map(|process| process.id) {
        let within = LISTENS_WITHIN;
        if let Answer::Reply(Reply::Listens { addresses }) =
            session.ask(&Request::Listens { id, within })?
        {
            ports.extend(addresses.iter().filter_map(|text| match Address::parse(text)? {
                Address::Inet { udp: false, port, .. } => Some(port),
                Address::Inet { .. } | Address::Path(_) | Address::Abstract(_) => None,
            }));
        }
    }
    up(session, ids)?;
    Ok(ports)
}

/// Waits until somebody answers at each of these addresses, or the new processes listen on as many
/// others: a port that nobody chose is another one each time.
fn serving(session: &mut Session, ids: &[u32], ports: &[Address]) -> Result<(), Failed> {
    let until = Instant::now() + LIMIT;
    for address in ports {
        while !is_served(address) {
            let pids = up(session, ids)?.into_iter().map(|process| process.pid).collect::<Vec<_>>();
            if ports.len() <= family_ports(&pids).len() {
                break;
            }
            if until < Instant::now() {
                let seconds = LIMIT.as_secs();
                return Err(Failed::new(format!("nobody listens on {address} after {seconds} s")));
            }
            std::thread::sleep(LOOK);
        }
    }
    let (since, stays) = (Instant::now(), if ports.is_empty() { STAYS } else { Duration::ZERO });
    loop {
        up(session, ids)?;
        if stays <= since.elapsed() {
            return Ok(());
        }
        std::thread::sleep(10 * LOOK);
    }
}

/// Returns those that are to run; fails when one of them does not.
fn up(session: &mut Session, ids: &[u32]) -> Result<Vec<ProcView>, Failed> {
    let list = session.list()?;
    let mut up = Vec::new();
    for process in list.into_iter().filter(|process| ids.contains(&process.id)) {
        match process.phase {
            Phase::Online | Phase::Starting | Phase::Waiting | Phase::Sleeping => up.push(process),
            Phase::Stopped if process.ended.is_none() => {}
            Phase::Stopped | Phase::Errored | Phase::Stopping | Phase::Backoff { .. } => {
                let name = &process.name;
                let message = format!("{name} (id {}) does not stay up here", process.id);
                let logs = process.logs.iter().flatten().next();
                let failed = Failed::new(message);
                return Err(match logs {
                    Some(_) => failed.hint(format!(
                        "its last lines are in its logs: {}",
                        process.logs.iter().flatten().cloned().collect::<Vec<_>>().join(", ")
                    )),
                    None => failed,
                });
            }
        }
    }
    Ok(up)
}

fn is_served(address: &Address) -> bool {
    match address {
        Address::Inet { udp: true, .. } => true,
        Address::Inet { udp: false, ip, port } => {
            let here = match ip {
                Some(ip) if !ip.is_unspecified() => *ip,
                Some(IpAddr::V6(_)) => IpAddr::V6(Ipv6Addr::LOCALHOST),
                Some(IpAddr::V4(_)) | None => IpAddr::V4(Ipv4Addr::LOCALHOST),
            };
            TcpStream::connect_timeout(&SocketAddr::new(here, *port), LIMIT).is_ok()
        }
        Address::Path(path) => UnixStream::connect(path).is_ok(),
        Address::Abstract(name) => {
            use std::os::linux::net::SocketAddrExt as _;
            std::os::unix::net::SocketAddr::from_abstract_name(name)
                .and_then(|address| UnixStream::connect_addr(&address))
                .is_ok()
        }
    }
}
