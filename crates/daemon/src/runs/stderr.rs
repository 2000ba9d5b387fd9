//! Where in its log files a run began to write, and what it wrote last to its standard error.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use ostler_core::ProcId;
use ostler_core::spec::AppSpec;

use crate::environment;

/// Lines that are quoted, at most.
const LINES: usize = 10;
/// Lines of the very end that stay when more is cut.
const END: usize = 3;
/// Bytes that are looked at for them, at most.
const BYTES: u64 = 16 << 10;

/// Returns the last lines that were written to output and to errors between these offsets.
pub(super) fn last_written(
    spec: &AppSpec,
    id: ProcId,
    from: [u64; 2],
    until: [u64; 2],
) -> [Vec<String>; 2] {
    let [out, err, _] = environment::log_files(spec, id);
    let tail = |path: Option<PathBuf>, from, until| {
        path.map_or_else(Vec::new, |path| tail_of(&path, from, until))
    };
    [tail(out, from[0], until[0]), tail(err, from[1], until[1])]
}

/// Returns how long the files of output and of errors of a slot are: a run that begins now
/// writes behind that.
pub fn log_lengths(spec: &AppSpec, id: ProcId) -> [u64; 2] {
    let [out, err, _] = environment::log_files(spec, id);
    let length = |path: PathBuf| std::fs::metadata(path).ok().map(|meta| meta.len());
    [out, err].map(|path| path.and_then(length).unwrap_or(0))
}

/// Returns the last lines that the current run of a slot wrote to its errors, from this offset on.
pub(super) fn tail_since(spec: &AppSpec, id: ProcId, offset: u64) -> Vec<String> {
    let [_, err, _] = environment::log_files(spec, id);
    err.map_or_else(Vec::new, |path| tail_of(&path, offset, u64::MAX))
}

/// The last lines of a file from `offset` to `end`.
fn tail_of(path: &Path, offset: u64, end: u64) -> Vec<String> {
    let bytes = read_between(path, offset, end).unwrap_or_default();
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
    !is_place
        && !is_native_place(text)
        && (WORDS.iter().any(|word| text.contains(word)) || text.starts_with("Error"))
}

/// Whether a line is a place in the stack that Node writes when it aborts, such as
/// ` 3: 0xee85e7 v8::internal::V8::FatalProcessOutOfMemory(…) [node]`.
fn is_native_place(text: &str) -> bool {
    let behind = text.trim_start_matches(|c: char| c.is_ascii_digit());
    behind.len() < text.len() && behind.starts_with(": 0x")
}

fn read_between(path: &Path, offset: u64, end: u64) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    // One that is shorter was emptied or replaced.
    let (offset, end) = if length < offset { (0, length) } else { (offset, end.min(length)) };
    let begin = offset.max(end.saturating_sub(BYTES));
    file.seek(SeekFrom::Start(begin))?;
    let mut bytes = Vec::new();
    file.take(end.saturating_sub(begin)).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines that were quoted were places alone, of which one has `Fatal` in its name.
    #[test]
    fn the_reason_of_an_abort_is_quoted_and_not_its_places_alone() {
        let place = |at: u32| format!(" {at}: 0xee85e7 v8::V8::FatalProcessOutOfMemory() [node]\n");
        let places: String = (1..20).map(place).collect();
        let said = quoted(&format!("GC\nFATAL ERROR: Reached heap limit\n{places}"));
        assert_eq!(said[0], "FATAL ERROR: Reached heap limit");
    }

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
