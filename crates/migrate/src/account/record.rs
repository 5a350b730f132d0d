//! What a build hands on beside a migration: what is lost, and what each statement is predicted to do.

use super::lines::LineEach;
use super::stirred::Stirred;
use super::{Gone, Note, Renaming, name};
use crate::render::{Printed, newlines, statement_checksum};
use crate::schedule::{Plan, Stage};
use rustc_hash::FxHashSet;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use specc_catalog::{Catalog, TableName};
use specc_sql::{Lock, Loss, Statement, Transaction};
use std::collections::BTreeMap;

/// What a build hands on beside a migration, for those who prove or run it. Its statements are read as a list; those of a build
/// are worked out while they are written. A statement that is not listed does nothing to tables that others may be using.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record<S = Vec<Prediction>> {
    /// The checksum of the migration file: what is said is said of this text.
    pub sum: String,
    /// What the migration loses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub loses: Vec<Lost>,
    /// Those of its statements that do something to tables that others may be using, in order.
    #[serde(default)]
    pub statements: S,
    /// It is a part of a first migration: nobody uses yet what that made.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub first: bool,
    /// Tables whose columns stand in another order after the change than the spec says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reorders: Vec<String>,
    /// What the way back loses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub back_loses: Vec<Lost>,
    /// Tables whose columns stand in another order after the way back than before the change.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub back_reorders: Vec<String>,
    /// Columns that take null, or are of another type, after the way back than before the change.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub back_columns: Vec<Lost>,
    /// Constraints and indexes that are missing after the way back, or not valid: each with its table.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub back_rules: Vec<Lost>,
    /// Extensions that the way back leaves.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub back_leaves: Vec<SmolStr>,
    /// Of tables with triggers the columns that base rows give which the change writes: others may have another value after
    /// the way back, since triggers gave them one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub back_given: Vec<Lost>,
    /// Tables that such triggers may write to, which have more rows after the way back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub back_follows: Vec<Lost>,
    /// How many base rows the change and the way back write to tables with triggers.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub back_rows: usize,
    /// What is called otherwise after the change.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub renames: Vec<Renaming>,
}

/// The statements of a stage, each predicted when it is written: thousands of texts are never in memory together.
pub(crate) struct Predicted<'p, 'd> {
    plan: &'p Plan<'d>,
    stage: &'p Stage<'d>,
    /// What an earlier file of a change made is there for all to use.
    made: FxHashSet<&'p TableName>,
    printed: &'p Printed,
}

impl<'p, 'd> Predicted<'p, 'd> {
    fn of(plan: &'p Plan<'d>, stage: &'p Stage<'d>, printed: &'p Printed) -> Self {
        let made = match stage.purpose.is_first() {
            true => FxHashSet::default(),
            false => stage.statements().filter_map(Plan::makes).map(|(name, _)| name).collect(),
        };
        Self { plan, stage, made, printed }
    }

    /// `fresh` is what the file has made by then, also again: nobody else sees it.
    fn effects(&self, statement: &Statement<'_>, fresh: &FxHashSet<&TableName>) -> Option<Prediction> {
        let is_later = |table: &TableName| !self.stage.purpose.is_first() && !self.made.contains(table);
        let in_use = |table: &TableName| (self.plan.is_in_use(table) || is_later(table)) && !fresh.contains(table);
        Prediction::of(in_use, |table| !in_use(table) && self.plan.is_bare(table), statement)
    }
}

impl Serialize for Predicted<'_, '_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !self.plan.touches_others() {
            return serializer.collect_seq([(); 0]);
        }
        let mut fresh = FxHashSet::default();
        let is_one = self.stage.transaction != Transaction::Outside;
        let Printed { text, places } = self.printed;
        let (mut line, mut counted) = (1, 0);
        let statements = self.stage.statements().zip(places).filter_map(|(statement, place)| {
            let effects = self.effects(statement, &fresh).filter(|_| !place.is_empty());
            fresh.extend(Plan::makes(statement).filter(|_| is_one).map(|(name, _)| name));
            let effects = effects?;
            line += newlines(&text[counted..place.start]);
            counted = place.start;
            let text = &text[place.clone()];
            Some(Prediction { line, lines: 1 + newlines(text), sum: statement_checksum(text), ..effects })
        });
        serializer.collect_seq(statements)
    }
}

impl<'p, 'd> Record<Predicted<'p, 'd>> {
    /// Of a stage that was written, and of what takes it back.
    pub(crate) fn new(
        plan: &'p Plan<'d>,
        stage: &'p Stage<'d>,
        (printed, sum): (&'p Printed, &str),
        back: &Plan<'_>,
        gone: &[Gone],
    ) -> Self {
        let leaves = back.notes.iter().filter_map(|note| match note {
            Note::StaysExtension(name) | Note::StaysRole(name) | Note::StaysLabels(name, _) => Some(name.clone()),
            _ => None,
        });
        // What the change put there was not there before: the rest has to be as it was.
        let back_losses = back.losses();
        let back_loses = back_losses.iter().filter(|loss| !matches!(loss, Loss::Seeded { .. }));
        let moved = back.notes.iter().filter_map(Note::reordered);
        Self {
            sum: sum.to_owned(),
            loses: stage.statements().flat_map(Statement::loses).filter_map(|loss| Lost::of(&loss)).collect(),
            statements: Predicted::of(plan, stage, printed),
            first: stage.purpose.is_first(),
            reorders: plan.notes.iter().filter_map(Note::reordered).map(name).collect(),
            back_loses: back_loses.filter_map(Lost::of).chain(gone.iter().filter_map(Gone::lost)).collect(),
            back_reorders: moved.map(name).collect(),
            back_columns: back.notes.iter().filter_map(Note::weaker_column).collect(),
            back_rules: back.notes.iter().filter_map(Note::weaker_rule).collect(),
            back_leaves: leaves.collect(),
            back_given: Vec::new(),
            back_follows: Vec::new(),
            back_rows: 0,
            renames: Vec::new(),
        }
    }

    /// Takes note of what base rows stir up there, in the one state, and back, in the other.
    pub(crate) fn stirred(&mut self, back: &Plan<'_>, [to, from]: [&Catalog; 2]) {
        let mut stirred = Stirred::default();
        stirred.look(to, self.statements.stage.statements());
        stirred.look(from, back.statements());
        let Stirred { given, follows, rows } = stirred;
        (self.back_given, self.back_follows) = (given.into_iter().collect(), follows.into_iter().collect());
        self.back_rows = rows;
    }
}

fn is_zero(number: &usize) -> bool {
    *number == 0
}

impl<S: Serialize> Record<S> {
    /// As a file: each statement on a line.
    pub fn to_json(&self) -> String {
        let mut text = Vec::with_capacity(4096);
        let _ = self.serialize(&mut serde_json::Serializer::with_formatter(&mut text, LineEach::default()));
        text.push(b'\n');
        String::from_utf8(text).unwrap_or_default()
    }
}

impl Record {
    /// Reads the file.
    ///
    /// # Errors
    /// A file of another kind.
    pub fn read(text: &str) -> Result<Self, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }
}

/// A table whose rows, a column whose values, or a sequence whose position are not there afterwards.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Lost {
    /// The table, or the sequence.
    pub table: String,
    /// The column; absent: rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<SmolStr>,
}

impl Lost {
    pub(super) fn of(loss: &Loss) -> Option<Self> {
        match loss {
            Loss::Rows(table) | Loss::Seeded { table, .. } => Some(Self { table: name(table), column: None }),
            Loss::Values { table, column } | Loss::Part { table, column, .. } => {
                Some(Self { table: name(table), column: Some(column.clone()) })
            }
            // Its row is made anew.
            Loss::Bucket(_) => Some(Self { table: "storage.buckets".to_owned(), column: None }),
            Loss::Position(sequence) => {
                Some(Self { table: format!("{}.{}", sequence.schema, sequence.name), column: None })
            }
            _ => None,
        }
    }

    /// The tables and columns that an author's `-- specc: loses …` names, `public.items` and `public.items.name`.
    pub fn declared(text: &str) -> impl Iterator<Item = Self> {
        text.split([' ', ',', ';']).filter_map(|word| {
            let mut parts = word.splitn(3, '.');
            let (schema, table, column) = (parts.next()?, parts.next()?, parts.next());
            Some(Self { table: format!("{schema}.{table}"), column: column.map(SmolStr::new) })
        })
    }
}

/// What a statement is predicted to do to tables that others may be using.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prediction {
    /// The line of the file at which it begins, from 1.
    pub line: usize,
    /// So many lines.
    pub lines: usize,
    /// As [`statement_checksum`](crate::statement_checksum) has it.
    pub sum: SmolStr,
    /// The strongest lock on each table, in Postgres's words.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub locks: BTreeMap<String, SmolStr>,
    /// The table whose rows are written anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rewrites: Option<String>,
    /// Tables that are read in full.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scans: Vec<String>,
    /// It fills a materialized view.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fills: bool,
    /// It is a block of SQL: what it locks, only its author knows.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub block: bool,
}

impl Prediction {
    /// What it does, wherever it stands; `None`: nothing to tables that are in use.
    fn of(
        is_in_use: impl Fn(&TableName) -> bool,
        is_bare: impl Fn(&TableName) -> bool,
        statement: &Statement<'_>,
    ) -> Option<Self> {
        let mut strongest: BTreeMap<String, Lock> = BTreeMap::new();
        let mut scans = Vec::new();
        let in_use = statement.table().filter(|table| is_in_use(table));
        let on_new = statement.table().is_some_and(is_bare);
        statement.each_lock(|table, lock, scan| {
            if is_in_use(table) {
                let held = strongest.entry(name(table)).or_insert(lock);
                *held = (*held).max(lock);
                if scan && !on_new {
                    scans.push(name(table));
                }
            }
        });
        let rewrites = in_use.filter(|_| statement.rewrites()).map(name);
        let fills = statement.fills().is_some();
        let block = statement.is_block();
        if strongest.is_empty() && rewrites.is_none() && !fills && !block {
            return None;
        }
        let locks = strongest.into_iter().map(|(table, lock)| (table, SmolStr::new_static(lock.words()))).collect();
        Some(Self { locks, rewrites, scans, fills, block, ..Self::default() })
    }
}
