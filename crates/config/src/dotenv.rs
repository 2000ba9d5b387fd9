//! Files of variables, by the rules of Node's `--env-file`, and `${NAME}` besides.
//!
//! A line is `NAME=value`, perhaps with `export` before it. A value without quotes ends with its
//! line or at a `#`; one in quotes may have several lines; in double quotes `\n` ends one.
//! What is no such line is passed over, as Node does; so is a comment with blanks before it, which
//! Node takes for a variable where a value in quotes or another comment comes before it.

use std::borrow::Cow;

/// A variable of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Variable {
    /// What it is called.
    pub name: String,
    /// Its value as it is written, without quotes.
    pub value: String,
    /// Whether `${NAME}` in it means another variable.
    pub expands: bool,
}

/// Reads the variables of a file in their order.
pub(crate) fn parse(text: &str) -> Vec<Variable> {
    let text: Cow<'_, str> =
        if text.contains('\r') { text.replace('\r', "").into() } else { text.into() };
    let mut rest = trim(&text);
    let mut found = Vec::new();
    while let Some(first) = rest.chars().next() {
        if matches!(first, '\n' | '#') {
            rest = trim(next_line(rest));
            continue;
        }
        let Some(at) = rest.find(['=', '\n']) else { break };
        let (name, after) =
            (rest.get(..at).unwrap_or_default(), rest.get(at..).unwrap_or_default());
        let Some(after) = after.strip_prefix('=') else {
            rest = trim(next_line(rest));
            continue;
        };
        let name = trim(name);
        if name.is_empty() {
            rest = trim(next_line(after));
            continue;
        }
        let name = name.strip_prefix("export ").map_or(name, trim);
        let (value, expands, after) = value(after);
        found.push(Variable { name: name.to_owned(), value, expands });
        rest = trim(after);
    }
    found
}

/// Reads a value; returns it, whether it is expanded, and what comes after it.
fn value(text: &str) -> (String, bool, &str) {
    if text.is_empty() || text.starts_with('\n') {
        return (String::new(), false, text);
    }
    let text = trim(text);
    let Some(quote) = text.chars().next() else { return (String::new(), false, text) };
    if matches!(quote, '"' | '\'' | '`') {
        let inner = text.get(1..).unwrap_or_default();
        if let Some(end) = inner.find(quote) {
            let (inside, after) = inner.split_at(end);
            let value = if quote == '"' { inside.replace("\\n", "\n") } else { inside.to_owned() };
            return (value, quote == '"', next_line(after));
        }
        let (line, after) = text.find('\n').map_or((text, ""), |end| text.split_at(end));
        return (line.to_owned(), false, after);
    }
    let (line, after) = text.find('\n').map_or((text, ""), |end| text.split_at(end));
    let value = line.find('#').map_or(line, |end| line.get(..end).unwrap_or_default());
    (trim(value).to_owned(), true, after)
}

/// Puts the values of variables in the place of `${NAME}` and `${NAME:-default}`; `\$` is a `$`.
/// Those that `value_of` does not know are empty and are told. What has more than `most` bytes is
/// not read to its end.
pub(crate) fn expand(
    text: &str,
    value_of: impl Fn(&str) -> Option<String>,
    most: usize,
    unknown: &mut Vec<String>,
) -> String {
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find('$').filter(|_| out.len() <= most) {
        let (before, after) = rest.split_at(at);
        if let Some(before) = before.strip_suffix('\\') {
            out.push_str(before);
            out.push('$');
            rest = after.get(1..).unwrap_or_default();
            continue;
        }
        out.push_str(before);
        let inner = after.strip_prefix("${").and_then(|inner| inner.split_once('}'));
        let Some((inner, after)) = inner.filter(|(inner, _)| is_reference(inner)) else {
            out.push('$');
            rest = after.get(1..).unwrap_or_default();
            continue;
        };
        let (name, default) = match inner.split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (inner, None),
        };
        match (value_of(name), default) {
            (Some(value), Some(default)) if value.is_empty() => out.push_str(default),
            (Some(value), _) => out.push_str(&value),
            (None, Some(default)) => out.push_str(default),
            (None, None) => unknown.push(name.to_owned()),
        }
        rest = after;
    }
    out + rest
}

/// Whether what stands in the braces begins with a name.
fn is_reference(inner: &str) -> bool {
    let name = inner.split_once(":-").map_or(inner, |(name, _)| name);
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    !name.is_empty() && name.chars().all(is_part) && !name.starts_with(|c: char| c.is_ascii_digit())
}

fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\n'])
}

fn next_line(text: &str) -> &str {
    text.split_once('\n').map_or("", |(_, rest)| rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `node --env-file` makes of the same text stands in the integration test.
    #[test]
    fn a_file_is_read_by_nodes_rules() {
        let text = "# comment\nA=1\nexport B = two words # comment\nC=\"x\\ny # z\" # comment\n\
                    D='a\nb'\nE=\nF=`\"'`\nno variable\n=5\nG=\"open\nH=${A}-$B\n";
        let found = parse(text);
        let shown: Vec<String> =
            found.iter().map(|of| format!("{}={}", of.name, of.value)).collect();
        assert_eq!(
            shown,
            ["A=1", "B=two words", "C=x\ny # z", "D=a\nb", "E=", "F=\"'", "G=\"open", "H=${A}-$B"]
        );
        let literal = |of: &Variable| (!of.expands).then(|| of.name.clone());
        assert_eq!(found.iter().filter_map(literal).collect::<Vec<_>>(), ["D", "E", "F", "G"]);
    }

    #[test]
    fn references_are_replaced_and_what_is_none_stays() {
        let check = |text: &str, expected: &str| {
            let mut unknown = Vec::new();
            let value_of = |name: &str| match name {
                "A" => Some("1".to_owned()),
                "EMPTY" => Some(String::new()),
                _ => None,
            };
            let found = expand(text, value_of, usize::MAX, &mut unknown);
            assert_eq!(format!("{found} {}", unknown.join(",")).trim(), expected, "{text}");
        };
        check("${A}/${A}", "1/1");
        check("${B:-x y}${EMPTY:-z}", "x yz");
        check("a${B}c", "ac B");
        check("$A $ \\${A} ${} ${1} ${a b} ${A", "$A $ ${A} ${} ${1} ${a b} ${A");
    }
}
