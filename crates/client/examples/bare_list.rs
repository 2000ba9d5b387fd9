//! The least that a `list` can take: asks the daemon of the home for the list and writes the
//! bytes of its answer to standard output, unread. What `ostler list` takes is measured beside it.

use std::io::{self, Read as _, Write as _};
use std::os::unix::net::UnixStream;

use ostler_wire::control::{FrameKind, HEAD, Request, encode_json};

fn main() -> io::Result<()> {
    let home = std::env::var_os(ostler_env::OSTLER_HOME);
    let home = home.ok_or(io::Error::other("the variable of the home is not set"))?;
    let mut stream = UnixStream::connect(std::path::Path::new(&home).join("ostler.sock"))?;
    let mut request = Vec::new();
    encode_json(FrameKind::Request, &Request::List, &mut request)?;
    stream.write_all(&request)?;
    let mut head = [0; HEAD];
    stream.read_exact(&mut head)?;
    let [a, b, c, d, _kind] = head;
    // The kind is counted in the length.
    let length = u32::from_be_bytes([a, b, c, d]).saturating_sub(1);
    let mut payload = vec![0; usize::try_from(length).map_err(io::Error::other)?];
    stream.read_exact(&mut payload)?;
    io::stdout().write_all(&payload)
}
