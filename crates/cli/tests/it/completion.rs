//! Completion in real shells, with real apps: what a press of Tab makes of a line.

use std::fmt::Write as _;
use std::fs;
use std::process::Command;
use std::time::Duration;

use ostler_testkit::{Sandbox, wait_for};

use crate::fake::Fake;

/// How long a shell may take.
const LIMIT: Duration = Duration::from_secs(60);

/// Lines, and what they are completed to. Each has one way on, so that every shell takes it.
const LINES: [(&str, &str); 8] = [
    ("ostler scale d", "ostler scale db:main "),
    ("ostler scale my", r"ostler scale my\ app "),
    ("ostler stop db:main w", "ostler stop db:main web "),
    ("ostler list --sort=names", "ostler list --sort=namespace "),
    ("ostler grac", "ostler gracefulReload "),
    ("ostler logs --high", "ostler logs --highlight "),
    ("ostler startup openr", "ostler startup openrc "),
    ("ostler start scr", "ostler start script.js "),
];

/// A daemon with three apps, and a folder with a script in it; nothing when the shell
/// is not installed.
fn home(shell: &str) -> Option<Fake> {
    let path = std::env::var_os("PATH").unwrap();
    if !std::env::split_paths(&path).any(|folder| folder.join(shell).is_file()) {
        println!("{shell} is not installed: `cargo xtask setup` installs it where apt can");
        return None;
    }
    let apps = [(0, "web"), (1, "my app"), (2, "db:main")];
    let fake = Fake::with(apps.map(|(id, name)| crate::fake::process(id, name)).to_vec());
    fs::write(fake.home().join("script.js"), "").unwrap();
    Some(fake)
}

/// Runs a shell on a script in the home of `fake`, with our program first in `PATH`.
fn run(fake: &Fake, shell: &str, script: &str) -> String {
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_ostler"));
    let path = std::env::var_os("PATH").unwrap();
    let folders = [program.parent().unwrap().to_owned()].into_iter();
    let path = std::env::join_paths(folders.chain(std::env::split_paths(&path))).unwrap();
    let mut command = Command::new(shell);
    command.env_clear().env("PATH", path).env("HOME", fake.home()).env("TERM", "xterm");
    command.env("LANG", "C.UTF-8").env(ostler_env::OSTLER_HOME, fake.home());
    command.args(if shell == "zsh" { &["-f", "-c"][..] } else { &["-c"] }).arg(script);
    command.current_dir(fake.home());
    ostler_testkit::run::finish(command, b"", LIMIT).success().out
}

#[test]
fn bash_completes_every_kind_of_word() {
    let Some(fake) = home("bash") else { return };
    // What readline does before and after the function: it cuts words at its break characters, and
    // puts the answer in place of the last one.
    let mut script = String::from(
        r#"eval "$(ostler completion bash)"
try() {
    local line=$1 word
    COMP_LINE=$line COMP_POINT=${#line} COMP_WORDS=("${@:2}") COMP_CWORD=$(($# - 2))
    word=${COMP_WORDS[COMP_CWORD]}
    _ostler_complete ostler "$word"
    printf '%s\n' "${line%"$word"}${COMPREPLY[0]} ${COMPREPLY[1]}"
}
"#,
    );
    for (line, _) in LINES {
        let words = line.replace('=', " = ").replace(':', " : ");
        writeln!(script, "try '{line}' {words}").unwrap();
    }
    let found = run(&fake, "bash", &script);
    let expected: Vec<&str> = LINES.iter().map(|(_, line)| *line).collect();
    assert_eq!(found.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn zsh_completes_every_kind_of_word() {
    let Some(fake) = home("zsh") else { return };
    // A shell in a terminal gets the keys; after each Tab, one more key writes down the line.
    let mut script = String::from(
        r#"zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "PATH=${(q)PATH}"
zpty -w shell 'autoload -Uz compinit; compinit -D -u; eval "$(ostler completion zsh)"'
zpty -w shell 'note() { print -r -- "$BUFFER" >> lines; BUFFER= }; zle -N note; bindkey "^Y" note'
try() { zpty -w -n shell "$1"$'\t\x19' }
"#,
    );
    for (line, _) in LINES {
        writeln!(script, "try '{line}'").unwrap();
    }
    script.push_str("zpty -w shell exit\nwhile zpty -r shell text; do :; done\n");
    run(&fake, "zsh", &script);
    let found = fs::read_to_string(fake.home().join("lines")).unwrap();
    let expected: Vec<&str> = LINES.iter().map(|(_, line)| *line).collect();
    assert_eq!(found.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn fish_completes_every_kind_of_word() {
    let Some(fake) = home("fish") else { return };
    let mut script = String::from("ostler completion fish | source\n");
    for (line, _) in LINES {
        // It prints the last word and what it is; a name is quoted only in the line.
        writeln!(script, r#"echo (complete -C '{line}' | string replace -r '\t.*' '')"#).unwrap();
    }
    let found = run(&fake, "fish", &script);
    let expected: Vec<String> =
        LINES.iter().map(|(_, line)| last_word(line).replace('\\', "")).collect();
    assert_eq!(found.lines().collect::<Vec<_>>(), expected);
}

/// Returns the last word of a line in which the blanks of a name are quoted.
fn last_word(line: &str) -> &str {
    let line = line.trim_end();
    let mut blanks = line.match_indices(' ').map(|(at, _)| at);
    let before = blanks.rfind(|at| !line[..*at].ends_with('\\')).unwrap();
    &line[before + 1..]
}

#[test]
fn without_a_daemon_there_are_no_names_and_none_is_started() {
    let sandbox = Sandbox::new(env!("CARGO_BIN_EXE_ostler"));
    sandbox.ostler(["__complete", "words", "scale", ""]).stdout("none\n").run();
    sandbox
        .ostler(["__complete", "words", "ping"])
        .stdout("none\nping\tsee whether the daemon answers; start one if not\n")
        .run();
    assert_eq!(sandbox.daemon_pid(), None);
}

/// The processor's time of children that have ended, in the kernel's ticks of 10 ms.
fn ticks_of_children() -> u64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
    fields[13].parse::<u64>().unwrap() + fields[14].parse::<u64>().unwrap()
}

/// It takes what it computes: on a busy machine it waits for its turn besides, as others do.
#[test]
fn names_of_a_hundred_apps_come_within_ten_milliseconds() {
    const TIMES: u64 = 50;
    let fake =
        Fake::with((0..100).map(|id| crate::fake::process(id, &format!("app-{id}"))).collect());
    let ask = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ostler"));
        command.args(args).env(ostler_env::OSTLER_HOME, fake.home());
        String::from_utf8(command.output().unwrap().stdout).unwrap().lines().count()
    };
    let names = ["__complete", "words", "stop", ""];
    // Where nobody answers soon, there are no names.
    wait_for("all names", LIMIT, || (ask(&names) == 102).then_some(()));
    let before = ticks_of_children();
    for _ in 0..TIMES {
        ask(&names);
    }
    let took = ticks_of_children() - before;
    for _ in 0..TIMES {
        ask(&["--version"]);
    }
    let bare = ticks_of_children() - before - took;
    assert!(took < TIMES.max(3 * bare), "{took} ticks, and {bare} for a command that does nothing");
}
