//! A small database in which something goes wrong.

use crate::sorts::{Source, Val};
use crate::verdict::name;
use rustc_hash::FxHashMap;
use smol_str::SmolStr;
use specc_model::{EntityId, FieldIx, Model, RuleAction};
use std::collections::BTreeSet;

/// What a column holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Held {
    /// Null.
    Null,
    /// True or false.
    Truth(bool),
    /// Any other value.
    Value(Val),
}

/// What a row has to do with the statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// It is read, changed or deleted.
    Old,
    /// It is what comes of it.
    New,
    /// It is there.
    Other,
}

/// A row of a case.
#[derive(Clone, Debug)]
pub struct CaseRow {
    /// Of which entity.
    pub entity: EntityId,
    /// Its number; a row that is written has none.
    pub number: Option<u16>,
    /// What it has to do with the statement.
    pub part: Part,
    /// Columns that a client leaves to the table.
    pub left: BTreeSet<FieldIx>,
    /// Columns that matter.
    pub values: Vec<(FieldIx, Held)>,
}

/// Rows, who asks, and what she does.
#[derive(Clone, Debug)]
pub struct Case {
    /// The role of the session.
    pub role: SmolStr,
    /// What is done.
    pub command: RuleAction,
    /// What the session says: who asks, claims, the time.
    pub session: Vec<(Source, Held)>,
    /// The rows.
    pub rows: Vec<CaseRow>,
    /// How many rows of each entity there may be.
    pub(crate) sizes: FxHashMap<EntityId, usize>,
}

impl Case {
    /// The case in words, a line for what is done and one for each row.
    pub fn lines(&self, model: &Model) -> Vec<String> {
        let mut said = vec![format!("as {}", self.role)];
        for (source, held) in &self.session {
            let Some(what) = Self::said_of(source) else { continue };
            said.push(format!("{what} is {}", self.spoken(model, held)));
        }
        let table = self.written().map(|row| name(model, row.entity)).unwrap_or_default();
        let statement = match self.command {
            RuleAction::Select => format!("select from {table}"),
            RuleAction::Insert => format!("insert into {table}"),
            RuleAction::Update => format!("update {table}"),
            RuleAction::Delete => format!("delete from {table}"),
        };
        let mut lines = vec![format!("{}: {statement}", said.join(", "))];
        for row in &self.rows {
            let part = match (row.part, self.command) {
                (Part::Other, _) => "",
                (Part::New, RuleAction::Insert) => "inserted: ",
                (Part::New, _) => "after: ",
                (Part::Old, RuleAction::Update) => "before: ",
                (Part::Old, RuleAction::Delete) => "deleted: ",
                (Part::Old, _) => "read: ",
            };
            lines.push(format!("{part}{}", self.row_line(model, row)));
        }
        lines
    }

    /// What the session says, in the words of the spec.
    pub(crate) fn said_of(source: &Source) -> Option<String> {
        Some(match source {
            Source::Viewer => "viewer".to_owned(),
            Source::Claim(keys) => format!("claims.{}", keys.join(".")),
            Source::Session(name) => format!("{name}()"),
            _ => return None,
        })
    }

    /// `members { team_id: teams 1, user_id: profiles 1 }`
    pub(crate) fn row_line(&self, model: &Model, row: &CaseRow) -> String {
        let entity = model.entity(row.entity);
        let values = row
            .values
            .iter()
            .map(|(field, held)| format!("{}: {}", entity.fields[*field].name, self.spoken(model, held)));
        let values: Vec<String> = values.collect();
        format!("{} {{ {} }}", name(model, row.entity), values.join(", "))
    }

    /// The row that the statement is about.
    pub(crate) fn written(&self) -> Option<&CaseRow> {
        self.rows.iter().find(|row| row.part != Part::Other)
    }

    /// A value, as it is shown.
    pub(crate) fn spoken(&self, model: &Model, held: &Held) -> String {
        match held {
            Held::Null => "null".to_owned(),
            Held::Truth(truth) => truth.to_string(),
            Held::Value(Val::Key(entity, number)) => {
                let there = usize::from(*number) < self.sizes.get(entity).copied().unwrap_or(1);
                let table = &model.entity(*entity).name.name;
                if there { format!("{table} {}", number + 1) } else { format!("no {table}") }
            }
            Held::Value(Val::Number(_, digits)) => digits.to_string(),
            Held::Value(Val::Text(text)) => format!("'{text}'"),
            Held::Value(Val::Other(number)) => format!("other {}", number + 1),
        }
    }
}
