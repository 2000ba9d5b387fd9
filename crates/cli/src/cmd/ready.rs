//! `--wait`: a command that starts apps ends when they are ready, or tells why they are not.
//!
//! The apps stay as they are in either case.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use super::first_steps::url_of;
use crate::args::FlagId;
use crate::failed::Failed;
use crate::program::Program;
use crate::session::Session;
use crate::wait::{self, Awaited, End, Ended, Limit, explain};

/// From when on the limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counts {
    /// From the beginning of the command.
    FromItsBegin,
    /// From its end: a reload takes the time that it takes.
    FromItsEnd,
}

/// Runs a part of a command that starts apps, and waits for them if `--wait` asks for it.
pub(super) fn after(
    session: &mut Session,
    counts: Counts,
    run: impl FnOnce(&mut Session) -> Result<(), Failed>,
) -> Result<(), Failed> {
    // To scripts that were written for `pm2 reload --wait` it means to queue, and no more.
    let queues = session.program == Program::Pm2 && counts == Counts::FromItsEnd;
    if queues || !session.has(FlagId::Wait) {
        return run(session);
    }
    let limit = match session.args.value(FlagId::Wait) {
        Some(text) => Limit::parse("wait", text)?,
        None => Limit::usual(),
    };
    if counts == Counts::FromItsBegin {
        session.until = Some(Instant::now() + limit.time);
    }
    match run(session) {
        // What was begun goes on, and what it does is told.
        Err(failed) if failed.code != wait::TIMED_OUT => return Err(failed),
        Ok(()) | Err(_) => {}
    }
    let until = session.until.take().unwrap_or_else(|| Instant::now() + limit.time);
    let begun = std::mem::take(&mut session.begun);
    let is_begun = |id: u32, name: &str| begun.ids.contains(&id) || begun.names.contains(name);
    let list = session.list()?;
    let ids: Vec<u32> =
        list.iter().filter(|of| is_begun(of.id, &of.name)).map(|of| of.id).collect();
    let ended = wait::wait(session, &ids, Awaited::Ready { first: true }, Some(until))?;
    tell(session, &ended, Some(&limit))
}

/// Tells which apps are ready, and where; fails with the first that is not.
pub(super) fn tell(
    session: &mut Session,
    ended: &[Ended],
    limit: Option<&Limit>,
) -> Result<(), Failed> {
    let unready: BTreeSet<&str> =
        ended.iter().filter(|of| !is_well(&of.end)).map(|of| of.name.as_str()).collect();
    let mut apps: BTreeMap<&str, (usize, BTreeSet<String>)> = BTreeMap::new();
    let mut done = BTreeSet::new();
    for Ended { name, end, .. } in ended.iter().filter(|of| !unready.contains(of.name.as_str())) {
        match end {
            End::Ready { listens } => {
                let (count, urls) = apps.entry(name).or_default();
                *count += 1;
                urls.extend(listens.iter().map(|address| url_of(address)));
            }
            End::Done => _ = done.insert(name.as_str()),
            End::Exited(_) | End::Line(_) | End::Never(_) | End::TimedOut(_) => {}
        }
    }
    for (name, (count, urls)) in apps {
        session.out.say(&ready(name, count, &urls));
    }
    for name in done {
        session.out.say(&format!("`{name}` ended with exit code 0"));
    }
    first_failure(session, ended, "ready", limit)
}

/// Fails with the first that did not come to what it was waited for.
pub(super) fn first_failure(
    session: &mut Session,
    ended: &[Ended],
    what: &str,
    limit: Option<&Limit>,
) -> Result<(), Failed> {
    // One that cannot come to it any more says more than one that did not yet.
    let is_late = |of: &&Ended| matches!(of.end, End::TimedOut(_));
    let (late, never): (Vec<&Ended>, Vec<&Ended>) = ended.iter().partition(is_late);
    let failed = never.into_iter().chain(late).find_map(|of| explain(session, of, what, limit));
    failed.map_or(Ok(()), Err)
}

fn is_well(end: &End) -> bool {
    match end {
        End::Ready { .. } | End::Done | End::Exited(_) | End::Line(_) => true,
        End::Never(_) | End::TimedOut(_) => false,
    }
}

fn ready(name: &str, count: usize, urls: &BTreeSet<String>) -> String {
    let is_are = if count == 1 { String::new() } else { format!(" ({count} processes)") };
    let urls: Vec<&str> = urls.iter().map(String::as_str).collect();
    let at = if urls.is_empty() { String::new() } else { format!(": {}", urls.join(", ")) };
    format!("`{name}` is ready{is_are}{at}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_app_that_is_ready_says_where() {
        let check = |count, urls: &[&str], text: &str| {
            let urls = urls.iter().map(|url| (*url).to_owned()).collect();
            assert_eq!(ready("web", count, &urls), text);
        };
        check(1, &[], "`web` is ready");
        check(1, &["http://127.0.0.1:80"], "`web` is ready: http://127.0.0.1:80");
        check(4, &["a", "b"], "`web` is ready (4 processes): a, b");
    }
}
