//! The end of everything: `kill`, and a signal from the init system.

use ostler_wire::control::{ReloadOptions, Request};

use super::super::Input;
use super::world::World;

const CLOSING: &str = "error: the daemon is about to end\nhint: try again";

#[test]
fn a_kill_is_answered_when_everything_is_gone() {
    let mut world = World::with("api", "stubborn", 2);
    let client = world.request(Request::Kill);
    world.wait(10);
    assert_eq!((world.heard(client).as_str(), world.model.is_over()), ("", false));
    world.wait(50);
    assert_eq!(world.heard(client), "acted api:0 Nowhere\nacted api:1 Nowhere\ndone");
    assert!(world.model.is_over());
    assert_eq!(world.alive(), 0);
    world.model.check_empty();
}

#[test]
fn a_kill_of_nothing_is_answered_at_once() {
    let mut world = World::new();
    let client = world.request(Request::Kill);
    assert_eq!(world.heard(client), "done");
    assert!(world.model.is_over());
}

#[test]
fn a_daemon_that_has_nothing_to_do_is_not_over() {
    let mut world = World::new();
    assert!(!world.model.is_over());
    world.start("api", "good", 1);
    world.wait(50);
    world.delete(&[0]);
    world.wait(50);
    assert!(!world.model.is_over());
}

#[test]
fn nothing_is_over_while_a_process_is_left_also_when_nobody_waits() {
    let mut world = World::with("api", "stubborn", 1);
    let client = world.request(Request::Kill);
    world.leave(client);
    world.wait(10);
    assert!(world.model.known().is_closing() && !world.model.is_over());
    world.wait(50);
    assert!(world.model.is_over());
}

/// A `wait` looked at its app just then, and said that the daemon was about to end.
#[test]
fn who_looks_at_a_process_is_answered_while_everything_ends() {
    let mut world = World::with("api", "stubborn", 1);
    world.request(Request::Kill);
    world.wait(10);
    for look in [Request::Describe { id: 0 }, Request::Env { id: 0 }] {
        let client = world.request(look);
        assert_ne!(world.reply(client), CLOSING);
    }
    let client = world.request(Request::Save { force: false });
    assert_eq!(world.reply(client), CLOSING);
}

#[test]
fn everybody_who_kills_is_answered() {
    let mut world = World::with("api", "stubborn", 1);
    let clients = [(); 2].map(|()| world.request(Request::Kill));
    world.wait(50);
    assert_eq!(clients.map(|client| world.reply(client).to_owned()), ["done", "done"]);
}

#[test]
fn a_kill_is_answered_also_when_a_process_cannot_be_killed() {
    let mut world = World::with("api", "hangs", 1);
    let client = world.request(Request::Kill);
    world.wait(60_000);
    let failure = "process 0 is still there after SIGKILL";
    let heard = world.heard(client);
    let told = format!("acted api:0: {failure} Nowhere\nerror: {failure}\n");
    assert!(heard.starts_with(&told), "{heard}");
    assert!(!world.model.is_over());
}

#[test]
fn a_kill_does_not_wait_for_connections() {
    let mut world = World::with("api", "busy", 1);
    let client = world.request(Request::Kill);
    world.wait(10);
    assert_eq!(world.reply(client), "done");
}

#[test]
fn nothing_is_begun_while_everything_ends() {
    let mut world = World::with("api", "stubborn", 1);
    world.request(Request::Kill);
    let clients = [
        world.start("web", "good", 1),
        world.stop(&[0]),
        world.reload(&[0], "api", "better"),
        world.promote("api", true),
        world.request(Request::Save { force: true }),
        world.request(Request::Resurrect),
        world.request(Request::Listens { id: 0, within: 100 }),
    ];
    for client in clients {
        assert_eq!(world.heard(client), CLOSING);
    }
}

#[test]
fn the_list_is_shown_to_the_end() {
    let mut world = World::with("api", "stubborn", 1);
    world.request(Request::Kill);
    let client = world.request(Request::List);
    assert!(world.reply(client).contains("\"phase\":\"stopping\""), "{}", world.reply(client));
    let client = world.request(Request::Find { word: "api".to_owned() });
    assert_eq!(world.reply(client), "found [0]");
    let client = world.request(Request::Jlist);
    assert!(world.reply(client).starts_with("[{\"pid\":101,"), "{}", world.reply(client));
}

#[test]
fn a_signal_saves_the_list_before_anything_ends() {
    let mut world = World::with("api", "good", 2);
    world.input(Input::Shutdown);
    let list = String::from_utf8(world.dump.clone().unwrap()).unwrap();
    assert_eq!(list.matches("\"status\": \"online\"").count(), 2, "{list}");
    world.wait(50);
    assert!(world.model.is_over());
}

/// It was saved that everything ends, and then the list was lost with the daemon that wrote it.
#[test]
fn nothing_ends_before_the_list_is_written() {
    let mut world = World::with("api", "good", 2);
    world.slow = true;
    world.input(Input::Shutdown);
    assert_eq!(world.alive(), 2, "the list is not written yet");
    assert!(!world.model.is_over() && world.model.known().is_closing());
    world.forget();
    world.wait(50);
    assert_eq!(world.state(), "api:0 online good, api:1 online good");
    world.input(Input::Shutdown);
    world.wait(50);
    assert!(world.model.is_over());
}

#[test]
fn a_signal_saves_the_list_once() {
    let mut world = World::with("api", "stubborn", 2);
    world.input(Input::Shutdown);
    world.wait(10);
    world.input(Input::Shutdown);
    world.wait(50);
    world.input(Input::Shutdown);
    assert_eq!(world.dumps, 1);
}

#[test]
fn who_was_in_the_foreground_and_is_gone_leaves_nothing_and_no_saved_list() {
    let mut world = World::with("api", "good", 2);
    world.input(Input::Abandoned);
    world.wait(50);
    assert_eq!((world.dumps, world.alive(), world.model.is_over()), (0, 0, true));
}

#[test]
fn a_signal_saves_no_empty_list() {
    let mut world = World::new();
    world.input(Input::Shutdown);
    assert_eq!((world.dumps, world.model.is_over()), (0, true));
}

#[test]
fn a_kill_saves_no_list() {
    let mut world = World::with("api", "stubborn", 2);
    world.request(Request::Kill);
    world.input(Input::Shutdown);
    world.wait(50);
    assert_eq!(world.dumps, 0);
}

#[test]
fn a_kill_is_told_to_who_waits_for_a_reload() {
    let mut world = World::with("api", "good", 2);
    let first = world.reload(&[0, 1], "api", "mute");
    let wait = ReloadOptions { wait: true, ..ReloadOptions::default() };
    let second = world.reload_with(&[0, 1], "api", "better", wait);
    world.request(Request::Kill);
    world.wait(50);
    assert!(
        world.reply(first).starts_with(
            "error: the reload of app `api` was cut short: a `kill` took process 0 out of it"
        ),
        "{}",
        world.reply(first)
    );
    assert_eq!(world.reply(second), "error: process 0 was deleted meanwhile");
}

#[test]
fn a_kill_is_told_to_who_waits_for_a_start() {
    let mut world = World::new();
    let client = world.start("api", "good", 1);
    world.input(Input::Shutdown);
    world.wait(50);
    assert_eq!(world.reply(client), "error: process 0 was deleted meanwhile");
}

#[test]
fn a_list_that_is_read_when_everything_ends_brings_nothing_back() {
    let mut world = World::with("api", "good", 1);
    world.request(Request::Save { force: false });
    world.delete(&[0]);
    world.wait(50);
    world.slow = true;
    let client = world.request(Request::Resurrect);
    world.input(Input::Shutdown);
    world.wait(50);
    assert_eq!(world.heard(client), CLOSING);
    assert!(world.model.is_over());
}

#[test]
fn the_daemon_after_goes_on_ending_everything() {
    let mut world = World::with("api", "stubborn", 2);
    world.request(Request::Kill);
    world.forget();
    assert!(world.model.known().is_closing());
    let client = world.start("web", "good", 1);
    assert_eq!(world.heard(client), CLOSING);
    world.wait(1000);
    assert!(world.model.is_over());
    assert_eq!(world.alive(), 0);
}

#[test]
fn a_kill_names_what_may_not_be_signalled_and_goes_without_it() {
    let mut world = World::with("api", "foreign", 1);
    world.start("job", "good", 0);
    world.wait(50);
    let client = world.request(Request::Kill);
    while !world.model.is_over() {
        world.wait(10);
        assert!(world.at.now < 10_000, "{}", world.state());
    }
    let heard = world.heard(client);
    assert!(heard.contains("cannot be ended: pid 7 runs as root (uid 0) and may not"), "{heard}");
    assert!(world.model.is_over(), "{}", world.state());
}

#[test]
fn a_kill_is_answered_also_where_all_that_is_left_was_found_to_be_foreign_before() {
    let mut world = World::with("api", "foreign", 1);
    world.stop(&[0]);
    world.wait(60_000);
    let client = world.request(Request::Kill);
    assert!(!world.model.is_over(), "nobody was told");
    world.wait(60_000);
    assert!(world.model.is_over() && world.talks[&client].over, "{}", world.state());
}
