//! The parser: options stand before or after the command, and everything after `--` belongs
//! to the app.

use std::ffi::OsString;

use lexopt::Arg as Word;

use super::commands::{Arg, Command, CommandId, Group};
use super::flags::{FLAGS, Flag, FlagId, Takes};
use super::misuse::Misuse;
use super::of_pm2::{ignore_vain, of_runtime};
use super::parsed::Parsed;
use super::tail::{self, Begin};
use super::take::{negative_number, refuse_apart, take_values, text};
use super::unknown::{Written, find_command};
use crate::program::Program;

/// Parses the words after the program's name.
///
/// # Errors
/// The first thing that is not understood.
pub(crate) fn parse(
    words: impl IntoIterator<Item = OsString>,
    program: Program,
) -> Result<Parsed, Misuse> {
    parse_for(None, words, program)
}

/// Parses the words after `pm2-runtime`; options that it does not know are ignored, and warned of.
///
/// # Errors
/// The first thing that is not understood.
pub(crate) fn parse_runtime(words: impl IntoIterator<Item = OsString>) -> Result<Parsed, Misuse> {
    parse_for(Command::run(), words, Program::Pm2)
}

/// Parses words; `command` is known from the name of the program, if it is.
fn parse_for(
    command: Option<&'static Command>,
    words: impl IntoIterator<Item = OsString>,
    program: Program,
) -> Result<Parsed, Misuse> {
    let words: Vec<OsString> = words.into_iter().collect();
    let parsed = parse_whole(command, words.clone(), program);
    let is_option = |word: &OsString| word.as_encoded_bytes().starts_with(b"-");
    if command.is_some() || program == Program::Pm2 || !words.first().is_some_and(is_option) {
        return parsed;
    }
    match parsed {
        Ok(parsed) => Ok(parsed),
        Err(misuse) => options_first(&words, &misuse).unwrap_or(Err(misuse)),
    }
}

/// Parses a line that begins with options, where the first that is the name of a command is one,
/// and not the value of the option before it: `--json list`.
///
/// Where another word stands in the place of the command, which may be a slip of one, only what
/// shows something is done.
fn options_first(words: &[OsString], misuse: &Misuse) -> Option<Result<Parsed, Misuse>> {
    let before = words.iter().take_while(|word| *word != "--");
    let is_command = |word: &OsString| {
        word.to_str().is_some_and(|word| Command::find(word, Program::Ostler).is_some())
    };
    let places = before.enumerate().filter(|(_, word)| is_command(word));
    let of = |at: usize| {
        let (options, rest) = (words.get(..at)?.to_vec(), words.get(at..)?.to_vec());
        let command = Command::find(rest.first()?.to_str()?, Program::Ostler)?;
        let mut reader = Reader::new(Some(command));
        reader.read(options, Program::Ostler).ok()?;
        // What stands before the command must be options with their values.
        if !reader.parsed.words.is_empty() {
            return None;
        }
        if matches!(misuse, Misuse::Command { .. }) && command.group != Group::Watch {
            let (_, option) = reader.options.pop()?;
            return Some(Err(Misuse::Taken { option, word: command.name() }));
        }
        let mut rest: Vec<OsString> = rest.into_iter().skip(1).collect();
        Some(split_rest(&mut rest).and_then(|after| {
            reader.parsed.rest = after;
            reader.read(rest, Program::Ostler)?;
            reader.end(false, Program::Ostler)
        }))
    };
    places.map(|(at, _)| at).find_map(of)
}

fn parse_whole(
    command: Option<&'static Command>,
    mut words: Vec<OsString>,
    program: Program,
) -> Result<Parsed, Misuse> {
    let rest = split_rest(&mut words)?;
    let mut reader = Reader::new(command);
    reader.parsed.rest = rest;
    reader.read(words, program)?;
    reader.end(command.is_some(), program)
}

/// A command line as far as it was read.
struct Reader {
    parsed: Parsed,
    options: Vec<Written>,
    /// The word that was taken as the value of an option which needs none.
    apart: Option<(&'static Flag, String)>,
    /// Where the words begin that may be a program's.
    begin: Option<Begin>,
}

impl Reader {
    fn new(command: Option<&'static Command>) -> Self {
        let parsed = Parsed { command, ..Parsed::default() };
        Self { parsed, options: Vec::new(), apart: None, begin: None }
    }

    /// Reads these words, which have no `--`.
    fn read(&mut self, words: Vec<OsString>, program: Program) -> Result<(), Misuse> {
        let mut parser = lexopt::Parser::from_args(words);
        let Self { parsed, options, apart, begin } = self;
        loop {
            if let Some(number) = negative_number(&mut parser, parsed.command, program) {
                parsed.words.push(number);
                continue;
            }
            match parser.next().map_err(|error| misuse_of(&error))? {
                None => return Ok(()),
                Some(Word::Value(word)) => {
                    let word = text(word)?;
                    match parsed.command {
                        None => parsed.command = Some(find_command(word, options, program)?),
                        Some(_) => {
                            parsed.words.push(word);
                            if begin.is_none() && program == Program::Ostler {
                                *begin = Begin::here(&mut parser, parsed, options.len());
                            }
                        }
                    }
                }
                Some(option) => {
                    let shown = shown(&option);
                    let flag = find_flag(&option, parsed.command, program);
                    match flag {
                        Some(flag) => {
                            let next = take_option(flag, &mut parser, parsed, program)?;
                            *apart = next.map(|value| (flag, value)).or(apart.take());
                            if flag.is_module() && parsed.words.is_empty() {
                                *begin = Begin::here(&mut parser, parsed, 1 + options.len());
                            }
                        }
                        // A value that hangs on it (`--x=1`) must be taken away, or the parser
                        // complains about that.
                        None => _ = parser.optional_value(),
                    }
                    options.push((flag, shown));
                }
            }
        }
    }

    /// Whether what was read can be meant.
    fn end(self, is_runtime: bool, program: Program) -> Result<Parsed, Misuse> {
        let Self { mut parsed, mut options, apart, begin } = self;
        if let (Some((flag, value)), Some(command), Program::Ostler) =
            (apart, parsed.command, program)
            && parsed.words.is_empty()
            && swallows(command)
        {
            return Err(Misuse::Swallowed { flag, value, command });
        }
        if is_runtime {
            parsed = of_runtime(parsed, &mut options)?;
        }
        if program == Program::Pm2 {
            ignore_vain(&mut parsed, &mut options);
        }
        rest_as_words(&mut parsed, program);
        if parsed.command.is_some_and(|command| command.id == CommandId::Help) {
            parsed = asked_for_help(parsed)?;
        }
        tail::check(parsed, &options, begin, program)
    }
}

/// Whether it is refused when its first argument was taken as the value of an option: what needs
/// one has none then, and what acts on everything without one would.
fn swallows(command: &Command) -> bool {
    match command.takes.first() {
        Some(Arg::Needed(_) | Arg::Many(_)) => true,
        Some(Arg::Maybe(_) | Arg::Any(_)) => {
            matches!(command.id, CommandId::Start | CommandId::Flush)
        }
        None => false,
    }
}

/// An option as it was written.
fn shown(option: &Word<'_>) -> String {
    match option {
        Word::Short(c) => format!("-{c}"),
        Word::Long(name) => format!("--{name}"),
        Word::Value(_) => String::new(),
    }
}

/// Takes an option with its values. Returns the word behind it, if that was taken for a value that
/// need not be given.
fn take_option(
    flag: &'static Flag,
    parser: &mut lexopt::Parser,
    parsed: &mut Parsed,
    program: Program,
) -> Result<Option<String>, Misuse> {
    let command = parsed.command.filter(|_| program == Program::Ostler);
    refuse_apart(flag, command, parser)?;
    if command.is_some_and(|command| flag.takes_nothing_with(command.id)) {
        if parser.optional_value().is_some() {
            return Err(Misuse::Value { option: flag.long_bare(), unexpected: true });
        }
        parsed.given.push((flag.id, None));
        return Ok(None);
    }
    let next = next_apart(parser);
    take_values(flag, parser, parsed, program)?;
    let value = parsed.given.last().and_then(|(_, of)| of.as_ref());
    let is_swallowed = matches!(flag.takes, Takes::Maybe(_)) && value == next.as_ref();
    Ok(next.filter(|_| is_swallowed))
}

/// The next word, where it does not hang on an option (`--x=1`).
fn next_apart(parser: &mut lexopt::Parser) -> Option<String> {
    parser.try_raw_args()?.peek()?.to_str().map(str::to_owned)
}

/// Takes what follows `--` for arguments of the command where there is no app to give it to: so an
/// app that is called `-x` is named.
fn rest_as_words(parsed: &mut Parsed, program: Program) {
    let (Some(command), Some(rest)) = (parsed.command, &mut parsed.rest) else { return };
    // `scale web -- -1` was the way around PM2's reading of `-1` as an option.
    let is_scale = command.id == CommandId::Scale;
    if is_scale || program == Program::Ostler && !command.takes_app_arguments() {
        parsed.words.append(rest);
        parsed.rest = None;
    } else if program == Program::Ostler
        && command.needs_app()
        && parsed.words.is_empty()
        && !rest.is_empty()
    {
        parsed.words.push(rest.remove(0));
        parsed.rest = parsed.rest.take().filter(|rest| !rest.is_empty());
    }
}

/// `help stop` means what `stop --help` means.
fn asked_for_help(parsed: Parsed) -> Result<Parsed, Misuse> {
    let mut words = parsed.words.into_iter();
    let about = words.next().map(|word| find_command(word, &[], Program::Ostler)).transpose()?;
    if let (Some(word), Some(command)) = (words.next(), parsed.command) {
        return Err(Misuse::Extra { word, command });
    }
    let mut given = parsed.given;
    given.push((FlagId::Help, None));
    Ok(Parsed { command: about, given, rest: parsed.rest, ..Parsed::default() })
}

/// Takes `--` and what follows off the words.
fn split_rest(words: &mut Vec<OsString>) -> Result<Option<Vec<String>>, Misuse> {
    let Some(at) = words.iter().position(|word| word == "--") else { return Ok(None) };
    words.split_off(at).into_iter().skip(1).map(text).collect::<Result<Vec<_>, _>>().map(Some)
}

/// Finds an option. Where two have the name, the one that the command acts on is meant.
fn find_flag(
    option: &Word<'_>,
    command: Option<&Command>,
    program: Program,
) -> Option<&'static Flag> {
    let named = FLAGS.iter().filter(|flag| flag.exists(program)).filter(|flag| match option {
        Word::Short('V') => flag.id == FlagId::Version,
        Word::Short(c) => flag.short == Some(*c),
        Word::Long(name) => flag.long.contains(name),
        Word::Value(_) => false,
    });
    Flag::meant(named, command)
}

fn misuse_of(error: &lexopt::Error) -> Misuse {
    match error {
        lexopt::Error::UnexpectedValue { option, .. } => {
            Misuse::Value { option: option.clone(), unexpected: true }
        }
        other => Misuse::NotText(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::commands::COMMANDS;

    fn of(line: &str) -> Result<Parsed, Misuse> {
        parse(line.split_whitespace().map(OsString::from), Program::Ostler)
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
        let parsed = parse(
            "start a.js --watch src --watch --stop-exit-codes 1 2 b.js"
                .split(' ')
                .map(OsString::from),
            Program::Pm2,
        )
        .unwrap();
        let given: Vec<_> = parsed.given.iter().map(|(_, value)| value.as_deref()).collect();
        assert_eq!(given, [Some("src"), None, Some("1"), Some("2")]);
        assert_eq!(parsed.words, ["a.js", "b.js"]);
    }

    #[test]
    fn what_pm2_would_trace_keeps_no_app_from_being_started() {
        let line = "start app.js --trace --deep-monitoring -w -n web";
        let parsed = parse(line.split(' ').map(OsString::from), Program::Pm2).unwrap();
        assert_eq!(parsed.ignored, ["--trace", "--deep-monitoring", "-w"]);
        assert_eq!((parsed.word(), parsed.attribute("name")), ("app.js", Some("web")));
        assert!(of(line).is_err(), "under our own name nothing is ignored");
    }

    #[test]
    fn scale_takes_a_negative_number() {
        assert_eq!(of("scale web -1").unwrap().words, ["web", "-1"]);
        assert_eq!(of("scale web -- -1").unwrap().words, ["web", "-1"]);
        assert_eq!(of("scale web +2").unwrap().words, ["web", "+2"]);
    }

    #[test]
    fn no_name_is_there_twice() {
        let mut commands: Vec<&str> =
            COMMANDS.iter().flat_map(|command| command.names.iter().copied()).collect();
        let before = commands.len();
        commands.sort_unstable();
        commands.dedup();
        assert_eq!(commands.len(), before);
        for command in COMMANDS {
            let flags = || FLAGS.iter().filter(|flag| flag.acts_with(command.id));
            let mut names: Vec<&str> = flags().flat_map(|flag| flag.long.iter().copied()).collect();
            let mut shorts: Vec<char> = flags().filter_map(|flag| flag.short).collect();
            let before = (names.len(), shorts.len());
            names.sort_unstable();
            names.dedup();
            shorts.sort_unstable();
            shorts.dedup();
            assert_eq!((names.len(), shorts.len()), before, "{}", command.name());
        }
    }
}
