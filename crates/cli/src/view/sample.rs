//! A process for tests.

/// Returns a process that is online since 1,000 ms, and otherwise plain.
pub(crate) fn sample(id: u32, name: &str) -> ostler_wire::control::ProcView {
    ostler_wire::control::ProcView {
        id,
        name: name.to_owned(),
        namespace: "default".to_owned(),
        version: None,
        cluster: false,
        pid: 4000 + id,
        since: 1000,
        restarts: 0,
        phase: ostler_wire::control::Phase::Online,
        cpu: 0.0,
        memory: 21_390_950,
        user: "root".to_owned(),
        module: false,
        not_yet: Vec::new(),
        rollout: None,
        script: "/srv/app.js".to_owned(),
        logs: [
            Some(format!("/h/logs/{name}-out.log")),
            Some(format!("/h/logs/{name}-error.log")),
            None,
        ],
        ended: None,
        listens: Vec::new(),
        candidate: None,
        leaving: Vec::new(),
    }
}
