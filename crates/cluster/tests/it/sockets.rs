//! Listening sockets of every kind, as simply as a test can open them.

use std::collections::BTreeMap;
use std::io::Error;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::UnixListener;

use ostler_cluster::ListenerKind;
use ostler_wire::node::outgoing::Sockname;

/// Opens what a worker asked for; the error is a negative number.
pub fn open(
    kind: &ListenerKind,
    table: &BTreeMap<i64, OwnedFd>,
) -> Result<(OwnedFd, Option<Sockname>), i32> {
    let opened = try_open(kind, table);
    let (fd, at) = opened.map_err(|error| -error.raw_os_error().unwrap_or(22))?;
    rustix::io::ioctl_fionbio(&fd, true).unwrap();
    Ok((fd, at.map(|at| Sockname { address: at.ip(), port: at.port() })))
}

fn try_open(
    kind: &ListenerKind,
    table: &BTreeMap<i64, OwnedFd>,
) -> Result<(OwnedFd, Option<SocketAddr>), Error> {
    let ip = |address: &Option<String>| address.clone().unwrap_or_else(|| "127.0.0.1".to_owned());
    match kind {
        ListenerKind::Tcp { address, port, .. } => {
            let socket = TcpListener::bind((ip(address), *port))?;
            let at = socket.local_addr()?;
            Ok((socket.into(), Some(at)))
        }
        ListenerKind::Udp { address, port, .. } => {
            let socket = UdpSocket::bind((ip(address), *port))?;
            let at = socket.local_addr()?;
            Ok((socket.into(), Some(at)))
        }
        ListenerKind::Unix { path, .. } => Ok((UnixListener::bind(path)?.into(), None)),
        ListenerKind::Abstract { name, .. } => {
            let at = std::os::unix::net::SocketAddr::from_abstract_name(name)?;
            Ok((UnixListener::bind_addr(&at)?.into(), None))
        }
        ListenerKind::Fd { number, .. } => Ok((table[number].try_clone()?, None)),
    }
}
