//! The parser: options stand before or after the command, and everything after `--` belongs
//! to the app.

use std::ffi::OsString;

use lexopt::Arg as Word;

use super::absent;
use super::commands::{Arg, COMMANDS, Command, CommandId};
use super::flags::{FLAGS, Flag, FlagId, Takes};
use super::misuse::Misuse;
use super::parsed::Parsed;
use super::suggest;

/// Parses the words after the program's name.
///
/// # Errors
/// The first thing that is not understood.
pub(crate) fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Parsed, Misuse> {
    let mut words: Vec<OsString> = words.into_iter().collect();
    let rest = split_rest(&mut words)?;
    let mut parsed = Parsed { command: None, words: Vec::new(), given: Vec::new(), rest };
    let mut options: Vec<(&'static Flag, String)> = Vec::new();
    let mut unknown = None;
    let mut parser = lexopt::Parser::from_args(words);
    loop {
        if let Some(number) = negative_number(&mut parser, parsed.command) {
            parsed.words.push(number);
            continue;
        }
        match parser.next().map_err(|error| misuse_of(&error))? {
            None => break,
            Some(Word::Value(word)) => {
                let word = text(word)?;
                match parsed.command {
                    None => parsed.command = Some(find_command(word)?),
                    Some(_) => parsed.words.push(word),
                }
            }
            Some(option) => {
                let shown = match &option {
                    Word::Short(c) => format!("-{c}"),
                    Word::Long(name) => format!("--{name}"),
                    Word::Value(_) => String::new(),
                };
                match find_flag(&option) {
                    Some(flag) => {
                        take_values(flag, &mut parser, &mut parsed.given)?;
                        options.push((flag, shown));
                    }
                    None => {
                        // A value that hangs on it (`--x=1`) must be taken away, or the parser
                        // complains about that.
                        let _ = parser.optional_value();
                        unknown.get_or_insert(shown);
                    }
                }
            }
        }
    }
    if parsed.command.is_some_and(|command| command.id == CommandId::Scale) {
        // `scale web -- -1` was the way around PM2's reading of `-1` as an option; there is no app
        // to give arguments to.
        parsed.words.extend(parsed.rest.take().unwrap_or_default());
    }
    check(parsed, &options, unknown)
}

fn text(word: OsString) -> Result<String, Misuse> {
    word.into_string().map_err(|word| Misuse::NotText(word.to_string_lossy().into_owned()))
}

/// Takes `--` and what follows off the words.
fn split_rest(words: &mut Vec<OsString>) -> Result<Option<Vec<String>>, Misuse> {
    let Some(at) = words.iter().position(|word| word == "--") else { return Ok(None) };
    words.split_off(at).into_iter().skip(1).map(text).collect::<Result<Vec<_>, _>>().map(Some)
}

fn find_command(name: String) -> Result<&'static Command, Misuse> {
    Command::find(&name).ok_or_else(|| {
        if let Some(absent) = absent::misuse(&name) {
            return absent;
        }
        let near = suggest::nearest(
            &name,
            COMMANDS.iter().flat_map(|command| command.names.iter().copied()),
        );
        Misuse::Command { name, near }
    })
}

fn find_flag(option: &Word<'_>) -> Option<&'static Flag> {
    FLAGS.iter().find(|flag| match option {
        Word::Short('V') => flag.id == FlagId::Version,
        Word::Short(c) => flag.short == Some(*c),
        Word::Long(name) => flag.long.contains(name),
        Word::Value(_) => false,
    })
}

/// `-1` is an option to the parser, but a number to `scale`.
fn negative_number(parser: &mut lexopt::Parser, command: Option<&Command>) -> Option<String> {
    if command?.id != CommandId::Scale {
        return None;
    }
    let is_number = |word: &str| {
        word.strip_prefix('-')
            .is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
    };
    let word = parser.try_raw_args()?.next_if(|word| word.to_str().is_some_and(is_number))?;
    word.into_string().ok()
}

fn take_values(
    flag: &'static Flag,
    parser: &mut lexopt::Parser,
    given: &mut Vec<(FlagId, Option<String>)>,
) -> Result<(), Misuse> {
    let missing = || Misuse::Value { option: flag.long_shown(), unexpected: false };
    match flag.takes {
        Takes::Nothing => match parser.optional_value() {
            Some(_) => return Err(Misuse::Value { option: flag.long_shown(), unexpected: true }),
            None => given.push((flag.id, None)),
        },
        Takes::One(_) => {
            let value = parser.value().map_err(|_| missing())?;
            given.push((flag.id, Some(text(value)?)));
        }
        Takes::Maybe(_) => {
            let value = match parser.optional_value() {
                Some(value) => Some(value),
                None => next_word(parser, |word| !word.starts_with('-')),
            };
            given.push((flag.id, value.map(text).transpose()?));
        }
        Takes::Joined(_) => {
            given.push((flag.id, parser.optional_value().map(text).transpose()?));
        }
        Takes::Numbers(_) => {
            let mut values: Vec<OsString> = parser.optional_value().into_iter().collect();
            let numeric = |word: &str| {
                !word.is_empty() && word.chars().all(|c| c.is_ascii_digit() || c == ',' || c == ' ')
            };
            while let Some(value) = next_word(parser, numeric) {
                values.push(value);
            }
            if values.is_empty() {
                let given = next_word(parser, |word| !word.starts_with('-'));
                return Err(match given.map(text).transpose()? {
                    Some(value) => Misuse::ExitCode { option: flag.long_shown(), value },
                    None => missing(),
                });
            }
            for value in values {
                given.push((flag.id, Some(text(value)?)));
            }
        }
    }
    Ok(())
}

fn next_word(parser: &mut lexopt::Parser, wanted: impl Fn(&str) -> bool) -> Option<OsString> {
    parser.try_raw_args()?.next_if(|word| word.to_str().is_some_and(&wanted))
}

fn misuse_of(error: &lexopt::Error) -> Misuse {
    match error {
        lexopt::Error::UnexpectedValue { option, .. } => {
            Misuse::Value { option: option.clone(), unexpected: true }
        }
        other => Misuse::NotText(other.to_string()),
    }
}

/// Whether options and arguments belong to the command.
fn check(
    parsed: Parsed,
    options: &[(&'static Flag, String)],
    unknown: Option<String>,
) -> Result<Parsed, Misuse> {
    if let Some(name) = unknown {
        let near = suggest::nearest(
            name.trim_start_matches('-'),
            FLAGS.iter().flat_map(|flag| flag.long.iter().copied()),
        );
        let hint =
            near.filter(|_| name.starts_with("--")).map(|near| format!("did you mean `--{near}`?"));
        return Err(Misuse::Option { name, hint });
    }
    if parsed.has(FlagId::Help) || parsed.has(FlagId::Version) {
        return Ok(parsed);
    }
    let Some(command) = parsed.command else { return Ok(parsed) };
    if let Some((flag, name)) = options.iter().find(|(flag, _)| !flag.fits(command.id)) {
        let with: Vec<&str> =
            COMMANDS.iter().filter(|command| flag.fits(command.id)).map(Command::name).collect();
        let hint = Some(format!("`--{}` belongs to `{}`", flag.name(), with.join("`, `")));
        return Err(Misuse::Option { name: name.clone(), hint });
    }
    let mut most = 0;
    for (at, arg) in command.takes.iter().enumerate() {
        match arg {
            Arg::Needed(argument) | Arg::Many(argument) if parsed.words.len() <= at => {
                return Err(Misuse::Missing { argument, usage: command.usage() });
            }
            Arg::Needed(_) | Arg::Maybe(_) => most += 1,
            Arg::Many(_) | Arg::Any(_) => most = usize::MAX,
        }
    }
    // As PM2: elsewhere a word too many is not worth a refusal.
    let strict = matches!(
        command.id,
        CommandId::Save
            | CommandId::Cleardump
            | CommandId::Resurrect
            | CommandId::Kill
            | CommandId::Prettylist
    );
    match parsed.words.get(most.min(parsed.words.len())) {
        Some(word) if strict => Err(Misuse::Extra { word: word.clone(), command: command.name() }),
        Some(_) | None => Ok(parsed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &str) -> Result<Parsed, Misuse> {
        parse(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn options_stand_anywhere_and_the_rest_is_the_apps() {
        let parsed =
            of("-n web start -i -1 app.js -l --max-memory-restart=1G -- -v --x -- y").unwrap();
        assert_eq!((parsed.command.unwrap().id, parsed.word()), (CommandId::Start, "app.js"));
        assert_eq!(
            (parsed.attribute("name"), parsed.attribute("instances")),
            (Some("web"), Some("-1"))
        );
        assert_eq!((parsed.has_attribute("log"), parsed.attribute("log")), (true, None));
        assert_eq!(parsed.attribute("max-memory-restart"), Some("1G"));
        assert_eq!(parsed.rest.unwrap(), ["-v", "--x", "--", "y"]);
    }

    #[test]
    fn optional_values_and_lists_of_numbers_stop_at_the_next_option() {
        let parsed = of("start a.js --watch src --watch --stop-exit-codes 1 2 b.js").unwrap();
        let given: Vec<_> = parsed.given.iter().map(|(_, value)| value.as_deref()).collect();
        assert_eq!(given, [Some("src"), None, Some("1"), Some("2")]);
        assert_eq!(parsed.words, ["a.js", "b.js"]);
    }

    #[test]
    fn scale_takes_a_negative_number() {
        assert_eq!(of("scale web -1").unwrap().words, ["web", "-1"]);
        assert_eq!(of("scale web -- -1").unwrap().words, ["web", "-1"]);
        assert_eq!(of("scale web +2").unwrap().words, ["web", "+2"]);
    }

    #[test]
    fn what_is_not_understood_is_named() {
        let check = |line: &str, text: &str, hint: Option<&str>| {
            let misuse = of(line).unwrap_err();
            assert_eq!(
                (misuse.text().as_str(), misuse.hint("ostler").as_deref()),
                (text, hint),
                "{line}"
            );
        };
        check("lits", "Command not found", Some("did you mean `ostler list`?"));
        check("qqqqqq", "Command not found", None);
        check("list --zz", "unknown option `--zz'", None);
        check("list --sor=x", "unknown option `--sor'", Some("did you mean `--sort`?"));
        check("list -z", "unknown option `-z'", None);
        check("list --raw", "unknown option `--raw'", Some("`--raw` belongs to `logs`"));
        check("logs --lines", "option `--lines <n>' argument missing", None);
        check(
            "start a --stop-exit-codes x",
            "option `--stop-exit-codes <codes...>': `x` is no exit code",
            Some("they are numbers from 0 to 255"),
        );
        check(
            "start a --stop-exit-codes --watch",
            "option `--stop-exit-codes <codes...>' argument missing",
            None,
        );
        check("list --silent=1", "option `--silent' takes no argument", None);
        check(
            "stop",
            "missing required argument `id|name|namespace|all|json|stdin'",
            Some("usage: ostler stop <id|name|namespace|all|json|stdin...>"),
        );
        check(
            "scale web",
            "missing required argument `number'",
            Some("usage: ostler scale <app_name> <number>"),
        );
        check(
            "kill xx",
            "Unknown command argument: xx",
            Some("`ostler kill` takes no such argument"),
        );
        assert!(of("ping xx").is_ok());
        assert!(of("stop -h").is_ok());
    }

    #[test]
    fn no_name_is_there_twice() {
        let mut names: Vec<&str> =
            FLAGS.iter().flat_map(|flag| flag.long.iter().copied()).collect();
        let mut shorts: Vec<char> = FLAGS.iter().filter_map(|flag| flag.short).collect();
        let mut commands: Vec<&str> =
            COMMANDS.iter().flat_map(|command| command.names.iter().copied()).collect();
        let before = (names.len(), shorts.len(), commands.len());
        names.sort_unstable();
        names.dedup();
        shorts.sort_unstable();
        shorts.dedup();
        commands.sort_unstable();
        commands.dedup();
        assert_eq!((names.len(), shorts.len(), commands.len()), before);
    }
}
