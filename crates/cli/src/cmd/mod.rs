//! The commands, one file each, and what surrounds every one of them.

mod act;
mod address;
mod alert;
mod apply;
mod attach;
mod behind;
mod boot;
mod cleardump;
mod completion;
mod deploy;
mod describe;
mod dev;
mod each;
mod env;
mod examples;
mod explain;
mod export;
mod file;
mod first_run;
mod first_steps;
mod fleet;
mod flush;
mod foreground;
mod health;
mod id;
mod init;
mod inspect;
mod jlist;
mod kill;
mod launch;
mod link_pm2;
mod list;
mod logrotate;
mod logs;
mod mcp;
mod migrate;
mod misused;
mod modules;
mod monit;
mod monitor;
mod new_name;
mod no_daemon;
mod perform;
mod pid;
mod ping;
mod plan;
mod prettylist;
mod profile;
mod promote;
mod ready;
mod reload;
mod reload_logs;
mod report;
mod reset;
mod resting;
mod resurrect;
mod rolling;
mod running;
mod same_name;
mod save;
mod scale;
mod send;
mod send_signal;
mod serve;
mod settings;
mod shared_port;
mod slist;
mod start;
mod startup;
mod talk;
mod told;
mod transfer;
mod trigger;
mod unwritten;
mod update;
mod validate;
mod version;
mod version_control;
mod wait;
mod watch;
mod watching;
mod web;

use std::ffi::OsString;
use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;

use ostler_client::Home;
use ostler_wire::control::ProfileKind;

use crate::args::suggest::nearest;
use crate::args::{self, CommandId, FlagId, Parsed, Typed, help, pm2_help};
use crate::failed::{Failed, MISUSED};
use crate::output::Output;
use crate::paint;
use crate::program::{Name, Program};
use crate::session::Session;
use crate::voice::{Progress, Way};

/// Runs the command that the arguments ask for.
pub(crate) fn main() -> ExitCode {
    let mut words = std::env::args_os();
    let name = Name::of(words.next().as_deref());
    let words: Vec<OsString> = words.collect();
    // What is not UTF-8 is refused, and not shown again.
    let typed = Typed::new(words.iter().filter_map(|word| word.to_str()).map(str::to_owned));
    let program = name.program();
    let mut dev = None;
    let parsed = match name {
        Name::Runtime => args::parse_runtime(words),
        Name::Dev => dev::parse(words).map(|(parsed, of)| {
            dev = Some(of);
            parsed
        }),
        Name::Program(_) => args::parse(words, program),
    };
    let given = |id| parsed.as_ref().is_ok_and(|parsed| parsed.has(id));
    let silent = given(FlagId::Silent) || is_silenced();
    let paint = paint::detect(program, given(FlagId::NoColor));
    let mut out = Output::new(program, silent, paint);
    let home = program.home(|name| std::env::var_os(name).map(PathBuf::from));
    let parsed = match parsed {
        Ok(parsed) => parsed,
        Err(misuse) => {
            misused::refuse(&mut out, &misuse, program, &typed);
            return end(&mut out, program, Err(Failed::quiet(MISUSED)));
        }
    };
    if let Some(text) = instead(&parsed, name, home.as_ref()) {
        out.data(&text);
        return end(&mut out, program, Ok(()));
    }
    if name == Name::Runtime && parsed.words.is_empty() {
        out.data(&pm2_help::runtime());
        return end(&mut out, program, Err(Failed::quiet(MISUSED)));
    }
    let Some(command) = parsed.command else {
        misused::nothing_asked(&mut out, program);
        return end(&mut out, program, Err(Failed::quiet(MISUSED)));
    };
    out.typed(typed.clone());
    let parsed = Parsed { typed, ..parsed };
    let Some(home) = home else { return end(&mut out, program, Err(homeless())) };
    let home = of_container(command.id, home);
    out.data_only = [FlagId::Fields, FlagId::Template].iter().any(|id| parsed.has(*id));
    let mut session = Session::new(parsed, out, program, home);
    session.when_started = Some(modules::revive);
    if command.id != CommandId::Run {
        warn_of_ignored(&mut session);
    }
    let result = if dev.is_some() {
        foreground::run(&mut session, dev)
    } else if session.has(FlagId::NoDaemon) {
        no_daemon::run(&mut session, |session| run(command.id, session))
    } else {
        let ran = run(command.id, &mut session);
        list::after_failure(&mut session, ran)
    };
    end(&mut session.out, program, result)
}

/// Whether the environment asks for silence, as PM2's scripts do.
fn is_silenced() -> bool {
    let value = std::env::var_os(ostler_env::PM2_SILENT);
    value.is_some_and(|value| !value.is_empty() && value != "false")
}

fn warn_of_ignored(session: &mut Session) {
    for name in std::mem::take(&mut session.args.ignored) {
        let why = args::absent::in_vain(&name).unwrap_or("it is not known");
        session.out.warn_aside(&format!("`{name}` does nothing: {why}"));
    }
}

/// Returns what is printed where no command is to be run: the version, or the help.
fn instead(parsed: &Parsed, name: Name, home: Option<&Home>) -> Option<String> {
    let program = name.program();
    if parsed.has(FlagId::Version) {
        return Some(version::text(program, parsed.has(FlagId::Verbose), home));
    }
    parsed.has(FlagId::Help).then(|| match (name, program) {
        (Name::Runtime, _) => pm2_help::runtime(),
        (Name::Dev, _) => dev::help(),
        (_, Program::Ostler) => help::help(parsed.command),
        (_, Program::Pm2) => pm2_help::help(parsed.command),
    })
}

fn homeless() -> Failed {
    Failed::new("there is no home directory: neither OSTLER_HOME, PM2_HOME nor HOME is set")
        .hint("set OSTLER_HOME to a directory that you may write to")
}

/// Returns the home of the manager that is meant: where none ran in the one that the environment
/// says, that of the container's own.
fn of_container(command: CommandId, home: Home) -> Home {
    // These ask no manager.
    let alone = matches!(command, CommandId::Run | CommandId::Validate | CommandId::Init);
    if alone || home.socket().exists() {
        return home;
    }
    ostler_client::home_of_container().map_or(home, Home::new)
}

/// Runs one command.
fn run(command: CommandId, session: &mut Session) -> Result<(), Failed> {
    show_progress(session)?;
    // Nothing is done whose result cannot be told.
    told::check(session, command)?;
    if fleet::is_meant(session) {
        return fleet::run(session, command);
    }
    match command {
        CommandId::Start => start::run(session),
        CommandId::Run => foreground::run(session, None),
        CommandId::Health => health::run(session),
        CommandId::Validate => validate::run(session),
        CommandId::Plan => plan::run(session),
        CommandId::Apply => apply::run(session),
        CommandId::Explain => explain::run(session),
        CommandId::LinkPm2 => link_pm2::run(session),
        CommandId::Stop => act::stop(session),
        CommandId::Restart => act::restart(session),
        CommandId::Delete => act::delete(session),
        CommandId::Reload => reload::run(session),
        CommandId::StartOrRestart => start::or_restart(session),
        CommandId::StartOrReload => start::or_reload(session),
        CommandId::Scale => scale::run(session),
        CommandId::Promote => promote::run(session, true),
        CommandId::Rollback => promote::run(session, false),
        CommandId::List if session.args.has_attribute("watch") => watch::run(session),
        CommandId::List => list::run(session),
        CommandId::Jlist => jlist::run(session),
        CommandId::Prettylist => prettylist::run(session),
        CommandId::Describe => describe::run(session),
        CommandId::Env => env::run(session),
        CommandId::Logs => logs::run(session),
        CommandId::Wait => wait::run(session),
        CommandId::ProfileCpu => profile::run(session, ProfileKind::Cpu),
        CommandId::ProfileMem => profile::run(session, ProfileKind::Heap),
        CommandId::Slist => slist::run(session),
        CommandId::Report => report::run(session),
        CommandId::Init => init::run(session),
        CommandId::Examples => examples::run(session),
        CommandId::Export => export::run(session),
        CommandId::Import => transfer::import(session),
        CommandId::Pull => version_control::run(session, Way::Pull),
        CommandId::Forward => version_control::run(session, Way::Forward),
        CommandId::Backward => version_control::run(session, Way::Backward),
        CommandId::SendSignal => send_signal::run(session),
        CommandId::Trigger => trigger::run(session),
        CommandId::Send => send::run(session),
        CommandId::Attach => attach::run(session),
        CommandId::Inspect => inspect::run(session),
        CommandId::Monit => monit::run(session),
        CommandId::Monitor => monitor::run(session, true),
        CommandId::Unmonitor => monitor::run(session, false),
        CommandId::Alert => alert::run(session),
        CommandId::Flush => flush::run(session),
        CommandId::Logrotate => logrotate::run(session),
        CommandId::ReloadLogs => reload_logs::run(session),
        CommandId::Pid => pid::run(session),
        CommandId::Id => id::run(session),
        CommandId::Reset => reset::run(session),
        CommandId::Ping => ping::run(session),
        CommandId::Save => save::run(session),
        CommandId::Resurrect => resurrect::run(session),
        CommandId::Startup => startup::startup(session),
        CommandId::Unstartup => startup::unstartup(session),
        CommandId::Boot => boot::run(session),
        CommandId::Cleardump => cleardump::run(session),
        CommandId::Update => update::run(session),
        CommandId::Migrate => migrate::run(session),
        CommandId::Kill => kill::run(session),
        CommandId::Serve => serve::run(session),
        CommandId::Web => web::run(session),
        CommandId::Mcp => mcp::run(session),
        CommandId::Deploy => deploy::run(session),
        CommandId::Set => settings::set(session),
        CommandId::Install => modules::install(session),
        CommandId::ModuleUpdate => modules::update(session),
        CommandId::Uninstall => modules::uninstall(session),
        CommandId::ModuleGenerate => modules::generate(session),
        CommandId::Package => modules::pack(session),
        CommandId::Publish => modules::publish(session),
        CommandId::Multiset => settings::multiset(session),
        CommandId::Get => settings::get(session),
        CommandId::Conf => settings::conf(session),
        CommandId::Unset => settings::unset(session),
        CommandId::Completion => completion::run(session),
        CommandId::Skill => {
            session.out.data(&crate::generate::skill());
            Ok(())
        }
        // Whoever reads the words takes `help` for `--help`; this is about that command alone.
        CommandId::Help => {
            session.out.data(&help::help(session.args.command));
            Ok(())
        }
    }
}

/// Chooses how progress is shown.
fn show_progress(session: &mut Session) -> Result<(), Failed> {
    let live = !paint::is_dumb() && std::io::stderr().is_terminal();
    let word = session.args.value(FlagId::Progress).unwrap_or("auto");
    let Some(progress) = Progress::of(word, live) else {
        let known = each::quoted(&Progress::WORDS);
        let meant = nearest(word, Progress::WORDS.into_iter()).unwrap_or("plain");
        let line = session.args.typed.with_value("progress", word, meant);
        return Err(Failed::misuse(format!("`--progress {word}` is not known"))
            .hint(format!("`{line}`; it is one of {known}")));
    };
    session.out.show_progress(progress);
    Ok(())
}

/// Prints what is left to print, and returns the exit code.
fn end(out: &mut Output, program: Program, result: Result<(), Failed>) -> ExitCode {
    if let Err(Failed { problem: Some(problem), .. }) = &result {
        out.problem(problem);
    }
    out.end();
    let (failed, unsaid) = match (result, out.flush()) {
        (Ok(()), Ok(())) => return ExitCode::SUCCESS,
        (Ok(()), Err(unwritten)) => (Failed::quiet(unwritten.code), unwritten.problem),
        (Err(failed), Ok(())) => (failed, None),
        // Nobody reads any more: not a failure of the command, unless it had failed before.
        (Err(failed), Err(unwritten)) => (failed, unwritten.problem),
    };
    if let Some(problem) = unsaid.filter(|problem| failed.problem.as_ref() != Some(problem)) {
        out.problem(&problem);
    }
    ExitCode::from(failed.exit(program))
}
