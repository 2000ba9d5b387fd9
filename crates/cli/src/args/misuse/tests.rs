//! What is said about command lines that are not understood.

mod options;

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;

use super::super::commands::COMMANDS;
use super::super::parse;
use super::super::parsed::Parsed;
use super::super::typed::Typed;
use super::{Misuse, Said};
use crate::program::Program;

fn parsed(line: &str, program: Program) -> Result<Parsed, Misuse> {
    parse(line.split_whitespace().map(OsString::from), program)
}

#[track_caller]
fn check(program: Program, line: &str, text: &str, hint: Option<&str>) {
    let typed = Typed::new(line.split_whitespace().map(str::to_owned));
    let said = parsed(line, program).unwrap_err().said(program, &typed);
    assert_eq!(said, Said { text: text.to_owned(), hint: hint.map(str::to_owned) }, "{line}");
}

#[track_caller]
fn own(line: &str, text: &str, hint: &str) {
    check(Program::Ostler, line, text, Some(hint).filter(|hint| !hint.is_empty()));
}

#[track_caller]
fn pm2(line: &str, text: &str, hint: &str) {
    check(Program::Pm2, line, text, Some(hint).filter(|hint| !hint.is_empty()));
}

#[test]
fn a_slip_of_the_fingers_is_answered_by_what_was_meant() {
    for (typed, near) in [
        ("relaod", "reload"),
        ("restrat", "restart"),
        ("lits", "list"),
        ("statr", "start"),
        ("lgos", "logs"),
        ("delte", "delete"),
        ("descrbe", "describe"),
        ("LIST", "list"),
        ("reloadlogs", "reloadLogs"),
        ("startorreload", "startOrReload"),
        ("hepl", "help"),
    ] {
        own(
            &format!("{typed} api"),
            &format!("unknown command `{typed}`"),
            &format!("did you mean `ostler {near} api`?"),
        );
    }
    own("version", "unknown command `version`", "did you mean `ostler --version`?");
    for (line, typed, meant) in [
        ("list --sotr name", "--sotr", "sort"),
        ("start a.js --instnaces 2", "--instnaces", "instances"),
        ("logs --nostraem", "--nostraem", "nostream"),
        ("--verison", "--verison", "version"),
    ] {
        let pasted = line.replace(typed, &format!("--{meant}"));
        own(
            line,
            &format!("unknown option `{typed}`"),
            &format!("did you mean `ostler {pasted}`?"),
        );
    }
}

/// The values were dropped, and `-x` alone showed the introduction.
#[test]
fn what_does_nothing_on_a_command_line_is_refused() {
    own("list --watch=x", "`--watch` takes no value", "write `--watch`");
    own("stop api --watch=src", "`--watch` takes no value", "write `--watch`");
    own(
        "-x",
        "`-x` is an option of a command, and no command is given",
        "`--execute-command` is for `start` and `run`; `ostler help start` shows how it is written",
    );
    assert!(parsed("--silent", Program::Ostler).is_ok());
}

#[test]
fn what_is_not_understood_is_named_in_our_words() {
    own("qqqqqq", "unknown command `qqqqqq`", "`ostler help` shows every command");
    own("list --zz", "unknown option `--zz`", "`ostler help list` shows its options");
    own("list -z", "unknown option `-z`", "`ostler help list` shows its options");
    own("--zz value list", "unknown option `--zz`", "`ostler help` shows every command");
    own("logs --lines", "`--lines` needs a value", "write it as in `ostler logs --lines 50`");
    own("list --silent=1", "`--silent` takes no value", "write `--silent`");
    own(
        "start a --stop-exit-codes x",
        "`x` is not an exit code, which `--stop-exit-codes` needs",
        "`ostler start a --stop-exit-codes 0`; exit codes are numbers from 0 to 255",
    );
    own(
        "describe",
        "`describe` needs `<name|id>...`",
        "write it as in `ostler describe api`; `ostler help describe` shows what it takes",
    );
    own("scale web", "`scale` needs `<number>`", "write it as in `ostler scale web 4`");
    own(
        "scale",
        "`scale` needs `<name>`",
        "write it as in `ostler scale api 4`; `ostler help scale` shows what it takes",
    );
    own(
        "sendSignal SIGHUP",
        "`sendSignal` needs `<id|name>`",
        "write it as in `ostler sendSignal SIGHUP api`",
    );
    own(
        "ping xx",
        "`ping` takes no argument, but there is `xx`",
        "write it as in `ostler ping`; `ostler help ping` shows what it takes",
    );
    own(
        "promote web api",
        "`promote` does not take so many arguments: `api`",
        "write it as in `ostler promote api`; `ostler help promote` shows what it takes",
    );
    assert!(parsed("stop -h", Program::Ostler).is_ok());
    assert!(parsed("help stop", Program::Ostler).is_ok());
    own("help a b", "unknown command `a`", "`ostler help` shows every command");
    own(
        "help stop b",
        "`help` does not take so many arguments: `b`",
        "write it as in `ostler help`; `ostler help help` shows what it takes",
    );
}

#[test]
fn a_hint_is_no_redirection_of_a_shell() {
    for command in COMMANDS.iter().filter(|command| !command.takes.is_empty()) {
        for line in [command.name().to_owned(), format!("{} a b c d e", command.name())] {
            let Err(misuse) = parsed(&line, Program::Ostler) else { continue };
            let hint = misuse.said(Program::Ostler, &Typed::default()).hint.unwrap();
            assert!(!hint.contains(['<', '>']), "{line}: {hint}");
        }
    }
}

#[test]
fn what_may_be_typed_is_always_said() {
    let name = OsString::from_vec(b"a\xff".to_vec());
    let misuse = parse(["stop".into(), name], Program::Ostler).unwrap_err();
    assert!(
        misuse
            .said(Program::Ostler, &Typed::default())
            .hint
            .is_some_and(|hint| hint.contains("by its id"))
    );
}

#[test]
fn a_limit_that_stands_apart_from_its_option_starts_nothing() {
    for (line, value) in [("start app.js --wait 5s", "5s"), ("reload api --wait 500ms", "500ms")] {
        own(
            line,
            &format!("`{value}` would be an argument of its own, and not the value of `--wait`"),
            &format!("write `--wait={value}`"),
        );
    }
    assert!(parsed("restart --wait 5 api", Program::Ostler).is_ok());
    assert!(parsed("reload --wait 5s", Program::Pm2).is_ok());
}

#[test]
fn what_two_dashes_end_are_the_options_where_there_is_no_app_to_give_arguments_to() {
    for (line, words) in [
        ("describe -- -x", &["-x"][..]),
        ("stop -- -x --watch", &["-x", "--watch"]),
        ("list api -- -x", &["api", "-x"]),
        ("restart -- -x", &["-x"]),
    ] {
        let parsed = parsed(line, Program::Ostler).unwrap();
        assert_eq!(
            (parsed.words, parsed.rest),
            (words.iter().map(|of| (*of).into()).collect(), None)
        );
    }
    let start = parsed("start -- --port 80", Program::Ostler).unwrap();
    assert_eq!((start.words.len(), start.rest.unwrap().len()), (0, 2));
    let reload = parsed("reload -- -x --port", Program::Ostler).unwrap();
    assert_eq!((reload.word(), reload.rest.clone()), ("-x", Some(vec!["--port".to_owned()])));
    let pm2 = parsed("restart api -- -x", Program::Pm2).unwrap();
    assert_eq!((pm2.word(), pm2.rest.clone()), ("api", Some(vec!["-x".to_owned()])));
}

#[test]
fn a_value_that_is_no_number_is_refused_before_anything_is_asked() {
    own(
        "logs --lines abc",
        "`--lines` needs a number, but is `abc`",
        "write a number, as in `ostler logs --lines 50`",
    );
    own(
        "stop all --parallel -2",
        "`--parallel` must be at least 1, but is -2",
        "write a number, as in `ostler stop all --parallel 4`",
    );
    own(
        "stop all --parallel 0",
        "`--parallel` must be at least 1, but is 0",
        "write a number, as in `ostler stop all --parallel 4`",
    );
    // It was accepted, and there was one more all the same.
    own(
        "reload web --surge 0",
        "`--surge` must be at least 1, but is 0",
        "write a number, as in `ostler reload web --surge 4`",
    );
    own(
        "reload web --surge 1.5",
        "`--surge` needs a number, but is `1.5`",
        "write a number, as in `ostler reload web --surge 4`",
    );
    own(
        "logs --lines -1",
        "`--lines` must be at least 0, but is -1",
        "write a number, as in `ostler logs --lines 50`",
    );
    for line in ["logs --lines 0", "reload web --surge 1 --parallel 1"] {
        assert!(parsed(line, Program::Ostler).is_ok(), "{line}");
    }
    assert!(parsed("logs --lines abc", Program::Pm2).is_ok());
}

#[test]
fn what_other_tools_call_otherwise_leads_to_our_command() {
    for (line, pasted) in [
        ("rm api", "delete api"),
        ("up", "start"),
        ("down api", "stop api"),
        ("top", "monit"),
        ("tail api", "logs api"),
    ] {
        let text = format!("unknown command `{}`", line.split(' ').next().unwrap());
        own(line, &text, &format!("did you mean `ostler {pasted}`?"));
    }
    for line in ["ps", "ls"] {
        assert_eq!(parsed(line, Program::Ostler).unwrap().command.unwrap().name(), "list");
    }
    pm2("rm api", "Command not found", "");
}

#[test]
fn what_pm2_has_and_is_not_there_says_what_it_is_and_what_to_use() {
    own(
        "create",
        "there is no `create`: a folder of examples from the network",
        "`ostler init` writes a process file to begin with",
    );
    own(
        "serve . 8080 --ftp",
        "there is no `--ftp`: `serve` lists no folders, whose names may not be for everybody",
        "leave it out, and link the files on a page",
    );
    own(
        "link a b",
        "there is no `link`: a service of PM2's vendor",
        "nothing is sent to anybody; `ostler jlist` prints what a program may read",
    );
    own(
        "help create",
        "there is no `create`: a folder of examples from the network",
        "`ostler init` writes a process file to begin with",
    );
    own("start a.js --write", "no `--write` yet: no process file is written", "write it by hand");
    for line in ["logs --watch", "describe api --watch"] {
        let said =
            parsed(line, Program::Ostler).unwrap_err().said(Program::Ostler, &Typed::default());
        assert!(said.text.ends_with("does not take `--watch`"), "{}", said.text);
    }
}

#[test]
fn under_the_name_pm2_the_words_are_pm2s() {
    pm2("lits", "Command not found", "did you mean `pm2 list`?");
    pm2("qqqqqq", "Command not found", "");
    pm2("help", "Command not found", "");
    pm2("list --zz", "unknown option `--zz'", "");
    pm2("list --sor=x", "unknown option `--sor'", "did you mean `--sort`?");
    pm2("list --raw", "unknown option `--raw'", "`--raw` belongs to `logs`");
    pm2("list --verbose", "unknown option `--verbose'", "");
    pm2("logs --lines", "option `--lines <n>' argument missing", "");
    pm2("list --silent=1", "option `--silent' takes no argument", "");
    pm2(
        "start a --stop-exit-codes x",
        "option `--stop-exit-codes <codes...>': `x` is no exit code",
        "they are numbers from 0 to 255",
    );
    pm2(
        "stop",
        "missing required argument `id|name|namespace|all|json|stdin'",
        "usage: pm2 stop <id|name|namespace|all|json|stdin...>",
    );
    pm2("scale web", "missing required argument `number'", "usage: pm2 scale <app_name> <number>");
    pm2("kill xx", "Unknown command argument: xx", "`pm2 kill` takes no such argument");
    pm2("create", "`create` is not there", "`pm2 init` writes a process file to begin with");
    pm2("link a b", "`link` belongs to PM2's vendor and is not there", "");
    pm2("start a.js --web", "unknown option `--web'", "");
    // Every option of PM2 with every command, and words too many.
    for line in ["list --name x", "ping xx", "reload web api -i 2", "kill --watch", "list -- x"] {
        assert!(parsed(line, Program::Pm2).is_ok(), "{line}");
    }
}
