//! What is said of options that are not understood, or are of other commands.

use super::{own, parsed};
use crate::args::commands::COMMANDS;
use crate::args::flags::{FLAGS, FlagId, Takes};
use crate::args::typed::Typed;
use crate::program::Program;

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

/// `flush --json name` emptied the logs of all apps, of which one was called `name`.
#[test]
fn what_acts_on_everything_without_a_word_takes_none_for_a_field() {
    for command in ["flush", "stop", "restart", "reload", "delete", "start", "reset", "wait"] {
        own(
            &format!("{command} --json name"),
            "`name` was taken as the value of `--json`",
            &format!(
                "`ostler {command} name --json` is about `name`; where it is the value, write \
                 `--json=name`"
            ),
        );
    }
    for line in ["flush --json=name", "flush --json", "flush name --json", "list --json name"] {
        assert!(parsed(line, Program::Ostler).is_ok(), "{line}");
    }
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
        "`ostler start a.js --stop-exit-codes 0`; exit codes are numbers from 0 to 255",
    );
    for flag in FLAGS.iter().filter(|flag| matches!(flag.takes, Takes::Maybe("n"))) {
        for command in COMMANDS.iter().filter(|command| flag.acts_with(command.id)) {
            let line = format!("{} a --{} -1", command.name(), flag.name());
            assert!(parsed(&line, Program::Ostler).is_ok(), "{line}");
        }
    }
}
