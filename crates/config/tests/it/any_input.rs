//! No text brings the readers of process files down, whatever format it claims to be.

use ostler_config::{Options, load, load_text};
use proptest::prelude::*;

use crate::world::World;

/// Files that are right, or nearly so, to be cut, doubled and mixed.
const FILES: [&str; 7] = [
    "{ \"apps\": [{ \"script\": \"a.js\", \"env\": { \"A\": 1 }, \"args\": [1] }] }",
    "apps:\n  - &a\n    script: a.js\n    args: [x, 'y z']\n  - <<: *a\n    cron: '0 3 * * *'\n",
    "[[apps]]\nscript = 'a.js'\nkill_signal = \"INT\"\nwatch = [\"src\"]\n[apps.env]\nA = 1\n",
    "{ script: 'a.js', // one\n stop_exit_codes: [0x1, +2, 1e3], kill_signal: 'SIGINT', }",
    "--- \nscript: |\n  a\n  b\nfds: { 3: '127.0.0.1:80' }\nlog_max_size: 1_0\n... \n",
    "[{ script: 'a.js', health: { tcp: 8, restart_after: 2, grace: 5 }, nice: -3, max_cpu: 5 }]",
    "script: a.js\nhooks: { pre_start: x, timeout: 5 }\nsecrets: { A: { file: b } }\nnofile: 9\n",
];

/// One of the files, with a piece of another, or of anything, in the place of some of it.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![any::<String>(), "[-\\[\\]{}:,'\"#&*!|>%@`\\\\ \n\t0-9a-z]{0,40}"];
    (0..FILES.len(), any::<prop::sample::Index>(), any::<prop::sample::Index>(), piece).prop_map(
        |(file, from, to, piece)| {
            let chars: Vec<char> = FILES[file].chars().collect();
            let (from, to) = (from.index(chars.len()), to.index(chars.len()));
            let (from, to) = (from.min(to), from.max(to));
            let before: String = chars[..from].iter().collect();
            let after: String = chars[to..].iter().collect();
            before + &piece + &after
        },
    )
}

proptest! {
    #[test]
    fn no_text_brings_a_reader_down_and_each_complaint_can_be_shown(text in text()) {
        let world = World::new(&[]);
        for name in ["eco.yaml", "eco.toml", "eco.json5"] {
            world.file(name, &text);
            let (_, report) = load(name, &Options::default(), &world.ctx);
            for one in &report {
                prop_assert!(ostler_config::code(one.code).is_some(), "{}", one.code);
                prop_assert!(one.render_own(true, 80).ends_with('\n'));
                prop_assert!(!one.render(false).is_empty());
            }
        }
        _ = load_text(&text, "standard input", &Options::default(), &world.ctx);
    }

    #[test]
    fn no_text_brings_the_reader_of_variables_down(
        text in prop_oneof![any::<String>(), "[A-Z=\"'`$\\{\\}:\\-# \n\\\\]{0,60}"]
    ) {
        let world = World::new(&["node"]);
        world.file("a.js", "");
        world.file("my.env", &text);
        world.file("eco.yaml", "script: a.js\nenv_file: my.env\n");
        let (apps, _) = load("eco.yaml", &Options::default(), &world.ctx);
        prop_assert!(apps.len() <= 1);
    }
}
