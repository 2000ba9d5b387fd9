//! The examples of `docs/commands.md`, which are those of the help: each is run as it stands, in a
//! machine that has what its line speaks of.

use std::path::Path;

use ostler_testkit::Sandbox;

use crate::start_e2e::sandbox;

/// Lines that are not run here, by their beginnings, and why.
const NOT_RUN: &[(&str, &str)] = &[
    ("ostler run app.js", "it stays until it is ended; `foreground` has its tests"),
    ("ostler run ecosystem", "the same"),
    ("ostler serve dist ", "port 8080 may be taken; the line with a port is run"),
    ("ostler serve /srv", "it is a folder of another machine"),
    ("ostler list --watch", "it goes on until Ctrl-C; `listing` has its tests"),
    ("ostler logs --json --cursor", "a cursor is of one home; `log_cursor` has its tests"),
    ("ostler mcp ", "it speaks to an agent; `mcp` has its tests"),
    ("ostler monit ", "it needs a terminal; `monit` has its tests"),
    ("ostler dash", "the same"),
    ("ostler inspect", "it opens a port that others may have; `talking` has its tests"),
    ("ostler trigger", "it needs an app with actions; `talking` has its tests"),
    ("ostler profile:", "it takes seconds to a minute; `in_app` has its tests"),
    ("ostler alert test", "it asks a service of others; `alerts` has its tests"),
    ("ostler pull", "it needs a repository; `helping` has its tests"),
    ("ostler forward", "the same"),
    ("ostler backward", "the same"),
    ("ostler deploy", "it needs another machine; `deploy` has its tests"),
    ("ostler logrotate", "it writes into `/etc`; `external_rotation` has its tests"),
    ("ostler startup", "it needs an init system; `startup` has its tests"),
    ("ostler unstartup", "the same"),
    ("ostler boot", "it stays as long as its manager; `startup` has its tests"),
    ("ostler install", "it asks the registry of npm; `modules` has its tests"),
    ("ostler module:update", "the same"),
    ("ostler uninstall", "it needs a module; `modules` has its tests"),
    ("ostler package", "the same"),
    ("ostler publish", "it writes into the registry of npm"),
    ("ostler migrate", "it needs PM2; `migrate` and the pages have its tests"),
    ("ostler link-pm2 ", "it writes beside the program; the line with a folder is run"),
    ("ostler web 9000", "the web API runs since the line before; `web` has its tests"),
    ("ostler import ~/.pm2", "PM2 makes that file; `persistence` has its tests"),
];

/// Lines that are run before each line of a command.
const BEFORE: &[(&str, &[&str])] = &[
    ("reload", &[START_FILE]),
    ("delete", &[START_FILE, "ostler start server.py --name api 2>&1 || true"]),
    ("promote", &[START_SHOP, "ostler reload \"$APP\" --canary"]),
    ("rollback", &[START_SHOP, "ostler reload \"$APP\" --canary"]),
    ("wait", &["ostler start job.js --no-autorestart 2>&1 || true"]),
    ("export", &["rm -rf apps.json units"]),
    ("import", &["rm -f apps.json", "ostler export apps.json", COMPOSE]),
    ("init", &["rm -f ecosystem.config.js"]),
    ("module:generate", &["rm -rf sample-module watcher"]),
    ("resurrect", &["ostler save"]),
    ("get", &["ostler set api.LOG_LEVEL debug"]),
    ("unset", &["ostler set api.LOG_LEVEL debug"]),
    ("env", &["NODE_ENV=test ostler restart api --update-env"]),
    ("start", &["ostler delete all --silent 2>&1 || true", WITH_API]),
    ("link-pm2", &["mkdir -p ~/bin", "rm -f ~/bin/pm2*"]),
    ("completion", &["mkdir -p ~/.zfunc"]),
];

const COMPOSE: &str =
    "echo 'services: { web: { image: web, command: node app.js } }' > compose.yaml";
const START_FILE: &str = "ostler start ecosystem.config.js --silent";
const START_SHOP: &str = "[ \"$APP\" = api ] || PORT=$OTHER_PORT ostler start shop.js -i 2 \
                          --namespace shop --name api --wait --silent";
const WITH_API: &str = "printf \"module.exports = [{ name: 'api', script: 'server.py' }]\" > \
                        ecosystem.config.js";

fn root() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The commands of the page, each with its examples.
fn sections() -> Vec<(String, Vec<String>)> {
    let text = std::fs::read_to_string(root().join("docs/commands.md")).unwrap();
    let sections = text.split("\n## ").skip(1).map(|section| {
        let (name, rest) = section.split_once('\n').unwrap();
        let blocks = rest.split("```sh\n").skip(1).filter_map(|block| block.split_once("```"));
        let lines = blocks.flat_map(|(block, _)| block.lines().map(str::to_owned));
        (name.to_owned(), lines.collect())
    });
    sections.filter(|(_, lines): &(String, Vec<String>)| !lines.is_empty()).collect()
}

/// A machine with the files and the apps that the lines speak of.
fn machine() -> Sandbox {
    let mut s = sandbox();
    let path = std::env::var("PATH").unwrap();
    let bin = Path::new(env!("CARGO_BIN_EXE_ostler")).parent().unwrap().display();
    s.set_env("PATH", format!("{}:{bin}:{path}", s.work().join("bin").display()));
    for name in ["PORT", "OTHER_PORT", "PM2_API_PORT"] {
        let port = s.port().to_string();
        s.set_env(name, port);
    }
    for reader in ["jq", "less"] {
        s.write_executable(format!("bin/{reader}"), "#!/bin/sh\ncat > /dev/null\n");
    }
    s.write_executable("bin/ssh", "#!/bin/sh\nshift\nexec \"$@\"\n");
    let app = "process.on('SIGUSR2', () => {});\n\
               const server = require('http').createServer((request, response) => \
               response.end('hello'));\n\
               server.listen(process.env.PORT, '127.0.0.1', () => \
               console.log('listening on it'));\n";
    s.write("app.js", app);
    s.write("shop.js", app);
    s.write("job.js", "console.log('done');\n");
    s.write("job.py", "print('done')\n");
    s.write("bot.js", "process.on('SIGHUP', () => {});\nprocess.stdin.on('data', () => {});\n");
    s.write("server.py", "import time\ntime.sleep(3600)\n");
    s.write("commands.txt", "one\ntwo\n");
    std::fs::create_dir(s.work().join("dist")).unwrap();
    s.write("dist/index.html", "hello");
    s.write(
        "ecosystem.config.js",
        "module.exports = { apps: [{ name: 'other', script: 'server.py' }] };",
    );
    let one =
        "{ \"name\": \"one\", \"script\": \"server.py\", \"env_production\": { \"A\": \"1\" } }";
    s.write("apps.json", one);
    s.write("apps.toml", "name = 'two'\nscript = 'server.py'\nenv_production = { A = '1' }\n");
    s.write("apps.yaml", "name: three\nscript: server.py\nenv_live: { A: '1' }\n");
    s
}

/// The line as it is run: not for ever, and at a port of its own.
fn runnable(line: &str) -> String {
    let line = line.replace(" 3000 ", " $PORT ");
    let app = if line.contains("shop/api") { "shop/api" } else { "api" };
    let line = match line.starts_with("ostler logs") {
        true => line.replace("ostler logs", "ostler logs --nostream"),
        false => line,
    };
    // What finds no line among these is no failure of the command.
    format!("APP={app}; export APP; {}", line.replace("| grep", "| cat; echo"))
}

fn run_section((name, lines): &(String, Vec<String>)) {
    let is_run = |line: &&String| !NOT_RUN.iter().any(|(start, _)| line.starts_with(start));
    let lines: Vec<&String> = lines.iter().filter(is_run).collect();
    if lines.is_empty() {
        return;
    }
    let s = machine();
    let run = |line: &str| {
        let output = s.command_of("bash").args(["-c", line]).output().unwrap();
        assert!(output.status.success(), "{name}: `{line}`: {output:?}");
    };
    run("ostler start app.js -i 3 --name api --wait --silent");
    run("ostler start bot.js --silent; ostler start server.py --name web --silent");
    let before = BEFORE.iter().find(|(of, _)| of == name).map_or(&[][..], |(_, lines)| *lines);
    for line in lines {
        let line = runnable(line);
        let (set, line) = line.split_once("; export APP; ").unwrap();
        before.iter().for_each(|before| run(&format!("export {set}; {before}")));
        run(line);
    }
}

/// Runs every fourth command from this one on.
fn run_from(first: usize) {
    sections().iter().skip(first).step_by(4).for_each(run_section);
}

#[test]
fn every_example_of_the_commands_works() {
    run_from(0);
}

#[test]
fn every_example_of_the_commands_works_second_part() {
    run_from(1);
}

#[test]
fn every_example_of_the_commands_works_third_part() {
    run_from(2);
}

#[test]
fn every_example_of_the_commands_works_fourth_part() {
    run_from(3);
}

#[test]
fn each_example_that_is_not_run_is_there_and_most_are_run() {
    let sections = sections();
    let lines: Vec<&String> = sections.iter().flat_map(|(_, lines)| lines).collect();
    for (start, why) in NOT_RUN {
        assert!(lines.iter().any(|line| line.starts_with(start)), "no `{start}` ({why})");
    }
    let left_out = |line: &&&String| NOT_RUN.iter().any(|(start, _)| line.starts_with(start));
    let count = lines.iter().filter(left_out).count();
    assert!(3 * count < lines.len(), "{count} of {} are not run", lines.len());
    assert!(BEFORE.iter().all(|(name, _)| sections.iter().any(|(of, _)| of == name)));
}
