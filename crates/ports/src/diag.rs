//! Sockets of TCP and UNIX sockets that listen, and connections, asked for by `NETLINK_SOCK_DIAG`.
//!
//! `/proc/net/tcp` and `/proc/net/unix` tell the same, but the kernel goes through every connection
//! for it: up to ten milliseconds, where this takes some ten microseconds.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::net::netlink::{SOCK_DIAG, SocketAddrNetlink};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, sendto, socket_with,
};

use crate::Address;
use crate::table::{Socket, unix_address};

/// The request for sockets by family (`SOCK_DIAG_BY_FAMILY`), also the kind of the answers.
const BY_FAMILY: u16 = 20;
/// The older request for sockets of TCP, of both families at once (`TCPDIAG_GETSOCK`), also the
/// kind of the answers.
const OF_TCP: u16 = 18;
/// The last message of an answer.
const DONE: u16 = 3;
/// It is a request, and for all that fit.
const REQUEST_DUMP: u16 = 0x1 | 0x300;
/// It is a request, and for one.
const REQUEST: u16 = 0x1;
/// Length of the head of each message.
const HEAD: usize = 16;
/// Length of what is told of a socket of TCP, after the head.
const TOLD: usize = 72;
/// Length of what is told of a UNIX socket, after the head; attributes follow.
const TOLD_UNIX: usize = 16;
/// Number of TCP among protocols.
const TCP: u8 = 6;
/// The state of a socket that listens, as a bit.
const LISTENS: u32 = 1 << 10;
/// The state of a connection, as a bit.
const ESTABLISHED: u32 = 1 << 1;
/// More than this are not looked at.
const MOST: usize = 16_384;
/// The state of a socket that has no other end.
const UNCONNECTED: u32 = 1 << 7;
/// A UNIX socket for datagrams, which listens by being bound (`SOCK_DGRAM`).
const DATAGRAMS: u8 = 2;
/// The bit that asks for the name of a UNIX socket.
const SHOW_NAME: u32 = 1;
/// Its kind among attributes.
const NAME: u16 = 0;

/// What a message tells, if that is a socket.
type Told = fn(&[u8]) -> Option<Socket>;

/// Returns every socket of TCP that listens.
///
/// # Errors
/// The kernel does not tell, or not in this way.
pub(crate) fn listening() -> Result<Vec<Socket>, Errno> {
    tcp(LISTENS)
}

/// Returns every connection of TCP, each at both ends. One that nobody accepted yet has
/// the number 0. The kernel goes through its table of connections for it, which is large also where
/// there are few: milliseconds.
///
/// # Errors
/// The kernel does not tell, or not in this way, or there are too many.
pub(crate) fn connected() -> Result<Vec<Socket>, Errno> {
    tcp(ESTABLISHED)
}

/// Returns every socket of TCP with this port that does not listen. One that nobody has any more,
/// or has accepted yet, has the number 0.
///
/// # Errors
/// The kernel does not tell, or not in this way, or there are too many.
pub(crate) fn of_port(port: u16) -> Result<Vec<Socket>, Errno> {
    let mut all = tcp_of(!LISTENS, port)?;
    // A kernel that does not choose by the port tells of all.
    all.retain(|of| matches!(of.address, Address::Inet { port: at, .. } if at == port));
    Ok(all)
}

/// Returns the sockets of TCP in these states, of both families: the newer request is for one, and
/// goes through the same table for it.
fn tcp(states: u32) -> Result<Vec<Socket>, Errno> {
    tcp_of(states, 0)
}

/// The same of one port; 0 is each.
fn tcp_of(states: u32, port: u16) -> Result<Vec<Socket>, Errno> {
    // Whichever addresses, then the states.
    let mut asked = vec![0; 4];
    asked.extend(port.to_be_bytes());
    asked.extend([0; 46]);
    asked.extend(states.to_ne_bytes());
    asked.extend([0; 4]);
    let mut all = Vec::new();
    dump(&link()?, OF_TCP, &asked, socket, &mut all)?;
    Ok(all)
}

/// Returns one end of a connection: the socket at `near` whose other end is `far`.
///
/// # Errors
/// The kernel does not tell, or not in this way, or there is no such connection.
pub(crate) fn connection(near: SocketAddr, far: SocketAddr) -> Result<Option<Socket>, Errno> {
    let family = if near.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let mut asked = vec![byte(family), TCP, 0, 0];
    asked.extend(u32::MAX.to_ne_bytes()); // Whichever state.
    asked.extend(near.port().to_be_bytes());
    asked.extend(far.port().to_be_bytes());
    for end in [near, far] {
        match end.ip() {
            IpAddr::V4(ip) => {
                asked.extend(ip.octets());
                asked.extend([0; 12]);
            }
            IpAddr::V6(ip) => asked.extend(ip.octets()),
        }
    }
    asked.extend([0; 4]); // Whichever device.
    asked.extend([0xff; 8]); // Whichever cookie.
    let link = link()?;
    send(&link, BY_FAMILY, &asked, REQUEST)?;
    let mut answer = [0; 1024];
    let (length, _) = recv(&link, &mut answer, RecvFlags::empty())?;
    let mut all = Vec::new();
    read(answer.get(..length).unwrap_or_default(), socket, &mut all)?;
    Ok(all.pop())
}

/// Returns every UNIX socket with a name that listens.
///
/// # Errors
/// The kernel does not tell, or not in this way.
pub(crate) fn listening_unix() -> Result<Vec<Socket>, Errno> {
    let mut asked = vec![byte(AddressFamily::UNIX), 0, 0, 0];
    // The states, whichever number, what is to be told, whichever cookie.
    for word in [LISTENS | UNCONNECTED, 0, SHOW_NAME, 0, 0] {
        asked.extend(word.to_ne_bytes());
    }
    let mut all = Vec::new();
    dump(&link()?, BY_FAMILY, &asked, unix_socket, &mut all)?;
    Ok(all)
}

fn byte(family: AddressFamily) -> u8 {
    u8::try_from(family.as_raw()).unwrap_or_default()
}

fn link() -> Result<OwnedFd, Errno> {
    let flags = SocketFlags::CLOEXEC;
    socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, Some(SOCK_DIAG))
}

/// Asks for all sockets of a kind.
fn dump(
    link: &OwnedFd,
    kind: u16,
    asked: &[u8],
    told: Told,
    all: &mut Vec<Socket>,
) -> Result<(), Errno> {
    send(link, kind, asked, REQUEST_DUMP)?;
    let mut answer = vec![0; 32_768];
    loop {
        let (length, _) = recv(link, &mut *answer, RecvFlags::empty())?;
        if read(answer.get(..length).unwrap_or_default(), told, all)? {
            return Ok(());
        }
        if MOST < all.len() {
            return Err(Errno::OVERFLOW);
        }
    }
}

fn send(link: &OwnedFd, kind: u16, asked: &[u8], flags: u16) -> Result<(), Errno> {
    let mut message = Vec::with_capacity(HEAD + asked.len());
    message.extend(u32::try_from(HEAD + asked.len()).unwrap_or_default().to_ne_bytes());
    message.extend(kind.to_ne_bytes());
    message.extend(flags.to_ne_bytes());
    message.extend([0; 8]); // A number for the request, and who asks: the kernel knows.
    message.extend(asked);
    sendto(link, &message, SendFlags::empty(), &SocketAddrNetlink::new(0, 0))?;
    Ok(())
}

/// Reads messages. Returns whether the last one is among them.
fn read(mut messages: &[u8], told: Told, all: &mut Vec<Socket>) -> Result<bool, Errno> {
    while !messages.is_empty() {
        let length = number(messages, 0).and_then(|length| usize::try_from(length).ok());
        let kind = messages.get(4..6).and_then(|kind| kind.try_into().ok());
        let (Some(length @ HEAD..), Some(kind)) = (length, kind) else { return Err(Errno::PROTO) };
        let Some(message) = messages.get(..length) else { return Err(Errno::PROTO) };
        match u16::from_ne_bytes(kind) {
            DONE => return Ok(true),
            BY_FAMILY | OF_TCP => all.extend(message.get(HEAD..).and_then(told)),
            // An error, such as that nobody answers such requests.
            _ => return Err(Errno::OPNOTSUPP),
        }
        // Messages begin at multiples of four.
        messages = messages.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    Ok(false)
}

/// What is told of one socket of TCP.
fn socket(told: &[u8]) -> Option<Socket> {
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
    Some(Socket { address, inode: inode.into(), uid: Some(uid) })
}

/// What is told of one UNIX socket.
fn unix_socket(told: &[u8]) -> Option<Socket> {
    let (kind, state) = (*told.get(1)?, *told.get(2)?);
    if kind != DATAGRAMS && 1_u32.checked_shl(state.into())? != LISTENS {
        return None;
    }
    let inode = number(told, 4)?.into();
    let address = unix_address(attribute(told.get(TOLD_UNIX..)?, NAME)?)?;
    Some(Socket { address, inode, uid: None })
}

/// The attribute of this kind.
fn attribute(mut attributes: &[u8], wanted: u16) -> Option<&[u8]> {
    loop {
        let length = usize::from(u16::from_ne_bytes(attributes.get(..2)?.try_into().ok()?));
        let kind = u16::from_ne_bytes(attributes.get(2..4)?.try_into().ok()?);
        let value = attributes.get(4..length)?;
        if kind == wanted {
            return Some(value);
        }
        attributes = attributes.get(length.next_multiple_of(4)..)?;
    }
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::net::TcpListener;

    use super::*;
    use crate::table::{inet, unix};

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
    fn the_kernel_tells_of_unix_sockets_what_its_table_tells() {
        use std::os::linux::net::SocketAddrExt as _;
        use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener, UnixStream};

        let me = std::process::id();
        let folder = std::env::temp_dir().join(format!("ostler-diag-{me}"));
        std::fs::create_dir(&folder).unwrap();
        let listens = UnixListener::bind(folder.join("a b")).unwrap();
        let connected = UnixStream::connect(folder.join("a b")).unwrap();
        let receives = UnixDatagram::bind(folder.join("log")).unwrap();
        let name = SocketAddr::from_abstract_name(format!("ostler-diag-{me}\0x")).unwrap();
        let hidden = UnixListener::bind_addr(&name).unwrap();
        let told = listening_unix().unwrap();
        let table = unix(&String::from_utf8_lossy(&std::fs::read("/proc/net/unix").unwrap()));
        std::fs::remove_dir_all(&folder).unwrap();
        drop((listens, connected, receives, hidden));
        let of = |all: &[Socket]| -> BTreeMap<u64, String> {
            let all = all.iter().map(|of| (of.inode, of.address.to_string()));
            all.filter(|(_, address)| address.contains(&format!("ostler-diag-{me}"))).collect()
        };
        assert_eq!(of(&told).len(), 3, "{told:?}");
        assert_eq!(of(&told), of(&table));
    }

    #[test]
    fn what_is_cut_or_refused_is_an_error() {
        let mut all = Vec::new();
        assert_eq!(read(&[], socket, &mut all), Ok(false));
        assert_eq!(read(&[1, 0, 0], socket, &mut all), Err(Errno::PROTO));
        assert_eq!(read(&[0; 16], socket, &mut all), Err(Errno::PROTO));
        let mut refused = 36_u32.to_ne_bytes().to_vec();
        refused.extend(2_u16.to_ne_bytes());
        refused.extend([0; 30]);
        assert_eq!(read(&refused, socket, &mut all), Err(Errno::OPNOTSUPP));
        assert!(all.is_empty());
    }
}
