//! What a program says when its address is taken.
//!
//! Each runtime has words of its own for it, and some do not say which address it was.

use crate::Address;

/// A program's complaint that an address is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    /// The line as it was written.
    pub line: String,
    /// Which address, where the line says it.
    pub address: Option<Address>,
}

/// The words of Node, Go, Python, Ruby and the C library; of Rust; of Java and bun.
const WORDS: [&str; 5] =
    ["eaddrinuse", "address already in use", "address in use", "addrinuse", "was already in use"];

/// Returns the last complaint in these lines; one with an address is preferred.
#[must_use]
pub fn complaint<T: AsRef<str>>(lines: &[T]) -> Option<Complaint> {
    let complaints = lines.iter().rev().map(AsRef::as_ref).filter(|line| complains(line));
    let mut all =
        complaints.map(|line| Complaint { line: line.to_owned(), address: address(line) });
    let last = all.next()?;
    match last.address {
        Some(_) => Some(last),
        None => Some(all.find(|of| of.address.is_some()).unwrap_or(last)),
    }
}

fn complains(line: &str) -> bool {
    let line = line.to_lowercase();
    WORDS.iter().any(|words| line.contains(words))
        || line.contains("in use") && line.contains("port ")
}

/// The address in a line: a word that is one, or the number after `port` or after a host.
fn address(line: &str) -> Option<Address> {
    let apart = |c: char| c.is_whitespace() || "\"'`(),;=".contains(c);
    let words: Vec<&str> = line
        .split(apart)
        .map(|word| word.trim_end_matches([':', '.', '?', '!']))
        .filter(|word| !word.is_empty())
        .collect();
    let udp = words.iter().any(|word| word.to_lowercase().starts_with("udp"));
    let pairs = || words.iter().zip(words.iter().skip(1));
    let number = |word: &str| word.parse::<u16>().ok().filter(|port| *port != 0);
    // `'127.0.0.1', 8000` and `"127.0.0.1" port 3000`.
    let host = words.iter().find_map(|word| word.parse().ok());
    let alone = pairs().find_map(|(before, word)| {
        let host_before = before.parse::<std::net::IpAddr>().is_ok();
        (host_before || before.eq_ignore_ascii_case("port")).then(|| number(word)).flatten()
    });
    let address = words.iter().find_map(|word| Address::parse(word));
    match (address, alone) {
        (Some(Address::Inet { ip, port, .. }), _) => Some(Address::Inet { udp, ip, port }),
        (Some(other), _) => Some(other),
        (None, Some(port)) => Some(Address::Inet { udp, ip: host, port }),
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_each_runtime_are_understood() {
        let check = |line: &str, address: Option<&str>| {
            let found = complaint(&[line]).unwrap_or_else(|| panic!("no complaint: {line}"));
            let shown = found.address.map(|address| address.to_string());
            assert_eq!(shown.as_deref(), address, "{line}");
        };
        let node = "Error: listen EADDRINUSE: address already in use";
        check(&format!("{node} :::3000"), Some("*:3000"));
        check(&format!("{node} 127.0.0.1:3000"), Some("127.0.0.1:3000"));
        check(&format!("{node} /run/x.sock"), Some("/run/x.sock"));
        check("Error: bind EADDRINUSE null:3000", Some("*:3000"));
        check("OSError: [Errno 98] Address already in use", None);
        check(
            "ERROR: [Errno 98] error while attempting to bind on address ('127.0.0.1', 8000): \
             address already in use",
            Some("127.0.0.1:8000"),
        );
        check("listen tcp :8080: bind: address already in use", Some("*:8080"));
        check("listen udp 127.0.0.1:53: bind: address already in use", Some("udp:127.0.0.1:53"));
        check("nginx: bind() to 0.0.0.0:80 failed (98: Address already in use)", Some("*:80"));
        check(
            "Address already in use - bind(2) for \"127.0.0.1\" port 3000 (Errno::EADDRINUSE)",
            Some("127.0.0.1:3000"),
        );
        check("Web server failed to start. Port 8080 was already in use.", Some("*:8080"));
        check("error: Failed to start server. Is port 3000 in use?", Some("*:3000"));
        check("Os { code: 98, kind: AddrInUse, message: \"Address already in use\" }", None);
    }

    #[test]
    fn other_errors_are_no_complaint_and_the_one_that_says_where_is_preferred() {
        assert_eq!(complaint(&["TypeError: x is not a function", "    at /srv/app.js:3:1"]), None);
        assert_eq!(complaint::<&str>(&[]), None);
        let lines =
            ["listen tcp :8080: bind: address already in use", "fatal: address already in use"];
        assert_eq!(complaint(&lines).unwrap().address, Address::parse("*:8080"));
    }
}
