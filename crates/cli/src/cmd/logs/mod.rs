//! `logs`: the last lines of the files, then each new line as it is written.

mod format;
mod tail;
mod target;
mod words;

use ostler_client::{Step, Trouble, follow};
use ostler_wire::control::{Event, ProcView, Request};

use crate::args::FlagId;
use crate::failed::Failed;
use crate::reader::end_with_reader;
use crate::session::Session;
use crate::voice::Notice;
pub(in crate::cmd) use format::{Form, Writer};
use target::Target;

/// Lines of each file that are shown first, unless the options say otherwise.
const LINES: usize = 15;

/// Runs the command `logs`.
pub(super) fn run(session: &mut Session) -> Result<(), Failed> {
    let word = session.args.words.first().cloned().unwrap_or_else(|| "all".to_owned());
    let mut writer = Writer::new(session);
    let list = session.known()?;
    let target = Target::of_word(session, word, &list)?;
    let lines = match session.args.value(FlagId::Lines) {
        None => LINES,
        Some(text) => {
            text.parse().map_err(|_| Failed::misuse(format!("`--lines {text}` is not a number")))?
        }
    };
    let waits = !session.has(FlagId::NoStream);
    if target.ids.is_empty() && !target.daemon {
        target::nobody(session, &target, &list, waits)?;
    }
    writer.make_room(list.iter().filter(|of| target.ids.contains(&of.id)).map(label));
    // A program reads these two: lines of the past, whose time nobody knows, would only be in its
    // way.
    let for_programs = matches!(writer.form, Form::Json | Form::Pairs) && waits;
    if 0 < lines && !for_programs {
        tail::show(session, &target, &list, lines, &writer);
    }
    if waits { stream(session, &target, writer) } else { Ok(()) }
}

fn label(process: &ProcView) -> (u32, &str) {
    (process.id, &process.name)
}

/// Streams the logs of everything after `start` and `restart`, if `--attach` asks for it.
pub(super) fn attach(session: &mut Session) -> Result<(), Failed> {
    if !session.has(FlagId::Attach) {
        return Ok(());
    }
    let mut writer = Writer::new(session);
    writer.make_room(session.known()?.iter().map(label));
    stream(session, &Target::everything(), writer)
}

fn stream(session: &mut Session, target: &Target, mut writer: Writer) -> Result<(), Failed> {
    let home = session.home.clone();
    let client = session.take_client()?;
    let out = &mut session.out;
    out.flush()?;
    end_with_reader()
        .map_err(|error| Failed::new(format!("cannot wait for the reader: {error}")))?;
    let ids = if target.is_id() { target.ids.clone() } else { Vec::new() };
    let both = target.out && target.err;
    let events = both && writer.form == Form::Json;
    // As PM2: its own lines with those of all. Whoever reads objects or bytes of apps gets the
    // daemon's only when they are asked for by name.
    let own = both
        && (target.daemon || target.all() && matches!(writer.form, Form::Labelled | Form::Pairs));
    let request = Request::Logs {
        ids,
        out: target.out,
        err: target.err,
        events,
        own,
        confirm: false,
        patient: false,
    };
    let mut end = Ok(());
    let out = std::cell::RefCell::new(out);
    let result = follow(
        client,
        &home,
        &request,
        |event| {
            let out = &mut **out.borrow_mut();
            match event {
                Event::Log(line) if target.includes(line.id, &line.name) => writer.line(out, &line),
                Event::Process { id, name, what, at } if target.includes(id, &name) => {
                    writer.event(out, &name, what, at);
                }
                Event::Own { at, text } => writer.own(out, at, &text),
                Event::Warning { text } => out.warn_aside(&text),
                _ => {}
            }
            end = out.flush();
            if end.is_ok() { Step::Continue } else { Step::Stop }
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
