//! The documentation in the repository is the one that the program prints.

use std::path::{Path, PathBuf};
use std::process::Command;

fn generate(name: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_ostler")).args(["generate", name]).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[test]
fn the_checked_in_documentation_is_the_generated_one() {
    let list = generate("list");
    assert!(!list.is_empty());
    for (name, file) in list.lines().map(|line| line.split_once(' ').unwrap()) {
        let text = std::fs::read_to_string(root().join(file)).unwrap_or_default();
        let same = text == generate(name);
        assert!(
            same,
            "`{file}` is not what `ostler generate {name}` prints: run `cargo xtask docs`"
        );
    }
}

#[test]
fn readers_of_manual_pages_have_no_complaint() {
    let page = root().join("docs/man/ostler.1");
    let check = |program: &str, args: &[&str], complaints: fn(Vec<u8>) -> Vec<u8>| {
        let output = match Command::new(program).args(args).arg(&page).output() {
            Ok(output) => output,
            Err(error) => return println!("{program}: {error}"),
        };
        let said = String::from_utf8([output.stderr, complaints(output.stdout)].concat()).unwrap();
        assert!(output.status.success() && said.is_empty(), "{program}: {said}");
    };
    check("mandoc", &["-T", "lint"], |out| out);
    // It prints the page, and complains on standard error.
    check("man", &["--warnings=w", "--local-file", "-Tutf8"], |_| Vec::new());
}

#[test]
fn a_text_that_does_not_exist_is_refused_with_those_that_do() {
    let output = Command::new(env!("CARGO_BIN_EXE_ostler")).args(["generate", "x"]).output();
    let output = output.unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(error.contains("`x`") && error.contains("commands"), "{error}");
}

/// The README did not name containers, which the page about PM2 does.
#[test]
fn what_is_not_there_yet_is_the_same_in_the_readme_and_for_who_comes_from_pm2() {
    let listed = |file: &str, heading: &str, before: &str| -> Vec<String> {
        let text = std::fs::read_to_string(root().join(file)).unwrap();
        let (_, section) = text.split_once(heading).unwrap();
        let (_, list) = section.split_once(before).unwrap();
        let (list, _) = list.split_once(").").unwrap();
        let list = list.split_whitespace().collect::<Vec<_>>().join(" ");
        list.split(", ").map(str::to_owned).collect()
    };
    let readme = listed("README.md", "## Not yet", "there: ");
    let from = listed("docs/from-pm2.md", "## Not there yet", "There are no ");
    assert_eq!(readme, from);
    assert!(readme.iter().any(|one| one.contains("start --container")), "{readme:?}");
}
