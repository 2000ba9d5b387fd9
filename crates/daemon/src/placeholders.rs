//! Arguments and variables that are each instance's own: `{instance}`, `{port}`, `{port+instance}`.
//!
//! Any other text in braces stays as it is.

use std::borrow::Cow;

/// Puts the values of an instance into a text. Without a port those of ports stay as they are.
pub fn fill<'a>(text: &'a str, instance: u32, port: Option<u16>) -> Cow<'a, str> {
    if !text.contains('{') {
        return text.into();
    }
    let filled = text.replace("{instance}", &instance.to_string());
    let Some(port) = port else { return filled.into() };
    let own = u32::from(port) + instance;
    filled.replace("{port}", &port.to_string()).replace("{port+instance}", &own.to_string()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_instance_has_its_own_values_and_other_braces_stay() {
        let filled = |text| fill(text, 2, Some(3000)).into_owned();
        assert_eq!(filled("w{instance}:{port}-{port+instance}"), "w2:3000-3002");
        assert_eq!(filled("{\"a\":{instance}} {} {other}"), "{\"a\":2} {} {other}");
        assert_eq!(fill("{port+instance} {instance}", 1, None), "{port+instance} 1");
        assert_eq!(fill("plain", 1, None), "plain");
    }
}
