//! Lines of logs on their way to others: syslog, the journal, OpenTelemetry, a command, a file; or
//! held against rules (`rules`). And alerts on their way (`alerts`).
//!
//! Each app and receiver have a thread of their own (`forward`), which reads the log files as
//! anybody would. So the thread that writes them knows nothing of receivers.

#![forbid(unsafe_code)]

mod alerts;
mod command;
mod curl;
mod forward;
mod http;
mod journald;
mod kept;
pub mod otlp;
mod record;
mod rules;
mod syslog;
mod target;
pub mod tcp;
mod tls;
mod wake;

pub use alerts::{
    Alert, AlertKey, AlertSender, AlertsKept, Delivered, Owed, Receiver, alerts_folder,
    alerts_left, alerts_of_home, deliver,
};
pub use command::{Runs, ends_within};
pub use forward::{Forwarder, Log, Passes, Sink};
pub use http::{Answer, is_url, post};
pub use kept::{Kept, file_name, folder, read_all};
pub use record::{Form, Record};
pub use rules::{Confirm, Found, Hears, RULES};
pub use target::Around;
pub use tls::companion;
