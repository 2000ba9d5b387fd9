//! Figures that are counted line by line: long files, long lines, comments that say nothing.

use super::row::Row;
use crate::source::Source;

const MANY_LINES: usize = 400;
const COLUMNS: usize = 100;
const FEW_WORDS: usize = 2;

/// Files, lines and documentation comments of the whole repository, tests included.
pub fn rows(sources: &[Source]) -> [Row; 4] {
    let mut long_files = Vec::new();
    let mut long_lines = Vec::new();
    let mut short_lines = Vec::new();
    let mut short = Vec::new();
    let mut docs = 0;
    for Source { path, text } in sources {
        let lines = text.lines().count();
        if MANY_LINES < lines {
            long_files.push(format!("{path}: {lines}"));
        }
        let mut code = false;
        for (number, line) in (1..).zip(text.lines()) {
            let columns = line.chars().count();
            if COLUMNS < columns {
                long_lines.push(format!("{path}:{number}: {columns}"));
            }
            let doc = doc_of(line);
            code = doc.is_some_and(|doc| code != doc.trim_start().starts_with("```"));
            if doc.is_some_and(|doc| !code && is_short(doc)) {
                short_lines.push(format!("{path}:{number}: {}", line.trim()));
            }
        }
        for (number, comment) in doc_comments(text) {
            docs += 1;
            if comment.split_whitespace().count() <= FEW_WORDS {
                short.push(format!("{path}:{number}: {comment}"));
            }
        }
    }
    let row = |what: String, places: Vec<String>| Row {
        what,
        now: places.len().to_string(),
        wanted: "0",
        places,
    };
    [
        row(format!("files over {MANY_LINES} lines"), long_files),
        row(format!("lines over {COLUMNS} columns"), long_lines),
        row(format!("doc comments ({docs}) of at most {FEW_WORDS} words"), short),
        row(
            format!("doc lines of at most {FEW_WORDS} words, ends of longer comments too"),
            short_lines,
        ),
    ]
}

/// Every documentation comment as one text, with the line on which it begins.
fn doc_comments(text: &str) -> Vec<(usize, String)> {
    let mut found: Vec<(usize, String)> = Vec::new();
    let mut inside = false;
    for (number, line) in (1..).zip(text.lines()) {
        let doc = doc_of(line);
        match (doc, found.last_mut()) {
            (Some(doc), Some((_, last))) if inside => {
                last.push(' ');
                last.push_str(doc.trim());
            }
            (Some(doc), _) => found.push((number, doc.trim().to_owned())),
            (None, _) => {}
        }
        inside = doc.is_some();
    }
    found
}

/// Whether a line has few words, and is no heading, table, fence or way of a link.
fn is_short(line: &str) -> bool {
    let line = line.trim();
    !["# ", "|", "```", "[`"].iter().any(|mark| line.starts_with(mark))
        && (1..=FEW_WORDS).contains(&line.split_whitespace().count())
}

/// The text of a line of documentation.
fn doc_of(line: &str) -> Option<&str> {
    let line = line.trim_start();
    line.strip_prefix("///").or_else(|| line.strip_prefix("//!"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_of_several_lines_is_one() {
        let text =
            "//! The problem and the\n//! rule.\n\n/// It.\nfn f() {}\n    /// Who.\n    x: u8,\n";
        let found = doc_comments(text);
        assert_eq!(
            found.iter().map(|(at, text)| (*at, text.as_str())).collect::<Vec<_>>(),
            [(1, "The problem and the rule."), (4, "It."), (6, "Who.")]
        );
        let source = Source { path: "a.rs".into(), text: text.into() };
        let rows = rows(&[source]);
        assert_eq!(rows[2].places, ["a.rs:4: It.", "a.rs:6: Who."]);
        assert_eq!(rows[3].places, ["a.rs:2: //! rule.", "a.rs:4: /// It.", "a.rs:6: /// Who."]);
    }

    #[test]
    fn a_line_is_counted_in_characters() {
        let source = |text: String| Source { path: "a.rs".into(), text };
        assert!(rows(&[source("ä".repeat(100))])[1].places.is_empty());
        assert_eq!(rows(&[source("ä".repeat(101))])[1].places, ["a.rs:1: 101"]);
    }
}
