//! `describe`: everything about an app, or under PM2's name about each process of a name.

use std::collections::{BTreeMap, BTreeSet};

use ostler_client::Answer;
use ostler_pm2::rotation::Rules;
use ostler_sinks::{Kept, RULES};
use ostler_wire::control::{Details, Phase, ProcView, Reply, Request};

use super::list::meant;
use super::told::shape;
use super::{alert, each};
use crate::caller;
use crate::failed::Failed;
use crate::holder::{self, Taken};
use crate::of_file;
use crate::program::Program;
use crate::session::{Session, unexpected};
use crate::settings_file::SettingsFile;
use crate::show::{self, Known, LastHour, Look, Seen, Shape};
use crate::view;
use crate::voice::Problem;

/// Last lines of its log that are shown of an app.
const LINES: usize = 10;

/// Runs the command `describe`.
pub(super) fn run(session: &mut Session) -> Result<(), Failed> {
    if session.program == Program::Pm2 {
        return pm2(session);
    }
    let shape = shape(session, true)?;
    let words = session.args.words.clone();
    let cwd = caller::cwd()?;
    let all = each::word(session, &words, |session, word| {
        let list = session.about(word)?;
        meant(word, &list, &cwd)
    })?;
    let mut seen = BTreeSet::new();
    let ids: Vec<u32> = all.concat().into_iter().filter(|id| seen.insert(*id)).collect();
    let mut details: Vec<Details> = Vec::new();
    for id in ids {
        details.push(*ask(session, id)?);
    }
    let mut processes: Vec<_> = details.iter().map(|of| of.view.clone()).collect();
    if shape.as_ref().is_none_or(Shape::shows_ports) {
        show::note_ports(&session.home, &mut processes, false);
    }
    let reasons = show::reasons(&processes);
    if let Some(shape) = shape {
        let known = details.iter().zip(&processes).map(|(details, view)| Known {
            view,
            details: Some(details),
            reason: reasons.get(&view.id).copied(),
            now: view::now(),
        });
        let text = shape.render(&known.collect::<Vec<_>>(), session.out.terminal);
        session.out.data(&text);
        return Ok(());
    }
    show_apps(session, &details, &processes, &reasons);
    Ok(())
}

/// Shows each app of these processes, for a person or a line for each fact.
fn show_apps(
    session: &mut Session,
    details: &[Details],
    processes: &[ProcView],
    reasons: &BTreeMap<u32, &'static str>,
) {
    let look = Look {
        window: view::width(),
        now: view::now(),
        paint: session.out.paint,
        all: true,
        reasons,
    };
    let local = caller::environment();
    let specs = of_file::specs(session);
    // Settings that cannot be read are refused where they count.
    let settings = SettingsFile::of(&session.home).read().unwrap_or_default();
    let rules = Rules::of(&settings);
    let terminal = session.out.terminal;
    for (nth, app) in show::fold(processes).iter().enumerate() {
        let is_of_app =
            |of: &&Details| app.processes.iter().any(|process| process.id == of.view.id);
        let of_app: Vec<Details> = details.iter().filter(is_of_app).cloned().collect();
        let running = app.processes.iter().filter(|process| process.pid != 0);
        let trees: Vec<_> = running.map(|process| show::tree(process.pid)).collect();
        let notable = app.most_notable();
        let said = notable.and_then(show::said);
        let taken = notable.zip(said.as_ref()).and_then(|(of, line)| taken(session, of, line));
        let spec = of_app.first().and_then(|of| of_file::spec_of(&specs, &of.view));
        let seen = Seen {
            app,
            said,
            taken,
            details: &of_app,
            trees: &trees,
            tail: notable.and_then(|process| show::last_lines(process, LINES)),
            other_env: other_env(&of_app, &local),
            of_file: of_app
                .first()
                .and_then(|of| of_file::compare(session, &specs, &of.view, of_app.len())),
            last_hour: LastHour::read(session.home.path(), app, look.now),
            watched: spec.map(show::watched),
            rotation: spec.and_then(|spec| show::rotation(spec, &rules)),
            sinks: sinks(session, &of_app),
            rules: found_by_rules(session, &of_app),
            alerts: spec.map_or_else(Vec::new, |spec| alert::told(&session.home, spec, &settings)),
        };
        let text = if terminal { show::describe(&seen, &look) } else { show::plain(&seen, &look) };
        session.out.data(if nth == 0 { "" } else { "\n" });
        session.out.data(&text);
    }
}

/// Returns who receives the lines of an app besides its files, and what became of that.
fn sinks(session: &Session, details: &[Details]) -> Vec<String> {
    let Some(view) = details.first().map(|details| &details.view) else { return Vec::new() };
    // What cannot be read is not shown; nobody is told less for it.
    let kept = ostler_sinks::read_all(session.home.path()).unwrap_or_default();
    let is_of_app = |kept: &&Kept| kept.app == (view.namespace.clone(), view.name.clone());
    let sinks = kept.iter().filter(is_of_app).filter(|kept| kept.sink != RULES);
    let mut all: Vec<String> = sinks.map(sink).collect();
    all.sort();
    all
}

/// Returns how many lines each rule of an app has found.
fn found_by_rules(session: &Session, details: &[Details]) -> Vec<String> {
    let Some(view) = details.first().map(|details| &details.view) else { return Vec::new() };
    let kept = ostler_sinks::read_all(session.home.path()).unwrap_or_default();
    let app = (view.namespace.clone(), view.name.clone());
    let rules = kept.into_iter().filter(|kept| kept.app == app && kept.sink == RULES);
    let lines = |count| if count == 1 { "1 line".to_owned() } else { format!("{count} lines") };
    let counts = rules.flat_map(|kept| kept.counts);
    counts.map(|(name, count)| format!("{name}: {}", lines(count))).collect()
}

fn sink(kept: &Kept) -> String {
    let mut text = format!("{}: {} lines passed on", kept.sink, kept.sent);
    if 0 < kept.refused {
        text.push_str(&format!(", {} refused", kept.refused));
    }
    if 0 < kept.gaps {
        let times = if kept.gaps == 1 { "once" } else { &format!("{} times", kept.gaps) };
        text.push_str(&format!(", lines lost {times}: their file was gone"));
    }
    match (&kept.trouble, kept.since) {
        (Some(why), Some(since)) => {
            let since = ostler_logs::date(since, "YYYY-MM-DD HH:mm:ss");
            text.push_str(&format!("; waits since {since}: {why}"));
        }
        (Some(why), None) => text.push_str(&format!("; the last were refused: {why}")),
        (None, _) => {}
    }
    text
}

/// Returns who has the address that a process says it could not have, and what frees it.
fn taken(
    session: &mut Session,
    process: &ProcView,
    line: &String,
) -> Option<(String, Option<String>)> {
    // One that listens again has what it wanted.
    if process.phase == Phase::Online && !process.listens.is_empty() {
        return None;
    }
    let Taken { sentence, hint } = holder::taken(session, process.id, std::slice::from_ref(line))?;
    Some((sentence, hint))
}

/// Returns the names of variables that the caller has with another value.
fn other_env(details: &[Details], local: &BTreeMap<String, String>) -> Vec<String> {
    let Some(first) = details.first() else { return Vec::new() };
    let differs = |(name, value): &(&String, &String)| {
        *name != "_" && local.get(*name).is_some_and(|here| here != *value)
    };
    first.env.iter().filter(differs).map(|(name, _)| name.clone()).collect()
}

fn ask(session: &mut Session, id: u32) -> Result<Box<Details>, Failed> {
    match session.ask(&Request::Describe { id })? {
        Answer::Reply(Reply::Describe(details)) => Ok(details),
        other => Err(unexpected(&other)),
    }
}

fn pm2(session: &mut Session) -> Result<(), Failed> {
    let word = session.args.word().to_owned();
    let ids = match session.ask(&Request::Find { word: word.clone() })? {
        Answer::Reply(Reply::Found { ids }) => ids,
        other => return Err(unexpected(&other)),
    };
    if ids.is_empty() {
        return Err(Problem::NotDescribed { word }.into());
    }
    let local = caller::environment();
    for id in ids {
        let details = ask(session, id)?;
        let text =
            view::describe(&details, &local, session.program, view::now(), session.out.paint);
        session.out.screen(text.trim_end_matches('\n'));
    }
    Ok(())
}
