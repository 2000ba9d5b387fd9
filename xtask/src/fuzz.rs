//! `fuzz`: texts that nobody would write, to everything that reads process files, guided by which
//! code they reach.
//!
//! The targets are in `fuzz/`, a workspace of its own, laid out for `cargo fuzz`, which wants a
//! nightly compiler. What libFuzzer needs is in a stable one as well, behind a variable.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::run::{command, root, show};

/// The coverage that libFuzzer is guided by.
const FLAGS: [&str; 7] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "--cfg fuzzing",
    "-Ccodegen-units=1",
];
/// Bytes of the longest text. One that short is to be read in a second.
const LONGEST: usize = 65_536;
/// How long each target runs, s.
const USUAL: u64 = 60;

/// Runs the targets of these names, or all of them, each for so many seconds.
pub fn run(words: &[String]) -> Result<()> {
    let (mut time, mut names) = (USUAL, Vec::new());
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--time" => {
                let given = words.next().and_then(|text| text.parse().ok());
                time = given.context("`--time` takes a number of seconds")?;
            }
            name => names.push(name.to_owned()),
        }
    }
    let folder = root().join("fuzz");
    let known = targets(&folder)?;
    if let Some(unknown) = names.iter().find(|name| !known.contains(name)) {
        bail!("there is no target `{unknown}`\nhint: there are {}", known.join(", "));
    }
    if names.is_empty() {
        names = known;
    }
    let built = build(&folder)?;
    // What one has found keeps the others from nothing.
    let mut found = Vec::new();
    for name in names {
        found.extend(fuzz(&folder, &built.join(&name), &name, time).err());
    }
    match found.len() {
        0 => Ok(()),
        _ => bail!("{}", found.iter().map(|of| format!("{of:#}")).collect::<Vec<_>>().join("\n")),
    }
}

/// Returns the names of the targets.
fn targets(folder: &Path) -> Result<Vec<String>> {
    let files = fs::read_dir(folder.join("fuzz_targets")).context("cannot read `fuzz_targets`")?;
    let mut names = Vec::new();
    for file in files {
        let path = file.context("cannot read `fuzz_targets`")?.path();
        names.extend(path.file_stem().map(|name| name.to_string_lossy().into_owned()));
    }
    names.sort();
    Ok(names)
}

/// Builds the targets. Returns the folder of the programs.
fn build(folder: &Path) -> Result<PathBuf> {
    let host = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    // With a target of its own, so that scripts and macros are built without the flags.
    let mut cargo = command("cargo", ["build", "--release", "--target", &host]);
    cargo.current_dir(folder).env("RUSTC_BOOTSTRAP", "1").env("RUSTFLAGS", FLAGS.join(" "));
    show(cargo)?;
    Ok(folder.join("target").join(host).join("release"))
}

/// Lets a target run. What it has found before is where it begins.
fn fuzz(folder: &Path, program: &Path, name: &str, time: u64) -> Result<()> {
    let corpus = folder.join("corpus").join(name);
    let found = folder.join("artifacts").join(name);
    let world = folder.join("world").join(name);
    for folder in [&corpus, &found, &world] {
        fs::create_dir_all(folder)
            .with_context(|| format!("cannot make `{}`", folder.display()))?;
    }
    seed(&corpus, name)?;
    println!("{name}, {time} s");
    let mut run = command(program, [""; 0]);
    run.arg(&corpus)
        .arg(format!("-max_total_time={time}"))
        .args(["-timeout=10", "-report_slow_units=1", "-print_final_stats=1"])
        .arg(format!("-max_len={LONGEST}"))
        .arg(format!("-artifact_prefix={}/", found.display()))
        .env("TMPDIR", &world);
    let done = show(run);
    fs::remove_dir_all(&world).with_context(|| format!("cannot remove `{}`", world.display()))?;
    done.with_context(|| format!("`{name}` found what is in `{}`", found.display()))
}

/// Gives a target files to begin with: wrong ones of ours, and right ones of other managers.
fn seed(corpus: &Path, name: &str) -> Result<()> {
    for folder in ["config/tests/it/bad", "export/tests/it/imported"] {
        let folder = root().join("crates").join(folder);
        let files = fs::read_dir(&folder);
        for file in files.with_context(|| format!("cannot read `{}`", folder.display()))? {
            let path = file?.path();
            if let Some(file) = path.file_name().filter(|_| is_seed(&path, name)) {
                fs::copy(&path, corpus.join(file))
                    .with_context(|| format!("cannot copy `{}`", path.display()))?;
            }
        }
    }
    Ok(())
}

/// Whether the file is one of those that the target reads.
fn is_seed(path: &Path, name: &str) -> bool {
    let file = path.file_name().map(|file| file.to_string_lossy()).unwrap_or_default();
    let ending = path.extension().map(|ending| ending.to_string_lossy().replace("yml", "yaml"));
    let ending = ending.unwrap_or_default();
    match name {
        "compose" => ending == "yaml" && file.contains("compose"),
        "procfile" => file == "Procfile",
        "supervisord" => matches!(&*ending, "ini" | "conf"),
        "systemd" => ending == "service",
        "env_file" => ending == "env",
        name => ending == name,
    }
}
