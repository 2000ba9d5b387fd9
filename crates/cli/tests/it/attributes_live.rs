//! Every attribute that ostler acts on, in an app that runs.
//!
//! The table of attributes says which there are; here each has its proof: what is true of an app
//! that is given it, or the test that runs such an app. An attribute without a proof is a failure.

mod proofs;

use std::path::Path;

use ostler_config::attributes::{Attribute, Effect, attributes};
use ostler_testkit::Sandbox;
use serde_json::{Map, Value, json};

use crate::takeover::sandbox;
use proofs::{Here, PROOFS, There};

/// The attributes of a process file that ostler acts on.
fn acted_on() -> impl Iterator<Item = &'static Attribute> {
    attributes().filter(|of| of.is_in_files() && of.effect == Effect::Acts)
}

#[test]
fn every_attribute_has_a_proof_in_an_app_that_runs() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    let proven: Vec<&str> = PROOFS.iter().map(|(name, _)| *name).collect();
    let lacking: Vec<&str> =
        acted_on().map(|of| of.name).filter(|name| !proven.contains(name)).collect();
    assert!(lacking.is_empty(), "no proof of {lacking:?}");
    for (name, proof) in PROOFS {
        let attribute = acted_on().find(|of| of.name == *name);
        let attribute = attribute.unwrap_or_else(|| panic!("`{name}` is none that is acted on"));
        let There(test) = proof else { continue };
        let (file, function) = test.split_once("::").unwrap();
        let text = std::fs::read_to_string(folder.join(format!("{file}.rs"))).unwrap();
        assert!(text.contains(&format!("fn {function}(")), "there is no test `{test}`");
        let flags = attribute.flags.iter().flat_map(|flag| flag.long);
        let written = flags.chain(attribute.aliases).chain([&attribute.name]);
        let any = written.into_iter().any(|word| text.contains(word));
        let short = attribute.flags.iter().filter_map(|flag| flag.short);
        let any = any || short.into_iter().any(|letter| text.contains(&format!("\"-{letter}\"")));
        assert!(any, "`{test}` has nothing of `{name}`");
    }
}

/// Starts an app with these keys, in a sandbox that has what they speak of.
fn start(keys: &str) -> Sandbox {
    let sandbox = sandbox();
    sandbox.write("app.sh", "echo out\necho err >&2\nexec sleep 1000000\n");
    sandbox.write("ends.sh", "exit 7\n");
    let loud = "while :; do echo a line that is as long as others; sleep 0.005; done\n";
    sandbox.write("talks.sh", loud);
    sandbox.write("my.env", "FROM_FILE=yes\n");
    let mut app: Map<String, Value> =
        serde_json::from_value(json!({ "name": "app", "script": "app.sh", "env_prod": {} }))
            .unwrap();
    app.extend(serde_json::from_str::<Map<String, Value>>(keys).unwrap());
    sandbox.write("eco.json", Value::from(vec![app]).to_string());
    let start = sandbox.ostler(["start", "eco.json", "--env", "prod"]);
    start.env("A_OF_SHELL", "1").run();
    sandbox
}

#[test]
fn what_is_proven_here_is_true() {
    for (name, proof) in PROOFS {
        if let Here(keys, check) = proof {
            println!("{name}");
            check(&start(keys));
        }
    }
}

#[test]
fn what_is_only_kept_is_in_the_record_and_changes_nothing() {
    let kept = || {
        attributes().filter(|of| of.is_in_files() && of.effect != Effect::Acts && of.is_of_app())
    };
    let example = |of: &Attribute| serde_json::from_str::<Value>(of.example).unwrap();
    let keys: Map<String, Value> = kept().map(|of| (of.name.to_owned(), example(of))).collect();
    let sandbox = start(&Value::from(keys).to_string());
    let record = record(&sandbox, "app");
    for of in kept() {
        assert_eq!(record[of.record], example(of), "{}", of.name);
    }
    assert_eq!(sandbox.pids_of("app").len(), 1);
}

fn record(s: &Sandbox, name: &str) -> Value {
    s.jlist().into_iter().find(|of| of["name"] == name).unwrap()["pm2_env"].clone()
}
