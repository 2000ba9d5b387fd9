//! Apps of a process file to the files of an engine that runs them on many machines.
//!
//! An engine has words for most of what an app says, in its own units and with its own defaults.
//! What has no word would be lost in silence, and be missed in production. So each export is two
//! things: the files, and for each app what of it is not in them.
//!
//! [`import`] is the other way round: files of other managers to a process file.
//!
//! Values of variables whose names tell of a secret are in no file: engines get them elsewhere.

#![forbid(unsafe_code)]

mod calendar;
mod compose;
mod engine;
mod hcl;
mod import;
mod kubernetes;
mod made;
mod nomad;
mod notes;
mod service;
mod systemd;
mod text;
mod yaml;

pub use engine::{Engine, Source};
pub use import::{Foreign, Imported, NotUnderstood, import};
pub use made::{Export, File, Note};

use ostler_core::spec::AppSpec;

use service::Service;

/// Writes the apps for an engine.
#[must_use]
pub fn export(engine: Engine, apps: &[AppSpec], source: &Source) -> Export {
    let services = Service::all(engine, apps, source);
    let mut notes = Vec::new();
    for service in &services {
        for text in notes::of(engine, service) {
            notes.push(Note { app: service.spec.name.clone(), text });
        }
    }
    let head = text::head(engine, source, &notes);
    let files = match engine {
        Engine::Compose | Engine::Swarm => compose::files(engine, &services, &head),
        Engine::Kubernetes => kubernetes::files(&services, &head),
        Engine::Nomad => nomad::files(&services, source, &notes),
        Engine::Systemd => systemd::files(&services, source, &notes),
    };
    Export { files, notes }
}
