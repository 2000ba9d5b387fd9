//! What was probably meant.

/// The name nearest to `word`, if one is near enough to be a slip of the fingers.
pub(crate) fn nearest<'n>(word: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let word = word.to_lowercase();
    let length = word.chars().count();
    let allowed = (length / 3).clamp(1, 3);
    names
        .map(|name| (distance(&word, &name.to_lowercase()), name))
        .filter(|(d, _)| *d <= allowed && *d < length)
        .min_by_key(|(d, _)| *d)
        .map(|(_, name)| name)
}

/// What words of other tools are called here.
const ELSEWHERE: [(&str, &[&str]); 16] = [
    ("delete", &["rm", "remove", "destroy", "unregister"]),
    ("start", &["up", "add", "new", "launch", "spawn", "resume", "unpause"]),
    ("stop", &["down", "halt", "shutdown", "terminate", "pause", "suspend"]),
    ("restart", &["bounce", "reboot"]),
    ("monit", &["top", "htop", "stats"]),
    ("list", &["ll", "dir", "apps", "services", "state"]),
    ("logs", &["tail", "journal", "journalctl", "cat"]),
    ("kill", &["quit", "exit"]),
    ("startup", &["enable"]),
    ("unstartup", &["disable"]),
    ("update", &["upgrade", "daemon-reload"]),
    ("report", &["doctor"]),
    ("validate", &["check", "lint", "verify"]),
    ("plan", &["diff"]),
    ("help", &["man", "usage"]),
    ("describe", &["details", "why"]),
];

/// Returns the command that does what a command of this name does in other tools.
pub(super) fn as_elsewhere(name: &str) -> Option<&'static str> {
    let row = ELSEWHERE.iter().find(|(_, names)| names.contains(&name));
    row.map(|(command, _)| *command)
}

/// Whether two words are as long as each other and have other letters: no slip, but another word.
pub(crate) fn is_changed(left: &str, right: &str) -> bool {
    let letters = |word: &str| {
        let mut letters: Vec<char> = word.to_lowercase().chars().collect();
        letters.sort_unstable();
        letters
    };
    let (left, right) = (letters(left), letters(right));
    left.len() == right.len() && left != right
}

/// Whether a word is another one but for one letter, or two in each other's place.
pub(super) fn is_slip(word: &str, of: &str) -> bool {
    distance(&word.to_lowercase(), &of.to_lowercase()) <= 1
}

/// Letters to insert, drop, change or swap.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=right.len()).collect();
    let mut previous = None;
    for (row, l) in left.chars().enumerate() {
        let mut line = vec![row + 1];
        for (column, r) in right.iter().enumerate() {
            let at =
                |line: &[usize], index: usize| line.get(index).copied().unwrap_or(usize::MAX / 2);
            let mut best = (at(&last, column) + usize::from(l != *r))
                .min(at(&last, column + 1) + 1)
                .min(at(&line, column) + 1);
            let swapped = 0 < column && previous == Some(*r) && right.get(column - 1) == Some(&l);
            if swapped {
                best = best.min(at(&before_last, column - 1) + 1);
            }
            line.push(best);
        }
        before_last = std::mem::replace(&mut last, line);
        previous = Some(l);
    }
    last.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::COMMANDS;

    #[test]
    fn words_of_other_tools_lead_to_commands_and_are_none_themselves() {
        let known = || COMMANDS.iter().flat_map(|command| command.names);
        for (command, names) in ELSEWHERE {
            assert!(known().any(|of| *of == command), "{command}");
            for name in names {
                assert!(!known().any(|of| of == name), "{name}");
                assert_eq!(as_elsewhere(name), Some(command), "{name}");
            }
        }
        assert_eq!(as_elsewhere("frobnicate"), None);
    }

    #[test]
    fn another_letter_makes_another_word() {
        assert!(is_changed("foo", "for") && !is_changed("evn", "env") && !is_changed("fo", "for"));
    }

    #[test]
    fn slips_are_understood_and_other_words_are_not() {
        let names = ["start", "stop", "restart", "list", "logs"];
        let check = |word: &str, near: Option<&str>| {
            assert_eq!(nearest(word, names.into_iter()), near, "{word}");
        };
        check("strat", Some("start"));
        check("lsit", Some("list"));
        check("restar", Some("restart"));
        check("STOP", Some("stop"));
        check("frobnicate", None);
        check("", None);
        check("x", None);
    }
}
