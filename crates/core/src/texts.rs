//! Texts by name, of which apps share what they have alike.
//!
//! A thousand apps that were started from one shell have a thousand times the same environment,
//! but for a variable or two. So each entry stands by itself and belongs to whoever has it, and a
//! [`Pool`] knows the entries that are in use: what passes through it costs a pointer where it
//! is known already.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

/// Texts by name, in the order of the names.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Texts(Vec<Arc<Entry>>);

/// A name and its text, never changed.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    name: Box<str>,
    text: Box<str>,
}

/// The entries that are in use, each once.
#[derive(Debug, Default)]
pub struct Pool(BTreeSet<Arc<Entry>>);

impl Texts {
    /// Holds no text.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    fn find(&self, name: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|entry| (*entry.name).cmp(name))
    }

    /// Returns the text of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        let at = self.find(name).ok()?;
        self.0.get(at).map(|entry| &*entry.text)
    }

    /// Whether there is a text of this name.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.find(name).is_ok()
    }

    /// Puts a text over the one that has its name, or beside the others.
    pub fn insert(&mut self, name: impl Into<Box<str>>, text: impl Into<Box<str>>) {
        let entry = Arc::new(Entry { name: name.into(), text: text.into() });
        match self.find(&entry.name) {
            Ok(at) => {
                if let Some(before) = self.0.get_mut(at) {
                    *before = entry;
                }
            }
            Err(at) => self.0.insert(at, entry),
        }
    }

    /// Puts a text unless there is one of its name.
    pub fn insert_new(&mut self, name: &str, text: &str) {
        if !self.contains(name) {
            self.insert(name, text);
        }
    }

    /// Takes the text of this name away.
    pub fn remove(&mut self, name: &str) {
        if let Ok(at) = self.find(name) {
            self.0.remove(at);
        }
    }

    /// Returns how many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns names and texts, by name.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.0.iter().map(|entry| (&*entry.name, &*entry.text))
    }

    /// Returns the same as a map of its own.
    #[must_use]
    pub fn to_map(&self) -> BTreeMap<String, String> {
        self.iter().map(|(name, text)| (name.to_owned(), text.to_owned())).collect()
    }
}

impl Pool {
    /// Replaces what others have as well by theirs.
    pub fn share(&mut self, texts: &mut Texts) {
        for entry in &mut texts.0 {
            match self.0.get(&**entry) {
                Some(known) => *entry = Arc::clone(known),
                None => _ = self.0.insert(Arc::clone(entry)),
            }
        }
        texts.0.shrink_to_fit();
    }

    /// Forgets what nobody has any more.
    pub fn forget_unused(&mut self) {
        self.0.retain(|entry| Arc::strong_count(entry) > 1);
    }

    /// Returns how many different entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<N: Into<Box<str>>, T: Into<Box<str>>> FromIterator<(N, T)> for Texts {
    fn from_iter<I: IntoIterator<Item = (N, T)>>(texts: I) -> Self {
        let mut all = Self::new();
        all.extend(texts);
        all
    }
}

impl<N: Into<Box<str>>, T: Into<Box<str>>> Extend<(N, T)> for Texts {
    fn extend<I: IntoIterator<Item = (N, T)>>(&mut self, texts: I) {
        for (name, text) in texts {
            self.insert(name, text);
        }
    }
}

impl<N: Into<Box<str>>, T: Into<Box<str>>> From<BTreeMap<N, T>> for Texts {
    fn from(texts: BTreeMap<N, T>) -> Self {
        texts.into_iter().collect()
    }
}

impl<N: Into<Box<str>>, T: Into<Box<str>>, const COUNT: usize> From<[(N, T); COUNT]> for Texts {
    fn from(texts: [(N, T); COUNT]) -> Self {
        texts.into_iter().collect()
    }
}

impl fmt::Debug for Texts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.name, self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_found_replaced_and_taken_away_by_name() {
        let mut texts = Texts::from([("b", "1"), ("a", "2"), ("b", "3")]);
        assert_eq!(texts.iter().collect::<Vec<_>>(), [("a", "2"), ("b", "3")]);
        assert_eq!((texts.get("b"), texts.get("c")), (Some("3"), None));
        texts.remove("a");
        texts.remove("none");
        assert_eq!((texts.len(), texts.contains("a"), texts.contains("b")), (1, false, true));
        texts.insert_new("b", "4");
        texts.insert_new("c", "5");
        assert_eq!(format!("{texts:?}"), r#"{"b": "3", "c": "5"}"#);
        assert_eq!((texts.len(), texts.is_empty(), Texts::new().is_empty()), (2, false, true));
    }

    #[test]
    fn what_two_have_alike_is_there_once() {
        let mut pool = Pool::default();
        let of = |port: &str| Texts::from([("HOME", "/root"), ("PATH", "/bin"), ("PORT", port)]);
        let mut all = [of("1"), of("2"), of("1")];
        all.iter_mut().for_each(|texts| pool.share(texts));
        assert_eq!(pool.len(), 4);
        assert!(Arc::ptr_eq(&all[0].0[0], &all[1].0[0]));
        assert_eq!(all[1], of("2"));
    }

    #[test]
    fn what_is_shared_is_not_changed_for_others() {
        let mut pool = Pool::default();
        let mut one = Texts::from([("A", "1")]);
        pool.share(&mut one);
        let mut other = one.clone();
        other.insert("A", "2");
        assert_eq!((one.get("A"), other.get("A")), (Some("1"), Some("2")));
    }

    #[test]
    fn what_nobody_has_any_more_is_forgotten() {
        let mut pool = Pool::default();
        let mut texts = Texts::from([("A", "1"), ("B", "2")]);
        pool.share(&mut texts);
        texts.remove("A");
        pool.forget_unused();
        assert_eq!((pool.len(), pool.is_empty()), (1, false));
        assert_eq!(format!("{pool:?}"), "Pool({B=2})");
        drop(texts);
        pool.forget_unused();
        assert!(pool.is_empty());
    }
}
