//! What a record says of the process file that its app is from.
//!
//! Problem: a variable that is taken out of a file is to disappear from the app, which has
//! variables from elsewhere, too. Rule: the record notes which ones the file gave. PM2's records
//! have no such note, so there variables stay, as in PM2.

use std::collections::BTreeSet;

use ostler_core::spec::AppSpec;
use serde_json::Value;

/// The key of the note.
pub const KEY: &str = "process_file";
/// Its key for the names of the variables.
pub const VARIABLES: &str = "variables";

/// Returns the names of the variables that the file gave; `None` where that is not noted.
#[must_use]
pub fn variables(spec: &AppSpec) -> Option<BTreeSet<String>> {
    let noted: Value = serde_json::from_str(spec.passthrough.get(KEY)?).ok()?;
    let names = noted.get(VARIABLES)?.as_array()?;
    Some(names.iter().filter_map(Value::as_str).map(str::to_owned).collect())
}

/// Takes the variables away that the file gave and gives no more.
pub fn take_away_old(spec: &mut AppSpec, new: &AppSpec) {
    let (Some(before), Some(now)) = (variables(spec), variables(new)) else { return };
    for name in before.difference(&now) {
        spec.env.remove(name);
        spec.env_typed.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A specification whose file gave these variables, if that is noted.
    fn spec(env: &[(&str, &str)], noted: Option<&[&str]>) -> AppSpec {
        let mut spec = AppSpec::new("/a.js".into(), "/".into());
        spec.env = env.iter().copied().collect();
        if let Some(names) = noted {
            let note = serde_json::json!({ VARIABLES: names });
            spec.passthrough.insert(KEY, note.to_string());
        }
        spec
    }

    #[test]
    fn what_the_file_gives_no_more_is_taken_away_and_nothing_else() {
        let mut old = spec(&[("A", "1"), ("B", "2"), ("SHELL", "x")], Some(&["A", "B"]));
        take_away_old(&mut old, &spec(&[("A", "1")], Some(&["A"])));
        assert_eq!(old.env.iter().collect::<Vec<_>>(), [("A", "1"), ("SHELL", "x")]);
    }

    #[test]
    fn where_nobody_noted_what_is_from_the_file_everything_stays() {
        for (before, now) in [(None, Some(&["A"][..])), (Some(&["A"][..]), None)] {
            let mut old = spec(&[("A", "1")], before);
            take_away_old(&mut old, &spec(&[], now));
            assert_eq!(old.env.iter().count(), 1);
        }
    }
}
