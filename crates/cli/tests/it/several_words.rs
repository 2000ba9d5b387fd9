//! Several words of which some mean nothing: each is said with its hint, and nothing is done.

use ostler_testkit::Victim;

use crate::fake::{Fake, process};
use crate::start_e2e::sandbox;

/// Only the first was told.
#[test]
fn each_name_that_nobody_has_is_told_with_what_was_probably_meant() {
    let fake = Fake::with(vec![process(0, "api"), process(1, "web")]);
    let expected = "error: no app has the name or namespace `wbe`\nhint: did you mean `web`?\n\
                    error: no app has the name or namespace `apii`\nhint: did you mean `api`?\n\
                    error: no process has the id `77`\nhint: `ostler list` shows what there is\n";
    for command in ["stop", "restart", "delete", "list", "health", "wait"] {
        let ran = fake.ostler(&format!("{command} api wbe apii apii 77"));
        assert_eq!((ran.code, ran.err.as_str()), (1, expected), "{command}");
        assert_eq!(ran.out, "", "{command}");
    }
    let asked = fake.asked();
    assert!(asked.iter().all(|of| of.get("meant").is_some() || *of == "list"), "{asked:?}");
}

/// `did you mean 'two words'?` was no command, and each of the words was refused.
#[test]
fn the_words_of_a_name_without_its_quotes_are_put_together_and_the_last_hint_is_the_whole_line() {
    let fake = Fake::with(vec![process(0, "two words"), process(1, "web")]);
    let err = |line: &str| fake.ostler(line).err;
    let two = "error: no app has the name or namespace `two`\n\
               hint: did you mean `ostler stop 'two words'`?\n";
    assert_eq!(err("stop two words"), two);
    let wrong = err("stop two words wbe");
    assert!(wrong.ends_with("hint: did you mean `ostler stop 'two words' web`?\n"), "{wrong}");
    let wrong = err("stop wbe two words");
    assert!(wrong.ends_with("hint: did you mean `ostler stop web 'two words'`?\n"), "{wrong}");
}

/// As `start api.js wbe.js` did: the second script was looked for when the first was mended.
#[test]
fn each_script_that_is_not_there_is_told() {
    let fake = Fake::with(vec![process(0, "api")]);
    let ran = fake.ostler("start nope.js other.js");
    assert_eq!(ran.code, 1);
    for name in ["nope.js", "other.js"] {
        assert!(ran.err.contains(&format!("/{name}")), "{name}: {}", ran.err);
    }
}

#[test]
fn several_apps_are_described_each_once() {
    let sandbox = sandbox();
    let app = sandbox.victim("idle", Victim::Sleeper);
    for name in ["one", "two"] {
        sandbox.ostler(["start", "--name", name]).arg(&app).run();
    }
    let said = sandbox.ostler(["describe", "two", "one", "1"]).run().out;
    let names: Vec<&str> = said.lines().filter_map(|line| line.strip_prefix("name: ")).collect();
    assert_eq!(names, ["two", "one"], "in the order in which they were named");
    let error = sandbox.ostler(["describe", "one", "tow"]).code(1).run().err;
    assert!(error.contains("`tow`"), "{error}");
}
