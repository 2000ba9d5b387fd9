//! What is said about command lines that are not understood.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;

use super::super::commands::COMMANDS;
use super::super::flags::{FLAGS, FlagId, Takes};
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
    own(
        "env 0 --json PORT",
        "`--json` takes no value with `env`, and `PORT` is one argument too many",
        "write it as in `ostler env 0`; `ostler help env` shows what it takes",
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
        "exit codes are numbers from 0 to 255",
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
fn an_option_that_is_no_slip_of_another_is_not_taken_for_one() {
    own("wait api --foo", "unknown option `--foo`", "`ostler help wait` shows its options");
    own(
        "start a.js --evn x",
        "unknown option `--evn`",
        "did you mean `ostler start a.js --env x`?",
    );
    own(
        "start a.js --wiat=5s",
        "unknown option `--wiat`",
        "did you mean `ostler start a.js --wait=5s`?",
    );
}

#[test]
fn an_option_that_only_others_take_is_found_behind_a_slip_too() {
    let hint = |line: &str| {
        let misuse = parsed(line, Program::Ostler).unwrap_err();
        let typed = Typed::new(line.split(' ').map(str::to_owned));
        misuse.said(Program::Ostler, &typed).hint.unwrap_or_default()
    };
    let said = hint("stop api --surgee 2");
    assert_eq!(said, "did you mean `--surge`? It is for `reload` and `startOrReload`");
    assert_eq!(hint("restart api --wacth"), "did you mean `ostler restart api --watch`?");
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
fn an_argument_behind_an_option_that_needs_no_value_is_an_argument() {
    for line in ["list --watch api", "logs --timestamp api"] {
        let parsed = parsed(line, Program::Ostler).unwrap();
        assert_eq!(parsed.words, ["api"], "{line}");
    }
    let dated = parsed("logs --timestamp HH:mm api", Program::Ostler).unwrap();
    assert_eq!((dated.value(FlagId::Timestamp), dated.word()), (Some("HH:mm"), "api"));
}

#[test]
fn an_app_that_was_taken_as_the_value_of_an_option_is_not_lost() {
    own(
        "start --watch idle.js",
        "`idle.js` was taken as the value of `--watch`",
        "`ostler start idle.js --watch` is about `idle.js`; where it is the value, write \
         `--watch=idle.js`",
    );
    for line in ["start --watch=src", "start --watch src app.js", "start --watch"] {
        assert!(parsed(line, Program::Ostler).is_ok(), "{line}");
    }
    assert!(parsed("start --watch idle.js", Program::Pm2).is_ok());
}

#[test]
fn a_value_that_is_no_number_is_refused_before_anything_is_asked() {
    own(
        "logs --lines abc",
        "`--lines` needs a number, but is `abc`",
        "write a number, as in `--lines 4`",
    );
    own(
        "stop all --parallel -2",
        "`--parallel` must be at least 1, but is -2",
        "write a number, as in `--parallel 4`",
    );
    own(
        "stop all --parallel 0",
        "`--parallel` must be at least 1, but is 0",
        "write a number, as in `--parallel 4`",
    );
    // It was accepted, and there was one more all the same.
    own(
        "reload web --surge 0",
        "`--surge` must be at least 1, but is 0",
        "write a number, as in `--surge 4`",
    );
    own(
        "reload web --surge 1.5",
        "`--surge` needs a number, but is `1.5`",
        "write a number, as in `--surge 4`",
    );
    own(
        "logs --lines -1",
        "`--lines` must be at least 0, but is -1",
        "write a number, as in `--lines 4`",
    );
    for line in ["logs --lines 0", "reload web --surge 1 --parallel 1"] {
        assert!(parsed(line, Program::Ostler).is_ok(), "{line}");
    }
    assert!(parsed("logs --lines abc", Program::Pm2).is_ok());
}

#[test]
fn an_option_that_a_command_does_not_act_on_is_refused_with_those_that_do() {
    own(
        "list --raw",
        "`list` does not take `--raw`",
        "`ostler list` does without; `--raw` is for `run` and `logs`",
    );
    own(
        "stop web -f",
        "`stop` does not take `-f`",
        "`ostler stop web` does without; `--force` is for `start`, `serve`, `deploy`, `save` and \
         `link-pm2`",
    );
    own(
        "kill --name x",
        "`kill` does not take `--name`",
        "`ostler kill` does without; `--name` is for `start`, `run`, `serve`, `restart` and \
         `reload`",
    );
    own("list --verbose", "`list` does not take `--verbose`", "write `ostler --version --verbose`");
    own(
        "restart web -i 4",
        "`restart` does not take `-i`",
        "`ostler scale web 4` changes how many processes there are",
    );
    own(
        "start --verbose",
        "`start` does not take `--verbose`",
        "write `ostler --version --verbose`",
    );
    own(
        "unstartup --wait-ip",
        "`unstartup` does not take `--wait-ip`",
        "`ostler unstartup` does without; `--wait-ip` is for `startup`",
    );
    for line in ["--version --verbose", "list --watch", "startup -u web", "save -f"] {
        assert!(parsed(line, Program::Ostler).is_ok(), "{line}");
    }
}

/// They were lists of up to 19 commands, and nothing to paste.
#[test]
fn where_many_commands_take_an_option_the_line_without_it_comes_first() {
    own(
        "flush api --progress=json",
        "`flush` does not take `--progress`",
        "`ostler flush api` does without; `--progress` is for `start`, `stop`, `restart` and 11 \
         more",
    );
    own(
        "flush 'a --lines 5",
        "`flush` does not take `--lines`",
        "`ostler flush ''\\''a'` does without; `--lines` is for `logs`",
    );
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

/// `list` was taken for the fields, and then there was no command.
#[test]
fn an_option_before_the_command_does_not_swallow_it() {
    let of = |line: &str| parsed(line, Program::Ostler).unwrap();
    for line in ["--json list", "--json list api", "--json env 0", "--json ping"] {
        let name = line.split(' ').nth(1).unwrap();
        assert_eq!(of(line).command.unwrap().name(), name, "{line}");
    }
    assert_eq!(of("--json list api").words, ["api"]);
    assert_eq!(of("--json name,pid list").value(FlagId::Fields), Some("name,pid"));
    // `strat` may be a slip of the command: nothing is deleted.
    own(
        "--json delete strat",
        "`delete` was taken as the value of `--json`",
        "write the command first: `ostler delete strat --json`",
    );
    assert!(parsed("--watch stop strat a.js", Program::Ostler).is_err());
}

#[test]
fn a_number_below_zero_is_a_value_and_not_an_option() {
    let of = |line: &str| parsed(line, Program::Ostler).unwrap();
    assert_eq!(of("start a.js --max-restarts -1").attribute("max-restarts"), Some("-1"));
    assert_eq!(of("web -1").words, ["-1"]);
    assert_eq!(of("serve . -1").words, [".", "-1"]);
    own(
        "start a.js --stop-exit-codes -1",
        "`-1` is not an exit code, which `--stop-exit-codes` needs",
        "exit codes are numbers from 0 to 255",
    );
    for flag in FLAGS.iter().filter(|flag| matches!(flag.takes, Takes::Maybe("n"))) {
        for command in COMMANDS.iter().filter(|command| flag.acts_with(command.id)) {
            let line = format!("{} a --{} -1", command.name(), flag.name());
            assert!(parsed(&line, Program::Ostler).is_ok(), "{line}");
        }
    }
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
