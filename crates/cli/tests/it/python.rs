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
    print('serves', sys.argv[1:])
    time.sleep(1e6)
if __name__ == '__main__':
    serve()
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

/// A note on standard error says whose the words are.
#[test]
fn words_behind_a_program_of_the_environment_are_its_own_and_that_is_told() {
    let sandbox = with_environment();
    let start =
        sandbox.ostler(["start", "-n", "web", "greeter", "main:app", "--port", "8000"]).run();
    assert!(start.err.contains("note: `greeter` is given `main:app --port 8000`"), "{start:?}");
    serves(&sandbox, "web", "['main:app', '--port', '8000']");
    sandbox.ostler(["start", "greeter", "main:app"]).run();
    serves(&sandbox, "greeter", "['main:app']");
    // An app has the program's name, and another name is another app.
    sandbox.ostler(["start", "--name", "two", "greeter", "--", "two:app"]).run();
    serves(&sandbox, "two", "['two:app']");
    // The same line again is about the same app.
    let again = sandbox.ostler(["start", "greeter", "main:app"]).code(1).run();
    assert!(again.err.contains("`greeter` runs already"), "{again:?}");
}

#[test]
fn words_behind_a_program_that_may_be_meant_for_both_start_nothing() {
    let sandbox = with_environment();
    sandbox.write("main.py", "");
    let check = |line: &str, error: &str, hint: &str| {
        let said = format!("error: {error}\nhint: {hint}\n");
        sandbox.ostler(line.split(' ')).code(2).stderr(said).run();
    };
    let rule = "gives all of this to `greeter`; what is for ostler stands before `--`";
    check(
        "start greeter main:app --port 80 --name web",
        "`--name` behind `greeter` is an option of `ostler start` too",
        &format!("`ostler start greeter -- main:app --port 80 --name web` {rule}"),
    );
    check(
        "start greeter --port 80 --max-memory-restat 1G",
        "`--max-memory-restat` behind `greeter` is nearly `--max-memory-restart`",
        &format!("`ostler start greeter -- --port 80 --max-memory-restat 1G` {rule}"),
    );
    check(
        "start greeter main.py",
        "`main.py` behind `greeter` may be its argument or an app of its own",
        "`ostler start greeter -- main.py` gives it to `greeter`, `ostler start main.py greeter` \
         starts two apps",
    );
    // Behind what is no program an option is a slip of ours.
    check(
        "start main.py --prot 80",
        "unknown option `--prot`",
        "did you mean `--port`? It is for `serve` and `web`",
    );
    assert_eq!(sandbox.daemon_pid(), None);
}

#[test]
fn a_module_runs_by_the_python_of_its_folder_and_keeps_its_name() {
    let sandbox = with_environment();
    sandbox.ostler(["start", "-m", "greeter", "-A", "tasks", "worker"]).run();
    serves(&sandbox, "greeter", "['-A', 'tasks', 'worker']");
    sandbox.ostler(["restart", "greeter", "--", "-A", "other"]).run();
    serves(&sandbox, "greeter", "['-A', 'other']");
    let modules = "apps:
  - { name: web, module: greeter, args: main:app, node_args: -u }
  - { module: http.server, args: --bind 127.0.0.1 0 }
";
    sandbox.write("apps.yaml", modules);
    sandbox.ostler(["start", "apps.yaml"]).run();
    serves(&sandbox, "web", "['main:app']");
    sandbox.wait_status("http-server", "online", 1, SOON);
    let again = sandbox.ostler(["apply", "apps.yaml"]).run();
    assert!(again.out.contains("unchanged"), "{again:?}");
}

#[test]
fn run_in_the_foreground_gives_a_program_its_words() {
    let sandbox = with_environment();
    let program = "import sys\nprint('got', sys.argv[1:])\n";
    let python = sandbox.work().join(".venv/bin/python").display().to_string();
    sandbox.write_executable(".venv/bin/once", format!("#!{python}\n{program}"));
    let run = sandbox.ostler(["run", "once", "main:app", "--port", "8000"]).run();
    assert!(run.out.contains("got ['main:app', '--port', '8000']"), "{run:?}");
}
