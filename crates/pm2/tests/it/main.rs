//! Records, changes to them, lists and dumps, seen from outside.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

use ostler_core::Texts;

mod attributes;
mod changes;
mod lists;
mod records;
mod sockets;
#[expect(dead_code, reason = "the tests of the crate that it belongs to use the rest")]
#[path = "../../../config/tests/it/world.rs"]
mod world;

/// What `max` means in these tests.
const CPUS: u32 = 4;

/// A map of texts.
fn vars<const N: usize>(vars: [(&str, &str); N]) -> Texts {
    vars.into()
}
