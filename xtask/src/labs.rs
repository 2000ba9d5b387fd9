//! Tests that need a machine of their own: a real systemd, booted as the first process in
//! namespaces of its own, and containers of a real Docker engine.
//!
//! They need root, cgroup v2, namespaces, and Debian's `debootstrap` to make the machine's files
//! (about 250 MB in `.cache/sdroot`, once). Where one of these cannot be had, `cargo xtask test`
//! skips them and prints that; `cargo xtask labs` fails. It installs an engine that is missing;
//! `cargo xtask test` leaves containers out then.

use std::path::Path;

use anyhow::{Result, bail};

use crate::lab;
use crate::machine::{machine, missing, program, script};

/// Whether a test that cannot be done is a failure.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// It is a failure.
    All,
    /// It is skipped, and that is printed.
    WhatCanBeDone,
}

/// Runs the tests, or prints why they cannot be run.
pub fn labs(want: Want) -> Result<()> {
    let reason = match missing() {
        Some(reason) => reason,
        None => match machine() {
            Err(error) => format!("the machine's files cannot be made: {error:#}"),
            Ok(root) => match systemd(&root)? {
                true => return containers(want),
                false => "systemd does not boot in namespaces here".to_owned(),
            },
        },
    };
    skip(want, "the service under a real systemd", &reason)
}

fn containers(want: Want) -> Result<()> {
    if want == Want::WhatCanBeDone && !lab::has_engine() {
        return skip(want, "containers", "docker.io is not installed");
    }
    match lab::container()? {
        true => Ok(()),
        false => skip(want, "containers", "no engine starts here"),
    }
}

/// What cannot be tested is a failure where all is wanted.
fn skip(want: Want, what: &str, reason: &str) -> Result<()> {
    if want == Want::All {
        bail!("{what} cannot be tested: {reason}");
    }
    println!("!!! SKIPPED: {what} NOT tested: {reason}");
    Ok(())
}

/// `false`: there is no machine to test on.
fn systemd(root: &Path) -> Result<bool> {
    script("tests/labs/systemd.sh", &[root, &program()?])
}
