//! The first start of all: what a newcomer may do next.
//!
//! Problem: where an app answers is known only when it listens, which is after `start` is done.
//! Rule: here, and nowhere else, the command waits for that, a short time and by event.

use ostler_client::Answer;
use ostler_wire::control::{Reply, Request};

use crate::boot::quote;
use crate::program::Program;
use crate::session::Session;

/// How long a worker may take to listen before the first words do without its address, ms.
const SOON: u32 = 500;

/// After the very first start: what to do next.
pub(super) fn say(session: &mut Session) {
    if !session.started || session.program == Program::Pm2 {
        return;
    }
    // Only for the words below: without a list there are none.
    let Some(first) = session.list().ok().and_then(|list| list.into_iter().next()) else { return };
    let name = &first.name;
    let curl = if first.cluster { curl(session, first.id) } else { None };
    session.out.message("\nWhat next:");
    for (command, what) in curl.map(|command| (command, "ask it something")).into_iter().chain([
        (format!("ostler logs {name}"), "watch its output"),
        (format!("ostler scale {name} 4"), "run four of it, on one port"),
        ("ostler stop all".to_owned(), "stop everything, keep the list"),
        ("ostler kill".to_owned(), "stop everything and the daemon"),
    ]) {
        session.out.message(&format!("  {command:<28} {what}"));
    }
}

/// How to talk to a worker of a cluster, if it listens soon.
fn curl(session: &mut Session, id: u32) -> Option<String> {
    // The table is read meanwhile. Without an answer there is one word less.
    session.out.flush().ok()?;
    match session.ask(&Request::Listens { id, within: SOON }).ok()? {
        Answer::Reply(Reply::Listens { addresses }) => {
            addresses.iter().find_map(|address| curl_of(address))
        }
        _ => None,
    }
}

/// `curl` for the address of a listener, where there is any.
fn curl_of(address: &str) -> Option<String> {
    if address.starts_with("udp:") || address.starts_with("fd:") {
        return None;
    }
    if let Some(name) = address.strip_prefix('@') {
        return Some(format!(
            "curl --abstract-unix-socket {} http://localhost",
            quote::shell(name)
        ));
    }
    if address.starts_with('/') {
        return Some(format!("curl --unix-socket {} http://localhost", quote::shell(address)));
    }
    Some(format!("curl {}", http_of(address)?))
}

/// Where a listener is reached, if it speaks HTTP; the address itself where that cannot be.
pub(super) fn url_of(address: &str) -> String {
    let is_port = !address.starts_with(['/', '@']) && !address.ends_with(":0");
    let other = ["udp:", "fd:"].iter().any(|kind| address.starts_with(kind));
    let is_port = is_port && !other && !address.contains('#');
    let url = if is_port { http_of(address) } else { None };
    url.unwrap_or_else(|| address.to_owned())
}

fn http_of(address: &str) -> Option<String> {
    let (host, port) = address.split('#').next()?.rsplit_once(':')?;
    port.parse::<u16>().ok()?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let host = match host {
        "*" | "0.0.0.0" => "127.0.0.1".to_owned(),
        "::" => "[::1]".to_owned(),
        host if host.contains(':') => format!("[{host}]"),
        host => host.to_owned(),
    };
    Some(format!("http://{host}:{port}"))
}

#[cfg(test)]
mod tests {
    use super::{curl_of, url_of};

    #[test]
    fn an_address_that_is_no_port_is_shown_as_it_is() {
        assert_eq!(url_of("*:3000"), "http://127.0.0.1:3000");
        assert_eq!(url_of("[::1]:3000"), "http://[::1]:3000");
        for other in ["/run/x:3000", "@name", "udp:*:53", "fd:3", "localhost:0#1"] {
            assert_eq!(url_of(other), other);
        }
    }

    #[test]
    fn an_address_becomes_a_command_that_reaches_it() {
        let check = |address: &str, command: Option<&str>| {
            assert_eq!(curl_of(address).as_deref(), command, "{address}");
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
