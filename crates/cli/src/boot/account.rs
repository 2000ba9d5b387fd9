//! The user that a service runs as.

use std::path::PathBuf;
use std::process::Command;

use crate::failed::Failed;

/// A user of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) name: String,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    /// The home directory.
    pub(crate) home: PathBuf,
}

impl Account {
    /// Finds the user of this name or number, from `/etc/passwd`, else from whatever
    /// directory `getent` asks.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) fn find(wanted: &str) -> Result<Self, Failed> {
        let local = std::fs::read("/etc/passwd").unwrap_or_default();
        let found = parse(&String::from_utf8_lossy(&local), wanted);
        // A word that looks like an option is never given to a program.
        let found = match found {
            None if wanted.starts_with('-') => None,
            None => ask(wanted),
            found => found,
        };
        found.ok_or_else(|| {
            Failed::new(format!("there is no user `{}`", ostler_text::shown(wanted)))
                .hint("give the name of an existing user, for example `-u www-data`")
        })
    }
}

fn ask(wanted: &str) -> Option<Account> {
    // No such program is as good an answer as no such user.
    let answer = Command::new("getent").args(["passwd", wanted]).output().ok()?;
    parse(&String::from_utf8_lossy(&answer.stdout), wanted)
}

fn parse(text: &str, wanted: &str) -> Option<Account> {
    let accounts: Vec<Account> = text.lines().filter_map(account).collect();
    let number = wanted.parse::<u32>().ok();
    let by_name = accounts.iter().find(|account| account.name == wanted);
    by_name.or_else(|| accounts.iter().find(|account| Some(account.uid) == number)).cloned()
}

fn account(line: &str) -> Option<Account> {
    let mut fields = line.split(':');
    let name = fields.next().filter(|name| !name.is_empty())?.to_owned();
    let uid = fields.nth(1)?.parse().ok()?;
    let gid = fields.next()?.parse().ok()?;
    Some(Account { name, uid, gid, home: PathBuf::from(fields.nth(1)?) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_name_and_by_number() {
        let text = "root:x:0:0:root:/root:/bin/sh\nwww:x:33:34:w:/var/www:/bin/false\n";
        let www =
            Account { name: "www".to_owned(), uid: 33, gid: 34, home: PathBuf::from("/var/www") };
        assert_eq!(parse(text, "www"), Some(www.clone()));
        assert_eq!(parse(text, "33"), Some(www));
        assert_eq!(parse(text, "ww"), None);
        assert_eq!(parse("", "root"), None);
    }
}
