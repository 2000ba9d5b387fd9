//! What becomes of bytes that were handled.

use std::io::Write as _;
use std::os::unix::net::UnixStream;

use ostler_poll::Poll;

use super::*;
use crate::tokens::Polled;

fn channel() -> (Channel, UnixStream) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let poll = Rc::new(Poll::new().unwrap());
    (Channel::new(poll.unwatched(Arc::new(ours.into()), Polled::Waker)), theirs)
}

/// Every line that is in the framer.
fn lines(channel: &mut Channel) -> Vec<String> {
    let next = || channel.framer.next_message().map(|message| format!("{message:?}"));
    std::iter::from_fn(next).collect()
}

#[test]
fn what_was_handled_and_could_not_be_taken_out_is_not_handled_again() {
    let (mut channel, mut theirs) = channel();
    theirs.write_all(b"\"one\"\n\"two\"\n").unwrap();
    let mut buffer = Vec::new();
    let seen = channel.peek(&mut buffer);
    assert_eq!((seen.take, lines(&mut channel).len()), (12, 2));
    // As where `recv` fails for want of memory.
    channel.handled = seen.take;
    assert_eq!(channel.peek(&mut buffer), Seen::NOTHING);
    assert_eq!(lines(&mut channel).len(), 0);
    theirs.write_all(b"\"three\"\n").unwrap();
    let seen = channel.peek(&mut buffer);
    assert!(seen.take == 8 && lines(&mut channel)[0].contains("three"));
    // Nor by whoever reads what a dead application left.
    channel.handled = seen.take;
    theirs.write_all(b"\"four\"\n").unwrap();
    drop(theirs);
    channel.drain(&mut buffer);
    let rest = lines(&mut channel);
    assert!(rest.len() == 1 && rest[0].contains("four"), "{rest:?}");
}
