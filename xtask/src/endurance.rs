//! The long forms of tests whose short forms are part of `cargo xtask test`.

use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::run;

/// Minutes when nothing is said.
const MINUTES: u64 = 10;

/// Rounds of histories when nothing is said.
const ROUNDS: u64 = 10;

/// `cargo xtask torture [--minutes N]`
pub fn torture(args: &[String]) -> Result<()> {
    let seconds = seconds(args)?;
    let words =
        ["test", "--release", "-p", "ostler", "--test", "it", "torture", "--", "--nocapture"];
    let mut command = run::cargo(&words);
    command.env(ostler_env::OSTLER_TORTURE_SECONDS, seconds);
    run::show(command)
}

/// `cargo xtask inject [--minutes N]`
pub fn inject(args: &[String]) -> Result<()> {
    let seconds = seconds(args)?;
    run::show(run::cargo(&["build", "--quiet", "-p", "ostler"]))?;
    let words = ["test", "-p", "ostler-inject", "--test", "it", "--", "--nocapture"];
    let mut command = run::cargo(&words);
    command.env(ostler_env::OSTLER_INJECT_SECONDS, seconds);
    run::show(command)
}

/// `cargo xtask histories [--rounds N]`: other ones in each run.
pub fn histories(args: &[String]) -> Result<()> {
    let rounds = match args {
        [] => ROUNDS,
        [name, number] if name == "--rounds" => {
            number.parse().with_context(|| format!("`--rounds {number}` is not a number"))?
        }
        other => bail!("expected `--rounds N`, but got `{}`", other.join(" ")),
    };
    all_histories(rounds).into_iter().try_for_each(run::show)
}

/// The random histories of the core and of the daemon's decisions, so many times as many as a
/// full test plays.
pub fn all_histories(rounds: u64) -> [Command; 2] {
    let core = ["test", "--package", "ostler-core", "--test", "it", "bulk"];
    let daemon = ["test", "--package", "ostler-daemon", "--lib", "bulk"];
    [(&core[..], 1_000_000), (&daemon[..], 20_000)].map(|(words, count)| {
        let mut command = run::cargo(words);
        command.env(ostler_env::OSTLER_HISTORIES, (count * rounds).to_string());
        command
    })
}

fn seconds(args: &[String]) -> Result<String> {
    let minutes: u64 = match args {
        [] => MINUTES,
        [name, number] if name == "--minutes" => {
            number.parse().with_context(|| format!("`--minutes {number}` is not a number"))?
        }
        other => bail!("expected `--minutes N`, but got `{}`", other.join(" ")),
    };
    Ok((minutes * 60).to_string())
}
