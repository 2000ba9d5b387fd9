//! Every row of the table of attributes: set in each way that there is, it reads back.

use std::collections::BTreeSet;

use ostler_config::attributes::{
    Attribute, Effect, Gives, Input, Type, attributes, find, find_flag,
};
use ostler_config::{Diagnostic, Options, load};
use ostler_core::ProcId;
use ostler_core::spec::AppSpec;
use ostler_pm2::{environment, record};
use serde_json::{Map, Value as Json, json};

use crate::CPUS;
use crate::world::World;

/// A world in which every example of the table means something.
fn world() -> World {
    let mut world = World::new(&["node", "python3"]);
    world.ctx.euid = 0;
    world.ctx.listed = None;
    for script in ["a.js", "app.js", "some/path/a.js"] {
        world.file(script, "");
    }
    world
}

fn example(attribute: &Attribute) -> Json {
    serde_json::from_str(attribute.example).unwrap()
}

/// Attributes of apps that can be written in a process file.
fn of_files() -> impl Iterator<Item = &'static Attribute> {
    attributes().filter(|attribute| attribute.is_of_app() && attribute.is_in_files())
}

/// The app of a process file that has these keys beside its script.
#[track_caller]
fn from_file(world: &World, keys: &Json) -> AppSpec {
    let mut app = json!({ "script": "a.js" });
    app.as_object_mut().unwrap().extend(keys.as_object().unwrap().clone());
    world.file("eco.json", app.to_string());
    let (mut specs, report) = load("eco.json", &Options::default(), &world.ctx);
    assert!(!report.iter().any(Diagnostic::is_error), "{}", world.render(&report));
    specs.remove(0)
}

#[track_caller]
fn reread(spec: &AppSpec) -> AppSpec {
    record::from_record(&record::to_record(spec), CPUS).unwrap()
}

#[test]
fn a_value_in_a_process_file_arrives_under_each_of_its_keys() {
    let world = world();
    let bare = from_file(&world, &json!({}));
    for attribute in of_files() {
        let spec = from_file(&world, &json!({ attribute.name: example(attribute) }));
        let (got, usual) = (attribute.get(&spec), attribute.get(&bare));
        assert_ne!(got, usual, "`{}` has no effect, or its example is the default", attribute.name);
        if attribute.input == Input::Direct {
            let mut direct = AppSpec::new("/".into(), "/".into());
            attribute.set(&mut direct, &example(attribute)).unwrap();
            assert_eq!(got, attribute.get(&direct), "{}", attribute.name);
        }
        for alias in attribute.aliases.iter().filter(|_| attribute.name != "script") {
            let spec = from_file(&world, &json!({ *alias: example(attribute) }));
            assert_eq!(attribute.get(&spec), got, "{alias}");
        }
    }
}

/// The options that give `value`, or what they always give, each with what follows it.
fn options(attribute: &Attribute, value: &mut Json) -> Vec<(&'static str, Option<String>)> {
    let text = |value: &Json| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let mut out = Vec::new();
    for flag in attribute.flags {
        let long = flag.long.last().unwrap();
        let part = match flag.gives {
            Gives::Part(key) => value.get(key).cloned(),
            _ => Some(value.clone()),
        };
        match (flag.gives, part) {
            // It is the opposite of the option that gave a word before.
            (Gives::Bool(_), _) if value.is_string() && !out.is_empty() => {}
            (Gives::Bool(to), _) => {
                *value = to.into();
                out.push((*long, None));
            }
            (Gives::List | Gives::ListOrTrue | Gives::SplitList, Some(Json::Array(items))) => {
                out.extend(items.iter().map(|item| (*long, Some(text(item)))));
            }
            (Gives::Value, Some(Json::Array(items))) => {
                out.push((*long, Some(items.iter().map(text).collect::<Vec<_>>().join(" "))));
            }
            (Gives::Delay, Some(ms)) => out.push((*long, Some(format!("{ms}ms")))),
            (_, part) => out.extend(part.map(|value| (*long, Some(text(&value))))),
        }
    }
    out
}

#[test]
fn an_option_gives_what_the_same_value_in_a_file_gives() {
    let world = world();
    // An option for what is not done yet is refused.
    let done = |attribute: &&Attribute| matches!(attribute.effect, Effect::Acts | Effect::Kept);
    for attribute in of_files().filter(done).filter(|attribute| !attribute.flags.is_empty()) {
        let mut given = Options::default();
        let mut written = example(attribute);
        for (long, value) in options(attribute, &mut written) {
            assert!(given.give(long, value.as_deref()), "--{long}");
        }
        let spec = world.start("a.js", &given);
        let as_written = from_file(&world, &json!({ attribute.name: written }));
        let (got, wanted) = (attribute.get(&spec), attribute.get(&as_written));
        // One text instead of a list of words is kept as it is.
        if !(got.is_string() && wanted.is_array()) {
            assert_eq!(got, wanted, "{}", attribute.name);
        }
    }
}

#[test]
fn a_record_keeps_every_attribute() {
    let world = world();
    let bare = from_file(&world, &json!({}));
    for attribute in attributes().filter(|attribute| attribute.is_of_app()) {
        let spec = match attribute.input {
            Input::Direct | Input::Resolved => {
                from_file(&world, &json!({ attribute.name: example(attribute) }))
            }
            Input::RecordOnly => {
                let mut spec = bare.clone();
                attribute.set(&mut spec, &example(attribute)).unwrap();
                spec
            }
        };
        let value = attribute.get(&spec);
        assert_ne!(value, attribute.get(&bare), "{}: `set` has no effect", attribute.name);
        // Which variables the file gives stands beside its path, which is no attribute.
        let kept = AppSpec { file_variables: BTreeSet::new(), ..spec.clone() };
        assert_eq!(reread(&spec), kept, "{}", attribute.name);
        let mut map = record::to_map(&bare);
        assert!(
            !map.contains_key(attribute.record) || attribute.get(&bare) != Json::Null,
            "{}: what has no value is not in the record",
            attribute.name
        );
        map.insert(attribute.record.to_owned(), value.clone());
        let from_map = record::from_map(&map, CPUS).unwrap();
        assert_eq!(attribute.get(&from_map), value, "{}", attribute.record);
    }
}

#[test]
fn a_change_by_its_key_in_a_file_sets_an_attribute_and_null_clears_it() {
    let world = world();
    let bare = from_file(&world, &json!({}));
    for attribute in of_files().filter(|attribute| attribute.name != "exec_mode") {
        let spec = from_file(&world, &json!({ attribute.name: example(attribute) }));
        let change = |value: Json| {
            let text = json!({ attribute.name: value }).to_string();
            record::patch(&bare, &text, CPUS)
        };
        let changed = change(attribute.get(&spec)).unwrap();
        assert_eq!(attribute.get(&changed), attribute.get(&spec), "{}", attribute.name);
        if attribute.name != "script" {
            let cleared = change(Json::Null).unwrap();
            let mut map = record::to_map(&bare);
            map.remove(attribute.record);
            let without = record::from_map(&map, CPUS).unwrap();
            assert_eq!(attribute.get(&cleared), attribute.get(&without), "{}", attribute.name);
        }
    }
}

#[test]
fn what_the_app_sees_is_what_its_rows_say() {
    let world = world();
    let keys: Map<String, Json> = of_files()
        .filter(|attribute| attribute.in_environment && attribute.name != "script")
        .map(|attribute| (attribute.name.to_owned(), example(attribute)))
        .collect();
    let spec = from_file(&world, &Json::Object(keys));
    let seen = environment::flattened(&spec, ProcId(7));
    for attribute in attributes() {
        let is_scalar =
            !matches!(attribute.get(&spec), Json::Null | Json::Array(_) | Json::Object(_));
        let wanted = attribute.in_environment && is_scalar;
        assert_eq!(seen.contains_key(attribute.record), wanted, "{}", attribute.record);
    }
}

#[test]
fn an_app_without_options_sees_what_it_sees_under_pm2() {
    let seen = environment::flattened(&from_file(&world(), &json!({})), ProcId(7));
    expect_test::expect![[r#"
        automation
        autorestart
        autostart
        exec_interpreter
        exec_mode
        instance_var
        instances
        kill_retry_time
        km_link
        merge_logs
        namespace
        pm_cwd
        pm_err_log_path
        pm_exec_path
        pm_out_log_path
        pm_pid_path
        pmx
        treekill
        username
        vizion
        vizion_running
        watch
        windowsHide"#]]
    .assert_eq(&seen.into_keys().collect::<Vec<_>>().join("\n"));
}

#[test]
fn keys_and_options_are_not_given_twice() {
    let mut keys: Vec<&str> = attributes()
        .flat_map(|attribute| attribute.aliases.iter().copied().chain([attribute.name]))
        .collect();
    let mut flags: Vec<&str> = attributes()
        .flat_map(|attribute| attribute.flags)
        .flat_map(|flag| flag.long.iter().copied())
        .collect();
    let mut shorts: Vec<char> =
        attributes().flat_map(|attribute| attribute.flags).filter_map(|flag| flag.short).collect();
    let mut records: Vec<&str> =
        attributes().filter(|attribute| attribute.is_of_app()).map(|row| row.record).collect();
    let counts = [keys.len(), flags.len(), shorts.len(), records.len()];
    for list in [&mut keys, &mut flags, &mut records] {
        list.sort_unstable();
        list.dedup();
    }
    shorts.sort_unstable();
    shorts.dedup();
    assert_eq!(counts, [keys.len(), flags.len(), shorts.len(), records.len()]);
}

#[test]
fn a_row_says_all_that_others_show() {
    for attribute in attributes() {
        let name = attribute.name;
        let phrase = |text: &str| !text.is_empty() && !text.ends_with('.');
        assert!(phrase(attribute.help) && phrase(attribute.advice), "{name}");
        assert!(attribute.flags.iter().all(|flag| flag.help.is_none_or(phrase)), "{name}");
        let value = example(attribute);
        let is = |kind: &Type| match kind {
            Type::Text => value.is_string(),
            Type::Number => value.is_number(),
            Type::Bool => value.is_boolean(),
            Type::List => value.is_array(),
            Type::Object => value.is_object(),
        };
        assert!(attribute.types.iter().any(is), "{name}: the example has a type of its own");
        let has_parts = |kind: &Type| matches!(kind, Type::Object | Type::List);
        assert!(attribute.inside.is_empty() || attribute.types.iter().any(has_parts), "{name}");
        if attribute.is_in_files() {
            assert!(find(name).is_some_and(|found| std::ptr::eq(found, attribute)), "{name}");
        }
        for long in attribute.flags.iter().flat_map(|flag| flag.long) {
            assert!(find_flag(long).is_some_and(|(found, _)| found.name == name), "{long}");
        }
    }
}
