//! What is answered: the line, the headers, and where the content is.

use std::fs::File;
use std::sync::Arc;

use crate::coding;
use crate::date;
use crate::files::Facts;
use crate::packed::Packed;
use crate::range::{self, Part};
use crate::request::{Method, Request};
use crate::types::Kind;

macro_rules! statuses {
    ($($(#[doc = $doc:literal])+ $name:ident $line:literal;)*) => {
        /// How an answer begins.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Status { $($(#[doc = $doc])+ $name),* }

        impl Status {
            /// Returns the number and the words.
            pub(crate) fn line(self) -> &'static str {
                match self { $(Self::$name => $line),* }
            }
        }
    };
}

statuses! {
    /// Here it is.
    Ok "200 OK";
    /// Here is the part.
    Partial "206 Partial Content";
    /// The folder has a slash at its end.
    Moved "301 Moved Permanently";
    /// The client has it already.
    NotModified "304 Not Modified";
    /// It is no request.
    Malformed "400 Bad Request";
    /// Who asks has to say who it is.
    Unauthorized "401 Unauthorized";
    /// It is not for strangers.
    Forbidden "403 Forbidden";
    /// There is no such file.
    NotFound "404 Not Found";
    /// A file cannot do that.
    NotAllowed "405 Method Not Allowed";
    /// There is no such part.
    BeyondEnd "416 Range Not Satisfiable";
    /// The head is longer than is read.
    TooLong "431 Request Header Fields Too Large";
    /// The disk or the folder is at fault.
    Internal "500 Internal Server Error";
    /// There is no descriptor left.
    Unavailable "503 Service Unavailable";
}

/// What follows the head.
#[derive(Debug)]
pub(crate) enum Content {
    /// Nothing, and its length is not told either.
    None,
    /// A few words.
    Text(String),
    /// Bytes in memory.
    Bytes(Arc<[u8]>),
    /// A file, from one byte to the one before another.
    File(File, u64, u64),
}

/// An answer to one request.
#[derive(Debug)]
pub(crate) struct Answer {
    /// How it begins.
    pub(crate) status: Status,
    /// Its headers, but for those that every answer has.
    pub(crate) headers: Vec<(&'static str, String)>,
    /// What follows the headers.
    pub(crate) content: Content,
}

impl Answer {
    /// Makes one that says its status in words.
    pub(crate) fn words(status: Status) -> Self {
        let headers = vec![("Content-Type", "text/plain; charset=utf-8".to_owned())];
        Self { status, headers, content: Content::Text(format!("{}\n", status.line())) }
    }

    /// Adds a header.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Returns the head as it is sent.
    pub(crate) fn head(&self, now: i64, keeps: bool) -> Vec<u8> {
        let mut head = format!("HTTP/1.1 {}\r\n", self.status.line());
        let mut line = |name: &str, value: &str| {
            head.extend([name, ": ", value, "\r\n"]);
        };
        if let Some(date) = date::write(now) {
            line("Date", &date);
        }
        for (name, value) in &self.headers {
            line(name, value);
        }
        if let Some(length) = self.length() {
            line("Content-Length", &length.to_string());
        }
        line("X-Content-Type-Options", "nosniff");
        if !keeps {
            line("Connection", "close");
        }
        head.push_str("\r\n");
        head.into_bytes()
    }

    fn length(&self) -> Option<u64> {
        match &self.content {
            Content::None => None,
            Content::Text(text) => u64::try_from(text.len()).ok(),
            Content::Bytes(bytes) => u64::try_from(bytes.len()).ok(),
            Content::File(_, from, to) => Some(to - from),
        }
    }
}

/// What is sent of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    /// Nothing: the client has it.
    NotModified,
    /// Nothing: it asked for a part that there is not.
    Beyond,
    /// A part of it.
    Part(u64, u64),
    /// All of it.
    Whole,
    /// All of it, as gzip if that is smaller.
    Packed,
}

/// Says what of a file a request gets. Conditions come before ranges (RFC 9110, 13.2.2).
pub(crate) fn choose(request: &Request<'_>, facts: Facts, kind: Kind) -> Choice {
    let whole = match kind.compresses
        && Packed::is_worth(facts.size)
        && coding::takes_gzip(request.accept_encoding)
    {
        true => Choice::Packed,
        false => Choice::Whole,
    };
    let part = match request.range {
        Some(header) if request.method == Method::Get && is_of_range(request, facts) => {
            range::of(header, facts.size)
        }
        Some(_) | None => Part::Whole,
    };
    let is_packed = part == Part::Whole && whole == Choice::Packed;
    if has_already(request, facts, is_packed) {
        return Choice::NotModified;
    }
    match part {
        Part::Whole => whole,
        Part::From(from, to) => Choice::Part(from, to),
        Part::Beyond => Choice::Beyond,
    }
}

/// Returns the word that names this version of a file.
pub(crate) fn tag(facts: Facts, is_packed: bool) -> String {
    let Facts { id: (_, number), size, modified, nanos } = facts;
    let end = if is_packed { "-gz" } else { "" };
    format!("\"{number:x}-{size:x}-{modified:x}.{nanos:x}{end}\"")
}

fn has_already(request: &Request<'_>, facts: Facts, is_packed: bool) -> bool {
    if let Some(header) = request.if_none_match {
        let tag = tag(facts, is_packed);
        let mut listed = header.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
        return listed
            .any(|one| one == b"*" || one.strip_prefix(b"W/").unwrap_or(one) == tag.as_bytes());
    }
    let since = request.if_modified_since.and_then(date::read);
    since.is_some_and(|since| facts.modified <= since)
}

/// Whether the part is wanted of this version.
fn is_of_range(request: &Request<'_>, facts: Facts) -> bool {
    request.if_range.is_none_or(|header| {
        header.trim_ascii() == tag(facts, false).as_bytes()
            || date::read(header) == Some(facts.modified)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::{Head, read};
    use crate::types;

    const FACTS: Facts = Facts { id: (1, 2), size: 5000, modified: 784_111_777, nanos: 5 };

    fn choice(headers: &str, name: &str) -> Choice {
        let text = format!("GET / HTTP/1.1\r\nHost: h\r\n{headers}\r\n");
        let Head::Whole(request, _) = read(text.as_bytes()) else { panic!("{text}") };
        choose(&request, FACTS, types::of(name.as_ref()))
    }

    #[test]
    fn conditions_come_before_ranges_and_ranges_before_codings() {
        let (tag, packed) = (tag(FACTS, false), tag(FACTS, true));
        for (headers, wanted) in [
            (String::new(), Choice::Whole),
            ("Accept-Encoding: gzip\r\n".to_owned(), Choice::Packed),
            (format!("If-None-Match: \"x\", W/{tag}\r\n"), Choice::NotModified),
            ("If-None-Match: *\r\n".to_owned(), Choice::NotModified),
            (format!("Accept-Encoding: gzip\r\nIf-None-Match: {packed}\r\n"), Choice::NotModified),
            (format!("Accept-Encoding: gzip\r\nIf-None-Match: {tag}\r\n"), Choice::Packed),
            (
                "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n".to_owned(),
                Choice::NotModified,
            ),
            ("If-Modified-Since: Sun, 06 Nov 1994 08:49:36 GMT\r\n".to_owned(), Choice::Whole),
            ("If-Modified-Since: yesterday\r\n".to_owned(), Choice::Whole),
            // The date counts only where no tag is given.
            (
                "If-None-Match: \"x\"\r\nIf-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
                    .to_owned(),
                Choice::Whole,
            ),
            ("Range: bytes=1-2\r\n".to_owned(), Choice::Part(1, 3)),
            ("Accept-Encoding: gzip\r\nRange: bytes=1-2\r\n".to_owned(), Choice::Part(1, 3)),
            ("Range: bytes=5000-\r\n".to_owned(), Choice::Beyond),
            (format!("Range: bytes=1-2\r\nIf-Range: {tag}\r\n"), Choice::Part(1, 3)),
            ("Range: bytes=1-2\r\nIf-Range: \"x\"\r\n".to_owned(), Choice::Whole),
            (format!("Range: bytes=1-2\r\nIf-None-Match: {tag}\r\n"), Choice::NotModified),
        ] {
            assert_eq!(choice(&headers, "a.html"), wanted, "{headers}");
        }
        assert_eq!(choice("Accept-Encoding: gzip\r\n", "a.png"), Choice::Whole);
    }

    #[test]
    fn an_answer_says_its_length_and_whether_the_connection_stays() {
        let head = Answer::words(Status::NotFound).with("Allow", "GET").head(784_111_777, false);
        let text = String::from_utf8(head).unwrap();
        assert_eq!(
            text,
            "HTTP/1.1 404 Not Found\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\
             Content-Type: text/plain; charset=utf-8\r\nAllow: GET\r\nContent-Length: 14\r\n\
             X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n"
        );
    }
}
