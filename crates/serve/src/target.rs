//! What a request asks for: the path in its first line, taken apart.
//!
//! Nothing of it reaches the file system but names of one file or folder each, joined: no `..`, no
//! empty name, no name that begins with a dot, but `.well-known`, which certificates need.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// The one hidden folder that is meant for strangers (RFC 8615).
const WELL_KNOWN: &[u8] = b".well-known";

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// Relative to the folder; empty for the folder itself.
    pub(crate) path: PathBuf,
    /// It ends with a slash: a folder is meant.
    pub(crate) is_folder: bool,
}

/// Why there is no such thing, whatever files there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotServed {
    /// It is no path of HTTP.
    Malformed,
    /// It leads out of the folder.
    Outside,
    /// Hidden files are not told from missing ones.
    Hidden,
}

/// Takes a request's target apart.
pub(crate) fn of(target: &str) -> Result<Target, NotServed> {
    let path = path_part(target).ok_or(NotServed::Malformed)?;
    let mut parts = PathBuf::new();
    let mut is_folder = true;
    for name in path.split('/') {
        let name = decoded(name).ok_or(NotServed::Malformed)?;
        is_folder = name.is_empty() || name == b".";
        match name.as_slice() {
            b"" | b"." => {}
            b".." => return Err(NotServed::Outside),
            // A slash that was encoded would join names that were checked apart.
            name if name.contains(&b'/') => return Err(NotServed::Outside),
            name if name.contains(&0) => return Err(NotServed::Malformed),
            WELL_KNOWN => parts.push(OsStr::from_bytes(WELL_KNOWN)),
            [b'.', ..] => return Err(NotServed::Hidden),
            name => parts.push(OsStr::from_bytes(name)),
        }
    }
    Ok(Target { path: parts, is_folder })
}

/// Returns the path of a URL that means this folder: with one slash before and one after it, so
/// that no browser takes it for another host.
pub(crate) fn location(folder: &Path) -> String {
    let mut out = String::from("/");
    for name in folder {
        for byte in name.as_bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                    out.push(char::from(*byte));
                }
                byte => out.push_str(&format!("%{byte:02X}")),
            }
        }
        out.push('/');
    }
    out
}

/// The path of `/a?b`, or of `http://host/a?b`, which proxies send.
fn path_part(target: &str) -> Option<&str> {
    let path = match target.split_once("://") {
        Some(("http" | "https", rest)) => rest.find('/').map_or("/", |at| &rest[at..]),
        Some(_) | None => target,
    };
    let path = path.split(['?', '#']).next().unwrap_or_default();
    path.starts_with('/').then_some(path)
}

fn decoded(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'%' => digit(bytes.next()?)? << 4 | digit(bytes.next()?)?,
            byte => byte,
        });
    }
    Some(out)
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_decoded_and_taken_apart() {
        for (target, path, is_folder) in [
            ("/", "", true),
            ("/a/b.js", "a/b.js", false),
            ("/a/", "a", true),
            ("/a//./b", "a/b", false),
            ("/a%20b?x=/../y#z", "a b", false),
            ("http://h.example/a", "a", false),
            ("http://h.example", "", true),
            ("/.well-known/acme-challenge/x", ".well-known/acme-challenge/x", false),
            ("/a..b/c.", "a..b/c.", false),
        ] {
            let wanted = Target { path: path.into(), is_folder };
            assert_eq!(of(target), Ok(wanted), "{target}");
        }
    }

    #[test]
    fn what_leads_out_or_is_hidden_is_refused() {
        for (target, refusal) in [
            ("/..", NotServed::Outside),
            ("/a/%2e%2e/b", NotServed::Outside),
            ("/%2E%2E%2Fetc", NotServed::Outside),
            ("/a%2fb", NotServed::Outside),
            ("/.git/config", NotServed::Hidden),
            ("/a/.env", NotServed::Hidden),
            ("/%2eenv", NotServed::Hidden),
            ("/...", NotServed::Hidden),
            ("/a%00.html", NotServed::Malformed),
            ("/a%", NotServed::Malformed),
            ("/a%g0", NotServed::Malformed),
            ("*", NotServed::Malformed),
            ("", NotServed::Malformed),
            ("ftp://h/a", NotServed::Malformed),
        ] {
            assert_eq!(of(target), Err(refusal), "{target}");
        }
    }

    #[test]
    fn a_redirection_stays_on_this_host() {
        let folder = of("//evil.example/a b").unwrap().path;
        assert_eq!(location(&folder), "/evil.example/a%20b/");
        assert_eq!(location(Path::new("a\\b\r\nc")), "/a%5Cb%0D%0Ac/");
    }
}
