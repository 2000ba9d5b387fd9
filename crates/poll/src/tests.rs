use std::io::{PipeReader, PipeWriter, Read as _, Write as _, pipe};
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::event::{EventfdFlags, epoll, eventfd};
use rustix::time::Timespec;

use super::*;
use crate::poll::timeout;

/// Longer than anything here takes; only a failing test waits that long.
const PATIENCE: u64 = 20_000;

struct Set {
    poll: Poll<u64>,
    events: Events<u64>,
}

impl Set {
    fn new() -> Self {
        Self { poll: Poll::new().unwrap(), events: Events::with_capacity(8) }
    }

    fn watch(&self, token: u64, interest: Interest) -> (Watched<PipeReader>, PipeWriter) {
        let (read, write) = pipe().unwrap();
        (self.poll.watch(read, token, interest).unwrap(), write)
    }

    /// A pipe under token 1 that the kernel refuses to watch, as when memory is short, since it
    /// has it already; and what must give it up.
    fn refused(&self) -> (Watched<PipeReader>, PipeWriter, Arc<set::Set>) {
        let (read, write) = pipe().unwrap();
        let kernel = Arc::clone(&self.poll.set);
        let data = epoll::EventData::new_u64(u64::MAX);
        epoll::add(&kernel.epoll, &read, data, epoll::EventFlags::empty()).unwrap();
        (self.poll.unwatched(read, 1), write, kernel)
    }

    /// The tokens of the events that come by the deadline.
    fn wait(&mut self, by: u64) -> Vec<u64> {
        self.poll.wait(&mut self.events, Some(by)).unwrap();
        self.events.iter().map(|event| event.token).collect()
    }

    /// What is ready at this moment.
    fn ready(&mut self) -> Vec<u64> {
        self.wait(0)
    }
}

#[test]
fn a_level_is_reported_until_it_is_read_and_an_edge_once() {
    let mut set = Set::new();
    let (level, mut to_level) = set.watch(1, Interest::READ);
    let (_edge, mut to_edge) = set.watch(2, Interest::READ.edge());
    assert_eq!(set.ready(), []);
    to_level.write_all(b"x").unwrap();
    to_edge.write_all(b"x").unwrap();
    assert_eq!(set.ready(), [1, 2]);
    assert_eq!(set.ready(), [1]);
    (&*level).read_exact(&mut [0]).unwrap();
    assert_eq!(set.ready(), []);
    to_edge.write_all(b"y").unwrap();
    assert_eq!(set.ready(), [2]);
}

#[test]
fn an_edge_is_reported_again_to_who_looks_again() {
    let mut set = Set::new();
    let (mut edge, mut to_edge) = set.watch(2, Interest::READ.edge());
    edge.look_again().unwrap();
    assert_eq!(set.ready(), [], "nothing is there");
    to_edge.write_all(b"x").unwrap();
    assert_eq!((set.ready(), set.ready()), (vec![2], vec![]));
    edge.look_again().unwrap();
    assert_eq!((set.ready(), set.ready()), (vec![2], vec![]));
}

#[test]
fn a_dropped_descriptor_is_out_of_the_set_although_a_duplicate_is_open() {
    let mut set = Set::new();
    let (watched, mut write) = set.watch(1, Interest::READ);
    let duplicate = watched.try_clone().unwrap();
    drop(watched);
    write.write_all(b"x").unwrap();
    assert_eq!(set.ready(), [], "epoll itself would report it as long as the duplicate lives");
    // The duplicate can be watched anew, also under the number of the closed one.
    let _watched = set.poll.watch(duplicate, 2, Interest::READ).unwrap();
    assert_eq!(set.ready(), [2]);
}

#[test]
fn a_replaced_descriptor_is_out_of_the_set() {
    let mut set = Set::new();
    let (mut watched, mut old) = set.watch(1, Interest::READ);
    let _duplicate = watched.try_clone().unwrap();
    old.write_all(b"x").unwrap();
    let (other, mut new) = set.watch(2, Interest::READ);
    watched = other;
    assert_eq!(set.ready(), []);
    new.write_all(b"x").unwrap();
    assert_eq!(set.ready(), [2]);
    drop(watched);
}

#[test]
fn a_poll_may_go_before_what_it_watches() {
    let set = Set::new();
    let (watched, _write) = set.watch(1, Interest::READ);
    drop(set);
    drop(watched);
}

#[test]
fn interest_changes_and_pauses() {
    let mut set = Set::new();
    let (read, write) = pipe().unwrap();
    let mut write = set.poll.unwatched(write, 1);
    assert_eq!((set.ready(), write.interest()), (vec![], None));
    write.set(Interest::WRITE).unwrap();
    write.set(Interest::WRITE).unwrap();
    assert_eq!(set.ready(), [1]);
    write.set(Interest::HANGUP).unwrap();
    assert_eq!(set.ready(), []);
    drop(read);
    assert_eq!(set.ready(), [1], "the loss of the other side is told always");
    let ready = set.events.iter().next().unwrap().ready;
    assert!(ready.is_writable() && ready.is_readable());
    write.unset();
    assert_eq!((set.ready(), write.interest()), (vec![], None));
    write.set(Interest::READ | Interest::WRITE).unwrap();
    assert_eq!(set.ready(), [1]);
}

#[test]
fn what_cannot_be_polled_is_an_error() {
    let set = Set::new();
    let file = std::fs::File::open("/proc/self/exe").unwrap();
    let error = set.poll.watch(file, 1, Interest::READ).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::PermissionDenied);
}

#[test]
fn readiness_says_what_a_call_would_do() {
    let mut set = Set::new();
    let (_read, write) = set.watch(1, Interest::READ);
    drop(write);
    assert_eq!(set.ready(), [1]);
    let ready = set.events.iter().next().unwrap().ready;
    assert!(ready.is_readable() && ready.is_hangup(), "{ready:?}");
}

#[test]
fn more_events_than_there_is_room_for_come_with_the_next_wait() {
    let mut set = Set::new();
    let ends: Vec<_> = (0..20).map(|token| set.watch(token, Interest::READ.edge())).collect();
    for (_, write) in &ends {
        (&*write).write_all(b"x").unwrap();
    }
    let mut seen = Vec::new();
    for expected in [8, 8, 4, 0] {
        let tokens = set.ready();
        assert_eq!(tokens.len(), expected);
        seen.extend(tokens);
    }
    seen.sort_unstable();
    assert_eq!(seen, (0..20).collect::<Vec<_>>());
}

#[test]
fn every_wake_ends_a_wait_and_none_waits_for_a_reader() {
    let mut set = Set::new();
    let waker = Waker::new(&set.poll, 9).unwrap();
    for _ in 0..3 {
        waker.wake();
        waker.wake();
        assert_eq!(set.ready(), [9]);
        assert_eq!(set.ready(), []);
    }
    let other = waker.clone();
    let thread = std::thread::spawn(move || other.wake());
    assert_eq!(set.wait(now() + PATIENCE), [9]);
    thread.join().unwrap();
    waker.wake();
    assert_eq!(set.ready(), [9], "a clone that is gone takes nothing with it");
}

#[test]
fn a_full_counter_is_woken_from_as_well() {
    // As the waker does it: a write that does not fit empties the counter first.
    let counter: OwnedFd = eventfd(0, EventfdFlags::NONBLOCK).unwrap();
    rustix::io::write(&counter, &(u64::MAX - 1).to_ne_bytes()).unwrap();
    assert!(rustix::io::write(&counter, &1_u64.to_ne_bytes()).is_err());
    let mut set = Set::new();
    let waker = Waker::from_counter(&set.poll, counter, 1).unwrap();
    assert_eq!(set.ready(), [1]);
    waker.wake();
    assert_eq!(set.ready(), [1]);
}

#[test]
fn a_wait_ends_at_its_deadline_and_not_before() {
    let mut set = Set::new();
    let by = now() + 20;
    assert_eq!(set.wait(by), []);
    assert!(now() >= by);
}

#[test]
fn timeouts_are_rounded_up_to_milliseconds() {
    let check = |at, now: (i64, i64), expected: (i64, i64)| {
        let left = timeout(at, Timespec { tv_sec: now.0, tv_nsec: now.1 });
        assert_eq!((left.tv_sec, left.tv_nsec), expected);
    };
    check(1000, (1, 0), (0, 0));
    check(1000, (0, 999_999_999), (0, 1_000_000));
    check(1000, (0, 999_000_000), (0, 1_000_000));
    check(1000, (0, 998_999_999), (0, 2_000_000));
    check(1000, (7, 0), (0, 0));
    check(61_500, (0, 0), (61, 500_000_000));
    check(u64::MAX, (0, 0), (2_147_483, 647_000_000));
}

#[test]
fn kind_and_number_survive_the_packing() {
    for (kind, number) in [(0, 0), (3, 7), (255, (1 << 56) - 1)] {
        assert_eq!(unpack(pack(kind, number)), (kind, number));
    }
}

#[test]
fn what_cannot_be_watched_is_watched_by_a_later_wait() {
    let mut set = Set::new();
    let (mut read, mut write, kernel) = set.refused();
    assert!(read.set(Interest::READ).is_err());
    read.set_or_owe(Interest::READ).unwrap();
    read.set(Interest::READ.edge()).unwrap();
    read.look_again().unwrap();
    write.write_all(b"x").unwrap();
    let began = now();
    set.poll.wait(&mut set.events, None).unwrap();
    assert!(began + 90 <= now(), "a wait without an end has one while something is owed");
    assert_eq!((set.ready(), read.interest()), (vec![], Some(Interest::READ.edge())));
    epoll::delete(&kernel.epoll, &read).unwrap();
    assert_eq!((set.ready(), set.ready()), (vec![1], vec![]));
    read.look_again().unwrap();
    assert_eq!(set.ready(), [1]);
}

#[test]
fn what_is_closed_is_owed_no_more() {
    let mut set = Set::new();
    let (mut read, mut write, kernel) = set.refused();
    read.set_or_owe(Interest::READ).unwrap();
    epoll::delete(&kernel.epoll, &read).unwrap();
    let duplicate = read.try_clone().unwrap();
    drop(read);
    write.write_all(b"x").unwrap();
    assert_eq!((set.ready(), kernel.has_owed()), (vec![], false));
    drop(duplicate);
    let mut file = set.poll.unwatched(std::fs::File::open("/proc/self/exe").unwrap(), 2);
    let refused = file.set_or_owe(Interest::READ).unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::PermissionDenied, "it is a regular file");
}
