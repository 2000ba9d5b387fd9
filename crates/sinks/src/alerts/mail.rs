//! An alert as mail, given to the system's `sendmail`.

use std::io::{self, Write as _};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::shape::words;
use super::{Alert, Receiver};
use crate::command::ends_within;

/// Where it is when it is not in `PATH`.
const USUAL: &str = "/usr/sbin/sendmail";
/// How long it may take.
const LIMIT: Duration = Duration::from_secs(30);

/// Returns the message, with line ends as `sendmail` reads them.
pub(crate) fn message(alert: &Alert, host: &str, to: &str) -> String {
    let subject = format!("[ostler] {} on {host}: {}", alert.app, alert.kind);
    // A header is of ASCII and of one line.
    let plain = |c: char| if c == ' ' || c.is_ascii_graphic() { c } else { '?' };
    let subject: String = subject.chars().map(plain).collect();
    format!(
        "To: {to}\nSubject: {subject}\nAuto-Submitted: auto-generated\nMIME-Version: 1.0\n\
         Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n{}\n\
         \n{}\n",
        words(alert, host),
        ostler_logs::iso(alert.at).unwrap_or_default()
    )
}

/// Gives the message to `sendmail`. Returns what it answered.
pub(crate) fn send(alert: &Alert, receiver: &Receiver, to: &str) -> io::Result<()> {
    let start = |program: &str| {
        let mut command = Command::new(program);
        command.args(["-i", "--", to]).stdin(Stdio::piped()).stdout(Stdio::null());
        command.stderr(Stdio::null()).spawn()
    };
    let missing = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
    let mut child = match start("sendmail") {
        Err(error) if missing(&error) => start(USUAL),
        started => started,
    }
    .map_err(|error| io::Error::new(error.kind(), format!("could not run `sendmail`: {error}")))?;
    let text = message(alert, &receiver.host, to);
    // One that does not read says why by its exit code.
    let written = child.stdin.take().map_or(Ok(()), |mut input| input.write_all(text.as_bytes()));
    let in_time = ends_within(&child, LIMIT).unwrap_or(false);
    if !in_time {
        _ = child.kill();
    }
    let status = child.wait()?;
    if !in_time {
        let seconds = LIMIT.as_secs();
        return Err(io::Error::other(format!("`sendmail` took more than {seconds} s")));
    }
    if !status.success() {
        return Err(io::Error::other(format!("`sendmail` ended with {status}")));
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_one_line_for_each_header_whatever_an_app_is_called() {
        let alert = Alert {
            kind: "memory".to_owned(),
            namespace: "default".to_owned(),
            app: "ä\nBcc: x".to_owned(),
            process: None,
            at: 1_795_388_825_573,
            text: "too much".to_owned(),
            held_back: 0,
        };
        let message = message(&alert, "h", "root");
        let (head, body) = message.split_once("\n\n").unwrap();
        assert_eq!(
            head,
            "To: root\nSubject: [ostler] ??Bcc: x on h: memory\nAuto-Submitted: auto-generated\n\
             MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n\
             Content-Transfer-Encoding: 8bit"
        );
        assert!(body.ends_with("too much\n\n2026-11-22T23:07:05.573Z\n"), "{body}");
    }
}
