//! How an attribute gets at its place in a specification.
//!
//! A place and the form of its values are given once, by the type of the field ([`FieldType`]) or
//! by one of the [`forms`](super::forms): reading and writing cannot fall apart.

use ostler_core::spec::AppSpec;
use serde_json::Value as Json;

use crate::diagnostic::Diagnostic;
use crate::value::{Node, Span};

/// Where an attribute's value is.
#[derive(Debug)]
pub(crate) enum Access {
    /// In a field of the specification.
    Field(FieldAccess),
    /// In `passthrough`, under the attribute's name.
    Kept,
    /// Nowhere: it is for the command that reads the file.
    Command,
}

/// A field of the specification.
#[derive(Debug)]
pub(crate) struct FieldAccess {
    /// Returns the value, null when there is none.
    pub(crate) get: fn(&AppSpec) -> Json,
    /// Puts a value, or refuses it and changes nothing.
    pub(crate) set: fn(&mut AppSpec, &Node) -> Result<(), BadValue>,
    /// Whether the first has what the second, an app of defaults, has.
    pub(crate) same: fn(&AppSpec, &AppSpec) -> bool,
}

/// Why a value is refused.
#[derive(Debug)]
pub(crate) enum BadValue {
    /// It must be this.
    Wanted(&'static str),
    /// It must be this; in a file, one part of it is pointed at instead.
    Part {
        /// What it must be.
        wanted: &'static str,
        /// What is wrong with the part.
        said: Box<Diagnostic>,
        /// Where the part stands; `None`: where the value does.
        span: Option<Span>,
    },
    /// All that is wrong with it, each with its place inside.
    Said(Vec<(Option<Span>, Diagnostic)>),
}

/// A type of fields, with the form that its values have in files and records.
pub(crate) trait FieldType: Sized {
    /// Returns the value, null when there is none.
    fn write(&self) -> Json;

    /// Reads a value.
    fn read(node: &Node) -> Result<Self, BadValue>;
}

/// A form that the type of the field does not say.
pub(crate) trait Form<T> {
    /// Returns the value, null when there is none.
    fn write(value: &T) -> Json;

    /// Reads a value.
    fn read(node: &Node) -> Result<T, BadValue>;
}

/// The form that a type has by itself.
pub(crate) struct Plain;

impl<T: FieldType> Form<T> for Plain {
    fn write(value: &T) -> Json {
        value.write()
    }

    fn read(node: &Node) -> Result<T, BadValue> {
        T::read(node)
    }
}

/// The access to a field: `field!(policy.stop_grace)`, `field!(policy.stop_signal as Signal)`.
macro_rules! field {
    ($($name:ident).+) => {
        field!($($name).+ as $crate::attributes::access::Plain)
    };
    ($($name:ident).+ as $form:path) => {
        $crate::attributes::access::Access::Field($crate::attributes::access::FieldAccess {
            get: |spec| {
                <$form as $crate::attributes::access::Form<_>>::write(&spec.$($name).+)
            },
            set: |spec, node| {
                spec.$($name).+ = <$form as $crate::attributes::access::Form<_>>::read(node)?;
                Ok(())
            },
            same: |spec, usual| spec.$($name).+ == usual.$($name).+,
        })
    };
}
pub(crate) use field;
