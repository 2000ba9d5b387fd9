//! What the pages for readers say: their commands are run, and the translation has every part.

use std::path::{Path, PathBuf};

use ostler_testkit::Sandbox;
use ostler_testkit::runtimes::pm2;

use crate::start_e2e::sandbox;

/// Beginnings of lines that are not run, and why.
const NOT_RUN: [(&str, &str); 16] = [
    ("cargo install", "it writes into the user's own folders, and builds for minutes"),
    ("cargo xtask test", "it is what runs this"),
    ("npm install -g ./", "packages are tried by `cargo xtask dist --try`"),
    ("pip install ./", "the same"),
    ("sudo dpkg -i ", "the same"),
    ("sh install.sh", "the same"),
    ("docker load", "the image is tried by `cargo xtask dist --try`, and containers by a lab"),
    ("docker run", "the same"),
    ("npm uninstall", "it takes away what other tests use"),
    ("ostler link-pm2", "it writes into a folder of the system"),
    ("ostler mcp", "it speaks to an agent; `mcp` has tests of its own"),
    ("ostler monit", "it needs a terminal; `monit` has tests of its own"),
    ("ostler startup", "it needs an init system; the labs have one"),
    ("ostler -H", "it needs other machines; `fleet` has tests of its own, and a lab"),
    ("ostler alert test", "it asks a service of others; `alerts` has tests of its own"),
    (
        "ostler logs api --raw --cursor",
        "a cursor is of one home; `log_cursor` has tests of its own",
    ),
];

/// Pages of which no command is run, and why. A page that is neither here nor has commands fails,
/// and so does one that is here and has some.
const WITHOUT: [(&str, &str); 15] = [
    ("docs/README.md", "it has pictures, which are compared"),
    ("docs/configuration.md", "it is made of the table of attributes, whose examples are tested"),
    ("docs/dependencies.md", "it has parts of process files"),
    ("docs/deploy.md", "it has a part of a process file; `deploy` has tests of its own"),
    ("docs/diagnostics.md", "it is made of the codes of complaints, each with a test"),
    ("docs/environment.md", "it is made of the table of variables"),
    ("docs/health.md", "it has a part of a process file"),
    ("docs/hooks.md", "it has parts of process files"),
    ("docs/mcp.md", "it is made of the table of tools; `mcp` has tests of its own"),
    ("docs/monit.md", "it has a picture, which is compared"),
    ("docs/pm2-differences.md", "it has tables; `beside_pm2` compares what they say"),
    ("docs/releasing.md", "it is a list for people who release"),
    ("docs/serve.md", "it has a part of a process file"),
    ("docs/web.md", "it has pictures, which are compared"),
    ("docs/commands.md", "it is made of the table of examples, which `example_lines` runs"),
];

/// What stands around a page's commands: what there is before the first of them.
const BEFORE: [(&str, &[&str]); 4] = [
    (
        "docs/logs.md",
        &[
            "ostler start app.js --name api --wait",
            "ostler logs --nostream 2>at; \
      sed -i -n 's/^-- cursor: //p' at",
        ],
    ),
    ("docs/progress.md", &["ostler start app.js --name api"]),
    ("docs/waiting.md", &["ostler start job.js --no-autorestart"]),
    ("docs/from-pm2.md", &["PORT=0 pm2 start app.js"]),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn page(name: &str) -> String {
    std::fs::read_to_string(root().join(name)).unwrap()
}

/// Every page for readers.
fn pages() -> Vec<String> {
    let files = std::fs::read_dir(root().join("docs")).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let pages = names.filter(|name| name.ends_with(".md")).map(|name| format!("docs/{name}"));
    let mut pages: Vec<String> = pages.collect();
    pages.extend(["README.md", "README.zh-CN.md"].map(str::to_owned));
    pages.sort();
    pages
}

/// The commands of the page's blocks: those that say that they are for a shell, and indented ones
/// that begin with a command. Where lines begin with `$ `, the others are what is printed.
fn commands(text: &str) -> Vec<String> {
    blocks(text).into_iter().flat_map(of_block).collect()
}

fn blocks(text: &str) -> Vec<Vec<String>> {
    let mut blocks: Vec<Vec<String>> = vec![Vec::new()];
    let (mut fenced, mut taken) = (false, false);
    for line in text.lines() {
        let indented = line.strip_prefix("    ").filter(|_| !fenced);
        match (line.strip_prefix("```"), indented) {
            (Some(language), _) => {
                (fenced, taken) = (!fenced, !fenced && language == "sh");
                blocks.push(Vec::new());
            }
            (None, Some(line)) => blocks.last_mut().unwrap().push(line.to_owned()),
            (None, None) if taken && !line.is_empty() => {
                blocks.last_mut().unwrap().push(format!("$ {line}"));
            }
            (None, None) if !fenced => blocks.push(Vec::new()),
            (None, None) => {}
        }
    }
    blocks
}

fn of_block(lines: Vec<String>) -> Vec<String> {
    const PROGRAMS: [&str; 4] = ["ostler ", "pm2 ", "cargo ", "while "];
    let Some(first) = lines.first() else { return Vec::new() };
    if first.starts_with("$ ") {
        return lines.iter().filter_map(|line| Some(line.strip_prefix("$ ")?.into())).collect();
    }
    match PROGRAMS.iter().find(|program| first.starts_with(**program)) {
        Some(&"while ") => vec![lines.join("\n")],
        Some(_) => lines,
        None => Vec::new(),
    }
}

/// The line as the test runs it: in the sandbox's home, and not for ever.
fn runnable(line: &str) -> String {
    let mut line = line
        .replace("~/.ostler", "\"$OSTLER_HOME\"")
        .replace("/etc/systemd/system", "units")
        .replace("while sleep 60;", "for once in 1;")
        .replace("cargo run --release -- ", "PORT=0 ostler ");
    if line.contains("ostler logs") && !line.contains("--nostream") {
        line = line.replace("ostler logs", "ostler logs --nostream");
    }
    line
}

/// A machine with what the pages speak of: programs, apps, and PM2 where it is installed.
fn machine() -> Sandbox {
    let mut s = sandbox();
    let path = std::env::var("PATH").unwrap();
    let bin = Path::new(env!("CARGO_BIN_EXE_ostler")).parent().unwrap().display();
    let real = pm2();
    let pm2_bin = real.as_deref().and_then(Path::parent).unwrap_or(Path::new("/")).display();
    let tools = s.work().join("bin");
    s.set_env("PATH", format!("{}:{bin}:{pm2_bin}:{path}", tools.display()));
    for name in ["PORT", "PM2_API_PORT"] {
        let port = s.port().to_string();
        s.set_env(name, port);
    }
    for reader in ["jq", "ship"] {
        s.write_executable(format!("bin/{reader}"), "#!/bin/sh\ncat > /dev/null\n");
    }
    let server = "console.log('connected to the database');\n\
                  console.error('Error: it was refused');\n\
                  require('http').createServer((request, response) => response.end('hello'))\n\
                  .listen(process.env.PORT, '127.0.0.1');\n";
    s.write("app.js", server);
    s.write("job.js", "console.log('done');\n");
    s.write("server.py", "import time\ntime.sleep(3600)\n");
    for module in ["celery.py", "report.py"] {
        s.write(module, "import time\ntime.sleep(3600)\n");
    }
    s.write_executable("bin/uvicorn", "#!/bin/sh\nexec sleep 3600\n");
    let hello = std::fs::read(root().join("examples/hello.js")).unwrap();
    s.write("examples/hello.js", hello);
    let file = "module.exports = { apps: [{ name: 'other', script: 'server.py', \
                env_production: { NODE_ENV: 'production' } }] }";
    s.write("ecosystem.config.js", file);
    let app = |name: &str, profiles: &str| {
        format!("  - {{ name: {name}, script: server.py, profiles: [{profiles}] }}\n")
    };
    let apps = [("web", ""), ("inspector", "debug"), ("load", "load, test")];
    let apps: String = apps.into_iter().map(|(name, profiles)| app(name, profiles)).collect();
    s.write("apps.yaml", format!("apps:\n{apps}"));
    s
}

/// Runs the commands of a page one after the other.
fn run_page(name: &str) {
    let text = page(name);
    let lines = commands(&text);
    let reason = WITHOUT.iter().find(|(page, _)| *page == name);
    if name == "docs/commands.md" {
        return;
    }
    let is_named = reason.is_some();
    assert_ne!(lines.is_empty(), !is_named, "{name}: {} commands, {reason:?}", lines.len());
    let needs_pm2 = text.contains("pm2 save") || text.contains("ostler migrate");
    if is_named || needs_pm2 && pm2().is_none() {
        return;
    }
    let s = machine();
    let run = |line: &str| {
        let output = s.command_of("bash").args(["-c", line]).output().unwrap();
        assert!(output.status.success(), "{name}: `{line}`: {output:?}");
    };
    let before = BEFORE.iter().filter(|(page, _)| *page == name).flat_map(|(_, lines)| *lines);
    before.for_each(|line| run(line));
    if needs_pm2 && name.starts_with("README") {
        run("PORT=0 pm2 start app.js");
    }
    let is_run = |line: &&String| !NOT_RUN.iter().any(|(start, _)| line.starts_with(start));
    lines.iter().filter(is_run).for_each(|line| run(&runnable(line)));
    if needs_pm2 {
        s.command_of("bash").args(["-c", "pm2 kill"]).output().unwrap();
    }
}

#[test]
fn every_command_of_the_pages_works() {
    pages().iter().for_each(|name| run_page(name));
}

#[test]
fn each_line_that_is_not_run_and_each_page_without_commands_is_there() {
    let pages = pages();
    let lines: Vec<String> = pages.iter().flat_map(|name| commands(&page(name))).collect();
    for (start, why) in NOT_RUN {
        assert!(lines.iter().any(|line| line.starts_with(start)), "no page has `{start}` ({why})");
    }
    for (name, why) in WITHOUT {
        assert!(pages.iter().any(|page| page == name), "there is no `{name}` ({why})");
    }
    assert!(BEFORE.iter().all(|(name, _)| pages.iter().any(|page| page == name)));
}

#[test]
fn commands_are_found_in_fenced_and_indented_blocks() {
    let text = "a\n\n    ostler list  # x\n    ostler kill\n\n    error: no\n\n\
                ```sh\npm2 list\n```\n\n```\nostler no\n```\n    $ ostler get\n    text\n\n    \
                while sleep 1; do\n        a\n    done\n";
    let script = "while sleep 1; do\n    a\ndone";
    let expected = ["ostler list  # x", "ostler kill", "pm2 list", "ostler get", script];
    assert_eq!(commands(text), expected);
}

/// A screenshot is not compared: it shows a machine at work. The script beside it makes it anew.
#[test]
fn each_picture_that_a_page_shows_is_there_and_small_and_no_other_is() {
    let mut shown: Vec<String> = Vec::new();
    for page_name in pages() {
        let text = page(&page_name);
        let pictures = text
            .split("![")
            .skip(1)
            .filter_map(|rest| rest.split_once("](").and_then(|(_, rest)| rest.split_once(')')));
        let folder = Path::new(&page_name).parent().unwrap().to_owned();
        shown.extend(pictures.map(|(link, _)| folder.join(link).display().to_string()));
    }
    shown.sort();
    shown.dedup();
    for path in &shown {
        let picture = std::fs::read(root().join(path)).unwrap();
        assert!(picture.starts_with(b"\x89PNG") && picture.len() < 150_000, "{path}");
        assert!(root().join(path).with_extension("sh").exists(), "nothing makes `{path}`");
    }
    let files = std::fs::read_dir(root().join("docs/pictures")).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let pictures = names.filter(|name| !name.ends_with(".sh"));
    let mut there: Vec<String> = pictures.map(|name| format!("docs/pictures/{name}")).collect();
    there.sort();
    assert_eq!(there, shown);
}

/// What a translation must have as the original has it: headings, blocks and links.
fn shape(text: &str) -> (Vec<usize>, Vec<String>, Vec<String>) {
    let level = |line: &str| line.chars().take_while(|c| *c == '#').count();
    let headings = text.lines().filter(|line| line.starts_with('#')).map(level).collect();
    let bare = |line: &String| line.split(" #").next().unwrap_or(line).trim_end().to_owned();
    let blocks = commands(text).iter().map(bare).collect();
    let links = text.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
    let links = links.map(|(link, _)| link.to_owned());
    (headings, blocks, links.filter(|link| !link.starts_with("README")).collect())
}

#[test]
fn the_translation_has_every_heading_block_and_link() {
    let (english, chinese) = (shape(&page("README.md")), shape(&page("README.zh-CN.md")));
    assert_eq!(chinese, english);
    assert!(page("README.md").lines().count() <= 100);
}

/// Each block that follows the name of a snapshot is that snapshot. With `UPDATE_EXPECT=1` the
/// pages are written anew.
#[test]
fn the_pictures_are_what_the_program_prints() {
    let mut shown = Vec::new();
    for page_name in pages() {
        let text = page(&page_name);
        let mut parts = text.split("<!-- ").map(str::to_owned);
        let mut put_right = parts.next().unwrap();
        for rest in parts {
            let (name, behind) = rest.split_once(" -->\n").unwrap_or((&rest, ""));
            let Some((_, after)) =
                behind.strip_prefix("```\n").and_then(|picture| picture.split_once("\n```"))
            else {
                // It is no picture.
                put_right.push_str(&format!("<!-- {rest}"));
                continue;
            };
            let snapshot = page(&format!("crates/{name}"));
            let picture = snapshot.trim_end_matches('\n');
            put_right.push_str(&format!("<!-- {name} -->\n```\n{picture}\n```{after}"));
            shown.push(name.to_owned());
        }
        if std::env::var_os("UPDATE_EXPECT").is_some() && put_right != text {
            std::fs::write(root().join(&page_name), &put_right).unwrap();
            continue;
        }
        assert_eq!(text, put_right, "{page_name}: a picture is not what the program prints");
    }
    let pictures = std::fs::read_dir(root().join("crates/cli/tests/it/pictures")).unwrap();
    for picture in pictures {
        let file = picture.unwrap().file_name().into_string().unwrap();
        let name = format!("cli/tests/it/pictures/{file}");
        assert!(shown.contains(&name), "no page shows `{name}`");
    }
    assert!(10 < shown.len(), "only {shown:?}");
}
