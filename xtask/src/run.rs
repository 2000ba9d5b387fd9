//! Running other programs, from the repository's root, with what is run shown.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};

/// The repository's root.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// A command that starts in the root.
pub fn command<S: AsRef<str>>(
    program: impl AsRef<Path>,
    args: impl IntoIterator<Item = S>,
) -> Command {
    let mut command = Command::new(program.as_ref());
    command.current_dir(root());
    for arg in args {
        command.arg(arg.as_ref());
    }
    command
}

/// `cargo`, the one that runs this task.
pub fn cargo(args: &[&str]) -> Command {
    let program = std::env::var_os(ostler_env::CARGO).unwrap_or_else(|| "cargo".into());
    command(PathBuf::from(program), args)
}

/// Shows the command, runs it with our output, fails when it fails.
pub fn show(mut command: Command) -> Result<()> {
    let began = Instant::now();
    println!("> {}", text(&command));
    let status = command.status().with_context(|| format!("cannot run `{}`", text(&command)))?;
    if !status.success() {
        bail!("`{}` failed: {status}", text(&command));
    }
    println!("  {:.1} s", began.elapsed().as_secs_f64());
    Ok(())
}

/// Runs it quietly and gives its standard output; its errors are shown only when it fails.
pub fn output(mut command: Command) -> Result<String> {
    let done = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot run `{}`", text(&command)))?;
    let out = String::from_utf8_lossy(&done.stdout).into_owned();
    if !done.status.success() {
        bail!(
            "`{}` failed: {}\n{out}{}",
            text(&command),
            done.status,
            String::from_utf8_lossy(&done.stderr)
        );
    }
    Ok(out)
}

/// Whether a program is in `PATH`.
pub fn is_installed(program: &str) -> bool {
    let dirs = std::env::var_os(ostler_env::PATH).unwrap_or_default();
    std::env::split_paths(&dirs).any(|dir| dir.join(program).is_file())
}

fn text(command: &Command) -> String {
    let program = Path::new(command.get_program())
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let args = command.get_args().map(|a| a.to_string_lossy().into_owned());
    std::iter::once(program).chain(args).collect::<Vec<_>>().join(" ")
}

/// Where cargo puts what it builds.
pub fn target_directory() -> Result<PathBuf> {
    let meta: serde_json::Value =
        serde_json::from_str(&output(cargo(&["metadata", "--format-version=1", "--no-deps"]))?)?;
    let target = meta
        .get("target_directory")
        .and_then(|v| v.as_str())
        .context("cargo metadata names no target directory")?;
    Ok(PathBuf::from(target))
}
