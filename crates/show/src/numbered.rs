//! Many files whose names differ by a number alone, as one.

/// Returns the files as one pattern that a shell reads, `/h/api-out-{0..15}.log`; where their
/// names have no numbers that follow each other, the first and the last.
pub(crate) fn numbered(files: &[String]) -> String {
    let mut different: Vec<&String> = Vec::new();
    for file in files {
        if !different.contains(&file) {
            different.push(file);
        }
    }
    match different.as_slice() {
        [] => String::new(),
        [one] => (*one).clone(),
        [first, .., last] => pattern(&different).unwrap_or_else(|| match different.len() {
            2 => format!("{first}, {last}"),
            count => format!("{first} … {last} ({count} files)"),
        }),
    }
}

/// The pattern of names that are the same but for one number, which counts up.
fn pattern(files: &[&String]) -> Option<String> {
    let (first, last) = (files.first()?, files.last()?);
    let places = numbers(first);
    places.into_iter().rev().find_map(|(start, end)| {
        let (head, tail) = (first.get(..start)?, first.get(end..)?);
        let number = |file: &String| -> Option<u32> {
            let digits = file.strip_prefix(head)?.strip_suffix(tail)?;
            let number: u32 = digits.parse().ok()?;
            (number.to_string() == digits).then_some(number)
        };
        let from = number(first)?;
        let counts = (from..).zip(files).all(|(nth, file)| number(file) == Some(nth));
        counts.then(|| format!("{head}{{{from}..{}}}{tail}", number(last).unwrap_or(from)))
    })
}

/// Where digits stand in a text.
fn numbers(text: &str) -> Vec<(usize, usize)> {
    let mut places: Vec<(usize, usize)> = Vec::new();
    for (at, _) in text.char_indices().filter(|(_, c)| c.is_ascii_digit()) {
        match places.last_mut().filter(|(_, end)| *end == at) {
            Some((_, end)) => *end += 1,
            None => places.push((at, at + 1)),
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_are_numbered_are_one_pattern_that_a_shell_reads() {
        let check = |files: &[&str], expected: &str| {
            let files: Vec<String> = files.iter().map(|&file| file.to_owned()).collect();
            assert_eq!(numbered(&files), expected);
        };
        check(&["/h/api-out.log"; 16], "/h/api-out.log");
        check(&["/h2/a-8.log", "/h2/a-9.log", "/h2/a-10.log"], "/h2/a-{8..10}.log");
        check(&["/h/a-0.log", "/h/a-1.log"], "/h/a-{0..1}.log");
        check(&["/h/a-0.log", "/h/a-2.log"], "/h/a-0.log, /h/a-2.log");
        check(&["/h/a-0.log", "/h/a-2.log", "/h/a-4.log"], "/h/a-0.log … /h/a-4.log (3 files)");
        check(&["/h/x.log", "/h/y.log", "/h/z.log"], "/h/x.log … /h/z.log (3 files)");
        check(&[], "");
        let files: Vec<String> = (3..19).map(|nth| format!("/h/big out-{nth}.log")).collect();
        let script = format!("printf '%s\\n' {}", numbered(&files).replace(' ', "\\ "));
        let read = std::process::Command::new("bash").args(["-c", &script]).output().unwrap();
        let read = String::from_utf8(read.stdout).unwrap();
        assert_eq!(read.lines().collect::<Vec<_>>(), files);
    }
}
