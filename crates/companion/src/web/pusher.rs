//! Sends the figures of `/metrics` to a receiver of OTLP, where one is named.
//!
//! Rule: nobody waits for the receiver. What it does not take is not sent again: the next figures
//! have it all. That it takes none is told once.

use std::sync::Arc;

use ostler_sinks::otlp::refused;

use super::api::metrics;
use super::clock::now_ms;
use super::host::name;
use super::otlp;
use super::settings::Otlp;
use super::state::Shared;
use crate::say::warn;

/// Sends figures until this program ends.
pub(crate) async fn push(shared: Arc<Shared>, to: Otlp) {
    let mut failed = false;
    loop {
        let sent = send(&shared, &to).await;
        let url = ostler_text::shown(&to.url);
        match &sent {
            Err(why) if !failed => warn(&format!("`{url}` does not take the figures: {why}")),
            Ok(()) if failed => warn(&format!("`{url}` takes the figures again")),
            Ok(()) | Err(_) => {}
        }
        failed = sent.is_err();
        tokio::time::sleep(to.every).await;
    }
}

async fn send(shared: &Arc<Shared>, to: &Otlp) -> Result<(), String> {
    // While the daemon is away there are no figures.
    let Ok(text) = metrics::figures(shared).await else { return Ok(()) };
    let body = otlp::request(&text, &name(), now_ms()).to_string();
    let to = to.clone();
    let posting =
        tokio::task::spawn_blocking(move || ostler_sinks::post(&to.url, &to.headers, &body));
    let answer = posting.await.map_err(|error| error.to_string())?;
    let answer = answer.map_err(|error| error.to_string())?;
    match (answer.status, refused(&answer.body)) {
        (200..=299, None) => Ok(()),
        (200..=299, Some((count, why))) => Err(format!("{count} of them were refused: {why}")),
        (status, _) => Err(format!("it answered {status}")),
    }
}
