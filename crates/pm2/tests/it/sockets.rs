//! What goes over PM2's sockets: bytes recorded from PM2 7.0.4 and its client, and bytes of nobody.

use ostler_pm2::amp::{Argument, FrameError, MAX_FRAME, decode, encode};
use ostler_pm2::bus::{self, Subject};
use ostler_pm2::in_app::{InApp, Kept, Said, read};
use ostler_pm2::rpc::{Answer, Asked, Call, METHODS, Method};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

/// Frames recorded from PM2 7.0.4 and its client, of one kind.
fn recorded(kind: &str) -> Vec<Vec<u8>> {
    let lines = include_str!("wire-7.0.4.txt").lines();
    let of_kind = lines.filter_map(|line| line.strip_prefix(kind)?.strip_prefix(' '));
    of_kind.map(bytes).collect()
}

fn bytes(hex: &str) -> Vec<u8> {
    let pairs = hex.as_bytes().chunks(2);
    pairs.map(|two| u8::from_str_radix(std::str::from_utf8(two).unwrap(), 16).unwrap()).collect()
}

fn call(body: &str) -> Call {
    let mut frame = Vec::new();
    encode(&[Argument::Json(body), Argument::Text("7:1")], &mut frame);
    Call::read(&decode(&frame).unwrap().unwrap())
}

#[test]
fn what_pm2_and_its_client_said_is_decoded_and_said_again_byte_for_byte() {
    for kind in ["call", "answer", "event"] {
        let all = recorded(kind);
        assert!(!all.is_empty(), "{kind}");
        for frame in all {
            let decoded = decode(&frame).unwrap().unwrap();
            assert_eq!(decoded.consumed, frame.len());
            let mut again = Vec::new();
            encode(&decoded.arguments, &mut again);
            assert_eq!(again, frame);
        }
    }
}

#[test]
fn every_call_of_pm2s_client_is_understood() {
    for frame in recorded("call") {
        let call = Call::read(&decode(&frame).unwrap().unwrap());
        assert!(matches!(call.asked, Ok(Asked::Method(_))), "{call:?}");
        assert!(call.id.contains(':'), "{call:?}");
    }
}

#[test]
fn answers_are_those_of_pm2_byte_for_byte() {
    let answers = [
        Answer::Value("\"7.0.4\"".to_owned()),
        Answer::of(&json!({ "msg": "pong" })),
        Answer::Value("[]".to_owned()),
        Answer::Void,
        Answer::of(&json!({ "success": true })),
        Answer::Value(r#"{"process_count":1,"success":true}"#.to_owned()),
        Answer::Value("{}".to_owned()),
    ];
    for (answer, frame) in answers.into_iter().zip(recorded("answer")) {
        let decoded = decode(&frame).unwrap().unwrap();
        let Some(Argument::Text(id)) = decoded.arguments.last() else { panic!("{decoded:?}") };
        let mut out = Vec::new();
        answer.write(id, &mut out);
        assert_eq!(String::from_utf8_lossy(&out), String::from_utf8_lossy(&frame));
    }
}

#[test]
fn events_are_those_of_pm2_byte_for_byte() {
    let fk = Subject { id: 0, name: "fk", namespace: "default", cluster: false };
    let cl = Subject { id: 1, name: "cl", namespace: "default", cluster: true };
    let reply = r#"{"at":1795726218411,"action_name":"act","return":{"ok":1}}"#;
    let thrown = r#"{"message":"m","stack":"s"}"#;
    let events = [
        ("process:msg", bus::message(&fk, 1_795_726_203_632, "raw", r#"{"hello":"w"}"#)),
        ("custom:ev", bus::message(&fk, 1_795_726_203_632, "data", r#"{"a":1}"#)),
        ("custom:ev", bus::message(&cl, 1_795_726_203_863, "data", r#"{"a":1}"#)),
        ("process:exception", bus::message(&fk, 1_795_726_204_133, "data", thrown)),
        ("axm:reply", bus::message(&fk, 1_795_726_218_411, "data", reply)),
        ("log:out", bus::output(&fk, 1_795_726_204_634, "tick\n")),
        ("pm2:kill", bus::killed(false)),
    ];
    let recorded = recorded("event");
    for (topic, payload) in events {
        let frame = bus::frame(topic, &payload);
        assert!(recorded.contains(&frame), "{topic} {payload}");
    }
    let line = bus::own_line(1_795_726_203_518, "App [fk:0] starting in -fork mode-");
    let line: Json = serde_json::from_str(&line).unwrap();
    let first = decode(&recorded[0]).unwrap().unwrap();
    let Some(Argument::Json(theirs)) = first.arguments.last() else { panic!("{first:?}") };
    assert_eq!(line, serde_json::from_str::<Json>(theirs).unwrap());
}

#[test]
fn each_method_without_arguments_and_with_too_many_is_answered_and_not_guessed() {
    assert_eq!(METHODS.len(), 30);
    for (name, args) in METHODS {
        for given in [0, args.len() + 1] {
            let args = vec![json!({}); given];
            let body = json!({ "type": "call", "method": name, "args": args }).to_string();
            let why = call(&body).asked.unwrap_err();
            assert!(why.starts_with(&format!("`{name}` takes ")), "{why}");
        }
    }
}

#[test]
fn a_call_that_makes_no_sense_is_told_so_in_pm2s_order() {
    let check = |body: &str, expected: &str| {
        let call = call(body);
        assert_eq!(call.id, "7:1");
        let why = call.asked.unwrap_err();
        assert!(why.starts_with(expected), "{body}: {why}");
    };
    check("{}", ".method required");
    check(r#"{"method":"nope"}"#, "method \"nope\" does not exist");
    check(r#"{"method":"ping"}"#, ".args required");
    check(r#"{"method":"ping","args":[]}"#, "`ping` takes 1 argument, but got 0");
    check(r#"{"method":"stopProcessId","args":[null]}"#, "`stopProcessId` takes the number");
    check(r#"{"method":"restartProcessId","args":[{}]}"#, "opts.id not passed");
    check(r#"{"method":"msgProcess","args":[{"msg":"a"}]}"#, "method requires name or id field");
    check(r#"{"method":"prepare","args":[7]}"#, "`prepare` takes an object, but got `7`");
    check("[", "the call must be JSON");
    check(&"[".repeat(100_000), "the call must be JSON: recursion limit exceeded");
    assert!(matches!(call(r#"{"type":"methods"}"#).asked, Ok(Asked::Methods)));
    let ping = call(r#"{"type":"zzz","method":"ping","args":[{}]}"#);
    assert!(matches!(ping.asked, Ok(Asked::Method(Method::Ping))));
}

#[test]
fn a_frame_of_another_number_of_arguments_is_answered_where_it_has_a_number() {
    let check = |arguments: &[Argument<'_>], id: &str| {
        let mut frame = Vec::new();
        encode(arguments, &mut frame);
        let call = Call::read(&decode(&frame).unwrap().unwrap());
        assert_eq!(call.id, id);
        let why = call.asked.unwrap_err();
        assert!(why.starts_with("a call has two arguments"), "{why}");
    };
    check(&[], "");
    check(&[Argument::Text("1:0")], "1:0");
    check(&[Argument::Json("{}"), Argument::Json("{}"), Argument::Text("1:0")], "1:0");
    check(&[Argument::Json("{}"); 15], "");
}

#[test]
fn impossible_frames_are_refused_before_any_of_them_is_awaited() {
    assert_eq!(decode(&[0x22]), Err(FrameError::Version(2)));
    assert_eq!(decode(b"GET / HTTP/1.1"), Err(FrameError::Version(4)));
    let at_most = u32::try_from(MAX_FRAME - 5).unwrap();
    let head = |length: u32| [&[0x11][..], &length.to_be_bytes()].concat();
    assert_eq!(decode(&head(at_most)), Ok(None));
    assert_eq!(decode(&head(at_most + 1)), Err(FrameError::TooLong(MAX_FRAME + 1)));
    assert!(matches!(decode(&head(u32::MAX)), Err(FrameError::TooLong(_))));
}

#[test]
fn a_restart_keeps_where_output_goes_and_takes_variables_that_are_text() {
    let args = json!([{ "id": "3", "env": {
        "current_conf": { "merge_logs": true, "km_link": false, "username": "jo" },
        "web": {}, "PORT": 80, "DEBUG": true, "NONE": null, "A": "b", "updateEnv": true,
    }}]);
    let body = json!({ "method": "restartProcessId", "args": args }).to_string();
    let Ok(Asked::Method(Method::Restart(slot, changes))) = call(&body).asked else {
        panic!("not understood");
    };
    assert_eq!(slot.number(), Some(3));
    assert_eq!(Json::Object(changes.keys), json!({ "username": "jo" }));
    let env: Vec<_> = changes.env.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(env, ["A=b", "DEBUG=true", "PORT=80"]);
}

#[test]
fn what_an_app_says_is_kept_passed_on_or_neither() {
    let typed = |kind: &str, data: &str| Said::Typed(kind.to_owned(), data.to_owned());
    let check = |message: &str, expected: Said| assert_eq!(read(message), expected, "{message}");
    check(r#"{"type":"custom:ev","data":{"a":1}}"#, typed("custom:ev", r#"{"a":1}"#));
    check(r#"{"type":"axm:reply","data":{"return":1}}"#, typed("axm:reply", r#"{"return":1}"#));
    for raw in ["\"ready\"", "7", r#"{"type":"x"}"#, r#"{"type":"x","data":0}"#, "[]", "{", ""] {
        check(raw, Said::Raw);
    }
    check(r#"{"node_version":"20.0.0"}"#, Said::Nothing);
    check(r#"{"type":"axm:option:setPID","data":7}"#, Said::Nothing);
    check(r#"{"type":"axm:action","data":{"arity":1}}"#, Said::Nothing);
    let text = r#"{"action_name":"act","arity":1}"#;
    let message = format!(r#"{{"type":"axm:action","data":{text}}}"#);
    check(&message, Said::Kept(Kept::Action("act".to_owned(), text.to_owned())));
}

#[test]
fn what_an_app_declares_without_end_is_bounded() {
    let mut kept = InApp::default();
    for number in 0..10_000 {
        let name = format!("action-{number}");
        kept.keep(Kept::Action(name.clone(), format!("{{\"action_name\":\"{name}\"}}")));
        let value = (name, "1".to_owned());
        kept.keep(Kept::Monitor([value.clone()].into()));
        kept.keep(Kept::Options([value].into()));
    }
    assert!(kept.has_action("action-99") && !kept.has_action("action-100"));
    assert!(serde_json::to_string(&kept).unwrap().len() < 20_000);
    let known = Kept::Action("action-7".to_owned(), "{}".to_owned());
    assert!(kept.keep(known.clone()));
    assert!(!kept.keep(known), "told again, it changes nothing");
    assert!(kept.is_worth_saving());
}

/// Arguments of a frame as they can be made.
#[derive(Clone, Debug)]
enum Made {
    Text(String),
    Json(String),
    Bytes(Vec<u8>),
}

impl Made {
    fn as_argument(&self) -> Argument<'_> {
        match self {
            Self::Text(text) => Argument::Text(text),
            Self::Json(text) => Argument::Json(text),
            Self::Bytes(bytes) => Argument::Bytes(bytes),
        }
    }
}

fn made() -> impl Strategy<Value = Made> {
    prop_oneof![
        ".{0,40}".prop_map(Made::Text),
        ".{0,40}".prop_map(Made::Json),
        // Bytes that look like a kind would be read as it.
        proptest::collection::vec(any::<u8>(), 0..40)
            .prop_filter("a kind", |bytes| bytes.get(1) != Some(&b':'))
            .prop_map(Made::Bytes),
    ]
}

proptest! {
    #[test]
    fn frames_come_back_and_every_part_of_one_is_incomplete(
        all in proptest::collection::vec(made(), 0..=15),
        behind in proptest::collection::vec(any::<u8>(), 0..8),
    ) {
        let arguments: Vec<Argument<'_>> = all.iter().map(Made::as_argument).collect();
        let mut frame = Vec::new();
        encode(&arguments, &mut frame);
        for length in 0..frame.len() {
            prop_assert_eq!(decode(&frame[..length]), Ok(None));
        }
        let length = frame.len();
        frame.extend(behind);
        let decoded = decode(&frame).unwrap().unwrap();
        prop_assert_eq!(decoded.consumed, length);
        prop_assert_eq!(decoded.arguments, arguments);
    }

    #[test]
    fn no_bytes_bring_the_decoder_down(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        _ = decode(&bytes);
        let mut bytes = bytes;
        if let Some(first) = bytes.first_mut() {
            *first = 0x10 | (*first & 3);
        }
        // Short lengths, so that whole frames are among them.
        for at in [1, 2, 3] {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = 0;
            }
        }
        if let Ok(Some(frame)) = decode(&bytes) {
            prop_assert!(frame.consumed <= bytes.len());
            _ = Call::read(&frame);
        }
    }

    #[test]
    fn no_call_brings_its_reader_down(
        known in 0..METHODS.len(),
        changes in proptest::collection::vec((0..400_usize, any::<u8>()), 0..6),
        arg in prop_oneof![
            Just(json!(7)), Just(json!("x")), Just(Json::Null), Just(json!([])),
            Just(json!({ "id": 0, "env": { "current_conf": {} }, "signal": 9, "process_id": 0 })),
            Just(json!({ "name": "a", "msg": "b", "pm_id": 0, "line": "x", "data": 1,
                "topic": 2 })),
        ],
    ) {
        let (name, args) = METHODS[known];
        let args = vec![arg; args.len()];
        let body = json!({ "type": "call", "method": name, "args": args }).to_string();
        let mut frame = Vec::new();
        encode(&[Argument::Json(&body), Argument::Text("1:1")], &mut frame);
        for (at, byte) in changes {
            let length = frame.len();
            frame[at % length] = byte;
        }
        if let Ok(Some(frame)) = decode(&frame) {
            let call = Call::read(&frame);
            let answer = Answer::Error(call.asked.err().unwrap_or_default());
            let mut out = Vec::new();
            answer.write(&call.id, &mut out);
            prop_assert!(decode(&out).unwrap().is_some());
        }
    }

    #[test]
    fn no_message_of_an_app_brings_its_reader_down(message in "[{}\\[\\]\",:a-e0-9\\\\]{0,60}") {
        _ = read(&message);
        if let Said::Kept(kept) = read(&format!(r#"{{"type":"axm:monitor","data":{message}}}"#)) {
            InApp::default().keep(kept);
        }
    }
}
