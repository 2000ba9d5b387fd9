//! The loop: connections arrive, are driven when something can be done, and are given up when they
//! take too long.

use std::collections::BTreeMap;
use std::io;
use std::net::TcpListener;
use std::os::fd::OwnedFd;

use ostler_poll::{Events, Interest, Poll, Watched, now};
use rustix::process::{Resource, getrlimit};

use crate::connection::{Connection, Turn};
use crate::log::Log;
use crate::settings::Settings;
use crate::site::Site;

/// The most connections, where descriptors do not set a lower limit.
const MOST: u64 = 4096;

/// Descriptors that are none of a connection's.
const OTHERS: u64 = 24;

/// A connection on which nothing has moved for so long makes room for another, in ms.
const STALE: u64 = 5_000;

/// How long is waited for room or descriptors before connections are accepted again.
const PAUSE: u64 = 100;

/// How many connections are accepted in a turn.
const ACCEPTED: u32 = 64;

/// How long who was just accepted has for a request when the server ends.
const LAST: u64 = 500;

const LISTENER: u64 = 0;
const SIGNALS: u64 = 1;

/// A server that listens.
#[derive(Debug)]
pub(crate) struct Server {
    poll: Poll<u64>,
    /// `None` when it ends.
    listener: Option<Watched<TcpListener>>,
    signals: Watched<OwnedFd>,
    site: Site,
    connections: BTreeMap<u64, Connection>,
    /// No number is used twice.
    next: u64,
    most: usize,
    /// Until when nothing is accepted.
    paused: Option<u64>,
}

impl Server {
    /// Listens on the address of the settings.
    pub(crate) fn listen(settings: Settings, signals: OwnedFd) -> Result<Self, String> {
        let listener = TcpListener::bind(settings.address)
            .and_then(|listener| listener.set_nonblocking(true).map(|()| listener))
            .map_err(|error| format!("cannot listen on {}: {error}", settings.address))?;
        let poll = Poll::new().map_err(|error| format!("cannot make a poll: {error}"))?;
        let watch = |error| format!("cannot wait for connections: {error}");
        let listener = poll.watch(listener, LISTENER, Interest::READ).map_err(watch)?;
        let signals = poll.watch(signals, SIGNALS, Interest::READ).map_err(watch)?;
        // Each connection may have a file open.
        let descriptors = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        let most = (descriptors.saturating_sub(OTHERS) / 2).clamp(1, MOST);
        Ok(Self {
            poll,
            listener: Some(listener),
            signals,
            site: Site::new(settings),
            connections: BTreeMap::new(),
            next: SIGNALS + 1,
            most: usize::try_from(most).unwrap_or(1),
            paused: None,
        })
    }

    /// Returns what it serves.
    pub(crate) fn settings(&self) -> &Settings {
        &self.site.settings
    }

    #[cfg(test)]
    pub(crate) fn address(&self) -> std::net::SocketAddr {
        self.listener.as_ref().unwrap().local_addr().unwrap()
    }

    #[cfg(test)]
    pub(crate) fn limit(&mut self, most: usize) {
        self.most = most;
    }

    /// Serves until a signal came and every answer is sent.
    pub(crate) fn run(mut self, log: &mut Log) -> io::Result<()> {
        let mut events = Events::with_capacity(256);
        while self.listener.is_some() || !self.connections.is_empty() {
            self.poll.wait(&mut events, self.deadline())?;
            let at = now();
            for event in events.iter() {
                match event.token {
                    LISTENER => self.accept(at, log),
                    SIGNALS => self.end(at, log),
                    number => self.drive(number, at, log),
                }
            }
            self.expire(at);
        }
        Ok(())
    }

    fn deadline(&self) -> Option<u64> {
        let connections = self.connections.values().map(|connection| connection.deadline);
        connections.chain(self.paused).min()
    }

    fn accept(&mut self, at: u64, log: &mut Log) {
        for _ in 0..ACCEPTED {
            if self.paused.is_some() || self.listener.is_none() {
                return;
            }
            if self.connections.len() >= self.most && !self.make_room(at) {
                return self.pause(at);
            }
            let Some(listener) = &self.listener else { return };
            let socket = match listener.accept() {
                Ok((socket, _)) => socket,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                // The client has gone again.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => continue,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    log.error(&format!("cannot accept a connection: {error}"));
                    return self.pause(at);
                }
            };
            let number = self.next;
            let watched = socket
                .set_nonblocking(true)
                .and_then(|()| socket.set_nodelay(true))
                .and_then(|()| self.poll.watch(socket, number, Interest::READ));
            match watched {
                Ok(socket) => {
                    self.next += 1;
                    self.connections.insert(number, Connection::new(socket, at));
                    self.drive(number, at, log);
                }
                Err(error) => log.error(&format!("cannot take a connection: {error}")),
            }
        }
    }

    /// Gives the connection up on which nothing has moved for the longest time, if it is long.
    fn make_room(&mut self, at: u64) -> bool {
        let oldest = self.connections.iter().min_by_key(|(_, of)| (!of.is_done(), of.moved));
        let stale = |of: &Connection| of.is_done() || STALE < at.saturating_sub(of.moved);
        let Some(number) = oldest.filter(|(_, of)| stale(of)).map(|(number, _)| *number) else {
            return false;
        };
        self.connections.remove(&number).is_some()
    }

    fn pause(&mut self, at: u64) {
        if let Some(listener) = &mut self.listener {
            listener.unset();
            self.paused = Some(at + PAUSE);
        }
    }

    fn drive(&mut self, number: u64, at: u64, log: &mut Log) {
        let Some(connection) = self.connections.get_mut(&number) else { return };
        let ends = self.listener.is_none();
        let mut turn = Turn { site: &mut self.site, log, now: at, ends };
        let goes_on = connection.drive(&mut turn);
        if !goes_on || ends && connection.is_done() {
            self.connections.remove(&number);
        }
    }

    /// Accepts who has come so far, and nobody after.
    fn end(&mut self, at: u64, log: &mut Log) {
        if self.listener.is_none() {
            return;
        }
        self.accept(at, log);
        self.listener = None;
        self.paused = None;
        self.signals.unset();
        self.connections.retain(|_, connection| !connection.is_done());
        for connection in self.connections.values_mut().filter(|of| of.has_asked_nothing()) {
            connection.deadline = connection.deadline.min(at + LAST);
        }
    }

    fn expire(&mut self, at: u64) {
        self.connections.retain(|_, connection| at < connection.deadline);
        if self.paused.is_some_and(|until| until <= at) {
            self.paused = None;
            if let Some(listener) = &mut self.listener
                && listener.set(Interest::READ).is_err()
            {
                self.paused = Some(at + PAUSE);
            }
        }
    }
}
