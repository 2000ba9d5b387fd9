//! `mcp`: a coding agent manages the apps of its folder.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use ostler_testkit::run::{LIMIT, finish};
use ostler_testkit::{Sandbox, Window, built_companion, procs, runtimes, wait_exit};
use serde_json::{Value, json};

use crate::start_e2e::sandbox;

/// An app that answers, and says when it does.
const APP: &str = "require('http').createServer((asked, answer) => answer.end('ok')) \
                   .listen(process.env.PORT, '127.0.0.1', () => console.log('up'))";

/// An agent with a server of its own.
struct Agent {
    child: Child,
    to: Option<ChildStdin>,
    from: BufReader<ChildStdout>,
    number: u64,
}

impl Agent {
    /// Starts the server in a folder, and says hello.
    fn new(s: &Sandbox, folder: &Path, options: &[&str]) -> Self {
        built_companion();
        let mut command = s.command();
        command.arg("mcp").args(options).current_dir(folder);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
        let (to, from) = (child.stdin.take(), BufReader::new(child.stdout.take().unwrap()));
        let mut agent = Self { child, to, from, number: 0 };
        let hello = json!({
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": { "name": "test", "version": "1" },
        });
        let said = agent.ask("initialize", &hello);
        assert_eq!(said["result"]["serverInfo"]["name"], "ostler", "{said}");
        agent.write(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
        agent
    }

    fn write(&mut self, message: &Value) {
        writeln!(self.to.as_mut().unwrap(), "{message}").unwrap();
    }

    fn ask(&mut self, method: &str, params: &Value) -> Value {
        self.number += 1;
        let id = self.number;
        self.write(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
        let mut line = String::new();
        loop {
            line.clear();
            assert_ne!(self.from.read_line(&mut line).unwrap(), 0, "the server has ended");
            let message: Value = serde_json::from_str(&line).unwrap();
            if message["id"] == id {
                return message;
            }
        }
    }

    /// Calls a tool. Returns what is told, whether it was done or not.
    fn called(&mut self, name: &str, arguments: &Value) -> Value {
        self.ask("tools/call", &json!({ "name": name, "arguments": arguments }))["result"].clone()
    }

    /// Calls a tool, which does it. Returns what it gives to programs.
    #[track_caller]
    fn does(&mut self, name: &str, arguments: &Value) -> Value {
        let told = self.called(name, arguments);
        assert_eq!(told["isError"], false, "{told}");
        told["structuredContent"].clone()
    }

    /// Calls a tool, which refuses or fails. Returns what it says.
    #[track_caller]
    fn fails(&mut self, name: &str, arguments: &Value) -> String {
        let told = self.called(name, arguments);
        assert_eq!(told["isError"], true, "{told}");
        told["content"][0]["text"].as_str().unwrap().to_owned()
    }

    fn end(mut self) {
        drop(self.to.take());
        assert!(wait_exit(self.child.id(), LIMIT), "it goes on without an agent");
        assert!(self.child.wait().unwrap().success());
    }
}

/// The line was passed over, and whoever wrote it waited for ever.
#[test]
fn a_line_that_is_no_json_and_an_unknown_method_are_answered_with_what_is_wrong() {
    let s = sandbox();
    let mut agent = Agent::new(&s, &s.work(), &[]);
    writeln!(agent.to.as_mut().unwrap(), "{{bad").unwrap();
    let mut line = String::new();
    agent.from.read_line(&mut line).unwrap();
    let said: Value = serde_json::from_str(&line).unwrap();
    assert_eq!((&said["id"], &said["error"]["code"]), (&Value::Null, &json!(-32700)), "{said}");
    for method in ["nope/method", "resources/list"] {
        let said = agent.ask(method, &json!({}));
        assert_eq!(said["error"]["code"], -32601, "{said}");
        assert_eq!(said["error"]["message"], format!("there is no method `{method}` here"));
    }
    agent.end();
}

fn names(of: &Value) -> Vec<&str> {
    let all = of["processes"].as_array().unwrap();
    all.iter().map(|process| process["name"].as_str().unwrap()).collect()
}

#[test]
fn an_agent_starts_looks_at_and_changes_the_apps_of_its_folder() {
    let s = sandbox();
    s.write("app.js", APP);
    let port = s.port();
    let mut agent = Agent::new(&s, &s.work(), &[]);
    assert!(names(&agent.does("list", &json!({}))).is_empty());
    let variables = json!({ "PORT": port.to_string() });
    let started = json!({ "script": "app.js", "name": "api", "env": variables });
    let started = agent.does("start", &started);
    let listens = json!([format!("127.0.0.1:{port}")]);
    assert_eq!(started["processes"][0]["status"], "online");
    let again = agent.does("start", &json!({ "script": "./app.js" }));
    assert_eq!(again["processes"][0]["id"], 0, "{again}");
    assert_eq!(again["processes"][0]["ports"], json!([format!("127.0.0.1:{port}")]));
    assert_eq!(s.jlist().len(), 1, "a second copy was started");
    assert_eq!(agent.does("ports", &json!({}))["processes"][0]["ports"], listens);
    assert_eq!(names(&agent.does("wait", &json!({ "app": "api" }))), ["api"]);
    let described = agent.does("describe", &json!({ "app": "api" }));
    assert!(described["processes"][0]["why"].as_str().unwrap().starts_with("it has been online"));
    assert!(described["processes"][0].get("env").is_none(), "{described}");

    let before = agent.does("logs", &json!({ "lines": 10 }));
    assert_eq!(before["lines"][0]["message"], "up");
    agent.does("restart", &json!({ "app": "0" }));
    let cursor = &before["cursor"];
    let after = agent.does("logs", &json!({ "app": "api", "cursor": cursor, "grep": "^up$" }));
    assert_eq!(after["lines"].as_array().unwrap().len(), 1, "{after}");
    agent.does("reload", &json!({ "app": "api" }));
    assert_eq!(s.jlist()[0]["pm2_env"]["restart_time"], 2);
    let failed = agent.fails("scale", &json!({ "app": "api", "number": "x" }));
    assert!(failed.contains("`x`"), "{failed}");
    agent.end();
    s.ostler(["kill"]).run();
}

#[test]
fn what_fails_is_told_with_its_last_lines() {
    let s = sandbox();
    s.write("bad.js", "throw new Error('no database')");
    let mut agent = Agent::new(&s, &s.work(), &[]);
    let said = agent.fails("start", &json!({ "script": "bad.js" }));
    assert!(said.contains("no database") && said.contains("before it was ready"), "{said}");
    let said = agent.fails("start", &json!({ "script": "nope.js" }));
    assert!(said.contains("nope.js"), "{said}");
    agent.end();
    s.ostler(["kill"]).run();
}

#[test]
fn an_agent_that_waits_for_a_line_is_given_the_line() {
    let s = sandbox();
    s.write("app.js", "console.log('{\"port\":1} up'); setInterval(() => {}, 1e9)");
    let mut agent = Agent::new(&s, &s.work(), &[]);
    agent.does("start", &json!({ "script": "app.js" }));
    let told = agent.does("wait", &json!({ "app": "app", "for": "log=up$" }));
    assert_eq!(told, json!({ "line": "{\"port\":1} up" }));
    let never = json!({ "app": "app", "for": "log=never", "timeout": "50ms" });
    let said = agent.fails("wait", &never);
    assert!(said.starts_with("error: no such line of app (id 0) within 50ms"), "{said}");
    agent.end();
    s.ostler(["kill"]).run();
}

#[test]
fn a_hint_to_an_agent_has_no_option_that_nobody_wrote() {
    let s = sandbox();
    s.write("app.js", "setInterval(() => {}, 1e9)");
    let mut agent = Agent::new(&s, &s.work(), &[]);
    let said = agent.fails("start", &json!({ "script": "app.js", "instances": "x" }));
    assert!(said.ends_with("as in `ostler start --instances=4 app.js`"), "{said}");
    agent.does("start", &json!({ "script": "app.js" }));
    let said = agent.fails("wait", &json!({ "app": "app", "for": "foo" }));
    assert!(said.contains("\nhint: `ostler wait 0 --for=ready`; it is"), "{said}");
    let given = json!({ "app": "app", "for": "foo", "timeout": "1s" });
    let said = agent.fails("wait", &given);
    assert!(said.contains("\nhint: `ostler wait 0 --for=ready --timeout=1s`; it is"), "{said}");
    agent.end();
    s.ostler(["kill"]).run();
}

#[test]
fn the_page_says_which_tool_runs_a_command_of_another_name() {
    let tools = include_str!("../../../../docs/tools.json");
    let page = include_str!("../../../../docs/mcp.md");
    let tools: Vec<Value> = serde_json::from_str(tools).unwrap();
    let others: Vec<String> = tools
        .iter()
        .filter(|tool| tool["name"] != tool["command"])
        .map(|tool| format!("`{}`, which runs `{}`", tool["name"], tool["command"]))
        .collect();
    let said = format!("the command of `ostler` that has its name, but {}.", others.join(", "));
    assert!(page.contains(&said.replace('"', "")), "{said}");
}

#[test]
fn an_agent_sees_and_changes_no_app_of_another_folder_unless_all_are_allowed() {
    let s = sandbox();
    for folder in ["one", "two"] {
        std::fs::create_dir(s.work().join(folder)).unwrap();
        s.write(format!("{folder}/{folder}.js"), "console.log('up'); setInterval(() => {}, 1e9)");
        s.ostler(["start", &format!("{folder}.js")]).cwd(s.work().join(folder)).run();
    }
    // A folder may be named by a link.
    std::os::unix::fs::symlink(s.work().join("one"), s.work().join("link")).unwrap();
    for folder in ["one", "link"] {
        let mut agent = Agent::new(&s, &s.work().join(folder), &["--allow-destructive"]);
        assert_eq!(names(&agent.does("list", &json!({}))), ["one"]);
        for tool in ["describe", "restart", "stop", "delete", "logs", "wait"] {
            let said = agent.fails(tool, &json!({ "app": "two" }));
            assert!(said.contains("`two` is an app of another folder"), "{tool}: {said}");
        }
        let said = agent.fails("start", &json!({ "script": "one.js", "cwd": ".." }));
        assert!(said.contains("outside of the project's folder"), "{said}");
        agent.end();
    }
    let mut agent = Agent::new(&s, &s.work().join("one"), &["--allow-destructive"]);
    assert_eq!(names(&agent.does("stop", &json!({ "app": "all" }))), ["one"]);
    assert_eq!(s.statuses_of("two"), ["online"]);
    agent.end();
    let mut agent = Agent::new(&s, &s.work().join("one"), &["--all"]);
    assert_eq!(names(&agent.does("list", &json!({}))), ["one", "two"]);
    agent.end();
    s.ostler(["kill"]).run();
}

#[test]
fn what_ends_apps_is_not_offered_and_not_done_unless_it_is_allowed() {
    let s = sandbox();
    s.write("app.js", "setInterval(() => {}, 1e9)");
    s.ostler(["start", "app.js"]).run();
    let offered = |agent: &mut Agent| -> Vec<String> {
        let tools = agent.ask("tools/list", &json!({}))["result"]["tools"].clone();
        let all = tools.as_array().unwrap().iter();
        all.map(|tool| tool["name"].as_str().unwrap().to_owned()).collect()
    };
    let mut agent = Agent::new(&s, &s.work(), &[]);
    assert!(!offered(&mut agent).iter().any(|name| name == "stop" || name == "delete"));
    for tool in ["stop", "delete"] {
        let said = agent.fails(tool, &json!({ "app": "app" }));
        assert!(said.contains("is not allowed here"), "{said}");
    }
    assert_eq!(s.statuses_of("app"), ["online"]);
    agent.end();
    let mut agent = Agent::new(&s, &s.work(), &["--allow-destructive"]);
    assert!(offered(&mut agent).iter().any(|name| name == "stop"));
    agent.does("stop", &json!({ "app": "app" }));
    assert_eq!(s.statuses_of("app"), ["stopped"]);
    agent.does("delete", &json!({ "app": "app" }));
    assert!(s.jlist().is_empty());
    agent.end();
    s.ostler(["kill"]).run();
}

#[test]
fn a_signal_ends_it_although_the_agent_goes_on() {
    let s = sandbox();
    let mut agent = Agent::new(&s, &s.work(), &[]);
    procs::signal(agent.child.id(), procs::Signal::TERM);
    assert!(wait_exit(agent.child.id(), LIMIT));
    assert!(agent.child.wait().unwrap().success());
}

#[test]
fn a_terminal_and_a_missing_companion_are_told() {
    let s = sandbox();
    built_companion();
    let mut command = s.command();
    command.arg("mcp").env("TERM", "xterm");
    let mut window = Window::open(command, 80, 24);
    assert_eq!(window.wait_end(LIMIT), 1);
    let shown = window.written();
    assert!(shown.contains("`mcp` speaks to a program, and its input is a terminal"), "{shown}");
    let alone = s.work().join("bin/ostler");
    std::fs::create_dir(alone.parent().unwrap()).unwrap();
    std::fs::copy(env!("CARGO_BIN_EXE_ostler"), &alone).unwrap();
    let mut command = s.command_of(&alone);
    command.arg("mcp");
    let said = finish(command, &[], LIMIT);
    assert_eq!(said.code, 1, "{said:?}");
    let begin = "error: the server for agents is a program of its own, which is not there";
    assert!(said.err.starts_with(begin) && said.err.contains("\nhint: `"), "{said:?}");
}

/// Node for what comes from npm, and the folder of its modules.
fn of_npm(package: &str) -> Option<(std::path::PathBuf, std::path::PathBuf)> {
    let node = runtimes::runtime("node-24")?;
    Some((node.path, runtimes::npm_package("mcp", package)?))
}

#[test]
fn the_official_inspector_lists_the_tools_and_calls_them() {
    let Some((node, inspector)) = of_npm("@modelcontextprotocol/inspector") else { return };
    built_companion();
    let s = sandbox();
    s.write("app.js", "console.log('up'); setInterval(() => {}, 1e9)");
    let inspect = |words: &[&str]| -> Value {
        let mut command = s.command_of(&node);
        command.arg(inspector.join("clients/launcher/build/index.js")).arg("--cli");
        let home = format!("OSTLER_HOME={}", s.home().display());
        command.args([env!("CARGO_BIN_EXE_ostler"), "mcp", "-e", &home]).args(words);
        let said = finish(command, &[], LIMIT).success();
        serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {said:?}"))
    };
    let told = inspect(&["--method", "tools/list"]);
    let whole: Value = serde_json::from_str(include_str!("../../../../docs/tools.json")).unwrap();
    let marked = |of: &Value| -> Vec<Value> {
        let all = of.as_array().unwrap().iter().filter(|of| of["effect"] != "destructive");
        all.map(|of| json!([of["name"], of["inputSchema"], of["annotations"]])).collect()
    };
    assert_eq!(marked(&told["tools"]), marked(&whole));
    let call = |name: &str, argument: &str| {
        inspect(&["--method", "tools/call", "--tool-name", name, "--tool-arg", argument])
    };
    assert_eq!(names(&call("start", "script=app.js")["structuredContent"]), ["app"]);
    assert_eq!(call("logs", "lines=5")["structuredContent"]["lines"][0]["message"], "up");
    s.ostler(["kill"]).run();
}

/// Calls tools by a client of the official SDK, of both of its lines.
const CLIENT: &str = "
const [line, modules, program] = process.argv.slice(2);
const path = require('path').join(modules, 'x.js');
const load = require('module').createRequire(path);
const { Client } = load(line === '1' ? '@modelcontextprotocol/sdk/client/index.js' :
  '@modelcontextprotocol/client');
const { StdioClientTransport } = load(line === '1' ?
  '@modelcontextprotocol/sdk/client/stdio.js' : '@modelcontextprotocol/client/stdio');
(async () => {
  const client = new Client({ name: 'test', version: '1' });
  await client.connect(new StdioClientTransport({
    command: program, args: ['mcp', '--allow-destructive'], env: process.env,
  }));
  const { tools } = await client.listTools();
  const app = 'app' + line;
  const calls = [
    ['start', { script: `app${line}.js`, instances: 2 }], ['wait', { app }],
    ['scale', { app, number: 3 }], ['reload', { app }], ['list', {}],
    ['logs', { grep: 'up' }], ['stop', { app }], ['delete', { app }],
  ];
  const told = [tools.length];
  for (const [name, given] of calls) {
    const { isError, structuredContent: of } = await client.callTool({ name, arguments: given });
    told.push(isError ? 'failed' : name + ' ' + (of.processes || of.lines).length);
  }
  console.log(told.join());
  await client.close();
})();
";

#[test]
fn clients_of_the_official_sdk_call_the_tools() {
    let Some((node, package)) = of_npm("@modelcontextprotocol/sdk") else { return };
    built_companion();
    let modules = package.ancestors().nth(2).unwrap();
    let s = sandbox();
    s.write("client.cjs", CLIENT);
    for line in ["1", "2"] {
        let app = "require('http').createServer().listen(0, () => console.log('up'))";
        s.write(format!("app{line}.js"), app);
        let mut command = s.command_of(&node);
        command.arg("client.cjs").arg(line).arg(modules).arg(env!("CARGO_BIN_EXE_ostler"));
        let said = finish(command, &[], LIMIT).success();
        let expected = "11,start 2,wait 2,scale 3,reload 3,list 3,logs 6,stop 3,delete 3\n";
        assert_eq!(said.out, expected, "line {line}: {}", said.err);
    }
    s.ostler(["kill"]).run();
}
