//! Steps in transactions and files.

pub(crate) mod locks;
mod parts;
mod passes;

pub use parts::Part;
pub(crate) use parts::parts;

use crate::account::{Note, Warning};
use crate::action_graph::{Node, Nodes};
use crate::arena::Arena;
use crate::place::{NewPlace, NodeId};
use passes::Run;
use rustc_hash::FxHashSet;
use smol_str::SmolStr;
use specc_catalog::{Catalog, IdRef, Kind, Object, TableName};
use specc_sql::{Alter, Loss, Statement, Transaction};
use std::collections::{BTreeMap, BTreeSet};

/// The way from one state to another, or from nothing to one.
#[derive(Clone, Debug)]
pub struct Plan<'d> {
    /// One after the other, each in its transaction.
    pub stages: Vec<Stage<'d>>,
    /// Tables and views that were not there before: nobody else can be using them.
    pub(crate) made: FxHashSet<&'d TableName>,
    /// Tables that it fills.
    filled: FxHashSet<&'d TableName>,
    /// Whether it does anything to tables that others may be using, as far as it can be told.
    touches_others: bool,
    /// What the reader should know.
    pub notes: Vec<Note>,
    /// What may go wrong with rows that nobody here can see.
    pub warnings: Vec<Warning>,
}

impl<'d> Plan<'d> {
    pub(crate) fn new(
        from: Option<&Catalog>,
        stages: Vec<Stage<'d>>,
        notes: Vec<Note>,
        warnings: Vec<Warning>,
    ) -> Self {
        let (made, filled) = Default::default();
        let mut plan = Self { stages, made, filled, touches_others: true, notes, warnings };
        let made = plan.statements().filter_map(Self::makes);
        // A view may take the name of a table, and the other way round.
        let is_new = |name: &TableName| {
            let find = |from: &Catalog, kind| from.find(IdRef::new(kind, &name.schema, &name.name));
            from.is_none_or(|from| [Kind::Table, Kind::View].iter().all(|&kind| find(from, kind).is_none()))
        };
        plan.made = made.map(|(name, _)| name).filter(|name| is_new(name)).collect();
        let filled = plan.statements().filter_map(|statement| match statement {
            Statement::Alter(Alter::FillTable(o)) => Some(o.table),
            _ => None,
        });
        plan.filled = filled.collect();
        let fires = from.map_or(Vec::new(), |from| plan.fires(from));
        plan.notes.extend(fires);
        plan
    }

    /// The triggers that its fills would fire. What others count is filled for its triggers to see.
    fn fires(&self, from: &Catalog) -> Vec<Note> {
        let filled: BTreeSet<&TableName> = self
            .statements()
            .filter_map(|statement| match statement {
                Statement::Alter(Alter::Backfill { table, counted: false, .. }) if self.is_in_use(table) => {
                    Some(*table)
                }
                _ => None,
            })
            .collect();
        let mut fires: BTreeMap<&TableName, Vec<SmolStr>> = BTreeMap::new();
        if filled.is_empty() {
            return Vec::new();
        }
        for (_, entry) in from.iter() {
            if let Object::Trigger(o) = &entry.object
                && let Some(table) = filled.get(&o.table)
                && o.enabled.is_empty()
                && o.events.iter().any(|(event, columns)| event == "update" && columns.is_empty())
            {
                fires.entry(*table).or_default().push(o.name.clone());
            }
        }
        fires.into_iter().map(|(table, triggers)| Note::Fires { table: table.clone(), triggers }).collect()
    }

    /// From nothing to this.
    pub(crate) fn from_nothing(stages: Vec<Stage<'d>>) -> Self {
        let mut plan = Self::new(None, stages, Vec::new(), Vec::new());
        let touches_others = plan.statements().any(|statement| {
            let mut others = statement.fills().is_some() || statement.is_block();
            statement.each_lock(|table, _, _| others |= plan.is_in_use(table));
            others
        });
        plan.touches_others = touches_others;
        plan
    }

    /// Whether a table has no rows: it is new, and nothing of the plan fills it.
    pub(crate) fn is_bare(&self, table: &TableName) -> bool {
        !self.is_in_use(table) && !self.filled.contains(table)
    }

    /// The table or view that a statement makes.
    pub(crate) fn makes(statement: &Statement<'d>) -> Option<(&'d TableName, Kind)> {
        match statement {
            Statement::CreateTable { table, .. } => Some((&table.table, Kind::Table)),
            Statement::Create(Object::View(view)) => Some((&view.view, Kind::View)),
            _ => None,
        }
    }

    /// Of a file that another one takes back.
    pub(crate) fn nothing() -> Self {
        Self::new(None, Vec::new(), Vec::new(), Vec::new())
    }

    /// All statements in order.
    pub fn statements(&self) -> impl Iterator<Item = &Statement<'d>> {
        self.stages.iter().flat_map(Stage::statements)
    }

    /// Everything that is lost.
    pub fn losses(&self) -> Vec<Loss> {
        self.statements().flat_map(Statement::loses).collect()
    }

    /// Whether it may do something to tables that others may be using.
    pub(crate) fn touches_others(&self) -> bool {
        self.touches_others
    }

    /// Whether others may be using the table while the plan runs.
    pub fn is_in_use(&self, table: &TableName) -> bool {
        !self.made.contains(table)
    }
}

/// A statement, and what it is done for.
#[derive(Clone, Debug, PartialEq)]
pub struct Step<'d> {
    /// What is done.
    pub statement: Statement<'d>,
    /// The object that it is done for, where that is in the new state.
    pub object: Option<NewPlace>,
    /// The table or view that a reader would look for the object under.
    pub home: Option<NewPlace>,
}

/// Statements that run together: a file.
#[derive(Clone, Debug)]
pub struct Stage<'d> {
    /// What it is for.
    pub purpose: Purpose,
    /// Its transaction: `Outside` holds one statement.
    pub transaction: Transaction,
    /// In order.
    pub steps: Vec<Step<'d>>,
}

impl<'d> Stage<'d> {
    /// What is done, in order.
    pub fn statements(&self) -> impl Iterator<Item = &Statement<'d>> {
        self.steps.iter().map(|step| &step.statement)
    }
}

/// What a file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// Of a first migration, one of several.
    Part(Part),
    /// All of a first migration.
    All,
    /// Of a change.
    Phase(Phase),
    /// The way back.
    Back,
}

impl Purpose {
    /// The end of its file's name; the first file of a change has none.
    pub fn suffix(self, first: bool) -> &'static str {
        match self {
            Purpose::Part(part) => part.suffix(),
            Purpose::Phase(phase) if !first => phase.suffix(),
            _ => "",
        }
    }

    /// In words.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Purpose::Part(Part::Schema) => "what there is, still closed to everyone but its owner",
            Purpose::Part(Part::Access) => "who may see and do what",
            Purpose::Part(Part::Indexes) => "what makes it fast",
            Purpose::Part(Part::Rows) => "rows that belong to the schema",
            Purpose::All => "everything, from nothing",
            Purpose::Phase(Phase::Names | Phase::Ask | Phase::Main) => "definitions",
            Purpose::Phase(Phase::Labels) => "new labels, which nothing can use before they are committed",
            Purpose::Phase(Phase::Build) => "indexes and views, built without blocking writes",
            Purpose::Phase(Phase::Backfill) => "rows, filled in batches",
            Purpose::Phase(Phase::Validate) => "rows that were there before are checked without blocking writes",
            Purpose::Phase(Phase::CutOver) => "what was built and checked takes effect",
            Purpose::Phase(Phase::Cleanup) => "what is not needed any more goes",
            Purpose::Phase(Phase::Finish) => "what comes last",
            Purpose::Back => "takes the change back",
        }
    }

    /// Whether it is of a first migration.
    pub(crate) fn is_first(self) -> bool {
        matches!(self, Purpose::Part(_) | Purpose::All)
    }

    /// Whether it makes these objects from nothing.
    pub(crate) fn makes(self, part: Part) -> bool {
        self == Purpose::Part(part) || self == Purpose::All
    }
}

/// When a statement runs, where nothing else decides. Statements of one phase share a transaction if they may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// New names for what stays.
    Names,
    /// Rows are asked whether they can change as the rest wants it.
    Ask,
    /// New labels, which nothing can use before they are committed.
    Labels,
    /// What takes a moment only: definitions, access, constraints for new rows.
    Main,
    /// Indexes, built without blocking writes.
    Build,
    /// Rows filled in batches.
    Backfill,
    /// Old rows checked, without blocking writes.
    Validate,
    /// What was built and checked takes effect.
    CutOver,
    /// What is not needed any more.
    Cleanup,
    /// The last names, and blocks that come after everything else.
    Finish,
}

impl Phase {
    /// Phases that share a transaction.
    fn group(self) -> Phase {
        match self {
            Phase::Names | Phase::Ask => Phase::Main,
            other => other,
        }
    }

    /// The end of its file's name.
    pub fn suffix(self) -> &'static str {
        match self {
            Phase::Names | Phase::Ask | Phase::Main => "then",
            Phase::Labels => "labels",
            Phase::Build => "index",
            Phase::Backfill => "backfill",
            Phase::Validate => "validate",
            Phase::CutOver => "switch",
            Phase::Cleanup => "clear",
            Phase::Finish => "finish",
        }
    }
}

/// Cuts ordered nodes where a transaction has to end.
pub(crate) fn stages<'d>(nodes: &Nodes<'d>, sorted: &[NodeId], one: bool, arena: &'d Arena) -> Vec<Stage<'d>> {
    let mut stages: Vec<Stage<'d>> = Vec::new();
    let (mut fills, mut before) = (Run::default(), None);
    for &node in sorted {
        let Node { statement, phase, .. } = &nodes[node];
        let purpose = if one { Purpose::Back } else { Purpose::Phase(phase.group()) };
        let transaction = statement.transaction();
        let shared = transaction != Transaction::Outside;
        if matches!(statement, Statement::Alter(Alter::Backfill { .. })) && !one {
            let before = before.get_or_insert_with(|| nodes.before());
            if fills.take(&mut stages, node, (nodes, before), arena) {
                continue;
            }
            fills.add(stages.len(), node);
        } else {
            fills.end();
        }
        let step = Step { statement: statement.clone(), object: None, home: None };
        match stages.last_mut() {
            Some(stage) if shared && stage.transaction != Transaction::Outside && stage.purpose == purpose => {
                stage.steps.push(step);
            }
            _ => stages.push(Stage { purpose, transaction, steps: vec![step] }),
        }
    }
    stages
}
