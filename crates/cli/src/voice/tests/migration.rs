//! A move from PM2, and back.

use super::*;

pub(super) fn tell(scene: &mut Scene) {
    let (from, to) = (Path::new("/root/.pm2"), Path::new("/root/.ostler"));
    let row = |name: &'static str, processes, way, ports: &[&str]| PlannedMove {
        name,
        processes,
        way,
        ports: ports.iter().map(|port| (*port).to_owned()).collect(),
    };
    let moves = [
        row("api", 4, MoveWay::Shared, &[]),
        row("web", 1, MoveWay::Restarted, &["*:8080"]),
        row("worker", 1, MoveWay::Restarted, &[]),
        row("rests", 1, MoveWay::Listed, &[]),
        row("pm2-logrotate", 1, MoveWay::Left("it is a module of PM2's"), &[]),
    ];
    let moved = |app, way, gap| MigrationNotice::Moved { app, processes: 1, way, gap };
    let unit = "pm2-root.service";
    let gap = Some(Duration::from_millis(312));
    scene.all(
        &[
            MigrationNotice::Plan { from, to, moves: &moves },
            moved("api", MoveWay::Shared, None),
            moved("web", MoveWay::Restarted, gap),
            moved("worker", MoveWay::Restarted, None),
            moved("rests", MoveWay::Listed, None),
            MigrationNotice::Kept { app: "fails" },
            MigrationNotice::Partly { apps: 4, left: 1, from },
            MigrationNotice::ServiceLeft { unit },
            MigrationNotice::ServiceMoved { unit },
            MigrationNotice::Done { apps: 4, from },
            MigrationNotice::Returned { app: "api", processes: 4 },
            MigrationNotice::Back { apps: 4, to: from, saved: true },
            MigrationNotice::Back { apps: 4, to: from, saved: false },
            MigrationNotice::ServiceReturned { unit, ours: "ostler-root.service" },
            MigrationNotice::ServiceStays { unit, ours: "ostler-root.service" },
        ]
        .map(Notice::Migration),
    );
}
