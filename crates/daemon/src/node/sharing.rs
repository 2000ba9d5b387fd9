//! Listening sockets that are shared with another manager.
//!
//! Problem: a cluster app of another manager is taken over. Its port is in that manager's hands,
//! and would be closed for as long as the app takes to start. Rule: while the client that takes it
//! over is there, a port that is in use is asked of that manager's process: a duplicate of its
//! socket has the same queue, and both serve it until one of them closes its own. As long as the
//! other one has it, it is not ours to end.

use std::collections::BTreeMap;
use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::OwnedFd;
use std::rc::Rc;

use ostler_cluster::{ListenerId, ListenerKind};
use ostler_wire::node::outgoing::Sockname;
use rustix::io::Errno;
use rustix::net::{getsockname, sockopt};
use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open};

use super::sockets::Opened;
use crate::daemon_log;

/// What is shared, and with whom.
#[derive(Debug, Default)]
pub(super) struct Sharing {
    /// Whom sockets are asked of, and for which client.
    donor: Option<(usize, Rc<Donor>)>,
    /// Sockets that came from another manager.
    shared: BTreeMap<ListenerId, Rc<Donor>>,
}

/// The process of another manager.
#[derive(Debug)]
struct Donor {
    pid: u32,
    process: OwnedFd,
}

impl Sharing {
    /// Asks this process for sockets, as long as the client is there.
    pub(super) fn begin(&mut self, client: usize, pid: u32) {
        match Donor::hold(pid) {
            Ok(donor) => self.donor = Some((client, Rc::new(donor))),
            Err(error) => daemon_log::error(format!(
                "cannot share the ports of process {pid} with it: {error}"
            )),
        }
    }

    /// The client has left.
    pub(super) fn end(&mut self, client: usize) {
        self.donor.take_if(|(asked, _)| *asked == client);
    }

    /// Returns a duplicate of the other manager's socket for what could not be opened.
    pub(super) fn instead(
        &mut self,
        id: ListenerId,
        kind: &ListenerKind,
        error: Errno,
    ) -> Result<Opened, Errno> {
        let (_, donor) = self.donor.as_ref().filter(|_| error == Errno::ADDRINUSE).ok_or(error)?;
        let opened = donor.socket(kind).ok_or(error)?;
        daemon_log::log(format!("sharing {kind} with process {}", donor.pid));
        self.shared.insert(id, Rc::clone(donor));
        Ok(opened)
    }

    /// A socket is closed here. Whether the other manager still has it.
    pub(super) fn forget(&mut self, id: ListenerId, kind: Option<SocketAddr>) -> bool {
        let donor = self.shared.remove(&id);
        donor.zip(kind).is_some_and(|(donor, address)| donor.listener(|at| at == address).is_some())
    }
}

impl Donor {
    fn hold(pid: u32) -> Result<Self, Errno> {
        let raw = pid.try_into().ok().and_then(Pid::from_raw).ok_or(Errno::SRCH)?;
        Ok(Self { pid, process: pidfd_open(raw, PidfdFlags::empty())? })
    }

    /// Returns a duplicate of its socket that is what a worker asked for; `None` when it has none,
    /// or may not be asked. The file of a UNIX socket goes with the one who made it.
    fn socket(&self, kind: &ListenerKind) -> Option<Opened> {
        let ListenerKind::Tcp { address, port, .. } = kind else { return None };
        let address = address.as_deref().map(str::parse::<IpAddr>).transpose().ok()?;
        let (fd, at) = self.listener(|at| {
            let same = address.map_or(at.ip().is_unspecified(), |address| address == at.ip());
            same && at.port() == *port
        })?;
        Some((fd, Some(Sockname { address: at.ip(), port: at.port() })))
    }

    /// Returns a duplicate of its first listening TCP socket at such an address.
    fn listener(&self, wanted: impl Fn(SocketAddr) -> bool) -> Option<(OwnedFd, SocketAddr)> {
        let folder = fs::read_dir(format!("/proc/{}/fd", self.pid)).ok()?;
        let socket = |entry: fs::DirEntry| {
            let is_socket = fs::read_link(entry.path()).ok()?.to_str()?.starts_with("socket:");
            let number = entry.file_name().to_str()?.parse().ok().filter(|_| is_socket)?;
            let fd = pidfd_getfd(&self.process, number, PidfdGetfdFlags::empty()).ok()?;
            let at = SocketAddr::try_from(getsockname(&fd).ok()?).ok()?;
            (sockopt::socket_acceptconn(&fd) == Ok(true) && wanted(at)).then_some((fd, at))
        };
        folder.flatten().find_map(socket)
    }
}
