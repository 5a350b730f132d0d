//! A small database in which something goes wrong.

use crate::sorts::{Source, Val};
use crate::verdict::name;
use rustc_hash::FxHashMap;
use smol_str::SmolStr;
use specc_diag::Span;
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
    /// An array.
    List(Vec<Val>),
}

/// A row of a case.
#[derive(Clone, Debug)]
pub struct CaseRow {
    /// Of which entity.
    pub entity: EntityId,
    /// Its number; a row that is written has none.
    pub number: Option<u16>,
    /// Columns that a client leaves to the table.
    pub left: BTreeSet<FieldIx>,
    /// Folders of paths that matter, by column and depth.
    pub folders: Vec<(FieldIx, u8, Held)>,
    /// Columns that matter.
    pub values: Vec<(FieldIx, Held)>,
}

/// Past which rules a row is read, or written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Through {
    /// By a view, by its place in [`Model::views`].
    View(usize),
    /// By a call of a function, by its place in [`Model::functions`].
    Function(usize),
}

/// A statement of a case.
#[derive(Clone, Debug)]
pub struct Step {
    /// What is done.
    pub command: RuleAction,
    /// What it is read or written by, where that is not the table itself.
    pub through: Option<Through>,
    /// The place of the row that is read, changed or deleted.
    pub old: Option<usize>,
    /// The place of what comes of it.
    pub new: Option<usize>,
    /// Columns that may be changed.
    pub open: BTreeSet<FieldIx>,
}

/// Rows, who asks, and what she does.
#[derive(Clone, Debug)]
pub struct Case {
    /// The role of the session.
    pub role: SmolStr,
    /// What is done, one after the other; what goes wrong is the last of it.
    pub steps: Vec<Step>,
    /// What the session says: who asks, claims, the time.
    pub session: Vec<(Source, Held)>,
    /// For what the session says, a column that has values of the same kind.
    pub(crate) kinds: Vec<(Source, (EntityId, FieldIx))>,
    /// The rows, those that come of statements among them.
    pub rows: Vec<CaseRow>,
    /// The rule that lets it through, where one is known, and its place.
    pub by: Option<(SmolStr, Span)>,
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
        let who = said.join(", ");
        let mut lines = Vec::new();
        let mut told = BTreeSet::new();
        for step in &self.steps {
            let row = |at: Option<usize>| at.and_then(|at| Some((at, self.rows.get(at)?)));
            let about = row(step.old.or(step.new));
            if about.is_none() && step.through.is_none() {
                continue;
            }
            let table = match (about, step.through) {
                (_, Some(Through::View(view))) => model.views[view].name.name.to_string(),
                (Some((_, row)), _) => name(model, row.entity),
                (None, _) => String::new(),
            };
            let (statement, old, new) = match (step.command, step.through) {
                (_, Some(Through::Function(function))) => (self.call(model, function), "read: ", ""),
                (RuleAction::Select, _) => (format!("select from {table}"), "read: ", ""),
                (RuleAction::Insert, _) => (format!("insert into {table}"), "", "inserted: "),
                (RuleAction::Update, _) => (format!("update {table}"), "before: ", "after: "),
                (RuleAction::Delete, _) => (format!("delete from {table}"), "deleted: ", ""),
            };
            let first = if lines.is_empty() { format!("{who}: ") } else { "then: ".to_owned() };
            lines.push(format!("{first}{statement}"));
            for (word, at) in [(old, step.old), (new, step.new)] {
                if let Some((at, row)) = row(at) {
                    told.insert(at);
                    lines.push(format!("{word}{}", self.row_line(model, row)));
                }
            }
        }
        let others = self.rows.iter().enumerate().filter(|(at, _)| !told.contains(at));
        lines.extend(others.map(|(_, row)| self.row_line(model, row)));
        lines
    }

    fn call(&self, model: &Model, at: usize) -> String {
        let function = &model.functions[at];
        let args = function.params.iter().enumerate().filter(|(_, param)| param.mode != "out").map(|(place, param)| {
            let source = Source::Argument(at, place);
            let held = self.session.iter().find(|(other, _)| *other == source);
            let said = held.map_or_else(|| "anything".to_owned(), |(_, held)| self.spoken(model, held));
            format!("{} => {said}", param.name)
        });
        format!("select from {}({})", function.name.name, args.collect::<Vec<_>>().join(", "))
    }

    /// What is done first.
    pub fn command(&self) -> RuleAction {
        self.steps.first().map_or(RuleAction::Select, |step| step.command)
    }

    /// The place of the row that is read, changed or deleted first, or else of the one that comes of it.
    pub fn written(&self) -> Option<usize> {
        self.steps.first().and_then(|step| step.old.or(step.new))
    }

    /// Whether it is there before anything is done.
    pub fn is_there(&self, at: usize) -> bool {
        self.steps.iter().all(|step| step.new != Some(at))
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
        let folders = row.folders.iter().map(|(field, nth, held)| {
            format!("folder {nth} of {}: {}", entity.fields[*field].name, self.spoken(model, held))
        });
        let values: Vec<String> = values.chain(folders).collect();
        format!("{} {{ {} }}", name(model, row.entity), values.join(", "))
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
            Held::List(values) => {
                let spoken: Vec<String> =
                    values.iter().map(|value| self.spoken(model, &Held::Value(value.clone()))).collect();
                format!("{{{}}}", spoken.join(", "))
            }
        }
    }
}
