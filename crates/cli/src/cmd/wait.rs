//! `wait`: until apps are ready, have ended, or write a line.

use std::time::Instant;

use regex_lite::Regex;

use super::{each, list, perform, ready};
use crate::args::FlagId;
use crate::args::suggest::nearest;
use crate::failed::Failed;
use crate::select::Picked;
use crate::session::Session;
use crate::voice::Target;
use crate::wait::{self, Awaited, End, Ended, Limit, Never, Wanted, how_it_ended};

/// Runs the command `wait`.
pub(super) fn run(session: &mut Session) -> Result<(), Failed> {
    let awaited = awaited(session)?;
    refuse_objects(session, &awaited)?;
    let limit = match session.args.value(FlagId::Timeout) {
        Some(text) => Some(Limit::parse("timeout", text)?),
        None => None,
    };
    let until = limit.as_ref().map(|limit| Instant::now() + limit.time);
    let words = session.args.words.clone();
    let picked = each::word(session, &words, perform::pick)?;
    let mut targets: Vec<Target> = Vec::new();
    for target in picked.into_iter().flat_map(|of: Picked| of.targets) {
        if !targets.iter().any(|of| of.id == target.id) {
            targets.push(target);
        }
    }
    session.changed.extend(targets.iter().map(|of| of.id));
    wait_for(session, &targets, awaited, until, limit.as_ref())?;
    list::asked_for(session)
}

/// Refuses objects beside a line: standard output has one of both.
fn refuse_objects(session: &Session, awaited: &Awaited) -> Result<(), Failed> {
    let options = [(FlagId::Fields, "--json"), (FlagId::Template, "--format")];
    let given = options.into_iter().find(|(flag, _)| session.has(*flag));
    let Some((flag, option)) = given.filter(|_| matches!(awaited, Awaited::Line { .. })) else {
        return Ok(());
    };
    let failed =
        Failed::misuse(format!("`--for log=` prints the line, and not what `{option}` has"));
    let line = session.args.typed.without_option(option, session.args.value(flag));
    Err(match line {
        Some(line) => failed.hint(format!("`{line}` does without it")),
        None => failed,
    })
}

fn wait_for(
    session: &mut Session,
    targets: &[Target],
    awaited: Awaited,
    until: Option<Instant>,
    limit: Option<&Limit>,
) -> Result<(), Failed> {
    if let Awaited::Ready { first, .. } = awaited {
        let ended = ready::wait(session, targets, first, until)?;
        return ready::tell(session, &ended, limit);
    }
    let is_line = matches!(awaited, Awaited::Line { .. });
    let named: Vec<_> = targets.iter().map(|of| (of.id, of.name.as_str())).collect();
    let ended = wait::wait(session, &named, awaited, until)?;
    if is_line {
        return tell_line(session, &ended, limit);
    }
    for Ended { id, name, end, .. } in &ended {
        if let End::Exited(last) = end {
            session.out.message(&format!("{name} (id {id}) {}", how_it_ended(last.as_ref())));
        }
    }
    ready::failures(session, &ended, wait::AT_ITS_END, limit)
}

/// Prints the line that was waited for.
fn tell_line(session: &mut Session, ended: &[Ended], limit: Option<&Limit>) -> Result<(), Failed> {
    let text = ended.iter().find_map(|of| match &of.end {
        End::Line(text) => Some(text),
        End::Ready { .. } | End::Done | End::Exited(_) | End::Never(_) | End::TimedOut(_) => None,
    });
    if let Some(text) = text {
        session.out.value(&format!("{text}\n"));
        return Ok(());
    }
    let names: Vec<String> =
        ended.iter().map(|Ended { id, name, .. }| format!("{name} (id {id})")).collect();
    let names = names.join(", ");
    let name = ended.first().map_or("all", |of| of.name.as_str());
    let pasted = ostler_shell::operand(name);
    let hint = format!("`{} logs --nostream {pasted}` shows its lines", session.program.name());
    if ended.iter().any(|of| matches!(of.end, End::TimedOut(_))) {
        let within = limit.map_or_else(String::new, |limit| format!(" within {limit}"));
        let message = format!("no such line of {names}{within}");
        return Err(Failed { code: wait::TIMED_OUT, ..Failed::new(message) }.hint(hint));
    }
    let why = why_none(ended);
    Err(Failed::new(format!("no such line of {names}, and none will come: {why}")).hint(hint))
}

/// Why none of these writes a line any more.
fn why_none(ended: &[Ended]) -> String {
    let why = |of: &Ended| match &of.end {
        End::Never(Never::Gone) => "deleted".to_owned(),
        End::Never(Never::Unmanaged) => "the daemon was ended".to_owned(),
        End::Never(Never::GivenUp(_)) => "given up".to_owned(),
        End::Never(Never::Rests(last)) => format!("it {}", how_it_ended(last.as_ref())),
        End::Never(Never::Stopped | Never::Ended(_) | Never::Late { .. })
        | End::Ready { .. }
        | End::Done
        | End::Exited(_)
        | End::Line(_)
        | End::TimedOut(_) => "stopped".to_owned(),
    };
    let mut reasons: Vec<String> = ended.iter().map(why).collect();
    reasons.dedup();
    match reasons.as_slice() {
        [one] => one.clone(),
        _ => "none of them runs".to_owned(),
    }
}

/// The line in which each sign of a pattern means itself.
fn as_it_is(session: &Session, option: &str, given: &str, lead: &str, pattern: &str) -> String {
    let meant = format!("{lead}{}", regex_lite::escape(pattern));
    let line = session.args.typed.with_value(option, given, &meant);
    format!("`{line}` takes each sign as it is")
}

/// What the options say is waited for.
fn awaited(session: &Session) -> Result<Awaited, Failed> {
    let fresh = match session.args.value(FlagId::Since) {
        None | Some("run") => false,
        Some("now") => true,
        Some(other) => {
            let line = session.args.typed.with_value("since", other, "now");
            return Err(Failed::misuse(format!("`--since {other}` is neither `run` nor `now`"))
                .hint(format!("`{line}` looks from now on, `--since run` since its run began")));
        }
    };
    let is_line = session.args.value(FlagId::For).is_some_and(|of| of.starts_with("log="));
    if session.has(FlagId::Since) && !is_line {
        return Err(Failed::misuse("`--since` is for lines, and none is waited for")
            .hint("leave it out, or wait for a line: `--for log=REGEXP`"));
    }
    match session.args.value(FlagId::For) {
        None | Some("ready") => Ok(Awaited::Ready { first: false, late: false }),
        Some("exit") => Ok(Awaited::Exit),
        Some(other) => match other.strip_prefix("log=") {
            Some("") => Err(Failed::misuse("`--for log=` says no line, and every line has that")
                .hint("say what the line has in it: `--for 'log=listening on'`")),
            Some(pattern) => {
                let pattern = Regex::new(pattern).map_err(|error| {
                    Failed::misuse(format!("`--for {other}` is not a regular expression: {error}"))
                        .hint(as_it_is(session, "for", other, "log=", pattern))
                })?;
                Ok(Awaited::Line { wanted: Wanted::new(pattern), fresh })
            }
            None => {
                let what = nearest(other, ["ready", "exit"].into_iter()).unwrap_or("ready");
                let line = session.args.typed.with_value("for", other, what);
                Err(Failed::misuse(format!("`--for {other}` cannot be waited for"))
                    .hint(format!("`{line}`; it is `ready`, `exit` or `log=REGEXP`")))
            }
        },
    }
}
