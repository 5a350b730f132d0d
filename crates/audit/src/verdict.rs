//! How a check ends.

use crate::check::{Check, Severity};
use crate::look::Row;
use serde_json::Value;
use std::fmt::Write;

/// Something that is wrong.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The check that found it.
    pub check: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// By what it is known again in the next examination.
    pub key: String,
    /// What it is about.
    pub object: String,
    /// The table that it is about, as Postgres writes it; none where it is about no table.
    pub table: Option<String>,
    /// What is wrong.
    pub says: String,
    /// Why that matters.
    pub why: &'static str,
    /// What mends it.
    pub mend: String,
    /// The row of the query that says so.
    pub row: Row,
}

/// How a check ended.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// It looked at all of it, and there is nothing.
    Ran,
    /// It looked and found something; what it could not look at is said too.
    Found(Vec<Finding>, Vec<String>),
    /// It could not look at all of it, and found nothing where it could: why, each with the way out.
    Cannot(Vec<String>),
}

impl Verdict {
    /// Its word.
    pub fn word(&self) -> &'static str {
        match self {
            Verdict::Ran => "RAN",
            Verdict::Found(..) => "FOUND",
            Verdict::Cannot(_) => "CANNOT",
        }
    }

    /// What it found.
    pub fn findings(&self) -> &[Finding] {
        match self {
            Verdict::Found(findings, _) => findings,
            Verdict::Ran | Verdict::Cannot(_) => &[],
        }
    }

    /// What it could not look at.
    pub fn unseen(&self) -> &[String] {
        match self {
            Verdict::Found(_, unseen) | Verdict::Cannot(unseen) => unseen,
            Verdict::Ran => &[],
        }
    }
}

impl Check {
    /// What a row of it says.
    pub(crate) fn finding(&self, row: Row) -> Finding {
        let text = |column: &str| row.get(column).map(shown);
        let object = text("object").unwrap_or_default();
        let key = match (text("key"), self.key) {
            (Some(key), _) => key,
            (None, "") if object.is_empty() => self.name.to_owned(),
            (None, "") => format!("{}_{object}", self.name),
            (None, template) => filled(template, &row),
        };
        let level = match text("level").as_deref() {
            Some("error") => Severity::Error,
            Some("warning") => Severity::Warning,
            Some("info") => Severity::Info,
            _ => self.severity,
        };
        Finding {
            check: self.name,
            severity: level,
            key,
            table: row.get("table").and_then(Value::as_str).map(str::to_owned),
            says: filled(self.says, &row),
            why: self.why,
            mend: filled(self.mend, &row),
            object,
            row,
        }
    }
}

/// A value of a row for a person.
pub(crate) fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(all) => all.iter().map(shown).collect::<Vec<_>>().join(", "),
        Value::Null => "none".to_owned(),
        other => other.to_string(),
    }
}

/// The template with what the row says in place of `{column}`. What the row says is not looked into again.
fn filled(template: &str, row: &Row) -> String {
    let mut out = String::new();
    let mut parts = template.split('{');
    out.push_str(parts.next().unwrap_or_default());
    for part in parts {
        match part.split_once('}') {
            Some((column, rest)) if row.contains_key(column) => {
                let _ = write!(out, "{}{rest}", row.get(column).map(shown).unwrap_or_default());
            }
            _ => {
                let _ = write!(out, "{{{part}");
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::filled;
    use serde_json::{Map, json};

    #[test]
    fn what_a_row_says_is_no_template() {
        let mut row = Map::new();
        row.insert("a".into(), json!("{b}"));
        row.insert("b".into(), json!(["x", null, 3]));
        assert_eq!(filled("see {a}, {b} and {c}: {", &row), "see {b}, x, none, 3 and {c}: {");
    }
}
