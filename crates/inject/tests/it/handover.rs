//! A daemon whose keeper died gives everything to the next one, also what it could not give at
//! once.

use ostler_testkit::procs;

use crate::injected::{Fault, SOON};
use crate::scenarios::Scenario;
use crate::scene::Scene;

fn fds_of_keeper(scene: &Scene) -> Option<usize> {
    scene.sandbox.keeper_pid().map(procs::open_fds)
}

#[test]
fn what_could_not_be_given_to_a_keeper_is_given_again() {
    let scene = Scene::start();
    // A descriptor is copied by `fcntl`.
    let copies = Scenario::KeeperDeath.play(&scene, "daemon", None).counts["fcntl"];
    let all = fds_of_keeper(&scene);
    for nth in 1..=copies {
        let fault = Fault { call: "fcntl".to_owned(), nth, error: "EMFILE" };
        Scenario::KeeperDeath.play(&scene, "daemon", Some(&fault));
        scene.sandbox.wait_for(format_args!("everything at the keeper after {nth}"), SOON, || {
            (all <= fds_of_keeper(&scene)).then_some(())
        });
        // Whoever comes now knows only what the keeper holds.
        Scenario::Takeover.play(&scene, "daemon", None);
    }
    scene.end();
}
