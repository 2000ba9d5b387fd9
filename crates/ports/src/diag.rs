//! Sockets of TCP that listen, and connections, asked for by `NETLINK_SOCK_DIAG`.
//!
//! `/proc/net/tcp` tells the same, but the kernel goes through every connection for it: ten
//! milliseconds, where this takes some ten microseconds.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use rustix::io::Errno;
use rustix::net::netlink::{SOCK_DIAG, SocketAddrNetlink};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, sendto, socket_with,
};

use crate::Address;
use crate::table::Socket;

/// The request for sockets by family (`SOCK_DIAG_BY_FAMILY`), also the kind of the answers.
const BY_FAMILY: u16 = 20;
/// The last message of an answer.
const DONE: u16 = 3;
/// It is a request, and for all that fit.
const REQUEST_DUMP: u16 = 0x1 | 0x300;
/// Length of the head of each message.
const HEAD: usize = 16;
/// Length of what is told of a socket, after the head.
const TOLD: usize = 72;
/// Number of TCP among protocols.
const TCP: u8 = 6;
/// The state of a socket that listens.
const LISTENS: u8 = 10;
/// The state of a connection.
const ESTABLISHED: u8 = 1;
/// More connections than this are not looked at.
const MOST: usize = 16_384;
const FAMILIES: [AddressFamily; 2] = [AddressFamily::INET, AddressFamily::INET6];

/// Returns every socket of TCP that listens.
///
/// # Errors
/// The kernel does not tell, or not in this way.
pub(crate) fn listening() -> Result<Vec<Socket>, Errno> {
    Ok(ask(&[LISTENS])?.into_iter().map(|(_, socket)| socket).collect())
}

/// Returns every socket of TCP that listens, and every connection. One that nobody accepted yet has
/// the number 0.
///
/// # Errors
/// The kernel does not tell, or not in this way, or there are too many.
pub(crate) fn listening_and_connected() -> Result<(Vec<Socket>, Vec<Socket>), Errno> {
    let (listening, connected): (Vec<_>, Vec<_>) =
        ask(&[LISTENS, ESTABLISHED])?.into_iter().partition(|(state, _)| *state == LISTENS);
    let sockets = |all: Vec<(u8, Socket)>| all.into_iter().map(|(_, socket)| socket).collect();
    Ok((sockets(listening), sockets(connected)))
}

/// Returns the sockets in these states, each with its state.
fn ask(states: &[u8]) -> Result<Vec<(u8, Socket)>, Errno> {
    let states = states.iter().fold(0, |all, state| all | 1 << state);
    let flags = SocketFlags::CLOEXEC;
    let link = socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, Some(SOCK_DIAG))?;
    let kernel = SocketAddrNetlink::new(0, 0);
    let mut all = Vec::new();
    let mut answer = vec![0; 32_768];
    for family in FAMILIES {
        sendto(&link, &request(family, states), SendFlags::empty(), &kernel)?;
        loop {
            let (length, _) = recv(&link, &mut *answer, RecvFlags::empty())?;
            let messages = answer.get(..length).unwrap_or_default();
            if read(messages, &mut all)? {
                break;
            }
            if MOST < all.len() {
                return Err(Errno::OVERFLOW);
            }
        }
    }
    Ok(all)
}

/// The request for the sockets of one family in these states, each of which is a bit.
fn request(family: AddressFamily, states: u32) -> Vec<u8> {
    let mut message = Vec::with_capacity(HEAD + 56);
    message.extend(72_u32.to_ne_bytes());
    message.extend(BY_FAMILY.to_ne_bytes());
    message.extend(REQUEST_DUMP.to_ne_bytes());
    message.extend([0; 8]); // A number for the request, and who asks: the kernel knows.
    message.extend([u8::try_from(family.as_raw()).unwrap_or_default(), TCP, 0, 0]);
    message.extend(states.to_ne_bytes());
    message.extend([0; 48]); // Whichever address.
    message
}

/// Reads messages. Returns whether the last one is among them.
fn read(mut messages: &[u8], all: &mut Vec<(u8, Socket)>) -> Result<bool, Errno> {
    while !messages.is_empty() {
        let length = number(messages, 0).and_then(|length| usize::try_from(length).ok());
        let kind = messages.get(4..6).and_then(|kind| kind.try_into().ok());
        let (Some(length @ HEAD..), Some(kind)) = (length, kind) else { return Err(Errno::PROTO) };
        let Some(message) = messages.get(..length) else { return Err(Errno::PROTO) };
        match u16::from_ne_bytes(kind) {
            DONE => return Ok(true),
            BY_FAMILY => all.extend(message.get(HEAD..).and_then(socket)),
            // An error, such as that nobody answers such requests.
            _ => return Err(Errno::OPNOTSUPP),
        }
        // Messages begin at multiples of four.
        messages = messages.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    Ok(false)
}

/// What is told of one socket: its state, and which it is.
fn socket(told: &[u8]) -> Option<(u8, Socket)> {
    if told.len() < TOLD {
        return None;
    }
    let family = u16::from(*told.first()?);
    let port = u16::from_be_bytes(told.get(4..6)?.try_into().ok()?);
    let ip = if family == AddressFamily::INET.as_raw() {
        IpAddr::V4(Ipv4Addr::from(<[u8; 4]>::try_from(told.get(8..12)?).ok()?))
    } else {
        IpAddr::V6(Ipv6Addr::from(<[u8; 16]>::try_from(told.get(8..24)?).ok()?))
    };
    let (uid, inode) = (number(told, 64)?, number(told, 68)?);
    let address = Address::Inet { udp: false, ip: Some(ip), port };
    Some((*told.get(1)?, Socket { address, inode: inode.into(), uid: Some(uid) }))
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::net::TcpListener;

    use super::*;
    use crate::table::inet;

    #[test]
    fn the_kernel_tells_what_its_table_tells() {
        let four = TcpListener::bind("127.0.0.1:0").unwrap();
        let six = TcpListener::bind("[::1]:0").or_else(|_| TcpListener::bind("0.0.0.0:0")).unwrap();
        let told = listening().unwrap();
        let mut table = inet(&std::fs::read_to_string("/proc/net/tcp").unwrap(), false);
        let v6 = std::fs::read_to_string("/proc/net/tcp6").unwrap_or_default();
        table.extend(inet(&v6, false));
        let of = |all: &[Socket], port: u16| -> BTreeMap<u64, (String, Option<u32>)> {
            let is =
                |of: &&Socket| matches!(of.address, Address::Inet { port: at, .. } if at == port);
            let all = all.iter().filter(is);
            all.map(|of| (of.inode, (of.address.to_string(), of.uid))).collect()
        };
        for listener in [four, six] {
            let port = listener.local_addr().unwrap().port();
            assert!(!of(&told, port).is_empty(), "{told:?}");
            assert_eq!(of(&told, port), of(&table, port));
        }
    }

    #[test]
    fn what_is_cut_or_refused_is_an_error() {
        let mut all = Vec::new();
        assert_eq!(read(&[], &mut all), Ok(false));
        assert_eq!(read(&[1, 0, 0], &mut all), Err(Errno::PROTO));
        assert_eq!(read(&[0; 16], &mut all), Err(Errno::PROTO));
        let mut refused = 36_u32.to_ne_bytes().to_vec();
        refused.extend(2_u16.to_ne_bytes());
        refused.extend([0; 30]);
        assert_eq!(read(&refused, &mut all), Err(Errno::OPNOTSUPP));
        assert!(all.is_empty());
    }
}
