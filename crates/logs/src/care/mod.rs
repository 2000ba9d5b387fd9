//! What becomes of log files once they are full: rotated by the engine, they are compressed and in
//! the end removed here.
//!
//! Problem: logs fill disks. Who rotates by copying and emptying loses lines; who is killed while
//! he compresses leaves a half file, or the lines twice. Rule: what is to be done is decided by
//! `plan` from a listing of the folders alone, so that it is decided anew, and the same, after
//! any death; each task may be interrupted anywhere, and its end is one `rename` or `unlink`:
//!
//! - *rotate*: the engine renames the file at a line's end, and opens its path anew. Killed in
//!   between, its successor opens the path.
//! - *compress*: into a file of another name, that is locked as long as its maker lives; synced,
//!   renamed to the name with `.gz` or `.zst`; then the original is removed. As long as both are
//!   there, the compressed one is whole, and counts.
//! - *remove*: the oldest first.

mod history;
pub(crate) mod names;
mod pack;
mod packed;
mod packing;
mod plan;
mod rename;
mod sweep;

pub use history::{Past, history};
pub use names::{Names, USUAL_NAMES};
pub use pack::Pack;
pub use packed::Packed;
pub use packing::Packing;
pub(crate) use packing::Unpacked;
pub use plan::{Cap, Keep, Log};
pub use rename::Renamer;
pub use sweep::{Removed, Sweep, Swept};
