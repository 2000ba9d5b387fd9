//! How runs behave: as one would wish, or not.

/// How the runs of a specification behave.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nature {
    /// Exits with this code as soon as it is spawned.
    pub exits: Option<i32>,
    /// Has a listener after it was spawned.
    pub listens: bool,
    /// Sends the message `ready`.
    pub says_ready: bool,
    /// Ignores every request to end but SIGKILL.
    pub stubborn: bool,
    /// Its health check passes.
    pub healthy: bool,
    /// Exits when asked to disconnect.
    pub drains: bool,
    /// Leaves a descendant behind that only SIGKILL ends.
    pub litters: bool,
    /// Listens on less than the run it replaces.
    pub partial: bool,
    /// Listens on as much as the run it replaces, but not on the same.
    pub elsewhere: bool,
    /// Its health check never comes to an end.
    pub mute: bool,
    /// Hangs in the kernel: SIGKILL has no effect yet.
    pub hangs: bool,
    /// There is no room for it: it is not spawned.
    pub has_no_room: bool,
}

/// A run as one would wish it.
pub const GOOD: Nature = Nature {
    exits: None,
    listens: true,
    says_ready: false,
    stubborn: false,
    healthy: true,
    drains: true,
    litters: false,
    partial: false,
    elsewhere: false,
    mute: false,
    hangs: false,
    has_no_room: false,
};
