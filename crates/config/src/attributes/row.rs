//! How a row of the table is written: what is usual is left out.
//!
//! A row begins with the type (`text`, `truth`, `ms`, …) and the key, and ends with the help. Where
//! nothing else is said, a value of a process file is taken as it is, has the same key in the
//! record, is recorded when it is not the default, and counts from the next start on.

use super::access::Access;
use super::attribute::{
    Applies, Attribute, Effect, Flag, Gives, Input, Rule, Takes, Type, Unit, Usual,
};

/// A row of any types. Where its value is belongs to it: a row without does not compile.
pub(super) const fn of(name: &'static str, types: &'static [Type], access: Access) -> Attribute {
    let is_kept = matches!(access, Access::Kept);
    Attribute {
        name,
        aliases: &[],
        types,
        rule: Rule::Any,
        inside: "",
        unit: None,
        usual: Usual::Spec,
        applies: Applies::NextStart,
        flags: &[],
        over_file: false,
        help: "",
        advice: "",
        example: "null",
        input: Input::Direct,
        record: name,
        always_recorded: false,
        follows: None,
        in_environment: is_kept,
        effect: if is_kept { Effect::Kept } else { Effect::Acts },
        access,
    }
}

/// A text in quotes.
pub(super) const fn text(name: &'static str, access: Access) -> Attribute {
    of(name, &[Type::Text], access).advice("write a text in quotes").example("\"some-text\"")
}

/// `true` or `false`.
pub(super) const fn truth(name: &'static str, access: Access) -> Attribute {
    of(name, &[Type::Bool], access)
        .advice("write `true` or `false`, without quotes")
        .example("true")
}

/// A number from 0 up.
pub(super) const fn number(name: &'static str, access: Access) -> Attribute {
    of(name, &[Type::Number], access)
        .rule(Rule::Min(0))
        .advice("write a number, such as `5`")
        .example("5")
}

/// A time in milliseconds.
pub(super) const fn ms(name: &'static str, access: Access) -> Attribute {
    number(name, access)
        .unit(Unit::Milliseconds)
        .advice("write a number of milliseconds, such as `2000`")
        .example("2000")
}

/// A time in milliseconds, also as `10m`.
pub(super) const fn time(name: &'static str, access: Access) -> Attribute {
    of(name, &[Type::Number, Type::Text], access)
        .rule(Rule::Uptime)
        .unit(Unit::Milliseconds)
        .advice("write milliseconds from 100 up, or a text such as `\"10m\"`")
        .example("\"10m\"")
}

/// A size in bytes, also as `100M`.
pub(super) const fn size(name: &'static str, access: Access) -> Attribute {
    of(name, &[Type::Number, Type::Text], access)
        .rule(Rule::Memory)
        .unit(Unit::Bytes)
        .advice("write a number of bytes, or a text such as `\"100M\"`")
        .example("\"100M\"")
}

/// A path of a file or folder.
pub(super) const fn path(name: &'static str, access: Access) -> Attribute {
    text(name, access).unit(Unit::Path).resolved().example("\"some/path\"")
}

/// Texts, as a list or as one text.
pub(super) const fn words(name: &'static str, access: Access) -> Attribute {
    of(name, &[Type::List, Type::Text], access)
        .advice("write a list of texts, such as `[\"a\", \"b\"]`, or one text split on blanks")
        .example("[\"a\", \"b\"]")
}

/// An object of anything.
pub(super) const fn object(name: &'static str, access: Access) -> Attribute {
    of(name, &[Type::Object], access).advice("write an object").example("{ \"a\": 1 }")
}

/// Parts of a row. Each says something that is not usual.
#[rustfmt::skip]
impl Attribute {
    pub(super) const fn aliases(self, aliases: &'static [&'static str]) -> Self {
        Self { aliases, ..self }
    }

    pub(super) const fn rule(self, rule: Rule) -> Self { Self { rule, ..self } }
    pub(super) const fn inside(self, inside: &'static str) -> Self { Self { inside, ..self } }
    pub(super) const fn unit(self, unit: Unit) -> Self { Self { unit: Some(unit), ..self } }
    pub(super) const fn applies(self, applies: Applies) -> Self { Self { applies, ..self } }
    pub(super) const fn flags(self, flags: &'static [Flag]) -> Self { Self { flags, ..self } }
    pub(super) const fn over_file(self) -> Self { Self { over_file: true, ..self } }
    pub(super) const fn help(self, help: &'static str) -> Self { Self { help, ..self } }
    pub(super) const fn advice(self, advice: &'static str) -> Self { Self { advice, ..self } }
    pub(super) const fn example(self, example: &'static str) -> Self { Self { example, ..self } }
    pub(super) const fn resolved(self) -> Self { Self { input: Input::Resolved, ..self } }
    pub(super) const fn record_only(self) -> Self { Self { input: Input::RecordOnly, ..self } }
    pub(super) const fn recorded_as(self, record: &'static str) -> Self { Self { record, ..self } }
    pub(super) const fn always_recorded(self) -> Self { Self { always_recorded: true, ..self } }

    pub(super) const fn follows(self, record: &'static str) -> Self {
        Self { follows: Some(record), ..self }
    }

    pub(super) const fn in_environment(self) -> Self { Self { in_environment: true, ..self } }

    /// Kept, and not shown to the app.
    pub(super) const fn unseen(self) -> Self { Self { in_environment: false, ..self } }

    /// The default depends on more than the attribute.
    pub(super) const fn usually(self, said: &'static str) -> Self {
        Self { usual: Usual::Said(said), ..self }
    }

    /// Every app gets this JSON text in its record.
    pub(super) const fn usual(self, json: &'static str) -> Self {
        Self { usual: Usual::Json(json), ..self }
    }

    /// Kept, and acted on as well.
    pub(super) const fn acts(self) -> Self { Self { effect: Effect::Acts, ..self } }

    /// Kept, to be acted on in a later version.
    pub(super) const fn not_yet(self, lacks: &'static str, instead: &'static str) -> Self {
        Self { effect: Effect::NotYet { lacks, instead }, ..self }
    }
}

/// An option with a value: `--long <value>`.
pub(super) const fn value(long: &'static [&'static str], name: &'static str) -> Flag {
    Flag { short: None, long, takes: Takes::One(name), gives: Gives::Value, help: None }
}

/// An option without a value, which means this truth: `--long`.
pub(super) const fn switch(long: &'static [&'static str], to: bool) -> Flag {
    Flag { short: None, long, takes: Takes::Nothing, gives: Gives::Bool(to), help: None }
}

#[rustfmt::skip]
impl Flag {
    pub(super) const fn short(self, short: char) -> Self { Self { short: Some(short), ..self } }
    pub(super) const fn says(self, help: &'static str) -> Self { Self { help: Some(help), ..self } }
    pub(super) const fn takes(self, takes: Takes) -> Self { Self { takes, ..self } }
    pub(super) const fn gives(self, gives: Gives) -> Self { Self { gives, ..self } }
}
