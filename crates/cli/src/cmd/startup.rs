//! `startup` and `unstartup`: a service of the machine's init system that brings the
//! saved apps back.

use std::fs::{DirBuilder, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use ostler_client::Home;

use crate::args::suggest::nearest;
use crate::args::{CommandId, FlagId};
use crate::boot::account::Account;
use crate::boot::{Platform, Service, Step, installation, path, service_name};
use crate::caller;
use crate::failed::Failed;
use crate::program::Program;
use crate::session::Session;
use crate::voice::{Notice, Problem, ServiceNotice};

/// What the machine and the options ask for.
struct Setup {
    platform: Platform,
    service: Service,
    account: Account,
    /// No path to the program is without a version of something.
    copy: bool,
    /// Folders of `PATH` that will not stay.
    passing: Vec<String>,
}

/// Runs the command `startup`.
pub(super) fn startup(session: &mut Session) -> Result<(), Failed> {
    let mut setup = prepare(session, "startup")?;
    let is_asleep = !runs(setup.platform);
    let options = options(session);
    let user_home = &setup.service.user_home;
    if session.has(FlagId::HomePath) && !user_home.is_dir() {
        let shown = user_home.display();
        return Err(Failed::new(format!("there is no directory `{shown}`"))
            .hint("`--hp` names the home directory of the user that the service runs as"));
    }
    // A service whose manager refuses its home would fail at each boot.
    Home::new(&setup.service.home).refuse_others(setup.account.uid)?;
    if setup.copy {
        copy_program(session, &mut setup)?;
    }
    let Setup { platform, service, account, passing, .. } = setup;
    let service = service.check()?;
    let plan = installation(platform, &service);
    let out = &mut session.out;
    let mut tell = |notice| out.tell(&Notice::Service(notice));
    let commands: Vec<String> = plan.enable.iter().map(Step::shown).collect();
    let (platform, target) = (platform.name(), plan.target.as_path());
    tell(ServiceNotice::Planned { platform, text: &plan.text, target, commands: &commands });
    tell(ServiceNotice::Writes { target });
    let owner = plan.target.starts_with(&account.home).then_some(&account);
    write(&below_root(&plan.target), plan.text.as_bytes(), plan.mode, owner)?;
    tell(ServiceNotice::Enables);
    for step in &plan.enable {
        out.tell(&Notice::Service(ServiceNotice::Runs { command: &step.shown() }));
        out.flush()?;
        perform(step)?;
        out.tell(&Notice::Service(ServiceNotice::Ran));
    }
    let mut tell = |notice| out.tell(&Notice::Service(notice));
    for folder in &passing {
        tell(ServiceNotice::Passes { folder });
    }
    tell(ServiceNotice::Installed { platform, target, options: &options });
    if is_asleep {
        let text = format!(
            "{platform} does not run on this machine: the service begins when it has been started \
             by {platform}"
        );
        session.out.warn_aside(&text);
    }
    Ok(())
}

/// Runs the command `unstartup`.
pub(super) fn unstartup(session: &mut Session) -> Result<(), Failed> {
    let Setup { platform, service, .. } = prepare(session, "unstartup")?;
    let plan = installation(platform, &service.check()?);
    let file = below_root(&plan.target);
    if !file.exists() {
        let message =
            format!("there is no service to remove: `{}` does not exist", plan.target.display());
        let hint = "the service of another user is chosen by `-u USER`, \
                    one of another name by `--service-name NAME`";
        return Err(Failed::new(message).hint(hint));
    }
    // What does not run has nothing to stop, and nothing to be told.
    let is_asleep = !runs(platform);
    let mut failed = Vec::new();
    let mut all = |session: &mut Session, steps: &[Step]| {
        for step in steps.iter().filter(|step| !(is_asleep && step.asks())) {
            session.out.flush()?;
            // What is half removed is removed whole: the rest is done all the same.
            if let Err(Failed { problem: Some(problem), .. }) = perform(step) {
                failed.push(problem.text());
            }
        }
        Ok::<(), Failed>(())
    };
    all(session, &plan.disable)?;
    std::fs::remove_file(&file).map_err(|error| {
        Failed::new(format!("cannot remove `{}`: {error}", plan.target.display()))
    })?;
    all(session, &plan.forget)?;
    session.out.tell(&Notice::Service(ServiceNotice::Removed { target: &plan.target }));
    if failed.is_empty() {
        return Ok(());
    }
    let text = format!("the service is removed, but it may still run: {}", failed.join("; "));
    Err(Failed::new(text).hint("`ostler kill` ends the manager and its apps, if they run"))
}

/// Whether the init system runs, as far as that can be told.
pub(super) fn runs(platform: Platform) -> bool {
    platform.sign_of_life().is_none_or(|sign| below_root(Path::new(sign)).is_dir())
}

/// Adds the line that is about whoever types it, where a user is not there.
pub(super) fn for_me(session: &Session, user: &str, failed: Failed) -> Failed {
    let me = rustix::process::geteuid().as_raw();
    let name = ostler_config::user_name(Path::new("/etc"), me).unwrap_or_else(|| me.to_string());
    match session.args.typed.corrected(user, &name) {
        Some(line) => failed.hint(format!("name one who is there, as in `{line}`")),
        None => failed,
    }
}

/// The options by which the service is found again, each after a blank.
fn options(session: &Session) -> String {
    let given = [
        ("-u", session.args.attribute("user")),
        ("--hp", session.args.value(FlagId::HomePath)),
        ("--service-name", session.args.value(FlagId::ServiceName)),
    ];
    let given = given.into_iter().filter_map(|(option, value)| Some((option, value?)));
    given.map(|(option, value)| format!(" {option} {}", ostler_shell::word(value))).collect()
}

/// Platform, user and paths; without root, where root is needed, the command that has it
/// is printed instead.
fn prepare(session: &mut Session, verb: &str) -> Result<Setup, Failed> {
    let platform = platform(session)?;
    let program = session.program;
    let me = rustix::process::geteuid();
    let user = match session.args.attribute("user") {
        Some(user) => user.to_owned(),
        None => me.as_raw().to_string(),
    };
    let account = Account::find(&user).map_err(|failed| for_me(session, &user, failed))?;
    let user_home = match session.args.value(FlagId::HomePath) {
        Some(path) => PathBuf::from(path),
        None => account.home.clone(),
    };
    let named = session.args.value(FlagId::ServiceName);
    let name = match named {
        Some(name) => name.strip_suffix(".service").unwrap_or(name).to_owned(),
        None => service_name(program, '-', &account.name),
    };
    let path_now = std::env::var(ostler_env::PATH).unwrap_or_default();
    let current = caller::program()?;
    let argument = std::env::args_os().next().unwrap_or_default();
    let stable = path::stable_exe(&argument, &current, &path_now);
    let (path, passing) = path::service_path(&path_now, &user_home);
    let service = Service {
        program,
        name,
        named: named.is_some(),
        user: account.name.clone(),
        home: manager_home(program, &user_home),
        user_home,
        exe: stable.clone().unwrap_or(current),
        path,
        wait_ip: session.has(FlagId::WaitIp),
    };
    // PM2 installs its service all the same, and whoever moves from it has one of this platform.
    let is_startup = session.args.command.is_some_and(|of| of.id == CommandId::Startup);
    let is_asked_for = !session.args.words.is_empty() || session.program == Program::Pm2;
    if is_startup && !is_asked_for && !runs(platform) {
        return Err(idle(platform.name()));
    }
    if platform.needs_root() && !me.is_root() {
        let service = service.check()?;
        ask_for_root(session, verb, platform, &service);
        return Err(Failed::quiet(1));
    }
    if !platform.needs_root() && account.uid != me.as_raw() {
        return Err(Failed::new(format!(
            "a `{}` service belongs to the user who installs it",
            platform.name()
        ))
        .hint(format!("run this command as `{}`, without `-u`", account.name)));
    }
    Ok(Setup { platform, service, account, copy: stable.is_none(), passing })
}

/// The init system of this name cannot start a service: it does not run.
fn idle(name: &str) -> Failed {
    let text = format!("{name} is installed and does not run: it cannot start a service here");
    let pasted = ostler_shell::word(name);
    Failed::new(text).hint(format!(
        "`ostler run app.js` is the first process of a container; `ostler startup {pasted}` \
         installs the service for a start of the machine by {name}"
    ))
}

fn platform(session: &mut Session) -> Result<Platform, Failed> {
    let detected = Platform::detect(|name| caller::in_path(name).is_some());
    let known =
        || format!("the known ones are {}", Platform::names().collect::<Vec<_>>().join(", "));
    let asked = session.args.words.first().map(String::as_str);
    let platform = match (asked, detected) {
        (Some(name), _) => Platform::named(name).ok_or_else(|| {
            let near = nearest(name, Platform::names()).unwrap_or("systemd");
            let line = session.args.typed.corrected(name, near);
            let line = line.unwrap_or_else(|| format!("ostler startup {near}"));
            Failed::misuse(format!("no init system is called `{}`", ostler_text::shown(name)))
                .hint(format!("`{line}`; {}", known()))
        })?,
        (None, Some(detected)) => detected,
        (None, None) => {
            return Err(Problem::NoInit { known: known() }.into());
        }
    };
    let mut tell = |notice| session.out.tell(&Notice::Service(notice));
    tell(ServiceNotice::Found { platform: platform.name() });
    if let Some(detected) = detected.filter(|detected| !platform.agrees_with(*detected)) {
        tell(ServiceNotice::Other { found: detected.name(), asked: platform.name() });
    }
    Ok(platform)
}

/// The home that a variable names, else the usual one of this user.
fn manager_home(program: Program, user_home: &Path) -> PathBuf {
    let variable = |name: &str| std::env::var_os(name).map(PathBuf::from);
    program.named_home(variable).unwrap_or_else(|| program.usual_home(user_home))
}

/// Prints the command that root has to run. It is pasted into a shell: every word is
/// quoted for one.
fn ask_for_root(session: &mut Session, verb: &str, platform: Platform, service: &Service) {
    let mut words = vec!["sudo env PATH=\"$PATH\"".to_owned()];
    for name in [ostler_env::OSTLER_HOME, ostler_env::PM2_HOME] {
        if let Some(value) = std::env::var(name).ok().filter(|value| !value.is_empty()) {
            words.push(format!("{name}={}", ostler_shell::word(&value)));
        }
    }
    words.extend([
        ostler_shell::word(&service.exe()).into_owned(),
        verb.to_owned(),
        platform.name().to_owned(),
    ]);
    words.extend([
        "-u".to_owned(),
        ostler_shell::word(&service.user).into_owned(),
        "--hp".to_owned(),
    ]);
    words.push(ostler_shell::word(&service.user_home.display().to_string()).into_owned());
    if service.named {
        words.extend(["--service-name".to_owned(), ostler_shell::word(&service.name).into_owned()]);
    }
    if service.wait_ip {
        words.push("--wait-ip".to_owned());
    }
    let (command, installs) = (&words.join(" "), verb == "startup");
    session.out.tell(&Notice::Service(ServiceNotice::NeedsRoot { command, installs }));
}

/// Puts a copy of this program where no upgrade of Node takes it away.
fn copy_program(session: &mut Session, setup: &mut Setup) -> Result<(), Failed> {
    let service = &mut setup.service;
    let copy = service.home.join("bin").join(service.program.name());
    let bytes = std::fs::read(&service.exe).map_err(|error| {
        Failed::new(format!("cannot read `{}`: {error}", service.exe.display()))
    })?;
    write(&below_root(&copy), &bytes, 0o755, Some(&setup.account))?;
    let copied = ServiceNotice::Copied { from: &service.exe, to: &copy };
    session.out.tell(&Notice::Service(copied));
    service.exe = copy;
    Ok(())
}

pub(super) fn below_root(path: &Path) -> PathBuf {
    match std::env::var_os(ostler_env::OSTLER_BOOT_ROOT).filter(|root| !root.is_empty()) {
        Some(root) => PathBuf::from(root).join(path.strip_prefix("/").unwrap_or(path)),
        None => path.to_owned(),
    }
}

/// Writes a file whole, beside its place first. New folders and the file belong to `owner`.
pub(super) fn write(
    path: &Path,
    bytes: &[u8],
    mode: u32,
    owner: Option<&Account>,
) -> Result<(), Failed> {
    let failed =
        |error: std::io::Error| Failed::new(format!("cannot write `{}`: {error}", path.display()));
    let own = |path: &Path| match owner {
        Some(owner) => chown(path, Some(owner.uid), Some(owner.gid)),
        None => Ok(()),
    };
    let folder = path.parent().unwrap_or(path);
    let missing: Vec<&Path> = folder.ancestors().take_while(|above| !above.exists()).collect();
    let private = if owner.is_some() { 0o700 } else { 0o755 };
    for folder in missing.into_iter().rev() {
        DirBuilder::new()
            .mode(private)
            .create(folder)
            .and_then(|()| own(folder))
            .map_err(failed)?;
    }
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    // A file of an earlier, interrupted call; whatever it is, a link that stands there is not
    // followed.
    _ = std::fs::remove_file(&beside);
    let written =
        OpenOptions::new().write(true).create_new(true).mode(mode).open(&beside).and_then(
            |mut file| {
                file.write_all(bytes)?;
                // The mask of the caller does not count.
                file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(mode))?;
                file.sync_all()?;
                own(&beside)?;
                std::fs::rename(&beside, path)
            },
        );
    written.map_err(failed)
}

/// Runs a command with our output.
fn perform(step: &Step) -> Result<(), Failed> {
    let Some((program, words)) = step.0.split_first() else { return Ok(()) };
    let status = Command::new(program).args(words).stdin(Stdio::null()).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Failed::from(Problem::Other {
            message: format!("`{}` failed: {}", step.shown(), ostler_text::exit(status)),
            hint: Some(match program.as_str() {
                "loginctl" => {
                    format!("an administrator may: `sudo {pasted}`", pasted = step.shown())
                }
                "systemctl" => "`systemctl is-system-running` tells how systemd is".to_owned(),
                _ => format!("`{}` again shows what it says", step.shown()),
            }),
        })),
        Err(error) => Err(Failed::new(format!("cannot run `{}`: {error}", step.shown()))
            .hint("is this the machine's init system? `startup` without a platform finds it")),
    }
}
