//! Every fact in both names' words.

mod block;
mod deployment;
mod ends;
mod hostile;
mod migration;
mod module;
mod objects;
mod problems;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use expect_test::expect_file;
use ostler_wire::control::{Cause, Code, Connections, Doing, Failure, Outcome, Side, Step};
use serde_json::json;

use objects::Objects;
use problems::problems;

use super::*;

macro_rules! kinds {
    ($($kind:ident)*) => {
        /// Every kind of facts: a new one does not compile until it stands here, and then
        /// wants an example.
        const KINDS: &[&str] = &[$(stringify!($kind)),*];

        fn kind(notice: &Notice<'_>) -> &'static str {
            match notice {
                $(Notice::$kind { .. } => stringify!($kind),)*
            }
        }
    };
}

kinds! {
    Acted AllReady Awaits Begun BroughtUp CanaryWaits DaemonReplaced DaemonStarted DaemonStarting
    DaemonsEnd Deploy Does DumpCleared EndedEarly Finished FirstSteps Flushed Flushes FlushesOwn
    Generated HomeOpen Interrupted KeepsEnvironment Killed Looks Migration Missed Module NoApps
    NotYet Note NothingSaved NothingToSave
    Pong Problem Ready Release ReopenedLogs ReopensLogs Replaced Resets Restored Restores Resurrects
    Saved Saves Scaled ScalesNext ScalesTo
    Serves Service Setting Stands Started Starts StartsMissing StartsScript Stepped
    TakesProfile Talk TookProfile Updated Waits Warning
}

/// Two commands' voices, and what they said.
struct Scene {
    pm2: Voice,
    ostler: Voice,
    text: String,
    seen: BTreeSet<&'static str>,
    /// What a third one says to a program.
    objects: Objects,
}

impl Scene {
    fn new() -> Self {
        let [pm2, ostler] = [Program::Pm2, Program::Ostler].map(Voice::new);
        Self { pm2, ostler, text: String::new(), seen: BTreeSet::new(), objects: Objects::new() }
    }

    fn tell(&mut self, notice: &Notice<'_>) {
        self.objects.take(notice);
        let kind = kind(notice);
        self.seen.insert(kind);
        let _ = writeln!(self.text, "{kind}");
        for (name, voice) in [("pm2", &mut self.pm2), ("ostler", &mut self.ostler)] {
            for line in voice.lines(notice, Paint::PLAIN) {
                let (stream, text) = match line {
                    Line::Out(text) => ("out", text),
                    Line::Data(text) => ("out!", text),
                    Line::Err(text) => ("err", text),
                };
                let text = untimed(text.as_str()).replace('\n', "\n                ");
                let _ = writeln!(self.text, "    {name:6} {stream:4} {}", text.trim_end());
            }
        }
    }

    fn all(&mut self, notices: &[Notice<'_>]) {
        notices.iter().for_each(|notice| self.tell(notice));
    }
}

/// Replaces the times, which differ each time.
fn untimed(text: &str) -> String {
    let time = regex_lite::Regex::new(r" in \d+(\.\d)? (ms|s)\b").unwrap();
    time.replace_all(text, " in TIME").into_owned()
}

fn targets() -> Vec<Target> {
    [(0, "api", true), (1, "api", true), (2, "job", false)]
        .map(|(id, name, cluster)| Target { id, name: name.to_owned(), cluster, rests: false })
        .into()
}

#[test]
fn every_fact_has_words_under_both_names() {
    let mut scene = Scene::new();
    daemon(&mut scene);
    acts(&mut scene);
    saving(&mut scene);
    services(&mut scene);
    talk(&mut scene);
    settings(&mut scene);
    module::tell(&mut scene);
    problems(&mut scene);
    migration::tell(&mut scene);
    expect_file!["snapshots/voice.txt"].assert_eq(&scene.text);
    scene.objects.assert_documented();
    let unseen: Vec<_> = KINDS.iter().filter(|kind| !scene.seen.contains(*kind)).collect();
    assert!(unseen.is_empty(), "no example of {unseen:?}");
}

/// It is done with a process, of whose connections nothing is known.
fn acted(id: u32, name: &str) -> Notice<'_> {
    Notice::Acted { id, name, connections: Connections::Unknown }
}

fn daemon(scene: &mut Scene) {
    let home = Path::new("/home/u/.ostler");
    scene.all(&[
        Notice::DaemonStarting { home },
        Notice::DaemonStarted { home },
        Notice::DaemonReplaced,
        Notice::DaemonsEnd,
        Notice::Waits { text: "the daemon does not answer yet; waiting for it up to 30 s" },
        Notice::Interrupted { under: Under::Way },
        Notice::Interrupted { under: Under::Wait },
        Notice::HomeOpen { home },
        Notice::Pong { version: "0.1.0", pid: 77 },
        Notice::Updated,
        Notice::Killed { home, ran: false },
    ]);
    let targets = targets();
    let ids = json!([0, 1, 2]);
    let selector = Some(Selector { word: "all", ids: &ids });
    scene.tell(&Notice::Begun { act: Act::Kill, selector, targets: &targets });
    scene.tell(&acted(0, "api"));
    scene.tell(&Notice::Killed { home, ran: true });
}

fn acts(scene: &mut Scene) {
    let targets = targets();
    let ids = json!([0, 1, 2]);
    let selector = Some(Selector { word: "back", ids: &ids });
    let failure = Failure::new(Code::Ended, "it is still there").hint("look at `ps`");
    for act in [Act::Stop, Act::Restart, Act::StartAgain, Act::Delete, Act::Reload] {
        scene.tell(&Notice::Begun { act, selector, targets: &targets });
        for one in &targets {
            let (id, name, connections) = (one.id, one.name.as_str(), Connections::Dropped(1));
            scene.tell(&Notice::Acted { id, name, connections });
        }
        scene.tell(&Notice::Finished { act, failed: false, urls: &[] });
    }
    let (act, subject) = (Act::Stop, Subject::Process { id: 1, name: "api" });
    scene.all(&[
        Notice::Begun { act, selector: None, targets: &targets },
        Notice::Does { id: 0, name: "api", what: &Doing::Killed },
        acted(0, "api"),
        Notice::Missed { subject, error: &failure },
        Notice::Missed { subject: Subject::App { name: "api" }, error: &failure },
        Notice::Missed { subject: Subject::Named { name: "api" }, error: &failure },
        Notice::Finished { act, failed: true, urls: &[] },
    ]);
    let (act, subject) = (Act::Reset, Subject::Counters { id: 1, name: "api" });
    scene.all(&[
        Notice::Resets { id: 0 },
        Notice::Begun { act, selector: None, targets: &targets[..2] },
        Notice::Missed { subject, error: &failure },
        Notice::Finished { act, failed: true, urls: &[] },
    ]);
    starts(scene);
    reloads(scene);
    let act = Act::Scale;
    scene.all(&[
        Notice::Begun { act, selector: None, targets: &targets[..2] },
        Notice::ScalesTo { processes: 3 },
        Notice::Scaled { id: 4, name: "api", added: true, connections: Connections::Unknown },
        Notice::Finished { act, failed: false, urls: &[] },
        Notice::Begun { act, selector: None, targets: &targets[..2] },
        Notice::Scaled { id: 4, name: "api", added: false, connections: Connections::Unknown },
        Notice::Finished { act, failed: false, urls: &[] },
    ]);
    // `apply` of an app that is restarted and scaled: one line for both.
    let restart = Act::Restart;
    scene.all(&[
        Notice::Begun { act: restart, selector: None, targets: &targets[..1] },
        Notice::ScalesNext,
        Notice::Acted { id: 0, name: "api", connections: Connections::Dropped(1) },
        Notice::Finished { act: restart, failed: false, urls: &[] },
        Notice::Begun { act, selector: None, targets: &targets[..1] },
        Notice::ScalesTo { processes: 2 },
        Notice::Scaled { id: 4, name: "api", added: true, connections: Connections::Nowhere },
        Notice::Finished { act, failed: false, urls: &[] },
    ]);
}

fn starts(scene: &mut Scene) {
    let urls = ["http://127.0.0.1:3000".to_owned()];
    let app = |name: &str, instances| Planned { name: name.to_owned(), instances, starts: true };
    let (script, mode) = ("/srv/hello.js", "cluster_mode");
    scene.all(&[
        Notice::StartsScript { script, mode, app: app("hello", 2) },
        Notice::Started { name: "hello", ids: &[0, 1], asked: 2, of_file: false },
        Notice::Finished { act: Act::Start, failed: false, urls: &urls },
        Notice::Ready { name: "api", processes: 1, urls: &[] },
        Notice::Ready { name: "hello", processes: 4, urls: &urls },
        Notice::Ready { name: "job", processes: 0, urls: &[] },
        Notice::AllReady { apps: 9, processes: 12 },
        Notice::NotYet { text: "not yet in effect: watch of hello" },
        Notice::FirstSteps { steps: &[("ostler kill".to_owned(), "stop everything")] },
        Notice::KeepsEnvironment,
    ]);
    let apps = ["a", "b", "c", "d", "e"].map(|name| app(name, 1));
    let started = |name| Notice::Started { name, ids: &[3], asked: 1, of_file: true };
    scene.tell(&Notice::StartsMissing { apps: &apps[..2] });
    ["a", "b"].iter().for_each(|name| scene.tell(&started(name)));
    scene.tell(&Notice::Finished { act: Act::StartFile, failed: false, urls: &[] });
    // Those of which it is told when they are ready, with one that is only added.
    let added = Planned { starts: false, ..app("later", 1) };
    let targets = [Target { id: 0, name: "hello".to_owned(), cluster: true, rests: false }];
    scene.all(&[
        Notice::StartsMissing { apps: &[app("hello", 1), added] },
        Notice::Starts { id: 0, name: "hello", up: false },
        Notice::Starts { id: 0, name: "hello", up: true },
        Notice::Started { name: "hello", ids: &[0], asked: 1, of_file: true },
        Notice::Started { name: "later", ids: &[1], asked: 1, of_file: true },
        Notice::BroughtUp,
        Notice::Awaits { targets: &targets },
        Notice::Stands { id: 0, stand: Standing::Does("starting") },
        Notice::Stands { id: 0, stand: Standing::Ready },
        Notice::Ready { name: "hello", processes: 1, urls: &urls },
        Notice::Finished { act: Act::StartFile, failed: false, urls: &urls },
        Notice::StartsMissing { apps: &[app("hello", 1)] },
        Notice::Started { name: "hello", ids: &[0], asked: 1, of_file: true },
        Notice::Looks,
        Notice::EndedEarly { id: 0 },
        Notice::Finished { act: Act::StartFile, failed: false, urls: &[] },
    ]);
    scene.tell(&Notice::StartsMissing { apps: &apps });
    ["a", "b", "c"].iter().for_each(|name| scene.tell(&started(name)));
    scene.tell(&Notice::Finished { act: Act::StartFile, failed: true, urls: &[] });
}

fn reloads(scene: &mut Scene) {
    let targets = targets();
    let cause = Cause::Ended(Outcome::Code(1));
    let steps = [
        Step::Verifying { run: 7, side: Side::New },
        Step::Replaced { pid: 9, side: Side::New, listens: vec!["*:80".into()], leaves: true },
        Step::Left { pid: Some(8), side: Side::Old, connections: Connections::Dropped(0) },
        Step::Failed { run: 7, side: Side::New, cause },
        Step::CanaryServes,
    ];
    let act = Act::Promote;
    scene.tell(&Notice::Begun { act, selector: None, targets: &targets[..2] });
    steps.iter().for_each(|step| scene.tell(&Notice::Stepped { id: 1, name: "api", step }));
    scene.tell(&Notice::Finished { act, failed: false, urls: &[] });
    scene.tell(&Notice::Replaced { id: 1, name: "api" });
    scene.tell(&Notice::CanaryWaits { app: "api" });
    let act = Act::Rollback;
    scene.tell(&Notice::Begun { act, selector: None, targets: &targets[..2] });
    scene.tell(&Notice::Finished { act, failed: false, urls: &[] });
}

fn saving(scene: &mut Scene) {
    let path = Path::new("/h/dump.pm2");
    let failure = Failure::new(Code::NotFound, "script not found");
    let problem = Problem::from(Failure::new(Code::NotFound, "no saved list").hint("save one"));
    let (act, script) = (Act::Resurrect, "/srv/a.js");
    scene.all(&[
        Notice::NoApps,
        Notice::Saves,
        Notice::Saved { path: "/h/dump.pm2", apps: 3 },
        Notice::NothingToSave,
        Notice::DumpCleared { path },
        Notice::Resurrects { act: Act::Resurrect, path },
        Notice::Restored { name: "a", script },
        Notice::Restored { name: "a", script },
        Notice::Missed { subject: Subject::Saved { name: "b", script }, error: &failure },
        Notice::Finished { act, failed: false, urls: &[] },
        Notice::Resurrects { act: Act::Resurrect, path },
        Notice::Finished { act, failed: false, urls: &[] },
        Notice::Resurrects { act: Act::Resurrect, path },
        Notice::Restores { targets: &[], saved: 0, before: false },
        Notice::Finished { act, failed: false, urls: &[] },
        Notice::NothingSaved { problem: &problem },
        Notice::TakesProfile { name: "api", id: 0, ms: 10_000 },
        Notice::TookProfile { file: Path::new("/srv/api-0-120000.cpuprofile") },
        Notice::FlushesOwn { log: Path::new("/h/pm2.log") },
        Notice::Flushes { files: vec!["/h/logs/a-out.log", "/h/logs/a-error.log"] },
        Notice::Flushed { files: 3 },
        Notice::ReopensLogs,
        Notice::ReopenedLogs,
    ]);
}

fn services(scene: &mut Scene) {
    let (platform, target) = ("systemd", Path::new("/etc/systemd/system/ostler-u.service"));
    let commands = ["systemctl enable ostler-u".to_owned()];
    let service = [
        ServiceNotice::Found { platform },
        ServiceNotice::Other { found: "systemd", asked: "openrc" },
        ServiceNotice::Planned { platform, text: "[Unit]", target, commands: &commands },
        ServiceNotice::Writes { target },
        ServiceNotice::Enables,
        ServiceNotice::Runs { command: &commands[0] },
        ServiceNotice::Ran,
        ServiceNotice::Copied { from: Path::new("/n/ostler"), to: Path::new("/h/bin/ostler") },
        ServiceNotice::Passes { folder: "/n/bin" },
        ServiceNotice::Installed { platform, target, options: " --service-name 'my web'" },
        ServiceNotice::Removed { target },
        ServiceNotice::NeedsRoot { command: "sudo ostler startup", installs: true },
        ServiceNotice::NeedsRoot { command: "sudo ostler unstartup", installs: false },
    ];
    service.into_iter().for_each(|notice| scene.tell(&Notice::Service(notice)));
}

fn talk(scene: &mut Scene) {
    let targets = targets();
    let (target, word) = (&targets[2], "api");
    let (name, namespace) = ("api", "default");
    for notice in [
        TalkNotice::Signals { word, is_id: false },
        TalkNotice::Signalled { signal: "SIGUSR2", word, is_id: false, targets: &targets },
        TalkNotice::Signalled { signal: "SIGUSR2", word: "2", is_id: true, targets: &targets[2..] },
        TalkNotice::Sent { target },
        TalkNotice::Asked { count: 2, action: "stats" },
        TalkNotice::Answered { id: 0, name, namespace, answer: Some("{\"a\":1}") },
        TalkNotice::Answered { id: 1, name, namespace, answer: None },
        TalkNotice::Attached { target },
        TalkNotice::Inspects { target, address: "127.0.0.1:9229" },
        TalkNotice::InspectsNot { word },
        TalkNotice::Marked { on: true, targets: &targets },
        TalkNotice::Marked { on: false, targets: &targets[2..] },
    ] {
        scene.tell(&Notice::Talk(notice));
    }
    scene.tell(&Notice::Generated { path: Path::new("/srv/ecosystem.config.js") });
    deployment::tell(scene);
    scene.tell(&Notice::Serves { folder: Path::new("/srv/site"), port: 8080 });
    for way in [Way::Pull, Way::Forward, Way::Backward] {
        scene.tell(&Notice::Release(ReleaseNotice::Fetches { way, name }));
    }
    for notice in [
        ReleaseNotice::Fetched { name, from: "1111111", to: "2222222" },
        ReleaseNotice::Fetched { name, from: "1111111", to: "1111111" },
        ReleaseNotice::NoRepository { name },
    ] {
        scene.tell(&Notice::Release(notice));
    }
}

fn settings(scene: &mut Scene) {
    let of = Notice::Setting;
    scene.all(&[
        of(SettingNotice::Set { words: &["api.LEVEL", "api.CACHE"] }),
        of(SettingNotice::Restarted { app: "api" }),
        of(SettingNotice::Unset { word: "api.LEVEL" }),
        of(SettingNotice::Unset { word: "all" }),
        of(SettingNotice::Edited { path: Path::new("/h/module_conf.json") }),
    ]);
}
