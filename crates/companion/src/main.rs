//! The companion: what people look at, as a program of its own beside the command.
//!
//! Problem: a web server wants an async runtime and some fifty crates, and the manager must start
//! in a millisecond and live in a few megabytes. Rule: whatever needs such a stack is here. It is a
//! client of the daemon as any other, is started by `ostler web` as an app, and costs nothing
//! while it does not run.

#![deny(unsafe_code)]

mod failed;
mod grpc_health;
mod mcp;
mod monit;
mod say;
mod sys;
mod syslog_tls;
mod trust;
mod web;

use std::io::Write as _;
use std::process::ExitCode;

use failed::Failed;
use say::say;

const USAGE: &str = "\
ostler-companion web           serves the web API; `ostler web` starts it as an app
ostler-companion check-web     says whether it would, and where
ostler-companion monit         shows apps full-screen; `ostler monit` becomes it
ostler-companion mcp OSTLER    speaks to a coding agent; `ostler mcp` becomes it
ostler-companion grpc-health   asks a gRPC server, for a health check of ostler's
ostler-companion syslog-tls    passes lines of a log on over TLS, for a log sink of ostler's
";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["monit", options @ ..] => monit::run(options),
        words => other(words).map(|()| ExitCode::SUCCESS),
    };
    let refusal = match done {
        Ok(code) => return code,
        Err(refusal) => refusal,
    };
    // A failure to write to standard error can be said nowhere else.
    let _ = writeln!(std::io::stderr(), "{refusal}");
    ExitCode::FAILURE
}

/// Does what has no exit code of its own.
fn other(words: &[&str]) -> Result<(), Failed> {
    match words {
        ["web"] => web::run(),
        ["check-web"] => web::check().and_then(|url| say(&format!("{url}\n"))),
        ["mcp", program, options @ ..] => mcp::run(program, options),
        ["mcp"] => Err(Failed::new("`mcp` names the program whose commands it runs")
            .hint("`ostler mcp` becomes it")),
        ["grpc-health", authority, service] => grpc_health::run(authority, service),
        ["grpc-health", ..] => Err(Failed::new("a health check names a server and a service")
            .hint("write `health: { grpc: \"127.0.0.1:50051\" }` in a process file")),
        ["syslog-tls", address, options @ ..] => syslog_tls::run(address, options),
        ["--version"] => say(concat!(env!("CARGO_PKG_VERSION"), "\n")),
        ["--help"] => say(USAGE),
        [] => Err(Failed::new("nothing was asked for").hint("see `ostler-companion --help`")),
        [word, ..] => Err(Failed::new(format!("`{}` is not known", ostler_text::shown(word)))
            .hint("see `ostler-companion --help`")),
    }
}
