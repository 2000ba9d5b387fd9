//! A line for the shell that is one program with its arguments, read without a shell.
//!
//! What only a shell can do (a second program, a pipe, a file name pattern) is refused with its
//! name, so that nothing is run otherwise than the shell would have run it.

/// Words that the shell itself understands.
const SHELLS_OWN: [&str; 26] = [
    ".", ":", "[", "{", "}", "!", "alias", "cd", "command", "echo", "eval", "export", "for", "if",
    "case", "printf", "read", "set", "shift", "source", "test", "time", "trap", "ulimit", "umask",
    "while",
];

/// A program with its arguments and the variables that are set before it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Line {
    /// Variables in front of the program.
    pub env: Vec<(String, String)>,
    /// The program, and its arguments.
    pub words: Vec<String>,
}

/// Reads a line; `variable` gives the value of a variable of its environment.
///
/// # Errors
/// What in it needs a shell, as a phrase.
pub(super) fn read(line: &str, variable: &dyn Fn(&str) -> Option<String>) -> Result<Line, String> {
    let mut reader = Reader { rest: line.trim(), variable, env: Vec::new() };
    let mut words = Vec::new();
    while let Some(word) = reader.word()? {
        match assignment(&word).filter(|_| words.is_empty()) {
            Some((name, value)) => reader.env.push((name.to_owned(), value.to_owned())),
            None => words.push(word.text),
        }
    }
    if words.first().is_some_and(|word| word == "exec") {
        words.remove(0);
    }
    match words.first() {
        None => Err("there is no program in it".to_owned()),
        Some(word) if SHELLS_OWN.contains(&word.as_str()) => {
            Err(format!("`{word}` is a command of the shell"))
        }
        Some(_) => Ok(Line { env: reader.env, words }),
    }
}

/// The name and value of `NAME=value`.
fn assignment(word: &Word) -> Option<(&str, &str)> {
    let (name, value) = word.text.split_once('=')?;
    (is_name(name) && name.len() <= word.plain).then_some((name, value))
}

/// Whether a word sets a variable for the program behind it.
pub(super) fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| is_name(name))
}

fn is_name(text: &str) -> bool {
    let starts = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    starts && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

struct Word {
    text: String,
    /// Bytes at its begin that were written without quotes.
    plain: usize,
}

struct Reader<'a> {
    rest: &'a str,
    variable: &'a dyn Fn(&str) -> Option<String>,
    env: Vec<(String, String)>,
}

impl Reader<'_> {
    fn bump(&mut self) -> Option<char> {
        let found = self.rest.chars().next()?;
        self.rest = self.rest.get(found.len_utf8()..).unwrap_or("");
        Some(found)
    }

    fn word(&mut self) -> Result<Option<Word>, String> {
        self.rest = self.rest.trim_start_matches([' ', '\t']);
        if self.rest.is_empty() {
            return Ok(None);
        }
        let (mut text, mut plain, mut begun) = (String::new(), None, false);
        while let Some(c) = self.bump() {
            match c {
                ' ' | '\t' => break,
                '\'' => {
                    plain.get_or_insert(text.len());
                    let quoted = self.until_quote()?;
                    text.push_str(quoted);
                }
                '"' => {
                    plain.get_or_insert(text.len());
                    self.double_quoted(&mut text)?;
                }
                '\\' => {
                    plain.get_or_insert(text.len());
                    text.extend(self.bump());
                }
                '$' => {
                    plain.get_or_insert(text.len());
                    let value = self.expansion()?;
                    if value.contains([' ', '\t', '\n', '*', '?', '[']) {
                        return Err("a variable in it has blanks or patterns".to_owned());
                    }
                    // An empty variable outside of quotes is no word at all.
                    begun |= !value.is_empty();
                    text.push_str(&value);
                    continue;
                }
                other => {
                    plain_char(other, !begun && text.is_empty())?;
                    text.push(other);
                }
            }
            begun = true;
        }
        if begun {
            let plain = plain.unwrap_or(text.len());
            return Ok(Some(Word { text, plain }));
        }
        self.word()
    }

    fn until_quote(&mut self) -> Result<&str, String> {
        let (quoted, rest) = self.rest.split_once('\'').ok_or("a quote is never closed")?;
        self.rest = rest;
        Ok(quoted)
    }

    fn double_quoted(&mut self, text: &mut String) -> Result<(), String> {
        loop {
            match self.bump().ok_or("a quote is never closed")? {
                '"' => return Ok(()),
                '$' => text.push_str(&self.expansion()?),
                '`' => return Err("it runs another program (`` ` ``)".to_owned()),
                '\\' => match self.bump().ok_or("a quote is never closed")? {
                    escaped @ ('"' | '\\' | '$' | '`') => text.push(escaped),
                    other => text.extend(['\\', other]),
                },
                other => text.push(other),
            }
        }
    }

    /// The value of what stands behind `$`: `NAME`, `{NAME}` or `{NAME:-usual}`.
    fn expansion(&mut self) -> Result<String, String> {
        if let Some(rest) = self.rest.strip_prefix('{') {
            let (inner, rest) = rest.split_once('}').ok_or("a brace is never closed")?;
            self.rest = rest;
            let (name, usual) = inner.split_once(":-").unwrap_or((inner, ""));
            if !is_name(name) || usual.contains(['$', '`', '"', '\'', '\\']) {
                return Err(format!("`${{{inner}}}` needs a shell"));
            }
            let value = (self.variable)(name).filter(|value| !value.is_empty());
            return Ok(value.unwrap_or_else(|| usual.to_owned()));
        }
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let end = self.rest.find(|c| !is_part(c)).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        if !is_name(name) {
            let next = self.rest.chars().next();
            return match next {
                None | Some(' ' | '"') => Ok("$".to_owned()),
                Some(c) => Err(format!("`${c}` needs a shell")),
            };
        }
        self.rest = rest;
        Ok((self.variable)(name).unwrap_or_default())
    }
}

/// Whether the shell takes a character outside of quotes as it is; `first`: of a word.
fn plain_char(c: char, first: bool) -> Result<(), String> {
    let why = match c {
        '|' => "it has more than one program (`|`)",
        '&' => "it has more than one program (`&`)",
        ';' | '\n' => "it has more than one program (`;`)",
        '`' => "it runs another program (`` ` ``)",
        '<' | '>' => "it redirects input or output (`>`, `<`)",
        '(' | ')' => "it has a group of commands (`(`)",
        '*' | '?' | '[' => "it has a pattern of file names",
        '~' if first => "it has `~` for a folder",
        '#' if first => "it has a comment",
        _ => return Ok(()),
    };
    Err(why.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<String, String> {
        let variable = |name: &str| match name {
            "PORT" => Some("3000".to_owned()),
            "BLANK" => Some("a b".to_owned()),
            _ => None,
        };
        let Line { env, words } = super::read(line, &variable)?;
        let env: String = env.iter().map(|(name, value)| format!("{name}={value};")).collect();
        Ok(env + &words.join("|"))
    }

    #[track_caller]
    fn check(line: &str, expected: &str) {
        assert_eq!(read(line).as_deref(), Ok(expected), "{line}");
    }

    #[test]
    fn a_line_of_one_program_is_read_as_the_shell_reads_it() {
        check("next start", "next|start");
        check("  NODE_ENV=production A='b c' node x.js ", "NODE_ENV=production;A=b c;node|x.js");
        check(r#"node "a b.js" --x='1 2' c\ d"#, "node|a b.js|--x=1 2|c d");
        check("next start -p $PORT", "next|start|-p|3000");
        check("next start -p ${PORT:-80} -H ${HOST:-::1}", "next|start|-p|3000|-H|::1");
        check("node x.js $NONE \"$NONE\" \"$BLANK\"", "node|x.js||a b");
        check("exec node x.js", "node|x.js");
        check("node x.js A=b '' \"a\\\"b\\n\"", "node|x.js|A=b||a\"b\\n");
        check("\"A\"=b c", "A=b|c");
        check("node x.js a#b a~b", "node|x.js|a#b|a~b");
    }

    #[test]
    fn what_needs_a_shell_is_refused_with_its_name() {
        for (line, why) in [
            ("a && b", "more than one program (`&`)"),
            ("a | b", "more than one program (`|`)"),
            ("a; b", "more than one program (`;`)"),
            ("a > b", "redirects"),
            ("a $(b)", "`$(` needs a shell"),
            ("a `b`", "another program"),
            ("a \"`b`\"", "another program"),
            ("a *.js", "pattern"),
            ("a $BLANK", "blanks"),
            ("a ${PORT%0}", "`${PORT%0}` needs a shell"),
            ("cd x", "`cd` is a command of the shell"),
            ("A=b", "no program"),
            ("", "no program"),
            ("a 'b", "never closed"),
            ("a \"b", "never closed"),
            ("~/a", "`~`"),
        ] {
            let refused = read(line).unwrap_err();
            assert!(refused.contains(why), "{line}: {refused}");
        }
    }
}
