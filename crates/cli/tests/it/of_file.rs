//! `describe` beside the process file that an app is from.

use ostler_testkit::{Sandbox, Victim};

use crate::start_e2e::sandbox;

fn write(sandbox: &Sandbox, keys: &str) {
    let file =
        format!("module.exports = {{ apps: [{{ name: 'web', script: 'web.js', {keys} }}] }}");
    sandbox.write("ecosystem.config.js", file);
}

/// What `describe` says of the file.
fn said(sandbox: &Sandbox) -> String {
    let out = sandbox.ostler(["describe", "web"]).run().out;
    let of_file = |line: &&str| line.starts_with("process file:") || line.starts_with("file ");
    out.lines().filter(of_file).map(|line| line.replace("[ROOT]/w", "DIR") + "\n").collect()
}

#[test]
fn describe_says_how_an_app_differs_from_its_file_until_that_is_brought_in() {
    let sandbox = sandbox();
    sandbox.victim("web", Victim::Http);
    let port = sandbox.port();
    let keys = |instances: u32, limit: &str, mode: &str| {
        format!(
            "exec_mode: 'cluster', instances: {instances}, args: ['a b', 1], cwd: '.', \
             max_memory_restart: '{limit}', kill_timeout: 3000, out_file: 'o.log', \
             interpreter_args: '--no-warnings', env: {{ PORT: {port}, MODE: 'a' }}, \
             env_production: {{ MODE: '{mode}' }}"
        )
    };
    write(&sandbox, &keys(1, "200M", "b"));
    sandbox.ostler(["start", "ecosystem.config.js", "--env", "production"]).run();
    let same = "process file: DIR/ecosystem.config.js\n";
    assert_eq!(said(&sandbox), same);
    write(&sandbox, &keys(2, "300M", "c"));
    let reload = "ostler reload DIR/ecosystem.config.js --only web --env production";
    assert_eq!(
        said(&sandbox),
        format!(
            "{same}file differs: instances 1 → 2 (to apply: `ostler scale web 2`); \
             max_memory_restart 200.0M → 300.0M, env MODE (to apply: `{reload}`)\n"
        )
    );
    let reload = reload.replace("DIR", &sandbox.work().display().to_string());
    sandbox.ostler(reload.split(' ').skip(1)).run();
    sandbox.ostler(["scale", "web", "2"]).run();
    assert_eq!(said(&sandbox), same);
    sandbox.write("ecosystem.config.js", "module.exports = { apps: [] }; throw new Error('no')");
    assert!(said(&sandbox).contains("file differs: the file is refused: "), "{}", said(&sandbox));
    std::fs::remove_file(sandbox.work().join("ecosystem.config.js")).unwrap();
    let gone = "process file: DIR/ecosystem.config.js (the file is gone)\n";
    assert_eq!(said(&sandbox), gone);
    sandbox
        .ostler(["start", "web.js", "-n", "other"])
        .env("PORT", sandbox.port().to_string())
        .run();
    assert!(!sandbox.ostler(["describe", "other"]).run().out.contains("file:"));
}

#[test]
fn describe_says_why_a_reload_failed_and_what_restarted_an_app_by_itself() {
    let sandbox = sandbox();
    let script = sandbox.victim("web", Victim::Http);
    let port = sandbox.port().to_string();
    let start = ["start", "web.js", "--name", "web", "-i", "1", "--watch", "seen"];
    sandbox.write("seen/a", "");
    sandbox.ostler(start).env("PORT", &port).run();
    let line = |key: &str| {
        let said = sandbox.ostler(["describe", "web"]).run().out;
        let found = said.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(": "));
        found.map(str::to_owned)
    };
    let folder = sandbox.work().display().to_string();
    assert_eq!(
        line("files").unwrap().replace("[ROOT]/w", &folder),
        format!("watched: seen (in {folder})")
    );
    assert_eq!((line("restart by itself"), line("failed reload")), (None, None));
    sandbox.write("seen/b", "");
    let told = ostler_testkit::wait_for("the restart", ostler_testkit::run::LIMIT, || {
        line("restart by itself")
    });
    assert!(told.ends_with("/seen/b` changed"), "{told}");
    std::fs::write(&script, "process.exit(7)").unwrap();
    sandbox.ostler(["reload", "web"]).code(1).run();
    let told = line("failed reload").unwrap();
    assert!(told.contains(", new worker 0 failed: ") && told.contains("exit code 7"), "{told}");
    // The daemon tells it, and not its log, which is rotated; and so does the one after.
    std::fs::write(sandbox.file("pm2.log"), "").unwrap();
    crate::takeover::kill_daemon(&sandbox);
    assert_eq!(line("failed reload").unwrap(), told);
    assert!(line("restart by itself").unwrap().ends_with("/seen/b` changed"));
}

/// `(os error 2)`, `exit status: 3`, `\u{1b}` and `after 1 short runs` stood there.
#[test]
fn what_describe_says_has_no_words_of_the_system_or_the_language() {
    let sandbox = sandbox();
    sandbox.write("app.js", "console.error('\\x1b[31mred\\x1b[0m\\tbad'); process.exit(3)");
    let file = r#"{ "name": "app", "script": "app.js", "max_restarts": 1 }"#;
    let path = sandbox.write("eco.json", file);
    let said = sandbox.ostler(["start", "eco.json", "--wait"]).code(1).run().err;
    assert!(said.contains("\n    red     bad\n"), "{said}");
    std::fs::remove_file(path).unwrap();
    sandbox.wait_status("app", "errored", 1, crate::start_e2e::SOON);
    let described = sandbox.ostler(["describe", "app"]).run().out;
    for line in [
        "/eco.json (the file is gone)\n",
        "why: it was given up after one short run; it ended ",
        "log: red     bad\n",
    ] {
        assert!(described.contains(line), "{line}: {described}");
    }
}
