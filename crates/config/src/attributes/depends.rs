//! What an app waits for before it begins.

use super::access::field;
use super::attribute::{Attribute, Gives, Takes, Type};
use super::row::{of, value};
use crate::depends;

pub(super) static ROWS: &[Attribute] =
    &[of("depends_on", &[Type::List, Type::Object, Type::Text], field!(depends_on))
        .inside(depends::SCHEMA)
        .flags(&[value(&["depends-on"], "app").takes(Takes::One("app")).gives(Gives::List)])
        .advice("write a list of names, such as `[\"db\"]`, or conditions by name")
        .example("[\"db\", \"migrate\"]")
        .help(
            "apps that must be `started`, `ready` (where nothing is said), `healthy` or \
             `completed` before it begins, and that are stopped after it",
        )];
