//! The version of the protocol; its log is in the text of [`proto`](super).

/// The version that this build speaks; the second half of every frame's header begins with it.
pub const VERSION: u8 = 4;

/// [`VERSION`], unless a test has this build speak as a newer one.
#[cfg(not(feature = "failpoints"))]
#[must_use]
pub const fn version() -> u8 {
    VERSION
}

/// [`VERSION`], unless a test has this build speak as a newer one (`OSTLER_TEST_PROTOCOL`).
#[cfg(feature = "failpoints")]
#[must_use]
pub fn version() -> u8 {
    static SAID: std::sync::OnceLock<u8> = std::sync::OnceLock::new();
    *SAID.get_or_init(|| {
        std::env::var(ostler_env::OSTLER_TEST_PROTOCOL)
            .ok()
            .and_then(|text| text.parse().ok())
            .unwrap_or(VERSION)
    })
}
