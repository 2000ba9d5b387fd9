//! Installs what tests and benchmarks run against: real runtimes, the real PM2, Express, wrk.
//!
//! Everything from npm goes into `.cache/` of the repository, which git ignores; nothing of the
//! user's is touched. What is there and works stays as it is. Each package is installed beside its
//! place and renamed, so that a broken download never looks like an installation.

use std::fs;
use std::path::Path;
use std::thread;

use anyhow::{Context, Result, bail};
use ostler_testkit::runtimes::{MODULES, PACKAGES, cache_dir, pm2_path};

use crate::run::{command, is_installed, output, show};
use crate::shells;

/// How much to install.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// All that `cargo xtask test` needs.
    Tests,
    /// All that tests and benchmarks need.
    Everything,
}

/// One npm package in a folder of its own.
struct Wanted {
    name: &'static str,
    npm: &'static str,
    /// Below the cache.
    folder: String,
    /// Below the folder.
    binary: String,
}

/// Packages without a program of their own: the folder, what npm is asked for, the package.
const PLAIN: [(&str, &str, &str); 7] = [
    ("express", "express@4", "express"),
    ("grpc", "grpc-health-check@2 @grpc/grpc-js@1", "@grpc/grpc-js"),
    (
        "mcp",
        "@modelcontextprotocol/inspector@2 @modelcontextprotocol/sdk@1 \
         @modelcontextprotocol/client@2",
        "@modelcontextprotocol/inspector",
    ),
    ("pm2-io", "@pm2/io@6", "@pm2/io"),
    ("pmx", "pmx@1", "pmx"),
    ("typescript", "typescript@5", "typescript"),
    ("node-types", "@types/node@22", "@types/node"),
];

/// Installs what is missing and prints a line for each.
pub fn setup(what: What) -> Result<()> {
    let cache = cache_dir();
    fs::create_dir_all(&cache).with_context(|| format!("cannot make `{}`", cache.display()))?;
    // Only a folder that exists has a canonical name, with which every path below must agree.
    let cache = cache_dir();
    println!("test runtimes in {}", cache.display());
    let mut wanted: Vec<Wanted> = PACKAGES
        .iter()
        .map(|p| Wanted {
            name: p.name,
            npm: p.npm,
            folder: format!("runtimes/{}", p.name),
            binary: p.binary.to_owned(),
        })
        .collect();
    let pm2 = pm2_path();
    let below =
        pm2.strip_prefix(cache.join("pm2")).context("the place of PM2 is not below the cache")?;
    let binary = below.to_string_lossy().into_owned();
    for (name, npm) in [("pm2", "pm2@7"), ("pm2-6", "pm2@6"), ("pm2-5", "pm2@5")] {
        wanted.push(Wanted { name, npm, folder: name.to_owned(), binary: binary.clone() });
    }
    for (name, npm, package) in PLAIN {
        let binary = format!("node_modules/{package}/package.json");
        wanted.push(Wanted { name, npm, folder: name.to_owned(), binary });
    }
    let results: Vec<Result<String>> = thread::scope(|scope| {
        let (wanted, cache) = (&wanted, &cache);
        // Two at a time: npm is busy with the network half of the time and with unpacking the other
        // half.
        let threads: Vec<_> = (0..2)
            .map(|i| {
                let mine = wanted.iter().skip(i).step_by(2);
                scope.spawn(move || mine.map(|w| ensure(cache, w)).collect::<Vec<_>>())
            })
            .collect();
        let join = |t: thread::ScopedJoinHandle<'_, Vec<Result<String>>>| match t.join() {
            Ok(results) => results,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        threads.into_iter().flat_map(join).collect()
    });
    let mut lines = results.into_iter().collect::<Result<Vec<String>>>()?;
    lines.sort();
    for line in lines {
        println!("  {line}");
    }
    modules(&cache)?;
    shells::install();
    if what == What::Everything {
        wrk()?;
    }
    Ok(())
}

/// Fills npm's cache with the modules that tests install.
fn modules(cache: &Path) -> Result<()> {
    let cache = cache.join("npm-modules");
    let mark = cache.join("filled");
    let wanted = MODULES.join(" ");
    if fs::read_to_string(&mark).is_ok_and(|filled| filled == wanted) {
        println!("  modules  {wanted}");
        return Ok(());
    }
    for module in MODULES {
        println!("  installing {module} from npm");
        let folder = cache.with_extension("new");
        remove(&folder)?;
        fs::create_dir_all(&folder)
            .with_context(|| format!("cannot make `{}`", folder.display()))?;
        // npm looks upwards for a project unless there is one here.
        fs::write(folder.join("package.json"), "{\"private\":true}\n")?;
        let mut npm = command("npm", ["install", "--install-links", "--omit=dev", "--no-audit"]);
        npm.args(["--no-fund", "--loglevel=error", "--prefix"]).arg(&folder);
        npm.arg("--cache").arg(&cache).arg(module);
        output(npm)?;
        remove(&folder)?;
    }
    fs::write(&mark, wanted).with_context(|| format!("cannot write `{}`", mark.display()))
}

/// Installs one package unless it is there. Returns a line with its version and whether it is new.
fn ensure(cache: &Path, wanted: &Wanted) -> Result<String> {
    let folder = cache.join(&wanted.folder);
    if let Ok(version) = version(&folder.join(&wanted.binary), wanted.name) {
        return Ok(format!("{:8} {version}", wanted.name));
    }
    if !is_installed("npm") {
        bail!(
            "`{}` is missing and npm is not installed\nhint: install Node.js with npm 8 or later",
            wanted.name
        );
    }
    println!("  installing {} from npm", wanted.npm);
    let new = folder.with_extension("new");
    remove(&new)?;
    fs::create_dir_all(&new).with_context(|| format!("cannot make `{}`", new.display()))?;
    // npm looks upwards for a project unless there is one here.
    fs::write(new.join("package.json"), "{\"private\":true}\n")?;
    let to = new.to_string_lossy();
    let mut npm = command("npm", ["install", "--prefix", &*to, "--no-audit", "--no-fund"]);
    npm.arg("--loglevel=error").args(wanted.npm.split(' '));
    output(npm)?;
    version(&new.join(&wanted.binary), wanted.name)?;
    remove(&folder)?;
    fs::rename(&new, &folder).with_context(|| format!("cannot rename `{}`", new.display()))?;
    let version = version(&folder.join(&wanted.binary), wanted.name)?;
    Ok(format!("{:8} {version} (new)", wanted.name))
}

/// Asks the program for its version, which also shows that it runs.
fn version(binary: &Path, name: &str) -> Result<String> {
    if !binary.is_file() {
        bail!("there is no `{}`", binary.display());
    }
    if binary.ends_with("package.json") {
        let json: serde_json::Value = serde_json::from_str(&fs::read_to_string(binary)?)?;
        let version = json.get("version").and_then(|v| v.as_str());
        return Ok(version
            .with_context(|| format!("`{}` names no version", binary.display()))?
            .to_owned());
    }
    // PM2 would start its daemon for almost any command: npm's own note says the version.
    if name.starts_with("pm2") {
        let note =
            binary.parent().and_then(Path::parent).unwrap_or(binary).join(".package-lock.json");
        let text = fs::read_to_string(&note)
            .with_context(|| format!("cannot read `{}`", note.display()))?;
        let json: serde_json::Value = serde_json::from_str(&text)?;
        let version = json.pointer("/packages/node_modules~1pm2/version").and_then(|v| v.as_str());
        return Ok(version.context("npm's note names no version of pm2")?.to_owned());
    }
    let text = output(command(binary, ["--version"]))?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

fn remove(dir: &Path) -> Result<()> {
    match fs::remove_dir_all(dir) {
        Ok(()) => Ok(()),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(e).with_context(|| format!("cannot remove `{}`", dir.display())),
    }
}

fn wrk() -> Result<()> {
    if is_installed("wrk") {
        println!("  wrk      installed");
        return Ok(());
    }
    let install = ["install", "--yes", "--no-install-recommends", "wrk"];
    if !is_installed("apt-get") || show(command("apt-get", install)).is_err() {
        println!(
            "  wrk      missing, needed by the benchmark cluster_conn\n           \
             hint: install it with your package manager"
        );
    }
    Ok(())
}
