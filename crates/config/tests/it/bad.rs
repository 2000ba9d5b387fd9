//! Every file of `bad/` beside what is said about it, in PM2's words and in ours.
//! `UPDATE_EXPECT=1` writes the `.txt` files anew: read them then.

use std::path::Path;

use expect_test::expect_file;
use ostler_config::{Diagnostic, Options, is_config_file, load};

use crate::world::{World, node, render, render_own};

#[test]
fn every_bad_file_is_explained() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/bad");
    let mut names: Vec<String> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| is_config_file(name))
        .collect();
    names.sort();
    assert!(names.len() >= 60, "{names:?}");
    let mut world = World::new(&[]);
    world.ctx.cwd = folder.clone();
    world.ctx.node = Some(node());
    for name in names {
        let options = Options {
            env: name.contains("env-name").then(|| "prod".to_owned()),
            profiles: name
                .contains("profile-typo")
                .then(|| "debgu".to_owned())
                .into_iter()
                .collect(),
            ..Options::default()
        };
        let (specs, report) = load(&name, &options, &world.ctx);
        assert!(!report.is_empty(), "{name}");
        let apps: Vec<&str> = specs.iter().map(|spec| spec.name.as_str()).collect();
        let text = format!(
            "{}\nstarts: {}\n\nIn our words:\n\n{}",
            render(&report, &folder),
            apps.join(", "),
            render_own(&report, &folder)
        );
        expect_file![folder.join(format!("{name}.txt"))].assert_eq(&text);
        // Nobody is left alone with what is wrong.
        let unhelped = report.iter().find(|one| one.is_error() && one.own_hint().is_none());
        assert!(unhelped.is_none(), "{name}: {unhelped:?}");
        let of_language = |one: &&Diagnostic| one.code == "syntax";
        let unhelped = report.iter().filter(of_language).find(|one| one.own_advice().is_none());
        assert!(unhelped.is_none(), "{name}: {unhelped:?}");
        // Neither PM2's words nor those of a parser.
        let ours = render_own(&report, &folder);
        for word in ["malformated", "eof", "while parsing", "while scanning", "in this context"] {
            assert!(!ours.contains(word), "{name}: `{word}` in\n{ours}");
        }
    }
}
