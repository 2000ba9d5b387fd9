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
