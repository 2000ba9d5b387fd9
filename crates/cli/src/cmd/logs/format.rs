//! How a line that arrives is printed.

use ostler_wire::control::LogLine;
use serde_json::json;

use crate::args::FlagId;
use crate::dates;
use crate::failed::Failed;
use crate::out::Out;
use crate::paint::{Ink, Paint};
use crate::session::Session;

/// Date before a line, when no format is given.
const DATE: &str = "YYYY-MM-DD-HH:mm:ss";

/// The shape of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// `0|app | text`
    Labelled,
    /// The text alone.
    Raw,
    /// One JSON object.
    Json,
    /// `timestamp=… app=…`
    Pairs,
}

/// Prints lines.
#[derive(Debug)]
pub(super) struct Writer {
    /// The shape.
    pub(super) form: Form,
    date: Option<String>,
    highlight: Option<String>,
    paint: Paint,
    /// Widest label so far.
    widest: usize,
}

impl Writer {
    /// As the options say.
    pub(super) fn new(session: &Session) -> Result<Self, Failed> {
        let form = if session.has(FlagId::Json) {
            Form::Json
        } else if session.has(FlagId::Format) {
            Form::Pairs
        } else if session.has(FlagId::Raw) {
            Form::Raw
        } else {
            Form::Labelled
        };
        let args = &session.args;
        let date = args.has(FlagId::Timestamp).then(|| args.value(FlagId::Timestamp).unwrap_or(DATE).to_owned());
        let highlight = args.value(FlagId::Highlight).filter(|text| !text.is_empty()).map(str::to_owned);
        Ok(Self { form, date, highlight, paint: session.out.paint, widest: 0 })
    }

    /// Prints one line.
    pub(super) fn line(&mut self, out: &mut Out, line: &LogLine) {
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
        let text = self.render(line);
        if self.form == Form::Raw && line.err { out.data_aside(&text) } else { out.data(&text) }
    }

    fn render(&mut self, line: &LogLine) -> String {
        match self.form {
            Form::Raw => format!("{}\n", line.text),
            Form::Json => {
                let kind = if line.err { "err" } else { "out" };
                let at = dates::iso(line.at).unwrap_or_default();
                format!(
                    "{}\n",
                    json!({ "message": line.text, "timestamp": at, "type": kind, "process_id": line.id, "app_name": line.name })
                )
            }
            Form::Pairs => {
                let kind = if line.err { "error" } else { "out" };
                let at = dates::local(line.at, "YYYY-MM-DD-HH:mm:ssZZ");
                format!("timestamp={at} app={} id={} type={kind} message={}\n", line.name, line.id, line.text)
            }
            Form::Labelled => {
                let label = format!("{}|{}", line.id, line.name);
                self.widest = self.widest.max(label.chars().count());
                let ink = if line.err { Ink::Red } else { Ink::Green };
                // One blank more than the widest, as PM2.
                let label = self.paint.ink(&[ink], &format!("{label:width$} | ", width = self.widest + 1));
                let date = self.date.as_ref().map_or(String::new(), |format| {
                    self.paint.ink(&[Ink::Dim, Ink::Grey], &format!("{} ", dates::local(line.at, format)))
                });
                format!("{date}{label}{}\n", self.highlighted(&line.text))
            }
        }
    }

    fn highlighted(&self, text: &str) -> String {
        match self.highlight.as_ref().and_then(|mark| text.split_once(mark.as_str()).map(|parts| (mark, parts))) {
            Some((mark, (before, after))) => format!("{before}{}{after}", self.paint.ink(&[Ink::OnGrey], mark)),
            None => text.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(id: u32, name: &str, err: bool, text: &str) -> LogLine {
        LogLine { id, name: name.into(), err, at: 1_795_388_825_573, text: text.into(), dropped: 0 }
    }

    fn writer(form: Form, color: bool) -> Writer {
        Writer {
            form,
            date: None,
            highlight: Some("second".into()),
            paint: Paint { text: color, frame: false },
            widest: 0,
        }
    }

    #[test]
    fn labels_are_as_wide_as_the_widest_so_far() {
        let mut writer = writer(Form::Labelled, false);
        assert_eq!(writer.render(&line(3, "t", false, "out 0")), "3|t  | out 0\n");
        assert_eq!(writer.render(&line(12, "web", true, "err 0")), "12|web  | err 0\n");
        assert_eq!(writer.render(&line(3, "t", false, "a")), "3|t     | a\n");
    }

    #[test]
    fn machines_get_json_or_pairs() {
        let text = writer(Form::Json, true).render(&line(3, "t", true, "a \"b\""));
        assert_eq!(
            text,
            "{\"message\":\"a \\\"b\\\"\",\"timestamp\":\"2026-11-22T23:07:05.573Z\",\"type\":\"err\",\"process_id\":3,\"app_name\":\"t\"}\n"
        );
        let text = writer(Form::Pairs, true).render(&line(3, "t", true, "x y"));
        assert!(
            text.starts_with("timestamp=2026-11-2") && text.ends_with(" app=t id=3 type=error message=x y\n"),
            "{text}"
        );
    }

    #[test]
    fn the_marked_text_and_the_label_are_coloured() {
        let text = writer(Form::Labelled, true).render(&line(3, "t", false, "a second second"));
        assert_eq!(text, "\x1b[32m3|t  | \x1b[39ma \x1b[100msecond\x1b[49m second\n");
        assert_eq!(writer(Form::Raw, true).render(&line(3, "t", false, "a second")), "a second\n");
    }
}
