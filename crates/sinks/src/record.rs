//! A line of an app as it is passed on: the text alone, with what is known of it.

use ostler_core::spec::LogFormat;
use ostler_logs::{DateReader, Field, Level, Logfmt, Object, Severity};

/// A line on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Who wrote it.
    pub app: String,
    /// The number of the process.
    pub id: u32,
    /// Whether it was written to standard error.
    pub err: bool,
    /// When it was written, or the file last where that is not known, ms since 1970.
    pub at: u64,
    /// How grave it is, as it says itself; errors of standard error that say nothing.
    pub level: Level,
    /// The line, without what the manager put before it.
    pub text: String,
}

/// How the lines of a log look.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Form {
    /// The date that the manager puts before each line, in dayjs tokens.
    pub date: Option<String>,
    /// What the manager makes of each line.
    pub of: LogFormat,
}

/// Takes lines of a log apart.
#[derive(Debug)]
pub(crate) struct Reader {
    date: Option<DateReader>,
    /// The dates in objects of the manager, where it puts none of another form.
    iso: DateReader,
    form: LogFormat,
    severity: Severity,
}

impl Reader {
    pub(crate) fn new(form: &Form) -> Self {
        let date = form.date.as_deref().filter(|date| !date.is_empty()).map(DateReader::new);
        let iso = DateReader::new("YYYY-MM-DDTHH:mm:ss.SSSZ");
        Self { date, iso, form: form.of, severity: Severity::default() }
    }

    /// Takes a line apart that was written at this time, if it does not say another one.
    pub(crate) fn read(
        &mut self,
        (app, id, err): (&str, u32, bool),
        line: &[u8],
        at: u64,
    ) -> Record {
        let line = String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(line));
        let (text, at) = self.apart(&line, at);
        let level = self.severity.of((id, err), text.as_bytes());
        Record { app: app.to_owned(), id, err, at, level, text }
    }

    fn apart(&self, line: &str, at: u64) -> (String, u64) {
        let own = |text: &str| {
            let text = text.strip_suffix('Z').map_or(text.to_owned(), |of| format!("{of}+00:00"));
            self.date.as_ref().unwrap_or(&self.iso).read(&text).map(|(at, _)| at)
        };
        if self.form == LogFormat::Logfmt
            && let Some(of) = Logfmt::read(line)
        {
            return (of.message, own(&of.timestamp).unwrap_or(at));
        }
        if self.form == LogFormat::Json
            && let Some(object) = Object::read(line)
            && let Some(text) = object.text_of_app()
        {
            let said = object.get("timestamp").and_then(Field::text);
            return (text, said.as_deref().and_then(own).unwrap_or(at));
        }
        if let Some((said, length)) = self.date.as_ref().and_then(|date| date.read(line))
            && let Some(text) = line.get(length..).and_then(|rest| rest.strip_prefix(": "))
        {
            return (text.to_owned(), said);
        }
        (line.to_owned(), at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(form: &Form, err: bool, line: &str) -> (String, u64, Level) {
        let record = Reader::new(form).read(("app", 0, err), line.as_bytes(), 5);
        (record.text, record.at, record.level)
    }

    #[test]
    fn what_the_manager_put_before_a_line_is_taken_off() {
        let raw = Form::default();
        assert_eq!(read(&raw, false, "a\r"), ("a".to_owned(), 5, Level::Info));
        assert_eq!(read(&raw, true, "a"), ("a".to_owned(), 5, Level::Error));
        let dated = Form { date: Some("YYYY-MM-DD HH:mm:ss Z".to_owned()), ..raw };
        let at = 1_795_388_825_000;
        let line = "2026-11-22 23:07:05 +00:00: WARN x";
        assert_eq!(read(&dated, false, line), ("WARN x".to_owned(), at, Level::Warn));
        let json = Form { date: None, of: LogFormat::Json };
        let line = r#"{"message":"x\n","timestamp":"2026-11-22T23:07:05.573Z","type":"out"}"#;
        assert_eq!(read(&json, false, line), ("x".to_owned(), at + 573, Level::Info));
        let text = r#"{"level":40,"msg":"x","n":12345678901234567890123}"#;
        let own = r#"{"message":"x","timestamp":"2026-11-22T23:07:05.573Z","type":"out","#;
        let line = format!("{own}\"process_id\":0,\"app_name\":\"a\",{}", &text[1..]);
        assert_eq!(read(&json, false, &line), (text.to_owned(), at + 573, Level::Warn));
        let pairs = Form { date: None, of: LogFormat::Logfmt };
        let line = "timestamp=2026-11-22T23:07:05.573Z app=a id=0 type=out level=warn \
                    message=\"{\\\"level\\\":40}\"";
        let text = "{\"level\":40}".to_owned();
        assert_eq!(read(&pairs, false, line), (text, at + 573, Level::Warn));
        assert_eq!(
            read(&pairs, false, "of another time"),
            ("of another time".into(), 5, Level::Info)
        );
    }
}
