//! Text in a window: broken between words, and never within a command.

use ostler_text::shown;

use crate::width::columns;

/// Adds a text that is broken between words, each line after `indent` blanks.
pub fn wrap(out: &mut String, text: &str, indent: usize, window: usize) {
    let width = window.saturating_sub(indent).max(10);
    let mut line = String::new();
    let mut add = |line: &str| {
        out.extend(std::iter::repeat_n(' ', indent));
        out.push_str(line);
        out.push('\n');
    };
    for mut word in unbroken(shown(text).split(' ')) {
        if !line.is_empty() && width < columns(&line) + 1 + columns(&word) {
            add(&line);
            line.clear();
        }
        // A path that is longer than the window goes on in the next line; a command does not, which
        // is there to be pasted.
        while width < columns(&word) && !word.contains(' ') {
            // Some letters are two columns wide.
            let most = if word.is_ascii() { width } else { width / 2 };
            // A comma does not stand alone.
            let only_comma = word.ends_with(',') && word.chars().count() == most + 1;
            let count = most - usize::from(only_comma);
            add(&word.chars().take(count).collect::<String>());
            word = word.chars().skip(count).collect();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(&word);
    }
    add(&line);
}

/// Returns the words of a text; what stands in backticks, such as a command, is one of them.
pub fn unbroken<'a>(words_of_text: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut is_open = false;
    for word in words_of_text {
        match words.last_mut().filter(|_| is_open) {
            Some(last) => {
                last.push(' ');
                last.push_str(word);
            }
            None => words.push(word.to_owned()),
        }
        is_open ^= word.matches('`').count() % 2 == 1;
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comma_does_not_stand_alone() {
        let mut out = String::new();
        wrap(&mut out, "/srv/log/a-out.log, b", 0, 18);
        assert_eq!(out, "/srv/log/a-out.lo\ng, b\n");
    }

    #[test]
    fn a_command_is_not_broken_over_lines() {
        let mut out = String::new();
        let command = "`ostler logs --err 'crash loop' --nostream --lines 200`";
        wrap(&mut out, &format!("hint: the app says why, see {command} for it"), 2, 40);
        assert_eq!(out, format!("  hint: the app says why, see\n  {command}\n  for it\n"));
    }
}
