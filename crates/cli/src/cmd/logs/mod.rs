//! `logs`: the last lines of the files, then each new line as it is written.

mod files;
mod follow;
mod format;
mod query;
mod tail;
mod target;
mod words;

use std::ops::ControlFlow;
use std::time::Duration;

use ostler_client::{Trouble, follow};
use ostler_wire::control::{Event, LogLine, ProcView, Request};

use crate::args::FlagId;
use crate::caller;
use crate::failed::Failed;
use crate::output::Output;
use crate::program::Program;
use crate::reader::end_with_reader;
use crate::session::Session;
use crate::voice::Notice;
use files::Files;
use follow::Follower;
pub(in crate::cmd) use format::{Form, Writer};
use query::{Cursor, Query};
use target::Target;

/// Lines of each file that are shown first, unless the options say otherwise.
const LINES: usize = 15;

/// Lines that wait are written before files are read, unless that takes longer.
const WRITING: Duration = Duration::from_secs(1);

/// Runs the command `logs`.
pub(super) fn run(session: &mut Session) -> Result<(), Failed> {
    let word = session.args.words.first().cloned().unwrap_or_else(|| "all".to_owned());
    let mut writer = Writer::new(session);
    let list = session.known()?;
    let target = Target::of_word(session, word, &list)?;
    let lines = lines(session)?;
    let query = Query::of(session, lines)?;
    let goes_on = query.as_ref().is_none_or(Query::goes_on);
    let ends = session.has(FlagId::NoStream) || is_for_agent(session);
    let is_without_manager = session.is_without_manager();
    let waits = !ends && goes_on && !is_without_manager;
    if target.ids.is_empty() && !target.daemon {
        target::nobody(session, &target, &list, waits)?;
    }
    have_written(session, &target);
    writer.make_room(list.iter().filter(|of| target.ids.contains(&of.id)).map(label));
    // A program reads these two: lines of the past, whose time nobody knows, would only be in its
    // way.
    let for_programs = matches!(writer.form, Form::Json | Form::Pairs) && waits;
    let lines = lines.unwrap_or(LINES);
    let cursor = match with_cursors(query, &writer, lines, waits) {
        Some(query) => {
            let files = Files::of(session, &target, &list, &writer)?;
            let read = query::show(&mut session.out, &writer, files.lent(), &query)?;
            Some((query, files, read))
        }
        None if writer.wants_cursors() || lines == 0 && !waits => {
            let files = Files::of(session, &target, &list, &writer)?;
            let ends = tail::ends(&files.sources, waits);
            Some((Query::default().with_places(waits), files, ends))
        }
        None if 0 < lines && !for_programs => {
            let ends = tail::show(session, &target, &list, lines, &writer);
            if !waits {
                tell_cursor(session, &ends);
            }
            None
        }
        None => None,
    };
    if is_without_manager && !ends && goes_on {
        // What the files have was shown; nobody writes more.
        return Err(session.no_daemon());
    }
    if waits {
        return match cursor {
            Some((query, files, read)) => {
                let follower = Follower::new(&query, files, read);
                stream(session, target, writer, Some((&query, follower)))
            }
            None => stream(session, target, writer, None),
        };
    }
    if let Some((_, _, read)) = cursor.filter(|(query, ..)| query.tells_places()) {
        tell_cursor(session, &read);
    }
    Ok(())
}

/// Has the daemon write what waits to be written (`log_buffer`), if it can.
fn have_written(session: &mut Session, target: &Target) {
    if !target.ids.is_empty() {
        session.ask_soon(&Request::Unwritten { ids: target.ids.clone() }, WRITING);
    }
}

/// The query, also where none is asked for but its cursors are.
fn with_cursors(query: Option<Query>, writer: &Writer, lines: usize, waits: bool) -> Option<Query> {
    let of_each = || Query::of_each_file(lines).with_places(false);
    let wanted = writer.wants_cursors() && !waits && 0 < lines;
    query.map(|query| query.with_places(waits)).or_else(|| wanted.then(of_each))
}

/// How many lines are asked for.
fn lines(session: &Session) -> Result<Option<usize>, Failed> {
    let number = |text: &str| {
        text.parse().map_err(|_| Failed::misuse(format!("`--lines {text}` is not a number")))
    };
    session.args.value(FlagId::Lines).map(number).transpose()
}

/// Whether a coding agent reads the lines, which waits for the end of the command: it is told what
/// is there, and how to go on.
fn is_for_agent(session: &Session) -> bool {
    let reads = session.program == Program::Ostler && !session.out.terminal;
    reads && !session.has(FlagId::LogsFollow) && caller::is_agent()
}

/// Says with which cursor the command goes on behind what it has printed; PM2 knows none.
fn tell_cursor(session: &mut Session, cursor: &Cursor) {
    if session.program == Program::Ostler {
        session.out.aside(&format!("-- cursor: {cursor}\n"));
    }
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
    stream(session, Target::everything(), writer, None)
}

/// What the daemon is asked for.
fn subscription(target: &Target, form: Form, places: bool) -> Request {
    let ids = if target.is_id() { target.ids.clone() } else { Vec::new() };
    let both = target.out && target.err;
    let events = both && form == Form::Json;
    // As PM2: its own lines with those of all. Whoever reads objects or bytes of apps gets the
    // daemon's only when they are asked for by name.
    let own =
        both && (target.daemon || target.all() && matches!(form, Form::Labelled | Form::Pairs));
    let (out, err) = (target.out, target.err);
    Request::Logs { ids, out, err, events, own, confirm: places, patient: false, places }
}

fn stream(
    session: &mut Session,
    mut target: Target,
    mut writer: Writer,
    from: Option<(&Query, Follower<'_>)>,
) -> Result<(), Failed> {
    let home = session.home.clone();
    let client = session.take_client()?;
    session.out.flush()?;
    end_with_reader()
        .map_err(|error| Failed::new(format!("cannot wait for the reader: {error}")))?;
    let (query, mut follower) = from.map_or((None, None), |(query, of)| (Some(query), Some(of)));
    let request = subscription(&target, writer.form, follower.is_some());
    let is_exact = follower.is_some();
    let wants = |text: &str| query.is_none_or(|query| query.matches(text.as_bytes()));
    let mut end = Ok(());
    let session = std::cell::RefCell::new(session);
    let result = follow(
        client,
        &home,
        &request,
        |event| {
            let session = &mut **session.borrow_mut();
            let mut handled = Ok(());
            if let Event::Log(LogLine { id, .. }) | Event::Process { id, .. } = &event {
                target.meet(session, *id);
            }
            let target = &target;
            match event {
                Event::Log(line) if target.includes(line.id, &line.name) => match &mut follower {
                    Some(follower) => {
                        handled = follower.line(session, target, &mut writer, line);
                    }
                    None if wants(&line.text) => {
                        writer.line(&mut session.out, &line, (false, None));
                    }
                    None => {}
                },
                Event::Following { .. } => {
                    if let Some(follower) = &mut follower {
                        handled = follower.join(session, target, &writer);
                    }
                }
                Event::Process { id, name, what, at } if target.includes(id, &name) => {
                    writer.event(&mut session.out, &name, what, at);
                }
                Event::Own { at, text } if wants(&text) => {
                    writer.own(&mut session.out, at, &text);
                }
                Event::Warning { text, .. } => session.out.warn_aside(&text),
                _ => {}
            }
            end = handled.and_then(|()| session.out.flush());
            if end.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        },
        |trouble| on_trouble(&mut session.borrow_mut().out, trouble, is_exact),
    );
    end?;
    result.map(drop).map_err(Failed::from)
}

fn on_trouble(out: &mut Output, trouble: Trouble, is_exact: bool) {
    match trouble {
        // What is missing is read from the files as soon as the next one tells of lines.
        Trouble::Lost if is_exact => {}
        Trouble::Lost => out.warn_aside(
            "the daemon was replaced; a few lines may be missing here, they are in the files",
        ),
        Trouble::DaemonsEnd => out.tell(&Notice::DaemonsEnd),
        Trouble::Silent(silence) => out.waits(&silence.meanwhile()),
    }
}
