//! How a deployment stands: a file that is written before and after each step, under a checksum.

use crate::{Checkpoint, Looked, Plan, Step};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The version that this code writes and reads.
const VERSION: u32 = 1;

/// How a step stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It began; whether it ended is not known.
    Begun,
    /// It ended well.
    Done,
    /// There was nothing to do.
    Skipped,
    /// It ended badly.
    Failed,
    /// It was refused before anything of it was done.
    Refused,
}

impl State {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            State::Begun => "begun",
            State::Done => "done",
            State::Skipped => "skipped",
            State::Failed => "failed",
            State::Refused => "refused",
        }
    }
}

/// By which way a deployment is taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Way {
    /// By the down scripts.
    Down,
    /// By the backup.
    Restore,
}

impl Way {
    /// How it ends.
    pub fn ended(self) -> Ended {
        match self {
            Way::Down => Ended::TakenBack,
            Way::Restore => Ended::Restored,
        }
    }
}

/// A rollback that was approved and began: what it was said to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakingBack {
    /// By which way.
    pub way: Way,
    /// When it began, UTC.
    pub began: String,
    /// The hash that was approved.
    pub hash: String,
    /// Files that go back.
    #[serde(default)]
    pub files: Vec<String>,
    /// What is not there afterwards.
    #[serde(default)]
    pub loses: Vec<String>,
}

/// A step and how it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Which.
    pub step: Step,
    /// How.
    pub state: State,
    /// When it came to that, UTC.
    pub at: String,
    /// In words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub says: String,
}

/// A dump that was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backup {
    /// The file: in the project's folder relative to that, else absolute.
    pub file: String,
    /// Its SHA-256.
    pub sha256: String,
    /// When, by the server's clock.
    pub taken: String,
}

/// A project of Supabase that the deployment made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Created {
    /// Its reference.
    pub reference: String,
    /// Its name.
    pub name: String,
    /// The host of its database, when that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
}

/// How a deployment ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// All steps are done.
    Complete,
    /// It was taken back by the down scripts.
    TakenBack,
    /// It was taken back by the backup.
    Restored,
    /// The project that it made was deleted.
    Deleted,
}

impl Ended {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Ended::Complete => "complete",
            Ended::TakenBack => "taken back by the down scripts",
            Ended::Restored => "taken back by the backup",
            Ended::Deleted => "the project that it made was deleted",
        }
    }
}

/// All that is known of a deployment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Of this form.
    pub specc: u32,
    /// When it began, UTC.
    pub began: String,
    /// What is done.
    pub plan: Plan,
    /// The hash that was approved; none where nobody has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved: Option<String>,
    /// Checkpoints that were passed.
    #[serde(default)]
    pub passed: Vec<Checkpoint>,
    /// The steps, in their order.
    #[serde(default)]
    pub steps: Vec<Entry>,
    /// What the preflight saw.
    #[serde(default)]
    pub preflight: Vec<Looked>,
    /// What was seen afterwards.
    #[serde(default)]
    pub verified: Vec<Looked>,
    /// Rows of each table before anything was changed.
    #[serde(default)]
    pub rows: BTreeMap<String, i64>,
    /// The last migration that was applied before; none where there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// Whether the rows to begin with were added.
    #[serde(default)]
    pub seeded: bool,
    /// The dump that was taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup: Option<Backup>,
    /// The project that was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<Created>,
    /// The SHA-256 of the catalog that was there before; none where nobody looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub catalog: Option<String>,
    /// The rollback that began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub back: Option<TakingBack>,
    /// How it ended, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Ended>,
}

/// Why a record cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// It is not what was written.
    #[error("it is not as it was written")]
    Changed,
    /// It is none.
    #[error("it cannot be read: {0}")]
    Unreadable(String),
    /// A later version wrote it.
    #[error("it has version {0}, and this specc reads version {VERSION}")]
    Version(u64),
}

impl Record {
    /// A deployment that begins.
    pub fn new(plan: Plan, began: String) -> Self {
        Self {
            specc: VERSION,
            began,
            plan,
            approved: None,
            passed: Vec::new(),
            steps: Vec::new(),
            preflight: Vec::new(),
            verified: Vec::new(),
            rows: BTreeMap::new(),
            before: None,
            seeded: false,
            backup: None,
            created: None,
            catalog: None,
            back: None,
            ended: None,
        }
    }

    /// As a file.
    pub fn to_json(&self) -> String {
        let record = serde_json::to_value(self).unwrap_or_default();
        let sum = specc_catalog::checksum(record.to_string());
        let all = serde_json::json!({ "checksum": sum, "record": record });
        serde_json::to_string_pretty(&all).unwrap_or_default() + "\n"
    }

    /// Reads the file.
    ///
    /// # Errors
    /// What is not as it was written.
    pub fn read(text: &str) -> Result<Self, RecordError> {
        let unreadable = |error: serde_json::Error| RecordError::Unreadable(error.to_string());
        let all: serde_json::Value = serde_json::from_str(text).map_err(unreadable)?;
        let record = &all["record"];
        if all["checksum"].as_str() != Some(&specc_catalog::checksum(record.to_string())) {
            return Err(RecordError::Changed);
        }
        match record["specc"].as_u64() {
            Some(version) if version == u64::from(VERSION) => {}
            version => return Err(RecordError::Version(version.unwrap_or_default())),
        }
        serde_json::from_value(record.clone()).map_err(unreadable)
    }

    /// Says how a step stands.
    pub fn set(&mut self, step: Step, state: State, at: String, says: impl Into<String>) {
        let entry = Entry { step, state, at, says: says.into() };
        match self.steps.iter_mut().find(|one| one.step == step) {
            Some(one) => *one = entry,
            None => self.steps.push(entry),
        }
        self.steps.sort_by_key(|entry| entry.step);
    }

    /// How a step stands, if it began.
    pub fn state(&self, step: Step) -> Option<State> {
        self.steps.iter().find(|entry| entry.step == step).map(|entry| entry.state)
    }

    /// Whether a step needs not be done again.
    pub fn is_done(&self, step: Step) -> bool {
        matches!(self.state(step), Some(State::Done | State::Skipped))
    }

    /// Whether the database may be another than before: something began that changes it.
    pub fn has_changed_something(&self) -> bool {
        [Step::Provision, Step::Apply]
            .iter()
            .any(|step| matches!(self.state(*step), Some(State::Begun | State::Done | State::Failed)))
    }

    /// A rollback that began, and whose end is not known.
    pub fn going_back(&self) -> Option<&TakingBack> {
        self.back.as_ref().filter(|_| self.ended.is_none())
    }

    /// Whether it says nothing of the database: it stopped before it changed anything.
    pub fn is_void(&self) -> bool {
        self.ended.is_none() && !self.has_changed_something()
    }

    /// The step that says how it stands: one that failed, one that began, or the last one that is done.
    fn last(&self) -> Option<&Entry> {
        let of = |state: State| self.steps.iter().rev().find(move |entry| entry.state == state);
        of(State::Failed).or_else(|| of(State::Refused)).or_else(|| of(State::Begun)).or_else(|| of(State::Done))
    }

    /// Passes a checkpoint.
    pub fn pass(&mut self, checkpoint: Checkpoint) {
        if !self.passed.contains(&checkpoint) {
            self.passed.push(checkpoint);
        }
    }

    /// As lines of text.
    pub fn lines(&self) -> Vec<String> {
        let how = match (self.ended, &self.back) {
            (Some(ended), _) => ended.words().to_owned(),
            (None, Some(back)) => {
                let by = if back.way == Way::Down { "the down scripts" } else { "the backup" };
                format!("its rollback by {by} began {}, and whether that ended is not known", back.began)
            }
            (None, None) => match self.last() {
                None => "nothing was begun".to_owned(),
                Some(Entry { step, state: State::Begun, .. }) => {
                    format!("it stopped in the step `{}`, and whether that ended is not known", step.word())
                }
                Some(Entry { step, state: State::Failed, .. }) => format!("the step `{}` failed", step.word()),
                Some(Entry { step, state: State::Refused, .. }) => {
                    format!("the step `{}` was refused, and nothing of it was done", step.word())
                }
                Some(Entry { step, .. }) => format!("it stopped after the step `{}`", step.word()),
            },
        };
        let mut lines = vec![format!(
            "{} to {} ({}), begun {}: {how}",
            self.plan.project, self.plan.environment, self.plan.target, self.began
        )];
        for entry in &self.steps {
            let word = entry.state.word();
            let says = entry.says.lines().next().unwrap_or_default();
            lines.push(format!("  {word:<8} {:<12} {}  {says}", entry.step.word(), entry.at).trim_end().to_owned());
        }
        let passed: Vec<_> = self.passed.iter().map(|one| one.word()).collect();
        if !passed.is_empty() {
            lines.push(format!("  checkpoints passed: {}", passed.join(", ")));
        }
        lines.extend(self.backup.iter().map(|backup| format!("  backup: {}, taken {}", backup.file, backup.taken)));
        lines.extend(self.created.iter().map(|made| format!("  made: project `{}` ({})", made.name, made.reference)));
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::{Ended, Record, RecordError, State};
    use crate::{Plan, Step};

    #[test]
    fn a_record_is_read_as_it_was_written_or_not_at_all() {
        let mut record = Record::new(Plan { project: "shop".into(), ..Plan::default() }, "2026-01-01 00:00:00".into());
        record.set(Step::Backup, State::Begun, "x".into(), "");
        record.set(Step::Preflight, State::Done, "x".into(), "");
        record.set(Step::Backup, State::Done, "y".into(), "a.dump");
        record.ended = Some(Ended::Complete);
        let text = record.to_json();
        assert_eq!(Record::read(&text), Ok(record.clone()));
        assert_eq!(record.steps.iter().map(|entry| entry.step).collect::<Vec<_>>(), [Step::Preflight, Step::Backup]);
        assert_eq!(Record::read(&text.replace("a.dump", "b.dump")), Err(RecordError::Changed));
        assert!(matches!(Record::read(&text[..text.len() / 2]), Err(RecordError::Unreadable(_))));
        assert!(matches!(Record::read(""), Err(RecordError::Unreadable(_))));
        assert_eq!(Record::read("{}"), Err(RecordError::Changed));
        record.specc = 2;
        assert_eq!(Record::read(&record.to_json()), Err(RecordError::Version(2)));
    }
}
