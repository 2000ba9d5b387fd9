//! Text in the width of a page.

use ostler_show::unbroken;

/// The most columns of a line of help: what every terminal has.
pub(super) const WIDTH: usize = 80;

/// Returns text broken between words, each line after `indent` blanks.
pub(super) fn wrapped(text: &str, indent: usize) -> String {
    let pad = " ".repeat(indent);
    lines(text, WIDTH - indent).iter().map(|line| format!("{pad}{line}\n")).collect()
}

/// Returns two columns: `  name  what it is`, the second one `at` columns from the left and
/// broken between words.
pub(super) fn columns(left: &str, right: &str, at: usize) -> String {
    let lines = lines(right, WIDTH - at);
    let mut out = String::new();
    let mut lead = format!("  {left}");
    if at < lead.chars().count() + 2 {
        out.push_str(&lead);
        out.push('\n');
        lead.clear();
    }
    for line in lines {
        out.push_str(format!("{lead:at$}{line}").trim_end());
        out.push('\n');
        lead.clear();
    }
    out
}

/// Returns a phrase as a sentence.
pub(crate) fn sentence(phrase: &str) -> String {
    let mut chars = phrase.chars();
    let first: String = chars.next().into_iter().flat_map(char::to_uppercase).collect();
    format!("{first}{}.", chars.as_str())
}

fn lines(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in unbroken(text.split_whitespace()) {
        let Some(line) = lines.last_mut() else { continue };
        let used = line.chars().count();
        if 0 < used && width < used + 1 + word.chars().count() {
            lines.push(word.to_owned());
        } else {
            if 0 < used {
                line.push(' ');
            }
            line.push_str(&word);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_not_broken_over_lines() {
        let text = format!("{} `ostler logs --err daemon` shows", "word ".repeat(13));
        assert!(wrapped(&text, 0).contains("\n`ostler logs --err daemon` shows\n"));
    }

    #[test]
    fn what_is_too_wide_for_its_column_stands_above() {
        assert_eq!(columns("-a", "one", 8), "  -a    one\n");
        assert_eq!(columns("--long", "one", 8), "  --long\n        one\n");
        let long = "word ".repeat(30);
        assert!(columns("-a", &long, 8).lines().all(|line| line.chars().count() <= WIDTH));
        assert!(wrapped(&long, 2).lines().all(|line| line.starts_with("  word")));
    }
}
