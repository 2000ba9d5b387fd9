//! The web API: what the daemon knows, over HTTP.
//!
//! - [`api`] answers what is under `/api/v1`; [`hub`] has what happens, for all who look on.
//! - [`link`] asks the daemon, [`listing`] for the list.
//! - [`recorder`] writes down what processes use; [`pusher`] sends figures, as [`otlp`] has them.
//! - [`others`] asks other machines what runs there.
//! - [`page`] is the page of PM2.
//! - [`server`] has the connections, [`router`] the paths, [`settings`] where it listens, and
//!   [`guard`] decides who may ask; [`tls`] has the certificate.

mod answer;
mod api;
mod clock;
mod dashboard;
mod guard;
mod host;
mod hub;
mod link;
mod listing;
pub(crate) mod mask;
mod others;
mod otlp;
mod page;
mod pusher;
mod recorder;
mod router;
mod server;
mod settings;
mod state;
mod tls;
mod tokens;

use crate::failed::Failed;
use settings::Settings;

/// Serves until it is asked to end.
pub(crate) fn run() -> Result<(), Failed> {
    let settings = Settings::read(|name| std::env::var(name).ok())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failed::new(format!("cannot wait: {error}")))?;
    runtime.block_on(server::run(settings))
}

/// Returns the address at which it would be found.
pub(crate) fn check() -> Result<String, Failed> {
    Settings::read(|name| std::env::var(name).ok()).map(|settings| settings.url())
}
