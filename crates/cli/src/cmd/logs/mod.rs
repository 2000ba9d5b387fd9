//! `logs`: the last lines of the files, then each new line as it is written.

mod format;
mod tail;

use std::collections::BTreeSet;

use ostler_client::{Step, follow};
use ostler_wire::control::{Event, ProcView, Request};

use crate::apps;
use crate::args::FlagId;
use crate::failed::Failed;
use crate::select::{self, NoPick, is_pattern, pattern};
use crate::session::Session;
use format::{Form, Writer};

/// Lines shown first when nothing else is said.
const LINES: usize = 15;

/// The word for the daemon's own lines, as PM2 has it.
const DAEMON: &str = "PM2";
/// Names that are said, of those that there are.
const NAMES: usize = 10;

/// What is shown.
#[derive(Debug)]
struct Wanted {
    /// The word that chose the processes.
    word: String,
    /// Ids it means now.
    ids: Vec<u32>,
    /// The word as an id, where no process has it yet.
    later: Option<u32>,
    /// The expression in the word, if it is one.
    pattern: Option<regex_lite::Regex>,
    out: bool,
    err: bool,
}

/// `logs`
pub(super) fn run(session: &mut Session) -> Result<(), Failed> {
    let word = session.args.words.first().cloned().unwrap_or_else(|| "all".to_owned());
    let writer = Writer::new(session)?;
    session.plain_data = writer.form != Form::Labelled;
    let list = session.list()?;
    let wanted = wanted(session, word, &list)?;
    let lines = match session.args.value(FlagId::Lines) {
        None => LINES,
        Some(text) => {
            text.parse().map_err(|_| Failed::new(format!("`--lines {text}` is not a number")))?
        }
    };
    let still = session.has(FlagId::NoStream);
    if wanted.ids.is_empty() && wanted.word != DAEMON {
        say_nobody(session, &wanted.word, &list, still);
    }
    // A program reads these two: lines of the past, whose time nobody knows, would only be in its
    // way.
    let machine = matches!(writer.form, Form::Json | Form::Pairs) && !still;
    if 0 < lines && !machine {
        tail::show(session, &wanted, &list, lines, &writer);
    }
    if still {
        return Ok(());
    }
    stream(session, &wanted, writer)
}

/// After `start` and `restart` with `--attach`: the logs of everything.
pub(super) fn attach(session: &mut Session) -> Result<(), Failed> {
    if !session.has(FlagId::Attach) {
        return Ok(());
    }
    let wanted = Wanted {
        word: "all".to_owned(),
        ids: Vec::new(),
        later: None,
        pattern: None,
        out: true,
        err: true,
    };
    let writer = Writer::new(session)?;
    stream(session, &wanted, writer)
}

fn wanted(session: &mut Session, word: String, list: &[ProcView]) -> Result<Wanted, Failed> {
    let program = session.program.name();
    let (ids, later) = match select::select(&word, list, &apps::cwd()?) {
        Ok(picked) => (picked.ids, None),
        Err(none @ NoPick::Pattern(_)) => return Err(none.say(&mut session.out, program)),
        // As PM2: an app of this name may come yet.
        Err(NoPick::Empty | NoPick::Name(_)) => (Vec::new(), None),
        Err(NoPick::Id(id)) => (Vec::new(), id.parse().ok()),
    };
    let pattern = if is_pattern(&word) { pattern(&word).ok() } else { None };
    let (out, err) = (session.has(FlagId::Out), session.has(FlagId::Err));
    Ok(Wanted { word, ids, later, pattern, out: out || !err, err: err || !out })
}

/// The word means no process: who waits for lines must know that there may never be any, and what
/// else there is.
fn say_nobody(session: &mut Session, word: &str, list: &[ProcView], still: bool) {
    let what = if word == "all" {
        "there is no process".to_owned()
    } else if is_pattern(word) {
        format!("no process has a name that matches `{word}`")
    } else {
        format!("no process has the name, namespace or id `{word}`")
    };
    let names: BTreeSet<&str> = list.iter().map(|process| process.name.as_str()).collect();
    let mut there = names.iter().take(NAMES).copied().collect::<Vec<_>>().join(", ");
    if NAMES < names.len() {
        there.push_str(&format!(" and {} more", names.len() - NAMES));
    }
    let there = if names.is_empty() { String::new() } else { format!("; there are: {there}") };
    let yet = if still { "" } else { " yet; its lines are shown as soon as there is one" };
    session.out.warn_aside(&format!("{what}{yet}{there}"));
}

impl Wanted {
    fn all(&self) -> bool {
        self.word == "all"
    }

    fn wants(&self, id: u32, name: &str) -> bool {
        self.all()
            || self.ids.contains(&id)
            || self.later == Some(id)
            || name == self.word
            || self.pattern.as_ref().is_some_and(|pattern| pattern.is_match(name))
    }
}

fn stream(session: &mut Session, wanted: &Wanted, mut writer: Writer) -> Result<(), Failed> {
    let home = session.home.clone();
    let client = session.take_client()?;
    let out = &mut session.out;
    out.flush()?;
    // Only an id can be left to the daemon: processes of a name may be added while this runs.
    let numeric = wanted.word.bytes().all(|byte| byte.is_ascii_digit()) && !wanted.ids.is_empty();
    let ids = if numeric { wanted.ids.clone() } else { Vec::new() };
    let whole = wanted.out && wanted.err;
    let events = whole && writer.form == Form::Json;
    // As PM2: its own lines with those of all. Who reads objects or bytes of apps gets them only
    // when asked by name.
    let own = whole
        && (wanted.word == DAEMON
            || wanted.all() && matches!(writer.form, Form::Labelled | Form::Pairs));
    let request = Request::Logs { ids, out: wanted.out, err: wanted.err, events, own };
    let mut end = Ok(());
    let out = std::cell::RefCell::new(out);
    let result = follow(
        client,
        &home,
        &request,
        |event| {
            let out = &mut **out.borrow_mut();
            match event {
                Event::Log(line) if wanted.wants(line.id, &line.name) => writer.line(out, &line),
                Event::Process { id, name, what, at } if wanted.wants(id, &name) => {
                    writer.event(out, &name, what, at);
                }
                Event::Own { at, text } => writer.own(out, at, &text),
                Event::Warning { text } => out.warn_aside(&text),
                _ => {}
            }
            end = out.flush();
            if end.is_ok() { Step::Continue } else { Step::Stop }
        },
        || {
            out.borrow_mut().warn_aside(
                "the daemon was replaced; a few lines may be missing here, they are in the files",
            );
        },
    );
    end?;
    result?;
    Ok(())
}
