//! Guards with tables of their own: the watch runs in the test, and the process that it waits
//! for is another.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::process::{Child, Command, Stdio};
use std::rc::Rc;

use ostler_poll::Poll;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::net::{
    AddressFamily, SendFlags, SocketFlags, SocketType, getpeername, send, socketpair,
};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};

use super::ledger::Note;
use super::watch::{Reason, watch};
use super::{Guard, Ledger, recover};

/// Something to wait for, which ends by itself.
fn process() -> (Child, OwnedFd) {
    let child = Command::new("true").spawn().unwrap();
    let pidfd = pidfd_open(Pid::from_child(&child), PidfdFlags::empty()).unwrap();
    (child, pidfd)
}

fn way() -> (OwnedFd, OwnedFd) {
    socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).unwrap()
}

struct Shop {
    door: TcpListener,
    clients: Vec<TcpStream>,
    conns: Vec<TcpStream>,
}

impl Shop {
    fn open(visitors: usize) -> Self {
        let door = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let at = door.local_addr().unwrap();
        let one = |_| (TcpStream::connect(at).unwrap(), door.accept().unwrap().0);
        let (clients, conns) = (0..visitors).map(one).unzip();
        Self { door, clients, conns }
    }

    fn fd(&self, number: usize) -> i32 {
        self.conns[number].as_raw_fd()
    }

    /// Which client is at the other end.
    fn client_of(&self, fd: &impl AsFd) -> usize {
        let peer = SocketAddr::try_from(getpeername(fd).unwrap().unwrap()).unwrap();
        self.clients.iter().position(|client| client.local_addr().unwrap() == peer).unwrap()
    }
}

/// What a successor finds, by client.
fn found(shop: &Shop, ends: Vec<OwnedFd>, ledger: &Ledger) -> BTreeMap<usize, Note> {
    let items =
        ends.into_iter().enumerate().map(|(at, end)| (format!("guard/{at}"), (Vec::new(), end)));
    let mut items: BTreeMap<_, _> =
        items.chain([("lock".to_owned(), (Vec::new(), process().1))]).collect();
    let (left, names) = recover(&mut items, ledger);
    assert_eq!(items.into_keys().collect::<Vec<_>>(), ["lock"]);
    assert!(names.iter().all(|name| name.starts_with("guard/")));
    assert_eq!(ledger.notes().count(), left.len(), "what was found is not noted again");
    left.iter().map(|left| (shop.client_of(&left.fd), left.note)).collect()
}

#[test]
fn what_was_accepted_comes_to_the_successor_with_what_is_known_of_it() {
    let shop = Shop::open(5);
    let ledger = Ledger::new().unwrap();
    for number in 0..4 {
        ledger.hold(shop.fd(number), 7);
    }
    ledger.send(shop.fd(1), 3, 99);
    ledger.send(shop.fd(2), 3, 98);
    ledger.hold(shop.fd(2), 8);
    ledger.clear(shop.fd(3));
    // It was accepted and not noted any more. (The one that was cleared is about to be closed; as
    // it is open and of the same socket, it cannot be told from that.)
    ledger.asking(shop.door.as_raw_fd(), 7);
    let (mut child, pidfd) = process();
    let (from, to) = way();
    watch(pidfd.as_raw_fd(), from.as_raw_fd(), &ledger);
    drop(from);
    let note = |listener, sent| Note { listener, sent };
    let expected = [
        (0, note(7, None)),
        (1, note(7, Some((3, 99)))),
        (2, note(8, None)),
        (3, note(7, None)),
        (4, note(7, None)),
    ];
    assert_eq!(found(&shop, vec![to], &Ledger::new().unwrap()), BTreeMap::from(expected));
    child.wait().unwrap();
}

#[test]
fn more_connections_than_one_message_holds_and_none_twice() {
    let shop = Shop::open(150);
    let ledger = Ledger::new().unwrap();
    for number in 0..150 {
        ledger.hold(shop.fd(number), 7);
    }
    ledger.asking(shop.door.as_raw_fd(), 7);
    ledger.asked();
    let (mut child, pidfd) = process();
    let ends = [way(), way()].map(|(from, to)| {
        watch(pidfd.as_raw_fd(), from.as_raw_fd(), &ledger);
        to
    });
    let found = found(&shop, ends.into(), &Ledger::new().unwrap());
    assert_eq!(found.keys().copied().collect::<Vec<_>>(), (0..150).collect::<Vec<_>>());
    child.wait().unwrap();
}

#[test]
fn a_guard_that_is_released_sends_although_the_daemon_lives() {
    let shop = Shop::open(1);
    let ledger = Ledger::new().unwrap();
    ledger.hold(shop.fd(0), 7);
    // A process that does not end before the watch has.
    let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
    let pidfd = pidfd_open(Pid::from_child(&child), PidfdFlags::empty()).unwrap();
    let (from, to) = way();
    send(&to, b"now", SendFlags::NOSIGNAL).unwrap();
    assert_eq!(watch(pidfd.as_raw_fd(), from.as_raw_fd(), &ledger), Reason::Release);
    drop(from);
    let found = found(&shop, vec![to], &Ledger::new().unwrap());
    assert_eq!(found, BTreeMap::from([(0, Note { listener: 7, sent: None })]));
    drop(child.stdin.take());
    child.wait().unwrap();
}

#[test]
fn a_dead_guard_is_reaped_and_replaced() {
    let mut guard = Guard::start(Rc::new(Poll::new().unwrap())).unwrap();
    let first = kill(&mut guard);
    assert!(guard.due.is_some() && guard.process.is_none());
    assert!(!std::path::Path::new(&format!("/proc/{first}")).exists(), "it was not reaped");
    guard.spawn();
    let second = guard.process.as_ref().unwrap().0;
    assert_ne!(first, second);
    kill(&mut guard);
}

#[test]
fn a_guard_that_is_ended_is_gone_and_not_replaced() {
    let mut guard = Guard::start(Rc::new(Poll::new().unwrap())).unwrap();
    let pid = guard.process.as_ref().unwrap().0;
    guard.end();
    assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists(), "it was not reaped");
    guard.on_exited();
    assert!(guard.due.is_none() && guard.process.is_none());
}

fn kill(guard: &mut Guard) -> Pid {
    let pid = guard.process.as_ref().unwrap().0;
    kill_process(pid, Signal::KILL).unwrap();
    poll(&mut [PollFd::new(&guard.process.as_ref().unwrap().1, PollFlags::IN)], None).unwrap();
    guard.on_exited();
    pid
}
