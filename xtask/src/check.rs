//! Checks before a commit, and all tests before a merge.

use std::process::Command;

use anyhow::Result;

use crate::run::{cargo, is_installed, show};
use crate::{endurance, labs, setup, tidy};

/// What is random in tests is the same in each run, so that a red run is the fault of the change.
/// Other numbers find more: `cargo xtask histories`.
const SEED: &str = "20261127";

/// Quick: no test is run.
pub fn check() -> Result<()> {
    show(cargo(&["fmt", "--all", "--check"]))?;
    tidy::tidy()?;
    show(cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))
}

/// Everything. The same on a laptop and in CI.
pub fn test() -> Result<()> {
    setup::setup(setup::What::Tests)?;
    check()?;
    if is_installed("cargo-deny") {
        // Not the advisories: they come from the network, and a test must not.
        show(cargo(&["deny", "--all-features", "check", "bans", "licenses", "sources"]))?;
    } else {
        println!(
            "cargo-deny is not installed: licences and sources of dependencies are not checked here"
        );
    }
    // The daemon under test is the binary of the cli crate: integration tests of other crates find
    // it built, and those of the cli crate the companion.
    show(cargo(&["build", "--package", "ostler", "--package", "ostler-companion"]))?;
    if is_installed("cargo-nextest") {
        show(repeatable(cargo(&["nextest", "run", "--workspace", "--no-fail-fast"])))?;
    } else {
        println!("cargo-nextest is not installed: using cargo test");
        let all = ["test", "--workspace", "--all-targets", "--no-fail-fast"];
        show(repeatable(cargo(&all)))?;
    }
    show(cargo(&["test", "--workspace", "--doc"]))?;
    // These take long or need another build: very many histories, and a death at each named place.
    for histories in endurance::all_histories(1) {
        show(repeatable(histories))?;
    }
    show(cargo(&[
        "test",
        "--package",
        "ostler",
        "--features",
        "failpoints",
        "--test",
        "it",
        "failpoints",
    ]))?;
    labs::labs(labs::Want::WhatCanBeDone)
}

/// Without a seed of the user's own, it gets ours.
fn repeatable(mut command: Command) -> Command {
    for seed in [ostler_env::OSTLER_SEED, ostler_env::PROPTEST_RNG_SEED] {
        if std::env::var_os(seed).is_none() {
            command.env(seed, SEED);
        }
    }
    command
}
