//! The least of HTTP/1.1 that tells a whole answer from a part of one.

/// The meaning of the bytes that were read so far.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// The beginning of an answer.
    Partial,
    /// A whole answer.
    Whole(Answer),
    /// No answer can begin so.
    Malformed,
}

/// A whole answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    /// The status code.
    pub status: u16,
    /// The server will close the connection.
    pub close: bool,
    /// Body without the chunk framing.
    pub body: Vec<u8>,
}

/// Reads an answer; `eof` says that no more bytes will come.
pub(super) fn parse(bytes: &[u8], eof: bool) -> Progress {
    if !bytes.starts_with(&b"HTTP/1."[..bytes.len().min(7)]) {
        return Progress::Malformed;
    }
    let Some(end) = find(bytes, b"\r\n\r\n") else { return Progress::Partial };
    let Ok(head) = std::str::from_utf8(&bytes[..end]) else { return Progress::Malformed };
    let rest = &bytes[end + 4..];
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|l| l.split(' ').nth(1)?.parse::<u16>().ok());
    let Some(status) = status else { return Progress::Malformed };
    let header = |name: &str| {
        let of = |line: &str| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim().to_ascii_lowercase())
        };
        head.split("\r\n").skip(1).find_map(of)
    };
    let close = header("connection").is_some_and(|v| v == "close");
    let whole = |body: Vec<u8>, close: bool| Progress::Whole(Answer { status, close, body });
    if header("transfer-encoding").is_some_and(|v| v == "chunked") {
        return match chunked(rest) {
            Ok(Some(body)) => whole(body, close),
            Ok(None) => Progress::Partial,
            Err(Bad) => Progress::Malformed,
        };
    }
    match header("content-length").map(|v| v.parse::<usize>()) {
        Some(Ok(length)) => {
            rest.get(..length).map_or(Progress::Partial, |body| whole(body.to_vec(), close))
        }
        Some(Err(_)) => Progress::Malformed,
        // Without a length the body ends with the connection.
        None if eof => whole(rest.to_vec(), true),
        None => Progress::Partial,
    }
}

struct Bad;

fn chunked(mut bytes: &[u8]) -> Result<Option<Vec<u8>>, Bad> {
    let mut body = Vec::new();
    loop {
        let Some(end) = find(bytes, b"\r\n") else { return Ok(None) };
        let size = std::str::from_utf8(&bytes[..end]).map_err(|_| Bad)?;
        let size = usize::from_str_radix(size.split(';').next().unwrap_or("").trim(), 16)
            .map_err(|_| Bad)?;
        let data = &bytes[end + 2..];
        let Some(next) = size.checked_add(2).and_then(|n| data.get(..n)) else { return Ok(None) };
        if !next.ends_with(b"\r\n") {
            return Err(Bad);
        }
        if size == 0 {
            return Ok(Some(body));
        }
        body.extend_from_slice(&data[..size]);
        bytes = &data[size + 2..];
    }
}

fn find(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|w| w == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_every_prefix_is_partial(text: &str, body: &str, close: bool) {
        for end in 0..text.len() {
            assert_eq!(
                parse(&text.as_bytes()[..end], false),
                Progress::Partial,
                "the first {end} bytes"
            );
        }
        let whole = Answer { status: 200, close, body: body.into() };
        assert_eq!(parse(text.as_bytes(), false), Progress::Whole(whole));
    }

    #[test]
    fn an_answer_is_whole_only_with_its_last_byte() {
        check_every_prefix_is_partial(
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
            "hello",
            false,
        );
        check_every_prefix_is_partial(
            "HTTP/1.1 200 OK\r\nconnection: Close\r\ncontent-length: 0\r\n\r\n",
            "",
            true,
        );
        let chunks = concat!(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            "2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n\r\n",
        );
        check_every_prefix_is_partial(chunks, "hello", false);
    }

    #[test]
    fn an_answer_without_a_length_ends_with_the_connection() {
        let text = b"HTTP/1.0 200 OK\r\n\r\nhello";
        assert_eq!(parse(text, false), Progress::Partial);
        assert_eq!(
            parse(text, true),
            Progress::Whole(Answer { status: 200, close: true, body: b"hello".to_vec() })
        );
    }

    #[test]
    fn what_is_no_answer_is_seen_at_once() {
        assert_eq!(parse(b"SSH-2.0", false), Progress::Malformed);
        assert_eq!(parse(b"HTTP/1.1 OK\r\n\r\n", false), Progress::Malformed);
        assert_eq!(
            parse(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", false),
            Progress::Malformed
        );
        assert_eq!(
            parse(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", false),
            Progress::Malformed
        );
    }
}
