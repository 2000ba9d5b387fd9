//! Addresses that an app listens on: as short as they can be, and whether others can reach them.

/// Whether a process of another machine could connect to it.
pub(super) fn is_open(address: &str) -> bool {
    let address = address.strip_prefix("udp:").unwrap_or(address);
    if address.starts_with(['/', '@']) {
        return false;
    }
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    let host = host.trim_start_matches("[::ffff:").trim_matches(['[', ']']);
    !(host.starts_with("127.") || host == "::1" || host == "localhost")
}

/// Returns the address with `*` for each host that means every address of the machine.
pub(super) fn short(address: &str) -> String {
    let (kind, rest) = match address.strip_prefix("udp:") {
        Some(rest) => ("udp:", rest),
        None => ("", address.strip_prefix("tcp ").unwrap_or(address)),
    };
    match rest.rsplit_once(':') {
        Some(("0.0.0.0" | "[::]" | "::", port)) => format!("{kind}*:{port}"),
        Some(_) | None => format!("{kind}{rest}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_others_can_reach_is_known_as_such() {
        let check = |address: &str, open: bool, shown: &str| {
            assert_eq!((is_open(address), short(address).as_str()), (open, shown), "{address}");
        };
        check("*:3000", true, "*:3000");
        check("0.0.0.0:3000", true, "*:3000");
        check("[::]:3000", true, "*:3000");
        check("10.0.0.7:80", true, "10.0.0.7:80");
        check("udp:*:53", true, "udp:*:53");
        check("127.0.0.1:3000", false, "127.0.0.1:3000");
        check("[::ffff:127.0.0.1]:80", false, "[::ffff:127.0.0.1]:80");
        check("[::1]:3000", false, "[::1]:3000");
        check("localhost:3000", false, "localhost:3000");
        check("/run/x.sock", false, "/run/x.sock");
        check("@abstract", false, "@abstract");
    }
}
