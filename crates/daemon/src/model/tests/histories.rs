//! Random histories: users who change their minds, clients that leave, runs that crash, reports
//! that come late, doubled or of runs that are not there, a disk that is full, and a daemon that
//! dies at any of it.

use ostler_core::{Event, Exit, Goal, Phase, ProcId, Role, RunId};
use ostler_wire::control::{Action, Change, ReloadOptions, Request, ScaleTo};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::super::{ClientId, Input};
use super::moves::Move;
use super::reports::again;
use super::told::crash_of;
use super::words::{raw, record};
use super::world::World;

const NAMES: [&str; 3] = ["api", "web", "job"];
const SCRIPTS: [&str; 16] = [
    "good",
    "better",
    "newest",
    "exits",
    "ends",
    "missing",
    "mute",
    "elsewhere",
    "busy",
    "stubborn",
    "sick",
    "litters",
    "unready",
    "crashes",
    "stuck",
    "hangs",
];
const ACTIONS: [Action; 4] = [Action::Stop, Action::Restart, Action::Delete, Action::Reset];

/// The processes whose bits are set; a bit too many names one that may not be there.
fn ids(bits: u8) -> Vec<u32> {
    (0..5).filter(|id| bits & (1 << id) != 0).collect()
}

/// Attributes: one for each bit, and with the bits above what is depended on.
fn more(bits: u16) -> Value {
    let keys = [
        ("wait_ready", json!(true)),
        ("restart_delay", json!(300)),
        ("health", json!({"tcp": "127.0.0.1:3000"})),
        ("max_memory_restart", json!(100)),
        ("stable_for", json!(40)),
        ("autostart", json!(false)),
        ("namespace", json!("other")),
    ];
    let set = keys.into_iter().enumerate().filter(|(bit, _)| bits & (1 << bit) != 0);
    let sleeps = (bits & 1024 != 0).then(|| ("idle_stop", json!(200)));
    let depends = match (bits >> 7) & 7 {
        0 => Some(("depends_on", json!(["job"]))),
        1 => Some(("depends_on", json!({"job": {"condition": "healthy", "restart": true}}))),
        2 => Some(("depends_on", json!({"web": "started", "job": "ready"}))),
        3 => Some(("depends_on", json!({"job": "completed"}))),
        4 => Some(("oneshot", json!(true))),
        6 => Some(("hooks", json!({"pre_start": "x", "pre_stop": "x", "post_stop": "x"}))),
        7 => Some(("hooks", json!({"pre_start": "fail", "pre_reload": "x", "post_reload": "x"}))),
        5 => Some(("health", json!({"tcp": 3000, "restart_after": 2, "grace": 10}))),
        _ => None,
    };
    let all = set.map(|(_, of)| of).chain(depends).chain(sleeps);
    Value::Object(all.map(|(key, value)| (key.to_owned(), value)).collect::<Map<_, _>>())
}

fn change(kind: u8) -> Change {
    let records = |script| NAMES.map(|name| record(name, script, 1, json!({}))).into();
    match kind {
        0 => Change::default(),
        1 => Change { env: Some([("A".into(), "1".into())].into()), ..Change::default() },
        2 => Change { patch: Some(raw(&json!({"name": "web"}))), ..Change::default() },
        3 => Change { patch: Some(raw(&json!({"namespace": "other"}))), ..Change::default() },
        4 => Change { patch: Some(raw(&json!({"autorestart": 7}))), ..Change::default() },
        5 => Change { parallel: Some(3), connections: true, ..Change::default() },
        6 => Change { records: records("stubborn"), connections: true, ..Change::default() },
        _ => Change { records: records("exits"), parallel: Some(1), ..Change::default() },
    }
}

fn options(bits: u8) -> ReloadOptions {
    ReloadOptions {
        parallel: (bits & 1 != 0).then_some(2),
        surge: (bits & 2 != 0).then_some(1),
        canary: bits & 12 == 12,
        no_rollback: bits & 16 != 0,
        port_change: bits & 64 != 0,
        wait: bits & 32 != 0,
    }
}

fn play(world: &mut World, step: &Move) {
    match *step {
        Move::Start(name, script, instances, bits) => {
            let (name, script) = (NAMES[usize::from(name)], SCRIPTS[usize::from(script)]);
            world.start_with(name, script, instances, more(bits));
        }
        Move::Act(action, bits) => _ = world.act(ACTIONS[usize::from(action)], &ids(bits)),
        Move::Change(kind, bits) => {
            world.act_with(Action::Restart, &ids(bits), change(kind));
        }
        Move::Scale(name, by) => {
            let name = NAMES[usize::from(name)].to_owned();
            let count = u32::from(by.unsigned_abs());
            let target = if by < 0 { ScaleTo::Remove(count) } else { ScaleTo::Add(count) };
            world.scale(&name, target);
        }
        Move::Reload(bits, script, with) => {
            let script = SCRIPTS[usize::from(script)];
            let records = NAMES
                .map(|name| record(name, script, 1, more(u16::from(with & 5) | bits_of(with))))
                .into();
            let connections = with & 8 != 0;
            let change = Change { records, connections, ..Change::default() };
            world.reload_by(&ids(bits), change, options(with));
        }
        Move::Promote(name, keep) => _ = world.promote(NAMES[usize::from(name)], keep),
        Move::Listens(id) => _ = world.request(Request::Listens { id, within: 500 }),
        Move::Call(name, stays) => world.call(NAMES[usize::from(name)], stays),
        Move::Save => _ = world.request(Request::Save { force: false }),
        Move::Resurrect => _ = world.request(Request::Resurrect),
        Move::Kill => _ = world.request(Request::Kill),
        Move::Shutdown => world.input(Input::Shutdown),
        Move::Leave(ago) => {
            if let Some(client) = world.talks.len().checked_sub(1 + usize::from(ago)) {
                world.leave(client);
            }
        }
        Move::Again(ago) => ask_again(world, usize::from(ago)),
        Move::Crash(id) => each_run(world, id, |world, run| world.end(run, crash_of(run))),
        Move::Memory(id) => each_run(world, id, |world, run| {
            world.runs.get_mut(&run).unwrap().memory = 101;
        }),
        Move::Deliver(count) => (0..count).for_each(|_| _ = world.deliver()),
        Move::Together(count) => _ = world.deliver_together(usize::from(count)),
        Move::Wait(ms) => world.wait(ms),
        Move::Late(ms) => world.late(ms),
        Move::Double => {
            if let Some(report) = world.reports.front().and_then(again) {
                world.input(report);
            }
        }
        Move::Delay(by) => world.delay(usize::from(by)),
        Move::Stale(what, run) => stale(world, what, RunId(run)),
        Move::Forget => world.forget(),
        Move::ForgetAt(after) => world.crash_at = Some(world.steps + after),
        Move::ForgetAndEnd(after) => {
            (world.crash_at, world.end_in_crash) = (Some(world.steps + after), true);
        }
        Move::Full(full) => world.full = full,
        Move::Slow(slow) => world.slow = slow,
    }
}

/// Health that is looked after, and sleep for every other set of options.
fn bits_of(with: u8) -> u16 {
    5 << 7 | u16::from(with & 2) << 9
}

/// A client that has a ticket opens a second connection and asks the same.
fn ask_again(world: &mut World, ago: usize) {
    let Some(client) = world.talks.len().checked_sub(1 + ago) else { return };
    if let Some(request) = world.talks[&client].again.clone() {
        world.request(serde_json::from_str(&request).unwrap());
    }
}

fn each_run(world: &mut World, id: u32, act: impl Fn(&mut World, RunId)) {
    let slot = world.model.core().slot(ProcId(id));
    let run = slot.and_then(|slot| slot.process().run());
    if let Some(run) = run.filter(|run| world.runs.contains_key(run)) {
        act(world, run);
    }
}

/// A report about a run that is not (or no longer) there must change nothing.
fn stale(world: &mut World, what: u8, run: RunId) {
    if world.runs.contains_key(&run) || world.model.core().owner(run).is_some() {
        return;
    }
    let before = (world.state(), world.counters().len(), world.deaths);
    world.input(match what {
        0 => Input::Spawned { run, pid: 1 },
        1 => Input::Core(Event::RuntimeOnline(run)),
        2 => Input::Core(Event::ReadyMessage(run)),
        3 => Input::Core(Event::Listening(run)),
        4 => Input::Core(Event::Covers(run)),
        5 => Input::Core(Event::Disconnected(run)),
        6 => Input::Exited {
            run,
            exit: Exit::Code(0),
            next: None,
            stderr_tail: vec!["lost".to_owned()],
        },
        7 => Input::Core(Event::TreeGone(run)),
        8 if run.0.is_multiple_of(2) => Input::Checked { run, result: Err("lost".to_owned()) },
        8 => Input::Probed { run, result: Err("lost".to_owned()) },
        9 => Input::StderrTail { run, lines: vec!["lost".to_owned()] },
        _ => Input::NotSpawned { run, why: "lost".to_owned() },
    });
    if before.2 == world.deaths {
        assert_eq!((world.state(), world.counters().len(), world.deaths), before);
    }
}

/// Who depends on others is held exactly as long as one of them is not there: looked at by other
/// means than the model does.
fn dependents(world: &World) {
    let (core, registry) = (world.model.core(), world.model.registry());
    let closing = world.model.known().is_closing();
    for (id, slot) in core.slots().filter(|(_, slot)| !closing && !slot.removing()) {
        let process = slot.process();
        let of = registry.version(process.next_spec()).unwrap();
        let may_be_there = |name: &str| {
            core.slots().filter(|(_, slot)| !slot.removing()).any(|(other, slot)| {
                let process = slot.process();
                let named = registry.app(slot.app()).is_some_and(|app| app.name == name);
                let done = registry.proc(other).is_some_and(|proc| proc.last.is_some());
                let phase = process.phase();
                named
                    && (matches!(phase, Phase::Online { .. } | Phase::Starting { .. })
                        || done && phase == Phase::Stopped)
            })
        };
        let missing = of.spec.depends_on.iter().any(|on| !may_be_there(&on.name));
        let held = process.is_held();
        assert!(held || !missing, "{id:?} is not held, but depends on what is not there");
        assert!(!held || !of.spec.depends_on.is_empty(), "{id:?} is held for nothing");
    }
}

/// What must be true of model and world after every step.
fn oracle(world: &World) {
    dependents(world);
    sleepers(world);
    let core = world.model.core();
    // What the keeper begins by itself is what would be begun now.
    for (after, (proc, ..)) in &world.prepared {
        let slot = core.slot(*proc).expect("what is prepared is for a slot");
        let holds = slot.process().run() == Some(*after) && slot.candidate().is_none();
        let runs = matches!(slot.process().phase(), Phase::Starting { .. } | Phase::Online { .. });
        assert!(holds && runs, "prepared, but not revoked: {slot:?}");
    }
    for (run, sim) in world.runs.iter().filter(|(_, sim)| sim.alive) {
        let owner = core.owner(*run).map(|(id, _)| id);
        assert!(owner == Some(sim.seen.proc) || sim.seen.ending, "{run:?} is nobody's: {sim:?}");
    }
    for (id, slot) in core.slots() {
        let process = slot.process();
        let transient = match process.phase() {
            Phase::Starting { .. } | Phase::Stopping(_) | Phase::Backoff { .. } => true,
            Phase::Stopped
            | Phase::Errored
            | Phase::Held
            | Phase::Sleeping { .. }
            | Phase::Online { .. } => slot.candidate().is_some() || 0 < slot.leaving().count(),
        };
        assert!(!transient || core.deadline().is_some(), "no deadline: {slot:?}");
        let current = |run: &&RunId| core.owner(**run) == Some((id, Role::Current));
        let alive = world.runs.iter().filter(|(_, sim)| sim.alive).map(|(run, _)| run);
        assert!(alive.filter(current).count() <= 1, "two current runs of {id:?}");
    }
}

/// Nobody waits for an app that sleeps, unless that is on its way to be told; and nothing sleeps
/// beside what is awake, or below it.
fn sleepers(world: &World) {
    let (core, registry) = (world.model.core(), world.model.registry());
    if world.model.known().is_closing() {
        return;
    }
    let slots = || core.slots().filter(|(_, slot)| !slot.removing());
    let current = slots().filter_map(|(_, slot)| slot.process().phase().online());
    for (run, _) in current {
        assert!(!world.is_forgotten(run), "{run:?} gets no connections any more");
    }
    for (id, _) in slots().filter(|(_, slot)| slot.process().sleeps()) {
        let app = registry.app_of(id).unwrap();
        assert!(!world.is_called_in_vain(app), "{id:?} is waited for");
        let name = registry.app_name(app);
        for (other, awake) in slots() {
            let process = awake.process();
            if process.goal() == Goal::Down || process.sleeps() {
                continue;
            }
            let beside = registry.app_of(other) == Some(app);
            assert!(!beside, "{id:?} sleeps, {other:?} beside it is awake");
            // Where several have the name, another may be meant.
            let one = registry.apps().filter(|(_, app)| app.name == name).count() == 1;
            let of = registry.version(process.next_spec()).unwrap();
            let below = one && of.spec.depends_on.iter().any(|on| on.name == name);
            assert!(!below, "{id:?} sleeps below {other:?}");
        }
    }
}

/// Plays a history, lets everything end, and looks at what is left.
pub fn run_history(steps: &[Move]) {
    let mut world = World::new();
    for step in steps {
        play(&mut world, step);
        oracle(&world);
        if world.model.is_over() {
            break;
        }
    }
    (world.crash_at, world.full, world.slow) = (None, false, false);
    // What the disk was asked for comes first: it may begin something.
    while world.deliver() {}
    if !world.model.known().is_closing() {
        let ids: Vec<u32> = world.model.registry().procs().map(|(id, _)| id.0).collect();
        world.delete(&ids);
    }
    for _ in 0..100 {
        world.thaw();
        world.wait(1000);
    }
    assert_eq!(world.state(), "", "did not come to rest");
    assert_eq!(world.alive(), 0, "left behind: {:?}", world.runs);
    assert!(world.waiting().is_empty(), "not answered: {:?}", world.talks);
    for talk in world.talks.values() {
        let unnamed = talk.heard.iter().find(|text| text.contains("``"));
        assert_eq!(unnamed, None, "something has no name");
    }
    if world.model.known().is_closing() {
        assert!(world.model.is_over());
    }
    world.untold.check_empty();
    world.model.check_empty();
    assert_eq!(world.model.deadline(), None, "something is still due");
}

fn history(deaths: bool) -> impl Strategy<Value = Vec<Move>> {
    proptest::collection::vec(any::<u64>().prop_map(move |of| Move::of(of, deaths)), 0..40)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 1000, failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn every_request_is_answered_once(steps in history(false)) {
        run_history(&steps);
    }

    #[test]
    fn every_request_is_answered_once_or_cut_when_the_daemon_dies_at_random(
        steps in history(true)
    ) {
        run_history(&steps);
    }
}

#[test]
fn a_lost_client_is_told_nothing_of_what_it_asked_the_disk() {
    let mut world = World::new();
    world.slow = true;
    let client = world.request(Request::Resurrect);
    world.input(Input::ClientGone(ClientId(client)));
    world.wait(50);
    assert!(world.reply(client).starts_with("error: no saved list"));
}
