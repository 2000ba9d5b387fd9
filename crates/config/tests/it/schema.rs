//! The JSON Schema of process files, against files that ostler takes and files that it does not.

use ostler_config::{Options, attributes, load, schema};
use serde_json::{Value as Json, json};

use crate::world::World;

/// Whether `value` is as `part` of `root` says. Only the keywords that the schema uses are known,
/// so that one which does not exist is found.
fn is_valid(root: &Json, part: &Json, value: &Json) -> bool {
    let Json::Object(keywords) = part else { return part.as_bool().unwrap() };
    let valid = |part: &Json| is_valid(root, part, value);
    let all = |list: &Json| list.as_array().unwrap().iter().filter(|part| valid(part)).count();
    keywords.iter().all(|(keyword, wanted)| match keyword.as_str() {
        "$schema" | "$defs" | "title" | "description" | "default" | "examples" => true,
        "then" | "else" => keywords.contains_key("if"),
        "if" => {
            let next = if valid(wanted) { "then" } else { "else" };
            keywords.get(next).is_none_or(valid)
        }
        "$ref" => {
            let path = wanted.as_str().unwrap().strip_prefix('#').unwrap();
            valid(root.pointer(path).unwrap())
        }
        "anyOf" => all(wanted) > 0,
        "oneOf" => all(wanted) == 1,
        "enum" => wanted.as_array().unwrap().contains(value),
        "type" => is_of_type(wanted, value),
        "minimum" => value.as_f64().is_none_or(|number| wanted.as_f64().unwrap() <= number),
        "maximum" => value.as_f64().is_none_or(|number| number <= wanted.as_f64().unwrap()),
        "pattern" => value.as_str().is_none_or(|text| matches(wanted.as_str().unwrap(), text)),
        "contains" => value
            .as_array()
            .is_some_and(|items| items.iter().any(|item| is_valid(root, wanted, item))),
        "items" => value
            .as_array()
            .is_none_or(|items| items.iter().all(|item| is_valid(root, wanted, item))),
        "required" => value.as_object().is_none_or(|map| {
            wanted.as_array().unwrap().iter().all(|key| map.contains_key(key.as_str().unwrap()))
        }),
        "properties" | "patternProperties" | "additionalProperties" => true,
        unknown => panic!("the schema has the keyword `{unknown}`"),
    }) && value
        .as_object()
        .is_none_or(|map| map.iter().all(|(key, value)| is_valid_entry(root, part, key, value)))
}

fn is_valid_entry(root: &Json, part: &Json, key: &str, value: &Json) -> bool {
    let named = part.get("properties").and_then(|properties| properties.get(key));
    let patterns = part.get("patternProperties").and_then(Json::as_object).into_iter().flatten();
    let patterns = patterns.filter(|(pattern, _)| matches(pattern, key)).map(|(_, part)| part);
    let mut known = named.into_iter().chain(patterns).peekable();
    if known.peek().is_some() {
        return known.all(|part| is_valid(root, part, value));
    }
    part.get("additionalProperties").is_none_or(|part| is_valid(root, part, value))
}

fn is_of_type(wanted: &Json, value: &Json) -> bool {
    let is = |name: &Json| match name.as_str().unwrap() {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        unknown => panic!("no type `{unknown}`"),
    };
    wanted.as_array().map_or_else(|| is(wanted), |names| names.iter().any(is))
}

fn matches(pattern: &str, text: &str) -> bool {
    regex_lite::Regex::new(pattern).unwrap().is_match(text)
}

/// Whether ostler takes the file without a word, beside what it says of keys without effect.
fn is_taken(world: &World, file: &Json) -> bool {
    world.file("eco.json", file.to_string());
    let (_, report) = load("eco.json", &Options::default(), &world.ctx);
    report.iter().all(|diagnostic| diagnostic.code == "no-effect")
}

#[track_caller]
fn check(file: &Json, valid: bool) {
    let mut world = World::new(&["node", "python3"]);
    world.ctx.euid = 0;
    for script in ["a.js", "app.js", "some/path/a.js"] {
        world.file(script, "");
    }
    world.file("base.yaml", "apps: [{ name: web, script: a.js }, { name: jobs, script: a.js }]");
    let schema = schema();
    assert_eq!(is_valid(&schema, &schema, file), valid, "by the schema: {file:#}");
    assert_eq!(is_taken(&world, file), valid, "by ostler: {file:#}");
}

#[test]
fn files_of_every_shape_are_valid() {
    let app = json!({ "script": "a.js" });
    for file in [
        json!({ "apps": [app] }),
        json!({ "apps": app }),
        json!({ "pm2": [app] }),
        json!({ "name": "package", "version": "1", "pm2": { "apps": [app] } }),
        json!([app, null, false]),
        app.clone(),
        json!({ "exec": "a.js", "killTimeout": "2000", "output": "o.log", "listen_timeout": null }),
        json!({ "script": "a.js", "max_memory_restart": 1e6, "min_uptime": "5s" }),
        json!({ "script": "a.js", "args": [1, "b c", true], "instances": "max" }),
        json!({ "script": "a.js", "interpreterArgs": "-e -u", "exec_mode": "cluster" }),
        json!({ "script": "a.js", "env": { "A": 1 }, "env_production": { "A": 2 } }),
        json!({ "script": "a.js", "health": { "tcp": 3000, "retries": "2" } }),
        json!({ "script": "a.js", "fds": { "3": 8080, "4": "[::1]:81", "5": "/run/app.sock" } }),
        json!({ "extends": "./base.yaml", "apps": [{ "name": "web", "instances": 2 }] }),
        json!({ "extends": ["base.yaml", null], "apps": [] }),
        json!({ "extends": "base.yaml", "deploy": {} }),
        json!({ "extends": "base.yaml" }),
        json!({ "extends": "base.yaml", "name": "web", "instances": 2 }),
        json!([{ "name": "common", "nice": 1 }, { "script": "a.js", "extends": "common" }]),
        json!({ "apps": [{ "name": "w", "script": "a.js" }, { "name": "x", "extends": ["w"] }] }),
        json!({ "apps": [app], "deploy": { "prod": { "host": ["a", "b"], "env": { "A": "1" } } } }),
    ] {
        check(&file, true);
    }
}

#[test]
fn what_ostler_complains_about_is_not_valid() {
    let app = json!({ "script": "a.js" });
    for file in [
        json!(5),
        json!({ "app": [app] }),
        json!({ "apps": [{ "name": "a" }] }),
        json!({ "apps": ["a.js"] }),
        json!({ "extends": 5, "apps": [app] }),
        json!({ "extends": "base.yaml", "apps": [{ "name": "web", "instanses": 2 }] }),
        json!({ "apps": [{ "script": "a.js", "extends": "" }] }),
        json!({ "apps": [app], "static": [] }),
        json!({ "script": "" }),
        json!({ "script": "a.js", "kil_timeout": 2000 }),
        json!({ "script": "a.js", "kill_timeout": true }),
        json!({ "script": "a.js", "kill_timeout": -1 }),
        json!({ "script": "a.js", "kill_timeout": "abc" }),
        json!({ "script": "a.js", "min_uptime": 50 }),
        json!({ "script": "a.js", "max_memory_restart": "1.5G" }),
        json!({ "script": "a.js", "autorestart": "false" }),
        json!({ "script": "a.js", "exec_mode": "thread" }),
        json!({ "script": "a.js", "args": [{ "a": 1 }] }),
        json!({ "script": "a.js", "env": "A=1" }),
        json!({ "script": "a.js", "env_production": "A=1" }),
        json!({ "script": "a.js", "health": {} }),
        json!({ "script": "a.js", "health": { "http": "ftp://x" } }),
        json!({ "script": "a.js", "health": { "tcp": "x:1", "exec": "true" } }),
        json!({ "script": "a.js", "health": { "tcp": "x:1", "retry": 3 } }),
        json!({ "script": "a.js", "fds": { "x": 80 } }),
        json!({ "script": "a.js", "balance": "fair" }),
    ] {
        check(&file, false);
    }
}

#[test]
fn every_key_takes_its_example_and_nothing_of_another_type() {
    let schema = schema();
    let is_valid = |file: Json| is_valid(&schema, &schema, &file);
    for attribute in attributes().filter(|attribute| attribute.is_in_files()) {
        let example: Json = serde_json::from_str(attribute.example).unwrap();
        for key in attribute.aliases.iter().chain([&attribute.name]) {
            let mut app = json!({ "script": "a.js" });
            app[*key] = example.clone();
            assert!(is_valid(app), "{key}");
            // No attribute takes all of these.
            let other = [json!(true), json!("\n"), json!([]), json!({ "a": 1 })];
            let refused = other
                .into_iter()
                .filter(|value| !is_valid(json!({ "script": "a.js", *key: value })));
            assert!(0 < refused.count(), "{key}");
        }
        if let Some(default) = attribute.default() {
            assert!(is_valid(json!({ "script": "a.js", attribute.name: default })), "{default}");
        }
    }
}
