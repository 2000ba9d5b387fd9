//! Records as this machine reads them.

use ostler_config::Diagnostic;
use ostler_core::spec::AppSpec;
use serde_json::value::RawValue;

/// How many processes `max` means.
pub fn cpus() -> u32 {
    std::thread::available_parallelism()
        .map_or(1, |cpus| u32::try_from(cpus.get()).unwrap_or(u32::MAX))
}

/// The app that a record describes.
///
/// # Errors
/// What is missing or of the wrong kind, all of it.
pub fn read(record: &RawValue) -> Result<AppSpec, Vec<Diagnostic>> {
    ostler_pm2::record::from_record(record.get(), cpus())
}
