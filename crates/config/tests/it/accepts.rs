//! What values each attribute takes: the falsy ones that people leave in a file to mean "not
//! given", numbers for texts and texts for numbers.

use std::fmt::Write as _;

use expect_test::expect_file;
use ostler_config::{Options, attributes, load};

use crate::world::{World, node, options};

const VALUES: [&str; 9] = ["undefined", "null", "''", "false", "0", "NaN", "'abc'", "'5'", "5"];

/// `given`, `absent` when the app is as if nothing were said, else the code of the complaint.
fn outcome(world: &World, key: &str, value: &str) -> String {
    let read = |text: &str| {
        let path = world.file("eco.config.json", text);
        load(path.to_str().unwrap(), &Options::default(), &world.ctx)
    };
    let script = if key == "script" { "exec" } else { "script" };
    let (with, report) = read(&format!("{{ {script}: './a.js', {key}: {value} }}"));
    let complaint = report.iter().find(|said| said.code != "no-effect");
    match complaint {
        Some(said) => said.code.to_owned(),
        None if with == read(&format!("{{ {script}: './a.js' }}")).0 => "absent".to_owned(),
        None => "given".to_owned(),
    }
}

#[test]
fn every_attribute_with_every_kind_of_nothing() {
    let mut world = World::new(&["node"]);
    world.ctx.node = Some(node());
    world.file("a.js", "");
    let mut table = String::new();
    let names = attributes().filter(|attribute| attribute.is_in_files()).map(|of| of.name);
    for name in names.chain(["env_prod", "env_file"]) {
        let row = VALUES.map(|value| format!("{value} {}", outcome(&world, name, value)));
        writeln!(table, "{name}: {}", row.join(", ")).unwrap();
    }
    expect_file!["accepts.txt"].assert_eq(&table);
}

#[test]
fn an_empty_option_means_not_given() {
    let world = World::new(&["node"]);
    world.file("a.js", "");
    let mut given = options(&[]);
    given.give("name", Some(""));
    given.give("max-memory-restart", Some(""));
    let spec = world.start("a.js", &given);
    assert_eq!((spec.name.as_str(), spec.policy.max_memory), ("a", None));
}

#[test]
fn a_count_that_is_no_number_is_refused() {
    let world = World::new(&["node"]);
    world.file("a.js", "");
    for count in ["abc", "1.5", "50%", "1e3", "2x"] {
        let said = world.refused("a.js", &options(&[("instances", count)]));
        assert!(said.starts_with("error[wrong-form]: Verify \"instances\""), "{said}");
    }
    for (count, processes) in [("max", 4), ("0", 4), ("-1", 3), ("3", 3), (" 2 ", 2)] {
        assert_eq!(world.start("a.js", &options(&[("instances", count)])).instances, processes);
    }
    world.file("eco.json", "{ script: 'a.js', instances: 1.5, kill_timeout: 2.5 }");
    let (_, report) = load("eco.json", &Options::default(), &world.ctx);
    let said: Vec<&str> = report.iter().map(|said| said.message.as_str()).collect();
    let whole = |name: &str, now| format!("\"{name}\" must be a whole number, but now is {now}");
    assert_eq!(said, [whole("instances", "1.5"), whole("kill_timeout", "2.5")]);
}

#[test]
fn a_date_format_without_a_date_is_refused() {
    let world = World::new(&["node"]);
    world.file("a.js", "");
    for format in ["iso?", "foo", "[YYYY]", "  "] {
        let given = options(&[("log-date-format", format)]);
        let said = ostler_config::from_script("a.js", &given, &world.ctx);
        // `iso?` has an `s`, which is a part.
        assert_eq!(said.is_ok(), format == "iso?", "{format}");
    }
}

#[test]
fn null_takes_an_option_away() {
    let world = World::new(&["node"]);
    let patch =
        |given: &[(&str, &str)]| ostler_config::options_patch(&options(given), &world.ctx).unwrap();
    assert_eq!(patch(&[("node-args", "null")]), r#"{"node_args":null}"#);
    assert_eq!(patch(&[("max-memory-restart", "null")]), r#"{"max_memory_restart":null}"#);
    world.file("a.js", "");
    let spec = world.start("a.js", &options(&[("node-args", "null"), ("kill-timeout", "null")]));
    assert_eq!((spec.interpreter_args.len(), spec.policy.stop_grace), (0, 1600));
}
