//! `logrotate`: has the system's logrotate rotate the logs of a home.
//!
//! Two that rotate the same files would rotate what the other one has rotated, for the system's
//! goes by the ends of names. So what is built in is switched off.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use ostler_pm2::settings::Key;

use super::settings::tell_daemon;
use super::startup::for_me;
use super::startup::{below_root, write};
use crate::args::FlagId;
use crate::boot::Platform;
use crate::boot::account::Account;
use crate::caller;
use crate::failed::Failed;
use crate::program::Program;
use crate::session::Session;
use crate::settings_file::SettingsFile;
use crate::voice::Notice;

/// Where the system's logrotate looks.
const FOLDER: &str = "/etc/logrotate.d";
/// The setting by which our own rotation is off.
const SETTING: &str = "ostler.log_rotate";

/// Runs the command `logrotate`.
pub(super) fn run(session: &mut Session) -> Result<(), Failed> {
    let me = rustix::process::geteuid();
    let user =
        session.args.attribute("user").map_or_else(|| me.as_raw().to_string(), str::to_owned);
    let account = Account::find(&user).map_err(|failed| for_me(session, &user, failed))?;
    let named = session.args.value(FlagId::HomePath).map(PathBuf::from);
    let user_home = named.as_ref().unwrap_or(&account.home);
    let variable = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let is_own = named.is_none() && account.uid == me.as_raw();
    let home = session.program.home(|name| match name {
        ostler_env::HOME => Some(user_home.clone()),
        _ => variable(name).filter(|_| is_own),
    });
    let home = home.ok_or_else(|| Failed::new("no home is known"))?;
    let program = session.program;
    let target = Path::new(FOLDER).join(format!("{}-{}", program.name(), account.name));
    if !me.is_root() && std::env::var_os(ostler_env::OSTLER_BOOT_ROOT).is_none() {
        let path = home.path().parent().unwrap_or(home.path()).display().to_string();
        let pasted = [account.name.as_str(), &path].map(ostler_shell::word);
        return Err(Failed::new(format!("only root may write `{}`", target.display()))
            .hint(format!("`sudo ostler logrotate -u {pasted}`", pasted = pasted.join(" --hp "))));
    }
    // Who can write into a home decides what its settings are.
    if account.uid == me.as_raw() {
        home.refuse_unusable()?;
    } else {
        home.refuse_others(account.uid)?;
    }
    if program == Program::Ostler {
        refuse_in_vain()?;
    }
    let text = config(program, home.path(), &account)?;
    write(&below_root(&target), text.as_bytes(), 0o644, None)?;
    let prefix = if program == Program::Pm2 { "[PM2] " } else { "" };
    session.out.message(&format!("{prefix}wrote `{}`", target.display()));
    switch_off(session, &home, prefix)?;
    if program == Program::Ostler {
        let pasted = ostler_shell::word(&target.to_string_lossy()).into_owned();
        let back = format!("`rm {pasted} && ostler unset {SETTING}` takes it back");
        session.out.tell(&Notice::Note { text: &back });
    }
    Ok(())
}

/// Refuses where nothing would rotate: what is built in is switched off for it.
fn refuse_in_vain() -> Result<(), Failed> {
    let usual = ["/usr/sbin", "/sbin", "/usr/local/sbin"].map(Path::new);
    let is_there = |name: &str| {
        caller::in_path(name).is_some() || usual.iter().any(|folder| folder.join(name).is_file())
    };
    let keeps = "`ostler set ostler.log_rotate daily` has ostler do it by itself";
    if !is_there("logrotate") {
        let text = "there is no `logrotate` on this machine, which would rotate the logs";
        return Err(Failed::new(text).hint(keeps));
    }
    let has_cron = ["cron", "crond", "anacron", "fcron"].into_iter().any(is_there);
    if !has_cron && !super::startup::runs(Platform::Systemd) {
        let text = "nothing calls `logrotate` on this machine: there is no cron, and systemd does \
                    not run";
        return Err(Failed::new(text).hint(keeps));
    }
    Ok(())
}

/// What is built in leaves the files alone from now on.
fn switch_off(
    session: &mut Session,
    home: &ostler_client::Home,
    prefix: &str,
) -> Result<(), Failed> {
    let Some(key) = Key::of(SETTING) else { return Ok(()) };
    let Ok(meta) = home.path().metadata() else { return Ok(()) };
    if meta.uid() != rustix::process::geteuid().as_raw() {
        // A file of root's in the home of another could not be read there.
        let text = format!(
            "what is built in still rotates these logs, too: as the user of `{}`, run `ostler set \
             ostler.log_rotate never`",
            home.path().display()
        );
        session.out.warn(&text);
        return Ok(());
    }
    SettingsFile::of(home).change(|settings| {
        settings
            .set(&key, "never".into())
            .map_err(|_| Failed::new(format!("cannot set `{SETTING}`: `ostler` is a value")))
    })?;
    session.out.message(&format!("{prefix}set {SETTING} to never: one of the two is enough"));
    if home == &session.home { tell_daemon(session) } else { Ok(()) }
}

/// The configuration: PM2's under its name. Ours empties no file that is written to.
fn config(program: Program, home: &Path, account: &Account) -> Result<String, Failed> {
    let path = home.to_str().filter(|path| {
        let odd = |c: char| c.is_control() || matches!(c, '"' | '\\' | '*' | '?' | '[' | ']' | '{');
        !path.contains(odd)
    });
    let Some(path) = path else {
        let message = format!("the home `{}` cannot be named in a configuration", home.display());
        return Err(Failed::new(message).hint("logrotate would take a character of it for another"));
    };
    let user = &account.name;
    let how = match program {
        Program::Pm2 => format!("    copytruncate\n    create 0640 {user} {user}\n"),
        Program::Ostler => format!(
            "    create 0640 {user} {gid}\n    sharedscripts\n    postrotate\n        \
             kill -USR2 \"$(cat \"{path}/pm2.pid\")\" 2>/dev/null || true\n    endscript\n",
            gid = group(account.gid).unwrap_or_else(|| user.clone()),
        ),
    };
    Ok(format!(
        "\"{path}/pm2.log\" \"{path}/logs/*.log\" {{\n    su {user} {group}\n    rotate 12\n    \
         weekly\n    missingok\n    notifempty\n    compress\n    delaycompress\n{how}}}\n",
        group = group(account.gid).unwrap_or_else(|| user.clone()),
    ))
}

/// The name of a group.
fn group(gid: u32) -> Option<String> {
    let groups = std::fs::read_to_string("/etc/group").ok()?;
    groups.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(gid)).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(program: Program, home: &str) -> Result<String, Failed> {
        let home_of_user = PathBuf::from("/root");
        let account = Account { name: "root".to_owned(), uid: 0, gid: 0, home: home_of_user };
        config(program, Path::new(home), &account)
    }

    #[test]
    fn pm2_copies_and_empties_and_we_have_the_files_opened_again() {
        let theirs = of(Program::Pm2, "/root/.pm2").unwrap();
        let head = "\"/root/.pm2/pm2.log\" \"/root/.pm2/logs/*.log\" {\n    su root root\n";
        assert!(theirs.starts_with(head), "{theirs}");
        assert!(theirs.contains("copytruncate") && !theirs.contains("postrotate"), "{theirs}");
        let ours = of(Program::Ostler, "/root/.ostler").unwrap();
        assert!(!ours.contains("copytruncate"), "{ours}");
        assert!(ours.contains("kill -USR2 \"$(cat \"/root/.ostler/pm2.pid\")\""), "{ours}");
        for odd in ["/root/a\"b", "/root/a\nb", "/root/*", "/root/{a}"] {
            assert!(of(Program::Ostler, odd).is_err(), "{odd}");
        }
    }
}
