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
    let words = unbroken(shown(text).split(' ')).into_iter().flat_map(|word| {
        // What an app runs is as long as it is, and not there to be pasted.
        let is_broken = width < columns(&word) && word.contains(' ') && !word.contains("`ostler ");
        match is_broken {
            true => word.split(' ').map(str::to_owned).collect(),
            false => vec![word],
        }
    });
    for mut word in words {
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

/// Adds a value beside its name, which is painted. A date or a path that does not fit there stands
/// whole below it.
pub fn beside(
    out: &mut String,
    (name, paint): (&str, impl Fn(&str) -> String),
    value: &str,
    window: usize,
) {
    const BELOW: usize = 4;
    let longest = value.split(' ').map(columns).max().unwrap_or(0);
    let room = |indent: usize| window.saturating_sub(indent);
    if room(columns(name)) < longest && longest <= room(BELOW) {
        out.push_str(&paint(name.trim_end()));
        out.push('\n');
        return wrap(out, value, BELOW, window);
    }
    out.push_str(&paint(name));
    let mut lines = String::new();
    wrap(&mut lines, value, columns(name), window);
    out.push_str(lines.trim_start());
}

/// Returns messages for a window: each line is broken between words, what goes on stands further
/// in. What is in backticks is there to be pasted, and stays in one line however long it is.
///
/// A line that begins with a blank is no message, but a part of a file or what an app wrote, and
/// stays as it is. Colours of a label take no room.
#[must_use]
pub fn folded(text: &str, window: usize) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for (nth, line) in text.split('\n').enumerate() {
        if 0 < nth {
            out.push('\n');
        }
        if line.starts_with(' ') || seen(line) <= window {
            out.push_str(line);
        } else {
            fold_line(&mut out, line, window);
        }
    }
    out
}

fn fold_line(out: &mut String, line: &str, window: usize) {
    const INDENT: &str = "  ";
    let mut used = 0;
    for word in unbroken(line.split(' ')) {
        let width = seen(&word);
        if 0 < used && window < used + 1 + width {
            out.push('\n');
            out.push_str(INDENT);
            used = INDENT.len();
        } else if 0 < used {
            out.push(' ');
            used += 1;
        }
        out.push_str(&word);
        used += width;
    }
}

/// The columns of a text, colours left out.
fn seen(text: &str) -> usize {
    columns(&ostler_text::without_colours(text))
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
    fn a_message_is_folded_and_what_is_pasted_or_stands_in_a_file_is_not() {
        let check = |text: &str, window, lines: &str| assert_eq!(folded(text, window), lines);
        check("hint: short\n", 40, "hint: short\n");
        check(
            "\x1b[1;31merror:\x1b[0m one two three four\n",
            19,
            "\x1b[1;31merror:\x1b[0m one two\n  three four\n",
        );
        check(
            "hint: `ostler start api --wait=5s` waits; see it",
            20,
            "hint:\n  `ostler start api --wait=5s`\n  waits; see it",
        );
        check(
            "error: x\n  --> a/very/long/path/of/a/file.json:1:2",
            20,
            "error: x\n  --> a/very/long/path/of/a/file.json:1:2",
        );
        check(
            "a/path/that/is/longer/than/it and more",
            12,
            "a/path/that/is/longer/than/it\n  and more",
        );
        check("日本語日本語 日本語", 13, "日本語日本語\n  日本語");
    }

    #[test]
    fn what_an_app_runs_is_broken_where_it_is_longer_than_the_window() {
        let mut out = String::new();
        wrap(&mut out, "python (`/usr/bin/python3 -m http.server 34610 --bind ::1`)", 2, 30);
        let lines = "  python (`/usr/bin/python3 -m\n  http.server 34610 --bind\n  ::1`)\n";
        assert_eq!(out, lines);
    }

    #[test]
    fn a_command_is_not_broken_over_lines() {
        let mut out = String::new();
        let command = "`ostler logs --err 'crash loop' --nostream --lines 200`";
        wrap(&mut out, &format!("hint: the app says why, see {command} for it"), 2, 40);
        assert_eq!(out, format!("  hint: the app says why, see\n  {command}\n  for it\n"));
    }
}
