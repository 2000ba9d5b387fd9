//! From the words that a script hands over to the lines that it reads.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use ostler_client::Home;

use super::candidates::{Candidates, candidates};
use super::known::Known;
use super::words::Line;
use crate::program::{Name, Program};

/// Answers a script: `__complete bash BREAKS LINE`, or `__complete words WORD… CURRENT`.
pub(crate) fn main() -> ExitCode {
    let mut arguments = std::env::args_os();
    let program = Name::of(arguments.next().as_deref()).program();
    let home = program.home(|name| std::env::var_os(name).map(PathBuf::from));
    let text = answer(arguments.skip(1), program, &mut Known::new(home));
    let written = rustix::io::write(std::io::stdout(), text.as_bytes());
    if written == Ok(text.len()) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Returns what is printed; nothing when the script is of another version.
fn answer(
    arguments: impl Iterator<Item = OsString>,
    program: Program,
    known: &mut Known,
) -> String {
    let words: Option<Vec<String>> = arguments.map(|word| word.into_string().ok()).collect();
    match words.as_deref() {
        Some([form, breaks, line]) if form == "bash" => {
            let line = Line::of(line);
            let before = line.words.get(1..).unwrap_or_default();
            let kept = line.kept(breaks);
            print(&candidates(before, &line.current, program, known), kept)
        }
        Some([form, before @ .., current]) if form == "words" => {
            print(&candidates(before, current, program, known), 0)
        }
        Some(_) | None => String::new(),
    }
}

/// Returns the words that may stand at the end of a line, as PM2's own script for shells reads
/// them: nothing but words, one a line.
pub(crate) fn of_line(line: &str, home: &Home) -> String {
    words_for(line, &mut Known::new(Some(home.clone())))
}

fn words_for(line: &str, known: &mut Known) -> String {
    let line = Line::of(line);
    let before = line.words.get(1..).unwrap_or_default();
    let found = candidates(before, &line.current, Program::Pm2, known);
    let safe = found.words.iter().filter(|(word, _)| !word.contains(ostler_text::is_unsafe));
    safe.flat_map(|(word, _)| [word, "\n"]).collect()
}

fn print(candidates: &Candidates, kept: usize) -> String {
    let mut text = if candidates.files { "files\n" } else { "none\n" }.to_owned();
    for (value, about) in &candidates.words {
        // A line end in a name would be read as the next candidate, and a shell writes the rest
        // as it is.
        if !value.contains(ostler_text::is_unsafe) {
            text.extend([value.get(kept..).unwrap_or_default(), "\t", about, "\n"]);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::sample::sample;

    #[test]
    fn each_shell_gets_the_part_of_the_word_that_it_replaces() {
        let check = |words: &[&str], expected: &str| {
            let mut known = Known::of(vec![sample(0, "a:b"), sample(1, "two\nlines")]);
            let words = words.iter().map(OsString::from);
            assert_eq!(answer(words, Program::Ostler, &mut known), expected);
        };
        check(&["words", "scale", "a"], "none\na:b\t\n");
        check(&["bash", " =:", "ostler scale a:"], "none\nb\t\n");
        check(&["bash", " =", "ostler scale a:"], "none\na:b\t\n");
        check(&["words", "--sort=na"], "none\n--sort=name\t\n--sort=namespace\t\n");
        check(&["bash", " =:", "ostler --sort=na"], "none\nname\t\nnamespace\t\n");
        check(&["words", "start", "--cwd", ""], "files\n");
        check(&["powershell"], "");
    }

    #[test]
    fn a_script_of_pm2s_gets_words_alone() {
        let mut known = Known::of(vec![sample(0, "web"), sample(1, "work"), sample(2, "a\nb")]);
        assert_eq!(words_for("pm2 res", &mut known), "restart\nreset\nresurrect\n");
        assert_eq!(words_for("pm2 scale w", &mut known), "web\nwork\n");
        assert_eq!(words_for("pm2 start --nam", &mut known), "--name\n--namespace\n");
    }
}
