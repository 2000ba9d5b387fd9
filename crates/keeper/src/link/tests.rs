use super::*;
use crate::proto::{FromKeeper, ToKeeper};
use rustix::io::{Errno, read, write};

fn ends() -> (Link, KeeperEnd) {
    let (daemon, keeper) = pair().unwrap();
    (Link::new(daemon).unwrap(), KeeperEnd::new(keeper).unwrap())
}

fn raw() -> (OwnedFd, KeeperEnd) {
    let (daemon, keeper) = pair().unwrap();
    (daemon, KeeperEnd::new(keeper).unwrap())
}

fn null() -> OwnedFd {
    std::fs::File::open("/dev/null").unwrap().into()
}

fn put(name: &str) -> ToKeeper {
    ToKeeper::Put { name: name.to_owned(), meta: Vec::new() }
}

#[test]
fn each_frame_gets_its_own_descriptors_however_the_stream_is_cut() {
    let (mut daemon, mut keeper) = ends();
    daemon.send(&put("none"), vec![]).unwrap();
    daemon.send(&put("two"), vec![null(), null()]).unwrap();
    daemon.send(&ToKeeper::Shutdown, vec![]).unwrap();
    daemon.send(&put("one"), vec![null()]).unwrap();
    let mut got = Vec::new();
    while let Some((message, fds)) = keeper.receive().unwrap() {
        got.push((message, fds.len()));
    }
    assert_eq!(got, [(put("none"), 0), (put("two"), 2), (ToKeeper::Shutdown, 0), (put("one"), 1)]);
}

#[test]
fn descriptors_of_no_frame_do_not_reach_another() {
    let (daemon, mut keeper) = raw();
    let stray = encode(&ToKeeper::Shutdown, 0).unwrap();
    let frame = outgoing::Frame { bytes: stray, written: 0, fds: vec![Arc::new(null())] };
    frame.write(daemon.as_fd()).unwrap();
    write(&daemon, &encode(&put("a"), 1).unwrap()).unwrap();
    assert_eq!(keeper.receive().unwrap().unwrap().0, ToKeeper::Shutdown);
    let (message, fds) = keeper.receive().unwrap().unwrap();
    assert_eq!((message, fds.len()), (put("a"), 0));
}

#[test]
fn a_frame_that_comes_byte_by_byte_is_whole_in_the_end() {
    let (daemon, mut keeper) = raw();
    let bytes = encode(&put("name"), 0).unwrap();
    for byte in &bytes[..bytes.len() - 1] {
        write(&daemon, &[*byte]).unwrap();
        assert!(keeper.receive().unwrap().is_none());
    }
    write(&daemon, &bytes[bytes.len() - 1..]).unwrap();
    assert_eq!(keeper.receive().unwrap().unwrap().0, put("name"));
}

#[test]
fn a_large_message_is_written_in_pieces_and_arrives_whole() {
    let (mut daemon, mut keeper) = ends();
    let large = ToKeeper::Upgrade { exe: vec![7; 3 << 20] };
    daemon.send(&large, vec![null()]).unwrap();
    assert!(daemon.queued() > 0, "a socket takes less than this at once");
    let (message, fds) = loop {
        let written = daemon.flush().unwrap();
        if let Some(got) = keeper.receive().unwrap() {
            assert!(written);
            break got;
        }
    };
    assert_eq!((message == large, fds.len()), (true, 1));
    assert_eq!(keeper.incoming.input.capacity(), 0, "the memory is given back");
}

#[test]
fn a_reader_that_sleeps_does_not_take_our_memory() {
    let (mut daemon, _keeper) = ends();
    let large = ToKeeper::Upgrade { exe: vec![7; 3 << 20] };
    let refused = (0..20).find_map(|_| daemon.send(&large, vec![]).err()).unwrap();
    assert!(refused.to_string().contains("does not read"), "{refused}");
    assert!(daemon.queued() <= outgoing::MAX_QUEUED);
}

#[test]
fn what_was_said_before_the_end_is_heard() {
    let (mut daemon, mut keeper) = ends();
    keeper.send(&FromKeeper::InventoryEnd, vec![]).unwrap();
    daemon.send(&ToKeeper::Shutdown, vec![]).unwrap();
    write(&daemon.socket, b"\x08\0").unwrap();
    drop(daemon);
    assert_eq!(keeper.receive().unwrap().unwrap().0, ToKeeper::Shutdown);
    assert_eq!(keeper.receive().unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    assert!(keeper.send(&FromKeeper::InventoryEnd, vec![]).is_err());
    assert_eq!(keeper.queued(), 0);
}

#[test]
fn garbage_is_an_error_and_an_unknown_type_is_not() {
    let (daemon, mut keeper) = raw();
    write(&daemon, b"\x03\0\0\0\x09\xc8\0").unwrap();
    write(&daemon, &encode(&ToKeeper::Shutdown, 0).unwrap()).unwrap();
    assert_eq!(keeper.receive().unwrap().unwrap().0, ToKeeper::Shutdown);
    write(&daemon, b"\x03\0\0\0\x09\xc8\0").unwrap();
    let unknown = keeper.receive_frame().unwrap().unwrap();
    assert!(matches!(
        unknown,
        Received::Bad { kind: 0xc8, error: DecodeError::UnknownKind(0xc8), .. }
    ));
    write(&daemon, b"GET / HTTP/1.1\r\n\r\n").unwrap();
    assert_eq!(keeper.receive().unwrap_err().kind(), io::ErrorKind::InvalidData);
}

#[test]
fn the_socket_neither_blocks_nor_leaks_into_programs() {
    let (daemon, _keeper) = ends();
    assert!(rustix::io::fcntl_getfd(&daemon).unwrap().contains(rustix::io::FdFlags::CLOEXEC));
    let mut buffer = [0; 1];
    assert_eq!(read(&daemon, &mut buffer), Err(Errno::AGAIN));
}
