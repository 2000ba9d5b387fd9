//! Texts in which something stands: that of a process file, and behind it those of what it extends,
//! file by file.
//!
//! A place of a base is a number behind the end of the texts before it, so that whoever has a place
//! need not know which file it is of. One place of each text is outside of it: of what is in the
//! file, and nobody knows where, as of one that was evaluated.

use crate::diagnostic::Diagnostic;
use crate::place::Place;
use crate::value::Span;

/// A text and its name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SourceText<'a> {
    /// File name as the user wrote it, or `standard input`.
    pub origin: &'a str,
    /// The text, for showing a line of it.
    pub text: &'a str,
    /// What the file extends, in the order of their places.
    pub bases: &'a [Base],
}

/// A file that another one extends.
#[derive(Clone, Debug)]
pub(crate) struct Base {
    /// File name, as seen from the working directory.
    pub origin: String,
    /// The text of the file.
    pub text: String,
    /// The place of its first byte.
    pub start: usize,
}

impl Base {
    /// Returns the place behind all places of this file.
    pub(crate) fn end(&self) -> usize {
        end(self.start, &self.text)
    }

    /// The file alone, from place 0 on.
    pub(crate) fn alone(&self) -> SourceText<'_> {
        SourceText::new(&self.origin, &self.text)
    }
}

/// Returns the place behind all places of a text, of which one is outside of it.
fn end(start: usize, text: &str) -> usize {
    start + text.len() + 2
}

impl<'a> SourceText<'a> {
    /// A text alone.
    pub(crate) fn new(origin: &'a str, text: &'a str) -> Self {
        Self { origin, text, bases: &[] }
    }

    /// Returns the text of one of the bases alone, or of the file itself, and its first place.
    pub(crate) fn of_base(&self, base: Option<usize>) -> (SourceText<'_>, usize) {
        let base = base.and_then(|at| self.bases.get(at));
        base.map_or((*self, 0), |base| (base.alone(), base.start))
    }

    /// Returns the place behind all places of the file itself.
    pub(crate) fn end(&self) -> usize {
        end(0, self.text)
    }

    /// Returns the place of what is in the file, and nobody knows where.
    pub(crate) fn somewhere(&self) -> Span {
        Span { start: self.text.len() + 1, end: self.text.len() + 2 }
    }

    /// The diagnostic, placed at `span`.
    pub(crate) fn at(&self, mut diagnostic: Diagnostic, span: Option<Span>) -> Diagnostic {
        let (origin, text, span) = self.part(span);
        diagnostic.origin = Some(origin.to_owned());
        diagnostic.place = span.map(|span| Box::new(Place::of(text, span.start, span.end)));
        diagnostic
    }

    /// Whether a line can be shown of this place.
    pub(crate) fn is_shown(&self, span: Option<Span>) -> bool {
        self.part(span).2.is_some()
    }

    /// Returns the name and the text of the file that has this place, and the place in it.
    fn part(&self, span: Option<Span>) -> (&str, &str, Option<Span>) {
        let Some(span) = span else { return (self.origin, self.text, None) };
        let base = self.bases.iter().rev().find(|base| base.start <= span.start);
        let (origin, text, first) = base.map_or((self.origin, self.text, 0), |base| {
            (base.origin.as_str(), base.text.as_str(), base.start)
        });
        let (start, end) = (span.start - first, span.end.saturating_sub(first));
        (origin, text, Some(Span { start, end }).filter(|_| start <= text.len()))
    }

    /// Returns a place that can be shown: what is wrong at the end of a file is told behind the
    /// last thing that it says, and not in the empty line below.
    pub(crate) fn within(&self, span: Span) -> Span {
        let end = self.text.trim_end().len();
        if end < span.start { Span { start: end, end } } else { span }
    }

    /// Returns where `key` is written for the `nth` time, when it is written `of` times. For files
    /// that were evaluated this is good enough.
    pub(crate) fn locate(&self, key: &str, (nth, of): (usize, usize)) -> Option<Span> {
        let found = self.text.match_indices(key).filter(|(at, _)| self.is_key(*at, key.len()));
        let starts: Vec<usize> = found.map(|(start, _)| start).collect();
        let start = *starts.get(nth).filter(|_| starts.len() == of)?;
        Some(Span { start, end: start + key.len() })
    }

    fn is_key(&self, at: usize, length: usize) -> bool {
        let word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$' | '-');
        let before = self.text.get(..at).unwrap_or("").chars().next_back();
        let after = self.text.get(at + length..).unwrap_or("").trim_start_matches(['"', '\'']);
        !before.is_some_and(word) && after.trim_start().starts_with(':')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_shown_of_the_file_that_it_is_in() {
        let first = SourceText::new("a.yaml", "one\n");
        let base = Base { origin: "b.yaml".to_owned(), text: "two\nthree".to_owned(), start: 6 };
        let bases = [base.clone(), Base { start: base.end(), origin: "c".to_owned(), ..base }];
        let source = SourceText { bases: &bases, ..first };
        assert_eq!((first.end(), bases[0].end()), (6, 17));
        let shown = |start: usize| {
            let said = source.at(Diagnostic::error("x", ""), Some(Span { start, end: start + 1 }));
            (said.origin.unwrap(), said.place.map(|place| (place.line, place.column)))
        };
        for (at, origin, place) in [
            (0, "a.yaml", Some((1, 1))),
            (4, "a.yaml", Some((2, 1))),
            (5, "a.yaml", None),
            (6, "b.yaml", Some((1, 1))),
            (10, "b.yaml", Some((2, 1))),
            (15, "b.yaml", Some((2, 6))),
            (16, "b.yaml", None),
            (17, "c", Some((1, 1))),
        ] {
            assert_eq!(shown(at), (origin.to_owned(), place), "{at}");
        }
        assert!(!source.is_shown(Some(first.somewhere())) && !source.is_shown(None));
    }
}
