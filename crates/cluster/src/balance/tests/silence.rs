//! A worker that does not answer: its program hangs.

use std::collections::VecDeque;

use super::harness::{MAIN, World, serving};
use crate::balance::Policy;
use crate::{ConnId, ListenerId, WorkerId};

/// Workers that answer for each connection once so many clients wait, and worker 0,
/// which never does.
struct Clients {
    world: World,
    next: u64,
    waiting: VecDeque<(u64, u64)>,
}

impl Clients {
    fn of(policy: Policy, workers: u32) -> Self {
        Self { world: serving(policy, 8, workers), next: 0, waiting: VecDeque::new() }
    }

    /// So many clients ask `times` times in all, each when it was answered.
    fn ask(&mut self, clients: usize, times: usize) {
        let hung = |world: &World| world.balance.in_flight(WorkerId(0));
        for _ in 0..times {
            if clients <= hung(&self.world) + self.waiting.len()
                && let Some((worker, conn)) = self.waiting.pop_front()
            {
                let words = self.world.takes(worker, conn);
                self.note(&words);
            }
            assert!(hung(&self.world) < clients, "every client hangs");
            self.next += 1;
            let words = self.world.accepted(self.next);
            self.note(&words);
        }
    }

    fn note(&mut self, words: &str) {
        for (conn, worker) in words.split(", ").filter_map(|word| word.split_once('>')) {
            if worker != "0" {
                self.waiting.push_back((worker.parse().unwrap(), conn.parse().unwrap()));
            }
        }
    }
}

const IN_TURN: [Policy; 2] = [Policy::RoundRobin, Policy::Shared];

#[test]
fn a_hung_worker_takes_one_connection_at_low_load_and_the_others_stay_even() {
    for policy in IN_TURN {
        let mut clients = Clients::of(policy, 4);
        clients.ask(2, 301);
        let handed: Vec<_> = (0..4).map(|worker| clients.world.handed(worker)).collect();
        assert_eq!(handed, [1, 100, 100, 100]);
    }
}

#[test]
fn a_hung_worker_takes_no_connections_of_each_round() {
    for policy in IN_TURN {
        let mut clients = Clients::of(policy, 4);
        clients.ask(8, 1000);
        assert_eq!(clients.world.handed(0), 2, "as many as each had when nobody had answered");
    }
}

#[test]
fn a_silent_worker_is_passed_over_until_it_answers_also_while_the_others_are_full() {
    let mut clients = Clients::of(Policy::RoundRobin, 4);
    // So many clients that everybody always has several, the hung one too.
    clients.ask(16, 500);
    let world = &mut clients.world;
    let taken = world.handed(0);
    assert!(taken < 8, "its window never filled");
    let mut conn = 10_000;
    while world.balance.waiting() == 0 {
        conn += 1;
        world.accepted(conn);
    }
    assert_eq!(world.handed(0), taken);
    assert!(world.takes(0, 1).contains(&format!("{conn}>0")), "one word, and it has its turn");
    assert_eq!(world.handed(0), taken + 1);
}

#[test]
fn rotation_is_exact_although_every_answer_is_late() {
    let mut world = serving(Policy::RoundRobin, 8, 3);
    for conn in 0..60 {
        assert_eq!(world.give(conn, 0), conn % 3);
        if let Some(late) = conn.checked_sub(2) {
            world.takes(late % 3, late);
        }
    }
}

#[test]
fn a_listener_is_left_alone_when_its_only_worker_falls_silent() {
    let mut world = serving(Policy::RoundRobin, 8, 2);
    world.balance.add_listener(ListenerId(8), Policy::RoundRobin);
    world.balance.join(ListenerId(8), WorkerId(0), 0);
    assert_eq!(world.take(), "+8");
    assert_eq!(world.give(1, 0), 0);
    for conn in 2..18 {
        assert_eq!(world.give(conn, 0), 1);
        assert_eq!(
            world.takes(1, conn),
            if conn < 17 { format!("{conn} taken") } else { format!("{conn} taken, -8") }
        );
    }
    assert_eq!(world.takes(0, 1), "1 taken, +8");
}

#[test]
fn what_a_hung_worker_has_goes_to_others_when_it_is_gone_and_not_before() {
    let mut clients = Clients::of(Policy::RoundRobin, 2);
    clients.ask(2, 100);
    let world = &mut clients.world;
    assert_eq!(world.balance.in_flight(WorkerId(0)), 1);
    assert_eq!(world.dies(0), "1>1");
}

#[test]
fn a_word_about_what_did_not_arrive_ends_the_silence() {
    for word in ["missed", "unsure", "settled"] {
        let mut clients = Clients::of(Policy::RoundRobin, 2);
        clients.ask(3, 100);
        let world = &mut clients.world;
        world.balance.leave(MAIN, WorkerId(1));
        assert_eq!(world.take(), "-7", "the one that is left is silent");
        let (now, worker) = (world.now, WorkerId(0));
        match word {
            "missed" => world.balance.handle_missed(now, worker, ConnId(1)),
            "unsure" => world.balance.handle_unsure(worker),
            _ => world.balance.handle_settled(now, worker, &[]),
        }
        let words = world.take() + &world.wait_if_due();
        assert!(words.contains("+7"), "{word}: {words}");
    }
}

#[test]
fn a_slow_worker_is_not_silent_where_all_are_slow() {
    let mut world = serving(Policy::RoundRobin, 4, 3);
    for conn in 0..12 {
        world.accepted(conn);
    }
    // Each answers for a whole window before the next does.
    for round in 0..20 {
        for worker in 0..3 {
            for place in 0..4 {
                world.takes(worker, 12 * round + 3 * place + worker);
            }
        }
        for conn in 12 * (round + 1)..12 * (round + 2) {
            world.accepted(conn);
        }
        assert_eq!(world.balance.waiting(), 0);
    }
}

#[test]
fn sticky_clients_of_a_silent_worker_wait_a_second_and_go_elsewhere() {
    let mut world = serving(Policy::Sticky, 8, 2);
    let own = world.give(0, 5);
    let other = (0..100).find(|peer| serving(Policy::Sticky, 8, 2).give(0, *peer) != own).unwrap();
    for conn in 1..17 {
        assert_eq!(world.give(conn, other), 1 - own);
        world.takes(1 - own, conn);
    }
    assert_eq!(world.accepted_from(20, 5), "", "it waits for its own worker");
    assert_eq!(world.wait(), format!("20>{}", 1 - own));
    world.takes(1 - own, 20);
    assert_eq!(world.give(21, 5), 1 - own);
    world.takes(own, 0);
    assert_eq!(world.give(22, 5), own);
}

#[test]
fn a_hung_worker_takes_one_connection_of_its_own_clients() {
    let mut world = serving(Policy::Sticky, 8, 3);
    let own = world.give(0, 5);
    for conn in 1..20 {
        assert_eq!(world.accepted_from(conn, 5), "", "it waits for an answer to the first");
    }
    // Nobody else answers for anything meanwhile: time alone tells.
    let words = world.wait();
    assert_eq!(words.split(", ").filter(|word| word.ends_with(&format!(">{own}"))).count(), 0);
    assert_eq!((world.handed(own), world.balance.in_flight(WorkerId(own))), (1, 1));
    // Those go to the others, as fast as these answer.
    let mut handed: VecDeque<(u64, u64)> = VecDeque::new();
    let note = |handed: &mut VecDeque<(u64, u64)>, words: &str| {
        let hands = words.split(", ").filter_map(|word| word.split_once('>'));
        handed.extend(hands.map(|(conn, to)| (conn.parse().unwrap(), to.parse().unwrap())));
    };
    note(&mut handed, &words);
    let mut served = 0;
    while let Some((conn, worker)) = handed.pop_front() {
        assert_ne!(worker, own);
        served += 1;
        let words = world.takes(worker, conn);
        note(&mut handed, &words);
    }
    assert_eq!((served, world.balance.waiting()), (19, 0));
    assert_ne!(world.give(20, 5), own, "nobody waits for it any more");
    // One word, and its clients come back.
    world.takes(own, 0);
    assert_eq!(world.give(21, 5), own);
}

#[test]
fn a_sticky_worker_that_answers_is_given_its_whole_window() {
    let mut world = serving(Policy::Sticky, 8, 2);
    let own = world.give(0, 5);
    for conn in 1..64 {
        world.accepted_from(conn, 5);
    }
    for conn in 0..7 {
        world.takes(own, conn);
        assert_eq!(world.balance.in_flight(WorkerId(own)), usize::try_from(conn).unwrap() + 2);
    }
    assert_eq!(world.balance.in_flight(WorkerId(own)), 8);
}

#[test]
fn a_worker_that_owes_nothing_does_not_fall_silent() {
    let mut world = serving(Policy::RoundRobin, 8, 2);
    world.blocked(0, true);
    for conn in 0..100 {
        assert_eq!(world.give(conn, 0), 1);
        world.takes(1, conn);
    }
    world.blocked(0, false);
    assert_eq!((world.give(100, 0), world.give(101, 0)), (0, 1));
}
