//! What a message may carry.

/// The most bytes of metadata that the keeper keeps with one run or one named descriptor.
pub const MAX_META: usize = 64 << 10;

/// The longest name of a descriptor, in bytes.
pub const MAX_NAME: usize = 1024;

/// The most descriptors that ride on one frame.
pub const MAX_FDS: usize = 32;
