//! What apps measure in themselves.

use serde::{Deserialize, Serialize};

/// What one process measures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InProcess {
    /// Number of the process.
    pub id: u32,
    /// What its agent measures, then what the app itself does, by name.
    pub metrics: Vec<Measured>,
}

/// A metric that is a number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Its name, as PM2 shows it.
    pub name: String,
    /// The last value; never infinite.
    pub value: f64,
    /// Its unit, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
}
