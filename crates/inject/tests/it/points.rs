//! Which calls are made to fail.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ostler_testkit::histories::Dice;

use crate::injected::Fault;
use crate::player::{self, Stage, Table};
use crate::scenarios::{ALL, Scenario};

const ROLES: [&str; 2] = ["keeper", "daemon"];
const ERRORS: [&str; 6] = ["EIO", "ENOSPC", "EMFILE", "ENOMEM", "EAGAIN", "EINTR"];

/// A call that fails in a scenario.
#[derive(Clone, Debug)]
pub struct Point {
    pub scenario: (&'static str, Scenario),
    pub role: &'static str,
    pub fault: Fault,
}

impl std::fmt::Display for Point {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Fault { call, nth, error } = &self.fault;
        write!(f, "{}/{}/{call}/{nth}/{error}", self.scenario.0, self.role)
    }
}

impl Point {
    /// The point of this name.
    fn of(text: &str) -> Option<Self> {
        let words: Vec<&str> = text.split('/').collect();
        let [scenario, role, call, nth, error] = words.as_slice() else { return None };
        let fault = Fault {
            call: (*call).to_owned(),
            nth: nth.parse().ok()?,
            error: ERRORS.into_iter().find(|known| known == error)?,
        };
        Some(Self {
            scenario: ALL.into_iter().find(|(name, _)| name == scenario)?,
            role: ROLES.into_iter().find(|known| known == role)?,
            fault,
        })
    }
}

/// How often at most one call fails in one scenario and role. Under load, some calls are made
/// thousands of times, and hardly differ.
const MOST: u64 = 40;

/// Calls whose `EAGAIN` means that there is nothing to take, or no room: a kernel that says so of a
/// full queue tells nobody when it would be right to ask again.
const MEANS_EMPTY: [&str; 8] =
    ["accept4", "read", "recvfrom", "recvmsg", "sendmsg", "sendto", "splice", "write"];

/// Whether a kernel could answer so. `recvfrom` of a daemon is also the standard library's, which
/// waits for its child for ever when it gets an error that no socket gives.
fn can_happen(call: &str, error: &str) -> bool {
    match error {
        "EAGAIN" => !MEANS_EMPTY.contains(&call),
        "EINTR" => true,
        _ => call != "recvfrom",
    }
}

/// What is random of a point, and the same whatever other points there are: a scenario makes a few
/// more calls than the last time, and who goes on where that stopped wants its order.
fn dice_of(seed: u64, point: &str) -> Dice {
    let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    Dice::new(point.bytes().fold(seed ^ 0xcbf2_9ce4_8422_2325, mix))
}

/// Counts the calls of each scenario, and makes points of them, in a random order, but of all
/// scenarios in turn.
fn points(stage: &mut Stage, seed: u64) -> Vec<Point> {
    let mut by_scenario: Vec<Vec<(u64, Point)>> = Vec::new();
    for scenario in ALL {
        for role in ROLES {
            let seen = stage.count(scenario.1, role).expect("undisturbed, it works");
            let mut points = Vec::new();
            for (call, count) in &seen.counts {
                for which in 0..MOST.min(*count) {
                    let nth = 1 + which * count / MOST.min(*count);
                    let mut dice = dice_of(seed, &format!("{}/{role}/{call}/{which}", scenario.0));
                    let error = ERRORS[dice.index(ERRORS.len())];
                    if can_happen(call, error) {
                        let fault = Fault { call: call.clone(), nth, error };
                        points.push((dice.roll(), Point { scenario, role, fault }));
                    }
                }
            }
            points.sort_by_key(|(order, _)| *order);
            by_scenario.push(points);
        }
    }
    let mut points = Vec::new();
    while by_scenario.iter().any(|list| !list.is_empty()) {
        points.extend(by_scenario.iter_mut().filter_map(Vec::pop).map(|(_, point)| point));
    }
    points
}

/// Points that broke a promise once.
const KEPT: [&str; 8] = [
    // The wake of another thread was lost, and its log lines waited for ever.
    "takeover/daemon/write/1/ENOMEM",
    // The control socket could not be bound, and the next keeper began to start daemons for ever.
    "first-start/daemon/socket/1/EAGAIN",
    "first-start/daemon/fcntl/6/ENOMEM",
    // A worker's channel was given up, and the connections on their way to it waited for ever.
    "reload/daemon/sendmsg/140/EMFILE",
    // An end that could not be collected was never collected.
    "stop/keeper/wait4/1/EAGAIN",
    // A worker's channel was taken for closed, and the worker left.
    "keeper-death/daemon/recvmsg/2/ENOMEM",
    // A start was not saved, and both parts died before that was tried again: it was forgotten.
    "stop/daemon/fchmod/3/EAGAIN",
    "pair-death/daemon/rename/3/EAGAIN",
];

#[test]
fn a_system_call_that_failed_once_breaks_nothing_any_more() {
    let mut stage = Stage::default();
    for name in KEPT {
        let point = Point::of(name).unwrap();
        stage.play(&point).unwrap();
    }
    stage.end().unwrap();
}

#[test]
fn a_system_call_that_fails_breaks_no_promise() {
    let mut stage = Stage::default();
    if let Ok(text) = std::env::var(ostler_env::OSTLER_INJECT_POINT) {
        let mut fired = false;
        for name in text.split(' ') {
            let point = Point::of(name).expect("scenario/role/call/nth/ERROR");
            fired = stage.play(&point).unwrap().fired;
        }
        stage.end().unwrap();
        assert!(fired, "the last point was not reached");
        return;
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().subsec_nanos();
    // The short form plays the same points each time; the long one finds new ones.
    let (is_long, seconds, seed) = match std::env::var(ostler_env::OSTLER_INJECT_SECONDS) {
        Ok(text) => (true, text.parse().unwrap(), u64::from(now)),
        Err(_) => (false, 15, 1),
    };
    let seed = std::env::var(ostler_env::OSTLER_SEED).map_or(seed, |text| text.parse().unwrap());
    let from = std::env::var(ostler_env::OSTLER_INJECT_FROM);
    let from: usize = from.map_or(0, |text| text.parse().unwrap());
    let points = points(&mut stage, seed);
    let all = points.len();
    let jobs = if is_long { player::JOBS } else { 1 };
    let points: Vec<Point> = points.into_iter().skip(from).collect();
    let Table { rows, broken, next } = player::play(&points, jobs, Duration::from_secs(seconds));
    eprintln!("seed {seed}, points {from} to {} of {all}", from + next);
    eprintln!("scenario: played, reached, broken");
    for (scenario, [played, fired, broken]) in &rows {
        eprintln!("{scenario}: {played}, {fired}, {broken}");
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    assert!(rows.values().any(|row| 0 < row[1]), "no call was made to fail");
}
