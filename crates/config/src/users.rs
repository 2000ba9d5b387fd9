//! Users and groups by name or number, read from `passwd` and `group` directly: no library call
//! that may load modules or ask the network.

use std::path::Path;

use crate::context::Context;
use crate::diagnostic::Diagnostic;

/// A line of `passwd`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct User {
    pub name: String,
    pub uid: u32,
    pub gid: u32,
    pub home: String,
}

/// Refuses when the caller may not choose a user.
pub(crate) fn may_switch(key: &str, ctx: &Context) -> Result<(), Diagnostic> {
    if ctx.euid == 0 {
        return Ok(());
    }
    let message = format!("To use \"{key}\" you must be root, but you are `{}`", ctx.username);
    Err(Diagnostic::error("not-root", message)
        .own(format!("`{key}` needs root, but you are `{}`", ctx.username))
        .help(format!("run the daemon as root, or leave `{key}` out")))
}

/// The user of this name or number.
pub(crate) fn find_user(wanted: &str, ctx: &Context) -> Result<Option<User>, Diagnostic> {
    let text = read(&ctx.etc.join("passwd"))?;
    let users = || text.lines().filter_map(parse_user);
    let by_name = users().find(|user| user.name == wanted);
    Ok(by_name
        .or_else(|| wanted.parse().ok().and_then(|uid: u32| users().find(|user| user.uid == uid))))
}

/// Returns the name of the user of this number, if `passwd` in `etc` gives it.
#[must_use]
pub fn user_name(etc: &Path, uid: u32) -> Option<String> {
    let text = std::fs::read(etc.join("passwd")).ok()?;
    let text = String::from_utf8_lossy(&text);
    text.lines().filter_map(parse_user).find(|user| user.uid == uid).map(|user| user.name)
}

/// The number of the group of this name, or this number itself.
pub(crate) fn find_group(wanted: &str, ctx: &Context) -> Result<Option<u32>, Diagnostic> {
    let text = read(&ctx.etc.join("group"))?;
    let by_name = text.lines().find_map(|line| {
        let mut parts = line.split(':');
        (parts.next() == Some(wanted)).then(|| parts.nth(1)?.parse().ok()).flatten()
    });
    // A number needs no name; containers often have none.
    Ok(by_name.or_else(|| wanted.parse().ok()))
}

fn parse_user(line: &str) -> Option<User> {
    let mut parts = line.split(':');
    let name = parts.next().filter(|name| !name.is_empty() && !name.starts_with('#'))?.to_owned();
    let uid = parts.nth(1)?.parse().ok()?;
    let gid = parts.next()?.parse().ok()?;
    let home = parts.nth(1)?.to_owned();
    Some(User { name, uid, gid, home })
}

fn read(path: &Path) -> Result<String, Diagnostic> {
    let bytes = std::fs::read(path).map_err(|error| {
        Diagnostic::error("unreadable", format!("cannot read {}: {error}", path.display()))
    })?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_passwd() {
        let user = parse_user("www:x:33:34:web:/var/www:/bin/false").unwrap();
        assert_eq!(
            (user.name.as_str(), user.uid, user.gid, user.home.as_str()),
            ("www", 33, 34, "/var/www")
        );
        assert_eq!(parse_user("+::::::"), None);
        assert_eq!(parse_user(""), None);
    }
}
