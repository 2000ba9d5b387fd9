//! What is asked of the manager while a call fails, and what must be true after it.

use std::collections::BTreeSet;
use std::fs;

use ostler_testkit::procs::{self, Signal};
use ostler_testkit::{Load, Output, wait_exit};

use crate::injected::{Fault, Injected, SOON, Seen};
use crate::scene::Scene;

/// What is asked of the manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scenario {
    FirstStart,
    Crash,
    Scale,
    Reload,
    Stop,
    Save,
    LogLine,
    Takeover,
    KeeperDeath,
    PairDeath,
    Update,
}

/// All of them, with the names that a point is asked for by.
pub const ALL: [(&str, Scenario); 11] = [
    ("first-start", Scenario::FirstStart),
    ("crash", Scenario::Crash),
    ("scale", Scenario::Scale),
    ("reload", Scenario::Reload),
    ("stop", Scenario::Stop),
    ("save", Scenario::Save),
    ("log-line", Scenario::LogLine),
    ("takeover", Scenario::Takeover),
    ("keeper-death", Scenario::KeeperDeath),
    ("pair-death", Scenario::PairDeath),
    ("update", Scenario::Update),
];

impl Scenario {
    /// Plays it in a scene that goes on afterwards. Panics when a promise is broken.
    pub fn play(self, scene: &Scene, role: &str, fault: Option<&Fault>) -> Seen {
        let before = scene.wait_online("talks", 1);
        let workers = scene.wait_online("api", 2);
        if self == Self::PairDeath {
            return pair_death(scene, role, fault);
        }
        let injected = Injected::attach(&scene.sandbox, role, fault);
        match self {
            Self::FirstStart => unreachable!("it has a scene of its own"),
            Self::PairDeath => unreachable!("nobody is there to attach to"),
            Self::Crash => crash(scene),
            Self::Scale => scale(scene),
            Self::Reload => reload(scene),
            Self::Stop => stop(scene),
            Self::Save => save(scene),
            Self::LogLine => scene.check_lines(),
            Self::Takeover => kill(scene, scene.sandbox.daemon_pid()),
            Self::KeeperDeath => {
                kill(scene, scene.sandbox.keeper_pid());
                wait_watched(scene, &(&before | &workers));
            }
            Self::Update => {
                told_truth(&scene.sandbox.ostler(["update"]).any_code().run());
            }
        }
        let seen = injected.end();
        let after = scene.wait_online("talks", 1);
        if !matches!(self, Self::Crash | Self::Stop) {
            assert_eq!(after, before, "`talks` was restarted");
        }
        let after = scene.wait_online("api", 2);
        if !matches!(self, Self::Scale | Self::Reload) {
            assert_eq!(after, workers, "`api` was restarted");
        }
        scene.check_no_strangers();
        scene.check_lines();
        seen
    }
}

/// A command that failed says why.
fn told_truth(output: &Output) -> bool {
    assert!(output.code == 0 || !output.err.trim().is_empty(), "it failed without a word");
    output.code == 0
}

fn crash(scene: &Scene) {
    let old = scene.wait_online("talks", 1);
    for pid in &old {
        procs::signal(u32::try_from(*pid).unwrap(), Signal::KILL);
    }
    scene
        .sandbox
        .wait_for("the next run", SOON, || (scene.wait_online("talks", 1) != old).then_some(()));
}

fn scale(scene: &Scene) {
    let output = scene.sandbox.ostler(["scale", "api", "3"]).any_code().run();
    if told_truth(&output) {
        scene.wait_online("api", 3);
    }
    // What is short for a moment is there again.
    scene.sandbox.wait_for("the old size", SOON, || {
        // It may have been done before it was told.
        let output = scene.sandbox.ostler(["scale", "api", "2"]).any_code().run();
        (output.code == 0 || scene.count("api") == 2).then_some(())
    });
}

fn reload(scene: &Scene) {
    let old = scene.wait_online("api", 2);
    let load = Load::to_port(scene.port).connections(2).connection_per_request().start();
    load.wait_answered(5, SOON);
    let output = scene.sandbox.ostler(["reload", "api"]).any_code().run();
    if told_truth(&output) {
        let new = scene.wait_online("api", 2);
        assert!(new.is_disjoint(&old), "told as reloaded: {old:?}, {new:?}");
    }
    load.wait_answered(5, SOON);
    load.stop().assert_none_failed(1);
}

fn stop(scene: &Scene) {
    let pids = scene.wait_online("talks", 1);
    let output = scene.sandbox.ostler(["stop", "talks"]).any_code().run();
    if told_truth(&output) {
        for pid in pids {
            assert!(!procs::alive(u32::try_from(pid).unwrap()), "{pid} lives after `stop`");
        }
    }
    scene.sandbox.wait_for("a start", SOON, || {
        let output = scene.sandbox.ostler(["start", "talks"]).any_code().run();
        // It may have been done, and only the state not saved: then the next one finds it running.
        (output.code == 0 || scene.is_online("talks")).then_some(())
    });
}

fn save(scene: &Scene) {
    let file = scene.sandbox.file("dump.pm2");
    let output = scene.sandbox.ostler(["save"]).any_code().run();
    if told_truth(&output) {
        let text = fs::read_to_string(&file).unwrap();
        let list: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
        assert_eq!(list.len(), 3, "{text}");
    }
}

fn kill(scene: &Scene, pid: Option<u32>) {
    let pid = pid.expect("both parts are there");
    procs::signal(pid, Signal::KILL);
    assert!(wait_exit(pid, SOON));
    scene.sandbox.wait_for("both parts", SOON, || {
        let (daemon, keeper) = (scene.sandbox.daemon_pid()?, scene.sandbox.keeper_pid()?);
        (daemon != pid && keeper != pid).then_some(())
    });
    scene.sandbox.ostler(["list"]).run();
}

/// The new keeper is given what the old one held while the daemon already answers.
fn wait_watched(scene: &Scene, runs: &BTreeSet<u64>) {
    scene.sandbox.wait_for(
        format_args!("a keeper that waits for the end of {runs:?}"),
        SOON,
        || {
            let watched = procs::watched(scene.sandbox.keeper_pid()?);
            let has = |run: &u64| u32::try_from(*run).is_ok_and(|pid| watched.contains(&pid));
            runs.iter().all(has).then_some(())
        },
    );
}

/// Both parts are dead: the next command starts another pair, which ends cleanly what still runs,
/// and starts it.
fn pair_death(scene: &Scene, role: &str, fault: Option<&Fault>) -> Seen {
    let pids = [scene.sandbox.daemon_pid(), scene.sandbox.keeper_pid()];
    let pids = pids.map(|pid| pid.expect("both parts are there"));
    // Who stands still replaces nobody.
    for signal in [Signal::STOP, Signal::KILL] {
        assert!(pids.iter().all(|pid| procs::signal(*pid, signal)), "both were there");
    }
    assert!(pids.into_iter().all(|pid| wait_exit(pid, SOON)));
    let injected = Injected::launch(&scene.sandbox, role, fault, &["list"]);
    let code = injected.exit_code();
    let seen = injected.end();
    let err = fs::read_to_string(scene.sandbox.work().join("err")).unwrap();
    assert!(code == 0 || !err.trim().is_empty(), "it failed without a word");
    scene.sandbox.wait_for("an answer", SOON, || {
        (scene.sandbox.ostler(["list"]).any_code().run().code == 0).then_some(())
    });
    scene.wait_online("talks", 1);
    scene.wait_online("api", 2);
    scene.check_no_strangers();
    scene.check_lines();
    seen
}

/// The first command ever: it starts keeper and daemon.
pub fn first_start(role: &str, fault: Option<&Fault>) -> Seen {
    let scene = Scene::empty();
    let script = scene.talker();
    let args = ["start", script.as_str(), "--name", "talks"];
    let injected = Injected::launch(&scene.sandbox, role, fault, &args);
    let code = injected.exit_code();
    let seen = injected.end();
    let err = fs::read_to_string(scene.sandbox.work().join("err")).unwrap();
    if code == 0 {
        scene.wait_online("talks", 1);
    } else {
        assert!(!err.trim().is_empty(), "it failed without a word");
        // What is short for a moment is there again: the same command, once more, works.
        scene.sandbox.ostler(["delete", "all"]).any_code().run();
        scene.sandbox.ostler(args).run();
        scene.wait_online("talks", 1);
    }
    scene.check_no_strangers();
    scene.check_lines();
    scene.end();
    seen
}
