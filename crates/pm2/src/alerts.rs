//! Who is told of alerts of all apps, as the settings of a home say it: `ostler.alerts.slack` and
//! the like, with the words of the attribute `alerts` of an app.

use ostler_config::{Diagnostic, attributes};
use ostler_core::spec::{Alerts, AppSpec};
use serde_json::Value as Json;

use crate::settings::{Key, Settings};

/// The name of the attribute, and the place of the settings.
const ALERTS: &str = "alerts";
const PLACE: &str = "ostler.alerts";

/// Why nobody can be told by what stands there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadAlerts {
    /// What is wrong, as the rest of a sentence.
    pub why: String,
    /// What to do.
    pub hint: String,
}

/// Whether a setting of ours of this name is about alerts.
#[must_use]
pub(crate) fn is_of_alerts(name: &str) -> bool {
    name == ALERTS || name.strip_prefix(ALERTS).is_some_and(|rest| rest.starts_with(':'))
}

/// Returns who is told of alerts of all apps.
///
/// # Errors
/// What is wrong with what stands there.
pub fn of(settings: &Settings) -> Result<Alerts, BadAlerts> {
    let key = Key::of(PLACE);
    let said = key.and_then(|key| settings.get(&key).cloned()).unwrap_or(Json::Null);
    if said.is_null() {
        return Ok(Alerts::default());
    }
    let attribute = attributes().find(|attribute| attribute.name == ALERTS);
    let mut spec = AppSpec::new("/".into(), "/".into());
    match attribute.map_or(Ok(()), |attribute| attribute.set(&mut spec, &said)) {
        Ok(()) => Ok(spec.alerts),
        Err(wrong) => Err(refused(wrong)),
    }
}

fn refused(wrong: Vec<Diagnostic>) -> BadAlerts {
    let hint = wrong.iter().find_map(|one| one.help.clone()).unwrap_or_default();
    let why: Vec<String> = wrong.into_iter().map(|one| one.message).collect();
    BadAlerts { why: format!("is refused: {}", why.join("; ")), hint }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_of_alerts_have_the_words_of_the_attribute() {
        let read = |text: &str| of(&Settings::read(text).unwrap());
        let text = r#"{"ostler":{"alerts":{"slack":"https://h/x","every":"5m"}}}"#;
        let alerts = read(text).unwrap();
        assert_eq!((alerts.to.len(), alerts.every), (1, Some(300_000)));
        assert_eq!(read("{}").unwrap(), Alerts::default());
        let wrong = read(r#"{"ostler":{"alerts":{"slack":"x"}}}"#).unwrap_err();
        assert!(wrong.why.contains("`alerts.slack` is `x`, which is no URL"), "{wrong:?}");
        assert!(wrong.hint.starts_with("write the URL of a webhook: `https://"), "{wrong:?}");
        assert!(read(r#"{"ostler":{"alerts":"x"}}"#).is_err());
    }
}
