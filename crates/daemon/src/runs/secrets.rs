//! Values of secret variables: from the moment at which they were read to that at which the keeper
//! has given them to a run, and nowhere else.

use std::collections::BTreeMap;
use std::fmt;

/// Values by name. They are not printed, also not for debugging.
#[derive(Default)]
pub struct Secrets(BTreeMap<String, Vec<u8>>);

impl Secrets {
    /// Adds a variable with its value.
    pub fn insert(&mut self, name: String, value: Vec<u8>) {
        self.0.insert(name, value);
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_slice()))
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} secrets", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_secret_is_printed() {
        let mut secrets = Secrets::default();
        secrets.insert("TOKEN".to_owned(), b"abc".to_vec());
        assert_eq!(format!("{secrets:?}"), "1 secrets");
    }
}
