//! What no message shows.

use std::fmt;

/// A token, a key or a password: only [`Secret::expose`] gives it away.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps a text from being shown.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// A text with `…` where one of these stands in it, the longest first.
    pub fn hidden(text: &str, secrets: &[Secret]) -> String {
        let mut all: Vec<&str> = secrets.iter().map(Secret::expose).filter(|secret| !secret.is_empty()).collect();
        all.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        all.iter().fold(text.to_owned(), |text, secret| text.replace(secret, "…"))
    }

    /// The text, for whoever sends it or writes it where it belongs.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}
