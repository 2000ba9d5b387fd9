//! Random histories: users who change their minds, runs that crash, reports that come late, doubled
//! or never meant us.

use std::collections::BTreeSet;

use ostler_core::spec::Readiness;
use ostler_core::{Event, Exit, Phase, ProcId, ReloadOptions, Role, RunId, SpecId};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::world::{Nature, World};

/// One step of a history.
#[derive(Clone, Debug)]
pub enum Move {
    User(u8, u32),
    /// What it depends on is not there, or is.
    Hold(u32, bool),
    /// Nobody wants its worker, or somebody wants it.
    Sleep(u32, bool),
    Reload(u32, bool, bool),
    Promote(bool),
    Crash(u64),
    /// The health of a run is lost.
    Sick(u64),
    /// Somebody looked at the run's memory.
    Measure(u64, u64),
    Deliver(u8),
    Stale(u8, u64),
    Wait(u64),
    /// Time goes by and what is due is told first, before reports that are on their way.
    Late(u64),
    /// The next report comes twice.
    Double,
    /// A later report comes first.
    Delay(u8),
    /// The memory is lost now.
    Forget,
    /// The memory is lost before one of the next actions.
    ForgetAt(u64),
    /// The same, and runs end while there is nobody.
    ForgetAndEnd(u64),
}

fn moves(forget: bool) -> impl Strategy<Value = Move> {
    let forget_at = move |after| if forget { Move::ForgetAt(after) } else { Move::Wait(after) };
    let forget_and_end =
        move |after| if forget { Move::ForgetAndEnd(after) } else { Move::Crash(after) };
    prop_oneof![
        4 => (0..6u8, 0..3u32).prop_map(|(what, id)| Move::User(what, id)),
        2 => (0..3u32, any::<bool>()).prop_map(|(id, held)| Move::Hold(id, held)),
        2 => (0..3u32, any::<bool>()).prop_map(|(id, sleeps)| Move::Sleep(id, sleeps)),
        2 => (1..8u32, any::<bool>(), any::<bool>())
            .prop_map(|(spec, canary, no_rollback)| Move::Reload(spec, canary, no_rollback)),
        1 => any::<bool>().prop_map(Move::Promote),
        2 => (0..20u64).prop_map(Move::Crash),
        1 => (0..20u64).prop_map(Move::Sick),
        1 => (0..20u64, 0..20u64).prop_map(|(run, memory)| Move::Measure(run, memory)),
        6 => (0..6u8).prop_map(Move::Deliver),
        2 => (0..8u8, 0..20u64).prop_map(|(what, run)| Move::Stale(what, run)),
        3 => (0..80u64).prop_map(Move::Wait),
        2 => (0..80u64).prop_map(Move::Late),
        1 => Just(Move::Double),
        2 => (0..6u8).prop_map(Move::Delay),
        1 => Just(if forget { Move::Forget } else { Move::Double }),
        1 => (0..6u64).prop_map(forget_at),
        1 => (0..6u64).prop_map(forget_and_end),
    ]
}

fn natures(world: &mut World) {
    let good = Nature { listens: true, healthy: true, drains: true, ..Nature::default() };
    world.version(1, good, |policy| policy.max_memory = Some(5));
    world.version(2, Nature { stubborn: true, drains: false, litters: true, ..good }, |policy| {
        policy.backoff = Some(7);
    });
    world.version(3, Nature { exits: Some(1), ..good }, |policy| policy.restart_delay = 3);
    world.version(4, Nature { listens: false, ..good }, |policy| {
        policy.stable_for = 9;
        policy.max_memory = Some(5);
    });
    world.version(5, Nature { healthy: false, ..good }, |policy| policy.health_budget = Some(20));
    world.version(7, Nature { has_no_room: true, ..good }, |policy| policy.restart_delay = 3);
    world.version(6, Nature { says_ready: true, ..good }, |policy| {
        policy.readiness = Readiness::Message;
        policy.health_budget = Some(20);
    });
}

fn play(world: &mut World, step: &Move) {
    match *step {
        Move::User(what, id) => {
            let proc = ProcId(id);
            world.event(match what {
                0 | 1 => Event::Start(proc),
                2 => Event::Stop(proc),
                3 => Event::Restart { proc, change: None },
                4 => Event::Retire(proc),
                _ => Event::Delete(proc),
            });
        }
        Move::Hold(id, held) => world.event(Event::Hold { proc: ProcId(id), held }),
        Move::Sleep(id, true) => world.event(Event::Sleep(ProcId(id))),
        Move::Sleep(id, false) => world.event(Event::Wake(ProcId(id))),
        Move::Reload(spec, canary, no_rollback) => {
            let parallel = 1 + spec % 2;
            world.reload(
                3,
                SpecId(spec),
                ReloadOptions { parallel, surge: None, canary, no_rollback, port_change: false },
            );
        }
        Move::Promote(keep) => world.event(Event::Promote { app: crate::world::APP, keep }),
        Move::Sick(run) => world.event(Event::Unhealthy(RunId(run))),
        Move::Measure(run, memory) => world.event(Event::Measured { run: RunId(run), memory }),
        Move::Crash(run) => world.end(RunId(run), Exit::Code(3)),
        Move::Deliver(count) => (0..count).for_each(|_| _ = world.deliver()),
        Move::Stale(what, run) => {
            let run = RunId(run);
            // A report about a run that is not (or no longer) there must change nothing.
            if !world.runs.contains_key(&run) && world.supervisor.owner(run).is_none() {
                world.event(match what {
                    0 => Event::Spawned(run),
                    1 => Event::RuntimeOnline(run),
                    2 => Event::ReadyMessage(run),
                    3 => Event::Listening(run),
                    4 => Event::Covers(run),
                    5 => Event::Disconnected(run),
                    6 => Event::Exited { run, exit: Exit::Code(0), next: None },
                    _ => Event::TreeGone(run),
                });
            }
        }
        Move::Wait(ms) => world.wait(ms),
        Move::Late(ms) => world.late(ms),
        Move::Double => world.double(),
        Move::Delay(by) => world.delay(usize::from(by)),
        Move::Forget => world.forget(),
        Move::ForgetAt(after) => {
            world.crash_at = Some(world.steps + usize::try_from(after).unwrap());
        }
        Move::ForgetAndEnd(after) => {
            world.crash_at = Some(world.steps + usize::try_from(after).unwrap());
            world.end_in_crash = true;
        }
    }
    oracle(world);
}

/// Asserts, after every step, invariants that the supervisor itself cannot see.
fn oracle(world: &World) {
    for (_, slot) in world.supervisor.slots() {
        let passes = match slot.process().phase() {
            Phase::Starting { .. } | Phase::Stopping(_) | Phase::Backoff { .. } => true,
            Phase::Stopped
            | Phase::Errored
            | Phase::Held
            | Phase::Sleeping { .. }
            | Phase::Online { .. } => slot.candidate().is_some() || slot.leaving().next().is_some(),
        };
        assert!(!passes || world.supervisor.deadline().is_some(), "no deadline: {slot:?}");
    }
    // What the keeper begins by itself is what would be begun now.
    for (after, (proc, _)) in &world.prepared {
        let slot = world.supervisor.slot(*proc).expect("what is prepared is for a slot");
        let holds = slot.process().run() == Some(*after) && slot.candidate().is_none();
        let runs = matches!(slot.process().phase(), Phase::Starting { .. } | Phase::Online { .. });
        assert!(holds && runs, "prepared, but not revoked: {slot:?}");
    }
    // Every live run belongs to a slot that will see to its end (a littered descendant is swept
    // later), and no slot has two current runs.
    let mut current = BTreeSet::new();
    for (run, sim) in world.runs.iter().filter(|(_, sim)| sim.leader) {
        let owner = world.supervisor.owner(*run);
        assert!(owner.is_some_and(|owner| owner.0 == sim.seen.proc), "{run:?} is nobody's");
        if owner.is_some_and(|owner| owner.1 == Role::Current) {
            assert!(current.insert(sim.seen.proc), "two current runs of {:?}", sim.seen.proc);
        }
    }
}

/// Plays a history, then lets everything end.
pub fn run_history(steps: &[Move]) {
    let mut world = World::new();
    natures(&mut world);
    world.add(3, SpecId(1));
    for step in steps {
        play(&mut world, step);
    }
    world.crash_at = None;
    // Nothing is left once the user wants nothing any more.
    world.event(Event::Promote { app: crate::world::APP, keep: false });
    for id in 0..3 {
        world.event(Event::Delete(ProcId(id)));
    }
    world.wait(100_000);
    assert_eq!(world.state(), "", "slots are left");
    assert!(world.runs.values().all(|sim| !sim.alive()), "orphans: {:?}", world.runs);
    assert!(world.supervisor.reload(crate::world::APP).is_none(), "a reload without slots goes on");
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 3000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn invariants_hold_under_random_histories(steps in vec(moves(false), 0..60)) {
        run_history(&steps);
    }

    #[test]
    fn invariants_hold_when_the_memory_is_lost_at_random(steps in vec(moves(true), 0..60)) {
        run_history(&steps);
    }
}
