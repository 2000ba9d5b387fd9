//! One story per rule: what is told to the supervisor, and what it does, in order.

mod checks;
mod health;
mod holding;
mod lives;
mod memory;
mod prepared;
mod reload;
mod restarts;
mod sleeping;

use ostler_core::ReloadOptions;
use ostler_core::spec::Policy;

use crate::world::{GOOD, Nature, World};

/// A run that has no listener.
const SILENT: Nature = Nature { listens: false, ..GOOD };

/// One slot of this nature, started.
fn one(nature: Nature, change: impl FnOnce(&mut Policy)) -> World {
    let mut world = World::new();
    let spec = world.version(1, nature, change);
    world.add(1, spec);
    world.wait(1);
    world
}

/// Returns all that was done and told since the last time.
fn told(world: &mut World) -> String {
    std::mem::take(&mut world.said).join("; ")
}

#[track_caller]
fn check(world: &mut World, expected: &str) {
    assert_eq!(told(world), expected);
}

/// Slots of the `old` nature, of which a reload to the `new` has just begun.
fn rolling(
    count: u32,
    old: Nature,
    new: Nature,
    options: ReloadOptions,
    change: impl FnOnce(&mut Policy),
) -> World {
    let mut world = World::new();
    let old = world.version(1, old, |_| ());
    let new = world.version(2, new, change);
    world.add(count, old);
    world.wait(20);
    told(&mut world);
    world.reload(count, new, options);
    world
}
