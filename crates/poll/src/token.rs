//! Tokens: the number that epoll gives back, as a type of its user's.

/// Names a watched descriptor. An event of a descriptor that was dropped in the same round may
/// still follow, so numbers within tokens are not to be used again soon.
pub trait Token: Copy {
    /// Returns the token as epoll's number.
    fn to_raw(self) -> u64;

    /// Returns the token that became this number; `None` for numbers that no token becomes.
    fn from_raw(raw: u64) -> Option<Self>;
}

impl Token for u64 {
    fn to_raw(self) -> u64 {
        self
    }

    fn from_raw(raw: u64) -> Option<Self> {
        Some(raw)
    }
}

const NUMBER_BITS: u32 = 56;

/// Packs a kind and a number below 2⁵⁶ (its upper bits are lost) into a raw token.
#[must_use]
pub const fn pack(kind: u8, number: u64) -> u64 {
    ((kind as u64) << NUMBER_BITS) | (number & ((1 << NUMBER_BITS) - 1))
}

/// Returns the kind and the number that were packed.
#[must_use]
pub const fn unpack(raw: u64) -> (u8, u64) {
    ((raw >> NUMBER_BITS) as u8, raw & ((1 << NUMBER_BITS) - 1))
}
