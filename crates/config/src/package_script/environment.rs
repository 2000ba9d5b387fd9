//! The variables that npm and its relatives give a script.

use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use super::runner::Runner;
use crate::context::Context;
use crate::interpreter::Interpreter;
use crate::package;

/// A script of a package as it is run.
pub(super) struct Run<'a> {
    /// What runs it.
    pub runner: Runner,
    /// The file of what runs it.
    pub runner_file: &'a Path,
    /// The folder of `package.json`.
    pub root: &'a Path,
    /// What `package.json` says.
    pub package: &'a Json,
    /// The script's name and text; `None` for a program of the packages.
    pub script: Option<(&'a str, &'a str)>,
    /// The interpreter of Node's scripts.
    pub node: &'a Interpreter,
}

/// The variables; `given` are those that are there already, which keep their settings of npm.
pub(super) fn variables(
    run: &Run<'_>,
    given: &dyn Fn(&str) -> Option<String>,
    ctx: &Context,
) -> Vec<(String, String)> {
    let file = run.runner_file.canonicalize().unwrap_or_else(|_| run.runner_file.to_owned());
    let node = run.node.program.as_deref().unwrap_or("node");
    let node = ctx.find_program_from(node, run.root).unwrap_or_else(|| PathBuf::from(node));
    let mut all = vec![
        ("PATH".to_owned(), path(run, &file, given)),
        ("PWD".to_owned(), text(run.root)),
        ("NODE".to_owned(), text(&node)),
        ("INIT_CWD".to_owned(), text(&ctx.cwd)),
        ("npm_node_execpath".to_owned(), text(&node)),
        ("npm_execpath".to_owned(), text(&file)),
        ("npm_package_json".to_owned(), text(&run.root.join("package.json"))),
        ("npm_config_local_prefix".to_owned(), text(run.root)),
    ];
    if let Some((name, line)) = run.script {
        let command = match (run.runner, name) {
            (Runner::Npm, "start" | "test") => name,
            (Runner::Npm, _) => "run",
            (_, _) => "run-script",
        };
        let lines = [
            ("npm_lifecycle_event", name),
            ("npm_lifecycle_script", line),
            ("npm_command", command),
        ];
        all.extend(lines.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }
    for key in ["name", "version", "config", "engines", "bin"] {
        if let Some(value) = run.package.get(key) {
            flatten(&format!("npm_package_{key}"), value, &mut all);
        }
    }
    all.extend(usual(run, &file, &node, ctx).into_iter().filter(|(name, _)| given(name).is_none()));
    all
}

/// What is set when it is not given.
fn usual(run: &Run<'_>, file: &Path, node: &Path, ctx: &Context) -> Vec<(String, String)> {
    let version = package::version(file).unwrap_or_else(|| "?".to_owned());
    let other = if run.runner.name() == "npm" { "" } else { "npm/? " };
    let agent = format!(
        "{}/{version} {other}node/{} linux {}{}",
        run.runner.name(),
        ctx.version_of(node).filter(|text| text.starts_with('v')).unwrap_or_else(|| "?".to_owned()),
        if cfg!(target_arch = "x86_64") { "x64" } else { "arm64" },
        if other.is_empty() { " workspaces/false" } else { "" },
    );
    let mut all = vec![
        ("npm_config_user_agent".to_owned(), agent),
        ("COLOR".to_owned(), "0".to_owned()),
        ("EDITOR".to_owned(), "vi".to_owned()),
    ];
    if run.runner.name() != "npm" {
        return all;
    }
    let home = ctx.env.get("HOME").map_or("/", String::as_str);
    // As a global package npm lies in `PREFIX/lib/node_modules/npm/bin`.
    let prefix = node.parent().and_then(Path::parent).unwrap_or(Path::new("/usr"));
    let package = file.parent().and_then(Path::parent).unwrap_or(file);
    let mut set = |name: &str, value: String| all.push((format!("npm_config_{name}"), value));
    set("npm_version", version);
    set("cache", format!("{home}/.npm"));
    set("userconfig", format!("{home}/.npmrc"));
    set("init_module", format!("{home}/.npm-init.js"));
    set("prefix", text(prefix));
    set("global_prefix", text(prefix));
    set("globalconfig", text(&prefix.join("etc/npmrc")));
    set("noproxy", String::new());
    set("node_gyp", text(&package.join("node_modules/node-gyp/bin/node-gyp.js")));
    all
}

/// `PATH` with the programs of the packages in front.
fn path(run: &Run<'_>, file: &Path, given: &dyn Fn(&str) -> Option<String>) -> String {
    let folders = run.root.ancestors().map(|folder| folder.join("node_modules/.bin"));
    let gyp = file
        .parent()
        .and_then(Path::parent)
        .map(|package| package.join("node_modules/@npmcli/run-script/lib/node-gyp-bin"));
    let folders = folders.chain(gyp.filter(|folder| folder.is_dir())).map(|folder| text(&folder));
    folders.chain(given("PATH")).collect::<Vec<_>>().join(":")
}

fn flatten(name: &str, value: &Json, all: &mut Vec<(String, String)>) {
    let safe = |key: &str| {
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        key.chars().map(|c| if is_part(c) { c } else { '_' }).collect::<String>()
    };
    match value {
        Json::Object(entries) => {
            for (key, value) in entries {
                flatten(&format!("{name}_{}", safe(key)), value, all);
            }
        }
        Json::Array(items) => {
            for (at, value) in items.iter().enumerate() {
                flatten(&format!("{name}_{at}"), value, all);
            }
        }
        Json::String(text) => all.push((name.to_owned(), text.clone())),
        Json::Null => all.push((name.to_owned(), String::new())),
        Json::Bool(_) | Json::Number(_) => all.push((name.to_owned(), value.to_string())),
    }
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
