//! Bytes to lines to files and subscribers.
