//! Every numbered invariant of ARCHITECTURE.md names a test that exists.
//!
//! An invariant that nothing can break is a wish. The form is `` `test: core::story::name` ``: the
//! folder below `crates/`, the modules, the test function.

use crate::source::Source;

/// Findings for the page, given every Rust file.
pub fn check(page: &str, files: &[Source]) -> Vec<String> {
    let items = items(page);
    let mut findings: Vec<String> = Vec::new();
    if items.is_empty() {
        findings.push("ARCHITECTURE.md has no numbered invariant under `## Invariants`".to_owned());
    }
    for item in items {
        let number = item.split('.').next().unwrap_or("?");
        let tests: Vec<&str> =
            item.split("`test: ").skip(1).filter_map(|t| t.split('`').next()).collect();
        if tests.is_empty() {
            findings.push(format!("ARCHITECTURE.md: invariant {number} names no test"));
        }
        for test in tests.iter().filter(|test| !exists(test, files)) {
            findings.push(format!(
                "ARCHITECTURE.md: invariant {number} names `{test}`, but there is no such test"
            ));
        }
    }
    findings
}

/// The numbered items below `## Invariants`, each with the lines that belong to it.
fn items(page: &str) -> Vec<String> {
    let section = page
        .lines()
        .skip_while(|l| l.trim() != "## Invariants")
        .skip(1)
        .take_while(|l| !l.starts_with("## "));
    let mut items: Vec<String> = Vec::new();
    let mut inside = false;
    for line in section {
        let digits = line.len() - line.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        if 0 < digits && line.get(digits..).is_some_and(|rest| rest.starts_with(". ")) {
            items.push(line.to_owned());
            inside = true;
        } else if line.starts_with(' ') && inside {
            if let Some(last) = items.last_mut() {
                last.push(' ');
                last.push_str(line.trim());
            }
        } else if !line.trim().is_empty() {
            inside = false;
        }
    }
    items
}

fn exists(test: &str, files: &[Source]) -> bool {
    let mut parts: Vec<&str> = test.split("::").collect();
    let Some(name) = parts.pop() else { return false };
    let Some((krate, modules)) = parts.split_first() else { return false };
    let folder = if *krate == "xtask" { "xtask/".to_owned() } else { format!("crates/{krate}/") };
    files
        .iter()
        .filter(|f| f.path.starts_with(&folder))
        .any(|f| in_modules(f, modules) && has_test(&f.text, name))
}

/// The file's path, or a `mod` in it, has each of the modules.
fn in_modules(file: &Source, modules: &[&str]) -> bool {
    let on_path =
        |module: &str| file.path.trim_end_matches(".rs").split('/').any(|part| part == module);
    modules.iter().all(|m| on_path(m) || file.text.contains(&format!("mod {m} {{")))
}

/// There is a function of this name, with a test attribute above it.
fn has_test(text: &str, name: &str) -> bool {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let head = format!("fn {name}(");
    let is_test = |at: usize| {
        let above = lines.get(..at).unwrap_or_default().iter().rev();
        above
            .take_while(|l| l.starts_with("#[") || l.starts_with("//"))
            .any(|l| l.starts_with("#[test]"))
    };
    (0..).zip(&lines).any(|(at, line)| line.starts_with(&head) && is_test(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files() -> Vec<Source> {
        let text = "#[test]\n#[ignore]\nfn it_holds() {}\nfn helper() {}\n".to_owned();
        vec![Source { path: "crates/core/tests/it/story.rs".to_owned(), text }]
    }

    #[track_caller]
    fn check_page(invariants: &str, findings: &[&str]) {
        let page = format!(
            "# A\n\n1. not an invariant\n\n\
             ## Invariants\n\nText.\n\n{invariants}\n\n\
             ## Next\n\n2. nor this\n"
        );
        assert_eq!(check(&page, &files()), findings);
    }

    #[test]
    fn an_invariant_with_its_test_passes_also_over_two_lines() {
        check_page(
            "1. **A.** Holds.\n   `test: core::story::it_holds`\n2. **B.** `test: core::it_holds`",
            &[],
        );
    }

    #[test]
    fn an_invariant_without_a_test_is_found() {
        check_page("1. **A.** Holds.", &["ARCHITECTURE.md: invariant 1 names no test"]);
        check_page(
            "No list.",
            &["ARCHITECTURE.md has no numbered invariant under `## Invariants`"],
        );
    }

    #[test]
    fn a_test_that_is_not_there_is_found() {
        for missing in [
            "core::story::gone",
            "core::other::it_holds",
            "wire::story::it_holds",
            "core::story::helper",
        ] {
            let expected = format!(
                "ARCHITECTURE.md: invariant 1 names `{missing}`, but there is no such test"
            );
            check_page(&format!("1. A. `test: {missing}`"), &[&expected]);
        }
    }
}
