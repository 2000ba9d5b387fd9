//! Which part of the list is shown to whoever asks for what a word means.

use ostler_wire::control::{Reply, Request};

use super::world::World;

/// The ids of the processes that are shown.
fn shown(world: &mut World, word: Option<&str>, script: Option<&str>) -> Vec<u32> {
    let [word, script] = [word, script].map(|text| text.map(str::to_owned));
    let client = world.request(Request::Meant { word, script });
    let reply: Reply = serde_json::from_str(world.reply(client)).unwrap();
    let Reply::List { processes } = reply else { panic!("{reply:?}") };
    processes.iter().map(|process| process.id).collect()
}

#[test]
fn who_asks_for_what_a_word_means_is_shown_all_that_it_may_mean_and_not_the_rest() {
    let mut world = World::with("api", "good", 2);
    world.start("7", "good", 1);
    world.start("web", "mute", 1);
    let script = |world: &World, id: u32| {
        let process = world.model.core().slot(ostler_core::ProcId(id)).unwrap().process();
        let version = world.model.registry().version(process.spec()).unwrap();
        version.spec.script.to_str().unwrap().to_owned()
    };
    let mute = script(&world, 3);
    assert_eq!(shown(&mut world, None, None), [0, 1, 2, 3]);
    assert_eq!(shown(&mut world, Some("api"), None), [0, 1]);
    assert_eq!(shown(&mut world, Some("default"), None), [0, 1, 2, 3]);
    assert_eq!(shown(&mut world, Some("default/web"), None), [3]);
    assert_eq!(shown(&mut world, Some("1"), None), [1]);
    assert_eq!(shown(&mut world, Some("7"), None), [2]);
    assert_eq!(shown(&mut world, Some("mute.js"), Some(&mute)), [3]);
    assert_eq!(shown(&mut world, Some("nope"), Some("/nope")), [] as [u32; 0]);
}
