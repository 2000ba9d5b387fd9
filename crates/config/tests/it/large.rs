//! Texts that somebody may have made to keep a reader busy: each is read, and what is said about it
//! is shown, in little time.
//!
//! A reader that looks at all that it has read again for each line needs a minute for such a text
//! of 64 KiB. These are a quarter of that, since nothing is optimized here, and the bound is on the
//! processor's time, which other tests do not lengthen.

use std::time::Duration;

use ostler_config::{COLUMNS, Options, load};

use crate::world::World;

/// Bytes of each text.
const SIZE: usize = 16_384;
/// What each may take of a processor.
const MOST: Duration = Duration::from_secs(3);

fn repeated(head: &str, piece: &str, tail: &str) -> String {
    let count = (SIZE - head.len() - tail.len()) / piece.len();
    head.to_owned() + &piece.repeat(count) + tail
}

/// A text with a number in each of its pieces.
fn numbered(head: &str, piece: impl Fn(usize) -> String, tail: &str) -> String {
    let mut text = head.to_owned();
    for nth in 0.. {
        let next = piece(nth);
        if SIZE < text.len() + next.len() + tail.len() {
            return text + tail;
        }
        text.push_str(&next);
    }
    unreachable!("there is an end")
}

fn texts() -> Vec<(&'static str, String)> {
    vec![
        ("eco.json", repeated("", "[", "")),
        ("eco.json", repeated("", "{\"a\":", "")),
        ("eco.json", repeated("[", "{},", "{}]")),
        ("eco.json", repeated("[", "1,", "1]")),
        ("eco.json", repeated("[", "{\"script\":\"a.sh\"},", "{}]")),
        ("eco.json", numbered("{\"script\":\"a.sh\"", |n| format!(",\"k{n}\":1"), "}")),
        ("eco.json", numbered("{\"script\":\"a.sh\"", |n| format!(",\"watch_dela{n}\":1"), "}")),
        ("eco.json", repeated("{\"script\":\"a.sh\"", ",\"name\":\"x\"", "}")),
        (
            "eco.json",
            numbered("{\"script\":\"a.sh\",\"env\":{\"A\":1", |n| format!(",\"K{n}\":1"), "}}"),
        ),
        ("eco.json", repeated("{\"script\":\"", "a", "\"}")),
        ("eco.json", repeated("{\"script\":\"a.sh\",\"args\":\"", "a ", "\"}")),
        ("eco.json", repeated("{\"script\":\"a.sh\",\"args\":\"", "{port+", "\"}")),
        ("eco.json", repeated("{\"script\":\"a.sh\",\"cron_restart\":\"", "1,", "1 * * * *\"}")),
        ("eco.json", repeated("{\"script\":\"a.sh\",\"watch\":\"", "*", "\"}")),
        ("eco.json", repeated("{\"script\":\"a.sh\",\"watch\":[\"", "**/", "\"]}")),
        ("eco.json", repeated("{\"script\":\"a.sh\",\"max_memory_restart\":\"", "1", "\"}")),
        (
            "eco.json",
            numbered(
                "[",
                |n| {
                    format!(
                        "{{\"name\":\"a{n}\",\"script\":\"a.sh\",\"depends_on\":[\"a{}\"]}},",
                        n + 1
                    )
                },
                "{}]",
            ),
        ),
        (
            "eco.json",
            numbered(
                "[",
                |n| format!("{{\"name\":\"a{n}\",\"script\":\"a.sh\",\"depends_on\":[\"b{n}\"]}},"),
                "{}]",
            ),
        ),
        (
            "eco.json",
            numbered(
                "{\"apps\":[",
                |n| format!("{{\"name\":\"a{n}\",\"extends\":\"a{}\"}},", n + 1),
                "{}]}",
            ),
        ),
        ("eco.json5", repeated("", "/*", "")),
        ("eco.json5", repeated("{ a: '", "\\\n", "' }")),
        ("eco.json5", repeated("{ a: ", "+", "1 }")),
        ("eco.yaml", repeated("", "[", "")),
        ("eco.yaml", repeated("", "{a: ", "")),
        ("eco.yaml", repeated("", "- ", "")),
        ("eco.yaml", repeated("", "? ", "")),
        ("eco.yaml", repeated("", "a: ", "")),
        ("eco.yaml", repeated("", "- {}\n", "")),
        ("eco.yaml", repeated("", "---\n", "")),
        ("eco.yaml", repeated("", "--- {script: a.sh}\n", "")),
        ("eco.yaml", repeated("a: |\n", "  x\n", "")),
        ("eco.yaml", repeated("a: '", "''", "'")),
        ("eco.yaml", repeated("a: \"", "\\\n", "\"")),
        ("eco.yaml", repeated("script: a.sh\nargs: >\n", "  x\n\n", "")),
        ("eco.yaml", numbered("script: a.sh\n", |n| format!("k{n}: 1\n"), "")),
        (
            "eco.yaml",
            numbered("a0: &a0 [x]\n", |n| format!("a{0}: &a{0} [*a{n}, *a{n}]\n", n + 1), ""),
        ),
        (
            "eco.yaml",
            numbered(
                "a0: &a0 {x: y}\n",
                |n| format!("a{0}: &a{0} {{<<: [*a{n}, *a{n}], k{n}: 1}}\n", n + 1),
                "",
            ),
        ),
        (
            "eco.yaml",
            numbered(
                "apps:\n",
                |n| format!("- &a{n} {{script: a.sh, <<: *a{}}}\n", n.max(1) - 1),
                "",
            ),
        ),
        ("eco.yaml", repeated("", "#", "")),
        ("eco.yaml", repeated("", "\t", "")),
        ("eco.toml", repeated("", "[[apps]]\n", "")),
        ("eco.toml", numbered("", |n| format!("[[apps]]\nname='a{n}'\nscript='a.sh'\n"), "")),
        ("eco.toml", repeated("a = ", "[", "")),
        ("eco.toml", repeated("a = ", "{a=", "")),
        ("eco.toml", repeated("[", "a.", "a]")),
        ("eco.toml", repeated("", "a.", "a = 1")),
        ("eco.toml", numbered("script='a.sh'\n", |n| format!("k{n}=1\n"), "")),
        ("eco.toml", numbered("", |n| format!("[a{n}]\n"), "")),
        ("eco.toml", repeated("a = '''", "\n", "'''")),
        ("my.env", repeated("A=x\n", "A=${A}${A}\n", "")),
        ("my.env", numbered("A0=x\n", |n| format!("A{}=${{A{n}}}${{A{n}}}\n", n + 1), "")),
        ("my.env", repeated("A=", "${A", "")),
        ("my.env", repeated("A=", "${A:-", "")),
        ("my.env", repeated("A=\"", "\\n", "\"")),
        ("my.env", repeated("", "=\n", "")),
        ("my.env", numbered("", |n| format!("K{n}=v\n"), "")),
        ("package.json", repeated("{\"scripts\":{\"start\":\"", "a && ", "a\"}}")),
        ("package.json", repeated("{\"scripts\":{\"start\":\"", "$(", "\"}}")),
        (
            "package.json",
            numbered(
                "{\"scripts\":{\"start\":\"npm run s0\"",
                |n| format!(",\"s{n}\":\"npm run s{}\"", n + 1),
                "}}",
            ),
        ),
    ]
}

/// What this thread has used of a processor.
fn used() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(stat.split(' ').next().unwrap().parse().unwrap())
}

#[test]
fn texts_that_are_made_to_keep_a_reader_busy_are_read_in_little_time() {
    let mut slow = Vec::new();
    for (name, text) in texts() {
        let world = World::new(&["npm"]);
        world.program("a.sh", "#!/bin/sh\n");
        world.file(name, &text);
        let file = match name {
            "my.env" => "script: a.sh\nenv_file: my.env\n",
            "package.json" => "script: npm\nargs: start\nexec_mode: cluster\n",
            _ => "",
        };
        world.file("of.yaml", file);
        let before = used();
        let (apps, report) =
            load(if file.is_empty() { name } else { "of.yaml" }, &Options::default(), &world.ctx);
        let read = used() - before;
        let shown: usize = report.iter().map(|one| one.render_own(false, COLUMNS).len()).sum();
        let took = used() - before;
        let head: String = text.chars().take(40).collect();
        println!(
            "{took:?} (read {read:?}) {name} {head:?}: {} apps, {} complaints, {shown} B",
            apps.len(),
            report.len()
        );
        if MOST < took {
            slow.push(format!("{name} {head:?}: {took:?}"));
        }
    }
    assert!(slow.is_empty(), "{slow:#?}");
}
