//! Apps that wait for the health of others: who asks for it, and when.

use ostler_wire::control::{Action, Change};
use serde_json::json;

use super::depending::{run_of, start, started};
use super::words::record;
use super::world::World;

#[test]
fn an_app_that_wants_another_healthy_waits_until_a_check_has_passed() {
    let health = |script: &'static str| {
        let db = json!({"health": {"tcp": "127.0.0.1:1"}});
        [("db", script, db), ("api", "good", json!({"depends_on": {"db": "healthy"}}))]
    };
    let mut world = started(&health("good"));
    world.wait(900);
    assert_eq!(world.state(), "db:0 online good, api:1 online good");
    let mut world = World::new();
    let client = start(&mut world, &health("sick"));
    world.wait(900);
    assert_eq!(world.state(), "db:0 online sick, api:1 waiting good");
    let why = "waits for `db` to be healthy (its health check failed: answered 500)";
    assert!(world.reply(client).contains(why), "{}", world.reply(client));
    let run = run_of(&world, 0);
    world.runs.get_mut(&run).unwrap().nature.sick = false;
    world.wait(2000);
    assert_eq!(world.state(), "db:0 online sick, api:1 online good", "it is asked again");
    assert!(world.each(|proc| proc.last.clone()).iter().all(Option::is_none), "nothing has ended");
}

#[test]
fn nobody_asks_for_the_health_of_what_nobody_waits_for() {
    let db = json!({"health": {"tcp": "127.0.0.1:1"}});
    let api = json!({"depends_on": {"db": {"condition": "healthy", "restart": true}}});
    let mut world = started(&[("db", "sick", db), ("api", "good", api)]);
    assert_eq!(world.state(), "db:0 online sick, api:1 waiting good");
    world.stop(&[1]);
    world.wait(5000);
    assert_eq!(world.model.deadline(), None);
}

#[test]
fn nobody_asks_for_the_health_of_what_has_come_back_while_the_others_ran_on() {
    let db = json!({"health": {"tcp": "127.0.0.1:1"}});
    let api = json!({"depends_on": {"db": {"condition": "healthy"}}});
    let mut world = started(&[("db", "good", db.clone()), ("api", "good", api)]);
    assert_eq!(world.state(), "db:0 online good, api:1 online good");
    let records = vec![record("db", "sick", 0, db)];
    world.act_with(Action::Restart, &[0], Change { records, ..Change::default() });
    world.wait(5000);
    assert_eq!(world.state(), "db:0 online sick, api:1 online good");
    assert_eq!(world.model.deadline(), None);
}
