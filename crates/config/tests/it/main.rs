//! Process files, scripts, options and the schema, seen from outside.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests are tests")]

mod accepts;
mod any_input;
mod bad;
mod codes;
mod env_files;
mod extends;
mod files;
mod idle_stop;
mod large;
mod not_yet;
mod options;
mod package_scripts;
mod port;
mod profiles;
mod programs;
mod python;
mod schema;
mod scripts;
mod world;
