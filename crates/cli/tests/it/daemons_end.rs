//! What is said while one daemon after the other ends before it answers.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::Stdio;

use crate::fake::{Fake, process};

/// The socket is there, and nobody lives who would take a connection: commands waited
/// without a word.
#[test]
fn that_no_daemon_stays_is_told_once_on_standard_error() {
    for (name, line, is_told) in [
        ("ostler", "list", "warning: one daemon after the other ends before it answers"),
        ("ostler", "stop app", "warning: one daemon after the other ends before it answers"),
        ("pm2", "jlist", "[PM2][WARN] one daemon after the other ends before it answers"),
    ] {
        let (fake, begin) = Fake::late(vec![process(0, "app")], Box::new(|_| None));
        let mut command = fake.command(name, line.split(' '));
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap());
        let mut first = String::new();
        said.read_line(&mut first).unwrap();
        assert!(first.starts_with(is_told), "{line}: {first}");
        // The next one stays.
        begin.send(()).unwrap();
        let mut rest = String::new();
        said.read_to_string(&mut rest).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success() && !rest.contains("ends before"), "{line}: {rest}");
        let out = String::from_utf8(output.stdout).unwrap();
        assert!(!out.contains("daemon"), "{line}: {out}");
    }
}
