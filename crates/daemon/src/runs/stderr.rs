//! What a run wrote last to its standard error.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use ostler_core::RunId;

use super::Runs;
use crate::environment;

/// Lines that are quoted, at most.
const LINES: usize = 10;
/// Lines of the very end that stay when more is cut.
const END: usize = 3;
/// Bytes that are looked at for them, at most.
const BYTES: u64 = 16 << 10;

impl Runs {
    /// Returns the last lines that a run wrote to its standard error.
    pub fn stderr_tail(&self, run: RunId) -> Vec<String> {
        let Some(held) = self.get(run) else { return Vec::new() };
        let Some(spec) = &held.settings else { return Vec::new() };
        let [_, err, _] = environment::log_files(spec, held.proc);
        err.map_or_else(Vec::new, |path| tail_after(&path, held.stderr_offset))
    }
}

/// The last lines of a file beyond `offset`.
fn tail_after(path: &Path, offset: u64) -> Vec<String> {
    let bytes = read_after(path, offset).unwrap_or_default();
    quoted(&String::from_utf8_lossy(&bytes))
}

/// The lines that are quoted: the last ones, and among them the one that names the error. A long
/// stack below it is cut in the middle.
fn quoted(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let first = lines.len().saturating_sub(LINES);
    let last = |from: usize| lines.iter().skip(from).map(|line| (*line).to_owned());
    let Some(named) = lines.iter().rposition(|line| names_error(line)).filter(|at| *at < first)
    else {
        return last(first).collect();
    };
    let begin = lines.iter().skip(named).take(LINES - 1 - END).map(|line| (*line).to_owned());
    let between = lines.len() - named - (LINES - 1 - END) - END;
    let cut = std::iter::once(format!("    … {between} more lines …"));
    begin.chain(cut).chain(last(lines.len() - END)).collect()
}

/// Whether a line says what went wrong, in the words of the usual runtimes, and is not a place
/// in a stack.
fn names_error(line: &str) -> bool {
    const WORDS: [&str; 9] =
        ["Error:", "Error [", "error:", "Exception", "panic", "Panic", "fatal", "Fatal", "FATAL"];
    let text = line.trim_start();
    // A cause that is told below the error that it led to says more than that one.
    let is_place = ["at ", "#", "from ", "File \""].iter().any(|word| text.starts_with(word));
    !is_place && (WORDS.iter().any(|word| text.contains(word)) || text.starts_with("Error"))
}

fn read_after(path: &Path, offset: u64) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    let begin = if length < offset { 0 } else { offset.max(length.saturating_sub(BYTES)) };
    file.seek(SeekFrom::Start(begin))?;
    let mut bytes = Vec::new();
    file.take(BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stack(places: usize) -> String {
        (0..places).map(|at| format!("    at step{at} (/srv/app.js:{at}:1)\n")).collect()
    }

    #[test]
    fn the_line_that_names_the_error_is_quoted_above_a_long_stack() {
        let text = format!(
            "warm\n/srv/app.js:3\nthrow e\n^\n\nTypeError: no db\n{}\nNode.js v20.20.2\n",
            stack(30)
        );
        let said = quoted(&text);
        assert_eq!((said.len(), said[0].as_str()), (LINES, "TypeError: no db"));
        assert_eq!(said[6], "    … 23 more lines …");
        assert_eq!(said[9], "Node.js v20.20.2");
    }

    #[test]
    fn a_short_output_is_quoted_whole_and_a_long_one_from_its_end() {
        let text = format!("booting\nError: x\n{}", stack(3));
        assert_eq!(quoted(&text).len(), 5);
        let python: String =
            (0..20).map(|at| format!("  File \"a.py\", line {at}, in f\n    f()\n")).collect();
        let said = quoted(&format!("Traceback (most recent call last):\n{python}ValueError: bad"));
        assert_eq!((said.len(), said[9].as_str()), (LINES, "ValueError: bad"));
        let plain: String = (0..40).map(|at| format!("line {at}\n")).collect();
        assert_eq!(quoted(&plain), (30..40).map(|at| format!("line {at}")).collect::<Vec<_>>());
    }

    #[test]
    fn the_last_error_is_the_one_that_counts() {
        let two = format!("Error: early\n{}Error: late\n{}", stack(12), stack(12));
        assert_eq!(quoted(&two)[0], "Error: late");
        let go = format!("panic: no port\n\ngoroutine 1 [running]:\n{}", stack(20));
        assert_eq!(quoted(&go)[0], "panic: no port");
    }
}
