//! The long form of the torture test; its short form is one of the tests.

use anyhow::{Context, Result, bail};

use crate::run;

/// Minutes when nothing is said.
const MINUTES: u64 = 10;

/// `cargo xtask torture [--minutes N]`
pub fn torture(args: &[String]) -> Result<()> {
    let minutes = match args {
        [] => MINUTES,
        [name, number] if name == "--minutes" => {
            number.parse().with_context(|| format!("`--minutes {number}` is not a number"))?
        }
        other => bail!("expected `--minutes N`, but got `{}`", other.join(" ")),
    };
    let mut command = run::cargo(&[
        "test",
        "--release",
        "-p",
        "ostler",
        "--test",
        "it",
        "torture",
        "--",
        "--nocapture",
    ]);
    command.env(ostler_env::OSTLER_TORTURE_SECONDS, (minutes * 60).to_string());
    run::show(command)
}
