//! What all requests share.

use std::sync::Arc;

use tokio::sync::Mutex;

use super::hub::Hub;
use super::link::Link;
use super::listing::Listing;
use super::settings::Settings;

/// What all requests share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) settings: Settings,
    pub(crate) link: Arc<Link>,
    pub(crate) listing: Listing,
    pub(crate) hub: Arc<Hub>,
    /// Whoever reads log files has it.
    pub(crate) reading: Mutex<()>,
}

impl Shared {
    /// What requests share under these settings.
    pub(crate) fn new(settings: Settings) -> Self {
        let link = Arc::new(Link::new(&settings.home));
        let hub = Hub::new(Arc::clone(&link));
        Self { listing: Listing::default(), hub, link, settings, reading: Mutex::default() }
    }
}
