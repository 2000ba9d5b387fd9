//! Environment variables are named in one crate, `ostler-env`, so that each is described there.

use super::Source;

/// Calls whose first argument is the name of a variable. Written in two parts, so that this file
/// does not find itself.
const CALLS: [&str; 5] = [
    concat!("env::", "var("),
    concat!("env::", "var_os("),
    concat!("env::", "set_var("),
    concat!("env::", "remove_var("),
    concat!(".env", "_remove("),
];

/// How a name of ours begins in a string.
const OURS: &str = concat!("\"OST", "LER_");

/// Returns a finding for each name that is a string in product code, and for each name of ours in
/// a test that has no row.
pub fn check(file: &Source) -> Vec<String> {
    let path = &file.path;
    if path.starts_with("crates/env/") {
        return Vec::new();
    }
    // In a file of the product, tests are at the end, after everything else.
    let is_test = path.contains("/tests/")
        || path.ends_with("tests.rs")
        || path.starts_with("crates/testkit/");
    let product =
        if is_test { 0 } else { file.text.find("#[cfg(test)]").unwrap_or(file.text.len()) };
    let mut findings = Vec::new();
    for call in CALLS {
        for (at, _) in file.text.match_indices(call).filter(|(at, _)| *at < product) {
            let argument = file.text[at + call.len()..].trim_start();
            if argument.starts_with('"') {
                findings.push(finding(file, at, "use the constant of `ostler-env`"));
            }
        }
    }
    for (at, _) in file.text.match_indices(OURS) {
        let name = file.text[at + 1..].split('"').next().unwrap_or_default();
        let is_name = name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
        if !is_name {
            continue;
        }
        if at < product {
            findings.push(finding(file, at, &format!("use `ostler_env::{name}`")));
        } else if ostler_env::find(name).is_none() {
            findings.push(finding(file, at, &format!("`{name}` has no row in `ostler-env`")));
        }
    }
    findings
}

fn finding(file: &Source, at: usize, what: &str) -> String {
    let line = file.text[..at].matches('\n').count() + 1;
    format!("{}:{line}: an environment variable is named in a string: {what}", file.path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(path: &str, text: &str) -> usize {
        check(&Source { path: path.to_owned(), text: text.to_owned() }).len()
    }

    #[test]
    fn a_name_in_a_string_is_found_also_on_the_next_line() {
        for call in CALLS {
            let text = format!("f{call}\n    \"X\")");
            assert_eq!(findings("crates/a/src/a.rs", &text), 1, "{call}");
            assert_eq!(findings("crates/env/src/a.rs", &text), 0, "{call}");
            assert_eq!(findings("crates/a/tests/it/a.rs", &text), 0, "{call}");
            let inside = format!("#[cfg(test)]\nmod tests {{ f{call}\"X\") }}");
            assert_eq!(findings("crates/a/src/a.rs", &inside), 0, "{call}");
            assert_eq!(findings("crates/a/src/a.rs", &format!("f{call}ostler_env::X)")), 0);
        }
    }

    #[test]
    fn a_name_of_ours_is_a_constant_in_the_product_and_has_a_row_in_a_test() {
        let check = |path: &str, name: &str, count: usize| {
            assert_eq!(findings(path, &format!("set({OURS}{name}\")")), count, "{path} {name}");
        };
        check("crates/a/src/a.rs", "HOME", 1);
        check("crates/a/tests/it/a.rs", "HOME", 0);
        check("crates/a/tests/it/a.rs", "NOBODY_DESCRIBED", 1);
    }
}
