//! Commands as other managers write them, in words.

/// Variables, with their values, and the words behind them.
type Command = (Vec<(String, String)>, Vec<String>);

/// Splits a command into the variables that it begins with and its words; `None` where only a shell
/// knows what it means.
pub(super) fn plain(line: &str) -> Option<Command> {
    if line.contains(['$', '`', '|', '&', ';', '<', '>', '*', '?', '(', ')', '{', '}', '~', '#']) {
        return None;
    }
    let words = split(line)?;
    let pair = |word: &String| {
        let (name, value) = word.split_once('=')?;
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        name.chars().all(is_name).then(|| (name.to_owned(), value.to_owned()))
    };
    let variables: Vec<_> = words.iter().map_while(pair).collect();
    let words: Vec<String> = words.into_iter().skip(variables.len()).collect();
    (!words.is_empty()).then_some((variables, words))
}

/// Splits a text into words as a shell does. `None`: a quote in it is not closed.
pub(super) fn split(line: &str) -> Option<Vec<String>> {
    ostler_shell::Line::of(line).whole()
}

/// `TERM` and `SIGTERM` are the same.
pub(super) fn signal(name: &str) -> String {
    let bare = name.trim();
    if bare.starts_with("SIG") { bare.to_owned() } else { format!("SIG{bare}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_a_shell_and_what_needs_one_is_left_to_it() {
        let check = |line: &str, words: &[&str]| assert_eq!(split(line).unwrap(), words, "{line}");
        check("node  server.js", &["node", "server.js"]);
        check(r#"a "b c" 'd "e' f\ g """#, &["a", "b c", "d \"e", "f g", ""]);
        check(r#""a\"b"x"#, &["a\"bx"]);
        assert_eq!(split("a 'b"), None);
        for line in ["node $X", "a | b", "X=1", "a > b", ""] {
            assert_eq!(plain(line), None, "{line}");
        }
        let (variables, words) = plain("X='a b' node c=d").unwrap();
        assert_eq!(variables, [("X".to_owned(), "a b".to_owned())]);
        assert_eq!(words, ["node", "c=d"]);
    }
}
