//! HCL, the language of Nomad's files.

/// A file in the making.
#[derive(Default)]
pub(crate) struct Hcl {
    text: String,
    depth: usize,
}

impl Hcl {
    /// Returns what was written.
    pub(crate) fn into_text(self) -> String {
        self.text
    }

    /// Writes a block, with what `inside` writes in it.
    pub(crate) fn block(&mut self, head: &str, inside: impl FnOnce(&mut Self)) {
        self.line(&format!("{head} {{"));
        self.depth += 1;
        inside(self);
        self.depth -= 1;
        self.line("}");
    }

    /// Writes `key = value`, where the value is written as it is.
    pub(crate) fn set(&mut self, key: &str, value: impl std::fmt::Display) {
        self.line(&format!("{key} = {value}"));
    }

    /// Writes lines that end with the line of this word.
    pub(crate) fn lines_to(&mut self, key: &str, word: &str, lines: &[String]) {
        self.line(&format!("{key} = <<{word}"));
        for line in lines {
            self.text.push_str(line);
            self.text.push('\n');
        }
        self.text.push_str(word);
        self.text.push('\n');
    }

    fn line(&mut self, line: &str) {
        (0..self.depth).for_each(|_| self.text.push_str("  "));
        self.text.push_str(line);
        self.text.push('\n');
    }
}

/// A text in quotes, of which nothing is worked out.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '"' | '\\' => out.extend(['\\', char]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '$' | '%' if chars.peek() == Some(&'{') => out.extend([char, char]),
            char => out.push(char),
        }
    }
    out.push('"');
    out
}

/// A list of texts.
pub(crate) fn list(texts: &[String]) -> String {
    let texts: Vec<String> = texts.iter().map(|text| quoted(text)).collect();
    format!("[{}]", texts.join(", "))
}

#[cfg(test)]
mod tests {
    #[test]
    fn nothing_in_a_text_is_worked_out() {
        assert_eq!(super::quoted("${a} $b %{c} \"d\"\\\n"), r#""$${a} $b %%{c} \"d\"\\\n""#);
    }
}
