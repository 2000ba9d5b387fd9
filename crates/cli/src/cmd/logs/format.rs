//! How a line is printed, of the past or just arrived.

mod object;

use ostler_text::shown;
use ostler_wire::control::{Lifecycle, LogLine};
use serde_json::{Value, json};

use self::object::{is_object_of_a_line, iso, merged, object, with_cursor, with_key};
use super::query::Cursor;
use super::words::Words;
use crate::args::{CommandId, FlagId};
use crate::cmd::told;
use crate::output::Output;
use crate::paint::{Ink, Paint};
use crate::program::Program;
use crate::session::Session;
use crate::show::Asked;
use crate::view::columns;

/// Date before a line, when no format is given.
const DATE: &str = "YYYY-MM-DD-HH:mm:ss";

/// The time before a line with `--no-daemon`, as PM2 has it.
const TIME: &str = "HH:mm:ss";

/// How a line is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cmd) enum Form {
    /// A label and the text: `app:0 | text`.
    Labelled,
    /// The text alone.
    Raw,
    /// One JSON object.
    Json,
    /// Pairs: `timestamp=… app=…`.
    Pairs,
}

/// The process that wrote a line of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Author {
    /// The daemon itself.
    Daemon,
    /// An app, on its standard error if `err`.
    App { id: u32, name: String, err: bool },
}

/// A line of a file.
pub(super) struct Past<'l> {
    /// Its text, with what stands before it.
    pub(super) line: &'l str,
    /// How many bytes at its front are a date that the manager put there.
    pub(super) prefix: usize,
    /// When it was written, if that is known.
    pub(super) at: Option<u64>,
    /// Its end was not written yet.
    pub(super) is_part: bool,
}

/// Prints lines in one form.
#[derive(Debug)]
pub(in crate::cmd) struct Writer {
    /// The form of each line.
    pub(in crate::cmd) form: Form,
    /// A label is `app-0`, as `pm2-dev` has it.
    pub(in crate::cmd) name_first: bool,
    /// What is said around the lines.
    pub(super) words: Words,
    date: Option<String>,
    highlight: Option<String>,
    paint: Paint,
    /// What a program wants of each object.
    asked: Option<Asked>,
    /// The widest label so far, in columns.
    widest: usize,
}

impl Writer {
    /// The writer that the options ask for.
    pub(in crate::cmd) fn new(session: &Session) -> Self {
        let words = Words(session.program);
        let asked = asked(session);
        let form = if asked.is_some() || session.has(FlagId::Json) {
            Form::Json
        } else if session.has(FlagId::Format) {
            Form::Pairs
        } else if session.has(FlagId::Raw) || is_raw_by_itself(session) {
            Form::Raw
        } else {
            Form::Labelled
        };
        let args = &session.args;
        let usual = if args.has(FlagId::NoDaemon) { TIME } else { DATE };
        let dated = args.has(FlagId::Timestamp) || args.has(FlagId::NoDaemon);
        let date = dated.then(|| args.value(FlagId::Timestamp).unwrap_or(usual).to_owned());
        let highlight =
            args.value(FlagId::Highlight).filter(|text| !text.is_empty()).map(str::to_owned);
        Self {
            form,
            name_first: false,
            words,
            date,
            highlight,
            paint: session.out.paint,
            asked,
            widest: 0,
        }
    }

    /// Makes room for the labels of these processes, in our form, from the first line on. PM2's
    /// labels grow as lines come.
    pub(super) fn make_room<'l>(&mut self, authors: impl Iterator<Item = (u32, &'l str)>) {
        if let Words(Program::Ostler) = self.words {
            let widths = authors.map(|(id, name)| columns(&self.words.label(id, name)));
            self.widest = self.widest.max(widths.max().unwrap_or(0));
        }
    }

    /// Prints one line. `is_object`: objects of the app are shown as they stand in its files.
    pub(in crate::cmd) fn line(
        &mut self,
        out: &mut Output,
        line: &LogLine,
        (is_object, cursor): (bool, Option<&Cursor>),
    ) {
        if 0 < line.dropped {
            let plural = if line.dropped == 1 { "line was" } else { "lines were" };
            out.warn_aside(&format!(
                "{} {plural} left out here: this reader is too slow (they are in the files)",
                line.dropped
            ));
        }
        // As PM2: a line without text is not shown.
        if line.text.is_empty() {
            return;
        }
        let merged = if is_object && self.form == Form::Json { merged(line) } else { None };
        let text = with_cursor(merged.unwrap_or_else(|| self.render(line)), cursor);
        let text = self.asked_of(text);
        if self.form == Form::Raw && line.err { out.data_aside(&text) } else { out.data(&text) }
    }

    /// Prints what happened to a process. Only objects have a shape for it; the daemon's own lines
    /// say it to people.
    pub(in crate::cmd) fn event(&self, out: &mut Output, name: &str, what: Lifecycle, at: u64) {
        if self.form == Form::Json {
            let at = iso(at);
            let object = json!({
                "timestamp": at,
                "type": "process_event",
                "status": what.as_str(),
                "app_name": name,
            });
            // Who names fields of lines has no use for an object that has none of them.
            if self.asked.as_ref().is_none_or(|asked| asked.names("status")) {
                out.data(&self.asked_of(format!("{object}\n")));
            }
        }
    }

    /// Returns what a program wants of an object of a line.
    fn asked_of(&self, text: String) -> String {
        match &self.asked {
            Some(asked @ Asked::Json(_)) => {
                let object: Value = serde_json::from_str(&text).unwrap_or_default();
                format!("{}\n", asked.of(&object))
            }
            Some(Asked::Whole | Asked::Lines(_)) | None => text,
        }
    }

    /// Prints a line of the daemon's own.
    pub(super) fn own(&mut self, out: &mut Output, at: u64, text: &str) {
        let text = self.render_own(at, text);
        let text = self.asked_of(text);
        out.data(&text);
    }

    fn render_own(&mut self, at: u64, text: &str) -> String {
        let (text, daemon) = (self.words.own_line(text), self.words.daemon());
        match self.form {
            Form::Raw => format!("{text}\n"),
            Form::Json => object(&text, &iso(at), "out", &daemon.into(), daemon),
            Form::Pairs => {
                format!(
                    "timestamp={} app={} message={text}\n",
                    ostler_logs::date(at, "YYYY-MM-DD-HH:mm:ssZZ"),
                    daemon.to_lowercase()
                )
            }
            Form::Labelled => {
                let label = self.label(self.words.daemon_width(), daemon, Ink::Blue, at);
                text.lines().map(|line| format!("{label}{}\n", self.highlighted(line))).collect()
            }
        }
    }

    /// Returns what stands before a line, as wide as the widest of `whole` so far.
    fn label(&mut self, whole: usize, label: &str, ink: Ink, at: u64) -> String {
        self.widest = self.widest.max(whole);
        let label = padded(label, self.words.width(self.widest));
        let label = self.paint.ink(&[ink], &format!("{label} | "));
        let date = self.date.as_ref().map_or(String::new(), |format| {
            self.paint.ink(&[Ink::Dim, Ink::Grey], &format!("{} ", ostler_logs::date(at, format)))
        });
        format!("{date}{label}")
    }

    /// Prints a line of a file, whose time nobody knows.
    pub(super) fn past(&self, out: &mut Output, author: &Author, line: &str) {
        let text = self.asked_of(self.render_past(author, line));
        let aside = self.form == Form::Raw && matches!(author, Author::App { err: true, .. });
        if aside { out.data_aside(&text) } else { out.data(&text) }
    }

    /// Whether the form of lines shows when they were written.
    pub(super) fn wants_times(&self) -> bool {
        matches!(self.form, Form::Json | Form::Pairs)
    }

    /// Whether each object of a line has the cursor that goes on behind it. PM2's have none.
    pub(super) fn wants_cursors(&self) -> bool {
        self.form == Form::Json && self.words.0 == Program::Ostler
    }

    /// Prints a line that was found in a file.
    pub(super) fn found(
        &self,
        out: &mut Output,
        author: &Author,
        past: &Past<'_>,
        cursor: Option<&Cursor>,
    ) {
        let (line, at) = (past.line, past.at);
        let text = line.get(past.prefix..).unwrap_or(line);
        let own = |daemon: &str| (daemon.to_owned(), Value::from(daemon), false);
        let (name, id, err) = match author {
            Author::Daemon => own(self.words.daemon()),
            Author::App { id, name, err } => (name.clone(), (*id).into(), *err),
        };
        match self.form {
            Form::Json if !is_object_of_a_line(text) => {
                let kind = if err { "err" } else { "out" };
                let object = object(text, &at.map_or(Value::Null, iso), kind, &id, &name);
                let object = if past.is_part && self.wants_cursors() {
                    with_key(object, r#""partial":true"#)
                } else {
                    object
                };
                out.data(&self.asked_of(with_cursor(object, cursor)));
            }
            Form::Json => {
                let object = with_cursor(self.render_past(author, text), cursor);
                out.data(&self.asked_of(object));
            }
            Form::Pairs => {
                let at = at.map(|at| ostler_logs::date(at, "YYYY-MM-DD-HH:mm:ssZZ"));
                let at = at.map_or_else(String::new, |at| format!("timestamp={at} "));
                out.data(&format!("{at}{}", self.render_past(author, text)));
            }
            Form::Raw | Form::Labelled => self.past(out, author, &self.highlighted(line)),
        }
    }

    fn render_past(&self, author: &Author, line: &str) -> String {
        let own = matches!(author, Author::Daemon).then(|| self.words.own_line_of_file(line));
        let (line, daemon) = (own.as_deref().unwrap_or(line), self.words.daemon());
        let ink = match author {
            Author::Daemon => Ink::Blue,
            Author::App { err: false, .. } => Ink::Green,
            Author::App { err: true, .. } => Ink::Red,
        };
        match (self.form, author) {
            (Form::Raw, _) => format!("{line}\n"),
            (Form::Labelled, _) => {
                let label = match author {
                    Author::Daemon => daemon.to_owned(),
                    Author::App { id, name, .. } => self.words.past_label(*id, name),
                };
                let label = padded(&label, self.words.past_width(self.widest));
                format!("{}{line}\n", self.paint.ink(&[ink], &format!("{label} | ")))
            }
            // A file in JSON form (`log_type: "json"`) says more than we know.
            (Form::Json, _) if is_object_of_a_line(line) => format!("{line}\n"),
            (Form::Json, Author::Daemon) => {
                object(line, &Value::Null, "out", &daemon.into(), daemon)
            }
            (Form::Json, Author::App { id, name, err }) => {
                object(line, &Value::Null, if *err { "err" } else { "out" }, &(*id).into(), name)
            }
            (Form::Pairs, Author::Daemon) => {
                format!("app={} message={line}\n", daemon.to_lowercase())
            }
            (Form::Pairs, Author::App { id, name, err }) => {
                let (name, kind) = (shown(name), if *err { "error" } else { "out" });
                format!("app={name} id={id} type={kind} message={line}\n")
            }
        }
    }

    fn render(&mut self, line: &LogLine) -> String {
        match self.form {
            Form::Raw => format!("{}\n", line.text),
            Form::Json => {
                let kind = if line.err { "err" } else { "out" };
                object(&line.text, &iso(line.at), kind, &line.id.into(), &line.name)
            }
            Form::Pairs => {
                let kind = if line.err { "error" } else { "out" };
                let at = ostler_logs::date(line.at, "YYYY-MM-DD-HH:mm:ssZZ");
                format!(
                    "timestamp={at} app={} id={} type={kind} message={}\n",
                    shown(&line.name),
                    line.id,
                    line.text
                )
            }
            Form::Labelled => {
                let label = if self.name_first {
                    format!("{}-{}", shown(&line.name), line.id)
                } else {
                    self.words.label(line.id, &line.name)
                };
                let ink = if line.err { Ink::Red } else { Ink::Green };
                let label = self.label(columns(&label), &label, ink, line.at);
                format!("{label}{}\n", self.highlighted(&line.text))
            }
        }
    }

    fn highlighted(&self, text: &str) -> String {
        match self
            .highlight
            .as_ref()
            .and_then(|mark| text.split_once(mark.as_str()).map(|parts| (mark, parts)))
        {
            Some((mark, (before, after))) => {
                format!("{before}{}{after}", self.paint.ink(&[Ink::OnGrey], mark))
            }
            None => text.to_owned(),
        }
    }
}

/// Returns what a program asked for of lines; what it asks of processes is something else.
fn asked(session: &Session) -> Option<Asked> {
    let command = session.args.command.map(|command| command.id);
    match command {
        // It was refused before, where it cannot be meant.
        Some(CommandId::Logs | CommandId::Run) => told::asked(session).ok().flatten(),
        Some(_) | None => None,
    }
}

/// Whether the command prints lines as they are unless it is told otherwise.
fn is_raw_by_itself(session: &Session) -> bool {
    let is_run = session.args.command.is_some_and(|command| command.id == CommandId::Run);
    is_run && !session.has(FlagId::Formatted)
}

/// Returns the label with blanks up to this many columns.
fn padded(label: &str, width: usize) -> String {
    format!("{label}{}", " ".repeat(width.saturating_sub(columns(label))))
}

#[cfg(test)]
mod tests;
