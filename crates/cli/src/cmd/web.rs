//! `web`: the companion's web API, as an app.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;

use ostler_env::{
    OSTLER_HOME, OSTLER_WEB_OTHERS, OSTLER_WEB_OTLP, OSTLER_WEB_TLS_CERT, OSTLER_WEB_TLS_KEY,
    OSTLER_WEB_TOKEN_FILE, PM2_API_IPADDR, PM2_API_PORT,
};
use ostler_wire::control::{Action, Change, ProcView, Request};

use super::{launch, list, perform, ready};
use crate::apps;
use crate::args::FlagId;
use crate::caller;
use crate::companion;
use crate::failed::Failed;
use crate::holder;
use crate::program::Program;
use crate::session::{Session, ticket};
use crate::voice::{Act, Notice, Target};

/// The port where no other is said.
const USUAL: u16 = 9615;

/// Runs the command `web`.
pub(super) fn run(session: &mut Session) -> Result<(), Failed> {
    match session.args.words.first().map(String::as_str) {
        None | Some("start") => start(session, None),
        Some("stop") => stop(session),
        Some(word) if word.bytes().all(|byte| byte.is_ascii_digit()) => {
            let port = port(word)?;
            refuse_second_port(session, &port)?;
            start(session, Some(port))
        }
        Some(word) => {
            Err(Failed::misuse(format!("`web` takes `start`, `stop` or a port, but got `{word}`"))
                .hint("`ostler help web` shows what it takes"))
        }
    }
}

/// Refuses a port as an argument where an option names one.
pub(super) fn refuse_second_port(session: &Session, word: &str) -> Result<(), Failed> {
    match session.args.value(FlagId::Port) {
        None => Ok(()),
        Some(port) => {
            Err(Failed::misuse(format!("there are two ports: `{word}` and `--port {port}`"))
                .hint("leave one of them out"))
        }
    }
}

/// Returns a port as it was written, if it is one.
fn port(text: &str) -> Result<String, Failed> {
    match text.parse::<u16>() {
        Ok(1..) => Ok(text.to_owned()),
        Ok(0) | Err(_) => Err(Failed::misuse(format!("the port is `{text}`, which is no port"))
            .hint("a port is a number from 1 to 65535: `ostler web 9615`")),
    }
}

/// Name of the app.
fn name(program: Program) -> &'static str {
    match program {
        Program::Ostler => "ostler-web",
        Program::Pm2 => "pm2-http-interface",
    }
}

fn start(session: &mut Session, port: Option<String>) -> Result<(), Failed> {
    let companion = companion::find("the web API")?;
    let variables = variables(session, port)?;
    refuse_half(session, &variables)?;
    check(&companion, &variables)?;
    let name = name(session.program);
    let there = named(session, name)?;
    if there.iter().any(|process| process.pid != 0) {
        return Err(Failed::new(format!("`{name}` runs already"))
            .hint("`ostler web stop` ends it, and another can be started"));
    }
    refuse_taken(session, &variables)?;
    // One that was given up or stopped is in the way of one with other settings.
    forget(session, &there)?;
    let app = apps::of_companion(session, &companion, name, variables.clone())?;
    ready::brought_up(session, |session| launch::one(session, app))?;
    list::table(session)?;
    if session.program == Program::Pm2 {
        return Ok(());
    }
    let targets: Vec<Target> = named(session, name)?.iter().map(Target::of).collect();
    session.encrypts = said(&variables, OSTLER_WEB_TLS_CERT).is_some_and(|file| !file.is_empty());
    let told = ready::wait_usual(session, &targets);
    if told.is_err() {
        // What does not serve is not left behind, to fail again and again.
        let there = named(session, name)?;
        forget(session, &there)?;
    }
    told
}

/// The path of a file, without `.` in it.
fn absolute(cwd: &Path, file: &str) -> PathBuf {
    cwd.join(file).components().collect()
}

/// What the companion finds under this name: what the shell says counts, where no option does.
fn said(variables: &BTreeMap<String, String>, name: &str) -> Option<String> {
    variables.get(name).cloned().or_else(|| std::env::var(name).ok())
}

/// Refuses a certificate without its key, and a key alone, where that is what was typed.
fn refuse_half(session: &Session, variables: &BTreeMap<String, String>) -> Result<(), Failed> {
    let has = |name: &str| said(variables, name).is_some_and(|file| !file.is_empty());
    let (message, given, other) = match (has(OSTLER_WEB_TLS_CERT), has(OSTLER_WEB_TLS_KEY)) {
        (true, false) => ("there is a certificate, but not its key", FlagId::TlsCert, "tls-key"),
        (false, true) => ("there is a key, but no certificate for it", FlagId::TlsKey, "tls-cert"),
        (true, true) | (false, false) => return Ok(()),
    };
    let option = if given == FlagId::TlsCert { "--tls-cert" } else { "--tls-key" };
    let line = session.args.typed.without_option(option, session.args.value(given));
    match line.filter(|_| session.has(given)) {
        Some(line) => Err(Failed::misuse(message).hint(format!(
            "name the other file by `--{other}`, too; `{line}` serves without encryption"
        ))),
        None => Ok(()),
    }
}

/// Refuses a port that somebody has: what cannot serve is not started.
fn refuse_taken(session: &mut Session, variables: &BTreeMap<String, String>) -> Result<(), Failed> {
    let said = |name: &str| said(variables, name);
    let host = said(PM2_API_IPADDR).filter(|host| !host.is_empty() && host != "localhost");
    let ip = host.map_or(Ok(IpAddr::from([127, 0, 0, 1])), |host| host.parse());
    let port = said(PM2_API_PORT).map_or(Ok(USUAL), |port| port.parse());
    // What is no address was refused before.
    let (Ok(ip), Ok(port)) = (ip, port) else { return Ok(()) };
    let other = port.checked_add(1).unwrap_or(USUAL);
    refuse_held(session, SocketAddr::new(ip, port), &format!("web {other}"))
}

/// Refuses an address that somebody has. `other`: the command that takes another port.
pub(super) fn refuse_held(
    session: &mut Session,
    address: SocketAddr,
    other: &str,
) -> Result<(), Failed> {
    match TcpListener::bind(address) {
        Err(error) if error.kind() == ErrorKind::AddrInUse => {}
        Ok(_) | Err(_) => return Ok(()),
    }
    let sentence = holder::of(session, &address.to_string()).map(|taken| taken.sentence);
    let text = sentence.unwrap_or_else(|| format!("`{address}` is taken"));
    let pasted = format!("{} {other}", session.program.name());
    Err(Failed::new(text).hint(format!("`{pasted}` takes another port")))
}

/// Ends it, and leaves nothing of it in the list.
fn stop(session: &mut Session) -> Result<(), Failed> {
    let name = name(session.program);
    let there = named(session, name)?;
    if there.is_empty() {
        return Err(Failed::new(format!("`{name}` does not run")).hint("`ostler web` starts it"));
    }
    let targets: Vec<Target> = there.iter().map(Target::of).collect();
    session.out.tell(&Notice::Begun { act: Act::Delete, selector: None, targets: &targets });
    let ids = there.iter().map(|process| process.id).collect();
    perform::act(session, Act::Delete, Action::Delete, ids, Change::default())?;
    list::table(session)
}

fn named(session: &mut Session, name: &str) -> Result<Vec<ProcView>, Failed> {
    let mut list = session.known()?;
    list.retain(|process| process.name == name);
    Ok(list)
}

fn forget(session: &mut Session, there: &[ProcView]) -> Result<(), Failed> {
    if there.is_empty() {
        return Ok(());
    }
    let ids = there.iter().map(|process| process.id).collect();
    let change = Change::default();
    let request = Request::Act { action: Action::Delete, ids, change, ticket: Some(ticket()) };
    perform::done(&session.ask(&request)?, false)
}

/// Returns what the options say to the companion, as variables.
fn variables(session: &Session, port: Option<String>) -> Result<BTreeMap<String, String>, Failed> {
    let home = session.home.path().to_string_lossy().into_owned();
    let mut variables = BTreeMap::from([(OSTLER_HOME.to_owned(), home)]);
    let port = session.args.value(FlagId::Port).map(self::port).transpose()?.or(port);
    let host = session.args.value(FlagId::Host).map(str::to_owned);
    let file = |flag: FlagId| {
        let file = session.args.value(flag);
        let file = file.map(|file| caller::cwd().map(|cwd| absolute(&cwd, file))).transpose()?;
        Ok::<_, Failed>(file.map(|file| file.to_string_lossy().into_owned()))
    };
    for (name, value) in [
        (PM2_API_PORT, port),
        (PM2_API_IPADDR, host),
        (OSTLER_WEB_OTLP, session.args.value(FlagId::Otlp).map(str::to_owned)),
        (OSTLER_WEB_TOKEN_FILE, file(FlagId::TokenFile)?),
        (OSTLER_WEB_OTHERS, file(FlagId::HostsFile)?),
        (OSTLER_WEB_TLS_CERT, file(FlagId::TlsCert)?),
        (OSTLER_WEB_TLS_KEY, file(FlagId::TlsKey)?),
    ] {
        variables.extend(value.map(|value| (name.to_owned(), value)));
    }
    Ok(variables)
}

/// Asks the companion whether it could serve: what is wrong is told before anything is started.
fn check(companion: &Path, variables: &BTreeMap<String, String>) -> Result<(), Failed> {
    let mut command = Command::new(companion);
    let asked = command.arg("check-web").envs(variables).output();
    let shown = companion.display();
    let output = asked.map_err(|error| companion::not_executed(companion, &error))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.trim_end().trim_start_matches("error: ");
    match said.split_once("\nhint: ") {
        Some((message, hint)) => Err(Failed::new(message).hint(hint)),
        None if said.is_empty() => Err(Failed::new(format!(
            "`{shown} check-web` ended with {}",
            ostler_text::exit(output.status)
        ))),
        None => Err(Failed::new(said)),
    }
}
