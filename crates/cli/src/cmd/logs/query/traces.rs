//! Errors of apps: stack traces put together from their lines, and those alike counted.
//!
//! A trace of Node and Java is a line with `at …` below it, one of Python begins with `Traceback`
//! and ends with the line that names the error, one of Go begins with `panic:` and goes on up to a
//! line that is neither a goroutine nor a frame. A line that says itself that it is an error is one
//! without a trace. Two are alike if they differ in numbers and quoted words only.

use ostler_logs::{Level, Logfmt, Object};

/// The longest trace that is kept, lines.
const LINES: usize = 200;
/// So many frames say whether two traces are alike.
const FRAMES: usize = 5;

/// An error of an app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trace {
    /// When it was written, if that is known; ms since 1970.
    pub(super) at: Option<u64>,
    /// All its lines.
    pub(super) text: String,
    /// What those that are alike have in common.
    pub(super) key: String,
}

/// What the lines so far belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// To nothing, but the last one may begin a trace.
    Between,
    /// To one that ends before a line that is no frame.
    Frames,
    /// To one of Python, up to the line that names the error.
    Python,
    /// To one of Go.
    Go,
}

/// Puts the traces of one log together.
#[derive(Debug)]
pub(super) struct Traces {
    state: State,
    lines: Vec<String>,
    at: Option<u64>,
}

impl Default for Traces {
    fn default() -> Self {
        Self { state: State::Between, lines: Vec::new(), at: None }
    }
}

impl Traces {
    /// Takes the next line. Returns the trace that it ends, or the one that was before it.
    pub(super) fn push(&mut self, line: &str, at: Option<u64>) -> Option<Trace> {
        match self.state {
            State::Between if is_frame(line) && !self.lines.is_empty() => {
                self.state = State::Frames;
                self.keep(line);
                None
            }
            State::Frames if is_frame(line) || is_cause(line) => {
                self.keep(line);
                None
            }
            State::Python if line.starts_with([' ', '\t']) || line.is_empty() => {
                self.keep(line);
                None
            }
            State::Python => {
                self.keep(line);
                self.finish()
            }
            State::Go if is_of_go(line) => {
                self.keep(line);
                None
            }
            State::Between | State::Frames | State::Go => {
                let before = self.finish();
                self.begin(line, at);
                before
            }
        }
    }

    /// There are no more lines.
    pub(super) fn finish(&mut self) -> Option<Trace> {
        let (state, at) = (std::mem::replace(&mut self.state, State::Between), self.at);
        let lines = std::mem::take(&mut self.lines);
        let first = lines.first()?;
        let is_error = Level::of(first.as_bytes()).is_some_and(|level| Level::Error <= level);
        if state == State::Between && !is_error {
            return None;
        }
        let pairs = || Logfmt::read(first).map(|of| of.message);
        let text = of_object(first)
            .or_else(pairs)
            .unwrap_or_else(|| lines.join("\n").trim_end().to_owned());
        Some(Trace { at, key: key(&text), text })
    }

    fn begin(&mut self, line: &str, at: Option<u64>) {
        self.at = at;
        self.lines = vec![line.to_owned()];
        if line.starts_with("Traceback (most recent call last)") {
            self.state = State::Python;
        } else if line.starts_with("panic: ") || line.starts_with("fatal error: ") {
            self.state = State::Go;
        }
    }

    fn keep(&mut self, line: &str) {
        if self.lines.len() < LINES {
            self.lines.push(line.to_owned());
        }
    }
}

/// A frame of Node or Java.
fn is_frame(line: &str) -> bool {
    let rest = line.trim_start();
    rest.len() < line.len() && (rest.starts_with("at ") || is_cause(line))
}

/// What stands between the frames of Java and Node.
fn is_cause(line: &str) -> bool {
    let rest = line.trim_start();
    let is_more = rest.starts_with("... ") && (rest.ends_with(" more") || rest.contains(" lines "));
    let is_key = rest.len() < line.len() && (rest.starts_with("[cause]") || rest == "}");
    is_more || is_key || rest.starts_with("Caused by: ") || rest.starts_with("Suppressed: ")
}

fn is_of_go(line: &str) -> bool {
    line.is_empty()
        || line.starts_with(['\t', '['])
        || line.starts_with("goroutine ")
        || line.starts_with("created by ")
        || line.starts_with("exit status ")
        || line.ends_with(')') && line.contains('(')
}

/// The error in an object of a logger: its stack, or its message.
fn of_object(line: &str) -> Option<String> {
    let object = Object::read(line)?;
    let stack = |key: &&str| Object::read(object.get(key)?.value)?.get("stack")?.text();
    let keys = ["stack", "stacktrace", "exception", "exc_info", "msg", "message", "event"];
    let text = |key: &&str| object.get(key)?.text();
    ["err", "error"].iter().find_map(stack).or_else(|| keys.iter().find_map(text))
}

/// The text without what differs from one to the other.
fn key(text: &str) -> String {
    let mut key = String::new();
    // That of Python names its error last.
    let last = text.lines().skip(1 + FRAMES).last();
    for line in text.lines().take(1 + FRAMES).chain(last) {
        // Frames have numbers of lines, which tell errors apart.
        let is_frame = line.starts_with([' ', '\t']);
        key.push_str(if is_frame { hexless(line) } else { alike(line) }.trim());
        key.push('\n');
    }
    key
}

/// A line whose numbers and quoted words are left out.
fn alike(line: &str) -> String {
    let (mut found, mut quote, mut is_word) = (String::new(), None, false);
    for c in hexless(line).chars() {
        match quote {
            Some(end) if c == end => quote = None,
            Some(_) => continue,
            // An apostrophe within a word quotes nothing.
            None if c == '"' || c == '`' || c == '\'' && !is_word => quote = Some(c),
            None => {}
        }
        is_word = c.is_alphanumeric();
        match c {
            '0'..='9' if found.ends_with('*') => {}
            '0'..='9' => found.push('*'),
            c => found.push(c),
        }
    }
    found
}

/// A line whose addresses and numbers with letters (`0x1f`, identifiers) are left out.
fn hexless(line: &str) -> String {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let mut found = String::new();
    let mut rest = line;
    while let Some(start) = rest.find(is_part) {
        let (before, behind) = rest.split_at(start);
        let end = behind.find(|c| !is_part(c)).unwrap_or(behind.len());
        let (word, behind) = behind.split_at(end);
        found.push_str(before);
        found.push_str(if is_number(word) { "*" } else { word });
        rest = behind;
    }
    found.push_str(rest);
    found
}

/// Whether it is `0x…`, or long, of hexadecimal digits, and with both letters and numbers.
fn is_number(word: &str) -> bool {
    let is_hex = |word: &str| word.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    let is_mixed = word.bytes().any(|byte| byte.is_ascii_digit())
        && word.bytes().any(|byte| byte.is_ascii_alphabetic());
    word.strip_prefix("0x").is_some_and(is_hex) || 8 <= word.len() && is_mixed && is_hex(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn traces(text: &str) -> Vec<Trace> {
        let mut traces = Traces::default();
        let mut found: Vec<Trace> = Vec::new();
        for (at, line) in text.lines().enumerate() {
            found.extend(traces.push(line, Some(at as u64)));
        }
        found.extend(traces.finish());
        found
    }

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let found: Vec<String> = traces(text).into_iter().map(|trace| trace.text).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_trace_of_node_has_its_message_and_its_frames() {
        check(
            "ready\nTypeError: x is no function\n    at f (/a.js:1:2)\n    at g (/a.js:3:4)\nok\n",
            &["TypeError: x is no function\n    at f (/a.js:1:2)\n    at g (/a.js:3:4)"],
        );
        check(
            "Error: a\n    at f (/a:1:2) {\n  [cause]: Error: b\n      at g (/a:3:4)\n  }\nok\n",
            &["Error: a\n    at f (/a:1:2) {\n  [cause]: Error: b\n      at g (/a:3:4)\n  }"],
        );
    }

    #[test]
    fn traces_of_java_python_and_go_are_whole() {
        let java = "Exception in thread \"main\" java.lang.IllegalStateException: no\n\
                    \tat a.B.c(B.java:12)\nCaused by: java.io.IOException: gone\n\
                    \tat a.B.d(B.java:20)\n\t... 1 more";
        check(&format!("start\n{java}\nend\n"), &[java]);
        let python = "Traceback (most recent call last):\n  File \"a.py\", line 1, in <module>\n\
                      \x20   f()\nValueError: 12 is too much";
        check(&format!("{python}\nend\n"), &[python]);
        let go = "panic: runtime error: index out of range [3]\n\ngoroutine 1 [running]:\n\
                  main.f(0xc000012345)\n\t/a.go:12 +0x1d\nexit status 2";
        check(&format!("start\n{go}\n"), &[go]);
    }

    #[test]
    fn an_error_without_a_trace_is_one_too_and_an_object_gives_its_stack() {
        check("fine\n2026-11-27 ERROR no disk\nfine\n", &["2026-11-27 ERROR no disk"]);
        let line =
            r#"{"level":50,"err":{"type":"Error","stack":"Error: a\n    at f (x)"},"msg":"b"}"#;
        check(line, &["Error: a\n    at f (x)"]);
        check(r#"{"level":"error","msg":"no"}"#, &["no"]);
        check(r#"{"level":30,"msg":"yes"}"#, &[]);
    }

    #[test]
    fn those_are_alike_that_differ_in_numbers_and_quoted_words_only() {
        let key = |text: &str| traces(text).remove(0).key;
        let same = |a: &str, b: &str| assert_eq!(key(a), key(b));
        same("Error: user 12 of 'ann' is gone", "Error: user 7 of 'bob' is gone");
        same(
            "Error: 1b4e28ba-2fa1-11d2-883f-0016d3cca427",
            "Error: 6fa459ea-ee8a-3ca4-894e-db77e160355e",
        );
        same(
            "panic: x\n\nmain.f(0xc000)\n\t/a.go:1 +0x1d",
            "panic: x\n\nmain.f(0xc111)\n\t/a.go:1 +0x22",
        );
        same(
            "Traceback (most recent call last):\n  File \"a\", line 1\nKeyError: 1",
            "Traceback (most recent call last):\n  File \"a\", line 1\nKeyError: 2",
        );
        assert_ne!(key("Error: a\n    at f (x:1:1)"), key("Error: a\n    at g (x:1:1)"));
        assert_ne!(key("Error: a\n    at f (x:1:1)"), key("Error: a\n    at f (x:2:1)"));
        assert_ne!(key("Error: it can't be read"), key("Error: it can't be written"));
    }
}
