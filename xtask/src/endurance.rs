//! The long forms of tests whose short forms are part of `cargo xtask test`.

use anyhow::{Context, Result, bail};

use crate::run;

/// Minutes when nothing is said.
const MINUTES: u64 = 10;

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
