//! What a program gets, and what the page says of it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::paint::Paint;
use crate::program::Program;
use crate::voice::{Line, Notice, Progress, Voice};

/// The keys of each kind of object that was told.
pub(super) struct Objects {
    voice: Voice,
    keys: BTreeMap<String, BTreeSet<String>>,
}

impl Objects {
    /// Nothing was told yet.
    pub(super) fn new() -> Self {
        let mut voice = Voice::new(Program::Ostler);
        voice.show(Progress::Json);
        Self { voice, keys: BTreeMap::new() }
    }

    /// Notes the keys of the object of a fact.
    pub(super) fn take(&mut self, notice: &Notice<'_>) {
        for line in self.voice.lines(notice, Paint::PLAIN) {
            let Line::Data(text) = line else { continue };
            let Ok(Value::Object(mut object)) = serde_json::from_str(text.as_str()) else {
                continue;
            };
            let event = object.remove("event").unwrap().as_str().unwrap().to_owned();
            self.keys.entry(event).or_default().extend(object.into_iter().map(|(key, _)| key));
        }
    }

    /// Fails unless the page has every object with every key, and no other.
    #[track_caller]
    pub(super) fn assert_documented(&self) {
        assert_eq!(documented(), self.keys, "docs/progress.md and `--progress json`");
    }
}

/// A renamed app was an app of no process, and a scale was done with none.
#[test]
fn the_end_counts_what_was_done_also_under_a_new_name() {
    use crate::voice::{Act, Target};
    use ostler_wire::control::{Connections, Side, Step};

    let target = |id| Target { id, name: "api".to_owned(), cluster: true, rests: false };
    let targets = [target(0), target(1)];
    let begun = |act| Notice::Begun { act, selector: None, targets: &targets };
    let end = |act| Notice::Finished { act, failed: false, urls: &[] };
    let said = |notices: &[Notice<'_>]| {
        let mut voice = Voice::new(Program::Ostler);
        voice.show(Progress::Json);
        notices.iter().for_each(|notice| _ = voice.lines(notice, Paint::PLAIN));
        let Some(Line::Data(text)) = voice.end() else { panic!("no end") };
        serde_json::from_str::<Value>(text.as_str()).unwrap()["apps"].to_string()
    };
    let steps = [Step::Verifying { run: 7, side: Side::New }, {
        Step::Replaced { pid: 9, side: Side::New, listens: Vec::new(), leaves: false }
    }];
    let stepped = |at: usize| Notice::Stepped { id: 0, name: "new", step: &steps[at] };
    let reload = [begun(Act::Reload), stepped(0), stepped(1), end(Act::Reload)];
    assert_eq!(said(&reload), r#"[{"app":"api","done":2,"total":2,"now":"new"}]"#);
    let connections = Connections::Nowhere;
    let scaled = |id, added| Notice::Scaled { id, name: "api", added, connections };
    let down = [begun(Act::Scale), scaled(1, false), end(Act::Scale)];
    assert_eq!(said(&down), r#"[{"app":"api","done":1,"total":1}]"#);
}

/// The kinds of objects in `docs/progress.md`, each with its keys.
fn documented() -> BTreeMap<String, BTreeSet<String>> {
    let page = include_str!("../../../../../docs/progress.md");
    let table = page.split("## Objects").nth(1).unwrap().split("\n## ").next().unwrap();
    let words = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    let rows = table.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        let cells: Vec<&str> = row.split('|').collect();
        let event: Vec<String> = words(cells[1]);
        (event[0].clone(), words(cells[2]).into_iter().collect())
    })
    .collect()
}
