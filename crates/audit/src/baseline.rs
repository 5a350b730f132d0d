//! What is accepted for now: entries with a reason, and a day on which they end.

use crate::verdict::{Finding, Verdict};
use crate::{Matrix, Report};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Write;

/// The entries of a file.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    /// Each.
    #[serde(default)]
    pub accept: Vec<Entry>,
}

/// A finding that is accepted, or a check that need not look.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The check.
    pub check: String,
    /// The key of the finding; none for a check that cannot look.
    #[serde(default)]
    pub key: Option<String>,
    /// Why.
    pub reason: String,
    /// The last day on which it holds, YYYY-MM-DD.
    #[serde(default)]
    pub until: Option<String>,
}

/// What was accepted.
#[derive(Clone, Debug)]
pub struct Accepted {
    /// The check.
    pub check: &'static str,
    /// The finding; none where the check could not look.
    pub finding: Option<Finding>,
    /// Why.
    pub reason: String,
    /// Until when.
    pub until: Option<String>,
}

impl Baseline {
    /// Reads a file.
    ///
    /// # Errors
    /// In words, where it is no baseline: each entry has a check that there is, a reason, and a date that is one.
    pub fn read(text: &str) -> Result<Self, String> {
        let read: Self = toml::from_str(text).map_err(|error| error.message().to_owned())?;
        for entry in &read.accept {
            if !crate::all().any(|check| check.name == entry.check) {
                let near = specc_diag::nearest(&entry.check, crate::all().map(|check| check.name));
                let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
                return Err(format!("there is no check `{}`{near}", entry.check));
            }
            if entry.reason.trim().is_empty() {
                return Err(format!(
                    "`{}` has no reason: say why it is accepted",
                    entry.key.as_ref().unwrap_or(&entry.check)
                ));
            }
            if let Some(until) = &entry.until
                && !is_date(until)
            {
                return Err(format!("`{until}` is no date: write YYYY-MM-DD"));
            }
        }
        Ok(read)
    }

    /// All that a report has, with one reason, as a file.
    pub fn of(report: &Report, reason: &str, until: Option<&str>) -> String {
        let mut out = String::from(
            "# What `specc audit --baseline` accepts. An entry without a key is a check that cannot look. After `until` it counts again.\n",
        );
        let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
        for one in &report.examined {
            let keys = one.verdict.findings().iter().map(|finding| Some(finding.key.as_str()));
            let blind = (!one.verdict.unseen().is_empty()).then_some(None);
            for key in keys.chain(blind) {
                let _ = write!(out, "\n[[accept]]\ncheck = {}\n", quoted(one.check.name));
                if let Some(key) = key {
                    let _ = writeln!(out, "key = {}", quoted(key));
                }
                let _ = writeln!(out, "reason = {}", quoted(reason));
                if let Some(until) = until {
                    let _ = writeln!(out, "until = {}", quoted(until));
                }
            }
        }
        out
    }

    /// Takes what it accepts out of a report.
    pub fn apply(&self, report: &mut Report) {
        let mut entries: BTreeMap<(&str, Option<&str>), &Entry> = BTreeMap::new();
        for entry in &self.accept {
            if entry.until.as_deref().is_some_and(|until| until < report.today.as_str()) {
                let what = entry.key.as_ref().unwrap_or(&entry.check);
                report
                    .stale
                    .push(format!("`{what}` was accepted until {}", entry.until.as_deref().unwrap_or_default()));
            } else {
                entries.insert((&entry.check, entry.key.as_deref()), entry);
            }
        }
        let mut used = std::collections::BTreeSet::new();
        for one in &mut report.examined {
            let name = one.check.name;
            let mut take = |key: Option<&str>, finding: Option<&Finding>| {
                let Some(entry) = entries.get(&(name, key)) else { return false };
                used.insert((name, key.map(str::to_owned)));
                report.accepted.push(Accepted {
                    check: name,
                    finding: finding.cloned(),
                    reason: entry.reason.clone(),
                    until: entry.until.clone(),
                });
                true
            };
            let (mut findings, mut unseen) = match std::mem::replace(&mut one.verdict, Verdict::Ran) {
                Verdict::Ran => (Vec::new(), Vec::new()),
                Verdict::Found(findings, unseen) => (findings, unseen),
                Verdict::Cannot(unseen) => (Vec::new(), unseen),
            };
            let was_blind = !unseen.is_empty();
            findings.retain(|finding| !take(Some(&finding.key), Some(finding)));
            if was_blind && take(None, None) {
                unseen.clear();
            }
            one.verdict = match (findings.is_empty(), unseen.is_empty()) {
                (false, _) => Verdict::Found(findings, unseen),
                (true, false) => Verdict::Cannot(unseen),
                (true, true) if was_blind => Verdict::Cannot(Vec::new()),
                (true, true) => Verdict::Ran,
            };
        }
        let run: std::collections::BTreeSet<&str> = report.examined.iter().map(|one| one.check.name).collect();
        for ((check, key), _) in entries {
            if run.contains(check) && !used.contains(&(check, key.map(str::to_owned))) {
                report.stale.push(format!("`{}` is accepted, and is not found any more", key.unwrap_or(check)));
            }
        }
        let tables: Vec<String> = report.matrix.rows.iter().map(|(table, _)| table.clone()).collect();
        report.matrix = Matrix::of(&tables, &report.examined);
    }
}

fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let [year, month, day] = parts.as_slice() else { return false };
    let number = |part: &str, length: usize| {
        (part.len() == length && part.bytes().all(|b| b.is_ascii_digit()))
            .then(|| part.parse::<u32>().unwrap_or_default())
    };
    number(year, 4).is_some()
        && number(month, 2).is_some_and(|month| (1..=12).contains(&month))
        && number(day, 2).is_some_and(|day| (1..=31).contains(&day))
}

#[cfg(test)]
mod tests {
    use super::Baseline;

    #[test]
    fn an_entry_has_a_check_a_reason_and_a_date() {
        let read = |text: &str| Baseline::read(text).map(|read| read.accept.len());
        assert_eq!(read("[[accept]]\ncheck = \"drift\"\nreason = \"r\"\nuntil = \"2027-01-31\"\n"), Ok(1));
        assert!(read("[[accept]]\ncheck = \"drifts\"\nreason = \"r\"\n").is_err_and(|why| why.contains("`drift`")));
        assert!(read("[[accept]]\ncheck = \"drift\"\nreason = \" \"\n").is_err_and(|why| why.contains("no reason")));
        assert!(read("[[accept]]\ncheck = \"drift\"\n").is_err());
        assert!(
            read("[[accept]]\ncheck = \"drift\"\nreason = \"r\"\nuntil = \"soon\"\n")
                .is_err_and(|why| why.contains("no date"))
        );
    }
}
