//! Where an app answers.
//!
//! Problem: that is known only when it listens, which is after `start` is done.
//! Rule: here, and nowhere else, a command waits for that, a short time and by event.

use ostler_client::Answer;
use ostler_wire::control::{Reply, Request};

use crate::program::Program;
use crate::session::Session;

/// How long a worker may take to listen before its start is told without its address, ms.
const SOON: u32 = 500;

/// Returns what a worker listens on, if it does soon. Under PM2's name nobody asks.
pub(super) fn of(session: &mut Session, id: u32) -> Vec<String> {
    if session.program == Program::Pm2 {
        return Vec::new();
    }
    match session.ask(&Request::Listens { id, within: SOON }) {
        Ok(Answer::Reply(Reply::Listens { addresses })) => addresses,
        // Without an answer the address is not told.
        Ok(_) | Err(_) => Vec::new(),
    }
}

/// Returns the address of a listener as a browser takes it, where it does.
pub(super) fn url(address: &str) -> Option<String> {
    if address.starts_with(['/', '@']) || is_no_stream(address) {
        return None;
    }
    let (host, port) = address.split('#').next()?.rsplit_once(':')?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let host = match host {
        "*" | "0.0.0.0" => "127.0.0.1".to_owned(),
        "::" => "[::1]".to_owned(),
        host if host.contains(':') => format!("[{host}]"),
        host => host.to_owned(),
    };
    Some(format!("http://{host}:{port}"))
}

/// Returns the command that asks who listens there, where there is any.
pub(super) fn curl(address: &str) -> Option<String> {
    if is_no_stream(address) {
        return None;
    }
    if let Some(name) = address.strip_prefix('@') {
        return Some(format!(
            "curl --abstract-unix-socket {} http://localhost",
            ostler_shell::word(name)
        ));
    }
    if address.starts_with('/') {
        return Some(format!(
            "curl --unix-socket {} http://localhost",
            ostler_shell::word(address)
        ));
    }
    url(address).map(|url| format!("curl {url}"))
}

fn is_no_stream(address: &str) -> bool {
    address.starts_with("udp:") || address.starts_with("fd:")
}

#[cfg(test)]
mod tests {
    use super::curl;

    #[test]
    fn an_address_becomes_a_command_that_reaches_it() {
        let check = |address: &str, command: Option<&str>| {
            assert_eq!(curl(address).as_deref(), command, "{address}");
        };
        check("*:3000", Some("curl http://127.0.0.1:3000"));
        check("0.0.0.0:3000", Some("curl http://127.0.0.1:3000"));
        check("[::]:3000", Some("curl http://[::1]:3000"));
        check("[fd00::1]:3000", Some("curl http://[fd00::1]:3000"));
        check("fd00::1:41234", Some("curl http://[fd00::1]:41234"));
        check("localhost:0#1", Some("curl http://localhost:0"));
        check("/run/a b.sock", Some("curl --unix-socket '/run/a b.sock' http://localhost"));
        check("@name", Some("curl --abstract-unix-socket name http://localhost"));
        check("udp:*:53", None);
        check("fd:3", None);
    }
}
