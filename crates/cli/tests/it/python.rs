//! Apps of Python, run by the real one in a real virtual environment.

use std::process::Command;

use ostler_testkit::Sandbox;

use crate::start_e2e::{SOON, sandbox};

/// A sandbox with an environment in `.venv` that has a module and a program of its own.
fn with_environment() -> Sandbox {
    let sandbox = sandbox();
    let made = Command::new("python3")
        .args(["-m", "venv", "--without-pip", ".venv"])
        .current_dir(sandbox.work())
        .status();
    assert!(made.unwrap().success(), "these tests need `python3` with `venv`");
    let version = Command::new(sandbox.work().join(".venv/bin/python"))
        .args(["-c", "import site; print(site.getsitepackages()[0])"])
        .output();
    let packages = String::from_utf8(version.unwrap().stdout).unwrap();
    let module = "import sys, time
def serve():
    print('serves', sys.argv[1:], flush=True)
    time.sleep(1e6)
";
    std::fs::write(format!("{}/greeter.py", packages.trim()), module).unwrap();
    let python = sandbox.work().join(".venv/bin/python").display().to_string();
    let program = format!("#!{python}\nimport greeter\ngreeter.serve()\n");
    sandbox.write_executable(".venv/bin/greeter", program);
    sandbox
}

#[track_caller]
fn serves(sandbox: &Sandbox, name: &str, args: &str) {
    sandbox.wait_status(name, "online", 1, SOON);
    let line = format!("serves {args}\n");
    sandbox
        .wait_file(format!("logs/{name}-out.log"), SOON, |text| text.contains(&line).then_some(()));
}

#[test]
fn a_script_runs_by_the_python_of_its_environment_and_finds_its_packages() {
    let sandbox = with_environment();
    sandbox.write("app.py", "import greeter\ngreeter.serve()\n");
    let line = ["start", "app.py", "--interpreter", "auto", "--", "a", "b"];
    sandbox.ostler(line).run();
    serves(&sandbox, "app", "['a', 'b']");
    sandbox.ostler(["restart", "app"]).run();
    sandbox.wait_status("app", "online", 1, SOON);
}

#[test]
fn a_program_of_the_environment_is_started_by_its_name() {
    let sandbox = with_environment();
    sandbox.ostler(["start", "greeter", "--", "main:app", "--port", "8000"]).run();
    serves(&sandbox, "greeter", "['main:app', '--port', '8000']");
    sandbox.write("apps.yaml", "apps:\n  - { name: web, script: greeter, args: main:app }\n");
    sandbox.ostler(["start", "apps.yaml"]).run();
    serves(&sandbox, "web", "['main:app']");
}

#[test]
fn init_writes_what_starts_the_program_of_the_environment() {
    let sandbox = with_environment();
    sandbox.write("requirements.txt", "# none of them\n");
    sandbox.write("main.py", "import greeter\ngreeter.serve()\n");
    sandbox.ostler(["init"]).run();
    sandbox.ostler(["validate", "ecosystem.config.js", "--strict"]).run();
    sandbox.ostler(["start"]).run();
    let name = sandbox.jlist()[0]["name"].as_str().unwrap().to_owned();
    serves(&sandbox, &name, "[]");
}
