//! From words to what is wanted, by the two tables: nothing is done here, and nothing is printed.

pub(crate) mod absent;
mod arg;
pub(crate) mod chapters;
mod command;
pub(crate) mod commands;
mod contrary;
pub(crate) mod examples;
mod fits;
pub(crate) mod flags;
mod group;
pub(crate) mod help;
mod hinted;
mod misuse;
mod otherwise;
mod parse;
mod parsed;
pub(crate) mod pm2_help;
mod sample;
pub(crate) mod suggest;
mod take;
mod text;
pub(crate) mod told;
pub(crate) mod tools;
mod typed;
mod unknown;
mod values;

pub(crate) use commands::{COMMANDS, Command, CommandId};
pub(crate) use examples::{FIRST, of as examples_of};
pub(crate) use flags::FlagId;
pub(crate) use hinted::said;
pub(crate) use misuse::Misuse;
pub(crate) use parse::{parse, parse_runtime};
pub(crate) use parsed::Parsed;
pub(crate) use sample::of_name as sample_of;
pub(crate) use text::sentence;
pub(crate) use typed::Typed;
