//! `validate` and `plan` of process files.

use serde_json::{Value, json};

use crate::takeover::sandbox;

#[test]
fn validate_tells_everything_and_starts_nothing() {
    let sandbox = sandbox();
    sandbox.write("idle.sh", "exec sleep 1000000");
    sandbox.write("good.yaml", "- name: a\n  script: idle.sh\n- name: b\n  script: idle.sh\n");
    sandbox.write("bad.toml", "[[apps]]\nscript = 'idle.sh'\nmax_memory_restart = '1GB'\nx = 1\n");
    let said = sandbox.ostler(["validate", "good.yaml"]).run();
    assert_eq!(
        (said.out.as_str(), said.err.as_str()),
        ("good.yaml: 2 apps, nothing is wrong\n", "")
    );
    let said = sandbox.ostler(["validate", "good.yaml", "bad.toml"]).code(1).run();
    assert!(said.out.ends_with("\nbad.toml: 1 error, 1 warning\n"), "{}", said.out);
    assert!(
        said.err.contains("  --> bad.toml:3:23 (apps[0].max_memory_restart)\n"),
        "{}",
        said.err
    );
    let said = sandbox.ostler(["validate", "bad.toml", "--json"]).code(1).run();
    let found: Value = serde_json::from_str(&said.out).unwrap();
    let first = &found["diagnostics"][0];
    assert_eq!((&first["code"], &first["line"]), (&json!("wrong-form"), &json!(3)), "{found}");
    assert_eq!(sandbox.daemon_pid(), None);
}

#[test]
fn plan_says_what_apply_then_does() {
    let sandbox = sandbox();
    for script in ["one.sh", "two.sh"] {
        sandbox.write(script, "exec sleep 1000000");
    }
    sandbox.write("eco.json", "[{ name: 'a', script: 'one.sh' }, { name: 'b', script: 'one.sh' }]");
    let plan = || sandbox.ostler(["plan", "eco.json"]).run().out;
    assert_eq!(plan(), "start      a  instances 1\nstart      b  instances 1\n");
    assert_eq!(sandbox.daemon_pid(), None);
    sandbox.ostler(["start", "eco.json"]).run();
    assert_eq!(plan(), "unchanged  a  nothing changed\nunchanged  b  nothing changed\n");
    let text = "[{ name: 'a', script: 'two.sh', env: { SECRET: 's3cret' }, kill_timeout: 500 },\n\
                { name: 'c', script: 'one.sh', instances: 2 }]";
    sandbox.write("eco.json", text);
    let said = plan();
    let lines: Vec<&str> = said.lines().collect();
    let [first, second, third] = lines.as_slice() else { panic!("{said}") };
    assert!(first.starts_with("restart    a  "), "{said}");
    for part in ["/one.sh → ", "/two.sh", "kill_timeout 1600 → 500", "env SECRET"] {
        assert!(first.contains(part), "{part}: {said}");
    }
    assert!(!said.contains("s3cret"), "{said}");
    assert_eq!(*second, "start      c  instances 2");
    assert!(third.starts_with("keep       b  not in the file any more"), "{said}");
    // It has done nothing.
    assert_eq!(sandbox.jlist().len(), 2);
    let found = sandbox.ostler(["plan", "eco.json", "--json"]).run().out;
    let found: Value = serde_json::from_str(&found).unwrap();
    assert_eq!(
        found[1],
        json!({
            "app": "c", "action": "start", "changes": ["instances 2"],
        })
    );
}

#[test]
fn the_code_of_a_complaint_is_explained_without_a_daemon() {
    let sandbox = sandbox();
    sandbox.write("bad.json", "{ script: 'idle.sh', max_memory_restart: '1GB' }");
    let said = sandbox.ostler(["validate", "bad.json"]).code(1).run();
    let code = said.err.split_once("error[").and_then(|(_, rest)| rest.split_once(']'));
    let (code, _) = code.unwrap_or_else(|| panic!("no code in {}", said.err));
    let page = sandbox.ostler(["explain", code]).run().out;
    assert!(page.starts_with("wrong-form: ") && page.contains("300M"), "{page}");
    assert!(sandbox.ostler(["explain"]).run().out.contains("\nwrong-form "));
    let said = sandbox.ostler(["explain", "wrong-from"]).code(1).run();
    let expected =
        "error: no complaint has the code `wrong-from`\nhint: did you mean `wrong-form`?\n";
    assert_eq!(said.err, expected);
    assert_eq!(sandbox.daemon_pid(), None);
}
