//! Which engine, and where apps for it are from.

use std::path::PathBuf;

/// An engine that runs apps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// `docker compose`, on one machine.
    Compose,
    /// Kubernetes, from 1.25 on.
    Kubernetes,
    /// HashiCorp's Nomad, with its Docker driver.
    Nomad,
    /// `docker stack deploy`.
    Swarm,
    /// systemd, without a manager between it and the apps.
    Systemd,
}

impl Engine {
    /// Every engine, by name.
    pub const ALL: [Self; 5] =
        [Self::Compose, Self::Kubernetes, Self::Nomad, Self::Swarm, Self::Systemd];

    /// Finds the engine of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|engine| engine.name() == name)
    }

    /// Returns its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Compose => "compose",
            Self::Kubernetes => "kubernetes",
            Self::Nomad => "nomad",
            Self::Swarm => "swarm",
            Self::Systemd => "systemd",
        }
    }

    /// Whether it runs images, and not what is on the machine.
    pub(crate) const fn runs_images(self) -> bool {
        !matches!(self, Self::Systemd)
    }
}

/// Where the apps are from.
#[derive(Clone, Debug)]
pub struct Source {
    /// The process file, as the user named it.
    pub file: String,
    /// The folder that an image has as `/app`: that of the process file, absolute.
    pub folder: PathBuf,
}
