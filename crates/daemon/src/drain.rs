//! The word that lets a Node worker leave without a failed request: what is loaded into it, and
//! what it is told.
//!
//! The problem: a client that keeps its connection alive may send its next request in the very
//! moment in which the leaving worker closes that connection. Node closes idle connections at once
//! (19 and later), so under load this does happen. The rule: a leaving worker answers everything
//! that still comes with `Connection: close`, and leaves the closing to its clients; `drain.cjs`
//! teaches it so.
//!
//! It is loaded by `NODE_OPTIONS`, which shows neither in `process.argv` nor in `process.execArgv`
//! nor in `require.main`; the file itself restores the variable before the app can see it.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use ostler_core::spec::{AppSpec, ExecMode};

use crate::files;

/// The file that is loaded.
const HOOK: &str = concat!(
    include_str!("drain/before.cjs"),
    include_str!("drain/agent.cjs"),
    include_str!("drain/drain.cjs")
);
/// Where the user's own options are while Node starts.
const GIVEN: &str = ostler_env::OSTLER_NODE_OPTIONS;

/// Where the file is.
pub fn path(home: &Path) -> PathBuf {
    home.join("drain.cjs")
}

/// Writes the file, whole.
///
/// # Errors
/// The home cannot be written.
pub fn install(home: &Path) -> io::Result<()> {
    write(&path(home))
}

fn write(path: &Path) -> io::Result<()> {
    if files::read(path).is_ok_and(|there| there == HOOK.as_bytes()) {
        return Ok(());
    }
    files::write_whole(path, HOOK.as_bytes(), 0o644)
}

/// The file for programs of another user, who cannot look into the home: in a folder of root's, as
/// only root starts programs for others.
fn install_for_others() -> io::Result<PathBuf> {
    let folder = Path::new("/run/ostler");
    match std::fs::DirBuilder::new().mode(0o755).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let meta = std::fs::symlink_metadata(folder)?;
    if !meta.is_dir() || meta.uid() != 0 || meta.mode() & 0o022 != 0 {
        return Err(io::Error::other(format!(
            "`{}` is not a folder that only root can write",
            folder.display()
        )));
    }
    // Another version of ostler may have workers that need another text.
    let mut hash = DefaultHasher::new();
    HOOK.hash(&mut hash);
    let path = folder.join(format!("drain-{:016x}.cjs", hash.finish()));
    write(&path)?;
    Ok(path)
}

/// Whether workers of this version are told to drain.
pub fn is_wanted(spec: &AppSpec) -> bool {
    spec.exec_mode == ExecMode::Cluster && spec.policy.drain_hook && can_load(spec)
}

/// Whether the program loads what it is told to: it is Node, and may read the file. Under
/// Node's permission model a program may read what it was allowed to, and fails to start
/// for anything else.
pub fn can_load(spec: &AppSpec) -> bool {
    const RESTRICTIONS: [&str; 4] =
        ["--permission", "--experimental-permission", "--policy", "--experimental-policy"];
    let node = spec.interpreter.as_deref().map(Path::new).and_then(Path::file_name);
    let node = node.is_some_and(|name| name == "node" || name == "nodejs");
    node && !RESTRICTIONS.iter().any(|name| has_option(spec, name))
}

/// Whether Node is given this option, on its command line or in `NODE_OPTIONS`.
pub fn has_option(spec: &AppSpec, name: &str) -> bool {
    let options = spec.env.get("NODE_OPTIONS").unwrap_or_default().split_ascii_whitespace();
    let mut all = options.chain(spec.interpreter_args.iter().map(String::as_str));
    all.any(|option| {
        option == name || option.strip_prefix(name).is_some_and(|rest| rest.starts_with('='))
    })
}

/// Adds what makes Node load the file; `parts` are what it is to do beside draining.
///
/// # Errors
/// The file cannot be put where the program could read it; the program starts without it.
pub fn add_to(
    env: &mut BTreeMap<String, String>,
    spec: &AppSpec,
    home: &Path,
    parts: &str,
) -> io::Result<()> {
    let other = spec.uid.is_some_and(|uid| uid != 0 && uid != rustix::process::geteuid().as_raw());
    let path = if other { install_for_others()? } else { std::path::absolute(path(home))? };
    if !other {
        // A file that vanished would keep the app from starting.
        write(&path)?;
    }
    let Some(path) = path.to_str() else {
        return Err(io::Error::other("the home's path is not UTF-8"));
    };
    let quoted = path.replace('\\', "\\\\").replace('"', "\\\"");
    let load = format!("--require \"{quoted}\"");
    let given = env.get("NODE_OPTIONS").cloned();
    let all = given.as_ref().map_or_else(|| load.clone(), |given| format!("{load} {given}"));
    env.insert("NODE_OPTIONS".to_owned(), all);
    env.insert(ostler_env::OSTLER_NODE_PARTS.to_owned(), parts.to_owned());
    match given {
        Some(given) => env.insert(GIVEN.to_owned(), given),
        None => env.remove(GIVEN),
    };
    Ok(())
}

/// The line that begins it: answers close their connections from now on, idle ones are closed
/// shortly before `ms` are over. A Node without the file takes no notice of it.
pub fn word(ms: u64) -> String {
    format!("{{\"cmd\":\"NODE_OSTLER\",\"act\":\"drain\",\"ms\":{ms}}}\n")
}
