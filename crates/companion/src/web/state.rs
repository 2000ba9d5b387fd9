//! What all requests share.

use super::link::Link;
use super::settings::Settings;

/// What all requests share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) settings: Settings,
    pub(crate) link: Link,
}

impl Shared {
    /// What requests share under these settings.
    pub(crate) fn new(settings: Settings) -> Self {
        Self { link: Link::new(&settings.home), settings }
    }
}
