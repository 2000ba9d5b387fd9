//! Apps for tests, in every state that a list can show.

use std::collections::BTreeMap;

use ostler_wire::control::{Details, Ended, Happened, ListenerView, Outcome, Phase, ProcView};

/// The time at which they are looked at, ms since 1970.
pub const NOW: u64 = 1_000_000_000;

/// Returns processes of apps in every state.
pub fn processes() -> Vec<ProcView> {
    let mut all = Vec::new();
    for id in 0..4 {
        let mut worker = of("api", id, Phase::Online);
        worker.cluster = true;
        worker.listens = vec!["*:3000".to_owned()];
        worker.cpu = 12.5;
        worker.version = Some("1.2.3".to_owned());
        worker.since = NOW - 7_300_000 * u64::from(id + 1);
        if id == 2 {
            worker.rollout = Some("reloading".to_owned());
            worker.candidate = Some(5002);
            worker.leaving = vec![3998, 3999];
        }
        all.push(worker);
    }
    let mut web = of("web", 4, Phase::Online);
    web.listens = vec!["127.0.0.1:8080".to_owned(), "/run/web.sock".to_owned()];
    web.restarts = 3;
    web.ended = ended(90_000, false, Outcome::Signal { name: "SIGSEGV".into(), core: true });
    web.since = NOW - 90_000;
    let mut worker = of("worker", 5, Phase::Errored);
    worker.restarts = 16;
    worker.ended = ended(600_000, false, Outcome::Code(1));
    let mut import = of("import", 6, Phase::Stopped);
    import.ended = ended(3_600_000, false, Outcome::Code(0));
    let mut idle = of("idle", 7, Phase::Stopped);
    idle.ended = ended(60_000, true, Outcome::Signal { name: "SIGINT".into(), core: false });
    let mut mail = of("mail", 8, Phase::Backoff { due_in: 5_000 });
    mail.ended = ended(1_000, false, Outcome::Signal { name: "SIGKILL".into(), core: false });
    mail.restarts = 2;
    let queue = of("queue-consumer-for-the-european-region", 9, Phase::Online);
    let (mut one, mut two) = (of("db", 10, Phase::Starting), of("db", 11, Phase::Online));
    (one.namespace, two.namespace) = ("back".to_owned(), "back".to_owned());
    one.memory = 5 << 30;
    all.extend([web, worker, import, idle, mail, queue, one, two]);
    all
}

/// Returns a process that is online since 1,000 ms, and otherwise plain.
#[must_use]
pub fn sample(id: u32, name: &str) -> ProcView {
    let log = |kind| Some(format!("/h/logs/{name}-{kind}.log"));
    ProcView {
        id,
        name: name.to_owned(),
        namespace: "default".to_owned(),
        version: None,
        cluster: false,
        pid: 4000 + id,
        since: 1000,
        restarts: 0,
        phase: Phase::Online,
        cpu: 0.0,
        memory: 21_390_950,
        user: "root".to_owned(),
        module: false,
        watching: false,
        not_yet: Vec::new(),
        rollout: None,
        script: "/srv/app.js".to_owned(),
        logs: [log("out"), log("error"), None],
        ended: None,
        over_memory: None,
        unhealthy: None,
        completed: false,
        waits_for: Vec::new(),
        listens: Vec::new(),
        candidate: None,
        leaving: Vec::new(),
        asked_restarts: 0,
        dropped_lines: 0,
    }
}

fn of(name: &str, id: u32, phase: Phase) -> ProcView {
    let mut process = sample(id, name);
    process.phase = phase;
    match phase {
        Phase::Online | Phase::Starting => process.since = NOW - 9_000,
        Phase::Stopped
        | Phase::Errored
        | Phase::Stopping
        | Phase::Backoff { .. }
        | Phase::Sleeping
        | Phase::Waiting => {
            (process.pid, process.since, process.memory) = (0, 0, 0);
        }
    }
    process
}

fn ended(ago: u64, asked: bool, how: Outcome) -> Option<Ended> {
    Some(Ended { at: NOW - ago, asked, oom: false, own_at: None, how })
}

/// Returns a process in full.
pub fn details(view: ProcView) -> Details {
    let listeners = view.listens.iter().map(|address| ListenerView {
        address: address.clone(),
        balance: "round-robin".to_owned(),
        handed: 7,
        refused: 0,
        redistributed: 0,
    });
    Details {
        args: vec!["--limit".to_owned(), "80".to_owned()],
        pid_file: format!("/h/pids/{}-{}.pid", view.name, view.id),
        interpreter: "node".to_owned(),
        interpreter_args: vec!["--enable-source-maps".to_owned()],
        cwd: "/srv/a-long-way-down/to/the/directory/in/which/the/app/finds/its/files".to_owned(),
        unstable: if view.phase == Phase::Errored { 16 } else { 0 },
        max_unstable: 16,
        due_in: (view.phase == Phase::Starting).then_some(3_000),
        late: false,
        health: view.cluster.then(|| "GET http://127.0.0.1:3000/health".to_owned()),
        created_at: NOW - 86_400_000,
        last: view.ended.as_ref().map(|ended| ended.how.clone()),
        max_memory: view.cluster.then_some(200 << 20),
        settings: vec![
            ("restart_delay".to_owned(), "5000".to_owned()),
            ("health".to_owned(), "{}".to_owned()),
            ("unhandled_rejections".to_owned(), "\"crash\"".to_owned()),
        ],
        cron_restart: None,
        next_restart: None,
        node_env: Some("production".to_owned()),
        env: BTreeMap::new(),
        listeners: listeners.collect(),
        node_version: Some("22.1.0".to_owned()),
        unwatched: None,
        rejections: 0,
        unwritten: Vec::new(),
        readiness: ostler_wire::control::Readiness::default(),
        metrics: Vec::new(),
        notified: None,
        actions: Vec::new(),
        restarted: Some(Happened { at: NOW - 90_000, what: "`src/app.js` changed".to_owned() }),
        failed_reload: None,
        view,
    }
}
