//! The examples of `ostler explain`: each is complained about with its code, or not.

use ostler_config::{Options, codes, load};

use crate::world::{World, node, render};

/// The codes of what is said about a process file.
fn said(text: &str) -> (Vec<&'static str>, String) {
    let mut world = World::new(&["node", "python"]);
    world.ctx.node = Some(node());
    for script in ["api.js", "a.js", "p.py"] {
        world.file(script, "");
    }
    world.file("folder/README", "");
    world.file("eco.json", text);
    let (_, report) = load("eco.json", &Options::default(), &world.ctx);
    (report.iter().map(|one| one.code).collect(), render(&report, &world.ctx.cwd))
}

#[test]
fn each_example_has_its_code_and_its_mend_has_none() {
    for code in codes() {
        let Some((wrong, right)) = code.example else { continue };
        let (found, text) = said(wrong);
        assert!(found.contains(&code.name), "{}: {wrong}\n{text}", code.name);
        let (found, text) = said(right);
        assert!(found.is_empty(), "{}: {right}\n{text}", code.name);
    }
}
