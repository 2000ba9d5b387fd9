//! The words of a line as bash has it: quoted, and cut at characters of its own choice.

/// A line up to the cursor.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// The whole words before the cursor, without their quotes.
    pub(super) words: Vec<String>,
    /// The word at the cursor, without its quotes; empty between two words.
    pub(super) current: String,
}

/// Returns the words of a whole line.
pub(crate) fn all(line: &str) -> Vec<String> {
    Line::of(&format!("{} ", line.trim())).words
}

impl Line {
    /// Splits a line at its blanks, as a shell does that expands nothing.
    pub(super) fn of(text: &str) -> Self {
        let ostler_shell::Line { words, last, .. } = ostler_shell::Line::of(text);
        Self { words, current: last.unwrap_or_default() }
    }

    /// Returns the bytes of the current word that bash keeps: it replaces only what follows the
    /// last of its `breaks`.
    pub(super) fn kept(&self, breaks: &str) -> usize {
        let last =
            self.current.rfind(|char: char| matches!(char, '=' | ':') && breaks.contains(char));
        last.map_or(0, |at| at + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_split_as_a_shell_splits_it() {
        let check = |text: &str, words: &[&str], current: &str| {
            let line = Line::of(text);
            assert_eq!(
                (line.words.as_slice(), line.current.as_str()),
                (
                    words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>().as_slice(),
                    current,
                )
            );
        };
        check("ostler re", &["ostler"], "re");
        check("ostler  stop ", &["ostler", "stop"], "");
        check(r#"ostler stop 'a b' "c d" e\ f"#, &["ostler", "stop", "a b", "c d"], "e f");
        check("ostler stop 'a ", &["ostler", "stop"], "a ");
        check("ostler '' ", &["ostler", ""], "");
    }

    #[test]
    fn bash_keeps_what_stands_before_its_last_break() {
        assert_eq!(Line::of("ostler --sort=na").kept(" =:"), "--sort=".len());
        assert_eq!(Line::of("ostler stop a:b").kept(" =:"), 2);
        assert_eq!(Line::of("ostler stop a:b").kept(" ="), 0);
    }
}
