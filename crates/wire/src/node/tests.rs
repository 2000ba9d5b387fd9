//! Stories of the codec.

use proptest::prelude::*;

use super::outgoing::{self, Answer, Sockname};
use super::{AddressType, Framer, HandleType, Incoming, Mark, Nonsense, Received};

const NODE20: &[u8] = include_bytes!("golden/node20.bin");

/// Everything that comes out of a stream, as text, with the descriptors that were paired.
fn transcript(framer: &mut Framer<u32>) -> Vec<String> {
    let mut lines = Vec::new();
    while let Some(message) = framer.next_message() {
        lines.push(format!("{:?} {:?}", message.incoming, message.fd));
    }
    lines
}

fn parse(line: &str) -> Incoming<'_> {
    Incoming::parse(line.as_bytes())
}

fn answer(key: &str) -> Answer<'_> {
    Answer { ack: 0, seq: 9, key, data: None }
}

fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = Vec::new();
    write(&mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn golden_stream_of_a_real_node() {
    let mut framer = Framer::new(1 << 20);
    framer.push_fd(1);
    framer.push(NODE20);
    let lines = transcript(&mut framer);
    let kinds: Vec<&str> =
        lines.iter().map(|line| line.split([' ', '(', '{']).next().unwrap()).collect();
    let expected = "Online User User User QueryServer Listening QueryServer HandleAck Ack Handle \
        HandleAck HandleAck Ack Handle User QueryServer QueryServer QueryServer Close \
        SocketNotifyClose Handle SocketGetCount Handle \
        ExitedAfterDisconnect";
    assert_eq!(kinds, expected.split_whitespace().collect::<Vec<_>>());
    assert!(lines[9].ends_with("Some(Fd(1))"), "{}", lines[9]);
    assert!(lines[13].ends_with("None"), "{}", lines[13]);
    assert_eq!(framer.mark(), Mark::Plain);
    assert_eq!(framer.pending(), 0);
}

#[test]
fn golden_queries_of_a_real_node() {
    let queries: Vec<_> = NODE20
        .split(|byte| *byte == b'\n')
        .filter_map(|line| match Incoming::parse(line) {
            Incoming::QueryServer { query, .. } => Some(*query),
            _ => None,
        })
        .collect();
    let [http, tcp, unix, udp, fd] = queries.as_slice() else { panic!("{queries:?}") };
    assert_eq!(
        (http.port, http.address.as_deref(), http.address_type),
        (Some(0), None, AddressType::Tcp4)
    );
    assert_eq!(
        (tcp.port, tcp.address.as_deref(), tcp.data.as_deref()),
        (Some(18999), Some("127.0.0.1"), None)
    );
    assert_eq!(
        (unix.port, unix.address_type, unix.readable_all),
        (Some(-1), AddressType::Unix, true)
    );
    assert_eq!((udp.address_type, udp.fd), (AddressType::Udp4, None));
    assert_eq!((fd.port, fd.address_type, fd.fd), (None, AddressType::None, Some(5)));
}

#[test]
fn t16_text_that_strict_parsers_refuse_stays_as_it_is() {
    for text in [r#""a\ud800b""#, "\"a\u{2028}b\"", r#"{"\ud800":"\udfff"}"#] {
        assert_eq!(parse(text), Incoming::User(text.into()));
    }
    let mut framer: Framer<u32> = Framer::default();
    for byte in "\"é😀\"\n".bytes() {
        framer.push(&[byte]);
    }
    assert_eq!(framer.next_message().unwrap().incoming, Incoming::User("\"é😀\"".into()));
    assert_eq!(
        parse(r#"{"cmd":"NODE_CLUSTER","act":"close","key":"\ud83d\ude00\ud800\u0041","seq":0}"#),
        Incoming::Close { key: "😀\u{FFFD}A".into(), seq: Some(0) }
    );
}

#[test]
fn t15_zero_is_a_number_like_any_other() {
    assert_eq!(
        parse(r#"{"cmd":"NODE_CLUSTER","ack":0,"seq":0}"#),
        Incoming::Ack { ack: 0, accepted: None }
    );
    let quick = r#"{"cmd":"NODE_CLUSTER","ack":0,"accepted":false,"seq":0}"#;
    let slow = r#"{"cmd":"NODE_CLUSTER", "ack":0, "accepted":false, "seq":0}"#;
    assert_eq!(parse(quick), Incoming::Ack { ack: 0, accepted: Some(false) });
    assert_eq!(parse(quick), parse(slow));
}

#[test]
fn t18_absent_null_and_minus_one_are_one() {
    let base = concat!(
        r#"{"cmd":"NODE_CLUSTER","act":"queryServer","#,
        r#""port":-1,"addressType":-1,"address":"/s","seq":1"#,
    );
    let variants = ["}", r#","fd":null}"#, r#","fd":-1}"#, r#","fd":-1.0,"flags":null}"#];
    let mut parsed: Vec<_> = variants
        .iter()
        .map(|end| Incoming::parse(format!("{base}{end}").leak().as_bytes()))
        .collect();
    parsed.dedup();
    assert_eq!(parsed.len(), 1, "{parsed:?}");
}

#[test]
fn internal_is_what_node_calls_internal() {
    assert!(matches!(parse(r#"{"cmd":"NODE_"}"#), Incoming::User(_)));
    assert!(matches!(parse(r#"{"cmd":"NODE_x"}"#), Incoming::UnknownInternal(_)));
    assert!(matches!(parse(r#"{"cmd":7}"#), Incoming::User(_)));
    assert!(matches!(parse(r#"["cmd","NODE_HANDLE_ACK"]"#), Incoming::User(_)));
    assert!(matches!(parse(r#"{"a":{"cmd":"NODE_HANDLE_ACK"}}"#), Incoming::User(_)));
    assert!(matches!(
        parse(r#"{"cmd":"NODE_CLUSTER","act":"queryServer"}"#),
        Incoming::UnknownInternal(_)
    ));
    assert_eq!(
        parse(r#" { "x" : [ "}" , {} ] , "cmd" : "NODE_HANDLE_NACK" } "#),
        Incoming::HandleNack
    );
}

#[test]
fn t5_nonsense_of_the_app_is_an_item() {
    for line in ["{", "", " ", "nonsense", "{\"cmd\":\"NODE_HANDLE_ACK\"", "1 2"] {
        assert!(matches!(parse(line), Incoming::Garbage(_)), "{line}");
    }
    assert!(matches!(Incoming::parse(b"\"\xFF\""), Incoming::User(_) | Incoming::Garbage(_)));
}

#[test]
fn t5_no_line_for_a_worker_is_nonsense() {
    let mut out = Vec::new();
    for text in ["", " ", "{", "undefined", "1\n2"] {
        outgoing::user(&mut out, text).unwrap_err();
        outgoing::user_handle(&mut out, Mark::Plain, HandleType::NetSocket, text, None)
            .unwrap_err();
    }
    assert!(out.is_empty());
    outgoing::user(&mut out, "{\n \"a\":\r\n1}").unwrap();
    assert_eq!(out, b"{  \"a\":  1}\n");
}

#[test]
fn every_line_is_one_json_value() {
    let name = Sockname { address: "::1".parse().unwrap(), port: 80 };
    let data =
        Answer { ack: -3, seq: u64::MAX, key: "a\"\\\u{1}é\n", data: Some("{\"k\":\n[1]}") };
    for mark in [Mark::Plain, Mark::Bun] {
        let all = written(|out| {
            outgoing::answer_round_robin(out, mark, data, Some(&name));
            outgoing::answer_round_robin(out, mark, data, None);
            outgoing::answer_shared(out, mark, data, HandleType::DgramNative);
            outgoing::answer_error(out, mark, data, -98);
            outgoing::new_connection(out, mark, "k\u{7}", 0);
            outgoing::disconnect(out, mark, 1);
            outgoing::ack(out, mark, 0, 2);
            outgoing::handle_ack(out, mark);
            outgoing::handle_nack(out, mark);
            outgoing::socket_all_closed(out, mark, "4:null:0");
            outgoing::socket_count(out, mark, "4:null:0", 3);
            outgoing::user_handle(out, mark, HandleType::DgramSocket, "1", Some("udp4")).unwrap();
        });
        assert_eq!(all.lines().count(), 12);
        for line in all.lines() {
            let json = if mark == Mark::Bun { line.strip_prefix('\u{2}').unwrap() } else { line };
            serde_json::from_str::<serde_json::Value>(json).unwrap();
        }
    }
}

#[test]
fn t12_data_is_echoed_also_in_errors() {
    let data = Answer { data: Some("{\"ticket\":1}"), ..answer("3") };
    let error = written(|out| outgoing::answer_error(out, Mark::Plain, data, -13));
    let shared =
        written(|out| outgoing::answer_shared(out, Mark::Plain, data, HandleType::NetNative));
    assert_eq!(
        error,
        concat!(
            r#"{"cmd":"NODE_CLUSTER","errno":-13,"key":"3","data":{"ticket":1},"#,
            r#""ack":0,"seq":9}"#,
            "\n",
        )
    );
    assert_eq!(
        shared,
        concat!(
            r#"{"cmd":"NODE_HANDLE","type":"net.Native","msg":{"cmd":"NODE_CLUSTER","#,
            r#""errno":0,"key":"3","data":{"ticket":1},"ack":0,"seq":9}}"#,
            "\n",
        )
    );
}

#[test]
fn t13_sockname_only_where_there_is_one() {
    let name = Sockname { address: "127.0.0.1".parse().unwrap(), port: 80 };
    let tcp =
        written(|out| outgoing::answer_round_robin(out, Mark::Plain, answer("3"), Some(&name)));
    let unix = written(|out| outgoing::answer_round_robin(out, Mark::Plain, answer("3"), None));
    assert!(
        tcp.contains(r#""sockname":{"address":"127.0.0.1","family":"IPv4","port":80}"#),
        "{tcp}"
    );
    assert!(!unix.contains("sockname"), "{unix}");
}

#[test]
fn bun_marks_its_messages() {
    let mut framer: Framer<u32> = Framer::default();
    framer.push(b"\"ready\"\n");
    assert!(matches!(framer.next_message().unwrap().incoming, Incoming::User(_)));
    assert_eq!(framer.mark(), Mark::Plain);
    framer.push(b"\x02{\"cmd\":\"NODE_CLUSTER\",\"act\":\"online\",\"seq\":0}\n");
    assert_eq!(framer.next_message().unwrap().incoming, Incoming::Online { seq: 0 });
    assert_eq!(framer.mark(), Mark::Bun);
}

#[test]
fn a_lost_descriptor_keeps_the_others_in_place() {
    let mut framer = Framer::new(1000);
    framer.push_missing();
    framer.push(b"{\"cmd\":\"NODE_HANDLE\",\"type\":\"net.Socket\",\"msg\":1}\n");
    framer.push_fd(5);
    framer.push(b"{\"cmd\":\"NODE_HANDLE\",\"type\":\"net.Socket\",\"msg\":2}\n");
    assert_eq!(framer.next_message().unwrap().fd, Some(Received::Missing));
    assert_eq!(framer.next_message().unwrap().fd, Some(Received::Fd(5)));
}

#[test]
fn a_descriptor_that_belongs_to_nothing_is_closed() {
    let mut framer = Framer::new(1000);
    framer.push_fd(1);
    framer.push(b"\"plain\"\n");
    assert_eq!(framer.next_message().unwrap().fd, None);
    assert!(framer.next_message().is_none());
    framer.push_fd(2);
    framer.push(b"{\"cmd\":\"NODE_HANDLE\",\"type\":\"net.Socket\",\"msg\":2}\n");
    assert_eq!(framer.next_message().unwrap().fd, Some(Received::Fd(2)));
}

#[test]
fn a_message_above_the_limit_is_thrown_away_with_its_descriptor() {
    let mut framer = Framer::new(100);
    framer.push_fd(1);
    framer.push(b"{\"cmd\":\"NODE_HANDLE\",\"type\":\"net.Socket\",\"msg\":\"");
    for _ in 0..50 {
        framer.push(&[b'x'; 50]);
        assert!(framer.next_message().is_none());
        assert!(framer.pending() <= 101);
    }
    framer.push(b"\"}\n");
    framer.push(&[b'y'; 200]);
    framer.push(b"\n1\n");
    let message = framer.next_message().unwrap();
    assert_eq!(message.incoming, Incoming::Garbage(Nonsense::TooLong));
    assert_eq!((message.fd, message.wants_ack), (Some(Received::Fd(1)), true));
    let message = framer.next_message().unwrap();
    assert_eq!(
        (message.incoming, message.wants_ack),
        (Incoming::Garbage(Nonsense::TooLong), false)
    );
    assert_eq!(framer.next_message().unwrap().incoming, Incoming::User("1".into()));
}

/// Any byte, and more often one that means something.
fn byte() -> impl Strategy<Value = u8> {
    prop_oneof![Just(b'\n'), Just(b'{'), Just(b'"'), Just(2_u8), Just(b'\\'), any::<u8>()]
}

proptest! {
    #[test]
    fn any_split_gives_the_same_messages(cuts in prop::collection::vec(0..NODE20.len(), 0..40)) {
        let mut whole = Framer::new(1 << 20);
        whole.push(NODE20);
        let expected = transcript(&mut whole);
        let mut cuts = cuts;
        cuts.sort_unstable();
        cuts.push(NODE20.len());
        let mut framer = Framer::new(1 << 20);
        let (mut got, mut from) = (Vec::new(), 0);
        for cut in cuts {
            framer.push(&NODE20[from..cut]);
            from = cut;
            got.extend(transcript(&mut framer));
        }
        prop_assert_eq!(got, expected);
    }

    #[test]
    fn any_bytes_end_in_items_and_stay_bounded(
        chunks in prop::collection::vec(prop::collection::vec(byte(), 0..60), 0..20),
    ) {
        let mut framer: Framer<u32> = Framer::new(64);
        for chunk in chunks {
            framer.push(&chunk);
            while framer.next_message().is_some() {}
            prop_assert!(framer.pending() <= 64);
        }
    }

    #[test]
    fn the_quick_way_and_the_long_way_agree(ack in 0..=i64::MAX, accepted in any::<bool>()) {
        let head = format!(r#"{{"cmd":"NODE_CLUSTER","ack":{ack},"accepted":{accepted}"#);
        let quick = format!(r#"{head},"seq":1}}"#);
        let slow = format!(r#"{head},"seq":1 }}"#);
        prop_assert_eq!(parse(&quick), Incoming::Ack { ack, accepted: Some(accepted) });
        prop_assert_eq!(parse(&quick), parse(&slow));
    }
}
