//! What a look at something gives.

use serde::{Deserialize, Serialize};

/// How a check ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// All is well.
    Passed,
    /// It could not be looked at: nothing passes because nobody could see.
    Unknown,
    /// Somebody should know.
    Warned,
    /// It must not go on.
    Failed,
}

impl Verdict {
    /// Its word, as it is shown.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Passed => "PASSED",
            Verdict::Unknown => "CANNOT",
            Verdict::Warned => "WARNED",
            Verdict::Failed => "FAILED",
        }
    }
}

/// A check and how it ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Looked {
    /// Its stable name.
    pub name: String,
    /// How it ended.
    pub verdict: Verdict,
    /// What was seen.
    pub says: String,
    /// What to do, where something is to be done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub way: Option<String>,
}

impl Looked {
    fn new(name: &str, verdict: Verdict, says: impl Into<String>) -> Self {
        Self { name: name.to_owned(), verdict, says: says.into(), way: None }
    }

    /// All is well.
    pub fn passed(name: &str, says: impl Into<String>) -> Self {
        Self::new(name, Verdict::Passed, says)
    }

    /// It must not go on.
    pub fn failed(name: &str, says: impl Into<String>, way: impl Into<String>) -> Self {
        Self { way: Some(way.into()), ..Self::new(name, Verdict::Failed, says) }
    }

    /// Somebody should know.
    pub fn warned(name: &str, says: impl Into<String>, way: impl Into<String>) -> Self {
        Self { way: Some(way.into()), ..Self::new(name, Verdict::Warned, says) }
    }

    /// It could not be looked at.
    pub fn unknown(name: &str, says: impl Into<String>, way: impl Into<String>) -> Self {
        Self { way: Some(way.into()), ..Self::new(name, Verdict::Unknown, says) }
    }

    /// As lines of text.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!("{:<7} {:<12} {}", self.verdict.word(), self.name, self.says)];
        lines.extend(self.way.iter().map(|way| format!("                     {way}")));
        lines
    }
}

/// The worst verdict of all.
pub fn worst(looked: &[Looked]) -> Verdict {
    looked.iter().map(|one| one.verdict).max().unwrap_or(Verdict::Passed)
}
