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
    assert!(said(&sandbox).contains("file differs: it cannot be read any more: "));
    sandbox
        .ostler(["start", "web.js", "-n", "other"])
        .env("PORT", sandbox.port().to_string())
        .run();
    assert!(!sandbox.ostler(["describe", "other"]).run().out.contains("file:"));
}
