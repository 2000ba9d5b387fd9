//! Names that an app cannot have.

/// The most bytes of a name: the names of its log files, rotated ones too, have 255 at most.
const LONGEST: usize = 200;

/// Returns why no app can have this name, and what to do, if none can: `delete all` would not be
/// about that app alone. PM2 takes any.
#[must_use]
pub fn refused_name(name: &str) -> Option<(String, String)> {
    if LONGEST < name.len() {
        let why = format!("a name of {} bytes is too long: files are called by it", name.len());
        return Some((why, format!("give it a `name` of {LONGEST} bytes at most")));
    }
    let means = means_else(name)?;
    let why = format!("an app cannot be called `{name}`: to a command that is {means}");
    Some((why, "give it another `name`".to_owned()))
}

/// Returns why no namespace can have this name, and what to do, if none can.
#[must_use]
pub fn refused_namespace(name: &str) -> Option<(String, String)> {
    let means = means_else(name)?;
    let why = format!("a namespace cannot be called `{name}`: to a command that is {means}");
    Some((why, "give it another `namespace`".to_owned()))
}

/// What a word means to every command, whatever there is.
fn means_else(name: &str) -> Option<&'static str> {
    let is_pattern = 1 < name.len() && name.starts_with('/') && name.ends_with('/');
    match name {
        "all" => Some("every app"),
        "-" => Some("a process file on standard input"),
        _ if is_pattern => Some("every app whose name matches it"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_that_means_every_app_is_refused_as_such_a_name_is() {
        for name in ["all", "-", "/^a/"] {
            assert!(refused_name(name).is_some() && refused_namespace(name).is_some(), "{name}");
        }
        assert_eq!((refused_namespace("default"), refused_namespace("a/b")), (None, None));
    }
}
