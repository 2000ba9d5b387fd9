//! Who may ask.
//!
//! Problem: a page on the internet can have a browser on this machine ask `http://127.0.0.1:9615`,
//! and by a name of its own that it lets point to 127.0.0.1 (DNS rebinding) it could read the
//! answers. Rule: a request names a host that only this machine can be: an address, `localhost`.
//! Pages of other origins are given no permission to read anything.

use std::net::IpAddr;

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It names no host, or one that anybody could have chosen.
    Host,
}

/// Decides about the `Host` of a request.
pub(crate) fn host(given: Option<&str>) -> Result<(), Refusal> {
    let name = given.map(without_port).unwrap_or_default();
    let is_ours = name.eq_ignore_ascii_case("localhost") || address(name).is_some();
    if is_ours { Ok(()) } else { Err(Refusal::Host) }
}

/// An address, which nobody can let point elsewhere.
fn address(name: &str) -> Option<IpAddr> {
    let bare = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    bare.unwrap_or(name).parse().ok()
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|of| of.is_ascii_digit()) => name,
        Some(_) | None => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_host_that_nobody_else_can_be_is_answered() {
        for good in ["localhost:9615", "LOCALHOST", "127.0.0.1", "127.0.0.1:80", "[::1]:9615"] {
            assert_eq!(host(Some(good)), Ok(()), "{good}");
        }
        for bad in [
            "",
            "evil.example",
            "evil.example:9615",
            "localhost.evil",
            "127.0.0.1.evil.example",
            ":",
        ] {
            assert_eq!(host(Some(bad)), Err(Refusal::Host), "{bad}");
        }
        assert_eq!(host(None), Err(Refusal::Host));
    }
}
