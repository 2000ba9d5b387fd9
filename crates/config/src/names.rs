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

/// Returns what is to be known of an app of this name, and what to do, if there is something: to a
/// command a name that is a number goes before the process of that id, as in PM2.
#[must_use]
pub fn doubtful_name(name: &str) -> Option<(String, String)> {
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let why = format!("to commands `{name}` is now this app, and not the process with that id");
    Some((why, "give it a `name` that is no number".to_owned()))
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
    fn a_name_that_is_a_number_is_taken_and_said() {
        assert!(doubtful_name("0").is_some_and(|(why, _)| why.contains("`0`")));
        assert_eq!((doubtful_name("v2"), doubtful_name("")), (None, None));
        assert_eq!(refused_name("0"), None);
    }

    #[test]
    fn a_namespace_that_means_every_app_is_refused_as_such_a_name_is() {
        for name in ["all", "-", "/^a/"] {
            assert!(refused_name(name).is_some() && refused_namespace(name).is_some(), "{name}");
        }
        assert_eq!((refused_namespace("default"), refused_namespace("a/b")), (None, None));
    }
}
