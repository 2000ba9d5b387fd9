//! `logs`: the files first, then the stream.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use ostler_wire::control::FrameKind;
use serde_json::{Value, json};

use crate::fake::{Fake, process};

fn with_files() -> (Fake, tempfile::TempDir) {
    let files = tempfile::TempDir::new().unwrap();
    let mut app = process(0, "app");
    for (at, name) in ["out", "error"].iter().enumerate() {
        let path = files.path().join(format!("{name}.log"));
        std::fs::write(&path, format!("first {name}\nlast {name}\n")).unwrap();
        app["logs"][at] = json!(path.to_str().unwrap());
    }
    let event = |name: &str, err: bool, text: &str| -> (FrameKind, Value) {
        let at = 1_795_388_825_573_u64;
        let line = json!({"id": 0, "name": name, "err": err, "at": at, "text": text});
        (FrameKind::Event, json!({"log": line}))
    };
    let lines = vec![
        event("app", false, "one"),
        event("other", false, "two"),
        event("app", true, "three"),
        event("app", false, ""),
    ];
    let answers = move |request: &Value| {
        request.get("logs")?;
        let mut frames = lines.clone();
        frames.push((FrameKind::Reply, json!("done")));
        Some(frames)
    };
    (Fake::saying(vec![app], Box::new(answers)), files)
}

/// Returns the object of a line of `app`.
fn object(message: &str, at: Option<&str>, kind: &str) -> String {
    object_of("0", "app", message, at, kind)
}

fn object_of(id: &str, name: &str, message: &str, at: Option<&str>, kind: &str) -> String {
    let at = at.map_or("null".to_owned(), |at| format!("\"{at}\""));
    let what = format!(r#""message":"{message}","timestamp":{at},"type":"{kind}""#);
    format!(r#"{{{what},"process_id":{id},"app_name":"{name}"}}"#)
}

#[test]
fn the_last_lines_of_each_file_stand_under_its_path() {
    let (fake, files) = with_files();
    let ran = fake.pm2("logs app --nostream --lines 1 --out");
    let path = files.path().join("out.log");
    let text = format!(
        "[TAILING] Tailing last 1 lines for [app] process (change the value with --lines option)\n\
         {} last 1 lines:\n0|app      | last out\n\n",
        path.display()
    );
    assert_eq!((ran.code, ran.out), (0, text));
    assert_eq!(
        (fake.pm2("logs app --nostream --raw").out.as_str(), ran.err.as_str()),
        ("first out\nlast out\n", "")
    );
    assert_eq!(fake.pm2("logs nope --nostream").out.lines().count(), 1);
    assert_eq!(fake.pm2("logs --nostream --lines 0").out, "");
}

#[test]
fn a_program_that_reads_the_last_lines_gets_nothing_else() {
    let (fake, _files) = with_files();
    fake.file("pm2.log", "2026-11-22T10:00:00: PM2 log: App [app:0] online\n");
    for word in ["app", "all"] {
        let ran = fake.pm2(&format!("logs {word} --nostream --raw --lines 1"));
        assert_eq!((ran.out.as_str(), ran.err.as_str()), ("last out\n", "last error\n"));
        let ran = fake.pm2(&format!("logs {word} --nostream --json --lines 1"));
        let mut lines: Vec<&str> = ran.out.lines().collect();
        lines.sort_unstable();
        assert_eq!(lines, [object("last error", None, "err"), object("last out", None, "out")]);
        assert_eq!(ran.err, "");
    }
    let ran = fake.pm2("logs app --nostream --format --out --lines 1");
    assert_eq!(ran.out, "app=app id=0 type=out message=last out\n");
    // Who asks for the daemon's own lines gets them in the same forms.
    let own = "2026-11-22T10:00:00: PM2 log: App [app:0] online";
    assert_eq!(fake.pm2("logs PM2 --nostream --raw").out, format!("{own}\n"));
    assert_eq!(fake.pm2("logs PM2 --nostream --format").out, format!("app=pm2 message={own}\n"));
    assert_eq!(
        fake.pm2("logs PM2 --nostream --json").out,
        object_of(r#""PM2""#, "PM2", own, None, "out") + "\n"
    );
    // Nothing at all, not even a header, is there for a word that means nobody.
    for form in ["--json", "--raw", "--format"] {
        assert_eq!(fake.pm2(&format!("logs nope --nostream {form}")).out, "");
    }
}

#[test]
fn lines_of_a_file_in_json_form_are_given_as_they_are() {
    let (fake, files) = with_files();
    let whole = object(r"a\n", Some("2026-11-22T10:00:00"), "out");
    std::fs::write(files.path().join("out.log"), format!("{whole}\n{{\"message\":1}}\n")).unwrap();
    let ran = fake.pm2("logs app --nostream --json --out");
    let expected = object(r#"{\"message\":1}"#, None, "out");
    assert_eq!(ran.out, format!("{whole}\n{expected}\n"));
}

#[test]
fn a_word_that_means_no_process_is_said_at_once() {
    let (fake, _files) = with_files();
    for word in ["nope", "7", "/^no/"] {
        let ran = fake.pm2(&format!("logs {word} --nostream"));
        assert_eq!((ran.code, ran.out.lines().count()), (0, 1), "{}", ran.out);
        assert!(
            ran.err.starts_with("[PM2][WARN] no process has")
                && ran.err.ends_with(&format!("`{word}`; there are: app\n")),
            "{}",
            ran.err
        );
        let ran = fake.ostler(&format!("logs {word} --lines 0"));
        assert!(
            ran.err.ends_with(
                "yet; its lines are shown as soon as there is one; there are: app\n\
                 hint: `ostler list` shows what there is; Ctrl-C ends the wait\n"
            ),
            "{}",
            ran.err
        );
    }
    let cursor = |err: String| err.starts_with("-- cursor: ") && err.lines().count() == 1;
    assert!(cursor(fake.ostler("logs app --nostream").err));
    assert!(cursor(fake.ostler("logs daemon --nostream").err));
    assert_eq!(fake.pm2("logs PM2 --nostream").err, "");
    let many: Vec<Value> = (0..12).map(|id| process(id, &format!("app{id:02}"))).collect();
    let ran = Fake::with(many).pm2("logs nope --nostream");
    assert!(ran.err.ends_with(
        "app00, app01, app02, app03, app04, app05, app06, app07, app08, app09 and 2 more\n"
    ));
    let ran = Fake::with(Vec::new()).ostler("logs --nostream");
    let said = ran.err.strip_prefix("warning: there is no process\n");
    assert!(ran.code == 0 && said.is_some_and(|rest| cursor(rest.to_owned())), "{}", ran.err);
}

#[test]
fn lines_of_an_app_that_does_not_exist_are_an_error_to_who_does_not_wait_for_one() {
    let (fake, _files) = with_files();
    let ran = fake.ostler("logs appp --nostream");
    let said = |line: &str| {
        format!("error: no app has the name or namespace `appp`\nhint: did you mean `{line}`?\n")
    };
    let expected = said("ostler logs app --nostream");
    assert_eq!((ran.code, ran.out.as_str(), ran.err), (1, "", expected));
    let ran = fake.ostler("flush appp");
    assert_eq!((ran.code, ran.out.as_str(), ran.err), (1, "", said("ostler flush app")));
    assert!(fake.asked().is_empty(), "nothing was emptied");
    assert_eq!((fake.pm2("logs nope --nostream").code, fake.pm2("flush nope").code), (0, 0));
}

#[test]
fn our_lines_stand_alone_in_a_pipe_with_the_daemons_in_our_words() {
    let (fake, _files) = with_files();
    fake.file("pm2.log", "2026-11-22T10:00:00: PM2 log: App [app:0] online\n");
    let ran = fake.ostler("logs --nostream --lines 1");
    let mut lines: Vec<&str> = ran.out.lines().collect();
    lines.sort_unstable();
    assert_eq!(
        lines,
        ["app:0 | last error", "app:0 | last out", "daemon | 2026-11-22T10:00:00 app:0 is online"]
    );
    let ran = fake.ostler("logs daemon --nostream --raw");
    assert_eq!(ran.out, "2026-11-22T10:00:00 app:0 is online\n");
    assert_eq!(fake.ostler("logs --lines 0").out, "app:0 | one\nother:0 | two\napp:0   | three\n");
}

#[test]
fn an_id_that_nobody_has_yet_is_followed_when_somebody_has_it() {
    let line = json!({"log": {"id": 7, "name": "late", "err": false, "at": 1, "text": "here"}});
    let answers = move |request: &Value| {
        request.get("logs")?;
        Some(vec![(FrameKind::Event, line.clone()), (FrameKind::Reply, json!("done"))])
    };
    let fake = Fake::saying(vec![process(0, "app")], Box::new(answers));
    assert_eq!(fake.ostler("logs 7 --lines 0").out, "late:7 | here\n");
    assert_eq!(fake.ostler("logs 8 --lines 0").out, "");
}

#[test]
fn lines_that_arrive_are_labelled_and_chosen() {
    let (fake, _files) = with_files();
    assert_eq!(fake.pm2("logs --lines 0").out, "0|app  | one\n0|other  | two\n0|app    | three\n");
    // Id 0 is `app` now; a name is followed by name and by the ids it had.
    let ran = fake.pm2("logs app --lines 0 --raw");
    assert_eq!((ran.out.as_str(), ran.err.as_str()), ("one\ntwo\n", "three\n"));
    let ran = fake.pm2("logs --lines 0 --timestamp");
    assert!(ran.out.starts_with("2026-11-22-23:07:05 0|app  | one\n"), "{}", ran.out);
    let ran = fake.pm2("logs --json");
    assert!(
        ran.out.starts_with(&object("one", Some("2026-11-22T23:07:05.573Z"), "out")),
        "{}",
        ran.out
    );
    assert!(
        fake.pm2("logs --format")
            .out
            .starts_with("timestamp=2026-11-22-23:07:05+0000 app=app id=0 type=out message=one\n")
    );
}

#[test]
fn a_reader_that_leaves_ends_it_quietly() {
    let many = |request: &Value| {
        request.get("logs")?;
        let text = "x".repeat(100);
        let line = json!({"log": {"id": 0, "name": "app", "err": false, "at": 1, "text": text}});
        Some((0..5000).map(|_| (FrameKind::Event, line.clone())).collect())
    };
    let fake = Fake::saying(vec![process(0, "app")], Box::new(many));
    let mut child = fake
        .command("ostler", ["logs", "--lines", "0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    out.read_line(&mut line).unwrap();
    drop(out);
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
    assert!(line.starts_with("app:0 | xxx"));
}
