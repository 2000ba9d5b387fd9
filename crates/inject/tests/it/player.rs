//! Plays points on several stages at once, and keeps the table of what came of them.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::injected::{Fault, Seen};
use crate::points::Point;
use crate::scenarios::{Scenario, first_start};
use crate::scene::Scene;

/// How many stages there are in a long run. Most of the time a scenario waits for something.
pub const JOBS: usize = 3;

/// How many scenarios one scene is used for: what a fault leaves behind is found soon, and may
/// become manifest later.
const PER_SCENE: usize = 12;

/// What came of the points.
#[derive(Debug, Default)]
pub struct Table {
    /// For each scenario: points that were played, whose call was reached, that broke a promise.
    pub rows: BTreeMap<&'static str, [u32; 3]>,
    /// What was broken.
    pub broken: Vec<String>,
    /// The first point that was not begun.
    pub next: usize,
}

/// Plays the points in their order until all are played or the time is over.
pub fn play(points: &[Point], jobs: usize, time: Duration) -> Table {
    let end = Instant::now() + time;
    let table = Mutex::new(Table::default());
    let table_now = || table.lock().unwrap_or_else(PoisonError::into_inner);
    let take = || {
        let mut table = table_now();
        let point = points.get(table.next).filter(|_| Instant::now() < end)?;
        table.next += 1;
        table.rows.entry(point.scenario.0).or_default()[0] += 1;
        Some(point)
    };
    let tell_broken = |point: &Point, what: &str| {
        eprintln!("BROKEN {point}: {what}");
        let mut table = table_now();
        table.rows.entry(point.scenario.0).or_default()[2] += 1;
        table.broken.push(format!("{point}: {what}"));
    };
    let play_some = || {
        let mut stage = Stage::default();
        let mut last = None;
        while let Some(point) = take() {
            match stage.play(point) {
                Ok(seen) => {
                    table_now().rows.entry(point.scenario.0).or_default()[1] +=
                        u32::from(seen.fired);
                }
                Err(what) => tell_broken(point, &what),
            }
            last = Some(point);
        }
        if let (Err(what), Some(point)) = (stage.end(), last) {
            tell_broken(point, &what);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(play_some);
        }
    });
    table.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// A stage on which one scenario after the other is played.
#[derive(Default)]
pub struct Stage {
    scene: Option<Scene>,
    /// What was played in the scene.
    played: Vec<String>,
}

impl Stage {
    /// Plays a scenario in which a call fails.
    pub fn play(&mut self, point: &Point) -> Result<Seen, String> {
        let (scenario, role) = (point.scenario.1, point.role);
        if scenario == Scenario::FirstStart {
            return self.guard(|_| first_start(role, Some(&point.fault)));
        }
        self.played.push(point.to_string());
        let seen = self.act(scenario, role, Some(&point.fault))?;
        if PER_SCENE <= self.played.len() {
            self.end()?;
        }
        Ok(seen)
    }

    /// Plays a scenario undisturbed, and counts its calls.
    pub fn count(&mut self, scenario: Scenario, role: &str) -> Result<Seen, String> {
        if scenario == Scenario::FirstStart {
            return self.guard(|_| first_start(role, None));
        }
        self.act(scenario, role, None)
    }

    /// Ends everything; a scene that cannot be ended was broken by what was played in it.
    pub fn end(&mut self) -> Result<(), String> {
        self.guard(|stage| {
            if let Some(scene) = &stage.scene {
                scene.end();
            }
            stage.scene = None;
            stage.played.clear();
        })
    }

    fn act(
        &mut self,
        scenario: Scenario,
        role: &str,
        fault: Option<&Fault>,
    ) -> Result<Seen, String> {
        self.guard(|stage| {
            let scene = stage.scene.get_or_insert_with(Scene::start);
            scenario.play(scene, role, fault)
        })
    }

    /// A failed assertion as an error. The scene is left, and tells what it saw.
    fn guard<T>(&mut self, act: impl FnOnce(&mut Self) -> T) -> Result<T, String> {
        let done = catch_unwind(AssertUnwindSafe(|| act(self)));
        done.map_err(|panic| {
            let played = std::mem::take(&mut self.played).join(" ");
            if let Some(scene) = self.scene.take() {
                let log = std::fs::read_to_string(scene.sandbox.file("pm2.log"));
                eprintln!("-- pm2.log after {played}\n{}", log.unwrap_or_default());
                scene.sandbox.allow_left_behind();
            }
            let text = panic.downcast_ref::<String>().cloned();
            text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
                .unwrap_or_else(|| "it panicked".to_owned())
        })
    }
}
