//! `serve`: a server of the files in a folder, as an app.

use std::collections::BTreeMap;
use std::path::PathBuf;

use ostler_env::{
    PM2_SERVE_BASIC_AUTH, PM2_SERVE_BASIC_AUTH_PASSWORD, PM2_SERVE_BASIC_AUTH_USERNAME,
    PM2_SERVE_HOST, PM2_SERVE_PATH, PM2_SERVE_PORT, PM2_SERVE_SPA,
};

use super::{launch, list, ready, web};
use crate::apps;
use crate::args::FlagId;
use crate::caller;
use crate::failed::Failed;
use crate::program::Program;
use crate::served;
use crate::session::Session;
use crate::voice::{Notice, Problem, Target};

/// Runs the command `serve`.
pub(super) fn run(session: &mut Session) -> Result<(), Failed> {
    if let Some(port) = session.args.words.get(1).filter(|_| session.program == Program::Ostler) {
        web::refuse_second_port(session, port)?;
    }
    let variables = variables(session)?;
    let given: Vec<String> = variables.keys().cloned().collect();
    let (settings, variables) = served::read(session.program, variables, &caller::cwd()?)
        .map_err(|why| Failed::misuse(of_options(why, &given)).hint(hint_for_port(session)))?;
    settings.check().map_err(|why| {
        let word = session.args.words.first().map_or("", String::as_str);
        match word.parse::<u16>() {
            Ok(port) => {
                Failed::new(why).hint(format!("the folder comes first: `ostler serve . {port}`"))
            }
            Err(_) => Failed::new(why).hint("name the folder with the files"),
        }
    })?;
    let port = settings.address.port();
    let name = match session.args.attribute("name") {
        Some(name) => name.to_owned(),
        None => format!("static-page-server-{port}"),
    };
    refuse_twice(session, &name)?;
    if session.program == Program::Ostler {
        // What cannot serve is not started, to fail again and again.
        let folder = session.args.words.first().map_or(".", String::as_str);
        let other = format!("serve {} {}", ostler_shell::word(folder), port.saturating_add(1));
        web::refuse_held(session, settings.address, &other)?;
    }
    let app = apps::of_server(session, &settings.root, &name, variables)?;
    ready::brought_up(session, |session| launch::one(session, app))?;
    session.out.tell(&Notice::Serves { folder: &settings.root, port });
    list::table(session)?;
    match session.program {
        Program::Pm2 => Ok(()),
        Program::Ostler => wait_ready(session, &name),
    }
}

/// Returns the variables that the options and the arguments mean.
fn variables(session: &Session) -> Result<BTreeMap<String, String>, Failed> {
    let folder = match session.args.words.first() {
        Some(folder) => folder.clone(),
        None => std::env::var(PM2_SERVE_PATH).unwrap_or_else(|_| ".".to_owned()),
    };
    let mut variables = BTreeMap::new();
    let mut put = |name: &str, value: Option<String>| {
        variables.extend(value.map(|value| (name.to_owned(), value)));
    };
    let home = std::env::var(ostler_env::HOME).ok().map(PathBuf::from);
    let folder = match (home, folder.strip_prefix("~/")) {
        (Some(home), Some(rest)) => home.join(rest),
        _ => caller::cwd()?.join(folder),
    };
    // Without `.` and `..`, but with its links: whoever puts another folder behind one means that.
    let folder: PathBuf = folder.components().collect();
    put(PM2_SERVE_PATH, Some(folder.to_string_lossy().into_owned()));
    let value = |id| session.args.value(id).map(str::to_owned);
    put(PM2_SERVE_PORT, value(FlagId::Port).or_else(|| session.args.words.get(1).cloned()));
    put(PM2_SERVE_HOST, value(FlagId::Host));
    put(PM2_SERVE_SPA, session.has(FlagId::Spa).then(|| "true".to_owned()));
    let secret = [FlagId::AuthUsername, FlagId::AuthPassword];
    let is_asked = secret.iter().any(|id| session.has(*id));
    put(PM2_SERVE_BASIC_AUTH, is_asked.then(|| "true".to_owned()));
    put(PM2_SERVE_BASIC_AUTH_USERNAME, value(FlagId::AuthUsername));
    put(PM2_SERVE_BASIC_AUTH_PASSWORD, value(FlagId::AuthPassword));
    Ok(variables)
}

/// The line with a port, where the one that was written is none.
fn hint_for_port(session: &Session) -> String {
    let written =
        session.args.value(FlagId::Port).or(session.args.words.get(1).map(String::as_str));
    let wrong = written.filter(|port| port.parse::<u16>().is_err());
    match wrong.and_then(|wrong| session.args.typed.corrected(wrong, "8080")) {
        Some(line) => format!("a port is a number up to 65535: `{line}`"),
        None => "`ostler help serve` shows what it takes".to_owned(),
    }
}

/// Names what was written, and not the variable that it becomes.
fn of_options(why: String, given: &[String]) -> String {
    let written = [
        (PM2_SERVE_PORT, "the port"),
        (PM2_SERVE_HOST, "`--host`"),
        (PM2_SERVE_BASIC_AUTH_USERNAME, "`--basic-auth-username`"),
        (PM2_SERVE_BASIC_AUTH_PASSWORD, "`--basic-auth-password`"),
    ];
    // Each of the two for the password needs the other.
    let is_of_secret =
        |name: &str| name != PM2_SERVE_BASIC_AUTH && name.starts_with(PM2_SERVE_BASIC_AUTH);
    let has_secret = given.iter().any(|of| of == PM2_SERVE_BASIC_AUTH);
    let is_given =
        |name: &str| given.iter().any(|of| of == name) || has_secret && is_of_secret(name);
    let written = written.into_iter().filter(|(name, _)| is_given(name));
    written.fold(why, |why, (name, shown)| why.replace(name, shown))
}

/// Two servers of one port cannot be; the one that is there stays.
fn refuse_twice(session: &mut Session, name: &str) -> Result<(), Failed> {
    let is_there = session.list()?.iter().any(|of| of.name == name);
    if is_there && !session.has(FlagId::Force) {
        return Err(Problem::AlreadyRuns { name: name.to_owned(), urls: Vec::new() }.into());
    }
    Ok(())
}

/// Waits until it listens, or tells why it does not.
fn wait_ready(session: &mut Session, name: &str) -> Result<(), Failed> {
    let list = session.list()?;
    let targets: Vec<Target> = list.iter().filter(|of| of.name == name).map(Target::of).collect();
    ready::wait_usual(session, &targets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_argument_that_is_no_good_is_not_called_by_a_variable_that_nobody_set() {
        let why = || format!("{PM2_SERVE_PORT} is `99999`, which is no port");
        assert_eq!(
            of_options(why(), &[PM2_SERVE_PORT.to_owned()]),
            "the port is `99999`, which is no port"
        );
        assert_eq!(of_options(why(), &[]), why());
        // The user wrote `--basic-auth-username` alone.
        let why = format!("{PM2_SERVE_BASIC_AUTH_PASSWORD} is missing");
        let given = [PM2_SERVE_BASIC_AUTH.to_owned(), PM2_SERVE_BASIC_AUTH_USERNAME.to_owned()];
        assert_eq!(of_options(why, &given), "`--basic-auth-password` is missing");
    }
}
