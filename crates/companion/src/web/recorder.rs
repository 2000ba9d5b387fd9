//! Writes down what every process uses, for a day to look back on.
//!
//! Rule: the daemon is asked as often as the smallest step of a history is long, and no more when
//! it is away; the files are written by a thread that nobody waits for.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ostler_history::{HOUR, Http, Usage};
use ostler_wire::control::{InProcess, Measured};

use super::api::metrics::in_app::{Which, value};
use super::clock::since_1970;
use super::listing::{self, Listed};
use super::state::Shared;
use crate::say::warn;

/// Every so many figures the files of those that are gone are looked for.
const CLEAN: u32 = 360;

/// Whose history a file is: numbers are given again to other apps.
pub(crate) fn owner(namespace: &str, name: &str) -> String {
    format!("{namespace}/{name}")
}

/// The time, seconds since 1970.
pub(crate) fn now() -> u64 {
    since_1970().as_secs()
}

/// Writes until this program ends.
pub(crate) async fn record(shared: Arc<Shared>) {
    let (mut failed, mut round) = (false, 0_u32);
    loop {
        // While the daemon is away there are no figures; a history has gaps then.
        if let Ok(listed) = shared.listing.get(&shared.link).await {
            // Without what they measure in themselves, there is the rest.
            let in_apps = listing::in_apps(&shared.link).await.unwrap_or_default();
            let (home, clean) = (shared.settings.home.clone(), round.is_multiple_of(CLEAN));
            let writing =
                tokio::task::spawn_blocking(move || write(&home, &listed, &in_apps, clean));
            if let Ok(written) = writing.await {
                // It is told once.
                if let Err(error) = &written
                    && !failed
                {
                    warn(&format!("what processes use cannot be written down: {error}"));
                }
                failed = written.is_err();
            }
        }
        round = round.wrapping_add(1);
        let step = u64::from(HOUR.step);
        tokio::time::sleep(Duration::from_secs(step - now() % step)).await;
    }
}

fn write(home: &Path, listed: &Listed, in_apps: &[InProcess], clean: bool) -> io::Result<()> {
    let at = now();
    for view in &listed.views {
        let usage = Usage {
            cpu: tenths(view.cpu),
            memory: u32::try_from(view.memory >> 10).unwrap_or(u32::MAX),
            restarts: view.restarts,
            http: in_apps.iter().find(|of| of.id == view.id).and_then(|of| http(&of.metrics)),
        };
        ostler_history::put(home, view.id, &owner(&view.namespace, &view.name), at, usage)?;
    }
    let is_there = |id| listed.views.iter().any(|view| view.id == id);
    if clean { ostler_history::forget_others(home, is_there) } else { Ok(()) }
}

/// Requests that a process answers, if it measures them.
fn http(metrics: &[Measured]) -> Option<Http> {
    let rate = value(metrics, Which::HttpRate, None)?;
    let latency = value(metrics, Which::HttpLatency, Some("95"))?;
    Some(Http { rate: whole(rate * 600.0), latency: whole(latency * 1e6) })
}

/// CPU use in tenths of a percent.
fn tenths(percent: f32) -> u32 {
    whole(f64::from(percent) * 10.0).min(1_000_000)
}

fn whole(value: f64) -> u32 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is bounded")]
    let whole = value.round().clamp(0.0, 4e9) as u32;
    whole
}
