//! The head of a request, as far as it concerns files.

/// The most bytes that a head may have.
pub(crate) const LONGEST: usize = 16 << 10;

/// The most headers.
const HEADERS: usize = 96;

/// How something is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    /// The content is wanted.
    Get,
    /// What would be said of it.
    Head,
    /// Something that no file can do.
    Other,
}

/// A request; what is left out is not looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Request<'b> {
    /// How it is asked for.
    pub(crate) method: Method,
    /// What is asked for.
    pub(crate) target: &'b str,
    /// The connection may be used for another request.
    pub(crate) keeps: bool,
    /// Who says that they ask.
    pub(crate) authorization: Option<&'b [u8]>,
    /// Which kinds of content are wanted.
    pub(crate) accept: Option<&'b [u8]>,
    /// Which codings are understood.
    pub(crate) accept_encoding: Option<&'b [u8]>,
    /// What the client has already.
    pub(crate) if_none_match: Option<&'b [u8]>,
    /// Since when it has it.
    pub(crate) if_modified_since: Option<&'b [u8]>,
    /// Which part is wanted.
    pub(crate) range: Option<&'b [u8]>,
    /// Of what the part is wanted.
    pub(crate) if_range: Option<&'b [u8]>,
}

/// What the first bytes of a connection are.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Head<'b> {
    /// More must come.
    Partial,
    /// A request, and how many bytes its head has.
    Whole(Request<'b>, usize),
    /// No request of HTTP/1.
    Malformed,
    /// More than is read of anybody.
    TooLong,
}

/// Reads the head of a request.
pub(crate) fn read(bytes: &[u8]) -> Head<'_> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS];
    let mut parsed = httparse::Request::new(&mut headers);
    let length = match parsed.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) if LONGEST <= bytes.len() => return Head::TooLong,
        Ok(httparse::Status::Partial) => return Head::Partial,
        Err(httparse::Error::TooManyHeaders) => return Head::TooLong,
        Err(_) => return Head::Malformed,
    };
    let (Some(method), Some(target), Some(version)) = (parsed.method, parsed.path, parsed.version)
    else {
        return Head::Malformed;
    };
    let all = |name: &str| {
        let named = parsed.headers.iter().filter(|of| of.name.eq_ignore_ascii_case(name));
        named.map(|of| of.value).collect::<Vec<_>>()
    };
    let one = |name: &str| all(name).first().copied();
    if version == 1 && all("host").len() != 1 {
        return Head::Malformed;
    }
    // A body is not read: what follows it cannot be told from it.
    let has_body = !all("transfer-encoding").is_empty()
        || all("content-length").iter().any(|value| value.trim_ascii() != b"0");
    let closes = all("connection").iter().any(|value| {
        let mut words = value.split(|byte| *byte == b',');
        words.any(|word| word.trim_ascii().eq_ignore_ascii_case(b"close"))
    });
    let request = Request {
        method: match method {
            "GET" => Method::Get,
            "HEAD" => Method::Head,
            _ => Method::Other,
        },
        target,
        keeps: version == 1 && !has_body && !closes,
        authorization: one("authorization"),
        accept: one("accept"),
        accept_encoding: one("accept-encoding"),
        if_none_match: one("if-none-match"),
        if_modified_since: one("if-modified-since"),
        range: one("range"),
        if_range: one("if-range"),
    };
    Head::Whole(request, length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(text: &str) -> (Request<'_>, usize) {
        match read(text.as_bytes()) {
            Head::Whole(request, length) => (request, length),
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn every_beginning_of_a_head_is_partial() {
        let text = "GET /a HTTP/1.1\r\nHost: h\r\nRange: bytes=0-1\r\n\r\n";
        for end in 0..text.len() {
            assert_eq!(read(&text.as_bytes()[..end]), Head::Partial, "{end}");
        }
        let more = format!("{text}GET /b");
        let (request, length) = whole(&more);
        assert_eq!((request.target, length), ("/a", text.len()));
        assert_eq!(request.range, Some(&b"bytes=0-1"[..]));
    }

    #[test]
    fn a_connection_is_kept_only_where_the_next_request_can_be_found() {
        for (head, keeps) in [
            ("GET / HTTP/1.1\r\nhost: h\r\n\r\n", true),
            ("GET / HTTP/1.0\r\n\r\n", false),
            ("GET / HTTP/1.1\r\nHost: h\r\nConnection: Keep-Alive, Close\r\n\r\n", false),
            ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\n", false),
            ("GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", true),
            ("GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n", false),
        ] {
            assert_eq!(whole(head).0.keeps, keeps, "{head}");
        }
    }

    #[test]
    fn what_is_no_request_is_told_from_what_is_not_whole() {
        assert_eq!(read(b"\x16\x03\x01\x02\x00"), Head::Malformed);
        assert_eq!(read(b"GET / HTTP/1.1\r\n\r\n"), Head::Malformed, "no host");
        assert_eq!(read(b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"), Head::Malformed);
        let long = format!("GET /{} HTTP/1.1\r\n", "a".repeat(LONGEST));
        assert_eq!(read(long.as_bytes()), Head::TooLong);
        let many = format!("GET / HTTP/1.1\r\nHost: h\r\n{}\r\n", "a: b\r\n".repeat(HEADERS));
        assert_eq!(read(many.as_bytes()), Head::TooLong);
    }
}
