//! Rows about what goes on with single processes.

use std::collections::BTreeMap;
use std::time::Duration;

use super::work::Work;
use crate::view::cut;

/// Before this, nobody needs to be told that something goes on.
pub(super) const SOON: Duration = Duration::from_millis(200);
/// The longest name of an app beside what is done with it, in columns.
const SHORT: usize = 20;

/// Returns a row for each process that something is done with. `one`: all are of one app, which
/// the line above names.
pub(super) fn rows(
    workers: &BTreeMap<u32, Work>,
    one: bool,
    now: Duration,
) -> impl Iterator<Item = String> {
    workers.iter().map(move |(id, work)| {
        // What is done stays in a narrow window.
        let who = match one {
            true => format!("id {id}"),
            false => format!("{} (id {id})", cut(&work.name, SHORT)),
        };
        format!("  {who}  {}", work.words(now))
    })
}
