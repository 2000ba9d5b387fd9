//! Whose log files have not got all lines, below the list.

use std::collections::BTreeMap;

use ostler_wire::control::ProcView;

/// Returns a warning with its hint, if lines of some app were dropped.
pub(crate) fn dropped(processes: &[ProcView]) -> Option<(String, String)> {
    let mut apps: BTreeMap<&str, u64> = BTreeMap::new();
    for process in processes.iter().filter(|process| 0 < process.dropped_lines) {
        *apps.entry(&process.name).or_default() += process.dropped_lines;
    }
    let pasted = ostler_shell::word(apps.keys().next()?).into_owned();
    let lines =
        |count: u64| if count == 1 { "1 line".to_owned() } else { format!("{count} lines") };
    let of = |(name, count)| format!("{} of {name}", lines(count));
    let all = apps.into_iter().map(of).collect::<Vec<_>>().join(", ");
    let hint =
        format!("`ostler describe {pasted}` shows the files; `ostler reset {pasted}` counts anew");
    Some((format!("not in the log files, since they could not be written: {all}"), hint))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_added_up_by_app_and_none_are_no_news() {
        let process = |id, name: &str, dropped_lines| ProcView {
            dropped_lines,
            ..crate::view::sample::sample(id, name)
        };
        let mut processes = vec![process(0, "api", 0), process(1, "web", 0)];
        assert_eq!(dropped(&processes), None);
        processes = vec![process(0, "api", 2), process(1, "api", 3), process(2, "we b", 1)];
        let (text, hint) = dropped(&processes).unwrap();
        let said = "not in the log files, since they could not be written: 5 lines of api, \
                    1 line of we b";
        assert_eq!(text, said);
        let said = "`ostler describe api` shows the files; `ostler reset api` counts anew";
        assert_eq!(hint, said);
    }
}
