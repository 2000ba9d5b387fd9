//! What the pages for readers say: their commands are run, and the translation has every part.

use std::path::{Path, PathBuf};

use ostler_testkit::runtimes::pm2;

use crate::start_e2e::sandbox;

/// Beginnings of lines that are not run, and why.
const NOT_RUN: [(&str, &str); 9] = [
    ("cargo install", "it writes into the user's own folders, and builds for minutes"),
    ("npm install -g ./", "packages are tried by `cargo xtask dist --try`"),
    ("pip install ./", "the same"),
    ("sudo dpkg -i ", "the same"),
    ("sh install.sh", "the same"),
    ("npm uninstall", "it takes away what other tests use"),
    ("ostler link-pm2", "it writes into a folder of the system"),
    ("ostler monit", "it needs a terminal; `monit` has tests of its own"),
    ("ostler startup", "it needs an init system; the labs have one"),
];

/// Pages that people copy commands from; the other pages are generated.
const PAGES: [&str; 5] = [
    "README.md",
    "README.zh-CN.md",
    "docs/from-pm2.md",
    "docs/startup.md",
    "docs/zero-downtime.md",
];

fn page(name: &str) -> String {
    let root: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    std::fs::read_to_string(root.join(name)).unwrap()
}

/// The lines of the page's blocks of commands.
fn commands(text: &str) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        match line {
            "```sh" => inside = true,
            "```" => inside = false,
            _ if inside && !line.is_empty() => lines.push(line),
            _ => {}
        }
    }
    lines
}

/// The line as the test runs it: in the sandbox's home, and not for ever.
fn runnable(line: &str) -> String {
    let line = line.replace("~/.ostler", "\"$OSTLER_HOME\"");
    match line.split_once(" #") {
        Some((command, _)) if command.contains("ostler logs") => {
            format!("{} --nostream", command.trim_end())
        }
        Some(_) | None => line,
    }
}

#[test]
fn every_command_of_the_pages_works() {
    for name in PAGES {
        let text = page(name);
        let needs_pm2 = text.contains("pm2 save") || text.contains("ostler migrate");
        let real = pm2();
        if needs_pm2 && real.is_none() {
            continue;
        }
        let mut s = sandbox();
        let path = std::env::var("PATH").unwrap();
        let bin = Path::new(env!("CARGO_BIN_EXE_ostler")).parent().unwrap().display();
        let pm2_bin = real.as_deref().and_then(Path::parent).unwrap_or(Path::new("/")).display();
        s.set_env("PATH", format!("{bin}:{pm2_bin}:{path}"));
        s.set_env("PORT", s.port().to_string());
        s.set_env("PM2_API_PORT", s.port().to_string());
        let server = "require('http').createServer((request, response) => response.end('hello'))\n\
                      .listen(process.env.PORT, '127.0.0.1');\n";
        s.write("app.js", server);
        s.write("server.py", "import time\ntime.sleep(3600)\n");
        let file = "module.exports = { apps: [{ name: 'other', script: 'server.py' }] }";
        s.write("ecosystem.config.js", file);
        let lines = commands(&text);
        assert!(!lines.is_empty(), "{name}: no commands");
        if needs_pm2 {
            let start =
                s.command_of("bash").args(["-c", "PORT=0 pm2 start app.js"]).output().unwrap();
            assert!(start.status.success(), "{start:?}");
        }
        for line in lines {
            if NOT_RUN.iter().any(|(start, _)| line.starts_with(start)) {
                continue;
            }
            let line = runnable(line);
            let output = s.command_of("bash").args(["-c", &line]).output().unwrap();
            assert!(output.status.success(), "{name}: `{line}`: {output:?}");
        }
        if needs_pm2 {
            s.command_of("bash").args(["-c", "pm2 kill"]).output().unwrap();
        }
    }
}

/// What a translation must have as the original has it: headings, blocks and links.
fn shape(text: &str) -> (Vec<usize>, Vec<String>, Vec<String>) {
    let level = |line: &str| line.chars().take_while(|c| *c == '#').count();
    let headings = text.lines().filter(|line| line.starts_with('#')).map(level).collect();
    let block = |line: &&str| commands(text).contains(line);
    let bare = |line: &str| line.split(" #").next().unwrap_or(line).trim_end().to_owned();
    let blocks = text.lines().filter(block).map(bare).collect();
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

/// Each block that follows the name of a snapshot is that snapshot.
#[test]
fn the_pictures_are_what_the_program_prints() {
    let text = [page("docs/README.md"), page("docs/monit.md")].concat();
    let mut count = 0;
    for rest in text.split("<!-- ").skip(1) {
        let (name, rest) = rest.split_once(" -->\n```\n").unwrap();
        let picture = rest.split("\n```").next().unwrap();
        let snapshot = page(&format!("crates/{name}"));
        assert_eq!(picture, snapshot.trim_end_matches('\n'), "{name}");
        count += 1;
    }
    assert!(3 < count, "only {count} pictures");
}
