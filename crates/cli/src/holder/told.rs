//! What is told of an address that is taken: a sentence, and the command that frees it.

use std::path::{Path, PathBuf};

use ostler_ports::{Address, Found, Holder};

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
pub(super) enum Owner {
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

/// Who finds what taken.
#[derive(Debug)]
pub(super) struct About<'a> {
    /// The name of the command.
    pub(super) program: &'a str,
    /// Name of the app.
    pub(super) name: &'a str,
    /// Where it wants to listen.
    pub(super) address: &'a Address,
    /// Which ports no connection is given.
    pub(super) spared: Option<Spared>,
}

/// The ports that the kernel gives to no connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spared {
    /// Those below this one.
    pub(super) below: u16,
    /// One of them that is free, where the app has its port from a shell.
    pub(super) other: Option<u16>,
}

/// The sentence and the hint.
pub(super) fn told(
    about: &About<'_>,
    found: &Found,
    (owner, holder): (Owner, Option<&Holder>),
    user: impl Fn(u32) -> Option<String>,
) -> Taken {
    let About { program, name, address, .. } = *about;
    let pasted = ostler_shell::operand(name);
    match found {
        Found::Nobody => Taken {
            sentence: format!("{} was taken; nobody has it now", wanted(address)),
            hint: Some(format!("`{program} restart {pasted}` tries again")),
        },
        Found::Hidden { address, uid, listens } => {
            let of = match uid.map(|uid| user(uid).unwrap_or_else(|| format!("uid {uid}"))) {
                Some(user) => format!("a process of {user}"),
                None => "a process".to_owned(),
            };
            let of = if *listens { of } else { format!("a connection of {of}") };
            let hint = match address {
                Address::Inet { port, .. } => Some(match listens {
                    true => format!("`sudo ss -lptun 'sport = :{port}'` shows it"),
                    false => format!("`sudo ss -ptan 'sport = :{port}'` shows it"),
                }),
                Address::Path(_) | Address::Abstract(_) => None,
            };
            let hint = about.elsewhere().or(hint);
            Taken {
                sentence: format!("`{address}` is taken by {of} that you may not look at"),
                hint,
            }
        }
        Found::Closing(address) => Taken {
            sentence: format!(
                "`{address}` is taken by a connection that has ended, for a minute at most"
            ),
            hint: about
                .elsewhere()
                .or_else(|| Some(format!("`{program} restart {pasted}` tries again"))),
        },
        Found::Connected(_) => connected(about, owner, holder),
        Found::Held(holders) => {
            let at = holder.or(holders.first()).map_or(address, |holder| &holder.address);
            held(about, at, owner, holder)
        }
    }
}

/// An address that somebody wants, of which nothing is in the kernel's tables.
fn wanted(address: &Address) -> String {
    match address {
        // Whether it is for all addresses is not known of each runtime.
        Address::Inet { ip: None, port, .. } => format!("port {port}"),
        Address::Inet { .. } | Address::Path(_) | Address::Abstract(_) => format!("`{address}`"),
    }
}

impl About<'_> {
    /// How to be out of the way of connections.
    fn elsewhere(&self) -> Option<String> {
        let Spared { below, other } = self.spared?;
        let (program, pasted) = (self.program, ostler_shell::operand(self.name));
        Some(match other {
            Some(other) => format!(
                "`PORT={other} {program} restart {pasted} --update-env` gives it a port that no \
                 connection gets, as each below {below}"
            ),
            None => format!("give it a port below {below}, which no connection gets"),
        })
    }
}

fn connected(about: &About<'_>, owner: Owner, holder: Option<&Holder>) -> Taken {
    let at = holder.map_or(about.address, |holder| &holder.address);
    let whose = match &owner {
        Owner::Same(id) => format!(" of process {id} of the same app,"),
        Owner::Other(app) => format!(" of app `{app}`,"),
        Owner::Manager { .. } | Owner::Pm2 | Owner::Stranger => " of".to_owned(),
    };
    let who = holder.map_or_else(String::new, |Holder { pid, command, .. }| {
        format!("{whose} pid {pid} (`{command}`)")
    });
    let sentence = format!("`{at}` is taken by a connection{who}");
    let hint = match (about.elsewhere(), owner) {
        (Some(hint), _) => Some(hint),
        (None, Owner::Other(app) | Owner::Manager { app: Some(app), .. }) => {
            let pasted = ostler_shell::operand(&app);
            Some(format!("`{} stop {pasted}` ends it", about.program))
        }
        (None, _) => holder.map(|Holder { pid, .. }| format!("`kill {pid}` ends it")),
    };
    Taken { sentence, hint }
}

/// An address on which somebody listens.
fn held(about: &About<'_>, address: &Address, owner: Owner, holder: Option<&Holder>) -> Taken {
    let program = about.program;
    let (sentence, hint) = match owner {
        Owner::Same(id) => (
            format!("`{address}` is taken by process {id} of the same app"),
            Some(
                "run it as a cluster (`exec_mode: \"cluster\"`), or give each instance a port of \
                 its own (`increment_var`)"
                    .to_owned(),
            ),
        ),
        Owner::Other(app) => (
            format!("`{address}` is taken by app `{app}`{}", held_by(holder)),
            Some(format!(
                "`{program} stop {pasted_app}` frees it",
                pasted_app = ostler_shell::operand(&app)
            )),
        ),
        Owner::Manager { home, app } => {
            let of = app.as_ref().map_or_else(String::new, |app| format!("app `{app}` of "));
            let at = home.as_ref().map_or_else(
                || "in a container".to_owned(),
                |home| format!("in `{}`", home.display()),
            );
            let sentence =
                format!("`{address}` is taken by {of}the ostler {at}{}", held_by(holder));
            (sentence, home.map(|home| in_home(&home, app.as_deref())))
        }
        Owner::Pm2 => (
            format!("`{address}` is taken by an app of PM2{}", held_by(holder)),
            Some("`pm2 list` shows which, `pm2 stop NAME` frees it".to_owned()),
        ),
        Owner::Stranger => (
            format!("`{address}` is taken{}", held_by(holder)),
            holder.map(|Holder { pid, .. }| format!("`kill {pid}` frees it")),
        ),
    };
    Taken { sentence, hint }
}

/// What frees an address that the manager of another home has.
fn in_home(home: &Path, app: Option<&str>) -> String {
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
            let about = About { program: "ostler", name: "web", address: &address, spared: None };
            let told = told(&about, found, (owner, holder), user);
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
        let hidden = |uid, listens| Found::Hidden { address: address.clone(), uid, listens };
        let show = Some("`sudo ss -lptun 'sport = :3000'` shows it");
        check(
            &hidden(Some(0), true),
            Owner::Stranger,
            None,
            "`*:3000` is taken by a process of root that you may not look at",
            show,
        );
        check(
            &hidden(None, true),
            Owner::Stranger,
            None,
            "`*:3000` is taken by a process that you may not look at",
            show,
        );
        check(
            &hidden(Some(0), false),
            Owner::Stranger,
            None,
            "`*:3000` is taken by a connection of a process of root that you may not look at",
            Some("`sudo ss -ptan 'sport = :3000'` shows it"),
        );
    }

    /// `*:34050` was said to be taken where nobody had that: both had 127.0.0.1.
    #[test]
    fn the_address_that_is_told_is_the_one_that_somebody_has() {
        let real = Address::parse("127.0.0.1:3000").unwrap();
        let holder = Holder { pid: 7, command: "node a.js".to_owned(), address: real };
        let check = |wanted: &str, found: Found, holder: Option<&Holder>, sentence: &str| {
            let address = &Address::parse(wanted).unwrap();
            let about = About { program: "ostler", name: "web", address, spared: None };
            let told = told(&about, &found, (Owner::Stranger, holder), |_| None);
            assert_eq!(told.sentence, sentence);
        };
        let held = || Found::Held(vec![holder.clone()]);
        let text = "`127.0.0.1:3000` is taken: pid 7 (`node a.js`) listens there";
        check("*:3000", held(), Some(&holder), text);
        check("*:3000", held(), None, "`127.0.0.1:3000` is taken");
        check("*:3000", Found::Nobody, None, "port 3000 was taken; nobody has it now");
        let text = "`127.0.0.1:3000` was taken; nobody has it now";
        check("127.0.0.1:3000", Found::Nobody, None, text);
    }

    /// It was said that nobody listens there, and to start it again, which failed again.
    #[test]
    fn a_connection_is_told_with_its_process_and_a_port_that_no_connection_gets() {
        let address = &Address::parse("127.0.0.1:64201").unwrap();
        let holder =
            Holder { pid: 7, command: "python3 c.py".to_owned(), address: address.clone() };
        let check = |found: &Found, owner: Owner, spared, sentence: &str, hint: &str| {
            let about = About { program: "ostler", name: "oc", address, spared };
            let told = told(&about, found, (owner, Some(&holder)), |_| None);
            assert_eq!((told.sentence.as_str(), told.hint.as_deref()), (sentence, Some(hint)));
        };
        let connected = Found::Connected(vec![holder.clone()]);
        let typed = Some(Spared { below: 32_768, other: Some(24_201) });
        let of_file = Some(Spared { below: 32_768, other: None });
        let text = "`127.0.0.1:64201` is taken by a connection of pid 7 (`python3 c.py`)";
        let other = "`PORT=24201 ostler restart oc --update-env` gives it a port that no \
                     connection gets, as each below 32768";
        check(&connected, Owner::Stranger, typed, text, other);
        let below = "give it a port below 32768, which no connection gets";
        check(&connected, Owner::Stranger, of_file, text, below);
        check(&connected, Owner::Stranger, None, text, "`kill 7` ends it");
        let of_app =
            "`127.0.0.1:64201` is taken by a connection of app `api`, pid 7 (`python3 c.py`)";
        check(
            &connected,
            Owner::Other("api".to_owned()),
            None,
            of_app,
            "`ostler stop api` ends it",
        );
        let text =
            "`127.0.0.1:64201` is taken by a connection that has ended, for a minute at most";
        let closing = Found::Closing(address.clone());
        check(&closing, Owner::Stranger, None, text, "`ostler restart oc` tries again");
        check(&closing, Owner::Stranger, typed, text, other);
    }
}
