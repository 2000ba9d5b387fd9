//! A value for each option that needs one, as a shell reads it: for hints that can be pasted.

use ostler_config::attributes::attributes;
use serde_json::Value;

use super::flags::{FLAGS, Flag, FlagId, Takes};

/// Returns a value that the option of this name takes, as it is.
pub(crate) fn of_name(name: &str) -> Option<String> {
    let flag = FLAGS.iter().find(|flag| flag.long.contains(&name))?;
    Some(bare(flag)).filter(|value| !value.is_empty())
}

/// Returns a value that the option takes.
pub(super) fn of(flag: &Flag) -> String {
    let value = bare(flag);
    // A variable of the shell is one.
    if value.is_empty() || value.starts_with('$') {
        return value;
    }
    ostler_shell::word(&value).into_owned()
}

fn bare(flag: &Flag) -> String {
    let (Takes::One(what) | Takes::Numbers(what) | Takes::Maybe(what) | Takes::Joined(what)) =
        flag.takes
    else {
        return String::new();
    };
    let of_attribute = match flag.id {
        // A file has milliseconds, the option seconds.
        FlagId::Attribute(_) if flag.long.contains(&"watch-delay") => Some("500ms".to_owned()),
        FlagId::Attribute(_) if flag.long.contains(&"ready-log") => Some("listening on".to_owned()),
        FlagId::Attribute(own) => {
            let attribute = attributes().find(|of| of.flags.contains(own));
            attribute.and_then(|attribute| plain(&serde_json::from_str(attribute.example).ok()?))
        }
        _ => None,
    };
    of_attribute.unwrap_or_else(|| of_own(flag, what).to_owned())
}

/// An example of the table of attributes, where it is written so on a command line.
fn plain(example: &Value) -> Option<String> {
    match example {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Array(all) => all.first().and_then(plain),
        Value::Null | Value::Bool(_) | Value::Object(_) => None,
    }
}

/// A value by what the help calls it.
fn of_own(flag: &Flag, what: &'static str) -> &'static str {
    match (flag.id, what) {
        (FlagId::Host, _) => "127.0.0.1",
        (FlagId::Env, _) => "production",
        (FlagId::Lines, _) => "50",
        (FlagId::Otlp, _) => "http://127.0.0.1:4318/v1/metrics",
        (_, "n") => "4",
        (_, "seconds") => "5",
        (_, "name" | "names" | "app") => "api",
        (_, "path" | "dir") => "some/path",
        (_, "port") => "8080",
        (_, "port|any") => "3000",
        (_, "command") => "curl -fsS http://localhost:3000/",
        (_, "hosts") => "web1,web2",
        (_, "address") => "unix:/dev/log",
        (_, "url") => "http://localhost:8080/health",
        (_, "field[:desc]") => "cpu:desc",
        (_, "template") => "{name} {pid}",
        (_, "how") => "plain",
        (_, "time") => "10m",
        (_, "limit") => "30s",
        (_, "level") => "warn",
        (_, "event") => "ready",
        (_, "regexp") => "error",
        (_, "cursor") => "$cursor",
        (_, "run|now") => "now",
        (_, "text") => "error",
        (_, what) => what,
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::super::commands::{Arg, COMMANDS, Command};
    use super::super::flags::FLAGS;
    use super::super::parse;
    use super::super::typed::Typed;
    use crate::program::Program;

    use super::*;

    /// What is said about a line, whose words have no blanks.
    fn said(line: &str) -> (String, String) {
        let words = || line.split(' ');
        let misuse = parse(words().map(OsString::from), Program::Ostler).unwrap_err();
        let said = misuse.said(Program::Ostler, &Typed::new(words().map(str::to_owned)));
        (said.text, said.hint.unwrap())
    }

    /// The words of a line in a hint, as a shell reads them; none has an escaped quote.
    fn words(line: &str) -> Vec<String> {
        let (mut all, mut word, mut quoted) = (Vec::new(), String::new(), false);
        for c in line.chars() {
            match c {
                '\'' => quoted = !quoted,
                ' ' if !quoted => all.push(std::mem::take(&mut word)),
                c => word.push(c),
            }
        }
        all.push(word);
        all
    }

    /// It was `write --instances <n>`: to a shell that is a file.
    #[test]
    fn an_option_without_its_value_is_shown_with_one_in_a_line_that_is_taken() {
        let needs = |flag: &&Flag| matches!(flag.takes, Takes::One(_) | Takes::Numbers(_));
        let mut seen = 0;
        for flag in FLAGS.iter().filter(needs) {
            let takes = |command: &&Command| flag.acts_with(command.id);
            let Some(command) = COMMANDS.iter().find(takes) else { continue };
            let is_needed = |of: &&Arg| matches!(of, Arg::Needed(_) | Arg::Many(_));
            // As many arguments as it needs.
            let arguments = command.takes.iter().filter(is_needed).map(|_| " 4");
            let line = format!("{}{}", command.name(), arguments.collect::<String>());
            let longs = flag.long.iter().map(|long| format!("--{long}"));
            for name in longs.chain(flag.short.map(|short| format!("-{short}"))) {
                let (text, hint) = said(&format!("{line} {name}"));
                assert_eq!(text, format!("`{name}` needs a value"));
                let pasted = hint.strip_prefix("write it as in `ostler ").unwrap();
                let pasted = words(pasted.strip_suffix('`').unwrap());
                let parsed = parse(pasted.iter().map(OsString::from), Program::Ostler);
                let parsed = parsed.unwrap_or_else(|misuse| panic!("{hint}: {misuse:?}"));
                let (_, value) = parsed.given.last().unwrap();
                assert_eq!(value.as_ref(), pasted.last(), "{hint}");
                seen += 1;
            }
        }
        assert!(60 < seen, "{seen}");
    }

    #[test]
    fn the_value_comes_where_it_is_missing() {
        let hint = |line: &str| said(line).1;
        assert_eq!(hint("start app.js -i"), "write it as in `ostler start app.js -i 4`");
        let line = "start app.js --stop-exit-codes --wait";
        let meant = "write it as in `ostler start app.js --stop-exit-codes 0 --wait`";
        assert_eq!(hint(line), meant);
        assert_eq!(
            hint("start app.js -n -- -n"),
            "write it as in `ostler start app.js -n api -- -n`"
        );
        assert_eq!(hint("logs api --grep"), "write it as in `ostler logs api --grep error`");
        assert_eq!(hint("-i"), "write it as in `--instances 4`");
    }

    /// `--name -i 4` was an app called `-i`, which no command took by that name.
    #[test]
    fn what_looks_like_an_option_is_no_name_unless_it_is_joined_to_it() {
        let (text, hint) = said("start app.js --name -i 4");
        assert_eq!(text, "`--name` needs a value, and `-i` looks like an option");
        let meant = "where that is the name, write `ostler start app.js --name=-i 4`; commands \
                     then take it as `ostler stop -- -i`";
        assert_eq!(hint, meant);
        assert!(said("start app.js --namespace --wait").0.contains("looks like an option"));
        let taken = |line: &str, program| {
            let parsed = parse(line.split(' ').map(OsString::from), program).unwrap();
            parsed.attribute("name").map(str::to_owned)
        };
        assert_eq!(taken("start app.js --name=-x", Program::Ostler).as_deref(), Some("-x"));
        assert_eq!(taken("start app.js --name -x", Program::Pm2).as_deref(), Some("-x"));
    }
}
