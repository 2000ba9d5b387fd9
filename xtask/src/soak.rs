//! Reloads under load for as long as one likes. The story itself is a test of the cli crate
//! (`reload_load::soak`).

use anyhow::{Result, bail};

use crate::run::{cargo, show};

/// `--reloads N`, `--between N` (answers between two reloads), `--nodes node-18,…`, `--client
/// keep-alive|close`, `--plain` (each case once more without the drain hook).
pub fn reload(args: &[String]) -> Result<()> {
    let mut command = cargo(&[
        "test",
        "--release",
        "--package",
        "ostler",
        "--test",
        "it",
        "reload_load::soak",
        "--",
        "--nocapture",
    ]);
    command.env(ostler_env::OSTLER_SOAK_RELOADS, "200").env(ostler_env::OSTLER_SOAK_BETWEEN, "850");
    let mut args = args.iter();
    while let Some(name) = args.next() {
        let variable = match name.as_str() {
            "--reloads" => ostler_env::OSTLER_SOAK_RELOADS,
            "--between" => ostler_env::OSTLER_SOAK_BETWEEN,
            "--nodes" => ostler_env::OSTLER_SOAK_NODES,
            "--client" => ostler_env::OSTLER_SOAK_ONLY,
            "--plain" => {
                command.env(ostler_env::OSTLER_SOAK_PLAIN, "1");
                continue;
            }
            other => bail!("`soak-reload` has no option `{other}`"),
        };
        let Some(value) = args.next() else { bail!("`{name}` needs a value") };
        command.env(variable, value);
    }
    show(command)
}
