//! One connection of the client as a machine: idle, connecting, sending, reading.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use rustix::event::PollFlags;
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, connect, socket_with, sockopt};

use super::answer::{Progress, parse};
use super::{Load, Outcome, Report, Sample};

/// Pause after a failure, so that a dead server is not asked a million times.
const FAILURE_PAUSE: Duration = Duration::from_millis(10);

/// A connection, whether open or not.
pub(super) struct Conn {
    stream: Option<TcpStream>,
    /// Requests served on `stream`.
    served: u64,
    state: State,
    /// `poll` said that something can be done.
    pub ready: bool,
}

enum State {
    Idle { until: Instant },
    Connecting { began: Instant, give_up: Instant },
    Sending { began: Instant, give_up: Instant, sent: usize },
    Reading { began: Instant, give_up: Instant, bytes: Vec<u8> },
}

/// The outcome of a step.
enum Step {
    /// Nothing more to do before the next event.
    Wait,
    /// The next state can be tried at once.
    Go(State),
    /// The request came to an end.
    End { began: Instant, outcome: Outcome, pid: Option<u32>, keep: bool },
}

impl Conn {
    pub fn new(now: Instant) -> Self {
        Self { stream: None, served: 0, state: State::Idle { until: now }, ready: false }
    }

    pub fn is_idle(&self) -> bool {
        matches!(self.state, State::Idle { .. })
    }

    /// When something is to be done even if nothing happens.
    pub fn wake_at(&self) -> Instant {
        match &self.state {
            State::Idle { until } => *until,
            State::Connecting { give_up, .. }
            | State::Sending { give_up, .. }
            | State::Reading { give_up, .. } => *give_up,
        }
    }

    pub fn due(&self, now: Instant) -> bool {
        self.ready || self.wake_at() <= now
    }

    /// The readiness that `poll` should look for.
    pub fn interest(&self) -> Option<(BorrowedFd<'_>, PollFlags)> {
        let fd = self.stream.as_ref()?.as_fd();
        let flags = match self.state {
            State::Idle { .. } | State::Reading { .. } => PollFlags::IN,
            State::Connecting { .. } | State::Sending { .. } => PollFlags::OUT,
        };
        Some((fd, flags))
    }

    /// Does what can be done without waiting. `true` when a new request was begun.
    pub fn drive(
        &mut self,
        load: &Load,
        clock: Instant,
        may_begin: bool,
        report: &mut Report,
    ) -> bool {
        self.ready = false;
        let mut begun = false;
        loop {
            let now = Instant::now();
            let idle = Idle { may_begin: may_begin && !begun, now };
            let was_idle = self.is_idle();
            match self.step(load, &idle, report) {
                Step::Wait => return begun,
                Step::Go(state) => {
                    begun |= was_idle && !matches!(state, State::Idle { .. });
                    self.state = state;
                }
                Step::End { began, outcome, pid, keep } => {
                    let (at, took) = (began.duration_since(clock), began.elapsed());
                    report.samples.push(Sample { at, took, outcome, reused: 0 < self.served, pid });
                    self.served += 1;
                    if !keep {
                        self.stream = None;
                    }
                    let pause = if outcome.is_failure() {
                        load.think.max(FAILURE_PAUSE)
                    } else {
                        load.think
                    };
                    self.state = State::Idle { until: Instant::now() + pause };
                    return begun | was_idle;
                }
            }
        }
    }

    fn step(&mut self, load: &Load, idle: &Idle, report: &mut Report) -> Step {
        let state = std::mem::replace(&mut self.state, State::Idle { until: idle.now });
        let late = |give_up: Instant| give_up <= idle.now;
        match state {
            State::Idle { until } => self.step_idle(load, until, idle, report),
            State::Connecting { began, give_up } => {
                let step = self.step_connecting(began, give_up, report);
                self.or_late(step, late(give_up), began, State::Connecting { began, give_up })
            }
            State::Sending { began, give_up, mut sent } => {
                let step = self.step_sending(load, began, give_up, &mut sent);
                self.or_late(step, late(give_up), began, State::Sending { began, give_up, sent })
            }
            State::Reading { began, give_up, mut bytes } => {
                let step = self.step_reading(load, began, &mut bytes);
                self.or_late(step, late(give_up), began, State::Reading { began, give_up, bytes })
            }
        }
    }

    /// Waiting goes on in `state`, unless the time is up.
    fn or_late(&mut self, step: Step, late: bool, began: Instant, state: State) -> Step {
        match step {
            Step::Wait if late => ended(began, Outcome::Timeout),
            Step::Wait => {
                self.state = state;
                Step::Wait
            }
            Step::Go(_) | Step::End { .. } => step,
        }
    }

    fn step_idle(&mut self, load: &Load, until: Instant, idle: &Idle, report: &mut Report) -> Step {
        self.state = State::Idle { until };
        if self.stream.as_mut().is_some_and(closed_by_peer) {
            self.stream = None;
            report.idle_closes += 1;
        }
        if !idle.may_begin {
            // The next question comes from the driver, or never.
            self.state = State::Idle { until: until.max(idle.now + FAILURE_PAUSE) };
            return Step::Wait;
        }
        if idle.now < until {
            return Step::Wait;
        }
        let (began, give_up) = (idle.now, idle.now + load.timeout);
        if self.stream.is_some() {
            return Step::Go(State::Sending { began, give_up, sent: 0 });
        }
        self.served = 0;
        match open(load) {
            Ok(stream) => {
                self.stream = Some(stream);
                Step::Go(State::Connecting { began, give_up })
            }
            Err(e) => ended(began, refused_or(e)),
        }
    }

    fn step_connecting(&mut self, began: Instant, give_up: Instant, report: &mut Report) -> Step {
        let Some(stream) = &self.stream else { return ended(began, Outcome::Connect(0)) };
        match sockopt::socket_error(stream) {
            Ok(Ok(())) if stream.peer_addr().is_ok() => {
                report.connects += 1;
                Step::Go(State::Sending { began, give_up, sent: 0 })
            }
            Ok(Ok(())) => Step::Wait,
            Ok(Err(e)) | Err(e) => ended(began, refused_or(e)),
        }
    }

    fn step_sending(
        &mut self,
        load: &Load,
        began: Instant,
        give_up: Instant,
        sent: &mut usize,
    ) -> Step {
        let close = if load.keep_alive { "" } else { "Connection: close\r\n" };
        let text = format!("GET {} HTTP/1.1\r\nHost: {}\r\n{close}\r\n", load.path, load.addr);
        let Some(stream) = &mut self.stream else { return ended(began, Outcome::Connect(0)) };
        match stream.write(&text.as_bytes()[*sent..]) {
            Ok(n) if *sent + n == text.len() => {
                Step::Go(State::Reading { began, give_up, bytes: Vec::new() })
            }
            Ok(n) => {
                *sent += n;
                Step::Wait
            }
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {
                Step::Wait
            }
            Err(_) => ended(began, self.unanswered(Outcome::Reset)),
        }
    }

    fn step_reading(&mut self, load: &Load, began: Instant, bytes: &mut Vec<u8>) -> Step {
        let Some(stream) = &mut self.stream else { return ended(began, Outcome::Connect(0)) };
        let mut space = [0; 16384];
        let eof = match stream.read(&mut space) {
            Ok(n) => {
                bytes.extend_from_slice(&space[..n]);
                n == 0
            }
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {
                return Step::Wait;
            }
            Err(_) if bytes.is_empty() => return ended(began, self.unanswered(Outcome::Reset)),
            Err(_) => return ended(began, Outcome::Cut),
        };
        if eof && bytes.is_empty() {
            return ended(began, self.unanswered(Outcome::Empty));
        }
        match parse(bytes, eof) {
            Progress::Whole(answer) => {
                let outcome =
                    if answer.status == 200 { Outcome::Ok } else { Outcome::Status(answer.status) };
                let pid = (answer.status == 200).then(|| worker(&answer.body)).flatten();
                Step::End { began, outcome, pid, keep: load.keep_alive && !answer.close && !eof }
            }
            Progress::Malformed => ended(began, Outcome::Malformed),
            Progress::Partial if eof => ended(began, Outcome::Cut),
            Progress::Partial => Step::Wait,
        }
    }

    /// No byte of an answer came: excusable on a connection that had served before.
    fn unanswered(&self, outcome: Outcome) -> Outcome {
        if 0 < self.served { Outcome::KeepAliveRace } else { outcome }
    }
}

struct Idle {
    may_begin: bool,
    now: Instant,
}

fn ended(began: Instant, outcome: Outcome) -> Step {
    Step::End { began, outcome, pid: None, keep: false }
}

fn refused_or(e: Errno) -> Outcome {
    if e == Errno::CONNREFUSED { Outcome::Refused } else { Outcome::Connect(e.raw_os_error()) }
}

/// Begins to connect; the result comes with writability.
fn open(load: &Load) -> Result<TcpStream, Errno> {
    let family = if load.addr.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let fd = socket_with(
        family,
        SocketType::STREAM,
        SocketFlags::NONBLOCK | SocketFlags::CLOEXEC,
        None,
    )?;
    sockopt::set_tcp_nodelay(&fd, true)?;
    match connect(&fd, &load.addr) {
        Ok(()) | Err(Errno::INPROGRESS) => Ok(TcpStream::from(fd)),
        Err(e) => Err(e),
    }
}

/// Returns whether the server closed the connection while it was idle, or said something that
/// nobody had asked for.
fn closed_by_peer(stream: &mut TcpStream) -> bool {
    match stream.peek(&mut [0]) {
        Ok(_) => true,
        Err(e) => !matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted),
    }
}

/// The pid in a body `hello from PID`.
fn worker(body: &[u8]) -> Option<u32> {
    std::str::from_utf8(body)
        .ok()?
        .strip_prefix("hello from ")?
        .split_whitespace()
        .next()?
        .parse()
        .ok()
}
