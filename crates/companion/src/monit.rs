//! `monit`: the full-screen view, in the terminal that the command had.

use std::process::ExitCode;

use ostler_client::Home;
use ostler_env::OSTLER_HOME;
use ostler_tui::Options;

use crate::failed::Failed;

/// Shows it until its user quits or a signal ends it, which the exit code tells as a shell does.
pub(crate) fn run(words: &[&str]) -> Result<ExitCode, Failed> {
    let mut options = Options::default();
    for word in words {
        match *word {
            "--no-color" => options.is_plain = true,
            "--pm2" => options.is_pm2 = true,
            other => {
                return Err(Failed::new(format!(
                    "`monit` does not take `{}`",
                    ostler_text::shown(other)
                )));
            }
        }
    }
    let Some(home) = std::env::var_os(OSTLER_HOME).filter(|home| !home.is_empty()) else {
        return Err(Failed::new("OSTLER_HOME is not set").hint("`ostler monit` sets it"));
    };
    match ostler_tui::run(&Home::new(home), options) {
        Ok(None) => Ok(ExitCode::SUCCESS),
        Ok(Some(signal)) => Ok(ExitCode::from(u8::try_from(128 + signal).unwrap_or(1))),
        Err(error) => {
            let refusal = Failed::new(error.to_string());
            Err(match error.hint() {
                Some(hint) => refusal.hint(hint),
                None => refusal,
            })
        }
    }
}
