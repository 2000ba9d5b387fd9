//! What is done inside an app of Node as PM2 does it, and that the app does not see it.

use ostler_testkit::Sandbox;
use serde_json::Value;

use crate::start_e2e::{SOON, one, sandbox, wait_log};

/// Rejects three promises, then says what it sees of its own start.
const REJECTS: &str = "
    for (let n = 0; n < 3; n++) Promise.reject(new Error('lost ' + n));
    setInterval(() => {}, 1000);
    setTimeout(() => console.log(JSON.stringify({
        exec: process.execArgv, options: process.env.NODE_OPTIONS ?? null,
        ours: Object.keys(process.env).filter((name) => name.startsWith('OSTLER_NODE')),
        argv: process.argv.length, main: require.main === module,
    })), 10);
";

/// Both modes: an option for each.
const MODES: [&[&str]; 2] = [&["-n", "web"], &["-n", "web", "-i", "1"]];

fn described(sandbox: &Sandbox, row: &str) -> Option<String> {
    let text = sandbox.ostler(["describe", "web"]).run().out;
    let of_row = text.lines().find_map(|line| line.strip_prefix(row)?.strip_prefix(": "));
    of_row.map(str::to_owned)
}

fn log_of(sandbox: &Sandbox, kind: &str) -> String {
    let path = one(sandbox, "web")["pm2_env"][format!("pm_{kind}_log_path")].clone();
    let path = std::path::PathBuf::from(path.as_str().unwrap());
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

#[test]
fn a_rejection_that_nobody_handles_is_logged_and_counted_and_the_app_goes_on_unchanged() {
    for mode in MODES {
        let sandbox = sandbox();
        let script = sandbox.write("rejects.js", REJECTS);
        sandbox.ostler(["start"]).arg(script).args(mode).run();
        wait_log(&sandbox, &log_of(&sandbox, "err"), "unhandled promise rejection: Error: lost 2");
        let said = wait_log(&sandbox, &log_of(&sandbox, "out"), "\n");
        let seen: Value = serde_json::from_str(&said).unwrap();
        let expected = r#"{"exec":[],"options":null,"ours":[],"argv":2,"main":true}"#;
        assert_eq!(seen, serde_json::from_str::<Value>(expected).unwrap(), "{mode:?}");
        sandbox.wait_for("the count", SOON, || {
            described(&sandbox, "unhandled rejections").filter(|count| count == "3")
        });
        let shown = one(&sandbox, "web")["pm2_env"].clone();
        assert_eq!(shown["restart_time"], 0, "{mode:?}");
        let version = shown["node_version"].as_str().unwrap();
        let interpreter = described(&sandbox, "interpreter").unwrap();
        assert!(interpreter.ends_with(&format!(" (Node {version})")), "{interpreter}");
        assert!(version.starts_with(|c: char| c.is_ascii_digit()), "{version}");
    }
}

#[test]
fn an_app_may_choose_nodes_way_with_a_rejection() {
    let sandbox = sandbox();
    let script = sandbox.write("rejects.js", REJECTS);
    let crash = ["-n", "web", "--no-autorestart", "--unhandled-rejections", "crash"];
    sandbox.ostler(["start"]).arg(script).args(crash).any_code().run();
    sandbox.wait_status("web", "stopped", 1, SOON);
    let why = described(&sandbox, "why").unwrap();
    assert!(why.contains("with exit code 1, and it is not to be restarted"), "{why}");
}

#[test]
fn a_stack_names_the_line_of_the_source_unless_that_is_switched_off() {
    let text = "console.log(new Error('x').stack); setInterval(() => {}, 1000);\n\
                //# sourceMappingURL=built.js.map\n";
    let map = r#"{"version":3,"file":"built.js","sources":["source.ts"],"names":[],
                 "sourcesContent":["export {}"],"mappings":"AAAA"}"#;
    for mode in MODES {
        for (option, place) in
            [(&[][..], "source.ts:1"), (&["--disable-source-map-support"], "built.js:1")]
        {
            let sandbox = sandbox();
            sandbox.write("built.js.map", map);
            let script = sandbox.write("built.js", text);
            sandbox.ostler(["start"]).arg(script).args(mode).args(option).run();
            let said = wait_log(&sandbox, &log_of(&sandbox, "out"), "    at ");
            assert!(said.contains(place), "{mode:?} {option:?}: {said}");
        }
    }
}
