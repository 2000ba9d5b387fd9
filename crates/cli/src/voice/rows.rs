//! Rows about what goes on with single processes, and times in words.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::view::cut;

/// Before this, nobody needs to be told that something goes on.
pub(super) const SOON: Duration = Duration::from_millis(200);
/// The longest name of an app beside what is done with it, in columns.
const SHORT: usize = 20;

/// Returns a row for each process that something is done with. `one`: all are of one app, which
/// the line above names.
pub(super) fn rows(
    workers: &BTreeMap<u32, (String, &'static str, Duration)>,
    one: bool,
    now: Duration,
) -> impl Iterator<Item = String> {
    workers.iter().map(move |(id, (name, what, since))| {
        // What is done stays in a narrow window.
        let who = match one {
            true => format!("id {id}"),
            false => format!("{} (id {id})", cut(name, SHORT)),
        };
        format!("  {who}  {what}  {}", span(now.saturating_sub(*since)))
    })
}

/// Returns a time as a person says it.
pub(crate) fn span(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0 if time.as_millis() < 100 => format!("{} ms", time.as_millis()),
        0..60 => format!("{:.1} s", time.as_secs_f64()),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}
