//! Who has an address that an app found taken, and how to free it.

use std::path::PathBuf;
use std::time::Duration;

use ostler_client::{Answer, Client, Home, Managed, managed_by};
use ostler_ports::{Address, Complaint, Found, Holder, ancestors, complaint, find};
use ostler_wire::control::{ProcView, Reply, Request};

use crate::session::Session;

/// How long another manager may take to say what it has.
const SOON: Duration = Duration::from_secs(2);

/// What is told of an address that is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    /// Who has it.
    pub(crate) sentence: String,
    /// The command that frees it.
    pub(crate) hint: Option<String>,
}

/// Whose the holder of an address is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Owner {
    /// Another app of ours.
    Other(String),
    /// Another process of the same app, by number.
    Same(u32),
    /// Another manager, of this home where it can be reached; an app of it, where that is known.
    Manager { home: Option<PathBuf>, app: Option<String> },
    /// PM2, which would start again what is killed.
    Pm2,
    /// No app of a manager.
    Stranger,
}

/// Finds in the last lines of a process that an address was taken, and who has it.
pub(crate) fn taken(session: &mut Session, id: u32, lines: &[String]) -> Option<Taken> {
    let Complaint { address, .. } = complaint(lines)?;
    let Some(address) = address.or_else(|| port_of(session, id)) else {
        let sentence = "an address that it wants is taken, and it does not say which".to_owned();
        return Some(Taken { sentence, hint: None });
    };
    // Without an answer of `/proc` it is said that it is taken, and no more.
    let found = find(&address).unwrap_or(Found::Hidden { address: address.clone(), uid: None });
    let list = session.known().unwrap_or_default();
    let name = list.iter().find(|of| of.id == id).map(|of| of.name.clone()).unwrap_or_default();
    let (owner, holder) = match &found {
        Found::Held(holders) => owner(session, &name, &address, holders, &list),
        Found::Nobody | Found::Hidden { .. } => (Owner::Stranger, None),
    };
    let user = |uid| ostler_config::user_name(std::path::Path::new("/etc"), uid);
    Some(told(session.program.name(), &address, &found, (owner, holder.as_ref()), &name, user))
}

/// Finds who has an address that somebody wants who is no app yet.
pub(crate) fn of(session: &mut Session, address: &str) -> Option<Taken> {
    let nobody = u32::MAX;
    taken(session, nobody, &[format!("EADDRINUSE: address already in use {address}")])
}

/// The port in the app's environment, where its complaint names none.
fn port_of(session: &mut Session, id: u32) -> Option<Address> {
    let Ok(Answer::Reply(Reply::Describe(details))) = session.ask(&Request::Describe { id }) else {
        return None;
    };
    let port = details.env.get("PORT")?.parse().ok()?;
    Some(Address::Inet { udp: false, ip: None, port })
}

/// Finds whose one of the holders is, and which of them is to be named.
fn owner(
    session: &mut Session,
    name: &str,
    address: &Address,
    holders: &[Holder],
    list: &[ProcView],
) -> (Owner, Option<Holder>) {
    let of = |process: &ProcView| match process.name == name {
        true => Owner::Same(process.id),
        false => Owner::Other(process.name.clone()),
    };
    for holder in holders {
        let line = ancestors(holder.pid);
        if let Some(process) = list.iter().find(|of| of.pid != 0 && line.contains(&of.pid)) {
            return (of(process), Some(holder.clone()));
        }
    }
    let ours = match session.ask(&Request::Hello) {
        Ok(Answer::Reply(Reply::Hello { pid, keeper_pid, .. })) => [pid, keeper_pid],
        Ok(_) | Err(_) => [0; 2],
    };
    // The sockets of clusters are the manager's.
    if holders.iter().any(|holder| ours.contains(&holder.pid)) {
        let worker = list.iter().find(|of| of.cluster && listens(session, of.id, address));
        let worker_as_holder = worker.filter(|of| of.pid != 0).map(|of| Holder {
            pid: of.pid,
            command: ostler_ports::command(of.pid),
            address: address.clone(),
        });
        return (worker.map_or(Owner::Stranger, of), worker_as_holder);
    }
    let elsewhere = holders.iter().find_map(|of| Some((of_other(of.pid, address)?, of.clone())));
    match elsewhere {
        Some((owner, holder)) => (owner, Some(holder)),
        None => (Owner::Stranger, holders.first().cloned()),
    }
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

/// Whether a worker listens on what excludes an address.
fn listens(session: &mut Session, id: u32, address: &Address) -> bool {
    let Ok(Answer::Reply(Reply::Describe(details))) = session.ask(&Request::Describe { id }) else {
        return false;
    };
    details.listeners.iter().any(|of| excludes(&of.address, address))
}

/// The sentence and the hint.
fn told(
    program: &str,
    address: &Address,
    found: &Found,
    (owner, holder): (Owner, Option<&Holder>),
    name: &str,
    user: impl Fn(u32) -> Option<String>,
) -> Taken {
    let pasted = ostler_shell::operand(name);
    let (sentence, hint) = match (found, owner) {
        (Found::Nobody, _) => (
            format!("`{address}` was taken; nobody listens there now"),
            Some(match address {
                // The kernel gives ports to those who connect, too.
                Address::Inet { port, .. } => format!(
                    "`{program} restart {pasted}` tries again; `ss -tan 'sport = :{port}'` shows \
                     whether a connection has the port"
                ),
                Address::Path(_) | Address::Abstract(_) => {
                    format!("`{program} restart {pasted}` tries again")
                }
            }),
        ),
        (Found::Hidden { uid, .. }, _) => {
            let of = match uid.map(|uid| user(uid).unwrap_or_else(|| format!("uid {uid}"))) {
                Some(user) => format!("a process of {user}"),
                None => "a process".to_owned(),
            };
            let hint = match address {
                Address::Inet { port, .. } => {
                    Some(format!("`sudo ss -lptun 'sport = :{port}'` shows it"))
                }
                Address::Path(_) | Address::Abstract(_) => None,
            };
            (format!("`{address}` is taken by {of} that you may not look at"), hint)
        }
        (Found::Held(_), Owner::Same(id)) => (
            format!("`{address}` is taken by process {id} of the same app"),
            Some(
                "run it as a cluster (`exec_mode: \"cluster\"`), or give each instance a port of \
                 its own (`increment_var`)"
                    .to_owned(),
            ),
        ),
        (Found::Held(_), Owner::Other(app)) => (
            format!("`{address}` is taken by app `{app}`{}", held_by(holder)),
            Some(format!(
                "`{program} stop {pasted_app}` frees it",
                pasted_app = ostler_shell::operand(&app)
            )),
        ),
        (Found::Held(_), Owner::Manager { home, app }) => {
            let of = app.as_ref().map_or_else(String::new, |app| format!("app `{app}` of "));
            let at = home.as_ref().map_or_else(
                || "in a container".to_owned(),
                |home| format!("in `{}`", home.display()),
            );
            let sentence =
                format!("`{address}` is taken by {of}the ostler {at}{}", held_by(holder));
            (sentence, home.map(|home| in_home(&home, app.as_deref())))
        }
        (Found::Held(_), Owner::Pm2) => (
            format!("`{address}` is taken by an app of PM2{}", held_by(holder)),
            Some("`pm2 list` shows which, `pm2 stop NAME` frees it".to_owned()),
        ),
        (Found::Held(_), Owner::Stranger) => (
            format!("`{address}` is taken{}", held_by(holder)),
            holder.map(|Holder { pid, .. }| format!("`kill {pid}` frees it")),
        ),
    };
    Taken { sentence, hint }
}

/// What frees an address that the manager of another home has.
fn in_home(home: &std::path::Path, app: Option<&str>) -> String {
    let home = ostler_shell::word(&home.to_string_lossy()).into_owned();
    match app {
        Some(app) => {
            let pasted = ostler_shell::operand(app);
            format!("`OSTLER_HOME={home} ostler stop {pasted}` frees it")
        }
        None => format!("`OSTLER_HOME={home} ostler list` shows whose it is"),
    }
}

fn held_by(holder: Option<&Holder>) -> String {
    holder.map_or_else(String::new, |Holder { pid, command, .. }| {
        format!(": pid {pid} (`{command}`) listens there")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_holder_is_named_with_what_frees_the_address() {
        let address = Address::parse("*:3000").unwrap();
        let holder =
            Holder { pid: 4711, command: "node other.js".to_owned(), address: address.clone() };
        let held = Found::Held(vec![holder.clone()]);
        let check = |found: &Found, owner: Owner, holder, sentence: &str, hint: Option<&str>| {
            let user = |uid| (uid == 0).then(|| "root".to_owned());
            let told = told("ostler", &address, found, (owner, holder), "web", user);
            assert_eq!((told.sentence.as_str(), told.hint.as_deref()), (sentence, hint));
        };
        check(
            &held,
            Owner::Stranger,
            Some(&holder),
            "`*:3000` is taken: pid 4711 (`node other.js`) listens there",
            Some("`kill 4711` frees it"),
        );
        check(
            &held,
            Owner::Other("api".to_owned()),
            Some(&holder),
            "`*:3000` is taken by app `api`: pid 4711 (`node other.js`) listens there",
            Some("`ostler stop api` frees it"),
        );
        check(
            &held,
            Owner::Other("api".to_owned()),
            None,
            "`*:3000` is taken by app `api`",
            Some("`ostler stop api` frees it"),
        );
        let home = Some(PathBuf::from("/srv/my home"));
        check(
            &held,
            Owner::Manager { home: home.clone(), app: Some("api".to_owned()) },
            Some(&holder),
            "`*:3000` is taken by app `api` of the ostler in `/srv/my home`: pid 4711 (`node \
             other.js`) listens there",
            Some("`OSTLER_HOME='/srv/my home' ostler stop api` frees it"),
        );
        check(
            &held,
            Owner::Manager { home, app: None },
            None,
            "`*:3000` is taken by the ostler in `/srv/my home`",
            Some("`OSTLER_HOME='/srv/my home' ostler list` shows whose it is"),
        );
        check(
            &held,
            Owner::Manager { home: None, app: None },
            None,
            "`*:3000` is taken by the ostler in a container",
            None,
        );
        check(
            &held,
            Owner::Pm2,
            Some(&holder),
            "`*:3000` is taken by an app of PM2: pid 4711 (`node other.js`) listens there",
            Some("`pm2 list` shows which, `pm2 stop NAME` frees it"),
        );
        check(
            &held,
            Owner::Same(0),
            Some(&holder),
            "`*:3000` is taken by process 0 of the same app",
            Some(
                "run it as a cluster (`exec_mode: \"cluster\"`), or give each instance a port of \
                 its own (`increment_var`)",
            ),
        );
        check(
            &Found::Nobody,
            Owner::Stranger,
            None,
            "`*:3000` was taken; nobody listens there now",
            Some(
                "`ostler restart web` tries again; `ss -tan 'sport = :3000'` shows whether a \
                 connection has the port",
            ),
        );
        let hidden = |uid| Found::Hidden { address: address.clone(), uid };
        let show = Some("`sudo ss -lptun 'sport = :3000'` shows it");
        check(
            &hidden(Some(0)),
            Owner::Stranger,
            None,
            "`*:3000` is taken by a process of root that you may not look at",
            show,
        );
        check(
            &hidden(None),
            Owner::Stranger,
            None,
            "`*:3000` is taken by a process that you may not look at",
            show,
        );
    }
}
