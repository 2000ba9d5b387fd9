//! Listening sockets as workers of Node's cluster ask for them, and the connections on them.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use ostler_cluster::ListenerKind;
use ostler_core::spec::Address;
use ostler_wire::node::outgoing::Sockname;
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, SocketAddrAny, SocketAddrUnix, SocketFlags, SocketType, acceptfrom_with, bind,
    getpeername, getsockname, listen, socket_with, sockopt,
};

use crate::daemon_log;
use crate::rights::Rights;

/// Connections that may wait at a socket whose app does not say how many: as in Node.
const BACKLOG: u32 = 511;

/// An open socket and where it is.
pub type Opened = (OwnedFd, Option<Sockname>);

/// Opens what a worker asked for.
///
/// # Errors
/// The system's number, positive.
pub fn open(kind: &ListenerKind) -> Result<Opened, Errno> {
    match kind {
        ListenerKind::Tcp { address: Some(address), port, v6only, backlog } => {
            tcp(socket_address(address, *port)?, *v6only, *backlog)
        }
        ListenerKind::Tcp { address: None, port, v6only, backlog } => {
            let any = SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), *port);
            match tcp(any, *v6only, *backlog) {
                // Only where there is no IPv6 at all; a taken port stays an error.
                Err(Errno::AFNOSUPPORT | Errno::ADDRNOTAVAIL) => {
                    tcp(SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), *port), false, *backlog)
                }
                other => other,
            }
        }
        ListenerKind::Unix { path, readable_all, writable_all, backlog } => {
            let (address, _folder) = bindable(path)?;
            let fd = unix(&address, *backlog)?;
            let more =
                if *readable_all { 0o444 } else { 0 } | if *writable_all { 0o222 } else { 0 };
            if more != 0 {
                allow(Path::new(path), more)?;
            }
            Ok((fd, None))
        }
        ListenerKind::Abstract { name, backlog } => {
            Ok((unix(&SocketAddrUnix::new_abstract_name(name.as_bytes())?, *backlog)?, None))
        }
        ListenerKind::Udp { address, port, v6, v6only, reuse } => {
            let any = if *v6 {
                IpAddr::from(Ipv6Addr::UNSPECIFIED)
            } else {
                Ipv4Addr::UNSPECIFIED.into()
            };
            let to = match address {
                Some(address) => socket_address(address, *port)?,
                None => SocketAddr::new(any, *port),
            };
            let fd = socket(&to, SocketType::DGRAM)?;
            sockopt::set_socket_reuseaddr(&fd, *reuse)?;
            if to.is_ipv6() {
                sockopt::set_ipv6_v6only(&fd, *v6only)?;
            }
            bind(&fd, &to)?;
            let name = name_of(&fd)?;
            Ok((fd, name))
        }
        // The owner has put what the number means in its place.
        ListenerKind::Fd { .. } => Err(Errno::INVAL),
    }
}

/// What an operator's address means.
pub fn kind_of(address: &Address) -> ListenerKind {
    let backlog = BACKLOG;
    match address {
        Address::Tcp { host, port } => ListenerKind::Tcp {
            address: host.map(|host| host.to_string()),
            port: *port,
            v6only: false,
            backlog,
        },
        Address::Unix(path) => {
            let path = path.to_string_lossy().into_owned();
            ListenerKind::Unix { path, readable_all: false, writable_all: false, backlog }
        }
    }
}

/// The file of a UNIX listener.
pub fn path_of(listener: &OwnedFd) -> Option<String> {
    let name = SocketAddrUnix::try_from(getsockname(listener).ok()?).ok()?;
    name.path().and_then(|path| path.to_str().ok().map(str::to_owned))
}

/// Ends listening at once, for whoever has a duplicate too: a client that comes now is refused, and
/// the port is free for the next listener.
pub fn shut(listener: &OwnedFd) {
    // A datagram socket does not listen, and has nobody in a queue: it lets others beside it.
    if is_stream(listener) {
        _ = rustix::net::shutdown(listener, rustix::net::Shutdown::Both);
    } else {
        _ = sockopt::set_socket_reuseaddr(listener, true);
    }
}

/// Opens what a worker asked for, also a UDP socket beside one that was shut and that some
/// worker still has.
///
/// # Errors
/// The system's number, positive.
pub fn open_beside(kind: &ListenerKind) -> Result<Opened, Errno> {
    match (open(kind), kind.clone()) {
        (Err(Errno::ADDRINUSE), ListenerKind::Udp { address, port, v6, v6only, reuse }) => {
            let beside = ListenerKind::Udp { address, port, v6, v6only, reuse: true };
            let (fd, name) = open(&beside)?;
            sockopt::set_socket_reuseaddr(&fd, reuse)?;
            Ok((fd, name))
        }
        (opened, _) => opened,
    }
}

/// Whether a socket that was kept still serves: one that was shut is of no use.
pub fn serves(socket: &OwnedFd) -> bool {
    !is_stream(socket) || sockopt::socket_acceptconn(socket) != Ok(false)
}

fn is_stream(socket: &OwnedFd) -> bool {
    sockopt::socket_type(socket) == Ok(SocketType::STREAM)
}

/// Takes the file of a UNIX listener away that nobody listens at: a daemon that died over it may
/// have made it, or not come to remove it.
pub fn unlink_stale(path: &str, rights: &Rights) {
    let refused = |error: &std::io::Error| error.kind() == std::io::ErrorKind::ConnectionRefused;
    if std::os::unix::net::UnixStream::connect(path).is_err_and(|error| refused(&error)) {
        unlink(path, rights);
    }
}

/// Takes the file of a UNIX listener away.
pub fn unlink(path: &str, rights: &Rights) {
    match rights.act(|| rustix::fs::unlink(path)) {
        // Somebody may have removed it already.
        Ok(()) | Err(Errno::NOENT) => {}
        Err(error) => daemon_log::error(format!("could not remove the socket `{path}`: {error}")),
    }
}

/// Takes one connection: its socket and a number that is the same for the same client address.
///
/// # Errors
/// The system's number; `EAGAIN` when nobody waits.
pub fn accept(listener: &OwnedFd) -> Result<(OwnedFd, u64), Errno> {
    let (fd, peer) = acceptfrom_with(listener, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC)?;
    let peer = number_of(&fd, peer);
    Ok((fd, peer))
}

/// The number of a connection's client, as [`accept`] gives it.
pub fn peer(conn: &OwnedFd) -> u64 {
    // Whoever has gone has no address; then any number will do.
    number_of(conn, getpeername(conn).ok().flatten())
}

/// A socket that is connected to nothing.
///
/// # Errors
/// Out of file descriptors.
pub fn unconnected() -> Result<OwnedFd, Errno> {
    socket_with(
        AddressFamily::INET,
        SocketType::STREAM,
        SocketFlags::NONBLOCK | SocketFlags::CLOEXEC,
        None,
    )
}

fn number_of(fd: &OwnedFd, peer: Option<SocketAddrAny>) -> u64 {
    let mut hash = DefaultHasher::new();
    match peer.and_then(|peer| SocketAddr::try_from(peer).ok()) {
        // The port differs from connection to connection: only the address makes a client.
        Some(peer) => peer.ip().to_canonical().hash(&mut hash),
        None => fd.as_raw_fd().hash(&mut hash),
    }
    hash.finish()
}

fn tcp(to: SocketAddr, v6only: bool, backlog: u32) -> Result<Opened, Errno> {
    let fd = socket(&to, SocketType::STREAM)?;
    sockopt::set_socket_reuseaddr(&fd, true)?;
    if to.is_ipv6() {
        sockopt::set_ipv6_v6only(&fd, v6only)?;
    }
    bind(&fd, &to)?;
    listen(&fd, i32::try_from(backlog).unwrap_or(i32::MAX))?;
    let name = name_of(&fd)?;
    Ok((fd, name))
}

fn unix(to: &SocketAddrUnix, backlog: u32) -> Result<OwnedFd, Errno> {
    let fd = socket_with(
        AddressFamily::UNIX,
        SocketType::STREAM,
        SocketFlags::NONBLOCK | SocketFlags::CLOEXEC,
        None,
    )?;
    bind(&fd, to)?;
    listen(&fd, i32::try_from(backlog).unwrap_or(i32::MAX))?;
    Ok(fd)
}

fn socket(to: &SocketAddr, kind: SocketType) -> Result<OwnedFd, Errno> {
    let family = if to.is_ipv6() { AddressFamily::INET6 } else { AddressFamily::INET };
    socket_with(family, kind, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC, None)
}

fn name_of(fd: &OwnedFd) -> Result<Option<Sockname>, Errno> {
    let name: SocketAddrAny = getsockname(fd)?;
    Ok(SocketAddr::try_from(name)
        .ok()
        .map(|name| Sockname { address: name.ip(), port: name.port() }))
}

/// The address of an IP socket.
pub fn address_of(fd: &OwnedFd) -> Option<SocketAddr> {
    SocketAddr::try_from(getsockname(fd).ok()?).ok()
}

/// An address as an app wrote it, with the scope that a link-local one may carry.
fn socket_address(address: &str, port: u16) -> Result<SocketAddr, Errno> {
    if let Some((address, scope)) = address.split_once('%') {
        let address: Ipv6Addr = address.parse().map_err(|_| Errno::INVAL)?;
        let index = scope.parse().ok().or_else(|| interface(scope)).ok_or(Errno::NODEV)?;
        return Ok(SocketAddrV6::new(address, port, 0, index).into());
    }
    Ok(SocketAddr::new(address.parse().map_err(|_| Errno::INVAL)?, port))
}

/// The number of a network interface.
fn interface(name: &str) -> Option<u32> {
    let text = std::fs::read_to_string(format!("/sys/class/net/{name}/ifindex")).ok()?;
    text.trim().parse().ok()
}

/// A path short enough for `bind`: a long one goes through its folder's descriptor, which must be
/// open until then.
fn bindable(path: &str) -> Result<(SocketAddrUnix, Option<OwnedFd>), Errno> {
    match SocketAddrUnix::new(path) {
        Err(Errno::NAMETOOLONG) => {
            let path = Path::new(path);
            let (folder, file) =
                (path.parent().ok_or(Errno::INVAL)?, path.file_name().ok_or(Errno::INVAL)?);
            let flags = rustix::fs::OFlags::PATH
                | rustix::fs::OFlags::DIRECTORY
                | rustix::fs::OFlags::CLOEXEC;
            let fd = rustix::fs::open(folder, flags, rustix::fs::Mode::empty())?;
            let short = Path::new("/proc/self/fd").join(fd.as_raw_fd().to_string()).join(file);
            Ok((SocketAddrUnix::new(&short)?, Some(fd)))
        }
        other => other.map(|address| (address, None)),
    }
}

fn allow(path: &Path, more: u32) -> Result<(), Errno> {
    let failed = |error: std::io::Error| Errno::from_io_error(&error).unwrap_or(Errno::IO);
    let mode = std::fs::metadata(path).map_err(failed)?.permissions().mode();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode | more)).map_err(failed)
}
