//! What the system and the standard library say of errors and ends, in words that are not theirs.

use std::process::ExitStatus;

/// Returns how a process ended: `exit code 4`, `SIGKILL`.
#[must_use]
pub fn exit(status: ExitStatus) -> String {
    match status.code() {
        Some(code) => format!("exit code {code}"),
        None => {
            // `signal: 9 (SIGKILL) (core dumped)`
            let text = status.to_string();
            let name = text.split_once('(').and_then(|(_, rest)| rest.split_once(')'));
            name.map_or_else(|| text.replace(':', ""), |(name, _)| name.to_owned())
        }
    }
}

/// Returns a message without the numbers that the system has for errors, `(os error 2)`; what an
/// app wrote, which follows in further lines, stays.
#[must_use]
pub fn without_numbers(text: &str) -> String {
    let (first, rest) = text.split_at(text.find('\n').unwrap_or(text.len()));
    let mut parts = first.split(" (os error ");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.split_once(')') {
            Some((number, after)) if number.bytes().all(|b| b.is_ascii_digit()) => {
                out.push_str(after);
            }
            Some(_) | None => {
                out.push_str(" (os error ");
                out.push_str(part);
            }
        }
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn an_end_is_said_by_its_code_or_its_signal() {
        let ended = |script: &str| exit(Command::new("sh").args(["-c", script]).status().unwrap());
        assert_eq!(ended("exit 4"), "exit code 4");
        assert_eq!(ended("kill -9 $$"), "SIGKILL");
    }

    #[test]
    fn the_numbers_of_errors_are_for_the_system() {
        let check = |text: &str, said: &str| assert_eq!(without_numbers(text), said);
        check("cannot read `a`: No such file (os error 2)", "cannot read `a`: No such file");
        check("a (os error 2) and b (os error 17)", "a and b");
        check("it ended\nbind (os error 98)", "it ended\nbind (os error 98)");
        check("a (os error x) b", "a (os error x) b");
    }
}
