//! A line of `--format`: text, and names in braces which stand for values.

use crate::failed::Failed;

/// A part of a line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Text, as it is.
    Text(String),
    /// What stood between braces.
    Name(String),
}

impl Part {
    /// The name, where it is one.
    pub(crate) fn name(&self) -> Option<&str> {
        match self {
            Self::Name(name) => Some(name),
            Self::Text(_) => None,
        }
    }
}

/// Reads `{name} {pid}`. `{{` and `}}` stand for themselves, `\t` and `\n` for tab and line end.
/// `example` is a template of the command.
///
/// # Errors
/// There is nothing in it, or a brace is not closed.
pub(crate) fn parts(template: &str, example: &str) -> Result<Vec<Part>, Failed> {
    if template.is_empty() {
        let hint = format!("write what a line is to have, as in `--format '{example}'`");
        return Err(Failed::misuse("`--format` is empty").hint(hint));
    }
    let mut parts = Vec::new();
    let mut text = String::new();
    let mut rest = template.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '{' | '}' if rest.next_if_eq(&c).is_some() => text.push(c),
            '\\' if rest.next_if_eq(&'t').is_some() => text.push('\t'),
            '\\' if rest.next_if_eq(&'n').is_some() => text.push('\n'),
            '{' => {
                let name: String = std::iter::from_fn(|| rest.next_if(|c| *c != '}')).collect();
                if rest.next().is_none() {
                    let what = format!("`{{{name}` in `--format` is not closed");
                    let hint = "write `{name}`, or `{{` for a brace";
                    return Err(Failed::misuse(what).hint(hint));
                }
                parts.push(Part::Text(std::mem::take(&mut text)));
                parts.push(Part::Name(name.trim().to_owned()));
            }
            c => text.push(c),
        }
    }
    parts.push(Part::Text(text));
    Ok(parts)
}

/// Returns the line, with its end, in which each name has this value.
///
/// # Errors
/// One has none.
pub(crate) fn line(
    parts: &[Part],
    mut value: impl FnMut(&str) -> Result<String, Failed>,
) -> Result<String, Failed> {
    let mut line = String::new();
    for part in parts {
        match part {
            Part::Text(text) => line.push_str(text),
            Part::Name(name) => line.push_str(&value(name)?),
        }
    }
    line.push('\n');
    Ok(line)
}
