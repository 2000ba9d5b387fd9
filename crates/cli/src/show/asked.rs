//! What a program asks for of objects that are no processes: `--json FIELDS`, `--format TEMPLATE`.

use serde_json::{Map, Value};

use super::fields::text_of;
use super::names;
use super::template::{self, Part};
use crate::failed::Failed;

/// What a program asked for.
#[derive(Debug)]
pub(crate) enum Asked {
    /// Objects with all that there is.
    Whole,
    /// Objects with these fields, in this order.
    Json(Vec<String>),
    /// A line for each object.
    Lines(Vec<Part>),
}

impl Asked {
    /// Reads `name,pid`; without a name it is everything. `known`: the names that there can be,
    /// where that is known.
    pub(crate) fn json(fields: Option<&str>, known: Option<&[&str]>) -> Result<Self, Failed> {
        let Some(fields) = fields else { return Ok(Self::Whole) };
        let named = names::split(fields)?;
        named.iter().try_for_each(|name| names::check(name, known))?;
        Ok(Self::Json(named.into_iter().map(str::to_owned).collect()))
    }

    /// Reads `{name} {pid}`.
    pub(crate) fn lines(
        template: &str,
        known: Option<&[&str]>,
        example: &str,
    ) -> Result<Self, Failed> {
        let parts = template::parts(template, example)?;
        parts.iter().filter_map(Part::name).try_for_each(|name| names::check(name, known))?;
        Ok(Self::Lines(parts))
    }

    /// Whether an object with this field is wanted.
    pub(crate) fn names(&self, field: &str) -> bool {
        match self {
            Self::Whole => true,
            Self::Json(names) => names.iter().any(|name| name == field),
            Self::Lines(parts) => parts.iter().filter_map(Part::name).any(|name| name == field),
        }
    }

    /// Returns what was asked for of an object that may lack fields: they are null.
    pub(crate) fn of(&self, object: &Value) -> Value {
        let Self::Json(names) = self else { return object.clone() };
        let value = |name: &String| (name.clone(), object[name.as_str()].clone());
        Value::Object(names.iter().map(value).collect())
    }

    /// Returns the line of an object, with its end; nothing where objects were asked for. A value
    /// is a part of a line, whatever is in it.
    pub(crate) fn line(&self, object: &Value) -> Option<String> {
        let value = |name: &str| ostler_text::shown(&text_of(&object[name])).into_owned();
        self.line_of(|name| Ok(value(name))).ok().flatten()
    }

    /// Returns the fields or the line of an object that may have any name; it has its end.
    ///
    /// # Errors
    /// It has not this one.
    pub(crate) fn text_of_named(
        &self,
        object: &Map<String, Value>,
        missing: impl Fn(&str) -> Failed,
    ) -> Result<String, Failed> {
        let find = |name: &str| object.get(name).ok_or_else(|| missing(name));
        if let Some(line) = self.line_of(|name| find(name).map(text_of))? {
            return Ok(line);
        }
        let picked = match self {
            Self::Json(names) => {
                let pair = |name: &String| Ok((name.clone(), find(name)?.clone()));
                names.iter().map(pair).collect::<Result<Map<_, _>, Failed>>()?
            }
            Self::Whole | Self::Lines(_) => object.clone(),
        };
        Ok(format!("{}\n", Value::Object(picked)))
    }

    fn line_of(
        &self,
        value: impl FnMut(&str) -> Result<String, Failed>,
    ) -> Result<Option<String>, Failed> {
        match self {
            Self::Lines(parts) => template::line(parts, value).map(Some),
            Self::Whole | Self::Json(_) => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_come_in_the_order_in_which_they_were_asked_for_and_one_that_is_not_there_is_null() {
        let object = json!({ "a": 1, "b": [2] });
        let of = |fields| Asked::json(fields, Some(&["a", "b", "c"])).unwrap().of(&object);
        assert_eq!(of(Some("b, a")).to_string(), r#"{"b":[2],"a":1}"#);
        assert_eq!(of(Some("c")).to_string(), r#"{"c":null}"#);
        assert_eq!(of(None), object);
        let lines = Asked::lines("{a}:{c}\\t{b}", Some(&["a", "b", "c"]), "{a}").unwrap();
        assert_eq!(lines.line(&object).unwrap(), "1:\t2\n");
    }

    #[test]
    fn a_name_that_an_object_has_not_is_told_where_any_may_be() {
        let object = json!({ "PORT": "80", "A B": 1 });
        let object = object.as_object().unwrap();
        let missing = |name: &str| Failed::new(format!("no {name}"));
        let text = |asked: Asked| asked.text_of_named(object, missing);
        let json = |fields| text(Asked::json(Some(fields), None).unwrap());
        assert_eq!(json("A B").unwrap(), "{\"A B\":1}\n");
        assert_eq!(json("PORT,X").unwrap_err(), Failed::new("no X"));
        let line = |template| text(Asked::lines(template, None, "{A}").unwrap());
        assert_eq!(line(":{PORT}").unwrap(), ":80\n");
        assert_eq!(line("{Y}").unwrap_err(), Failed::new("no Y"));
    }
}
