//! What others wrote does nothing to a terminal, and does not pass for a message of ours.

use std::path::Path;

use ostler_wire::control::{Cause, Code, Connections, Failure, Outcome, Side, Step};
use serde_json::json;

use crate::paint::Paint;
use crate::program::Program;
use crate::voice::{
    Act, Line, Notice, Planned, Problem, Progress, Selector, ServiceNotice, Subject, Target, Voice,
    Window,
};

/// Clears the screen, sets a title, turns the order of letters around, and adds a line.
const BAD: &str = "a\x1b[2J\x1b]0;t\x07\u{9b}1m\u{202e}\r\nerror: b";

/// Every fact that holds something of others, with this in each place.
fn each(text: &str, check: &mut dyn FnMut(&Notice<'_>)) {
    let (owned, path, urls) = (|| text.to_owned(), Path::new(text), [text.to_owned()]);
    let targets = [Target { id: 0, name: owned(), cluster: false, rests: false }];
    let failure = Failure::new(Code::Ended, text).hint(text);
    let ids = json!([text]);
    let selector = Some(Selector { word: text, ids: &ids });
    let app = Planned { name: owned(), instances: 1, starts: true };
    let cause = Cause::Ended(Outcome::NotSpawned { why: Some(owned()) });
    let failed = Step::Failed { run: 1, side: Side::New, cause };
    let replaced =
        Step::Replaced { pid: 1, side: Side::New, listens: vec![owned()], leaves: false };
    let steps = [(text.to_owned(), "what")];
    let act = Act::Reload;
    check(&Notice::DaemonStarting { home: path });
    check(&Notice::DaemonStarted { home: path });
    check(&Notice::HomeOpen { home: path });
    check(&Notice::Begun { act, selector, targets: &targets });
    check(&Notice::StartsScript { script: text, mode: text, app: app.clone() });
    check(&Notice::StartsMissing { apps: &[app] });
    check(&Notice::Resurrects { act: Act::Resurrect, path });
    check(&Notice::Started { name: text, ids: &[0], asked: 1, of_file: true });
    check(&super::acted(0, text));
    let connections = Connections::Unknown;
    check(&Notice::Scaled { id: 0, name: text, added: false, connections });
    check(&Notice::Stepped { id: 0, name: text, step: &failed });
    check(&Notice::Stepped { id: 0, name: text, step: &replaced });
    check(&Notice::Restored { name: text, script: text });
    for subject in [
        Subject::Process { id: 0, name: text },
        Subject::App { name: text },
        Subject::Saved { name: text, script: text },
    ] {
        check(&Notice::Missed { subject, error: &failure });
    }
    check(&Notice::Begun { act: Act::Stop, selector: None, targets: &targets });
    check(&super::acted(0, text));
    check(&Notice::Finished { act: Act::Stop, failed: false, urls: &urls });
    check(&Notice::Ready { name: text, processes: 1, urls: &urls });
    check(&Notice::CanaryWaits { app: text });
    check(&Notice::NotYet { text });
    check(&Notice::Saved { path: text, apps: 1 });
    check(&Notice::DumpCleared { path });
    check(&Notice::FlushesOwn { log: path });
    check(&Notice::Flushes { files: vec![text] });
    check(&Notice::Killed { home: path, ran: false });
    check(&Notice::Pong { version: text, pid: 1 });
    check(&Notice::FirstSteps { steps: &steps });
    check(&Notice::Service(ServiceNotice::Runs { command: text }));
    check(&Notice::Service(ServiceNotice::Installed {
        platform: text,
        target: path,
        options: text,
    }));
    check(&Notice::Service(ServiceNotice::NeedsRoot { command: text, installs: true }));
    check(&Notice::Warning { text, hint: Some(text), apart: true });
    for problem in [
        Problem::NoProcess { word: owned() },
        Problem::NoSuch { word: owned(), near: Some(owned()) },
        Problem::NoSuchId { word: owned(), act: None },
        Problem::BadPattern { text: owned() },
        Problem::NoApp { name: owned(), near: Some(owned()) },
        Problem::NoEnvironment { word: owned() },
        Problem::NotDescribed { word: owned() },
        Problem::NotReset { word: owned() },
        Problem::NothingToScale { name: owned(), count: 1 },
        Problem::AlreadyRuns { name: owned(), urls: vec![owned()] },
        Problem::NoInit { known: owned() },
        Problem::Other { message: owned(), hint: Some(owned()) },
    ] {
        check(&Notice::NothingSaved { problem: &problem });
        check(&Notice::Problem(&problem));
    }
}

#[test]
fn what_others_wrote_does_nothing_to_a_terminal_and_passes_for_no_message() {
    for program in [Program::Pm2, Program::Ostler] {
        for progress in [Progress::Plain, Progress::Live, Progress::Json, Progress::Silent] {
            let mut voice = Voice::new(program);
            voice.show(progress);
            each(BAD, &mut |notice| {
                for line in voice.lines(notice, Paint::PLAIN) {
                    let (Line::Out(text) | Line::Data(text) | Line::Err(text)) = line;
                    let text = text.as_str();
                    let is_bad = |c: char| ostler_text::is_unsafe(c) && c != '\n';
                    assert!(!text.contains(is_bad), "{notice:?}: {text:?}");
                    assert!(!text.contains("\nerror:"), "{notice:?}: {text:?}");
                }
                let block = voice.draw(Window { columns: 80, rows: 24 });
                assert!(!block.contains("\x1b[2J") && !block.contains('\u{202e}'), "{block:?}");
            });
        }
    }
}
