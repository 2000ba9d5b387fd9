//! Health checks of workers that are being verified, and of those that serve: each in a thread of
//! its own, so that a server that does not answer holds nobody up. The result comes back through a
//! channel and a wake-up.
//!
//! All workers of an app share its port, so a request to the URL would be answered by anybody, most
//! likely by an old worker. Where the URL is one of the worker's own listeners, the daemon
//! therefore hands the connection to this worker.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream, ToSocketAddrs};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Weak;
use std::time::{Duration, Instant};

use ostler_cluster::ListenerId;
use ostler_core::spec::{AppSpec, Health, Probe};
use ostler_core::{RunId, Url};
use ostler_ports::Address;
use ostler_sinks::{Runs, ends_within};

/// What a probe says.
#[derive(Debug)]
pub enum ProbeMessage {
    /// Its end: the run, and what failed last if it is not healthy.
    End(RunId, Result<(), String>),
    /// The answer of a run that serves.
    Looked(RunId, Result<(), String>),
    /// The run has done what makes it ready.
    Ready(RunId),
    /// This is a connection for the run, as if it came from its listener.
    Connect(RunId, ListenerId, OwnedFd),
}

/// A way to one worker past all others.
type Way<'a> = Option<&'a dyn Fn() -> io::Result<TcpStream>>;

/// Asks until one answer is good or `retries` in a row were bad, and says so. `own` is the worker's
/// listener that a health URL means.
pub fn ask(
    run: RunId,
    spec: &AppSpec,
    health: &Health,
    own: Option<ListenerId>,
    say: &dyn Fn(ProbeMessage),
) {
    let result = with_way(run, own, say, |way| ask_repeatedly(spec, health, way));
    say(ProbeMessage::End(run, result));
}

/// Asks once, and says what the answer was.
pub fn look(
    run: RunId,
    spec: &AppSpec,
    health: &Health,
    own: Option<ListenerId>,
    say: &dyn Fn(ProbeMessage),
) {
    let result = with_way(run, own, say, |way| ask_once(spec, health, way));
    say(ProbeMessage::Looked(run, result));
}

/// The pause after the first look whether a run is ready, and the longest, ms.
const PAUSES: (u64, u64) = (20, 500);
/// How long a question may take whether a run is ready, ms.
const READY_TIMEOUT: u64 = 2000;

/// Looks again and again whether a run is ready, until it is, and says so, or until nobody wants to
/// know any more.
pub fn until_ready(
    run: RunId,
    wanted: &Weak<()>,
    say: &dyn Fn(ProbeMessage),
    mut look: impl FnMut() -> bool,
) {
    let (mut pause, longest) = PAUSES;
    while wanted.strong_count() != 0 {
        if look() {
            return say(ProbeMessage::Ready(run));
        }
        std::thread::park_timeout(Duration::from_millis(pause));
        pause = (pause * 3 / 2).min(longest);
    }
}

/// Asks once, by the way to this worker alone where it has a listener of its own for it.
pub fn answers(
    run: RunId,
    (spec, probe): (&AppSpec, &Probe),
    own: Option<ListenerId>,
    say: &dyn Fn(ProbeMessage),
) -> bool {
    with_way(run, own, say, |way| ask_by(spec, probe, READY_TIMEOUT, way)).is_ok()
}

/// Whether one of these processes listens on this TCP port, or on any.
pub fn listens(members: &[u32], port: Option<u16>) -> bool {
    // Where nobody can tell, it is looked again.
    is_at_port(ostler_ports::listened_on(members).unwrap_or_default(), port)
}

/// Whether one of these addresses is of this TCP port, or of any.
pub fn is_at_port(addresses: impl IntoIterator<Item = Address>, port: Option<u16>) -> bool {
    addresses.into_iter().any(|address| match address {
        Address::Inet { udp, port: found, .. } => !udp && port.is_none_or(|port| port == found),
        Address::Path(_) | Address::Abstract(_) => false,
    })
}

/// Asks by the way to this worker alone, where it has one.
fn with_way<T>(
    run: RunId,
    own: Option<ListenerId>,
    say: &dyn Fn(ProbeMessage),
    ask: impl FnOnce(Way<'_>) -> T,
) -> T {
    let connect = |listener| {
        let (ours, theirs) = pair()?;
        say(ProbeMessage::Connect(run, listener, theirs.into()));
        Ok(ours)
    };
    let way = own.map(|listener| move || connect(listener));
    ask(way.as_ref().map(|way| way as &dyn Fn() -> io::Result<TcpStream>))
}

/// Both ends of a connection of this machine with itself.
fn pair() -> io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let ours = TcpStream::connect(listener.local_addr()?)?;
    loop {
        let (theirs, peer) = listener.accept()?;
        // Somebody else may have found the port.
        if peer == ours.local_addr()? {
            theirs.set_nonblocking(true)?;
            return Ok((ours, theirs));
        }
    }
}

/// Host and port of a question that one worker alone can be asked, as far as they are to be had
/// without looking anything up.
pub fn place(probe: &Probe) -> Option<(&str, u16)> {
    match probe {
        Probe::Http { url } => Url::of(url).map(|url| (url.host, url.port)),
        Probe::Grpc { address, .. } => {
            let (host, port) = address.rsplit_once(':')?;
            Some((host, port.parse().ok()?))
        }
        Probe::Tcp { .. } | Probe::Exec { .. } => None,
    }
}

fn ask_repeatedly(spec: &AppSpec, health: &Health, way: Way<'_>) -> Result<(), String> {
    let mut failures = 0;
    loop {
        match ask_once(spec, health, way) {
            Ok(()) => return Ok(()),
            Err(why) if health.retries <= failures => return Err(why),
            Err(_) => failures += 1,
        }
        std::thread::park_timeout(Duration::from_millis(health.interval));
    }
}

fn ask_once(spec: &AppSpec, health: &Health, way: Way<'_>) -> Result<(), String> {
    ask_by(spec, &health.probe, health.timeout, way)
}

fn ask_by(spec: &AppSpec, probe: &Probe, timeout: u64, way: Way<'_>) -> Result<(), String> {
    let timeout = Duration::from_millis(timeout.max(1));
    match probe {
        Probe::Http { url } => http(url, timeout, way),
        Probe::Tcp { address } => connect(address.as_str(), address, timeout).map(|_| ()),
        Probe::Grpc { address, service } => grpc(address, service, timeout, way),
        Probe::Exec { command } => exec(command, spec, timeout),
    }
}

/// `shown`: the address as it is written.
fn connect(
    address: impl ToSocketAddrs,
    shown: &str,
    timeout: Duration,
) -> Result<TcpStream, String> {
    let addresses = address
        .to_socket_addrs()
        .map_err(|error| format!("could not look up `{shown}`: {error}"))?;
    let mut last = format!("`{shown}` has no address");
    for socket in addresses {
        match TcpStream::connect_timeout(&socket, timeout) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = format!("could not connect to `{socket}`: {error}"),
        }
    }
    Err(last)
}

/// `GET`, and only the status line of the answer matters.
fn http(url: &str, timeout: Duration, way: Way<'_>) -> Result<(), String> {
    let at = Url::of(url).ok_or_else(|| format!("`{url}` is no URL that can be asked"))?;
    let deadline = Instant::now() + timeout;
    let mut stream = match way {
        Some(way) => way().map_err(|error| format!("could not make a connection: {error}"))?,
        None => connect((at.host, at.port), at.authority, timeout)?,
    };
    let asked = format!(
        "GET {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nUser-Agent: ostler\r\n\r\n",
        at.path, at.authority
    );
    stream
        .write_all(asked.as_bytes())
        .map_err(|error| format!("could not ask `{url}`: {error}"))?;
    let mut answer = Vec::new();
    let mut chunk = [0; 512];
    while !answer.contains(&b'\n') && answer.len() < 8 << 10 {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(format!("`{url}` did not answer within {} ms", timeout.as_millis()));
        }
        stream.set_read_timeout(Some(left)).map_err(|error| error.to_string())?;
        match stream.read(&mut chunk) {
            Ok(0) => break,
            Ok(count) => answer.extend(chunk.iter().take(count)),
            // Its time is over: the look above says so.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(format!("`{url}` did not answer: {error}")),
        }
    }
    let line = String::from_utf8_lossy(&answer);
    let line = line.lines().next().unwrap_or_default();
    let status = line
        .strip_prefix("HTTP/1.")
        .and_then(|rest| rest.split(' ').nth(1))
        .and_then(|code| code.parse().ok());
    match status {
        Some(200..=399_u16) => Ok(()),
        Some(code) => Err(format!("`{url}` answered {code}")),
        None => Err(format!("`{url}` answered `{line}`, which is not HTTP")),
    }
}

/// The companion asks, over a connection of ours: HTTP/2 takes more than the manager has.
fn grpc(address: &str, service: &str, timeout: Duration, way: Way<'_>) -> Result<(), String> {
    let began = Instant::now();
    let stream = match way {
        Some(way) => way().map_err(|error| format!("could not make a connection: {error}"))?,
        None => connect(address, address, timeout)?,
    };
    let companion = companion()?;
    let mut child = Command::new(&companion)
        .args(["grpc-health", address, service])
        .env_clear()
        .stdin(Stdio::from(OwnedFd::from(stream)))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("could not execute `{}`: {error}", companion.display()))?;
    let in_time = end_within(&mut child, timeout.saturating_sub(began.elapsed()));
    let output = child
        .wait_with_output()
        .map_err(|error| format!("could not wait for `{}`: {error}", companion.display()))?;
    match (in_time, output.status.success()) {
        (Ok(true), true) => Ok(()),
        (Ok(true), false) => Err(format!("`{address}`: {}", first_line(&output.stderr))),
        (Ok(false), _) => {
            Err(format!("`{address}` did not answer within {} ms", timeout.as_millis()))
        }
        (Err(error), _) => Err(format!("could not watch `{}`: {error}", companion.display())),
    }
}

/// Waits for the end of a child, which is killed when it does not come in time.
fn end_within(child: &mut Child, timeout: Duration) -> io::Result<bool> {
    let in_time = ends_within(child, timeout);
    if !matches!(in_time, Ok(true)) {
        _ = child.kill();
    }
    in_time
}

/// Returns what a program complained of, without the word that begins it.
fn first_line(said: &[u8]) -> String {
    let text = String::from_utf8_lossy(said);
    let line = text.lines().next().unwrap_or_default();
    line.strip_prefix("error: ").unwrap_or(line).to_owned()
}

/// Returns the program beside this one that speaks HTTP/2.
fn companion() -> Result<PathBuf, String> {
    let program = std::env::current_exe()
        .map_err(|error| format!("could not find this program's own file: {error}"))?;
    let companion = program.with_file_name("ostler-companion");
    match companion.is_file() {
        true => Ok(companion),
        false => Err(format!(
            "gRPC is asked by a program of its own, which is not there: `{}`",
            companion.display()
        )),
    }
}

fn exec(command: &str, spec: &AppSpec, timeout: Duration) -> Result<(), String> {
    let mut child = Runs::of(spec)
        .shell(command)
        .spawn()
        .map_err(|error| format!("could not run `{command}`: {error}"))?;
    let in_time = end_within(&mut child, timeout);
    let status =
        child.wait().map_err(|error| format!("could not wait for `{command}`: {error}"))?;
    match (in_time, status.success()) {
        (Ok(true), true) => Ok(()),
        (Ok(true), false) => Err(format!("`{command}` ended with {}", ostler_text::exit(status))),
        (Ok(false), _) => Err(format!("`{command}` took more than {} ms", timeout.as_millis())),
        (Err(error), _) => Err(format!("could not watch `{command}`: {error}")),
    }
}
