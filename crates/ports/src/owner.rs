//! Whose the other end of a connection within this machine is.
//!
//! Problem: whoever has an account on a machine reaches what listens on its loopback device. Rule:
//! the kernel knows the user of each socket, and is asked for that of the other end.

use std::net::SocketAddr;

use crate::diag;

/// Returns the user who has the socket at `near`, whose other end is `far`; none where that is not
/// known, as of one that its process has closed.
#[must_use]
pub fn owner(near: SocketAddr, far: SocketAddr) -> Option<u32> {
    let socket = diag::connection(near, far).ok()??;
    // One that is closed has no number, and is said to be root's.
    if socket.inode == 0 { None } else { socket.uid }
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn the_user_of_an_open_connection_is_told_and_of_a_closed_one_nobody() {
        for host in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = TcpListener::bind(host) else { continue };
            let far = listener.local_addr().unwrap();
            let stream = TcpStream::connect(far).unwrap();
            let near = stream.local_addr().unwrap();
            let (accepted, _) = listener.accept().unwrap();
            assert_eq!(owner(near, far), Some(rustix::process::geteuid().as_raw()), "{host}");
            drop(stream);
            assert_eq!(owner(near, far), None, "{host}");
            drop(accepted);
        }
        let nobody = "127.0.0.1:1".parse().unwrap();
        assert_eq!(owner(nobody, nobody), None);
    }
}
