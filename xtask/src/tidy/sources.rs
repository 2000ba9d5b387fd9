//! Rules about one Rust file: its length, no sleeping tests, no stubs, unsafe code in its place.

use crate::source::Source;

/// Above this a file is refused.
const MOST_LINES: usize = 600;
/// Above this it is mentioned.
const MANY_LINES: usize = 400;

/// Macros that stand for missing code. They are written in two parts here, so that this file does
/// not find itself.
const STUBS: [&str; 3] =
    [concat!("todo", "!("), concat!("unimplemented", "!("), concat!("dbg", "!(")];
const SLEEPS: [&str; 3] =
    [concat!("thread::", "sleep"), concat!("time::", "sleep("), concat!("sleep", "_ms(")];

/// The keeper's own loop. The daemon may see its protocol, not this.
const KEEPER_ITSELF: [&str; 2] = ["ostler_keeper::run(", "ostler_keeper::resume("];

/// Findings in one file.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Findings that fail the check.
    pub errors: Vec<String>,
    /// Findings that are only printed.
    pub warnings: Vec<String>,
}

/// Checks one file.
pub fn check(file: &Source) -> Found {
    let mut found = Found::default();
    let path = &file.path;
    let lines = file.text.lines().count();
    if MOST_LINES < lines {
        found.errors.push(format!(
            "{path}: {lines} lines, more than {MOST_LINES}: take something out into a file of its \
             own"
        ));
    } else if MANY_LINES < lines {
        found.warnings.push(format!("{path}: {lines} lines, more than {MANY_LINES}"));
    }
    let mut is_test = path.contains("/tests/") || path.starts_with("crates/testkit/");
    let may_be_unsafe = path.ends_with("/sys.rs");
    let is_daemon = path.starts_with("crates/daemon/src/");
    for (number, line) in (1..).zip(file.text.lines()) {
        let code = code_of(line);
        // Tests are at the end of a file, after everything else.
        is_test |= code.trim() == "#[cfg(test)]";
        if is_test && SLEEPS.iter().any(|s| code.contains(s)) {
            found
                .errors
                .push(format!("{path}:{number}: a test sleeps; wait for the event instead"));
        }
        if STUBS.iter().any(|s| code.contains(s)) {
            found.errors.push(format!("{path}:{number}: a stub or a debugging aid"));
        }
        if is_daemon && KEEPER_ITSELF.iter().any(|k| code.contains(k)) {
            found.errors.push(format!(
                "{path}:{number}: the daemon talks to the keeper as to a process, it never runs it"
            ));
        }
        if !may_be_unsafe && code.contains(concat!("allow(", "unsafe_code)")) {
            found.errors.push(format!(
                "{path}:{number}: unsafe code is allowed only in the crate's `sys.rs`"
            ));
        }
    }
    found
}

/// The line without a comment at its end.
fn code_of(line: &str) -> &str {
    let comment = line.find("//").filter(|at| !line[..*at].ends_with(':'));
    comment.map_or(line, |at| &line[..at])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_text(path: &str, text: &str) -> Found {
        check(&Source { path: path.to_owned(), text: text.to_owned() })
    }

    #[test]
    fn long_files_are_mentioned_and_very_long_ones_refused() {
        assert_eq!(check_text("crates/a/src/a.rs", &"x\n".repeat(400)), Found::default());
        assert_eq!(check_text("crates/a/src/a.rs", &"x\n".repeat(401)).warnings.len(), 1);
        let long = check_text("crates/a/src/a.rs", &"x\n".repeat(601));
        assert_eq!((long.errors.len(), long.warnings.len()), (1, 0));
    }

    #[test]
    fn a_sleep_is_found_in_tests_and_only_there() {
        let sleep = format!("std::{}(d);\n", SLEEPS[0]);
        assert_eq!(check_text("crates/a/src/a.rs", &sleep), Found::default());
        assert_eq!(check_text("crates/a/tests/it/a.rs", &sleep).errors.len(), 1);
        assert_eq!(check_text("crates/testkit/src/a.rs", &sleep).errors.len(), 1);
        let inside = check_text(
            "crates/a/src/a.rs",
            &format!("{sleep}#[cfg(test)]\nmod tests {{\n{sleep}}}\n"),
        );
        assert_eq!(
            inside.errors,
            ["crates/a/src/a.rs:4: a test sleeps; wait for the event instead"]
        );
    }

    #[test]
    fn stubs_are_found_and_words_in_comments_are_not() {
        for stub in STUBS {
            assert_eq!(
                check_text("crates/a/src/a.rs", &format!("fn f() {{ {stub}) }}\n")).errors.len(),
                1
            );
            assert_eq!(
                check_text("crates/a/src/a.rs", &format!("// never {stub})\n")),
                Found::default()
            );
        }
    }

    #[test]
    fn the_daemon_does_not_run_the_keeper() {
        let text = "ostler_keeper::run(config);\n";
        assert_eq!(check_text("crates/cli/src/main.rs", text), Found::default());
        assert_eq!(check_text("crates/daemon/src/lib.rs", text).errors.len(), 1);
    }

    #[test]
    fn unsafe_code_has_one_place() {
        let text = concat!("#![allow(", "unsafe_code)]\n");
        assert_eq!(check_text("crates/a/src/sys.rs", text), Found::default());
        assert_eq!(check_text("crates/a/src/other.rs", text).errors.len(), 1);
    }
}
