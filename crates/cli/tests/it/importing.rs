//! `import` of files of other managers: a process file is printed, and it starts what they started.

use serde_json::Value;

use crate::start_e2e::{SOON, sandbox};

const SERVER: &str = "console.log('greets', process.env.GREETING, process.argv.slice(2).join());
setInterval(() => {}, 1 << 30);";

#[test]
fn what_is_imported_from_another_manager_runs_as_it_did_there() {
    for (name, text) in [
        ("Procfile", "web: GREETING=hello node server.js a 'b c'\n"),
        (
            "shop.conf",
            "[program:web]\ncommand=node server.js a 'b c'\nenvironment=GREETING=\"hello\"\n",
        ),
        (
            "web.service",
            "[Service]\nExecStart=/usr/bin/env node server.js a 'b c'\nEnvironment=GREETING=hello\n\
             Restart=always\n",
        ),
        (
            "compose.yaml",
            "services:\n  web:\n    command: node server.js a 'b c'\n    environment: \
             { GREETING: hello }\n",
        ),
    ] {
        let sandbox = sandbox();
        sandbox.write("server.js", SERVER);
        sandbox.write(name, text);
        let said = sandbox.ostler(["import", name]).run();
        assert!(sandbox.jlist().is_empty(), "{name}: nothing is started");
        sandbox.write("apps.yaml", said.out);
        sandbox.ostler(["validate", "apps.yaml", "--strict"]).run();
        sandbox.ostler(["start", "apps.yaml"]).run();
        sandbox.wait_status("web", "online", 1, SOON);
        let log = sandbox.jlist()[0]["pm2_env"]["pm_out_log_path"].as_str().unwrap().to_owned();
        let greets = |text: &str| text.contains("greets hello a,b c\n").then_some(());
        sandbox.wait_file(log, SOON, greets);
    }
}

#[test]
fn what_has_no_counterpart_is_told_app_by_app_and_what_is_no_such_file_with_its_line() {
    let sandbox = sandbox();
    let text = "services:\n  web: { image: x, command: node a.js }\n  db: { image: postgres }\n";
    sandbox.write("compose.yml", text);
    let said = sandbox.ostler(["import", "compose.yml"]).run();
    for part in
        ["web: `image`: it runs on this machine", "db: left out: its image says what is run"]
    {
        assert!(said.err.contains(part), "{part}: {}", said.err);
    }
    let said = sandbox.ostler(["import", "compose.yml", "--json"]).run().out;
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(said["apps"][0]["script"], "a.js");
    assert_eq!(said["notes"].as_array().unwrap().len(), 2, "{said}");
    sandbox.write("a.conf", "[program:one]\ncommand=node a.js\n[program:two]\ncommnd=oops\n");
    let said = sandbox.ostler(["import", "a.conf"]).run().err;
    assert!(said.contains("two: left out: no `command` says what is run"), "{said}");
    // Programs read the objects of progress, and nothing else stands between them.
    let said = sandbox.ostler(["import", "a.conf", "--progress", "json"]).code(2).run().out;
    let object: Value = serde_json::from_str(&said).unwrap();
    let message = object["message"].as_str().unwrap();
    assert!(message.contains("prints a process file"), "{said}");
    sandbox.write("Procfile", "web: node a.js\nno command\n");
    let said = sandbox.ostler(["import", "Procfile"]).code(1).run().err;
    let expected = "error: `Procfile:2` cannot be imported as a Procfile: there is no `:` between";
    assert!(said.starts_with(expected) && said.contains("\nhint: "), "{said}");
}

/// Standard input was taken for a list, and `--json apps` for an app; its hint lost the file.
#[test]
fn what_comes_from_standard_input_is_known_by_what_is_in_it_and_its_fields_are_those_of_apps() {
    let sandbox = sandbox();
    let compose = "services:\n  web: { command: node a.js }\n";
    for (text, script) in [
        (compose, "a.js"),
        ("[program:web]\ncommand=node b.js\n", "b.js"),
        ("[Service]\nExecStart=/bin/c\n", "/bin/c"),
        ("web: node d.js\n", "d.js"),
    ] {
        let said = sandbox.ostler(["import", "-"]).stdin(text).run().out;
        assert!(said.starts_with("# From standard input, by") && said.contains(script), "{said}");
    }
    sandbox.write("compose.yaml", compose);
    let import = ["import", "compose.yaml", "--json"];
    let said = sandbox.ostler(import).arg("name,script").run().out;
    assert_eq!(said, "{\"apps\":[{\"name\":\"web\",\"script\":\"a.js\"}],\"notes\":[]}\n");
    let said = sandbox.ostler(import).arg("apps").code(2).run().err;
    assert_eq!(said, "error: there is no field `apps`\nhint: the fields are name, script\n");
    let said = sandbox.ostler(["list", "api", "--json", "other"]).code(2).run().err;
    assert!(said.contains("`ostler list api other --json`"), "{said}");
}
