//! The kernel's tables of sockets: `/proc/net/tcp`, `tcp6`, `udp`, `udp6` and `unix`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::Address;
use crate::address::Nearness;

/// A socket that excludes others from its address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Socket {
    /// Where it is bound.
    pub address: Address,
    /// Its number, by which descriptors name it.
    pub inode: u64,
    /// Its user, where the table tells.
    pub uid: Option<u32>,
}

/// State of a socket of TCP that listens.
const LISTENS: &str = "0A";
/// A UNIX socket that accepts connections (`SO_ACCEPTCON`).
const ACCEPTS: u32 = 1 << 16;
/// A UNIX socket for datagrams, which listens by being bound.
const DATAGRAMS: &str = "0002";
/// State of a UNIX socket with another end.
const CONNECTED: &str = "03";

/// Returns the sockets in a table of TCP or UDP, of either family.
#[must_use]
pub fn inet(text: &str, udp: bool) -> Vec<Socket> {
    text.lines().skip(1).filter_map(|line| inet_row(line, udp)).collect()
}

/// Returns the sockets in the table of UNIX sockets.
#[must_use]
pub fn unix(text: &str) -> Vec<Socket> {
    text.lines().skip(1).filter_map(unix_row).collect()
}

/// Returns the connections to UNIX sockets with a name, as those who accepted them have them.
#[must_use]
pub(crate) fn unix_connected(text: &str) -> Vec<Socket> {
    let rows = text.lines().skip(1).filter_map(unix_fields);
    let connected = rows.filter(|row| row.state == CONNECTED);
    connected.filter_map(|row| row.socket()).collect()
}

/// The sockets that exclude an address and are nearest to it.
pub(crate) fn nearest(wanted: &Address, sockets: Vec<Socket>) -> Vec<Socket> {
    let excluding = sockets
        .into_iter()
        .filter_map(|socket| Some((wanted.excluded_by(&socket.address)?, socket)));
    let (same, overlapping): (Vec<_>, Vec<_>) =
        excluding.partition(|(nearness, _)| *nearness == Nearness::Same);
    let chosen = if same.is_empty() { overlapping } else { same };
    chosen.into_iter().map(|(_, socket)| socket).collect()
}

/// What is left out between two of these: the other end; queues, timer, repetitions; a time-out.
fn inet_row(line: &str, udp: bool) -> Option<Socket> {
    let mut fields = line.split_ascii_whitespace();
    let (ip, port) = fields.nth(1)?.split_once(':')?;
    let state = fields.nth(1)?;
    if !udp && state != LISTENS {
        return None;
    }
    let uid = fields.nth(3)?.parse().ok();
    let inode = fields.nth(1)?.parse().ok()?;
    let (ip, port) = (Some(ip_of(ip)?), u16::from_str_radix(port, 16).ok()?);
    Some(Socket { address: Address::Inet { udp, ip, port }, inode, uid })
}

/// The address as it lies in memory, in words of 32 bits.
fn ip_of(hex: &str) -> Option<IpAddr> {
    let word = |at: usize| {
        let digits = hex.get(at * 8..at * 8 + 8)?;
        u32::from_str_radix(digits, 16).ok().map(u32::to_ne_bytes)
    };
    match hex.len() {
        8 => Some(IpAddr::V4(Ipv4Addr::from(word(0)?))),
        32 => {
            let words = [word(0)?, word(1)?, word(2)?, word(3)?];
            let bytes: [u8; 16] = words.concat().try_into().ok()?;
            Some(IpAddr::V6(Ipv6Addr::from(bytes)))
        }
        _ => None,
    }
}

fn unix_row(line: &str) -> Option<Socket> {
    let row = unix_fields(line)?;
    (row.flags & ACCEPTS != 0 || row.kind == DATAGRAMS).then(|| row.socket())?
}

/// What is told of a UNIX socket.
struct UnixRow<'a> {
    flags: u32,
    kind: &'a str,
    state: &'a str,
    inode: u64,
    name: &'a str,
}

impl UnixRow<'_> {
    /// The socket, if it has a name.
    fn socket(&self) -> Option<Socket> {
        let address = match self.name.strip_prefix('@') {
            Some(name) => Address::Abstract(name.to_owned()),
            None => Address::Path(self.name.to_owned()),
        };
        (!self.name.is_empty()).then_some(Socket { address, inode: self.inode, uid: None })
    }
}

/// Seven fields, then the path, which may hold blanks.
fn unix_fields(line: &str) -> Option<UnixRow<'_>> {
    let mut rest = line;
    let mut field = || {
        let (field, after) = rest.trim_start().split_once(' ')?;
        rest = after;
        Some(field)
    };
    let [_, _, _, flags, kind, state, inode] =
        [field()?, field()?, field()?, field()?, field()?, field()?, field()?];
    let flags = u32::from_str_radix(flags, 16).ok()?;
    Some(UnixRow { flags, kind, state, inode: inode.parse().ok()?, name: rest })
}

/// The address that a UNIX socket is bound to, as it lies in memory; `None`: to none.
pub(crate) fn unix_address(name: &[u8]) -> Option<Address> {
    match name.split_first()? {
        // The table shows each zero so.
        (0, name) => {
            let name: Vec<u8> =
                name.iter().map(|byte| if *byte == 0 { b'@' } else { *byte }).collect();
            Some(Address::Abstract(String::from_utf8_lossy(&name).into_owned()))
        }
        (_, _) => {
            let path = name.split(|byte| *byte == 0).next()?;
            Some(Address::Path(String::from_utf8_lossy(path).into_owned()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(sockets: &[Socket]) -> Vec<(String, u64, Option<u32>)> {
        sockets.iter().map(|of| (of.address.to_string(), of.inode, of.uid)).collect()
    }

    #[cfg(target_endian = "little")]
    #[test]
    fn rows_of_tcp_and_udp_are_read() {
        let tcp = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt\n\
            \x20  0: 0100007F:0BB8 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000 \
            \x20      0 4711 1 0000000000000000 100 0 0 10 0\n\
            \x20  1: 0100007F:0BB9 0100007F:A000 01 00000000:00000000 00:00000000 00000000  1000 \
            \x20      0 4712 1\n\
            \x20  2: garbage\n";
        assert_eq!(shown(&inet(tcp, false)), [("127.0.0.1:3000".to_owned(), 4711, Some(1000))]);
        let six = "  sl  local_address remote_address st tx_queue rx_queue\n\
            \x20  0: 00000000000000000000000000000000:0050 00000000000000000000000000000000:0000 \
            0A 00000000:00000000 00:00000000 00000000     0        0 15 1\n\
            \x20  1: 00000000000000000000000001000000:0051 00000000000000000000000000000000:0000 \
            0A 00000000:00000000 00:00000000 00000000     0        0 16 1\n";
        let all = [("*:80".to_owned(), 15, Some(0)), ("[::1]:81".to_owned(), 16, Some(0))];
        assert_eq!(shown(&inet(six, false)), all);
        let udp = "  sl  local_address\n\
            \x20  9: 00000000:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000   101 \
            \x20      0 20 2 0000000000000000 0\n";
        assert_eq!(shown(&inet(udp, true)), [("udp:*:53".to_owned(), 20, Some(101))]);
    }

    #[test]
    fn rows_of_unix_sockets_are_read() {
        let text = "Num       RefCount Protocol Flags    Type St Inode Path\n\
            0000000000000000: 00000002 00000000 00010000 0001 01 31 /run/a b.sock\n\
            0000000000000000: 00000003 00000000 00000000 0001 03 32 /run/a b.sock\n\
            0000000000000000: 00000002 00000000 00010000 0001 01    33 @name\n\
            0000000000000000: 00000002 00000000 00000000 0002 01 34 /run/log\n\
            0000000000000000: 00000003 00000000 00000000 0001 03 35\n";
        let all = [("/run/a b.sock", 31), ("@name", 33), ("/run/log", 34)];
        assert_eq!(shown(&unix(text)), all.map(|(path, inode)| (path.to_owned(), inode, None)));
        assert_eq!(shown(&unix_connected(text)), [("/run/a b.sock".to_owned(), 32, None)]);
    }
}
