//! Frames in pieces and out of shape.

use super::*;

#[test]
fn a_frame_is_found_only_when_it_is_whole() {
    let mut bytes = Vec::new();
    encode_json(FrameKind::Request, &Request::Hello, &mut bytes).unwrap();
    assert_eq!(&bytes, b"\x00\x00\x00\x08Q\"hello\"");
    for end in 0..bytes.len() {
        assert_eq!(decode(&bytes[..end]).unwrap(), None);
    }
    let frame = decode(&bytes).unwrap().unwrap();
    assert_eq!((frame.kind, frame.consumed), (FrameKind::Request, bytes.len()));
    assert!(matches!(serde_json::from_slice(frame.payload).unwrap(), Request::Hello));
}

#[test]
fn a_payload_becomes_the_frame_that_it_would_be_copied_into() {
    for payload in ["", "x", "a long text"] {
        let mut copied = Vec::new();
        encode(FrameKind::Raw, payload.as_bytes(), &mut copied);
        assert_eq!(into_frame(FrameKind::Raw, payload.as_bytes().to_vec()), copied);
        assert_eq!(&copied[HEAD..], payload.as_bytes());
    }
}

#[test]
fn impossible_heads_are_refused_before_any_payload_is_awaited() {
    assert_eq!(decode(&[0, 0, 0, 0]), Err(FrameError::Length(0)));
    assert_eq!(decode(&u32::MAX.to_be_bytes()), Err(FrameError::Length(u32::MAX)));
    assert_eq!(decode(&[0, 0, 0, 9, b'x']), Err(FrameError::Kind(b'x')));
}

#[test]
fn a_request_keeps_its_records_as_they_are() {
    let text = r#"{"start":{"apps":[{"name":"a","args":[1, 2]}]}}"#;
    let Request::Start { apps, only_new: false, each: false, doing: false, ticket: None } =
        serde_json::from_str(text).unwrap()
    else {
        panic!("not a start")
    };
    assert_eq!(apps[0].get(), r#"{"name":"a","args":[1, 2]}"#);
}

#[test]
fn numbers_of_instances_are_absolute_or_signed() {
    assert_eq!(ScaleTo::parse("4"), Some(ScaleTo::Exactly(4)));
    assert_eq!(ScaleTo::parse("+2"), Some(ScaleTo::Add(2)));
    assert_eq!(ScaleTo::parse("-1"), Some(ScaleTo::Remove(1)));
    for text in ["", "+", "-", "x", "4x", "--1", "+-1", "99999999999", "½"] {
        assert_eq!(ScaleTo::parse(text), None, "{text}");
    }
}
