//! One request over HTTPS, made by the system's `curl`: it has TLS, the system's certificates and
//! whatever proxy its environment names.

use std::io::{self, Read as _, Write as _};
use std::process::{Command, Stdio};

use crate::tcp::PATIENCE;

/// The longest answer that is read, bytes.
const LONGEST: u64 = 256 << 10;

/// Posts this text. Returns the answer with its head.
pub(crate) fn post(url: &str, headers: &[(String, String)], body: &str) -> io::Result<Vec<u8>> {
    let seconds = PATIENCE.as_secs().to_string();
    let mut command = Command::new("curl");
    // Without a file of somebody's own settings; what is secret is in no argument.
    command.args(["-q", "--silent", "--show-error", "--include", "--suppress-connect-headers"]);
    command.args(["--http1.1", "--proto", "=https", "--max-time", &seconds, "--config", "-"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| {
        let why = format!("could not run `curl`, which is needed for `https`: {error}");
        io::Error::new(error.kind(), why)
    })?;
    let written =
        child.stdin.take().map(|mut input| input.write_all(&settings(url, headers, body)));
    let (mut answer, mut complaint) = (Vec::new(), String::new());
    let read = child.stdout.take().map(|out| out.take(LONGEST).read_to_end(&mut answer));
    let said = child.stderr.take().map(|err| err.take(LONGEST).read_to_string(&mut complaint));
    let status = child.wait()?;
    if !status.success() {
        let line = complaint.lines().next().unwrap_or_default();
        let why = if line.is_empty() { format!("`curl` ended with {status}") } else { line.into() };
        return Err(io::Error::other(why));
    }
    written.transpose()?;
    read.transpose()?;
    said.transpose()?;
    Ok(answer)
}

/// What `curl` reads as its settings.
fn settings(url: &str, headers: &[(String, String)], body: &str) -> Vec<u8> {
    let mut text = format!("url = {}\ndata-raw = {}\n", quoted(url), quoted(body));
    let own = [
        ("Content-Type".to_owned(), "application/json".to_owned()),
        ("User-Agent".to_owned(), "ostler".to_owned()),
    ];
    for (name, value) in own.iter().chain(headers) {
        text.push_str(&format!("header = {}\n", quoted(&format!("{name}: {value}"))));
    }
    text.into_bytes()
}

fn quoted(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_gives_curl_another_setting() {
        let headers = [("X-Key".to_owned(), "a\"b".to_owned())];
        let text = settings("https://h/\"x", &headers, "{\"a\":\"\\n\"}\noutput = /etc/x");
        assert_eq!(
            String::from_utf8(text).unwrap(),
            "url = \"https://h/\\\"x\"\n\
             data-raw = \"{\\\"a\\\":\\\"\\\\n\\\"}\\noutput = /etc/x\"\n\
             header = \"Content-Type: application/json\"\nheader = \"User-Agent: ostler\"\n\
             header = \"X-Key: a\\\"b\"\n"
        );
    }
}
