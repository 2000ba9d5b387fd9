//! Addresses of HTTP, taken apart.

/// A URL of `http`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Url<'a> {
    /// Host and port, as they are written.
    pub authority: &'a str,
    /// The host, without brackets.
    pub host: &'a str,
    /// The port, 80 where none is written.
    pub port: u16,
    /// The path and what follows it.
    pub path: &'a str,
}

impl<'a> Url<'a> {
    /// Takes an address apart; `None` when it is none of `http`, or its port is no number.
    #[must_use]
    pub fn of(url: &'a str) -> Option<Self> {
        let rest = url.strip_prefix("http://")?;
        let (authority, path) = match rest.find('/') {
            Some(at) => rest.split_at(at),
            None => (rest, "/"),
        };
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !host.ends_with(':') && !port.contains(']') => {
                (host, port.parse().ok()?)
            }
            Some(_) | None => (authority, 80),
        };
        Some(Self { authority, host: host.trim_matches(['[', ']']), port, path })
    }

    /// Whether it means this machine, and not some other host.
    #[must_use]
    pub fn is_here(&self) -> bool {
        matches!(self.host, "localhost" | "127.0.0.1" | "::1" | "0.0.0.0")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_apart() {
        let of = |url| Url::of(url).map(|of| (of.host.to_owned(), of.port, of.path.to_owned()));
        let parts = |host: &str, port, path: &str| Some((host.to_owned(), port, path.to_owned()));
        assert_eq!(of("http://localhost:3000/health?x=1"), parts("localhost", 3000, "/health?x=1"));
        assert_eq!(of("http://example.org"), parts("example.org", 80, "/"));
        assert_eq!(of("http://[::1]:8080/"), parts("::1", 8080, "/"));
        assert_eq!(of("http://[::1]/x"), parts("::1", 80, "/x"));
        assert_eq!(of("https://x/"), None);
    }
}
