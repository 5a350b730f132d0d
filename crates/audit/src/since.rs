//! What came and what went since an earlier examination, by its report.

use crate::verdict::Finding;
use crate::{Examined, Report};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// An earlier report, as `--format json` wrote it.
#[derive(Clone, Debug, Deserialize)]
pub struct Earlier {
    database: String,
    at: String,
    findings: Vec<Was>,
    checks: Vec<Looked>,
}

#[derive(Clone, Debug, Deserialize)]
struct Was {
    check: String,
    key: String,
    says: String,
}

#[derive(Clone, Debug, Deserialize)]
struct Looked {
    name: String,
    not_looked_at: Vec<String>,
}

/// How a report differs from an earlier one.
#[derive(Clone, Debug)]
pub struct Since {
    /// The database of the earlier one.
    pub database: String,
    /// When that was.
    pub at: String,
    /// What was found then and is not any more, by checks that looked at all of it: the check, and what it said.
    pub gone: Vec<(String, String)>,
    /// What was found then, by check and key.
    known: BTreeSet<(String, String)>,
    /// Checks that could not look at all of it then.
    blind: BTreeSet<String>,
    /// Checks that were run then.
    run: BTreeSet<String>,
}

impl Earlier {
    /// Reads a report.
    ///
    /// # Errors
    /// Where it is none.
    pub fn read(text: &str) -> Result<Self, String> {
        serde_json::from_str(text).map_err(|error| format!("it is no report of `specc audit --format json`: {error}"))
    }

    /// Notes in a report what is new.
    pub fn apply(self, report: &mut Report) {
        let known: BTreeSet<(String, String)> =
            self.findings.iter().map(|was| (was.check.clone(), was.key.clone())).collect();
        let now: BTreeMap<&str, &Examined> = report.examined.iter().map(|one| (one.check.name, one)).collect();
        let accepted = |was: &Was| {
            let is = |one: &crate::baseline::Accepted| {
                one.check == was.check && one.finding.as_ref().is_some_and(|finding| finding.key == was.key)
            };
            report.accepted.iter().any(is)
        };
        let is_gone = |was: &&Was| {
            let Some(one) = now.get(was.check.as_str()) else { return false };
            let is_there = one.verdict.findings().iter().any(|finding| finding.key == was.key);
            one.verdict.unseen().is_empty() && !is_there && !accepted(was)
        };
        let gone = self.findings.iter().filter(is_gone).map(|was| (was.check.clone(), was.says.clone())).collect();
        let blind = self.checks.iter().filter(|one| !one.not_looked_at.is_empty());
        report.since = Some(Since {
            database: self.database,
            at: self.at,
            gone,
            known,
            blind: blind.map(|one| one.name.clone()).collect(),
            run: self.checks.iter().map(|one| one.name.clone()).collect(),
        });
    }
}

impl Since {
    /// Whether this was not found then.
    pub fn is_new(&self, finding: &Finding) -> bool {
        !self.known.contains(&(finding.check.to_owned(), finding.key.clone()))
    }

    /// Whether a check cannot look at all of it now, and could then.
    pub(crate) fn is_newly_blind(&self, one: &Examined) -> bool {
        let name = one.check.name;
        let was_blind = self.run.contains(name) && self.blind.contains(name);
        !one.verdict.unseen().is_empty() && !was_blind
    }
}
