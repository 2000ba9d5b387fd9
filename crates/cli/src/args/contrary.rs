//! Options that exclude each other: what is shown twice in two ways would be shown in neither.

use super::flags::{Flag, FlagId};
use super::misuse::Misuse;
use super::parsed::Parsed;
use super::unknown::Written;

use FlagId::{
    Count, Err as OnlyErr, Errors, Fields, Format, Formatted, Histogram, LogsFollow, NoStream, Out,
    Raw, Reverse, Template, Tree, Until,
};

/// Pairs of which a command takes one.
const PAIRS: [(FlagId, FlagId); 20] = [
    (Fields, Template),
    (Fields, Raw),
    (Fields, Format),
    (Fields, Formatted),
    (Fields, Tree),
    (Template, Tree),
    (Format, Raw),
    (Raw, Formatted),
    (OnlyErr, Out),
    (LogsFollow, NoStream),
    (LogsFollow, Reverse),
    (LogsFollow, Until),
    (LogsFollow, Count),
    (LogsFollow, Histogram),
    (LogsFollow, Errors),
    (Count, Histogram),
    (Count, Errors),
    (Histogram, Errors),
    (Count, Reverse),
    (Histogram, Reverse),
];

/// Refuses the first two that exclude each other.
pub(super) fn check(parsed: &Parsed, options: &[Written]) -> Result<(), Misuse> {
    let given = |id: FlagId| {
        let is_it = |flag: &&'static Flag| flag.id == id;
        options.iter().filter_map(|(flag, _)| *flag).find(is_it)
    };
    for (one, other) in PAIRS {
        if let (Some(one), Some(other)) = (given(one), given(other)) {
            let value = parsed.value(other.id).map(str::to_owned);
            return Err(Misuse::Contrary { one, other, value });
        }
    }
    // What is said of lines has other fields than a line.
    let is_named = parsed.value(Fields).is_some();
    let said = [Count, Histogram, Errors].into_iter().find_map(given).filter(|_| is_named);
    match (said, given(Fields)) {
        (Some(one), Some(other)) => {
            let value = parsed.value(Fields).map(str::to_owned);
            Err(Misuse::Contrary { one, other, value })
        }
        (_, _) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::super::commands::COMMANDS;
    use super::super::parse;
    use super::super::typed::Typed;
    use super::*;
    use crate::program::Program;

    fn said(line: &str) -> Option<(String, String)> {
        let words = || line.split(' ');
        let misuse = parse(words().map(OsString::from), Program::Ostler).err()?;
        let said = misuse.said(Program::Ostler, &Typed::new(words().map(str::to_owned)));
        Some((said.text, said.hint.unwrap_or_default()))
    }

    #[test]
    fn options_that_exclude_each_other_are_refused_with_a_line_that_is_taken() {
        let check = |line: &str, what: &str, rest: &str| {
            let (text, hint) = said(line).unwrap();
            assert_eq!(text, format!("{what} exclude each other"), "{line}");
            assert_eq!(hint, format!("`ostler {rest}` does without the second"), "{line}");
            assert_eq!(said(rest), None, "{rest}");
        };
        check("logs api --json --raw", "`--json` and `--raw`", "logs api --json");
        check("logs --follow --reverse", "`--follow` and `--reverse`", "logs --follow");
        check("logs --out api --err", "`--err` and `--out`", "logs api --err");
        check("logs --count --json=message", "`--count` and `--json=message`", "logs --count");
        check("run a.js --json --format", "`--json` and `--format`", "run a.js --json");
        assert_eq!(said("logs --count --json"), None);
    }

    #[test]
    fn each_pair_is_of_some_command() {
        use crate::args::flags::FLAGS;
        let find = |id| FLAGS.iter().find(|flag| flag.id == id).unwrap();
        for (one, other) in PAIRS {
            let takes = |id| move |of: &&super::super::Command| find(id).acts_with(of.id);
            assert!(COMMANDS.iter().filter(takes(one)).any(|of| takes(other)(&of)), "{one:?}");
        }
    }
}
