//! What stands behind a program or a module of Python on the line of `start` and `run`.
//!
//! Problem: people write `start uvicorn main:app --port 8000`, as they would without us; but an
//! option there may be ours, and a word another app. Rule: behind `--` everything is the program's,
//! and before it what can be ours is. Where there is no `--` and the line cannot be ours, what
//! stands behind the program is its own, all of it, and is told; one option in it that is ours, or
//! is nearly one, and the line is refused. A module, as with `python -m`, has everything behind it.

use std::ffi::OsString;

use super::flags::{FLAGS, Flag, FlagId};
use super::misuse::{Misuse, Near};
use super::parsed::{Parsed, Tail};
use super::take::text;
use super::unknown::{Written, near_option};
use super::{Command, fits, suggest};
use crate::program::Program;

/// A place in a line that is being read: from here on words may be a program's.
#[derive(Debug, Default)]
pub(super) struct Begin {
    words: Vec<OsString>,
    given: usize,
    options: usize,
}

impl Begin {
    /// The place that the reader has come to, where a program or a module stands just before it.
    pub(super) fn here(
        parser: &mut lexopt::Parser,
        parsed: &Parsed,
        options: usize,
    ) -> Option<Self> {
        // What stands behind `--` was taken away before.
        let may_be_program =
            |word: &String| !word.contains('/') && !ostler_config::ends_as_script(word);
        if parsed.rest.is_some()
            || !parsed.words.iter().all(may_be_program)
            || !parsed.command.is_some_and(Command::takes_program)
        {
            return None;
        }
        let words = parser.try_raw_args()?.as_slice().to_vec();
        Some(Self { words, given: parsed.given.len(), options })
    }
}

/// Checks a line of which a part may be a program's.
pub(super) fn check(
    parsed: Parsed,
    options: &[Written],
    begin: Option<Begin>,
    program: Program,
) -> Result<Parsed, Misuse> {
    let Some(begin) = begin.filter(|begin| !begin.words.is_empty()) else {
        return fits::check(parsed, options, program);
    };
    let words: Vec<String> = begin.words.into_iter().map(text).collect::<Result<_, _>>()?;
    let mut alone = Parsed {
        command: parsed.command,
        given: parsed.given.iter().take(begin.given).cloned().collect(),
        ..Parsed::default()
    };
    let module = alone.attribute("module").map(str::to_owned);
    let program_word = parsed.words.iter().take(usize::from(module.is_none())).cloned();
    alone.words = program_word.collect();
    // What is wrong before these words is wrong in any case.
    let options_before = options.get(..begin.options).unwrap_or_default();
    let mut alone = fits::check(alone, options_before, program)?;
    if let Some(module) = module {
        own(&mut alone, &module, words)?;
        return Ok(alone);
    }
    let misuse = match fits::check(parsed, options, program) {
        Ok(parsed) => return Ok(Parsed { tail: Some(Tail { words, misuse: None }), ..parsed }),
        Err(misuse) => misuse,
    };
    // Another machine is asked what is meant there.
    if alone.has(FlagId::Hosts) {
        return Err(misuse);
    }
    Ok(Parsed { tail: Some(Tail { words, misuse: Some(misuse) }), ..alone })
}

/// Gives the words behind a program or a module to it.
///
/// # Errors
/// One of them may be an option of ours.
pub(crate) fn own(parsed: &mut Parsed, of: &str, words: Vec<String>) -> Result<(), Misuse> {
    if let Some(command) = parsed.command
        && let Some((option, near)) = words.iter().find_map(|word| doubt(word, command))
    {
        return Err(Misuse::Whose { option, near, of: of.to_owned(), words, command });
    }
    parsed.rest = Some(words);
    Ok(())
}

/// An option that may be ours, and the one that it nearly is.
fn doubt(word: &str, command: &'static Command) -> Option<(String, Option<&'static Flag>)> {
    let fits = |flag: &&Flag| flag.fits(command.id, Program::Ostler);
    if let Some(long) = word.strip_prefix("--") {
        let name = long.split('=').next().unwrap_or_default();
        let named = |flag: &&Flag| flag.long.contains(&name);
        if FLAGS.iter().any(|flag| named(&flag) && fits(&flag)) {
            return Some((format!("--{name}"), None));
        }
        // The option of another command is no slip of one of this.
        let is_known = FLAGS.iter().any(|flag| named(&flag) && flag.exists(Program::Ostler));
        let near = near_option(name, Some(command), Program::Ostler);
        let is_slip = |near: &Near| suggest::is_slip(name, near.name);
        let near = near.filter(|near| fits(&near.flag) && !is_known && is_slip(near));
        return near.map(|near| (format!("--{name}"), Some(near.flag)));
    }
    let letter = word.strip_prefix('-')?.chars().next()?;
    let is_ours = |flag: &Flag| flag.short == Some(letter) && fits(&flag);
    // `-V` is `-v` as well.
    (letter == 'V' || FLAGS.iter().any(is_ours)).then(|| (format!("-{letter}"), None))
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::super::typed::Typed;
    use super::*;

    fn of(line: &str) -> Result<Parsed, Misuse> {
        parse(line.split(' ').map(OsString::from), Program::Ostler)
    }

    fn said(line: &str) -> String {
        let misuse = of(line).unwrap_err();
        let said = misuse.said(Program::Ostler, &Typed::new(line.split(' ').map(str::to_owned)));
        format!("{}; {}", said.text, said.hint.unwrap_or_default())
    }

    #[test]
    fn words_that_cannot_be_ours_are_left_to_whoever_knows_programs() {
        let tail = |line: &str| {
            let parsed = of(line).unwrap();
            let tail = parsed.tail.unwrap();
            (parsed.words.join(" "), tail.words.join(" "), tail.misuse.is_some())
        };
        let check = |line: &str, words: &str, behind: &str, is_misuse: bool| {
            assert_eq!(tail(line), (words.to_owned(), behind.to_owned(), is_misuse), "{line}");
        };
        check("start -n web uvicorn m:a --port 80", "uvicorn", "m:a --port 80", true);
        check("--name web start gunicorn m:a -w4", "gunicorn", "m:a -w4", true);
        check("start uvicorn m:a", "uvicorn m:a", "m:a", false);
        check("start uvicorn --name web", "uvicorn", "--name web", false);
        check("run caddy run --config=x", "caddy", "run --config=x", true);
        // What is before the program is ours, and must be right.
        assert!(said("start --prot 1 uvicorn m:a").starts_with("unknown option `--prot`"));
        assert!(of("restart uvicorn --port 80").is_err());
        assert!(of("start -H web1 uvicorn --port 80").is_err());
        assert!(of("start uvicorn --name web -- m:a --port 80").unwrap().tail.is_none());
    }

    #[test]
    fn everything_behind_a_module_is_its_own_and_an_option_of_ours_there_is_refused() {
        let parsed = of("start -n jobs -m celery -A tasks worker").unwrap();
        assert_eq!(parsed.attribute("module"), Some("celery"));
        assert_eq!((parsed.attribute("name"), parsed.words.len()), (Some("jobs"), 0));
        assert_eq!(parsed.rest.unwrap(), ["-A", "tasks", "worker"]);
        let parsed = of("start -m celery --name jobs -- -A tasks").unwrap();
        assert_eq!(parsed.attribute("name"), Some("jobs"));
        assert_eq!(parsed.rest.unwrap(), ["-A", "tasks"]);
        assert_eq!(
            said("start -m celery -A tasks worker -l info"),
            "`-l` behind `celery` is an option of `ostler start` too; `ostler start -m celery -- \
             -A tasks worker -l info` gives all of this to `celery`; what is for ostler stands \
             before `--`"
        );
        assert!(
            said("start -m celery --max-memory-restat 1G").contains("is nearly `--max-memory-")
        );
        for line in ["start a.py -m celery", "start -m celery worker -- -A x"] {
            assert!(said(line).starts_with("`start` does not take so many arguments"), "{line}");
        }
        let of_pm2 = parse("start a.js -m".split(' ').map(OsString::from), Program::Pm2).unwrap();
        assert!(of_pm2.has(FlagId::MiniList));
    }

    /// Options of uvicorn, gunicorn, hypercorn, daphne, celery, rq, streamlit and caddy.
    const OF_OTHERS: &str = "host port uds fd reload reload-dir reload-include reload-exclude \
        reload-delay workers loop http ws ws-max-size ws-ping-interval lifespan interface \
        log-config log-level access-log no-access-log use-colors proxy-headers server-header \
        date-header forwarded-allow-ips root-path limit-concurrency backlog limit-max-requests \
        timeout-keep-alive timeout-graceful-shutdown ssl-keyfile ssl-certfile header app-dir \
        factory bind worker-class threads worker-connections max-requests max-requests-jitter \
        timeout graceful-timeout keep-alive preload chdir access-logfile error-logfile \
        capture-output pythonpath paste umask statsd-host loglevel pool concurrency queues \
        hostname beat schedule scheduler autoscale max-tasks-per-child without-gossip \
        endpoint unix-socket worker-ttl burst with-scheduler server.port server.address config \
        adapter resume";

    #[test]
    fn options_of_other_programs_are_no_slips_of_ours() {
        let start = Command::by_id(super::super::CommandId::Start).unwrap();
        let doubts = |names: &str| {
            let words = names.split_whitespace().map(|name| doubt(&format!("--{name}"), start));
            words.flatten().map(|(option, _)| option).collect::<Vec<_>>()
        };
        assert_eq!(doubts(OF_OTHERS), Vec::<String>::new());
        assert_eq!(doubts("env-file logfile pidfile"), Vec::<String>::new());
        assert_eq!(doubts("name user max-restart"), ["--name", "--user", "--max-restart"]);
    }
}
