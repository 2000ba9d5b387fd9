//! Lines as they stand in a file: raw, with a date, as JSON, or as pairs.

use std::borrow::Cow;

use crate::date::{DateFormat, iso_of, now, zoned};
use crate::level::Level;
use crate::logfmt::word;
use crate::object::{self, Object};
use crate::types::{Format, Sink, Stream};

#[derive(Clone, Debug)]
enum Form {
    Plain,
    Dated(DateFormat),
    /// Everything of ours behind the timestamp is the same in each line.
    Json {
        date: Option<DateFormat>,
        tail: String,
    },
    /// Everything between the timestamp and the level is the same in each line.
    Pairs {
        date: Option<DateFormat>,
        middle: String,
    },
}

/// Where a piece of output begins and ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    /// It goes on with a line that the file has the beginning of.
    pub continues: bool,
    /// Its last line is not over.
    pub begins: bool,
}

impl Part {
    /// Lines, of which an unfinished last one is given an end.
    pub(crate) const WHOLE: Self = Self { continues: false, begins: false };
}

/// What a stream's lines become in its files.
#[derive(Clone, Debug)]
pub(crate) struct Formatter(Form);

impl Formatter {
    pub(crate) fn new(sink: &Sink, stream: Stream) -> Self {
        let date =
            sink.date_format.as_deref().filter(|format| !format.is_empty()).map(DateFormat::new);
        Self(match (sink.format, date) {
            (Format::Raw, None) => Form::Plain,
            (Format::Raw, Some(date)) => Form::Dated(date),
            (Format::Logfmt, date) => {
                let (name, stream, id) = (word(&sink.name), stream.as_str(), sink.proc_id);
                Form::Pairs { date, middle: format!(" app={name} id={id} type={stream}") }
            }
            (Format::Json, date) => {
                Form::Json { date, tail: object::tail(stream, sink.proc_id, &sink.name) }
            }
        })
    }

    /// Whether what is written of a line may go on in the file.
    pub(crate) fn goes_on(&self) -> bool {
        !matches!(self.0, Form::Json { .. } | Form::Pairs { .. })
    }

    /// Whether bytes go to the file as they come.
    pub(crate) fn is_plain(&self) -> bool {
        matches!(self.0, Form::Plain)
    }

    /// Appends the lines of `input`, as long as `out` stays under `limit`; at least one. They are
    /// dated `at` (ms since 1970), or now. What follows the last line end counts as a line. Returns
    /// how much of `input` was taken.
    pub(crate) fn render(
        &self,
        input: &[u8],
        (part, at): (Part, Option<u64>),
        limit: usize,
        out: &mut Vec<u8>,
    ) -> usize {
        if matches!(self.0, Form::Plain) && input.len() < limit {
            out.extend_from_slice(input);
            if !input.ends_with(b"\n") && !part.begins {
                out.push(b'\n');
            }
            return input.len();
        }
        let stamp = self.stamp(at);
        let mut taken = 0;
        while let Some(rest) = input.get(taken..).filter(|rest| !rest.is_empty()) {
            let len = memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
            let line = rest.get(..len).unwrap_or(rest);
            let before = out.len();
            let part = Part {
                continues: part.continues && taken == 0,
                begins: part.begins && !line.ends_with(b"\n"),
            };
            self.push(line, part, &stamp, out);
            if taken > 0 && out.len() > limit {
                out.truncate(before);
                break;
            }
            taken += len;
        }
        taken
    }

    fn stamp(&self, at: Option<u64>) -> String {
        let at = || at.and_then(zoned).unwrap_or_else(now);
        match &self.0 {
            Form::Plain => String::new(),
            Form::Dated(date) => format!("{}: ", date.render(&at())),
            Form::Json { date: Some(date), .. } => {
                let text = serde_json::Value::from(date.render(&at())).to_string();
                text.trim_matches('"').to_owned()
            }
            Form::Pairs { date: Some(date), .. } => word(&date.render(&at())).into_owned(),
            Form::Json { date: None, .. } | Form::Pairs { date: None, .. } => iso_of(&at()),
        }
    }

    fn push(&self, line: &[u8], part: Part, stamp: &str, out: &mut Vec<u8>) {
        match &self.0 {
            Form::Plain | Form::Dated(_) => {
                if !part.continues {
                    out.extend_from_slice(stamp.as_bytes());
                }
                out.extend_from_slice(line);
                if !line.ends_with(b"\n") && !part.begins {
                    out.push(b'\n');
                }
            }
            Form::Json { tail, .. } => {
                match object_of(line, part) {
                    Some(object) => object.merge(stamp, tail, out),
                    None => push_text(line, part, stamp, tail, out),
                }
                out.push(b'\n');
            }
            Form::Pairs { middle, .. } => {
                let line = line.strip_suffix(b"\n").unwrap_or(line);
                let line = line.strip_suffix(b"\r").unwrap_or(line);
                for part in ["timestamp=", stamp, middle] {
                    out.extend_from_slice(part.as_bytes());
                }
                if let Some(level) = Level::of(line) {
                    out.extend_from_slice(b" level=");
                    out.extend_from_slice(level.as_str().as_bytes());
                }
                out.extend_from_slice(if part.begins { b" partial=true" } else { b"" });
                out.extend_from_slice(b" message=");
                // A string is always valid JSON, and a vector takes all.
                let _ = serde_json::to_writer(&mut *out, String::from_utf8_lossy(line).as_ref());
                out.push(b'\n');
            }
        }
    }
}

/// The line, if it is an object of the app, all of it.
fn object_of(line: &[u8], part: Part) -> Option<Object<'_>> {
    if line.first() != Some(&b'{') || part.begins {
        return None;
    }
    Object::read(std::str::from_utf8(line).ok()?).filter(|object| !object.is_empty())
}

/// A line of text as an object, as PM2 writes it; `stamp` and `tail` stand behind the text.
fn push_text(line: &[u8], part: Part, stamp: &str, tail: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"message\":");
    let text: Cow<'_, str> = String::from_utf8_lossy(line);
    // A string is always valid JSON, and a vector takes all.
    let _ = serde_json::to_writer(&mut *out, text.as_ref());
    out.extend_from_slice(if part.begins { b",\"partial\":true" } else { b"" });
    for part in [object::TIMESTAMP, stamp, tail, "}"] {
        out.extend_from_slice(part.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logfmt::Logfmt;

    fn render(sink: &Sink, input: &[u8], limit: usize) -> (String, usize) {
        let mut out = Vec::new();
        let taken =
            Formatter::new(sink, Stream::Err).render(input, (Part::WHOLE, None), limit, &mut out);
        (String::from_utf8(out).unwrap(), taken)
    }

    #[test]
    fn each_line_has_its_date_and_an_unfinished_one_gets_an_end() {
        let sink = Sink { date_format: Some("[D]".to_owned()), ..Sink::default() };
        assert_eq!(render(&sink, b"a\r\n\nb", 100), ("D: a\r\nD: \nD: b\n".to_owned(), 5));
        assert_eq!(render(&sink, b"a\nb\nc\n", 8), ("D: a\n".to_owned(), 2));
    }

    #[test]
    fn a_json_line_has_pm2s_keys_in_pm2s_order() {
        let sink = Sink {
            proc_id: 3,
            name: "a\"b".to_owned(),
            format: Format::Json,
            date_format: Some("[x]".to_owned()),
            ..Sink::default()
        };
        let line = concat!(
            r#"{"message":"h\u0001�\n","timestamp":"x","type":"err","#,
            r#""process_id":3,"app_name":"a\"b"}"#
        );
        assert_eq!(render(&sink, b"h\x01\xff\n", 1000).0, format!("{line}\n"));
        let iso = Sink { date_format: None, ..sink };
        let value: serde_json::Value = serde_json::from_str(&render(&iso, b"h", 1000).0).unwrap();
        assert!(value["timestamp"].as_str().unwrap().ends_with('Z'), "{value}");
        assert_eq!(value["message"], "h");
    }

    #[test]
    fn an_object_of_the_app_is_merged_into_ours_and_what_is_none_is_its_text() {
        let date_format = Some("[x]".to_owned());
        let json = Sink { format: Format::Json, date_format, ..Sink::default() };
        let own = r#""timestamp":"x","type":"err","process_id":0,"app_name":"""#;
        let object = br#"{"level":30,"msg":"hi"}"#;
        let merged = format!("{{\"message\":\"hi\",{own},\"level\":30,\"msg\":\"hi\"}}\n");
        for end in ["", "\n", "\r\n"] {
            assert_eq!(render(&json, &[object, end.as_bytes()].concat(), 1000).0, merged);
        }
        for text in [&b"{}\n"[..], b"{\"a\":1} x\n", b"{\"a\":\"\xff\"}\n", b"[1]\n"] {
            let said = render(&json, text, 1000).0;
            let value: serde_json::Value = serde_json::from_str(&said).unwrap();
            assert_eq!(value["message"], String::from_utf8_lossy(text).as_ref());
            assert_eq!(value.as_object().unwrap().len(), 5, "{said}");
        }
        // What may go on is no object yet.
        let (mut out, part) = (Vec::new(), Part { continues: false, begins: true });
        Formatter::new(&json, Stream::Err).render(object, (part, None), 1000, &mut out);
        let value: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert_eq!((value["partial"].as_bool(), value.get("level")), (Some(true), None));
    }

    #[test]
    fn a_line_of_pairs_is_read_back_and_has_the_level_that_it_says() {
        let name = "a b".to_owned();
        let date_format = Some("[the day]".to_owned());
        let pairs =
            Sink { proc_id: 3, name, format: Format::Logfmt, date_format, ..Sink::default() };
        let said = render(&pairs, b"it\n{\"level\":40}\r\na \"b\"\\\xff\x1b", 1000).0;
        let head = "timestamp=\"the day\" app=\"a b\" id=3 type=err";
        let expected = format!(
            "{head} message=\"it\"\n{head} level=warn message=\"{{\\\"level\\\":40}}\"\n\
             {head} message=\"a \\\"b\\\"\\\\\u{fffd}\\u001b\"\n"
        );
        assert_eq!(said, expected);
        let read: Vec<_> = said.lines().map(|line| Logfmt::read(line).unwrap()).collect();
        let texts: Vec<&str> = read.iter().map(|of| of.message.as_str()).collect();
        assert_eq!(texts, ["it", "{\"level\":40}", "a \"b\"\\\u{fffd}\u{1b}"]);
        assert!(read.iter().all(|of| of.timestamp == "the day"));
        let mut out = Vec::new();
        let part = Part { continues: true, begins: true };
        let iso = Sink { date_format: None, ..pairs };
        Formatter::new(&iso, Stream::Out).render(b"name? ", (part, None), 1000, &mut out);
        let said = String::from_utf8(out).unwrap();
        assert!(said.ends_with("Z app=\"a b\" id=3 type=out partial=true message=\"name? \"\n"));
    }

    #[test]
    fn part_of_a_line_goes_on_without_a_date_and_is_marked_in_json() {
        let part = |form: &Sink, input: &str, continues, begins| {
            let (mut out, part) = (Vec::new(), Part { continues, begins });
            Formatter::new(form, Stream::Out).render(
                input.as_bytes(),
                (part, None),
                1000,
                &mut out,
            );
            String::from_utf8(out).unwrap()
        };
        let dated = Sink { date_format: Some("[D]".to_owned()), ..Sink::default() };
        assert_eq!(part(&dated, "name? ", false, true), "D: name? ");
        assert_eq!(part(&dated, "me\nnext\n", true, false), "me\nD: next\n");
        assert_eq!(part(&dated, "a\nb", true, true), "a\nD: b");
        assert_eq!(part(&Sink::default(), "name? ", false, true), "name? ");
        let json = Sink { format: Format::Json, ..dated };
        let said = part(&json, "a\nname? ", true, true);
        let objects: Vec<serde_json::Value> =
            said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(objects.len(), 2, "{said}");
        assert!(objects[0].get("partial").is_none() && objects[0]["message"] == "a\n", "{said}");
        assert!(objects[1]["partial"] == true && objects[1]["message"] == "name? ", "{said}");
    }

    #[test]
    fn plain_lines_stop_at_the_limit_too() {
        assert_eq!(render(&Sink::default(), b"aa\nbb\ncc\n", 6), ("aa\nbb\n".to_owned(), 6));
    }
}
