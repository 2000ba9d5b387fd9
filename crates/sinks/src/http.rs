//! One request over HTTP/1.1, and the answer to it.

use std::io::{self, Read, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use ostler_core::Url;

use crate::{curl, tcp};

/// The longest answer that is read, bytes.
const LONGEST: u64 = 256 << 10;

/// What was answered.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    /// The number that says how it went.
    pub status: u16,
    /// After how long the same may be asked again, if that was said.
    pub retry_after: Option<Duration>,
    /// What follows the head.
    pub body: Vec<u8>,
}

/// Whether a URL can be asked.
#[must_use]
pub fn is_url(url: &str) -> bool {
    match url.strip_prefix("https://") {
        Some(rest) => Url::of(&format!("http://{rest}")).is_some(),
        None => Url::of(url).is_some(),
    }
}

/// Posts this text, of JSON, to a URL. One of `https` is for the system's `curl`, so that there is
/// no TLS in this program.
///
/// # Errors
/// It cannot be asked, or answers something else than HTTP.
pub fn post(url: &str, headers: &[(String, String)], body: &str) -> io::Result<Answer> {
    if url.starts_with("https://") {
        let answer = curl::post(url, headers, body)?;
        return parse(&answer).ok_or_else(|| io::Error::other("`curl` wrote no answer of HTTP"));
    }
    post_plain(url, headers, body)
}

/// Posts it to a URL of `http`.
fn post_plain(url: &str, headers: &[(String, String)], body: &str) -> io::Result<Answer> {
    let invalid =
        || io::Error::new(io::ErrorKind::InvalidInput, "this is no URL that can be asked");
    let Url { authority, host, port, path } = Url::of(url).ok_or_else(invalid)?;
    let mut request = format!(
        "POST {path} HTTP/1.1\r\nHost: {authority}\r\nUser-Agent: ostler\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str("\r\n");
    request.push_str(body);
    let mut stream = tcp::connect((host, port))?;
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    read(&mut stream, &mut answer)?;
    parse(&answer).ok_or_else(|| io::Error::other("the answer is not HTTP"))
}

/// Reads an answer to its end: of the connection, or of the length that it says.
fn read(stream: &mut TcpStream, answer: &mut Vec<u8>) -> io::Result<()> {
    let mut block = [0; 4096];
    while (answer.len() as u64) < LONGEST && !is_whole(answer) {
        match stream.read(&mut block) {
            Ok(0) => break,
            Ok(read) => answer.extend_from_slice(block.get(..read).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn is_whole(answer: &[u8]) -> bool {
    let Some((head, body)) = split(answer) else { return false };
    let length = header(head, "content-length").and_then(|length| length.parse::<usize>().ok());
    length.is_some_and(|length| length <= body.len())
}

fn split(answer: &[u8]) -> Option<(&str, &[u8])> {
    let end = answer.windows(4).position(|of| of == b"\r\n\r\n")?;
    Some((std::str::from_utf8(answer.get(..end)?).ok()?, answer.get(end + 4..)?))
}

fn header<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    head.lines().skip(1).find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

fn parse(answer: &[u8]) -> Option<Answer> {
    let (head, body) = split(answer)?;
    let status = head.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.parse().ok()?;
    let retry_after = header(head, "retry-after")
        .and_then(|seconds| seconds.parse().ok())
        .map(Duration::from_secs);
    Some(Answer { status, retry_after, body: body.to_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_has_its_status_its_body_and_when_to_come_again() {
        let text = b"HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 2\r\n\r\nno";
        let retry_after = Some(Duration::from_secs(7));
        let expected = Answer { status: 503, retry_after, body: b"no".to_vec() };
        assert_eq!(parse(text), Some(expected));
        assert!(is_whole(text) && !is_whole(&text[..text.len() - 1]));
        assert_eq!(parse(b"nonsense"), None);
        assert!(is_url("https://h/v1") && is_url("http://h:1/") && !is_url("https://u@h/"));
        let error = post("ftp://x/", &[], "").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }
}
