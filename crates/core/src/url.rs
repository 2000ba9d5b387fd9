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
    /// Takes an address apart; `None` when it is none of `http`, or nobody could be asked at it: it
    /// has no host, a port that is none, a blank, or a user, which nobody would be told.
    #[must_use]
    pub fn of(url: &'a str) -> Option<Self> {
        let rest = url.strip_prefix("http://")?;
        if rest.contains(|one: char| one.is_whitespace() || one.is_control()) {
            return None;
        }
        let (authority, path) = match rest.find('/') {
            Some(at) => rest.split_at(at),
            None => (rest, "/"),
        };
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !host.ends_with(':') && !port.contains(']') => {
                (host, port.parse().ok().filter(|port| 0 < *port)?)
            }
            Some(_) | None => (authority, 80),
        };
        let host = match host.strip_prefix('[') {
            Some(inside) => inside.strip_suffix(']')?,
            None => host,
        };
        let is_none = host.is_empty() || host.contains(['@', '[', ']', '?', '#']);
        (!is_none).then_some(Self { authority, host, port, path })
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
        assert_eq!(of("http://[fd00::a:7]/x"), parts("fd00::a:7", 80, "/x"));
        let none = [
            "https://x/",
            "http://",
            "http://:80/",
            "http://a:0/",
            "http://a:99999/",
            "http://a:/",
            "http://[::1",
            "http://[]/",
            "http://a b/",
            "http://a/b c",
            "http://u:p@h/",
            "http://u@h/",
            "http://h?x",
            "localhost",
        ];
        assert_eq!(none.map(Url::of), [None; 14]);
    }

    #[test]
    fn an_address_of_this_machine_is_told_from_others() {
        for (url, is_here) in [
            ("http://localhost:3000/", true),
            ("http://127.0.0.1/", true),
            ("http://[::1]:80/", true),
            ("http://0.0.0.0/", true),
            ("http://10.0.0.1/", false),
            ("http://localhost.example.org/", false),
        ] {
            assert_eq!(Url::of(url).unwrap().is_here(), is_here, "{url}");
        }
    }
}
