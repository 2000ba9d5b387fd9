//! An HTTP client that keeps asking, and says of every request how it ended.
//!
//! "Zero failed requests" means nothing unless refused, reset, unanswered, cut and late are told
//! apart, and unless the one case that HTTP excuses is named: a server may close an idle keep-alive
//! connection at any time, and a client whose request crosses that close may send it again (RFC
//! 9112 §9.3.1). That case is [`Outcome::KeepAliveRace`]. A connection seen closed *before* the
//! next request is written is not a request at all; it is counted in [`Report::idle_closes`].
//!
//! One thread drives all connections through `poll`; a closed loop: each connection asks, reads the
//! whole answer, thinks, and asks again.

mod answer;
mod conn;
mod report;

use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
use rustix::io::Errno;

use crate::wait::{timespec, wait_for};
use conn::Conn;
pub use report::{Figures, Outcome, Report, Sample};

/// The requests to make, and how. Times have the defaults of a patient client.
#[derive(Clone, Debug)]
#[must_use = "nothing is asked before `.start()` or `.requests()`"]
pub struct Load {
    pub(crate) addr: SocketAddr,
    pub(crate) path: String,
    pub(crate) keep_alive: bool,
    pub(crate) think: Duration,
    pub(crate) timeout: Duration,
    connections: usize,
}

impl Load {
    /// A client of the server at `addr`: 8 connections, kept alive, no think time, 20 s until a
    /// timeout, path `/`.
    pub fn to(addr: SocketAddr) -> Self {
        let timeout = Duration::from_secs(20);
        Self {
            addr,
            path: "/".to_owned(),
            keep_alive: true,
            think: Duration::ZERO,
            timeout,
            connections: 8,
        }
    }

    /// A client of 127.0.0.1 at `port`.
    pub fn to_port(port: u16) -> Self {
        Self::to(SocketAddr::from(([127, 0, 0, 1], port)))
    }

    /// A new connection for each request (`Connection: close`).
    pub fn connection_per_request(mut self) -> Self {
        self.keep_alive = false;
        self
    }

    /// This many connections at a time.
    pub fn connections(mut self, count: usize) -> Self {
        self.connections = count;
        self
    }

    /// Pause of each connection between an answer and its next request.
    pub fn think(mut self, pause: Duration) -> Self {
        self.think = pause;
        self
    }

    /// Time from the start of a request after which it counts as unanswered.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = limit;
        self
    }

    /// Path to ask for.
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    /// Begins to ask, until [`Running::stop`].
    pub fn start(self) -> Running {
        self.spawn(u64::MAX)
    }

    /// Asks this many times in all, and gives the report.
    #[track_caller]
    pub fn requests(self, count: u64) -> Report {
        let running = self.spawn(count);
        running.thread.join().expect("the load client does not panic")
    }

    fn spawn(self, count: u64) -> Running {
        let wake = Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).unwrap());
        let shared = Arc::new(Shared {
            stop: AtomicBool::new(false),
            answered: AtomicU64::new(0),
            ended: AtomicU64::new(0),
        });
        let began = Instant::now();
        let (theirs, bell) = (Arc::clone(&shared), Arc::clone(&wake));
        let thread = std::thread::spawn(move || drive(&self, count, began, &theirs, &bell));
        Running { shared, wake, began, thread }
    }
}

/// A client at work.
pub struct Running {
    shared: Arc<Shared>,
    wake: Arc<OwnedFd>,
    began: Instant,
    thread: JoinHandle<Report>,
}

struct Shared {
    stop: AtomicBool,
    answered: AtomicU64,
    ended: AtomicU64,
}

impl Running {
    /// Time since the client began: the clock of [`Sample::at`] and [`Report::window`].
    pub fn now(&self) -> Duration {
        self.began.elapsed()
    }

    /// Requests answered well so far.
    pub fn answered(&self) -> u64 {
        self.shared.answered.load(Ordering::Relaxed)
    }

    /// Requests that came to any end so far.
    pub fn ended(&self) -> u64 {
        self.shared.ended.load(Ordering::Relaxed)
    }

    /// Waits until `more` further requests were answered well.
    #[track_caller]
    pub fn wait_answered(&self, more: u64, limit: Duration) {
        let goal = self.answered() + more;
        wait_for(format_args!("{more} more answers"), limit, || {
            (goal <= self.answered()).then_some(())
        });
    }

    /// Sends no new request, waits for the answers to those under way, and reports.
    #[track_caller]
    pub fn stop(self) -> Report {
        self.shared.stop.store(true, Ordering::Relaxed);
        rustix::io::write(&*self.wake, &1_u64.to_ne_bytes()).unwrap();
        self.thread.join().expect("the load client does not panic")
    }
}

fn drive(load: &Load, count: u64, began: Instant, shared: &Shared, bell: &OwnedFd) -> Report {
    let mut report = Report::default();
    let mut conns: Vec<Conn> = (0..load.connections).map(|_| Conn::new(Instant::now())).collect();
    let mut left = count;
    loop {
        let now = Instant::now();
        let stopping = shared.stop.load(Ordering::Relaxed);
        for conn in &mut conns {
            if conn.due(now) {
                let may_begin = !stopping && 0 < left;
                let ended = report.samples.len();
                if conn.drive(load, began, may_begin, &mut report) {
                    left -= 1;
                }
                let new = &report.samples[ended..];
                let good = new.iter().filter(|s| s.outcome == Outcome::Ok).count();
                shared.answered.fetch_add(good as u64, Ordering::Relaxed);
                shared.ended.fetch_add(new.len() as u64, Ordering::Relaxed);
            }
        }
        if (stopping || left == 0) && conns.iter().all(Conn::is_idle) {
            report.took = began.elapsed();
            return report;
        }
        await_next(&mut conns, bell);
    }
}

/// Sleeps until a connection is ready or due, or the bell rings; marks the ready ones.
fn await_next(conns: &mut [Conn], bell: &OwnedFd) {
    let now = Instant::now();
    let wait =
        conns.iter().map(|c| c.wake_at().saturating_duration_since(now)).min().unwrap_or_default();
    let mut polled: Vec<usize> = Vec::with_capacity(conns.len());
    let mut fds = vec![PollFd::from_borrowed_fd(bell.as_fd(), PollFlags::IN)];
    for (i, conn) in conns.iter().enumerate() {
        if let Some((fd, flags)) = conn.interest() {
            fds.push(PollFd::from_borrowed_fd(fd, flags));
            polled.push(i);
        }
    }
    match poll(&mut fds, Some(&timespec(wait))) {
        Ok(_) | Err(Errno::INTR) => {}
        Err(e) => panic!("poll: {e}"),
    }
    let ready: Vec<bool> = fds.iter().skip(1).map(|fd| !fd.revents().is_empty()).collect();
    let rung = fds.first().is_some_and(|fd| !fd.revents().is_empty());
    if rung {
        let mut eight = [0; 8];
        // Rung once or more: either way it is silent again after one read.
        let _nonblocking = rustix::io::read(bell, &mut eight);
    }
    for (i, ready) in polled.into_iter().zip(ready) {
        conns[i].ready |= ready;
    }
}
