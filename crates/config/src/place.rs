//! A place in what the user wrote, and the frame in which it is shown.

use std::fmt::Write as _;

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// A place in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Characters concerned, at least 1.
    pub length: usize,
    /// The line itself, without its end; of a long one the part around the place.
    pub text: String,
    /// Characters of the line before that part.
    pub skipped: usize,
}

/// Columns of a frame where nobody's window is known; a minified file has only one line.
pub const COLUMNS: usize = 105;
/// Bytes of a line before and behind a place that are kept: a text of one line may have a complaint
/// for each few of its characters.
const AROUND: usize = 512;
/// The least of a line that says something, however narrow the window is.
const NARROWEST: usize = 8;

impl Place {
    /// The place of the bytes `start..end` of `text`.
    #[must_use]
    pub fn of(text: &str, start: usize, end: usize) -> Self {
        let start = floor(text, start);
        let before = text.get(..start).unwrap_or("");
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let after = text.get(line_start..).unwrap_or("");
        let line = after.split('\n').next().unwrap_or("").trim_end_matches('\r');
        let line_end = line_start + line.len();
        let concerned = text.get(start..floor(text, end).min(line_end)).unwrap_or("");
        let first = floor(text, start.saturating_sub(AROUND)).max(line_start);
        let last = floor(text, start.saturating_add(AROUND)).min(line_end).max(first);
        Self {
            line: before.matches('\n').count() + 1,
            column: text.get(line_start..start).unwrap_or("").chars().count() + 1,
            length: concerned.chars().count().max(1),
            text: text.get(first..last).unwrap_or("").to_owned(),
            skipped: text.get(line_start..first).unwrap_or("").chars().count(),
        }
    }

    pub(crate) fn render(
        &self,
        frame: &dyn Fn(&str) -> String,
        mark: &dyn Fn(&str) -> String,
        columns: usize,
    ) -> String {
        let number = self.line.to_string();
        // Before a line stand a blank, its number, a blank, a bar and a blank.
        let room = columns.saturating_sub(number.len() + 4).max(NARROWEST);
        // Tabs become one blank so that the caret stands below what it means.
        let readable = |c: char| if ostler_text::is_unsafe(c) { ' ' } else { c };
        let line: Vec<char> = self.text.chars().map(readable).collect();
        let place = (self.column - 1).saturating_sub(self.skipped).min(line.len());
        let (first, last) = window(&line, place, room);
        let text = |from: usize, to: usize| line.get(from..to).unwrap_or(&[]).iter().collect();
        let (shown, lead): (String, String) = (text(first, last), text(first, place));
        let concerned: String = text(place, last.min(place + self.length));
        let pad = " ".repeat(number.len());
        let left = room.saturating_sub(lead.width()).max(1);
        let caret = "^".repeat(concerned.width().clamp(1, left));
        let mut out = format!(" {pad} {}\n", frame("|"));
        let line = format!(" {} {} {}", frame(&number), frame("|"), shown);
        let _ = writeln!(out, "{}", line.trim_end());
        let _ = writeln!(out, " {pad} {} {}{}", frame("|"), " ".repeat(lead.width()), mark(&caret));
        out
    }
}

/// The characters of a line that fit into so many columns, with the one at `place` among them: the
/// whole line, or as much before as behind it.
fn window(line: &[char], place: usize, room: usize) -> (usize, usize) {
    let width = |c: &char| c.width().unwrap_or(0);
    let fitting = |chars: &mut dyn Iterator<Item = &char>, room: usize| {
        let mut left = room;
        let fits = |c: &&char| left.checked_sub(width(c)).map(|rest| left = rest).is_some();
        chars.take_while(fits).count()
    };
    if line.iter().map(width).sum::<usize>() + usize::from(place == line.len()) <= room {
        return (0, line.len());
    }
    let before = line.get(..place).unwrap_or(&[]);
    let first = place - fitting(&mut before.iter().rev(), room / 2);
    let behind = line.get(first..).unwrap_or(&[]);
    // The caret at the end of the line wants a column as well.
    let room = room - usize::from(place == line.len());
    (first, first + fitting(&mut behind.iter(), room))
}

/// The nearest character boundary at or before `at`.
fn floor(text: &str, at: usize) -> usize {
    ostler_text::beginning(text, at).len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Diagnostic;

    #[test]
    fn a_place_counts_characters_not_bytes() {
        let text = "a\n\té: 'x'\r\nb";
        let start = text.find("'x'").unwrap();
        let place = Place::of(text, start, start + 3);
        assert_eq!(
            (place.line, place.column, place.length, place.text.as_str()),
            (2, 5, 3, "\té: 'x'")
        );
    }

    #[test]
    fn a_minified_file_shows_only_the_part_around_the_place() {
        let text = format!("{}BAD{}", "x".repeat(5000), "y".repeat(5000));
        let mut diagnostic = Diagnostic::error("bad", "no").origin("f");
        diagnostic.place = Some(Box::new(Place::of(&text, 5000, 5003)));
        let shown = diagnostic.render(false);
        assert!(shown.contains("BAD") && shown.len() < 400, "{shown}");
        assert!(diagnostic.render(true).contains("\x1b[1;31m^^^\x1b[0m"));
    }

    #[test]
    fn a_place_past_the_end_is_the_end() {
        assert_eq!(Place::of("é", 1, 9).column, 1);
        assert_eq!(Place::of("", 5, 9).line, 1);
    }

    #[test]
    fn a_frame_is_no_wider_than_its_window_and_has_the_place_in_it() {
        let texts =
            ["x".repeat(200), "日本語".repeat(40), format!("{}日", "\t".repeat(77)), "é".into()];
        for text in texts {
            let places: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
            for at in places.into_iter().chain([text.len()]) {
                for columns in [20, 40, 80, 120] {
                    let place = Place::of(&text, at, text.len());
                    let plain = |text: &str| text.to_owned();
                    let frame = place.render(&plain, &plain, columns);
                    let widest = frame.lines().map(|line| line.width()).max();
                    assert!(widest.is_some_and(|widest| widest <= columns), "{columns}:\n{frame}");
                    let (line, caret) =
                        (frame.lines().nth(1).unwrap(), frame.lines().nth(2).unwrap());
                    let lead: usize = caret.find('^').unwrap();
                    let marked = line.chars().scan(0, |column, c| {
                        let at = *column;
                        *column += c.width().unwrap_or(0);
                        Some((at, c))
                    });
                    let marked = marked.filter(|(column, _)| *column == lead).map(|(_, c)| c);
                    let expected = text[at..].chars().next().filter(|c| !c.is_control());
                    let found = marked.last().filter(|c| *c != ' ');
                    assert_eq!(found, expected, "{columns}:\n{frame}");
                }
            }
        }
    }
}
