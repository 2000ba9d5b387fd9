//! Words by which somebody may ask.
//!
//! A file has one a line, behind what it permits: `read`, `operate` or `admin`. It is read once,
//! and refused where others than its owner can read it.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use crate::failed::Failed;

/// What somebody may do; each may what those before may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    /// Look, but not at secrets.
    Read,
    /// Also start, stop and delete.
    Operate,
    /// Also look at secrets.
    Admin,
}

impl Role {
    fn of(word: &str) -> Option<Self> {
        match word {
            "read" => Some(Self::Read),
            "operate" => Some(Self::Operate),
            "admin" => Some(Self::Admin),
            _ => None,
        }
    }
}

/// Characters that a token has at least: it must not be found by trying.
const LEAST: usize = 20;

/// Every token, and what it permits.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Tokens(Vec<(Role, String)>);

impl std::fmt::Debug for Tokens {
    /// Without the tokens.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Tokens({})", self.0.len())
    }
}

impl Tokens {
    /// Reads a file of tokens.
    pub(crate) fn load(path: &Path) -> Result<Self, Failed> {
        let how = how_to_write_one(path);
        Self::parse(&private(path, &how)?)
            .map_err(|why| Failed::new(format!("`{}`: {why}", path.display())).hint(how))
    }

    /// Reads the lines of a file.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut all: Vec<(Role, String)> = Vec::new();
        for (number, line) in (1..).zip(text.lines().map(str::trim)) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let wrong = |why: &str| Err(format!("line {number}: {why}"));
            let Some((role, token)) = line.split_once(char::is_whitespace) else {
                return wrong("a line is what a token permits, and the token");
            };
            let Some(role) = Role::of(role) else {
                return wrong("a token permits `read`, `operate` or `admin`");
            };
            let token = token.trim_start();
            if token.len() < LEAST || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
                return wrong("a token has 20 characters or more, and no space in it");
            }
            if all.iter().any(|(_, other)| other == token) {
                return wrong("this token stands there twice");
            }
            all.push((role, token.to_owned()));
        }
        if all.is_empty() { Err("there is no token in it".to_owned()) } else { Ok(Self(all)) }
    }

    /// Whether nobody is asked for one.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns what a token permits. How long that takes says nothing of how much of it is right.
    pub(crate) fn role_of(&self, given: &str) -> Option<Role> {
        let found = self.0.iter().filter(|(_, token)| is_same(token.as_bytes(), given.as_bytes()));
        found.fold(None, |_, (role, _)| Some(*role))
    }
}

/// Reads a file with tokens in it, which nobody else may read. `how` says how to write one.
pub(super) fn private(path: &Path, how: &str) -> Result<String, Failed> {
    let shown = path.display();
    let cannot = |error: std::io::Error| Failed::new(format!("cannot read `{shown}`: {error}"));
    let meta = fs::metadata(path).map_err(|error| cannot(error).hint(how))?;
    let (me, owner) = (rustix::process::geteuid().as_raw(), meta.uid());
    if meta.mode() & 0o077 != 0 || (owner != me && owner != 0) {
        let path = path.to_string_lossy();
        let pasted = ostler_shell::word(&path);
        return Err(Failed::new(format!("others can read the tokens in `{shown}`"))
            .hint(format!("run `chmod 600 {pasted}`, and write other tokens into it")));
    }
    fs::read_to_string(path).map_err(cannot)
}

fn is_same(one: &[u8], other: &[u8]) -> bool {
    let differs = one.iter().zip(other).fold(0, |all, (one, other)| all | (one ^ other));
    one.len() == other.len() && std::hint::black_box(differs) == 0
}

fn how_to_write_one(path: &Path) -> String {
    let path = path.to_string_lossy();
    let pasted = ostler_shell::word(&path);
    format!("write one: `(umask 077; echo \"operate $(openssl rand -hex 24)\" > {pasted})`")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "0123456789abcdef0123";

    #[test]
    fn a_token_permits_what_its_line_says_and_a_part_of_it_nothing() {
        let tokens = Tokens::parse(&format!("# mine\nread {TOKEN}\n\nadmin  {TOKEN}x\n")).unwrap();
        assert_eq!(tokens.role_of(TOKEN), Some(Role::Read));
        assert_eq!(tokens.role_of(&format!("{TOKEN}x")), Some(Role::Admin));
        for wrong in ["", "x", &TOKEN[1..], &TOKEN[..19], &format!("{TOKEN}y")] {
            assert_eq!(tokens.role_of(wrong), None, "{wrong}");
        }
        assert!(Role::Read < Role::Operate && Role::Operate < Role::Admin);
        assert_eq!(format!("{tokens:?}"), "Tokens(2)");
    }

    #[test]
    fn a_file_that_would_permit_something_else_than_meant_is_refused() {
        for (text, says) in [
            ("", "there is no token"),
            ("read\n", "line 1: a line is"),
            (&format!("write {TOKEN}") as &str, "line 1: a token permits"),
            ("\nread short\n", "line 2: a token has 20"),
            (&format!("read {TOKEN} x"), "line 1: a token has 20"),
            (&format!("read {TOKEN}\nadmin {TOKEN}"), "line 2: this token stands"),
        ] {
            let why = Tokens::parse(text).unwrap_err();
            assert!(why.starts_with(says), "{text}: {why}");
        }
    }

    #[test]
    fn a_file_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens");
        fs::write(&path, format!("read {TOKEN}\n")).unwrap();
        let load = |mode| {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            Tokens::load(&path).map_err(|refusal| refusal.to_string())
        };
        assert!(load(0o640).unwrap_err().contains("others can read"));
        assert!(load(0o600).is_ok());
    }
}
