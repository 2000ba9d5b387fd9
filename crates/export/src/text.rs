//! What stands above each file, and quoting.

use std::fmt::Write as _;

use crate::engine::{Engine, Source};
use crate::made::Note;

/// Comment lines that say where a file is from, and what is not in it.
pub(crate) fn head(engine: Engine, source: &Source, notes: &[Note]) -> String {
    let command = format!("ostler export {} {}", engine.name(), source.file);
    let mut out = format!("# Made by `{}`.\n", line(&command));
    if engine.runs_images() {
        out.push_str(
            "# Images: each has the folder of the process file as `/app`, and what runs the \
             script. Put your registry before\n# their names. What an app writes and must keep \
             wants a volume, of which the process file does not tell.\n",
        );
    }
    out.push_str(&about(notes));
    out
}

/// Comment lines that say what is not in a file.
pub(crate) fn about(notes: &[Note]) -> String {
    let mut out = String::new();
    for Note { app, text } in notes {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "# {}: {}", line(app), line(text));
    }
    out
}

/// The notes on an app.
pub(crate) fn of_app(notes: &[Note], app: &str) -> Vec<Note> {
    notes.iter().filter(|note| note.app == app).cloned().collect()
}

/// Text that cannot end a comment.
fn line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// The command of a health check for an image: with whatever the image has to ask by.
pub(crate) fn ask_http(url: &str, timeout: u64) -> String {
    let (url, seconds) = (format!("'{}'", url.replace('\'', "%27")), timeout.div_ceil(1000).max(1));
    format!("curl -fsS -m {seconds} -o /dev/null {url} || wget -q -T {seconds} -O /dev/null {url}")
}

/// The same for a connection.
pub(crate) fn ask_tcp(address: &str, timeout: u64) -> String {
    let seconds = timeout.div_ceil(1000).max(1);
    let (host, port) = address.rsplit_once(':').unwrap_or(("127.0.0.1", address));
    let host = host.trim_matches(['[', ']']);
    let quoted = |text: &str| format!("'{}'", text.replace('\'', ""));
    format!("nc -z -w {seconds} {} {}", quoted(host), quoted(port))
}

/// The same for a gRPC server.
pub(crate) fn ask_grpc(address: &str, service: &str) -> String {
    let quoted = |text: &str| format!("'{}'", text.replace('\'', ""));
    let asked = format!("grpc_health_probe -addr={}", quoted(address));
    match service {
        "" => asked,
        service => format!("{asked} -service={}", quoted(service)),
    }
}

/// Bytes in the largest unit that divides them, of 1024, as Docker and systemd write it.
pub(crate) fn bytes(bytes: u64, units: [&str; 3]) -> String {
    let [kilo, mega, giga] = units;
    for (unit, of) in [(giga, 1 << 30), (mega, 1 << 20), (kilo, 1 << 10)] {
        if bytes.is_multiple_of(of) && bytes != 0 {
            return format!("{}{unit}", bytes / of);
        }
    }
    bytes.to_string()
}
