//! Files of other managers, and the process files that they become: beside each other in
//! `imported`. `UPDATE_EXPECT=1` writes them anew.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use expect_test::expect_file;
use ostler_export::{Foreign, Imported, import};

use crate::apps;

#[test]
fn a_file_of_another_manager_becomes_a_process_file_in_which_nothing_is_wrong() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/imported");
    for (kind, name) in [
        (Foreign::Compose, "compose.yaml"),
        (Foreign::Procfile, "Procfile"),
        (Foreign::Supervisord, "shop.conf"),
        (Foreign::Systemd, "shop.service"),
    ] {
        let text = fs::read_to_string(folder.join(name)).unwrap();
        assert_eq!(Foreign::of(name, &text), Some(kind));
        let Imported { text, notes, .. } = import(kind, name, &text).unwrap();
        let mut out = text.clone();
        for note in notes {
            writeln!(out, "# {}: {}", note.app, note.text).unwrap();
        }
        expect_file![folder.join(format!("{name}.out"))].assert_eq(&out);
        let place = tempfile::tempdir().unwrap();
        let place = place.path().canonicalize().unwrap();
        assert!(!apps(&text, &place, None).is_empty());
    }
}

#[test]
fn what_is_no_such_file_is_said_with_its_line() {
    for (name, text, line, why) in [
        ("Procfile", "web: a\nnode b.js\n", Some(2), "no `:` between"),
        ("Procfile", "# nothing\n", None, "says what is run"),
        ("a.conf", "x=1\n[program:a]\n", Some(1), "in no section"),
        ("a.service", "[Service]\nExecStart\n", Some(2), "no `=` between"),
        ("a.service", "[Service]\nType=simple\n", None, "says what is run"),
        ("a.service", "[Timer]\nOnCalendar=daily\n", Some(2), "`[Timer]` is no section"),
        ("a.yml", "services: [\n", Some(1), ""),
        ("a.yml", "services: 5\n", None, "no mapping of services"),
        ("a.yml", "services:\n  db: { image: postgres }\n", None, "says what is run"),
    ] {
        let kind = Foreign::of(name, text).unwrap();
        let wrong = import(kind, name, text).unwrap_err();
        assert!(wrong.why.contains(why) && wrong.line == line, "{line:?} {name} {text}: {wrong:?}");
    }
    for (name, text) in [("apps.json", "[]"), ("apps.yaml", "apps: []"), ("a.conf", "x=1")] {
        assert_eq!(Foreign::of(name, text), None, "{name}");
    }
}
