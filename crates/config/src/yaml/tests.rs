//! YAML as people write it, and as they do not.

use proptest::prelude::*;
use serde_json::json;

use super::*;

#[track_caller]
fn check(text: &str, expected: &serde_json::Value) {
    assert_eq!(parse(text).unwrap().to_json(), *expected, "{text}");
}

#[test]
fn words_mean_what_js_yaml_takes_them_for() {
    let text = "a: yes\nb: true\nc: ~\nd: 0x1F\ne: 1e3\nf: -12\ng: '5'\nh: 1.5\ni: 010\n\
                    j: 1.2.3\n\
                    k: .5\nl: v1\nm: 'x y'\nn:\no: on\np: !!str 5\nq: \"a\\tb\"\nr: 2026-11-27\n";
    check(
        text,
        &json!({
            "a": "yes", "b": true, "c": null, "d": 31, "e": 1000, "f": -12, "g": "5", "h": 1.5,
            "i": 10, "j": "1.2.3", "k": 0.5, "l": "v1", "m": "x y", "n": null, "o": "on",
            "p": "5", "q": "a\tb", "r": "2026-11-27",
        }),
    );
}

#[test]
fn anchors_and_merge_keys_bring_what_they_name() {
    let text = "\
base: &base { script: a.js, env: { A: 1 } }
more: &more { cwd: /srv, script: b.js }
apps:
  - <<: *base
    name: one
  - <<: [*more, *base]
    name: two
    cwd: /own
  - *base
";
    let apps = parse(text).unwrap().get("apps").unwrap().to_json();
    assert_eq!(
        apps,
        json!([
            { "name": "one", "script": "a.js", "env": { "A": 1 } },
            { "name": "two", "cwd": "/own", "script": "b.js", "env": { "A": 1 } },
            { "script": "a.js", "env": { "A": 1 } },
        ])
    );
}

#[test]
fn several_documents_are_the_apps_of_all() {
    let text = "---\nname: a\nscript: a.js\n---\napps:\n  - name: b\ndeploy: { x: 1 }\n\
                    ---\n- name: c\n...\n";
    check(
        text,
        &json!({
            "apps": [{ "name": "a", "script": "a.js" }, { "name": "b" }, { "name": "c" }],
            "deploy": { "x": 1 },
        }),
    );
    check("", &json!(null));
    check("# nothing\n", &json!(null));
}

#[test]
fn each_value_has_its_place() {
    let text = "\u{feff}# é\napps:\n  - name: api\n    args: [a, \"b c\"]\n\
                    \x20   env:\n      A: |\n        x\n  - name: b\n";
    let root = parse(text).unwrap();
    let slice = |node: &Node| &text[node.span.unwrap().start..node.span.unwrap().end];
    let Value::List(apps) = &root.get("apps").unwrap().value else { panic!() };
    assert_eq!(slice(apps[0].get("name").unwrap()), "api");
    assert_eq!(slice(apps[0].get("args").unwrap()), "[a, \"b c\"]");
    let Value::Object(entries) = &apps[1].value else { panic!() };
    let key = entries[0].key_span.unwrap();
    assert_eq!(&text[key.start..key.end], "name");
}

#[track_caller]
fn wrong(text: &str, message: &str, at: &str) {
    let error = parse(text).unwrap_err();
    assert!(error.message.contains(message), "{text}: {}", error.message);
    assert!(text[error.span.start.min(text.len())..].starts_with(at), "{text}: {:?}", error.span);
}

#[test]
fn what_is_no_good_is_told_where_it_stands() {
    wrong("a: 1\nb: 2\na: 3\n", "the key `a` is here a second time", "a: 3");
    wrong("a: !x 1", "the tag `!x` means nothing here", "1");
    wrong("? [a]\n: 1", "a key must be a text", "[a]");
    wrong("a: *b", "", "*b");
    wrong("<<: 5", "`<<` takes an object", "<<");
    wrong("a: &a [*a]", "", "*a");
    parse("a: [1, 2").unwrap_err();
    parse("a:\n\t- b").unwrap_err();
    parse(&"[".repeat(10_000)).unwrap_err();
    let bomb: String = (1..30)
        .map(|n| format!("a{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 9].join(",")))
        .collect();
    wrong(&format!("a0: &a0 x\n{bomb}"), "aliases make more than", "");
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "[-a:&*<>|{}\\[\\]\"'#!? \n\t\u{e9}0-9,]{0,60}") {
        _ = parse(&text);
    }
}
