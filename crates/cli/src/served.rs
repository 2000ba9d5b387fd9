//! Apps that serve files: what their variables say, and whether it can be done.

use std::collections::BTreeMap;
use std::path::Path;

use ostler_core::spec::AppSpec;
use ostler_env::{OSTLER_SERVE_CORS, PM2_SERVE_HOST};
use ostler_serve::Settings;

use crate::caller::environment;
use crate::failed::Failed;
use crate::program::Program;
use crate::session::Session;
use crate::voice::Notice;

const HELP: &str = "docs/serve.md has every variable";

/// Reads what a server of files is to do, and returns it with the variables that say so to the
/// server. Under PM2's name it is for everybody who reaches this machine.
pub(crate) fn read(
    program: Program,
    mut variables: BTreeMap<String, String>,
    here: &Path,
) -> Result<(Settings, BTreeMap<String, String>), String> {
    let outside = environment();
    let is_set = |name: &str| variables.contains_key(name) || outside.contains_key(name);
    if program == Program::Pm2 {
        let usual = [(PM2_SERVE_HOST, "0.0.0.0"), (OSTLER_SERVE_CORS, "true")];
        let missing: Vec<_> = usual.into_iter().filter(|(name, _)| !is_set(name)).collect();
        variables.extend(missing.into_iter().map(|(name, value)| (name.into(), value.into())));
    }
    let variable = |name: &str| variables.get(name).or_else(|| outside.get(name)).cloned();
    let settings = Settings::read(variable, here)?;
    Ok((settings, variables))
}

/// Tells an app that serves files where it listens, and finds out whether it can.
pub(crate) fn prepare(session: &mut Session, spec: &mut AppSpec) -> Result<(), Failed> {
    if spec.args != [ostler_config::SERVE_ARGUMENT] {
        return Ok(());
    }
    let given = spec.env.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let refused = |why: String| Failed::new(format!("`{}` cannot be served: {why}", spec.name));
    let (settings, variables) =
        read(session.program, given, &spec.cwd).map_err(|why| refused(why).hint(HELP))?;
    settings.check().map_err(|why| refused(why).hint("`PM2_SERVE_PATH` in `env` names it"))?;
    let is_default = session.program == Program::Ostler && !variables.contains_key(PM2_SERVE_HOST);
    if is_default {
        let (name, url) = (&spec.name, settings.url());
        let text = format!("{name} serves this machine alone, on {url}: PM2_SERVE_HOST opens it");
        session.out.tell(&Notice::Note { text: &text });
    }
    let usual = [PM2_SERVE_HOST, OSTLER_SERVE_CORS];
    for name in usual {
        if let Some(value) = variables.get(name) {
            spec.env.insert_new(name, value);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_alone_is_served_unless_it_is_said_or_called_pm2() {
        let host = |program, given: &[(&str, &str)]| {
            let given = given.iter().map(|(name, value)| ((*name).into(), (*value).into()));
            let (settings, _) = read(program, given.collect(), Path::new("/srv")).unwrap();
            settings.address.ip().to_string()
        };
        assert_eq!(host(Program::Ostler, &[]), "127.0.0.1");
        assert_eq!(host(Program::Pm2, &[]), "0.0.0.0");
        for program in [Program::Ostler, Program::Pm2] {
            assert_eq!(host(program, &[(PM2_SERVE_HOST, "::1")]), "::1");
        }
    }
}
