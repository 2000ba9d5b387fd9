//! A daemon that is older than the command, and dies under a request: nothing is begun twice.

use std::sync::atomic::{AtomicUsize, Ordering};

use ostler_wire::control::{FrameKind, VERSION};
use serde_json::{Value, json};

use crate::fake::{Fake, process};

/// A daemon that dies of every request of this kind; daemon by daemon it speaks these protocols.
fn dying(of: &'static str, protocols: &'static [u32]) -> Fake {
    let asked = AtomicUsize::new(0);
    let answers = move |request: &Value| {
        if request == "hello" {
            let nth = asked.load(Ordering::SeqCst).min(protocols.len() - 1);
            let protocol = protocols[nth];
            let hello = json!({"protocol": protocol, "version": "1", "pid": 0, "keeper_pid": 0});
            return Some(vec![(FrameKind::Reply, json!({"hello": hello}))]);
        }
        request.get(of)?;
        asked.fetch_add(1, Ordering::SeqCst);
        Some(Vec::new())
    };
    Fake::saying(vec![process(0, "app")], Box::new(answers))
}

fn asked(fake: &Fake, what: &str) -> usize {
    fake.asked().iter().filter(|request| request.get(what).is_some()).count()
}

#[test]
fn a_daemon_that_does_not_know_tickets_is_never_asked_again_by_one() {
    for (line, kind) in [
        ("start job.sh", "start"),
        ("stop app", "act"),
        ("restart 0", "act"),
        ("scale app 3", "scale"),
    ] {
        let fake = dying(kind, &[3]);
        fake.file("job.sh", "#!/bin/sh\n");
        let ran = fake.ostler(line);
        assert_eq!((ran.code, asked(&fake, kind)), (1, 1), "{line}: {}", ran.err);
        let said = "the daemon, which is older than this command, died in the middle of this";
        assert!(ran.err.contains(said), "{line}: {}", ran.err);
        assert!(ran.err.contains("how it went on is not known"), "{line}: {}", ran.err);
    }
}

#[test]
fn a_daemon_that_cannot_be_asked_for_what_a_word_means_is_asked_for_the_list() {
    let answers = |request: &Value| {
        request.get("meant")?;
        let refused = json!({"error": {"code": "invalid", "message": "unknown", "hint": null}});
        Some(vec![(FrameKind::Reply, refused)])
    };
    let fake = Fake::saying(vec![process(0, "app"), process(1, "web")], Box::new(answers));
    let ran = fake.ostler("id web");
    assert_eq!((ran.code, ran.out.as_str()), (0, "1\n"), "{}", ran.err);
}

#[test]
fn a_successor_that_does_not_know_tickets_is_not_asked() {
    let fake = dying("start", &[VERSION, 3]);
    fake.file("job.sh", "#!/bin/sh\n");
    let ran = fake.ostler("start job.sh");
    assert_eq!((ran.code, asked(&fake, "start")), (1, 1), "{}", ran.err);
    assert!(ran.err.contains("replaced by one that would begin this again"), "{}", ran.err);
}

#[test]
fn a_daemon_that_knows_the_ticket_is_asked_again() {
    for (line, kind, protocol) in
        [("start job.sh", "start", &[VERSION] as &[u32]), ("reload app", "reload", &[3])]
    {
        let fake = dying(kind, protocol);
        fake.file("job.sh", "#!/bin/sh\n");
        let ran = fake.ostler(line);
        assert!(1 < asked(&fake, kind), "{line}: {}", ran.err);
        assert!(ran.err.contains("died again and again"), "{line}: {}", ran.err);
    }
}
