//! Hints: there is one, it can be pasted as it stands on the screen, and is about what was typed.

use ostler_testkit::pty::in_window;
use ostler_testkit::{Victim, wait_connect};

use serde_json::Value;

use crate::fake::{Fake, process};
use crate::start_e2e::{SOON, sandbox};

/// A hint of 166 columns was broken by the terminal in the middle of words.
#[test]
fn what_is_said_fits_the_window_and_no_command_in_it_is_broken() {
    let fake = Fake::with(vec![process(0, "api")]);
    for columns in [39, 80] {
        for line in
            ["flush api --progress json", "logs nosuch --nostream", "list --json nmae", "rm"]
        {
            let said = in_window(fake.command("ostler", line.split(' ')), columns).out;
            let mut text = String::new();
            for line in said.lines() {
                let shown = ostler_text::without_colours(line);
                let is_pasted = shown.trim_start().trim_start_matches("hint: ").starts_with('`');
                assert!(shown.chars().count() <= columns.into() || is_pasted, "{columns}: {said}");
                text += &format!("{shown}\n");
            }
            let halves = |line: &str| line.matches('`').count() % 2 == 1;
            assert!(!text.lines().any(halves), "{said}");
        }
    }
    let piped = fake.ostler("flush api --progress json").err;
    assert_eq!(piped.lines().count(), 2, "to a program each message is one line: {piped}");
}

#[test]
fn examples_fit_80_columns_in_a_pipe_too() {
    let out = Fake::with(Vec::new()).ostler("examples").out;
    assert!(out.lines().all(|line| line.chars().count() <= 80), "{out}");
}

/// `delete 0` deleted that app, and not the process that `list` shows with the id 0.
#[test]
fn a_name_that_is_a_number_is_taken_with_a_warning() {
    let sandbox = sandbox();
    let script = sandbox.write("app.sh", "exec sleep 1000000\n");
    let said = sandbox.ostler(["start", "--name", "0"]).arg(&script).run().err;
    let warning = "warning: to commands `0` is now this app, and not the process with that id\n\
                   hint: give it a `--name` that is no number\n";
    assert!(said.contains(warning), "{said}");
    sandbox.write("apps.json", r#"{"name": "7", "script": "app.sh"}"#);
    let said = sandbox.ostler(["validate", "apps.json"]).run().err;
    assert!(said.contains("warning[bad-name]: to commands `7`"), "{said}");
}

/// It warned and ended with 0, which a script takes for done.
#[test]
fn who_asks_for_the_saved_list_where_there_is_none_fails() {
    let sandbox = sandbox();
    let said = sandbox.ostler(["resurrect"]).code(1).run();
    assert_eq!(said.out, "", "nothing was done that could be summed up");
    let said = said.err;
    assert!(said.contains("error: no saved list at `"), "{said}");
    assert!(said.contains("hint: save a list first, with `ostler save`\n"), "{said}");
    // Boot scripts that were written for PM2 run it before anything was saved.
    assert_eq!(crate::helping::pm2(&sandbox, &["resurrect"]).code, 0);
}

/// The error named the file with `.bak`, which was never there, and what is no JSON was called JSON
/// of another form.
#[test]
fn the_list_that_is_broken_is_what_the_error_names_with_the_place() {
    let sandbox = sandbox();
    let dump = sandbox.file("dump.pm2");
    let check = |list: &str, before: Option<&str>, error: &str, also: Option<&str>| {
        std::fs::write(&dump, list).unwrap();
        before.inspect(|text| std::fs::write(sandbox.file("dump.pm2.bak"), text).unwrap());
        let said = sandbox.ostler(["resurrect"]).code(1).run();
        let beginning =
            format!("error: the saved list `[ROOT]/h/dump.pm2` is not understood ({error})");
        assert!(said.err.contains(&beginning), "{said:?}");
        assert_eq!(said.err.contains("dump.pm2.bak"), also.is_some(), "{said:?}");
        assert!(also.is_none_or(|also| said.err.contains(also)), "{said:?}");
    };
    check("{bad", None, "line 1, column 2 is no JSON", None);
    check("[\n  {,}]", None, "line 2, column 4 is no JSON", None);
    check("{}", None, "it is JSON of another form", None);
    let also = "warning: the saved list `[ROOT]/h/dump.pm2.bak` is not understood";
    check("{bad", Some("["), "line 1, column 2 is no JSON", Some(also));
}

/// It named the list that had just been moved away.
#[test]
fn the_end_of_a_resurrect_names_the_list_that_was_read() {
    let sandbox = sandbox();
    let app = sandbox.victim("app", Victim::Sleeper);
    sandbox.ostler(["start"]).arg(app).run();
    sandbox.ostler(["save"]).run();
    sandbox.ostler(["save"]).run();
    let again = |list: &str| {
        sandbox.ostler(["kill"]).run();
        let said = sandbox.ostler(["resurrect"]).run().out;
        let end = format!("resurrected 1 app (1 process) from [ROOT]/h/{list} in ");
        assert!(said.starts_with(&end), "{said}");
    };
    again("dump.pm2");
    std::fs::write(sandbox.file("dump.pm2"), "{bad").unwrap();
    again("dump.pm2.bak");
}

/// `started dir 1/1`, and it was `/usr/bin/dir`, 16 times.
#[test]
fn a_word_that_is_a_folder_here_and_a_program_elsewhere_is_asked_for() {
    let sandbox = sandbox();
    std::fs::create_dir(sandbox.work().join("env")).unwrap();
    let said = sandbox.ostler(["start", "env", "-i", "2"]).code(1).run().err;
    assert!(said.contains("error: `env` is a folder here and the program `/"), "{said}");
    let hint = "hint: `ostler start ./env -i 2` starts the folder, `ostler start /";
    assert!(said.contains(hint), "{said}");
    assert!(sandbox.jlist().is_empty());
}

/// As root a slip in a path made folders anywhere.
#[test]
fn a_folder_that_is_made_for_log_files_is_told() {
    let sandbox = sandbox();
    let script = sandbox.write("app.sh", "exec sleep 1000000\n");
    let log = sandbox.work().join("nwe/out.log");
    let start = |log: &std::path::Path| {
        let call = sandbox.ostler(["start", "--force", "--output"]).arg(log).arg(&script);
        call.run().err
    };
    let note = "note: `[ROOT]/w/nwe` is not there: it is made";
    let said = start(&log);
    assert!(said.contains(note), "{said}");
    let said = start(&sandbox.work().join("out.log"));
    assert!(!said.contains("is made"), "{said}");
}

/// `started 105 apps, …, http://127.0.0.1:34870` was the address of one of them.
#[test]
fn no_address_is_shown_of_which_nobody_knows_whose_it_is() {
    let sandbox = sandbox();
    let ports = [sandbox.port(), sandbox.port()];
    let web = sandbox.victim("web", Victim::Http);
    let apps: Vec<String> = (0..)
        .zip(ports)
        .map(|(nth, port)| {
            format!(
                r#"{{"name": "w{nth}", "script": {web:?}, "instances": 1, "exec_mode": "cluster",
                    "env": {{"PORT": "{port}"}}}}"#
            )
        })
        .collect();
    sandbox.write("apps.json", format!("[{}]", apps.join(",")));
    let out = sandbox.ostler(["start", "apps.json", "--wait"]).run().out;
    for (nth, port) in (0..).zip(ports) {
        wait_connect(([127, 0, 0, 1], port).into(), SOON);
        assert!(out.contains(&format!(", w{nth} http://127.0.0.1:{port}")), "{out}");
    }
    sandbox.ostler(["stop", "all"]).run();
    let out = sandbox.ostler(["start", "w0", "w1"]).run().out;
    assert!(!out.contains("http://"), "{out}");
}

/// They were two empty lines.
#[test]
fn a_format_without_a_word_is_refused() {
    let ran = Fake::with(vec![process(0, "api")]).ostler("list --format=");
    let said = "error: `--format` is empty\n\
                hint: write what a line is to have, as in `--format '{name} {pid}'`\n";
    assert_eq!((ran.code, ran.err.as_str()), (2, said));
}

/// The hint of `run` was `ostler start app.js`, which would have started a daemon.
#[test]
fn what_run_is_to_run_is_told_with_run() {
    let sandbox = sandbox();
    let check = |word: &str, hint: &str| {
        let error = sandbox.ostler(["run", word]).any_code().run().err;
        assert!(error.contains(hint) && !error.contains("ostler start"), "{word}: {error}");
    };
    check("nosuch.js", "hint: name a script, as in `ostler run app.js`\n");
    let file = "hint: `ostler init` writes a process file, `ostler run app.js` starts a script\n";
    check("nosuch.config.js", file);
    let error = sandbox.ostler(["start", "nosuch.js"]).any_code().run().err;
    assert!(error.contains("as in `ostler start app.js`; `ostler list` shows"), "{error}");
}

/// Hints that named the app twice, another option, what was written already, or no command.
#[test]
fn each_hint_about_a_wrong_line_has_the_line_that_is_right() {
    let sandbox = sandbox();
    sandbox.write("idle.js", "setInterval(() => {}, 1 << 30);");
    sandbox.write("t.py", "import time; time.sleep(1e6)");
    sandbox.ostler(["start", "idle.js", "--name", "api"]).run();
    sandbox.ostler(["start", "idle.js", "--name", "other"]).run();
    let check = |line: &str, said: &str| {
        let ran = sandbox.ostler(line.split(' ')).any_code().run();
        assert!(ran.code != 0 && ran.err.contains(said), "{line}: {ran:?}");
    };
    check("sendSignal api", "hint: write it as in `ostler sendSignal SIGUSR2 api`");
    check("sendSignal FOO api", "hint: `ostler sendSignal SIGUSR2 api`");
    check("sendSignal SIGTREM api", "hint: `ostler sendSignal SIGTERM api`");
    check("list other othe", "hint: did you mean `ostler list other`?");
    check("diff --json name", "as in `ostler plan ecosystem.config.js`");
    check("diff --format x", "as in `ostler plan ecosystem.config.js`");
    check("top --json x", "hint: did you mean `monit`?");
    check(
        "start idle.js --uid",
        "error: `--uid` needs a value\nhint: write it as in `ostler start",
    );
    check("start t.py --idle-stop 1s", "apps of Node alone can sleep (`ostler start t.py`)");
    check("start idle.js --cron foo", "as in `ostler start idle.js --cron '0 4 * * *'`");
    check("start idle.js --kill-timeout x", "as in `ostler start idle.js --kill-timeout 2000`");
    check("start idle.js --watch-delay x", "as in `ostler start idle.js --watch-delay 500ms`");
    check("start idle.js -i x", "as in `ostler start idle.js -i 4`");
    check("serve . 99999", "65535: `ostler serve . 8080`");
    check("profile:cpu", "hint: name an app of Node, as in `ostler profile:cpu api`");
    check("start idle.js --name z --depends-on nope", "`ostler list` shows what there is");
    check("list --sort foo", "hint: `ostler list --sort memory:desc`");
    check("list --sort nmae", "hint: `ostler list --sort name`");
    check("startup systemdd", "hint: `ostler startup systemd`");
    check("start idle.js --ready-port x", "as in `ostler start idle.js --ready-port 3000`");
    check("start idle.js --ready-port 70000", "but is `70000`\nhint: ");
    check("start idle.js --ready-log", "`ostler start idle.js --ready-log 'listening on'`");
    check("list -H", "as in `ostler list -H web1,web2`");
    check("init foo", "hint: `ostler init` writes one with comments, `ostler init simple` a");
    check("startup systemd --user no-one", "as in `ostler startup systemd --user ");
    check("wait api --for log=(", "hint: `ostler wait api --for 'log=\\('` takes each sign");
    check("wait api --for log=x --json name", "hint: `ostler wait api --for log=x` does without");
    check("web --tls-cert x", "by `--tls-key`, too; `ostler web` serves without encryption");
    check("web --tls-key x", "by `--tls-cert`, too; `ostler web` serves without encryption");
    sandbox.write("Procfile", "no command\n");
    check("import Procfile", "hint: mend it there, then `ostler import Procfile`;");
    let missing = sandbox.run(&["start", "idle.js", "--interpreter", "/nope/node"]).err;
    let said = "error: the interpreter `/nope/node` is not there, or cannot be executed\n\
                hint: `command -v node` tells where another one is\n";
    assert!(missing.contains(said), "{missing}");
}

/// It said three times where a script is looked for, and not that it lies beside the file.
#[test]
fn a_script_beside_a_file_of_another_folder_is_found_by_the_line_of_the_hint() {
    let sandbox = sandbox();
    std::fs::create_dir(sandbox.work().join("ex")).unwrap();
    sandbox.write("ex/hello.js", "setInterval(() => {}, 1 << 30);");
    sandbox.write("ex/eco.json", r#"{ "name": "hello", "script": "hello.js" }"#);
    let said = sandbox.ostler(["start", "ex/eco.json"]).any_code().run().err;
    let hint = "hint: it lies beside the file: `cd ex && ostler start eco.json` finds it there\n";
    assert!(said.contains(hint), "{said}");
    let mut pasted = sandbox.command();
    pasted.current_dir(sandbox.work().join("ex")).args(["start", "eco.json"]);
    assert!(pasted.output().unwrap().status.success());
}

/// The place was that of the script, which stood in another app where it was inherited.
#[test]
fn a_folder_that_is_not_there_is_said_at_the_cwd_that_names_it() {
    let sandbox = sandbox();
    sandbox.write("a.js", "");
    let file = "apps:\n  - { name: common, script: ./a.js }\n  \
                - { name: q, extends: common, cwd: /nope }\n";
    sandbox.write("e.yaml", file);
    let said = sandbox.ostler(["validate", "e.yaml"]).any_code().run();
    let said = said.out + &said.err;
    assert!(said.contains("--> e.yaml:3:38 (apps[1].cwd)"), "{said}");
}

/// `restarted sleepy 1/1`, and from then on nothing had that name.
#[test]
fn a_restart_under_another_name_says_the_new_name_and_the_old() {
    let sandbox = sandbox();
    let app = sandbox.victim("sleepy", Victim::Sleeper);
    sandbox.ostler(["start"]).arg(app).run();
    let said = sandbox.ostler(["restart", "sleepy", "--name", "x"]).run().out;
    assert!(said.starts_with("restarted sleepy 1/1 (now x) in "), "{said}");
    sandbox.ostler(["describe", "x"]).run();
    // A program that counted by `app` found the new name never begun.
    let said = sandbox.ostler(["restart", "x", "--name", "y", "--progress", "json"]).run().out;
    let objects = said.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let of_process: Vec<Value> = objects.filter(|of| of.get("id").is_some()).collect();
    assert!(!of_process.is_empty(), "{said}");
    assert!(of_process.iter().all(|of| of["app"] == "x" && of["now"] == "y"), "{said}");
}
