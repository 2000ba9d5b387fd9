//! A worker's description of a listener that it wants, or has.

use super::scan;

/// The `addressType` of a query.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum AddressType {
    /// `4`: TCP over IPv4.
    Tcp4,
    /// `6`: TCP over IPv6.
    Tcp6,
    /// `-1`: a UNIX path.
    Unix,
    /// `"udp4"`: UDP over IPv4.
    Udp4,
    /// `"udp6"`: UDP over IPv6.
    Udp6,
    /// `null` or absent: with `fd`, and in nonsense.
    #[default]
    None,
    /// A value that is not known here.
    Unknown,
}

impl AddressType {
    /// Returns whether it is one of the two UDP types.
    #[must_use]
    pub fn is_udp(self) -> bool {
        matches!(self, Self::Udp4 | Self::Udp6)
    }

    /// Returns the type as it stands in Node's own sharing key.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tcp4 => "4",
            Self::Tcp6 => "6",
            Self::Unix => "-1",
            Self::Udp4 => "udp4",
            Self::Udp6 => "udp6",
            Self::None => "null",
            Self::Unknown => "?",
        }
    }

    fn parse(raw: &[u8]) -> Self {
        match raw {
            b"4" => Self::Tcp4,
            b"6" => Self::Tcp6,
            b"-1" => Self::Unix,
            b"\"udp4\"" => Self::Udp4,
            b"\"udp6\"" => Self::Udp6,
            b"null" => Self::None,
            _ => Self::Unknown,
        }
    }
}

/// The fields that `queryServer` and `listening` share. Whatever Node version sent them, absent,
/// `null` and `-1` for "no descriptor" are one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// Host, or UNIX path (absolute, or with a NUL inside for an abstract name). `None` means every
    /// address there is.
    pub address: Option<String>,
    /// Port; `-1` with a path, `None` with `fd`.
    pub port: Option<i64>,
    /// The kind of `address`.
    pub address_type: AddressType,
    /// A number that the application believes to be a descriptor of ours.
    pub fd: Option<i64>,
    /// Which one of several equal calls in the same worker this is.
    pub index: i64,
    /// libuv's bind flags: 1 is IPv6 only, 4 is UDP's address reuse.
    pub flags: i64,
    /// Length of the accept queue; 0 is the default.
    pub backlog: i64,
    /// Raw JSON to be given to every worker of this listener; `None` for `null`.
    pub data: Option<String>,
    /// Make the UNIX socket readable for everybody.
    pub readable_all: bool,
    /// Make the UNIX socket writable for everybody.
    pub writable_all: bool,
}

impl Query {
    /// Takes over one member of the message's object, if it is one of a query.
    pub(super) fn set(&mut self, key: &[u8], raw: &[u8]) {
        match key {
            b"address" => self.address = scan::text(raw).map(std::borrow::Cow::into_owned),
            b"port" => self.port = scan::integer(raw),
            b"addressType" => self.address_type = AddressType::parse(raw),
            b"fd" => self.fd = scan::integer(raw).filter(|fd| *fd >= 0),
            b"index" => self.index = scan::integer(raw).unwrap_or(0),
            b"flags" => self.flags = scan::integer(raw).unwrap_or(0),
            b"backlog" => self.backlog = scan::integer(raw).unwrap_or(0),
            b"data" => {
                self.data =
                    Some(String::from_utf8_lossy(raw).into_owned()).filter(|data| data != "null");
            }
            b"readableAll" => self.readable_all = scan::boolean(raw).unwrap_or(false),
            b"writableAll" => self.writable_all = scan::boolean(raw).unwrap_or(false),
            _ => {}
        }
    }
}
