//! `logs`: the last lines of the files, then each new line as it is written.

mod format;
mod query;
mod tail;
mod target;
mod words;

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use ostler_client::{Trouble, follow};
use ostler_logs::Names;
use ostler_pm2::rotation::Rules;
use ostler_wire::control::{Event, ProcView, Request};
use serde_json::Value;

use super::jlist;
use crate::args::FlagId;
use crate::failed::Failed;
use crate::reader::end_with_reader;
use crate::session::Session;
use crate::settings_file::SettingsFile;
use crate::voice::Notice;
use format::Author;
pub(in crate::cmd) use format::{Form, Writer};
use query::{Query, Source};
use target::Target;

/// Lines of each file that are shown first, unless the options say otherwise.
const LINES: usize = 15;

/// Runs the command `logs`.
pub(super) fn run(session: &mut Session) -> Result<(), Failed> {
    let word = session.args.words.first().cloned().unwrap_or_else(|| "all".to_owned());
    let mut writer = Writer::new(session);
    let list = session.known()?;
    let target = Target::of_word(session, word, &list)?;
    let number = |text: &str| {
        text.parse().map_err(|_| Failed::misuse(format!("`--lines {text}` is not a number")))
    };
    let lines: Option<usize> = session.args.value(FlagId::Lines).map(number).transpose()?;
    let query = Query::of(session, lines)?;
    let goes_on = query.as_ref().is_none_or(Query::goes_on);
    let waits = !session.has(FlagId::NoStream) && goes_on;
    if target.ids.is_empty() && !target.daemon {
        target::nobody(session, &target, &list, waits)?;
    }
    writer.make_room(list.iter().filter(|of| target.ids.contains(&of.id)).map(label));
    // A program reads these two: lines of the past, whose time nobody knows, would only be in its
    // way.
    let for_programs = matches!(writer.form, Form::Json | Form::Pairs) && waits;
    let lines = lines.unwrap_or(LINES);
    match &query {
        Some(query) => look(session, (&target, &list), &writer, query)?,
        None if 0 < lines && !for_programs => {
            tail::show(session, &target, &list, lines, &writer);
        }
        None => {}
    }
    if waits { stream(session, &target, writer, query.as_ref()) } else { Ok(()) }
}

/// Prints what the files hold of what is looked for.
fn look(
    session: &mut Session,
    (target, list): (&Target, &[ProcView]),
    writer: &Writer,
    query: &Query,
) -> Result<(), Failed> {
    let formats = date_formats(session, list)?;
    let settings = SettingsFile::of(&session.home).read()?;
    let named = Rules::of(&settings).names.and_then(|format| Names::new(&format).ok());
    let names: Vec<Names> = named.into_iter().chain([Names::default()]).collect();
    let times = ostler_logs::times::folder(session.home.path());
    let own = tail::own(session, target, writer);
    let source = |of: tail::Source| {
        let format = match &of.author {
            Author::Daemon => None,
            Author::App { id, .. } => formats.get(id).cloned(),
        };
        Source { path: of.path, author: of.author, format, times: times.clone() }
    };
    let sources: Vec<Source> =
        own.into_iter().chain(tail::sources(target, list)).map(source).collect();
    query::show(&mut session.out, writer, (&sources, &names), query)
}

/// Returns the date that is put before each line of a process, by id.
fn date_formats(session: &mut Session, list: &[ProcView]) -> Result<BTreeMap<u32, String>, Failed> {
    if list.is_empty() {
        return Ok(BTreeMap::new());
    }
    let of_all: Vec<Value> = serde_json::from_slice(&jlist::ask(session)?).unwrap_or_default();
    let format = |of: &Value| {
        let id = of.get("pm_id")?.as_u64()?.try_into().ok()?;
        Some((id, of.get("pm2_env")?.get("log_date_format")?.as_str()?.to_owned()))
    };
    Ok(of_all.iter().filter_map(format).filter(|(_, format)| !format.is_empty()).collect())
}

fn label(process: &ProcView) -> (u32, &str) {
    (process.id, &process.name)
}

/// Streams the logs of everything after `start` and `restart`, if `--attach` asks for it.
pub(super) fn attach(session: &mut Session) -> Result<(), Failed> {
    if !session.has(FlagId::Attach) {
        return Ok(());
    }
    session.out.end();
    let mut writer = Writer::new(session);
    writer.make_room(session.known()?.iter().map(label));
    stream(session, &Target::everything(), writer, None)
}

/// What the daemon is asked for.
fn subscription(target: &Target, form: Form) -> Request {
    let ids = if target.is_id() { target.ids.clone() } else { Vec::new() };
    let both = target.out && target.err;
    let events = both && form == Form::Json;
    // As PM2: its own lines with those of all. Whoever reads objects or bytes of apps gets the
    // daemon's only when they are asked for by name.
    let own =
        both && (target.daemon || target.all() && matches!(form, Form::Labelled | Form::Pairs));
    let (out, err) = (target.out, target.err);
    Request::Logs { ids, out, err, events, own, confirm: false, patient: false }
}

fn stream(
    session: &mut Session,
    target: &Target,
    mut writer: Writer,
    query: Option<&Query>,
) -> Result<(), Failed> {
    let home = session.home.clone();
    let client = session.take_client()?;
    let out = &mut session.out;
    out.flush()?;
    end_with_reader()
        .map_err(|error| Failed::new(format!("cannot wait for the reader: {error}")))?;
    let request = subscription(target, writer.form);
    let wants = |text: &str| query.is_none_or(|query| query.matches(text.as_bytes()));
    let mut end = Ok(());
    let out = std::cell::RefCell::new(out);
    let result = follow(
        client,
        &home,
        &request,
        |event| {
            let out = &mut **out.borrow_mut();
            match event {
                Event::Log(line) if target.includes(line.id, &line.name) && wants(&line.text) => {
                    writer.line(out, &line);
                }
                Event::Process { id, name, what, at } if target.includes(id, &name) => {
                    writer.event(out, &name, what, at);
                }
                Event::Own { at, text } if wants(&text) => writer.own(out, at, &text),
                Event::Warning { text } => out.warn_aside(&text),
                _ => {}
            }
            end = out.flush();
            if end.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        },
        |trouble| match trouble {
            Trouble::Lost => out.borrow_mut().warn_aside(
                "the daemon was replaced; a few lines may be missing here, they are in the files",
            ),
            Trouble::DaemonsEnd => out.borrow_mut().tell(&Notice::DaemonsEnd),
        },
    );
    end?;
    result?;
    Ok(())
}
