//! The test kit is what every other promise rests on: here it is shown that it can fail.
#![allow(missing_docs)]

mod load;
mod sandbox;
mod server;
mod victims;
