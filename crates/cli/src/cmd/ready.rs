//! `--wait`: a command that starts apps ends when they are ready, or tells why they are not.
//!
//! The apps stay as they are in either case.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use super::{address, each, list, perform, shared_port};
use crate::args::FlagId;
use crate::failed::Failed;
use crate::program::Program;
use crate::session::Session;
use crate::voice::{Notice, Progress, Target};
use crate::wait::{self, Awaited, End, Ended, Limit, explain};

/// From when on the limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counts {
    /// From the beginning of the command.
    FromItsBegin,
    /// From its end: a reload takes the time that it takes. A limit that is given is for all of it.
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
    if counts == Counts::FromItsBegin || session.args.value(FlagId::Wait).is_some() {
        session.limit = Some(limit.time);
    }
    let ran = brought_up(session, run);
    session.limit = None;
    ran?;
    if session.late && counts == Counts::FromItsEnd {
        return Err(unfinished(session, &limit));
    }
    let until = session.until.take().unwrap_or_else(|| Instant::now() + limit.time);
    let begun = std::mem::take(&mut session.begun);
    let is_begun = |id: u32, name: &str| begun.ids.contains(&id) || begun.names.contains(name);
    let list = session.known()?;
    let targets: Vec<Target> =
        list.iter().filter(|of| is_begun(of.id, &of.name)).map(Target::of).collect();
    let ended = wait(session, &targets, true, Some(until))?;
    let told = tell(session, &ended, Some(&limit));
    if std::mem::take(&mut session.lists_when_ready) {
        list::table(session)?;
    }
    told?;
    // The daemon takes requests in their order: what is not in the list now could not be started.
    if session.late && ended.is_empty() { Err(unstarted(&begun.names, &limit)) } else { Ok(()) }
}

/// Runs a part of a command that starts apps, whose end [`tell`] tells when they are ready. PM2 has
/// no words for that end.
pub(super) fn brought_up<T>(
    session: &mut Session,
    run: impl FnOnce(&mut Session) -> Result<T, Failed>,
) -> Result<T, Failed> {
    session.ends_ready = session.program == Program::Ostler;
    let ran = run(session);
    session.ends_ready = false;
    if ran.is_err()
        && let Some(act) = session.unfinished.take()
    {
        session.out.tell(&Notice::Finished { act, failed: true, urls: &[] });
    }
    ran
}

/// Why nothing is said of apps whose reload is not over: those that are ready may be the old ones.
fn unfinished(session: &mut Session, limit: &Limit) -> Failed {
    if let Some(act) = session.unfinished.take() {
        session.out.tell(&Notice::Finished { act, failed: true, urls: &[] });
    }
    let begun = std::mem::take(&mut session.begun);
    // Who cannot be asked what else it was is told of the others.
    let list = session.known().unwrap_or_default();
    let named = list.iter().filter(|of| begun.ids.contains(&of.id)).map(|of| of.name.as_str());
    let names: BTreeSet<&str> = named.chain(begun.names.iter().map(String::as_str)).collect();
    let what = match names.len() {
        0 => "this".to_owned(),
        1..=NAMED => format!("the reload of {}", Vec::from_iter(names).join(", ")),
        count => format!("the reload of {count} apps"),
    };
    let message = format!("{what} was not done within {limit}, and goes on");
    Failed { code: wait::TIMED_OUT, ..Failed::new(message) }
        .hint("`ostler list` shows how far it is")
}

/// Waits as long as is usual until these processes, which were started just now, are ready, and
/// tells how that went.
pub(super) fn wait_usual(session: &mut Session, targets: &[Target]) -> Result<(), Failed> {
    let limit = Limit::usual();
    let until = Instant::now() + limit.time;
    let ended = wait(session, targets, true, Some(until))?;
    tell(session, &ended, Some(&limit))
}

/// Waits until these processes are ready, and shows how far it is. `first`: by their first run.
pub(super) fn wait(
    session: &mut Session,
    targets: &[Target],
    first: bool,
    until: Option<Instant>,
) -> Result<Vec<Ended>, Failed> {
    session.out.tell(&Notice::Awaits { targets });
    let named: Vec<_> = targets.iter().map(|of| (of.id, of.name.as_str())).collect();
    let late = session.late;
    wait::wait(session, &named, Awaited::Ready { first, late }, until)
}

/// Why apps of which nothing is in the list are not ready.
fn unstarted(names: &BTreeSet<String>, limit: &Limit) -> Failed {
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let message = format!("{} could not be started within {limit}", names.join(", "));
    Failed { code: wait::TIMED_OUT, ..Failed::new(message) }
        .hint("`ostler list` shows whether it was since, `ostler logs daemon` what was wrong")
}

/// Tells which apps are ready, and where; fails with those that are not.
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
                urls.extend(listens.iter().cloned());
            }
            End::Done => _ = done.insert(name.as_str()),
            End::Exited(_) | End::Line(_) | End::Never(_) | End::TimedOut(_) => {}
        }
    }
    let each = apps.len() + done.len() <= NAMED || session.out.progress() == Some(Progress::Json);
    if !each {
        let is_of_well = |of: &&Ended| !unready.contains(of.name.as_str());
        let processes = ended.iter().filter(is_of_well).count();
        session.out.tell(&Notice::AllReady { apps: apps.len() + done.len(), processes });
    }
    let mut all = Vec::new();
    // One line has the addresses of all apps.
    let names: BTreeSet<&str> = ended.iter().map(|of| of.name.as_str()).collect();
    let is_one = names.len() < 2 || session.out.progress() == Some(Progress::Json);
    for (name, (processes, addresses)) in apps {
        let addresses: Vec<String> = addresses.into_iter().collect();
        let urls: BTreeSet<String> =
            addresses.iter().map(|address| url(address, session.encrypts)).collect();
        let urls: Vec<String> = urls.into_iter().collect();
        if each {
            session.out.tell(&Notice::Ready { name, processes, urls: &urls });
            let of_app = |url| if is_one { url } else { format!("{name} {url}") };
            all.extend(urls.into_iter().map(of_app));
        }
        shared_port::warn(session, name, &addresses);
    }
    for name in done.into_iter().filter(|_| each) {
        session.out.tell(&Notice::Ready { name, processes: 0, urls: &[] });
    }
    let failed = failures(session, ended, "ready", limit);
    let Some(act) = session.unfinished.take() else { return failed };
    perform::finish(session, act, failed, &all)
}

/// Of more apps it is only told how many are ready.
const NAMED: usize = 4;

/// Fails with those that did not come to what they were waited for, each app of which is told once.
pub(super) fn failures(
    session: &mut Session,
    ended: &[Ended],
    what: &str,
    limit: Option<&Limit>,
) -> Result<(), Failed> {
    // One that cannot come to it any more says more than one that did not yet.
    let is_late = |of: &&Ended| matches!(of.end, End::TimedOut(_));
    let failed = ended.iter().filter(|of| !is_well(&of.end));
    let (late, never): (Vec<&Ended>, Vec<&Ended>) = failed.partition(is_late);
    let mut names = BTreeSet::new();
    let all = never.into_iter().chain(late).filter(|of| names.insert(of.name.as_str()));
    let failed: Vec<(&str, Failed)> =
        all.filter_map(|of| Some((of.name.as_str(), explain(session, of, what, limit)?))).collect();
    let Some(code) = failed.first().map(|(_, of)| of.code) else { return Ok(()) };
    let more: Vec<&str> = failed.iter().skip(MOST).map(|(name, _)| *name).collect();
    let mut last = None;
    for (_, failed) in failed.into_iter().take(MOST) {
        if let Some(Failed { problem: Some(before), .. }) = last.replace(failed) {
            session.out.problem(&before);
        }
    }
    match last {
        // They come behind those of which it is told why.
        Some(Failed { problem: Some(problem), .. }) if !more.is_empty() => {
            session.out.problem(&problem);
            let (text, hint) = (of_more(&more, what), "`ostler list` shows them");
            session.out.tell(&Notice::Warning { text: &text, hint: Some(hint), apart: true });
            Err(Failed::quiet(code))
        }
        Some(last) => Err(Failed { code, ..last }),
        None => Err(Failed::quiet(code)),
    }
}

/// Says which apps were not ready beside those of which it is told why.
fn of_more(names: &[&str], what: &str) -> String {
    let verb = match (what == wait::AT_ITS_END, names.len()) {
        (true, _) => "did not end",
        (false, 1) => "is not ready",
        (false, _) => "are not ready",
    };
    let shown = each::quoted(names.get(..MOST).unwrap_or(names));
    let others = match names.len().saturating_sub(MOST) {
        0 => String::new(),
        others => format!(" and {others} others"),
    };
    match names.len() {
        1 => format!("one more app {verb}: {shown}"),
        count => format!("{count} more apps {verb}: {shown}{others}"),
    }
}

/// Of so many apps it is told why they are not ready.
const MOST: usize = 5;

fn is_well(end: &End) -> bool {
    match end {
        End::Ready { .. } | End::Done | End::Exited(_) | End::Line(_) => true,
        End::Never(_) | End::TimedOut(_) => false,
    }
}

/// Where a listener is reached, as a browser takes it, or as it is. `encrypts`: by TLS.
fn url(address: &str, encrypts: bool) -> String {
    // One that has no port of its own yet is called by the order in which it was asked for.
    let url = if address.contains('#') { None } else { address::url(address) };
    match url {
        Some(url) if encrypts => url.replacen("http:", "https:", 1),
        url => url.unwrap_or_else(|| address.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `1 more apps were not ready`, and nobody knew which.
    #[test]
    fn apps_of_which_it_is_not_told_why_are_named() {
        assert_eq!(of_more(&["b"], "ready"), "one more app is not ready: `b`");
        let names = ["a", "b", "c", "d", "e", "f", "g"];
        let text = "7 more apps are not ready: `a`, `b`, `c`, `d`, `e` and 2 others";
        assert_eq!(of_more(&names, "ready"), text);
        assert_eq!(of_more(&["a", "b"], wait::AT_ITS_END), "2 more apps did not end: `a`, `b`");
    }
}
