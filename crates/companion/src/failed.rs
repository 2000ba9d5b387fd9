//! Why the program does not do what it was started for.

use std::fmt;

/// What went wrong, and what to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Failed {
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

impl Failed {
    /// A failure without advice.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None }
    }

    /// A failure in the words of a command, as it wrote them to standard error.
    pub(crate) fn said(text: &str) -> Self {
        let text = text.trim_end().trim_start_matches("error: ");
        match text.split_once("\nhint: ") {
            Some((message, hint)) => Self::new(message).hint(hint),
            None => Self::new(text),
        }
    }

    /// The same with what to do.
    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

impl fmt::Display for Failed {
    /// As `ostler web` reads it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", ostler_text::without_numbers(&self.message))?;
        self.hint.iter().try_for_each(|hint| write!(f, "\nhint: {hint}"))
    }
}
