//! What apps measure in themselves.
//!
//! What the agent measures has names and units as Prometheus wants them. An app names its own
//! metrics as it likes: these names are values of a label.

use ostler_wire::control::Measured;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

/// What a figure is of.
pub(super) type Labels = Vec<(&'static str, String)>;
/// A figure with a fraction.
pub(super) type Float = Gauge<f64, std::sync::atomic::AtomicU64>;

/// A metric of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::web) enum Which {
    HeapSize,
    HeapUsed,
    Requests,
    Handles,
    LoopLatency,
    HttpLatency,
    HttpRate,
    Own,
}

impl Which {
    const ALL: [Self; 8] = [
        Self::HeapSize,
        Self::HeapUsed,
        Self::Requests,
        Self::Handles,
        Self::LoopLatency,
        Self::HttpLatency,
        Self::HttpRate,
        Self::Own,
    ];

    /// Its name, its unit, and what it is.
    fn described(self) -> (&'static str, Option<Unit>, &'static str) {
        match self {
            Self::HeapSize => ("process_heap_size", Some(Unit::Bytes), "Heap that V8 has"),
            Self::HeapUsed => ("process_heap_used", Some(Unit::Bytes), "Heap that is in use"),
            Self::Requests => {
                ("process_active_requests", None, "Requests of the event loop under way")
            }
            Self::Handles => ("process_active_handles", None, "Open handles of the event loop"),
            Self::LoopLatency => {
                let help = "How late the event loop comes to a timer, by percentile";
                ("process_event_loop_latency", Some(Unit::Seconds), help)
            }
            Self::HttpLatency => {
                let help = "How long the app takes to answer a request of HTTP, by percentile";
                ("process_http_latency", Some(Unit::Seconds), help)
            }
            Self::HttpRate => {
                ("process_http_requests_per_second", None, "Requests of HTTP that are answered")
            }
            Self::Own => ("process_metric", None, "What the app measures itself, in its own unit"),
        }
    }
}

/// Returns one of these metrics, in its unit here.
pub(in crate::web) fn value(
    metrics: &[Measured],
    which: Which,
    percentile: Option<&str>,
) -> Option<f64> {
    metrics.iter().find_map(|of| {
        let (is, factor, at) = known(of)?;
        (is == which && at == percentile).then_some(of.value * factor)
    })
}

/// Which metric of ours one of PM2's names is, how many of ours it is, and its percentile.
fn known(of: &Measured) -> Option<(Which, f64, Option<&'static str>)> {
    const MIB: f64 = 1_048_576.0;
    Some(match (of.name.as_str(), of.unit.as_deref()) {
        ("Heap Size", Some("MiB")) => (Which::HeapSize, MIB, None),
        ("Used Heap Size", Some("MiB")) => (Which::HeapUsed, MIB, None),
        ("Active requests", None) => (Which::Requests, 1.0, None),
        ("Active handles", None) => (Which::Handles, 1.0, None),
        ("Event Loop Latency", Some("ms")) => (Which::LoopLatency, 0.001, Some("50")),
        ("Event Loop Latency p95", Some("ms")) => (Which::LoopLatency, 0.001, Some("95")),
        ("HTTP Mean Latency", Some("ms")) => (Which::HttpLatency, 0.001, Some("50")),
        ("HTTP P95 Latency", Some("ms")) => (Which::HttpLatency, 0.001, Some("95")),
        ("HTTP", Some("req/min")) => (Which::HttpRate, 1.0 / 60.0, None),
        _ => return None,
    })
}

/// The metrics of all processes.
#[derive(Default)]
pub(super) struct InApps([Family<Labels, Float>; Which::ALL.len()]);

impl InApps {
    /// Takes in what a process measures that has these labels.
    pub(super) fn add(&self, process: &Labels, metrics: &[Measured]) {
        for of in metrics {
            let (which, factor, percentile) = known(of).unwrap_or((Which::Own, 1.0, None));
            let mut labels = process.clone();
            labels.extend(percentile.map(|percentile| ("percentile", percentile.to_owned())));
            if which == Which::Own {
                labels.push(("name", of.name.clone()));
                labels.push(("unit", of.unit.clone().unwrap_or_default()));
            }
            let mut families = Which::ALL.iter().zip(&self.0);
            if let Some((_, family)) = families.find(|(of, _)| **of == which) {
                family.get_or_create(&labels).set(of.value * factor);
            }
        }
    }

    /// Registers those that there are.
    pub(super) fn register(self, registry: &mut Registry) {
        for (which, family) in Which::ALL.into_iter().zip(self.0) {
            match which.described() {
                (name, Some(unit), help) => {
                    registry.register_with_unit(name, help, unit, family);
                }
                (name, None, help) => registry.register(name, help, family),
            }
        }
    }
}
