//! Checks before a commit, and all tests before a merge.

use anyhow::Result;

use crate::run::{cargo, is_installed, show};
use crate::{labs, setup, tidy};

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
        show(cargo(&["nextest", "run", "--workspace", "--no-fail-fast"]))?;
    } else {
        println!("cargo-nextest is not installed: using cargo test");
        show(cargo(&["test", "--workspace", "--all-targets", "--no-fail-fast"]))?;
    }
    show(cargo(&["test", "--workspace", "--doc"]))?;
    // These take long or need another build: very many histories, and a death at each named place.
    let mut histories = cargo(&["test", "--package", "ostler-core", "--test", "it", "bulk"]);
    histories.env(ostler_env::OSTLER_HISTORIES, "1000000");
    show(histories)?;
    let mut histories = cargo(&["test", "--package", "ostler-daemon", "--lib", "bulk"]);
    histories.env(ostler_env::OSTLER_HISTORIES, "20000");
    show(histories)?;
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
