//! Which errors of a socket are its end.

use rustix::io::Errno;

/// Whether a socket that answers so is of no use any more. Everything else is a want of something,
/// which may be there again soon.
pub(super) fn is_broken(error: Errno) -> bool {
    [
        Errno::PIPE,
        Errno::CONNRESET,
        Errno::NOTCONN,
        Errno::CONNABORTED,
        Errno::BADF,
        Errno::NOTSOCK,
        Errno::INVAL,
        Errno::MSGSIZE,
        Errno::OPNOTSUPP,
    ]
    .contains(&error)
}
