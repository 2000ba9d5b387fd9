//! `serve`: the files of a folder, asked for by real clients.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::symlink;

use ostler_testkit::{Sandbox, runtimes::runtime};
use serde_json::{Value, json};

use crate::start_e2e::{SOON, get, one, sandbox, wait_log, wait_one};

/// Asks by Node's own client, which takes gzip, keeps connections, and follows redirections.
/// Returns what the expression gives.
fn node(s: &Sandbox, port: u16, expression: &str) -> Option<Value> {
    let node = runtime("node-22")?;
    let text = format!(
        "const at = (path, options) => fetch('http://127.0.0.1:{port}' + path, options);
        (async () => console.log(JSON.stringify({expression})))();"
    );
    let mut command = s.command_of(&node.path);
    command.args(["-e", &text]);
    let ran = ostler_testkit::run::finish(command, &[], SOON).success();
    Some(serde_json::from_str(&ran.out).unwrap())
}

fn site(s: &Sandbox) {
    s.write("site/index.html", "<p>home");
    s.write("site/app.js", "let x = 1;\n".repeat(1000));
    s.write("site/docs/index.html", "docs");
    s.write("site/.env", "SECRET=1");
    symlink("/etc/hostname", s.work().join("site/out")).unwrap();
}

#[test]
fn a_folder_is_served_to_real_clients_and_nothing_beside_it() {
    let s = sandbox();
    site(&s);
    let port = s.port().to_string();
    let says = format!(", http://127.0.0.1:{port}\n");
    s.ostler(["serve", "site", &port, "--name", "site", "--spa"]).cwd(s.work()).shows(says).run();
    let port = port.parse().unwrap();
    assert_eq!(get(port), "<p>home", "it answers as soon as the command has ended");
    let expression = "await Promise.all(['/', '/app.js', '/docs', '/users/7', '/x.js', '/.env', \
        '/out', '/%2e%2e/home'].map(async path => { const a = await at(path); \
        return [path, a.status, a.headers.get('content-encoding'), (await a.text()).length]; }))";
    let Some(said) = node(&s, port, expression) else { return };
    assert_eq!(
        said,
        json!([
            ["/", 200, null, 7],
            ["/app.js", 200, "gzip", 11_000],
            ["/docs", 200, null, 4],
            ["/users/7", 200, null, 7],
            ["/x.js", 404, null, 14],
            ["/.env", 404, null, 14],
            ["/out", 403, null, 14],
            // A client resolves this one itself.
            ["/%2e%2e/home", 200, null, 7]
        ])
    );
    let expression = "await (async () => { const first = await at('/app.js'); await first.text(); \
        const tag = first.headers.get('etag'); \
        const again = await at('/app.js', { headers: { 'if-none-match': tag } }); \
        const part = await at('/app.js', { headers: { range: 'bytes=4-6' } }); \
        const head = await at('/', { method: 'HEAD' }); \
        return [again.status, await again.text(), part.status, await part.text(), \
        part.headers.get('content-range'), head.headers.get('content-length'), \
        await head.text()]; })()";
    let said = node(&s, port, expression).unwrap();
    assert_eq!(said, json!([304, "", 206, "x =", "bytes 4-6/11000", "7", ""]));
    // It is an app as any other.
    let process = one(&s, "site");
    assert_eq!(process["pm2_env"]["PM2_SERVE_SPA"], "true");
    s.ostler(["restart", "site"]).run();
    wait_log(&s, "site-out.log", "serving");
    s.ostler(["stop", "site"]).run();
    let ended = wait_one(&s, "site", "stopped");
    assert_eq!(ended["pm2_env"]["exit_code"], 0, "it was asked to end, and did");
}

#[test]
fn an_app_with_the_script_serve_is_told_by_its_variables() {
    let s = sandbox();
    site(&s);
    let port = s.port();
    let file = json!({ "apps": [{
        "name": "web",
        "script": "serve",
        "args": "-s build",
        "instances": 2,
        "env": {
            "PM2_SERVE_PATH": "./site",
            "PM2_SERVE_PORT": port,
            "PM2_SERVE_SPA": true,
            "PM2_SERVE_HOMEPAGE": "/docs/index.html",
            "PM2_SERVE_BASIC_AUTH": "true",
            "PM2_SERVE_BASIC_AUTH_USERNAME": "jo",
            "PM2_SERVE_BASIC_AUTH_PASSWORD": "secret"
        }
    }] });
    // A file of that name is not meant.
    s.write("serve", "exit 3");
    s.write("apps.json", file.to_string());
    let said = s.ostler(["start", "apps.json", "--wait"]).cwd(s.work()).run();
    for part in [
        "`args` changes nothing of a server of files",
        "`instances` changes nothing",
        "web serves this machine alone",
    ] {
        assert!(said.err.contains(part), "{said:?}");
    }
    assert_eq!(s.jlist().len(), 1);
    let expression = "await Promise.all([[], ['jo', 'wrong'], ['jo', 'secret']].map(async who => { \
        const authorization = 'Basic ' + btoa(who.join(':')); \
        const a = await at('/users', { headers: { authorization } }); \
        return [a.status, await a.text()]; }))";
    let Some(said) = node(&s, port, expression) else { return };
    assert_eq!(
        said,
        json!([[401, "401 Unauthorized\n"], [401, "401 Unauthorized\n"], [200, "docs"]])
    );
}

#[test]
fn what_cannot_be_served_is_told_and_starts_nothing() {
    let s = sandbox();
    site(&s);
    s.ostler(["serve", "none"]).cwd(s.work()).code(1).shows("cannot serve").run();
    s.ostler(["serve", "site/app.js"]).cwd(s.work()).code(1).shows("is not a folder").run();
    s.ostler(["serve", "8080"]).cwd(s.work()).code(1).shows("the folder comes first").run();
    s.ostler(["serve", "site", "http"]).cwd(s.work()).code(2).shows("is no port").run();
    s.ostler(["serve", "site", "--basic-auth-username", "jo"])
        .cwd(s.work())
        .code(2)
        .shows("`--basic-auth-password` is missing")
        .run();
    let file = "{\"apps\":[{\"script\":\"serve\",\"env\":{\"PM2_SERVE_PATH\":\"none\"}}]}";
    s.write("apps.json", file);
    s.ostler(["start", "apps.json"]).cwd(s.work()).code(1).shows("`serve` cannot be served").run();
    assert!(s.jlist().is_empty());
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let said = s.ostler(["serve", "site", &port]).cwd(s.work()).code(1).run();
    assert!(said.err.contains(&format!("`127.0.0.1:{port}` is taken")), "{said:?}");
    assert!(said.err.contains("` takes another port\n"), "{said:?}");
    // It was started, and stayed in the list as errored.
    assert!(s.jlist().is_empty());
}

#[test]
fn under_the_name_pm2_it_says_pm2s_words_and_lets_other_origins_read() {
    let s = sandbox();
    site(&s);
    let pm2 = s.work().join("pm2");
    symlink(env!("CARGO_BIN_EXE_ostler"), &pm2).unwrap();
    let port = s.port().to_string();
    let mut command = s.command_of(&pm2);
    command.args(["serve", "site", &port, "--spa"]).current_dir(s.work());
    // Tests open nothing to the network.
    command.env("PM2_SERVE_HOST", "127.0.0.1");
    let ran = ostler_testkit::run::finish(command, &[], SOON).success();
    let folder = fs::canonicalize(s.work()).unwrap().join("site");
    let says = format!("[PM2] Done.\n[PM2] Serving {} on port {port}\n", folder.display());
    assert!(ran.out.contains(&says), "{ran:?}");
    let name = format!("static-page-server-{port}");
    wait_log(&s, &format!("{name}-out.log"), "serving");
    let expression = "(await at('/')).headers.get('access-control-allow-origin')";
    let Some(said) = node(&s, port.parse().unwrap(), expression) else { return };
    assert_eq!(said, json!("*"));
}
