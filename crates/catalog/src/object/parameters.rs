//! Storage parameters.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use std::ops::Deref;

/// Names and values, in the order in which somebody wrote them. The order says nothing: they are the same in any other.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Parameters(Vec<(SmolStr, SmolStr)>);

impl Parameters {
    /// By their names.
    pub fn sorted(&self) -> Vec<(SmolStr, SmolStr)> {
        let mut all = self.0.clone();
        all.sort();
        all
    }
}

impl Deref for Parameters {
    type Target = [(SmolStr, SmolStr)];

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl PartialEq for Parameters {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0 || self.0.len() == other.0.len() && self.sorted() == other.sorted()
    }
}

impl FromIterator<(SmolStr, SmolStr)> for Parameters {
    fn from_iter<I: IntoIterator<Item = (SmolStr, SmolStr)>>(all: I) -> Self {
        Self(all.into_iter().collect())
    }
}
