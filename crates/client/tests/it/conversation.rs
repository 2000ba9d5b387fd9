//! Every way a conversation can end.

use ostler_client::{Answer, Client, Error, Home, Trouble, follow};
use ostler_wire::control::{Event, FrameKind, Reply, Request};
use serde_json::json;
use std::io::Write as _;
use std::ops::ControlFlow;
use tempfile::TempDir;

use crate::fake::{listen, next, send};

fn home() -> (TempDir, Home) {
    let dir = TempDir::new().unwrap();
    let home = Home::new(dir.path());
    (dir, home)
}

#[test]
fn events_come_before_the_answer_however_the_bytes_are_cut() {
    let (dir, home) = home();
    listen(dir.path(), |_, mut stream| {
        let mut bytes = Vec::new();
        ostler_wire::control::encode_json(
            FrameKind::Event,
            &json!({"warning": {"text": "one"}}),
            &mut bytes,
        )
        .unwrap();
        ostler_wire::control::encode_json(
            FrameKind::Event,
            &json!({"warning": {"text": "two"}}),
            &mut bytes,
        )
        .unwrap();
        ostler_wire::control::encode_json(FrameKind::Reply, &json!("done"), &mut bytes).unwrap();
        while next(&mut stream).is_some() {
            for byte in &bytes {
                stream.write_all(&[*byte]).unwrap();
            }
        }
    });
    let mut client = Client::connect(&home).unwrap();
    for _ in 0..2 {
        let mut texts = Vec::new();
        let answer = client.request(&Request::ReloadLogs, |event| {
            if let Event::Warning { text, .. } = event {
                texts.push(text);
            }
        });
        assert!(matches!(answer.unwrap(), Answer::Reply(Reply::Done)));
        assert_eq!(texts, ["one", "two"]);
    }
}

#[test]
fn a_large_text_comes_whole() {
    let (dir, home) = home();
    let text = "x".repeat(3 << 20);
    let sent = text.clone();
    listen(dir.path(), move |_, mut stream| {
        next(&mut stream).unwrap();
        let mut bytes = Vec::new();
        ostler_wire::control::encode(FrameKind::Raw, sent.as_bytes(), &mut bytes);
        stream.write_all(&bytes).unwrap();
    });
    let Answer::Raw(got) =
        Client::connect(&home).unwrap().request(&Request::Jlist, |_| ()).unwrap()
    else {
        panic!("no text")
    };
    assert!(got == text.as_bytes());
}

#[test]
fn an_end_in_the_middle_of_an_answer_is_told_from_an_answer() {
    let (dir, home) = home();
    listen(dir.path(), |_, mut stream| {
        next(&mut stream).unwrap();
        stream.write_all(&[0, 0, 0, 9, b'R', b'"']).unwrap();
    });
    let error = Client::connect(&home).unwrap().request(&Request::List, |_| ()).unwrap_err();
    assert!(matches!(error, Error::Broken), "{error}");
}

#[test]
fn nonsense_is_refused_at_once() {
    let (dir, home) = home();
    listen(dir.path(), |_, mut stream| {
        next(&mut stream).unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n").unwrap();
    });
    let error = Client::connect(&home).unwrap().request(&Request::List, |_| ()).unwrap_err();
    assert!(matches!(error, Error::Frame(_)), "{error}");
}

#[test]
fn an_answer_of_another_version_is_called_that() {
    let (dir, home) = home();
    let hello = json!({"protocol": 99, "version": "9.9.9", "pid": 1, "keeper_pid": 1});
    listen(dir.path(), move |_, mut stream| {
        while let Some(request) = next(&mut stream) {
            let reply = match request {
                Request::Hello => json!({"hello": hello}),
                _ => json!({"list": {"processes": 7}}),
            };
            send(&mut stream, FrameKind::Reply, &reply);
        }
    });
    let error = Client::connect(&home).unwrap().request(&Request::List, |_| ()).unwrap_err();
    assert!(matches!(error, Error::Mismatch { theirs: 99, .. }), "{error}");
    assert!(error.hint().unwrap().contains("ostler update"));
}

/// A request for all output, and nothing else.
fn logs_of_all() -> Request {
    Request::Logs {
        ids: vec![],
        out: true,
        err: true,
        events: false,
        own: false,
        confirm: false,
        patient: false,
        places: false,
    }
}

#[test]
fn a_stream_goes_on_with_the_next_daemon() {
    let (dir, home) = home();
    listen(dir.path(), |number, mut stream| {
        // Who is silent afterwards is there.
        assert!(matches!(next(&mut stream).unwrap(), Request::Hello));
        let hello = json!({"protocol": 1, "version": "1", "pid": 1, "keeper_pid": 1});
        send(&mut stream, FrameKind::Reply, &json!({"hello": hello}));
        assert!(matches!(next(&mut stream).unwrap(), Request::Logs { .. }));
        send(&mut stream, FrameKind::Event, &json!({"warning": {"text": number.to_string()}}));
        // The connection ends here: this daemon is gone, the next one answers.
    });
    let (mut seen, mut lost) = (Vec::new(), 0);
    let request = logs_of_all();
    let client = Client::connect(&home).unwrap();
    let end = follow(
        client,
        &home,
        &request,
        |event| {
            if let Event::Warning { text, .. } = event {
                seen.push(text);
            }
            if seen.len() == 20 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        },
        |trouble| lost += u32::from(trouble == Trouble::Lost),
    );
    assert!(end.unwrap().is_none());
    assert_eq!((seen.len(), lost), (20, 19));
}

#[test]
fn a_stream_that_never_gives_anything_is_given_up() {
    let (dir, home) = home();
    listen(dir.path(), |_, stream| drop(stream));
    let client = Client::connect(&home).unwrap();
    let request = logs_of_all();
    std::fs::write(home.log(), "it panicked\n").unwrap();
    let end = follow(client, &home, &request, |_| ControlFlow::Continue(()), |_| ());
    let error = end.unwrap_err();
    let said =
        "one daemon after the other ends before it answers; its log ends with:\n  it panicked";
    assert_eq!(error.to_string(), said);
    assert!(error.hint().unwrap().contains("pm2.log"), "{error:?}");
}
