//! Each command in a hint is understood by our own parser.

use std::ffi::OsString;

use super::super::commands::{Arg, COMMANDS};
use super::super::flags::{FLAGS, Flag, Takes};
use super::super::sample;
use super::*;

/// Returns whether a line is refused; where it is, each command in the hint must be taken.
#[track_caller]
fn is_refused(words: &[String]) -> bool {
    let of = |words: &[String]| parse(words.iter().map(OsString::from), Program::Ostler);
    let Err(misuse) = of(words) else { return false };
    let said = said(&misuse, Program::Ostler, &Typed::new(words.iter().cloned()));
    let hint = said.hint.unwrap_or_else(|| panic!("{words:?}: no hint: {}", said.text));
    for line in commands(&hint) {
        let pasted: Vec<String> = words::all(line).into_iter().skip(1).collect();
        if let Err(misuse) = of(&pasted) {
            panic!("{words:?}: {hint}: {misuse:?}");
        }
    }
    true
}

/// The command with as many arguments as it needs, or with none.
fn line(command: &Command, is_whole: bool) -> Vec<String> {
    let is_needed = |of: &&Arg| is_whole && matches!(of, Arg::Needed(_) | Arg::Many(_));
    let arguments = command.takes.iter().filter(is_needed).map(|_| "4".to_owned());
    [command.name().to_owned()].into_iter().chain(arguments).collect()
}

fn with(line: &[String], more: &[&str]) -> Vec<String> {
    line.iter().cloned().chain(more.iter().map(|&word| word.to_owned())).collect()
}

fn value(flag: &Flag) -> Option<String> {
    match flag.takes {
        Takes::Nothing => None,
        _ => words::all(&sample::of(flag)).into_iter().next(),
    }
}

/// `restart --all` proposed `ostler restart`, which is refused.
#[test]
fn each_command_in_a_hint_about_an_option_of_others_is_taken() {
    let mut seen = 0;
    for command in COMMANDS {
        for flag in FLAGS.iter().filter(|flag| flag.exists(Program::Ostler)) {
            for is_whole in [true, false] {
                let option = format!("--{}", flag.name());
                let value = value(flag);
                let more: Vec<&str> =
                    [option.as_str()].into_iter().chain(value.as_deref()).collect();
                seen += usize::from(is_refused(&with(&line(command, is_whole), &more)));
                if let Some(value) = value {
                    let joined = format!("{option}={value}");
                    is_refused(&with(&line(command, is_whole), &[&joined]));
                }
            }
        }
    }
    assert!(8000 < seen, "{seen}");
}

#[test]
fn each_command_in_a_hint_about_words_is_taken() {
    for command in COMMANDS {
        let whole = line(command, true);
        is_refused(&line(command, false));
        is_refused(&with(&whole, &["5", "6", "7", "8"]));
        is_refused(&with(&whole, &["--zz"]));
        is_refused(&with(&whole, &["--all", "x y"]));
        is_refused(&with(&line(command, false), &["--json", "x y"]));
        let name = command.name();
        for (at, _) in name.char_indices().skip(1) {
            // A slip: a letter is missing.
            let slip = format!("{}{}", &name[..at], &name[at + 1..]);
            is_refused(&with(&[slip], &["api", "it's"]));
        }
    }
}

#[test]
fn each_command_in_a_hint_about_a_value_is_taken() {
    for flag in FLAGS.iter().filter(|flag| flag.exists(Program::Ostler)) {
        let option = format!("--{}", flag.name());
        is_refused(&with(&[], &[&option]));
        for value in ["x", "-1", "-x", "", "two words"] {
            is_refused(&with(&[], &[&option, value]));
            for command in COMMANDS.iter().filter(|command| flag.acts_with(command.id)) {
                let line = line(command, true);
                is_refused(&with(&line, &[&option, value]));
                is_refused(&with(&line, &[&format!("{option}={value}")]));
                is_refused(&with(&line, &[&option]));
            }
        }
        // A slip of an option, behind each command that takes it.
        let slip = format!("--x{}", flag.name());
        for command in COMMANDS.iter().filter(|command| flag.acts_with(command.id)) {
            is_refused(&with(&line(command, true), &[&slip]));
        }
    }
}

/// One of two things that were wrong was put right.
#[test]
fn a_line_in_which_two_things_are_wrong_is_not_proposed_with_one_of_them() {
    let hint = |line: &str| {
        let words = || line.split(' ');
        let misuse = parse(words().map(OsString::from), Program::Ostler).unwrap_err();
        said(&misuse, Program::Ostler, &Typed::new(words().map(str::to_owned))).hint.unwrap()
    };
    assert_eq!(hint("serve --format"), "`ostler help serve` shows what it takes");
    assert_eq!(hint("run a.js --all b"), "`ostler help run` shows what it takes");
    assert_eq!(hint("restart --all"), "`ostler restart all` is about all");
    assert!(hint("logs --lines x").contains("`ostler logs --lines 50`"));
    assert_eq!(
        hint("--lines 4"),
        "`--lines` is for `logs`; write it as in `ostler logs --lines 4`"
    );
    let time = hint("profile:cpu api --time x");
    assert_eq!(time, "`ostler profile:cpu api 5000` looks for 5 seconds");
}
