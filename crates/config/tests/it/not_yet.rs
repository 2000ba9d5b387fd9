//! What is accepted works or is refused: nothing is confirmed that is not done.

use ostler_config::attributes::{Effect, Flag, Gives, Takes};
use ostler_config::{ALL_PROFILES, Options, attributes, load, options_patch};

use crate::world::{World, options};

fn is_undone(effect: Effect) -> bool {
    matches!(effect, Effect::NotYet { .. })
}

/// The option with the attribute's example as its value.
fn typed(flag: &Flag, example: &str) -> Options {
    let value = if flag.takes == Takes::Nothing { "" } else { example.trim_matches('"') };
    options(&[(flag.long[0], value)])
}

#[test]
fn an_option_for_what_is_not_done_is_an_error_wherever_it_is_given() {
    let world = World::new(&["node"]);
    world.file("a.js", "");
    world.file("eco.json", r#"{ "script": "a.js" }"#);
    let mut refused = Vec::new();
    for attribute in attributes().filter(|attribute| is_undone(attribute.effect)) {
        for flag in attribute.flags {
            let given = typed(flag, attribute.example);
            let name = flag.long[0];
            let expected = format!("`--{name}` has no effect yet: ");
            let said = [
                world.refused("a.js", &given),
                world.render(&load("eco.json", &given, &world.ctx).1),
                world.render(&options_patch(&given, &world.ctx).unwrap_err()),
            ];
            for said in said {
                assert!(said.starts_with(&format!("error[no-effect]: {expected}")), "{said}");
            }
            assert_eq!(load("eco.json", &given, &world.ctx).0, []);
            refused.push(name);
        }
    }
    assert_eq!(refused, [] as [&str; 0]);
}

/// README: "What is not says so when it is asked for". They were typing errors.
#[test]
fn a_key_of_a_later_version_is_not_called_unknown() {
    let world = World::new(&["node"]);
    world.file("a.js", "");
    let check = |keys: &str, said: &str| {
        world.file("eco.json", format!("{{ script: 'a.js', {keys} }}"));
        let rendered = world.render(&load("eco.json", &Options::default(), &world.ctx).1);
        assert!(rendered.contains(said), "{rendered}");
    };
    check("history: true", "warning[no-effect]: `history` has no effect yet: no figures");
}

#[test]
fn an_option_that_switches_off_what_is_not_done_anyway_is_accepted() {
    let world = World::new(&["node"]);
    world.file("a.js", "");
    for off in [("no-vizion", ""), ("no-pmx", ""), ("no-automation", "")] {
        world.start("a.js", &options(&[off]));
        options_patch(&options(&[off]), &world.ctx).unwrap();
    }
}

#[test]
fn a_key_for_what_is_not_done_is_warned_of_where_it_stands() {
    let mut world = World::new(&["node"]);
    world.ctx.listed = Some(["db", "migrate"].map(str::to_owned).into());
    world.file("a.js", "");
    let mut warned = Vec::new();
    for attribute in attributes().filter(|attribute| attribute.is_in_files()) {
        let text = format!("{{ script: 'a.js', {}: {} }}", attribute.name, attribute.example);
        if matches!(
            attribute.name,
            "script" | "module" | "uid" | "gid" | "interpreter" | "cwd" | "env_file"
        ) {
            continue;
        }
        world.file("eco.json", &text);
        let every = Options { profiles: vec![ALL_PROFILES.to_owned()], ..Options::default() };
        let (specs, report) = load("eco.json", &every, &world.ctx);
        assert_eq!(specs.len(), 1, "{text}: {}", world.render(&report));
        let about = report.iter().filter(|said| said.code == "no-effect");
        let places: Vec<&str> =
            about.map(|said| said.place.as_ref().map_or("", |place| &*place.text)).collect();
        let expected: &[&str] =
            if matches!(attribute.effect, Effect::NotYet { .. }) { &[&text] } else { &[] };
        assert_eq!(places, expected, "{}", attribute.name);
        warned.extend(places.first().map(|_| attribute.name));
    }
    let expected =
        ["trace", "v8", "event_loop_inspector", "deep_monitoring", "post_update", "force", "write"];
    assert_eq!(warned, expected);
}

#[test]
fn a_value_that_asks_for_nothing_is_not_warned_of() {
    let world = World::new(&["node"]);
    world.file("a.js", "");
    let text = "{ script: 'a.js', cron_restart: '0', trace: false, post_update: [], \
                vizion: true, pmx: true }";
    world.app(text);
}

#[test]
fn an_option_that_sets_something_sets_what_is_acted_on() {
    for attribute in attributes().filter(|attribute| attribute.effect == Effect::Kept) {
        let sets = |flag: &&Flag| flag.gives != Gives::Bool(false);
        let found = attribute.flags.iter().find(sets);
        assert_eq!(found.map(|flag| flag.long), None, "confirmed, and nothing comes of it");
    }
}
