//! A look at one process: what the daemon knows, and what `/proc` tells beside that.

use ostler_client::Answer;
use ostler_ports::Address;
use ostler_wire::control::{Details, Phase, ProcView, Reply, Request};

use super::seen::{By, FREED, LOADED, Seen, Sign};
use crate::failed::Failed;
use crate::session::{Session, unexpected};

/// Ports that Node's inspector may have been moved to, from the one that was asked for on.
const INSPECTORS: u16 = 64;
/// Node's inspector, when no port is named.
const INSPECTOR: u16 = 9229;

/// Looks at a process; `None` when it is not in the list any more.
pub(super) fn look(session: &mut Session, id: u32) -> Result<Option<Details>, Failed> {
    match session.ask(&Request::Describe { id }) {
        Ok(Answer::Reply(Reply::Describe(details))) => Ok(Some(*details)),
        Ok(other) => Err(unexpected(&other)),
        Err(failed) => {
            let there = session.known()?.iter().any(|process| process.id == id);
            if there { Err(failed) } else { Ok(None) }
        }
    }
}

/// Returns what is seen of a process.
pub(super) fn seen(details: &Details) -> Seen {
    let (view, readiness) = (&details.view, &details.readiness);
    let sign = if readiness.by_message {
        let by = readiness.to_do.clone().map_or(By::Message, By::Does);
        Sign::Told { by, late: readiness.late, limit: readiness.limit }
    } else if view.cluster {
        Sign::Listens
    } else {
        let taken = found_taken(view);
        let least = match taken {
            true => FREED,
            false if may_be_server(details) => LOADED,
            false => 0,
        };
        let age = ostler_show::now().saturating_sub(view.since);
        Sign::Age { age, enough: readiness.stable_after.max(least), taken }
    };
    Seen {
        phase: view.phase,
        run: readiness.run,
        is_next: false,
        sign,
        listens: listens(details),
        completed: view.completed,
        waits_for: view.waits_for.clone(),
        last: details.last.clone(),
        by_itself: view.ended.as_ref().is_some_and(|ended| !ended.asked),
        unstable: details.unstable,
    }
}

/// Whether the last run of a process found its port taken.
fn found_taken(view: &ProcView) -> bool {
    let reasons = ostler_show::reasons(std::slice::from_ref(view));
    reasons.get(&view.id).is_some_and(|reason| *reason == ostler_show::PORT_IN_USE)
}

/// Whether a process may be a server that does not listen yet: it is told a port, or runs on Node.
fn may_be_server(details: &Details) -> bool {
    let by_args = details.args.iter().any(|arg| arg == "--port" || arg.starts_with("--port="));
    let program = std::path::Path::new(&details.interpreter).file_name();
    let is_node = program.is_some_and(|name| name == "node" || name == "bun" || name == "deno");
    by_args || is_node || details.env.contains_key("PORT") || details.node_version.is_some()
}

/// What a process listens on: the daemon knows it of workers of a cluster; of any other it is
/// looked up, with those that descend from it. UDP says nothing: who only asks by it is bound too.
fn listens(details: &Details) -> Vec<String> {
    let view = &details.view;
    if view.phase == Phase::Sleeping {
        return view.listens.clone();
    }
    if view.cluster {
        return details.listeners.iter().map(|listener| listener.address.clone()).collect();
    }
    if view.phase != Phase::Online || view.pid == 0 {
        return Vec::new();
    }
    // What cannot be read is as if it listened on nothing: then its age counts.
    let all = ostler_ports::with_descendants(&[view.pid])
        .and_then(|pids| ostler_ports::listened_on(&pids))
        .unwrap_or_default();
    let inspector = inspector(details);
    let serves = |address: &&Address| match address {
        Address::Inet { udp: true, .. } => false,
        Address::Inet { port, .. } => {
            inspector.is_none_or(|first| *port < first || first.saturating_add(INSPECTORS) < *port)
        }
        Address::Path(_) | Address::Abstract(_) => true,
    };
    all.iter().filter(serves).map(Address::to_string).collect()
}

/// The port of Node's inspector, if it was asked for: it is open long before the app is ready.
fn inspector(details: &Details) -> Option<u16> {
    let options = details.env.get("NODE_OPTIONS").map(String::as_str).unwrap_or_default();
    let words =
        options.split_whitespace().chain(details.interpreter_args.iter().map(String::as_str));
    let asked = words.filter_map(|word| word.strip_prefix("--inspect"));
    let port = |rest: &str| rest.rsplit(['=', ':']).next().and_then(|port| port.parse().ok());
    asked.map(|rest| port(rest).unwrap_or(INSPECTOR)).next_back()
}
