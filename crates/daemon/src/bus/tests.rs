//! Subscribers that read, that do not, and that leave.

use std::io::Read as _;
use std::os::unix::net::UnixStream;

use ostler_pm2::amp::{self, Argument};

use super::*;

/// A subscriber, with what of a frame has come.
struct Reader {
    stream: UnixStream,
    input: Vec<u8>,
}

impl Reader {
    /// The topics that it has got since the last time, with their payloads.
    fn received(&mut self) -> Vec<(String, String)> {
        let mut chunk = vec![0; 1 << 16];
        while let Ok(count) = self.stream.read(&mut chunk) {
            assert_ne!(count, 0, "the connection ended");
            self.input.extend(&chunk[..count]);
        }
        let mut events = Vec::new();
        let mut rest = self.input.as_slice();
        while let Some(frame) = amp::decode(rest).unwrap() {
            if let [Argument::Text(topic), Argument::Json(payload)] = frame.arguments.as_slice() {
                events.push(((*topic).to_owned(), (*payload).to_owned()));
            }
            rest = &rest[frame.consumed..];
        }
        self.input = rest.to_vec();
        events
    }
}

fn scene(count: usize) -> (Bus, Vec<Reader>, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let poll = Rc::new(Poll::new().unwrap());
    let mut bus = Bus::new(None, &poll);
    assert_eq!(bus.door.mend(folder.path()), Ok(true));
    let path = folder.path().join(PUB);
    let reader = |_| {
        let stream = UnixStream::connect(&path).unwrap();
        stream.set_nonblocking(true).unwrap();
        Reader { stream, input: Vec::new() }
    };
    let readers = (0..count).map(reader).collect();
    bus.accept(&mut Reports::new());
    (bus, readers, folder)
}

#[test]
fn everybody_is_told_of_every_event_in_order() {
    let (mut bus, mut readers, _folder) = scene(3);
    for number in 0..100 {
        bus.publish("a:b", &number.to_string());
    }
    bus.flush(&mut Reports::new());
    for reader in &mut readers {
        let numbers: Vec<String> = reader.received().into_iter().map(|event| event.1).collect();
        assert_eq!(numbers, (0..100).map(|number: u32| number.to_string()).collect::<Vec<_>>());
    }
}

#[test]
fn one_that_does_not_read_misses_events_is_told_how_many_and_delays_nobody() {
    let (mut bus, mut readers, _folder) = scene(2);
    let payload = format!("\"{}\"", "x".repeat(10_000));
    let mut read = 0;
    for _ in 0..1000 {
        bus.publish("log:out", &payload);
        bus.flush(&mut Reports::new());
        read += readers[1].received().len();
    }
    assert_eq!(read, 1000, "who reads misses nothing");
    let queued: usize = bus.subscribers.values().map(Subscriber::queued).max().unwrap();
    assert!(queued <= 2 << 20, "{queued} bytes wait");
    // It reads at last.
    let (mut got, mut told) = (0, 0);
    while got + told < 1000 {
        for (topic, payload) in readers[0].received() {
            match topic.as_str() {
                "log:out" => got += 1,
                _ => {
                    let lost: serde_json::Value = serde_json::from_str(&payload).unwrap();
                    told += lost["dropped"].as_u64().unwrap();
                }
            }
        }
        bus.on_ready(0, false, &mut Reports::new());
        bus.flush(&mut Reports::new());
    }
    assert!(0 < told && got + told == 1000, "{got} came, {told} were said to be lost");
}

#[test]
fn subscribers_that_take_everything_are_sent_so_much_in_a_turn_and_the_rest_later() {
    let (mut bus, mut readers, _folder) = scene(8);
    let payload = format!("\"{}\"", "x".repeat(100_000));
    bus.publish("log:out", &payload);
    bus.publish("log:out", &payload);
    bus.flush(&mut Reports::new());
    let waits = |bus: &Bus| bus.subscribers.values().map(Subscriber::queued).sum::<usize>();
    assert!(8 * 200_000 - waits(&bus) <= TURN + 8 * 100, "{} bytes wait", waits(&bus));
    assert!(bus.want_turn(), "the rest is sent in later turns");
    let mut received = vec![0; readers.len()];
    while bus.want_turn() {
        bus.flush(&mut Reports::new());
        for (reader, count) in readers.iter_mut().zip(&mut received) {
            *count += reader.received().len();
        }
    }
    assert_eq!(waits(&bus), 0);
    assert_eq!(received, [2; 8]);
}

#[test]
fn one_that_leaves_is_forgotten_and_nobody_hears_any_more() {
    let (mut bus, mut readers, _folder) = scene(1);
    assert!(bus.is_heard());
    drop(readers.pop());
    let mut reports = Reports::new();
    bus.on_ready(0, true, &mut reports);
    assert!(!bus.is_heard());
    assert!(matches!(reports.make_contiguous(), [Report::Heard(false)]));
    bus.publish("a:b", "1");
    assert!(!bus.fresh, "no event is made for nobody");
}
