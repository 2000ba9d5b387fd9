//! The order of notes, sends and closes, as a witness sees it.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use proptest::prelude::*;

use super::{Connections, Ledger, OrderError};
use crate::{ConnId, ListenerId, WorkerId};

/// What a successor would find at this instant.
#[derive(Debug, Default)]
struct Witness {
    open: BTreeSet<u32>,
    notes: BTreeMap<u32, (u64, Option<(u64, u64)>)>,
    asking: Option<(u32, u64)>,
    /// What happened, in short.
    log: Vec<String>,
}

impl Witness {
    /// No note is about a descriptor that is closed, whose number may be used again.
    fn check(&self) {
        assert!(self.notes.keys().all(|fd| self.open.contains(fd)), "{self:#?}");
    }
}

type Shared = Rc<RefCell<Witness>>;

/// A descriptor: lowest free number, as the kernel does it.
#[derive(Debug)]
struct Fd(u32, Shared);

impl Fd {
    fn open(witness: &Shared) -> Self {
        let mut inner = witness.borrow_mut();
        let number = (0..).find(|number| !inner.open.contains(number)).unwrap();
        inner.open.insert(number);
        inner.log.push(format!("open {number}"));
        Self(number, Rc::clone(witness))
    }
}

impl Drop for Fd {
    fn drop(&mut self) {
        let mut witness = self.1.borrow_mut();
        witness.open.remove(&self.0);
        witness.log.push(format!("close {}", self.0));
        witness.check();
    }
}

impl Ledger<Fd> for RefCell<Witness> {
    fn asking(&self, socket: &Fd, listener: ListenerId) {
        self.borrow_mut().asking = Some((socket.0, listener.0));
        self.borrow_mut().log.push(format!("asking {} {}", socket.0, listener.0));
    }

    fn asked(&self) {
        self.borrow_mut().asking = None;
        self.borrow_mut().log.push("asked".to_owned());
    }

    fn hold(&self, conn: &Fd, listener: ListenerId) {
        self.borrow_mut().notes.insert(conn.0, (listener.0, None));
        self.borrow_mut().log.push(format!("hold {} {}", conn.0, listener.0));
    }

    fn send(&self, conn: &Fd, worker: WorkerId, seq: u64) {
        self.borrow_mut().notes.get_mut(&conn.0).unwrap().1 = Some((worker.0, seq));
        self.borrow_mut().log.push(format!("send {} w{} {seq}", conn.0, worker.0));
    }

    fn clear(&self, conn: &Fd) {
        self.borrow_mut().notes.remove(&conn.0).expect("cleared what was not noted");
        self.borrow_mut().log.push(format!("clear {}", conn.0));
    }
}

struct World {
    witness: Shared,
    socket: Fd,
    conns: Connections<Fd, Shared>,
}

impl World {
    fn new() -> Self {
        let witness = Shared::default();
        let socket = Fd::open(&witness);
        let conns = Connections::new(Rc::clone(&witness));
        witness.borrow_mut().log.clear();
        Self { witness, socket, conns }
    }

    fn accept(&mut self) -> ConnId {
        let witness = Rc::clone(&self.witness);
        let take = |socket: &Fd| {
            assert_eq!(witness.borrow().asking, Some((socket.0, 7)), "taken before it was noted");
            Ok::<_, ()>((Fd::open(&witness), ()))
        };
        self.conns.accepted(ListenerId(7), &self.socket, take).unwrap().0
    }

    #[track_caller]
    fn check(&self, expected: &[&str]) {
        let log = std::mem::take(&mut self.witness.borrow_mut().log);
        assert_eq!(log, expected);
    }
}

#[test]
fn a_connection_is_noted_at_each_step_before_it_is_taken() {
    let mut world = World::new();
    let conn = world.accept();
    world.check(&["asking 0 7", "open 1", "hold 1 7", "asked"]);
    assert!(!world.conns.is_empty());
    assert_eq!(world.conns.sent(conn, WorkerId(3), 99).unwrap().0, 1);
    world.check(&["send 1 w3 99"]);
    world.conns.acknowledged(conn).unwrap();
    world.check(&["clear 1", "close 1"]);
    assert!(world.conns.is_empty());
}

#[test]
fn a_socket_with_nobody_at_it_is_not_asked_any_more() {
    let mut world = World::new();
    let result =
        world.conns.accepted(ListenerId(7), &world.socket, |_| Err::<(Fd, ()), _>("AGAIN"));
    assert_eq!(result.unwrap_err(), "AGAIN");
    world.check(&["asking 0 7", "asked"]);
    assert_eq!(world.conns.len(), 0);
}

#[test]
fn refused_it_is_sent_to_another_and_turned_away_it_is_forgotten() {
    let mut world = World::new();
    let conn = world.accept();
    world.conns.sent(conn, WorkerId(1), 10).unwrap();
    world.conns.sent(conn, WorkerId(2), 11).unwrap();
    world.conns.closed(conn).unwrap();
    world.check(&[
        "asking 0 7",
        "open 1",
        "hold 1 7",
        "asked",
        "send 1 w1 10",
        "send 1 w2 11",
        "clear 1",
        "close 1",
    ]);
}

#[test]
fn what_was_not_sent_cannot_be_acknowledged_and_stays() {
    let mut world = World::new();
    let conn = world.accept();
    assert_eq!(world.conns.acknowledged(conn), Err(OrderError::NotSent(conn)));
    assert_eq!(world.conns.len(), 1);
    assert_eq!(world.witness.borrow().notes.len(), 1);
    world.conns.closed(conn).unwrap();
    let gone = OrderError::Unknown(conn);
    assert_eq!(world.conns.acknowledged(conn), Err(gone));
    assert_eq!(world.conns.closed(conn), Err(gone));
    assert_eq!(world.conns.sent(conn, WorkerId(1), 1).unwrap_err(), gone);
    assert_eq!(gone.to_string(), "connection 1 is not held here");
    let early = OrderError::NotSent(conn).to_string();
    assert_eq!(early, "connection 1 was acknowledged before it was sent");
}

#[test]
fn a_connection_of_our_own_is_never_noted() {
    let mut world = World::new();
    let conn = world.conns.unnoted(Fd::open(&world.witness));
    world.conns.sent(conn, WorkerId(3), 99).unwrap();
    world.conns.acknowledged(conn).unwrap();
    world.check(&["open 1", "close 1"]);
}

#[test]
fn a_recovered_connection_has_its_note_and_may_be_acknowledged() {
    let mut world = World::new();
    for was_sent in [true, false] {
        let fd = Fd::open(&world.witness);
        world.witness.hold(&fd, ListenerId(7));
        let conn = world.conns.recovered(fd, was_sent);
        assert_eq!(world.conns.acknowledged(conn).is_ok(), was_sent);
        assert_eq!(world.conns.closed(conn).is_ok(), !was_sent);
    }
    assert!(world.conns.ledger().borrow().notes.is_empty());
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Accept,
    Own,
    Sent(u64),
    Acknowledged(u64),
    Closed(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Accept),
        1 => Just(Step::Own),
        6 => (1..20_u64).prop_map(Step::Sent),
        4 => (1..20_u64).prop_map(Step::Acknowledged),
        2 => (1..20_u64).prop_map(Step::Closed),
    ]
}

proptest! {
    /// Whatever the owner does, in whatever order: a successor finds every connection that is open
    /// and public, with the last worker that it may have gone to, and nothing else.
    #[test]
    fn the_ledger_is_right_at_every_instant(steps in proptest::collection::vec(step(), 0..80)) {
        let mut world = World::new();
        let mut model: BTreeMap<ConnId, (bool, Option<u64>)> = BTreeMap::new();
        for (seq, step) in (0..).zip(steps) {
            match step {
                Step::Accept => {
                    let conn = world.accept();
                    model.insert(conn, (true, None));
                }
                Step::Own => {
                    let conn = world.conns.unnoted(Fd::open(&world.witness));
                    model.insert(conn, (false, None));
                }
                Step::Sent(id) => {
                    let sent = world.conns.sent(ConnId(id), WorkerId(id), seq).is_ok();
                    prop_assert_eq!(sent, model.contains_key(&ConnId(id)));
                    model.entry(ConnId(id)).and_modify(|conn| conn.1 = Some(seq));
                }
                Step::Acknowledged(id) => {
                    let known = model.get(&ConnId(id)).is_some_and(|conn| conn.1.is_some());
                    prop_assert_eq!(world.conns.acknowledged(ConnId(id)).is_ok(), known);
                    if known {
                        model.remove(&ConnId(id));
                    }
                }
                Step::Closed(id) => {
                    let known = model.remove(&ConnId(id)).is_some();
                    prop_assert_eq!(world.conns.closed(ConnId(id)).is_ok(), known);
                }
            }
            let witness = world.witness.borrow();
            witness.check();
            let mut noted: Vec<_> = witness.notes.values().map(|(_, sent)| *sent).collect();
            let public = model.iter().filter(|(_, (public, _))| *public);
            let mut expected: Vec<_> =
                public.map(|(id, (_, seq))| seq.map(|seq| (id.0, seq))).collect();
            noted.sort_unstable();
            expected.sort_unstable();
            prop_assert_eq!(noted, expected);
            // And the socket itself.
            prop_assert_eq!(witness.open.len(), model.len() + 1);
        }
        for conn in model.into_keys() {
            world.conns.closed(conn).unwrap();
        }
    }
}
