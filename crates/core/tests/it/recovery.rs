//! Taking up the work: what was saved and what the keeper holds, and what is done about it.

use std::sync::Arc;

use ostler_core::reload::Direction;
use ostler_core::spec::Policy;
use ostler_core::{
    Action, AppId, Event, Exit, Failure, Goal, Notice, Phase, ProcId, ReloadOptions, Role, RunId,
    SavedProcess, SavedReload, SeenRun, SpecId, Supervisor, Taken,
};

const APP: AppId = AppId(1);
const NOW: u64 = 1000;
const EXIT: Exit = Exit::Code(1);

fn policy() -> Arc<Policy> {
    Arc::new(Policy { ready_timeout: 30, restart_delay: 100, ..Policy::default() })
}

/// A worker of version 1 that is wanted up.
fn saved(id: u32) -> SavedProcess {
    SavedProcess {
        id: ProcId(id),
        app: APP,
        spec: SpecId(1),
        policy: policy(),
        next: None,
        cluster: true,
        goal: Goal::Up,
        errored: false,
        restarts: 0,
        unstable: 0,
        backoff: 0,
        removing: false,
        ended: None,
        renewed: None,
        taken: None,
        told: None,
        asked: None,
        held: false,
        stopping: None,
        due: None,
        sleeping_after: None,
    }
}

/// The current run of a slot, online.
fn seen(run: u64, id: u32, spec: u32) -> SeenRun {
    SeenRun {
        run: RunId(run),
        proc: ProcId(id),
        spec: SpecId(spec),
        role: Role::Current,
        since: 500,
        ready: true,
        listening: true,
        ending: false,
        exit: None,
        next: None,
    }
}

fn candidate(run: u64, id: u32, spec: u32) -> SeenRun {
    SeenRun { role: Role::Candidate, ready: false, ..seen(run, id, spec) }
}

/// A reload of the first `count` slots from version 1 to `to`, one after the other.
fn reload(count: u32, to: u32, direction: Direction) -> SavedReload {
    SavedReload {
        app: APP,
        to: (SpecId(to), policy()),
        from: (0..count).map(|id| (ProcId(id), (SpecId(1), policy()))).collect(),
        began_after: RunId(u64::from(count)),
        options: ReloadOptions::default(),
        direction,
        done: Vec::new(),
        dropped: Vec::new(),
        failure: None,
    }
}

/// Takes up the work; returns what is done about it, without what is only told.
fn recover(
    processes: &[SavedProcess],
    reloads: &[SavedReload],
    seen: &[SeenRun],
) -> (Supervisor, String) {
    let mut out = Vec::new();
    let version_of = |spec| Some((spec, policy()));
    let reloads = reloads.to_vec();
    let supervisor = Supervisor::recover(NOW, 9, processes, reloads, seen, version_of, &mut out);
    (supervisor, words(&out))
}

#[track_caller]
fn check(
    processes: &[SavedProcess],
    reloads: &[SavedReload],
    seen: &[SeenRun],
    expected: &str,
) -> Supervisor {
    let (supervisor, done) = recover(processes, reloads, seen);
    assert_eq!(done, expected);
    supervisor
}

fn words(out: &[Action]) -> String {
    let word = |action: &Action| match action {
        Action::Spawn { proc, spec, .. } => Some(format!("spawn {} v{}", proc.0, spec.0)),
        Action::Prepare { preparation: of, .. } => {
            Some(format!("prepare {} after {}", of.run.0, of.after.0))
        }
        Action::Revoke { after } => Some(format!("revoke after {}", after.0)),
        Action::Begun { proc, spec, .. } => Some(format!("begun {} v{}", proc.0, spec.0)),
        Action::Disconnect(run) => Some(format!("disconnect {}", run.0)),
        Action::Terminate(run) => Some(format!("ask {}", run.0)),
        Action::Kill(run) => Some(format!("kill {}", run.0)),
        Action::Sweep(run) => Some(format!("sweep {}", run.0)),
        Action::Probe(_) | Action::Note { .. } => None,
        Action::Tell(Notice::Ended { run, .. }) => Some(format!("{} ended", run.0)),
        Action::Tell(Notice::WillRestart { .. }) => Some("restarts".to_owned()),
        Action::Tell(Notice::RollingBack { procs, .. }) => Some(format!("back {procs:?}")),
        Action::Tell(Notice::ReloadEnded { .. }) => Some("over".to_owned()),
        Action::Tell(_) => None,
    };
    out.iter().filter_map(word).collect::<Vec<_>>().join("; ")
}

fn phase(supervisor: &Supervisor) -> Phase {
    supervisor.slot(ProcId(0)).unwrap().process().phase()
}

// --------------------------------------------------------------------------------------------
// runs

#[test]
fn a_run_is_what_it_was() {
    let (supervisor, done) = recover(&[saved(0)], &[], &[seen(1, 0, 1)]);
    assert_eq!(
        (done.as_str(), phase(&supervisor)),
        ("", Phase::Online { run: RunId(1), since: 500 })
    );
    let unready = SeenRun { ready: false, ..seen(1, 0, 1) };
    let supervisor = check(&[saved(0)], &[], &[unready], "");
    let starting = Phase::Starting { run: RunId(1), since: 500, ready_by: NOW + 30, spawned: true };
    assert_eq!(phase(&supervisor), starting);
}

#[test]
fn a_candidate_that_had_taken_over_is_current_whatever_its_note_says() {
    let process = SavedProcess { spec: SpecId(2), ..saved(0) };
    let supervisor = check(&[process], &[], &[seen(1, 0, 1), candidate(2, 0, 2)], "disconnect 1");
    assert_eq!(phase(&supervisor), Phase::Online { run: RunId(2), since: 500 });
}

#[test]
fn what_follows_the_next_crash_is_prepared_where_one_was_counted() {
    for (restarts, unstable, expected) in
        [(0, 0, ""), (1, 0, "prepare 10 after 1"), (0, 1, "prepare 10 after 1")]
    {
        let policy = Arc::new(Policy::default());
        let version_of = |spec| Some((spec, Arc::clone(&policy)));
        let slots = [SavedProcess { restarts, unstable, ..saved(0) }];
        let mut out = Vec::new();
        _ = Supervisor::recover(NOW, 9, &slots, vec![], &[seen(1, 0, 1)], version_of, &mut out);
        assert_eq!(words(&out), expected, "{restarts} {unstable}");
    }
}

#[test]
fn what_was_noted_of_a_slots_runs_is_saved_again() {
    let taken = Some(Taken { run: RunId(2), at: RunId(4) });
    let process = SavedProcess { renewed: Some(RunId(3)), taken, ..saved(0) };
    let supervisor = check(&[process], &[], &[candidate(2, 0, 1)], "");
    let again = &supervisor.saved_processes()[0];
    assert_eq!((again.renewed, again.taken), (Some(RunId(3)), taken));
}

#[test]
fn a_run_that_was_to_be_asked_to_end_is_asked() {
    let process = SavedProcess { stopping: Some(RunId(1)), ..saved(0) };
    let supervisor = check(&[process], &[], &[seen(1, 0, 1)], "ask 1");
    assert_eq!(supervisor.saved_processes()[0].stopping, Some(RunId(1)));
}

#[test]
fn a_run_whose_successor_has_ended_is_not_current_again() {
    let process = SavedProcess { ended: Some(RunId(2)), due: Some(1500), ..saved(0) };
    let supervisor = check(&[process], &[], &[seen(1, 0, 1)], "disconnect 1");
    assert_eq!(phase(&supervisor), Phase::Backoff { until: 1500 });
}

#[test]
fn a_run_of_a_slot_that_nobody_knows_is_killed() {
    check(&[], &[], &[seen(1, 0, 1)], "kill 1");
}

#[test]
fn only_a_ready_worker_that_is_to_be_removed_may_have_been_finishing_its_connections() {
    for (removing, cluster, ready, expected) in [
        (true, true, true, "disconnect 1"),
        (false, true, true, "ask 1"),
        (true, false, true, "ask 1"),
        (true, true, false, "ask 1"),
    ] {
        let process = SavedProcess { removing, cluster, goal: Goal::Down, ..saved(0) };
        check(&[process], &[], &[SeenRun { ending: true, ready, ..seen(1, 0, 1) }], expected);
    }
}

#[test]
fn what_is_wanted_down_is_not_started() {
    let down = SavedProcess { goal: Goal::Down, ..saved(0) };
    for process in [
        down.clone(),
        SavedProcess { due: Some(1500), ..down.clone() },
        SavedProcess { errored: true, ..down },
    ] {
        let supervisor = check(&[process], &[], &[], "");
        assert_eq!(supervisor.deadline(), None);
    }
    check(&[saved(0)], &[], &[], "spawn 0 v1");
}

// --------------------------------------------------------------------------------------------
// ends that nobody listened to

#[test]
fn an_end_that_was_counted_is_told_and_not_counted_again() {
    let ended = SeenRun { exit: Some(EXIT), ..seen(1, 0, 1) };
    let waits = SavedProcess { due: Some(1500), unstable: 1, ended: Some(RunId(1)), ..saved(0) };
    let supervisor = check(&[waits], &[], &[ended], "1 ended");
    assert_eq!(phase(&supervisor), Phase::Backoff { until: 1500 });
    let process = supervisor.slot(ProcId(0)).unwrap().process();
    assert_eq!(process.unstable(), 1);
    assert_eq!(supervisor.saved_processes()[0].ended, Some(RunId(1)));
    // One that was not, is.
    let uncounted = SavedProcess { ended: Some(RunId(9)), ..saved(1) };
    let supervisor =
        check(&[saved(0), uncounted], &[], &[ended, seen(10, 1, 1)], "1 ended; restarts");
    assert_eq!(phase(&supervisor), Phase::Backoff { until: NOW + 100 });
}

#[test]
fn the_end_of_a_candidate_that_took_over_is_counted_once_and_comes_after_runs_before_it() {
    let exited = |seen: SeenRun| SeenRun { exit: Some(EXIT), ..seen };
    let taken = Some(Taken { run: RunId(2), at: RunId(4) });
    let slot = SavedProcess { taken, ended: Some(RunId(4)), due: Some(1500), ..saved(0) };
    let runs = [exited(seen(3, 0, 1)), exited(candidate(2, 0, 1))];
    check(std::slice::from_ref(&slot), &[], &runs, "sweep 2; 3 ended; 2 ended");
    // One that did not take over is no run of its slot.
    let runs = [exited(candidate(3, 0, 1))];
    check(&[slot], &[], &runs, "ask 3");
}

#[test]
fn an_end_before_one_that_the_keeper_forgot_was_told() {
    let exited = |run| SeenRun { exit: Some(EXIT), ..seen(run, 0, 1) };
    let slot = SavedProcess { ended: Some(RunId(2)), due: Some(1500), ..saved(0) };
    for (runs, expected) in [
        (vec![exited(1)], vec![(1, true)]),
        (vec![exited(1), exited(2)], vec![(1, false), (2, false)]),
    ] {
        let version_of = |spec| Some((spec, policy()));
        let slots = [slot.clone(), saved(1)];
        let runs = [runs, vec![seen(9, 1, 1)]].concat();
        let mut out = Vec::new();
        _ = Supervisor::recover(NOW, 9, &slots, vec![], &runs, version_of, &mut out);
        let told = |action: &Action| match action {
            Action::Tell(Notice::Ended { run, again, .. }) => Some((run.0, *again)),
            _ => None,
        };
        assert_eq!(out.iter().filter_map(told).collect::<Vec<_>>(), expected);
    }
}

#[test]
fn a_run_that_ended_while_it_was_leaving_is_no_crash() {
    let left = SeenRun { role: Role::Leaving, ending: true, exit: Some(EXIT), ..seen(1, 0, 1) };
    let waits = SavedProcess { due: Some(1500), ended: Some(RunId(2)), ..saved(0) };
    let supervisor = check(&[waits], &[], &[left], "disconnect 1; ask 1");
    let slot = supervisor.slot(ProcId(0)).unwrap();
    assert_eq!(slot.leaving().collect::<Vec<_>>(), [RunId(1)]);
}

#[test]
fn orphans_of_the_last_run_wait_for_the_next_one_and_older_ones_are_swept() {
    let ended = |run| SeenRun { exit: Some(EXIT), ..seen(run, 0, 1) };
    let process = SavedProcess { ended: Some(RunId(3)), ..saved(0) };
    let runs = [ended(1), ended(3), ended(2), seen(4, 0, 1)];
    let (mut supervisor, done) = recover(&[process], &[], &runs);
    assert_eq!(done, "sweep 2; sweep 1; 1 ended; 2 ended; 3 ended");
    let mut out = Vec::new();
    supervisor.handle(NOW, Event::Exited { run: RunId(4), exit: EXIT, next: None }, &mut out);
    assert_eq!(words(&out), "4 ended; sweep 3; restarts");
    out.clear();
    supervisor.handle(NOW + 100, Event::Deadline, &mut out);
    assert_eq!(words(&out), "sweep 4; spawn 0 v1");
    assert_eq!(supervisor.slot(ProcId(0)).unwrap().process().restarts(), 1);
}

// --------------------------------------------------------------------------------------------
// reloads

#[test]
fn a_reload_goes_on_with_the_slots_that_are_not_replaced() {
    let slots = [saved(0), saved(1)];
    let forward = [reload(2, 2, Direction::Forward)];
    check(&slots, &forward, &[seen(1, 0, 1), seen(2, 1, 1)], "spawn 0 v2");
    check(&slots, &forward, &[seen(3, 0, 2), seen(2, 1, 1)], "spawn 1 v2");
    check(&slots, &forward, &[seen(3, 0, 2), seen(4, 1, 2)], "over");
    let dropped = [SavedReload { dropped: vec![ProcId(0)], ..reload(2, 2, Direction::Forward) }];
    check(&slots, &dropped, &[seen(1, 0, 1), seen(2, 1, 1)], "spawn 1 v2");
}

#[test]
fn a_reload_that_goes_back_goes_on_going_back() {
    let slots = [saved(0), saved(1)];
    let failure = Some((ProcId(1), RunId(4), Failure::NotReady));
    let back = [SavedReload { failure, ..reload(2, 2, Direction::Back) }];
    check(&slots, &back, &[seen(5, 0, 1), seen(2, 1, 1)], "over");
    let slots = [SavedProcess { spec: SpecId(2), ..saved(0) }, saved(1)];
    check(&slots, &back, &[seen(3, 0, 2), seen(2, 1, 1)], "spawn 0 v1");
    check(&slots, &back, &[seen(3, 0, 2), candidate(5, 0, 1), seen(2, 1, 1)], "");
}

#[test]
fn a_slot_that_was_done_and_has_no_run_is_not_replaced_again() {
    let errored = SavedProcess { spec: SpecId(2), errored: true, goal: Goal::Down, ..saved(0) };
    let options = ReloadOptions { no_rollback: true, ..ReloadOptions::default() };
    let done = vec![ProcId(0)];
    let forward = [SavedReload { options, done, ..reload(2, 2, Direction::Forward) }];
    check(&[errored, saved(1)], &forward, &[seen(2, 1, 1)], "spawn 1 v2");
}

#[test]
fn a_canary_that_is_taken_back_goes_back() {
    let options = ReloadOptions { canary: true, ..ReloadOptions::default() };
    let canary = [SavedReload { options, ..reload(2, 2, Direction::Canary) }];
    let runs = [seen(3, 0, 2), seen(2, 1, 1)];
    let mut supervisor = check(&[saved(0), saved(1)], &canary, &runs, "");
    let mut out = Vec::new();
    supervisor.handle(NOW, Event::Promote { app: APP, keep: false }, &mut out);
    assert_eq!(words(&out), "spawn 0 v1");
}

#[test]
fn a_candidate_goes_on_only_for_its_reload() {
    let run = seen(1, 0, 1);
    let forward = [reload(1, 2, Direction::Forward)];
    let check = |reloads: &[SavedReload], candidates: &[SeenRun], expected| {
        let runs: Vec<SeenRun> = [run].iter().chain(candidates).copied().collect();
        check(&[saved(0)], reloads, &runs, expected);
    };
    check(&forward, &[candidate(2, 0, 2)], "");
    check(&[], &[candidate(2, 0, 2)], "ask 2");
    let of_other = [SavedReload { app: AppId(7), ..reload(1, 2, Direction::Forward) }];
    check(&of_other, &[candidate(2, 0, 2)], "ask 2; over");
    check(&forward, &[candidate(2, 0, 3)], "ask 2; spawn 0 v2");
    check(&forward, &[candidate(2, 0, 2), candidate(3, 0, 2)], "ask 2");
    let ending = SeenRun { ending: true, ..candidate(2, 0, 2) };
    check(&forward, &[ending], "ask 2; spawn 0 v2");
    let exited = SeenRun { exit: Some(EXIT), ..candidate(2, 0, 2) };
    check(&forward, &[exited], "ask 2; spawn 0 v2");
}

#[test]
fn in_a_reload_to_the_same_specification_the_number_of_a_run_tells_whether_it_is_new() {
    let slots = [saved(0), saved(1)];
    let same = [reload(2, 1, Direction::Forward)];
    check(&slots, &same, &[seen(1, 0, 1), seen(2, 1, 1)], "spawn 0 v1");
    check(&slots, &same, &[seen(3, 0, 1), seen(2, 1, 1)], "spawn 1 v1");
    // Its candidate has the specification of the slot too, and is a candidate all the same.
    check(&slots, &same, &[seen(1, 0, 1), candidate(3, 0, 1), seen(2, 1, 1)], "");
    let back = [reload(2, 1, Direction::Back)];
    check(&slots, &back, &[seen(3, 0, 1), seen(2, 1, 1)], "over");
    // Another slot, or another app, with another specification does not count.
    let process = SavedProcess { spec: SpecId(2), ..saved(0) };
    let mixed = SavedReload {
        from: vec![(ProcId(0), (SpecId(1), policy())), (ProcId(1), (SpecId(2), policy()))],
        ..reload(2, 2, Direction::Forward)
    };
    let runs = [seen(1, 0, 1), candidate(3, 0, 2), seen(4, 1, 2)];
    check(&[process, saved(1)], &[mixed], &runs, "disconnect 1; over");
}

#[test]
fn a_candidate_of_which_nothing_is_heard_fails_in_time_also_after_the_memory_was_lost() {
    let runs = [seen(1, 0, 1), candidate(2, 0, 2)];
    let mut supervisor = check(&[saved(0)], &[reload(1, 2, Direction::Forward)], &runs, "");
    let mut out = Vec::new();
    let at = supervisor.deadline().unwrap();
    assert_eq!(at, NOW + policy().verify_timeout);
    supervisor.handle(at, Event::Deadline, &mut out);
    assert_eq!(words(&out), "ask 2; back []; over");
}
