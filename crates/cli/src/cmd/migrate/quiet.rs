//! Keeps the other manager from taking connections.
//!
//! Problem: two managers take connections from one queue, and what PM2 takes it hands to a worker
//! that is about to end. It has no call by which it would stop. Rule: its event loop is not told
//! any more that somebody waits. The kernel knows an entry of an event loop by the open socket and
//! its number, so who has both under the same number may remove the entry, and put it back.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd as _, OwnedFd, RawFd};

use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::net::{getsockname, sockopt};
use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open};

use crate::sys::with_number;

/// Listening sockets of which another process's event loop does not hear.
#[derive(Debug)]
pub(super) struct Quiet(Vec<Entry>);

/// One of them.
#[derive(Debug)]
struct Entry {
    events: OwnedFd,
    socket: OwnedFd,
    /// The number that the socket has in the other process.
    number: RawFd,
}

impl Quiet {
    /// Keeps this process from taking connections at these TCP ports. Where that cannot be done,
    /// it goes on as before.
    pub(super) fn keep(pid: u32, ports: &BTreeSet<u16>) -> Self {
        Self(entries(pid, ports).unwrap_or_default())
    }

    /// Lets it take connections again.
    ///
    /// # Errors
    /// The kernel refuses; the process then takes none.
    pub(super) fn end(self) -> io::Result<()> {
        self.0.into_iter().try_for_each(|Entry { events, socket, number }| {
            // As libuv keeps it.
            let data = EventData::new_u64(u64::from(number.unsigned_abs()));
            let added = with_number(socket.as_fd(), number, |fd| {
                epoll::add(&events, fd, data, EventFlags::IN)
            });
            added?.map_err(io::Error::from)
        })
    }
}

fn entries(pid: u32, ports: &BTreeSet<u16>) -> Option<Vec<Entry>> {
    let process = i32::try_from(pid).ok().and_then(Pid::from_raw)?;
    let process = pidfd_open(process, PidfdFlags::empty()).ok()?;
    let take = |number: RawFd| pidfd_getfd(&process, number, PidfdGetfdFlags::empty()).ok();
    let (mut loops, mut sockets) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(format!("/proc/{pid}/fd")).ok()?.flatten() {
        let number = entry.file_name().to_str().and_then(|name| name.parse::<RawFd>().ok());
        let link = fs::read_link(entry.path()).ok();
        let (Some(number), Some(link)) = (number, link.as_deref().and_then(|link| link.to_str()))
        else {
            continue;
        };
        if link == "anon_inode:[eventpoll]" {
            loops.extend(take(number));
        } else if link.starts_with("socket:") {
            let socket = take(number).filter(|socket| listens_at(socket, ports));
            sockets.extend(socket.map(|socket| (socket, number)));
        }
    }
    let found = sockets.into_iter().filter_map(|(socket, number)| {
        let forget = |events: &&OwnedFd| {
            let forgotten = with_number(socket.as_fd(), number, |fd| epoll::delete(events, fd));
            matches!(forgotten, Ok(Ok(())))
        };
        let events = loops.iter().find(forget)?.try_clone().ok()?;
        Some(Entry { events, socket, number })
    });
    Some(found.collect())
}

fn listens_at(socket: &OwnedFd, ports: &BTreeSet<u16>) -> bool {
    let at = getsockname(socket).ok().and_then(|name| SocketAddr::try_from(name).ok());
    let listens = || sockopt::socket_acceptconn(socket) == Ok(true);
    at.is_some_and(|at| ports.contains(&at.port())) && listens()
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};
    use std::os::fd::AsRawFd as _;

    use rustix::event::{Timespec, epoll::CreateFlags};

    use super::*;

    #[test]
    fn an_event_loop_does_not_hear_of_a_socket_until_it_may_again() {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = socket.local_addr().unwrap();
        let events = epoll::create(CreateFlags::CLOEXEC).unwrap();
        let number = socket.as_raw_fd();
        let data = EventData::new_u64(u64::from(number.unsigned_abs()));
        epoll::add(&events, &socket, data, EventFlags::IN).unwrap();
        let heard = || {
            let mut list = Vec::with_capacity(4);
            let now = Timespec { tv_sec: 0, tv_nsec: 0 };
            epoll::wait(&events, rustix::buffer::spare_capacity(&mut list), Some(&now)).unwrap();
            list.len()
        };
        let quiet = Quiet::keep(std::process::id(), &BTreeSet::from([at.port()]));
        assert_eq!(quiet.0.len(), 1);
        let _client = TcpStream::connect(at).unwrap();
        assert_eq!(heard(), 0);
        quiet.end().unwrap();
        assert_eq!(heard(), 1);
    }
}
