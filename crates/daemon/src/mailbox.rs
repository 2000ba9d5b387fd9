//! What helper threads tell the loop.
//!
//! What may take long (a health check, a program that is tried out) runs in a thread of its own and
//! has one way to say something: a message that the loop finds when it is woken.

use std::io;
use std::sync::mpsc;

use ostler_poll::Waker;

/// Stack of a helper thread, bytes.
const STACK: usize = 256 << 10;

/// The loop's end.
pub struct Mailbox<T> {
    messages: mpsc::Receiver<T>,
    sender: Sender<T>,
}

/// A helper thread's end.
#[derive(Debug)]
pub struct Sender<T> {
    messages: mpsc::Sender<T>,
    waker: Waker,
}

impl<T: Send + 'static> Mailbox<T> {
    /// Makes a mailbox whose messages wake the loop.
    pub fn new(waker: Waker) -> Self {
        let (sender, messages) = mpsc::channel();
        Self { messages, sender: Sender { messages: sender, waker } }
    }

    /// Returns a thread's end.
    pub fn sender(&self) -> Sender<T> {
        self.sender.clone()
    }

    /// Returns the oldest message, if there is one.
    pub fn try_recv(&self) -> Option<T> {
        self.messages.try_recv().ok()
    }

    /// Starts a helper thread.
    ///
    /// # Errors
    /// Out of processes or memory.
    pub fn start(
        &self,
        name: &str,
        work: impl FnOnce(&Sender<T>) + Send + 'static,
    ) -> io::Result<()> {
        let sender = self.sender.clone();
        let thread = std::thread::Builder::new().name(name.to_owned()).stack_size(STACK);
        thread.spawn(move || work(&sender)).map(|_| ())
    }
}

impl<T> Sender<T> {
    /// Tells the loop something. One that has ended has no use for it any more.
    pub fn send(&self, message: T) {
        if self.messages.send(message).is_ok() {
            self.waker.wake();
        }
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        Self { messages: self.messages.clone(), waker: self.waker.clone() }
    }
}

#[cfg(test)]
mod tests {
    use ostler_poll::{Events, Poll, now};

    use super::*;

    #[test]
    fn a_message_of_a_thread_wakes_the_loop_that_reads_it() {
        let poll: Poll<u64> = Poll::new().unwrap();
        let mailbox = Mailbox::new(Waker::new(&poll, 7).unwrap());
        mailbox.start("helper", |sender| sender.send("done")).unwrap();
        let mut events = Events::with_capacity(4);
        poll.wait(&mut events, Some(now() + 20_000)).unwrap();
        assert_eq!(events.iter().map(|event| event.token).collect::<Vec<_>>(), [7]);
        assert_eq!((mailbox.try_recv(), mailbox.try_recv()), (Some("done"), None));
    }
}
