//! From one state to another: strategies give steps, the action graph their order, the schedule their transactions.

use crate::action_graph::{self as nodes, Nodes, Phase, Role, Slot, Stage};
use crate::arena::Arena;
use crate::recreation::{self as closure, Actions};
use crate::strategies::shadow_column::eligible::{self as swap, Swaps};
use crate::volatility::Declared;
use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::SmolStr;
use specc_catalog::{Catalog, Column, Cycle, Entry, Hints, Kind, Needs, Object, ObjectId, TableName};
use specc_diff::Difference;
use specc_sql::{Alter, Loss, Named, Statement};
use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::fmt;

/// How to plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChangeOptions {
    /// Nobody uses the database meanwhile: the shortest way, whatever it locks.
    pub offline: bool,
    /// All in one transaction (as a down script is).
    pub one: bool,
}

/// What leads from one catalog to the other.
#[derive(Clone, Debug)]
pub struct ChangePlan<'d> {
    /// One after the other, each in its transaction.
    pub stages: Vec<Stage<'d>>,
    /// Tables that were there before: by their name then and afterwards.
    pub old_tables: FxHashSet<TableName>,
    /// What the reader should know: a column that moves to the end.
    pub notes: Vec<SmolStr>,
    /// What may go wrong with rows that nobody here can see.
    pub warnings: Vec<Warning>,
}

impl<'d> ChangePlan<'d> {
    /// All statements in order.
    pub fn statements(&self) -> impl Iterator<Item = &Statement<'d>> {
        self.stages.iter().flat_map(|stage| &stage.statements)
    }

    /// Everything that is lost.
    pub fn losses(&self) -> Vec<Loss> {
        self.statements().filter_map(Statement::loses).collect()
    }
}

/// What may go wrong with rows that nobody here can see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    /// A new column takes no null and has no value for the rows that are there.
    Required {
        /// Of this table.
        table: TableName,
        /// The column.
        column: SmolStr,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Warning::Required { table, column } => write!(
                f,
                "`{}.{}.{column}` is required and has no value for rows that are there already: on a table with rows the \
                 migration stops there, and nothing is changed; give it a default, or write `backfill (…)`",
                table.schema, table.name
            ),
        }
    }
}

/// Why there is no plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangeError {
    /// Objects that need each other.
    Cycle(Cycle),
    /// Statements that have to come before each other, by what they do.
    Circle(Vec<String>),
    /// What no statement of Postgres does: object and reason.
    Impossible(Vec<(ObjectId, String)>),
    /// Everyone would wait while all rows are read or written: table and statement.
    Stalls(Vec<(TableName, String)>),
}

impl fmt::Display for ChangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ChangeError::Cycle(cycle) => cycle.fmt(f),
            ChangeError::Circle(statements) => {
                f.write_str("each of these would have to come after the next one, and the last after the first:")?;
                statements.iter().try_for_each(|text| write!(f, "\n  {text}"))
            }
            ChangeError::Stalls(all) => {
                f.write_str(
                    "everyone would have to wait while all rows are read or written, and specc knows no other way:",
                )?;
                all.iter().try_for_each(|(table, sql)| write!(f, "\n  {}.{}: {sql}", table.schema, table.name))
            }
            ChangeError::Impossible(all) => {
                f.write_str("this cannot be done to what is there:")?;
                all.iter().try_for_each(|(id, why)| write!(f, "\n  {id}: {why}"))
            }
        }
    }
}

impl std::error::Error for ChangeError {}

impl From<Cycle> for ChangeError {
    fn from(cycle: Cycle) -> Self {
        ChangeError::Cycle(cycle)
    }
}

/// Plans the way. What has to be made up on it is kept on `arena`.
///
/// # Errors
/// Objects that need each other, and changes that no statement can make.
pub fn plan_change<'d>(
    difference: &'d Difference<'d>,
    hints: &'d Hints,
    arena: &'d Arena,
    options: ChangeOptions,
) -> Result<ChangePlan<'d>, ChangeError> {
    let options = ChangeOptions { offline: options.offline || options.one, ..options };
    let swaps = swap::swaps(difference, options.offline);
    let mut actions = closure::actions(difference, &swaps, options);
    let from: &'d Catalog = &difference.from;
    let mut builder = Builder {
        from,
        to: difference.to,
        difference,
        hints,
        declared: OnceCell::new(),
        arena,
        options,
        swaps: &swaps,
        types_aside: BTreeMap::new(),
        types_gone: FxHashMap::default(),
        types_named: BTreeMap::new(),
        called: BTreeMap::new(),
        nodes: Nodes::default(),
        with_columns: Vec::new(),
        required: FxHashMap::default(),
        notes: Vec::new(),
        warnings: Vec::new(),
        impossible: Vec::new(),
    };
    builder.impossible.extend(
        actions.impossible.iter().filter_map(|&(old, why)| Some((from.at(old as usize)?.0.clone(), why.to_string()))),
    );
    builder.find_late(&mut actions);
    builder.rename(&actions);
    builder.drop_objects(&actions);
    builder.create_objects(&actions)?;
    builder.alter(&actions);
    builder.rows();
    if !builder.impossible.is_empty() {
        builder.impossible.sort_unstable();
        builder.impossible.dedup();
        return Err(ChangeError::Impossible(builder.impossible));
    }
    builder.edges(&actions);
    let sorted = builder.nodes.sorted().map_err(|circle| builder.circle(&circle))?;
    let old_tables = builder.old_tables();
    if !options.offline {
        builder.stalls(&old_tables)?;
    }
    Ok(ChangePlan {
        stages: nodes::stages(&builder.nodes, &sorted, options.one),
        old_tables,
        notes: builder.notes,
        warnings: builder.warnings,
    })
}

/// Makes nodes and edges.
pub(crate) struct Builder<'d, 's> {
    pub(crate) from: &'d Catalog,
    pub(crate) to: &'d Catalog,
    pub(crate) difference: &'d Difference<'d>,
    pub(crate) hints: &'d Hints,
    /// The functions of the new state.
    pub(crate) declared: OnceCell<Declared<'d>>,
    pub(crate) arena: &'d Arena,
    pub(crate) options: ChangeOptions,
    /// Columns that move over without blocking writes.
    pub(crate) swaps: &'s Swaps<'d>,
    /// By old place: where a new type is there under another name, where the old one goes, and where the new
    /// one has its name.
    pub(crate) types_aside: BTreeMap<u32, u32>,
    pub(crate) types_gone: FxHashMap<u32, u32>,
    pub(crate) types_named: BTreeMap<u32, u32>,
    /// By old place: what goes under the name that it had.
    pub(crate) called: BTreeMap<u32, &'d Object>,
    pub(crate) nodes: Nodes<'d>,
    /// Old places of what Postgres takes together with a column.
    pub(crate) with_columns: Vec<u32>,
    /// Where a column becomes required: a key over it waits for that.
    pub(crate) required: FxHashMap<(TableName, SmolStr), u32>,
    pub(crate) notes: Vec<SmolStr>,
    pub(crate) warnings: Vec<Warning>,
    pub(crate) impossible: Vec<(ObjectId, String)>,
}

impl<'d> Builder<'d, '_> {
    /// Whether the default may give each row a value of its own.
    pub(crate) fn has_volatile_default(&self, column: &Column) -> bool {
        let declared = || self.declared.get_or_init(|| Declared::new(self.to));
        column
            .default
            .as_ref()
            .is_some_and(|default| default.text.contains('(') && declared().is_volatile(&default.text))
    }

    pub(crate) fn old(&self, place: u32) -> Option<&'d Entry> {
        self.from.at(place as usize).map(|(_, entry)| entry)
    }

    pub(crate) fn new_entry(&self, place: u32) -> Option<&'d Entry> {
        self.to.at(place as usize).map(|(_, entry)| entry)
    }

    /// What stays and is not as it was.
    fn alter(&mut self, actions: &Actions) {
        for &(old, new) in &actions.altered {
            let (Some(a), Some(b)) = (self.old(old), self.new_entry(new)) else { continue };
            let slot = Slot::New(new);
            let main = |builder: &mut Self, role, statement| {
                builder.nodes.push(slot, role, Phase::Main, statement);
            };
            match (&a.object, &b.object) {
                (Object::Table(_), Object::Table(_)) => self.table(old, new, a, b),
                (Object::Enum(x), Object::Enum(y)) => self.labels(new, x, y),
                (Object::Domain(x), Object::Domain(y)) => self.domain(new, x, y),
                (Object::Composite(x), Object::Composite(y)) => self.composite(old, new, x, y),
                (Object::Sequence(x), Object::Sequence(y)) => self.sequence(new, x, y),
                (Object::Grant(x), Object::Grant(y)) => self.grant(new, x, y),
                (Object::Policy(x), Object::Policy(y)) if x != y => {
                    main(self, Role::Change, Statement::Alter(Alter::SetPolicy { from: x, to: y }));
                }
                (Object::Function(x), Object::Function(y)) if x != y => {
                    main(self, Role::Make, Statement::Replace(&b.object));
                }
                (Object::View(x), Object::View(y)) if x != y => {
                    main(self, Role::Make, Statement::Replace(&b.object));
                }
                (Object::Index(x), Object::Index(y)) if x != y => {
                    let change = Alter::SetOptions { of: &b.object, from: &x.options, to: &y.options };
                    main(self, Role::After, Statement::Alter(change));
                }
                (Object::Constraint(x), Object::Constraint(y)) if x != y => {
                    self.nodes.push(slot, Role::After, Phase::Validate, Statement::Validate(y));
                }
                (Object::Trigger(x), Object::Trigger(y)) if x != y => {
                    main(self, Role::After, Statement::Alter(Alter::SetTrigger(y)));
                }
                (Object::Role(x), Object::Role(y)) if x != y => {
                    main(self, Role::Make, Statement::Alter(Alter::SetRole { from: x, to: y }));
                }
                (Object::Extension(x), Object::Extension(y)) if x != y => {
                    main(self, Role::Make, Statement::Alter(Alter::SetExtension { from: x, to: y }));
                }
                // Made again under the same key, they replace what is there.
                (Object::Bucket(x), Object::Bucket(y)) if x != y => {
                    main(self, Role::Make, Statement::Create(&b.object))
                }
                (Object::Job(x), Object::Job(y)) if x != y => main(self, Role::Make, Statement::Create(&b.object)),
                _ => {}
            }
            if a.comment != b.comment {
                let on = Named::Object(&b.object);
                main(self, Role::After, Statement::Comment { on, text: b.comment.as_deref() });
            }
        }
        for &(old, new) in &actions.recreated {
            self.keep_sequences(old, new);
        }
        let beside = |old: &u32| self.swaps.types.contains(old);
        let (online, at_once): (Vec<_>, Vec<_>) = actions.swapped.iter().copied().partition(|(old, _)| beside(old));
        online.into_iter().for_each(|(old, new)| self.swap_type_beside(old, new));
        self.swap_columns(actions);
        // Columns that leave the type do so first, on whichever way.
        at_once.into_iter().for_each(|(old, new)| self.swap_type(old, new));
        for (old, new, column) in &actions.defaults {
            self.default_again(*old, *new, column);
        }
        for (old, new, column) in &actions.computed {
            self.computed_again(*old, *new, column);
        }
    }

    /// A computed column is away while what it calls is made again.
    fn computed_again(&mut self, old: u32, new: u32, column: &SmolStr) {
        let (Some(Entry { object: Object::Table(a), .. }), Some(Entry { object: Object::Table(b), .. })) =
            (self.old(old), self.new_entry(new))
        else {
            return;
        };
        let (from, to) = (a.columns.iter().find(|c| c.name == *column), b.columns.iter().find(|c| c.name == *column));
        let (Some(from), Some(to)) = (from, to) else { return };
        // Unless it goes or comes anew anyway.
        if from.generated == to.generated && !closure::computes_anew(a, b, from) {
            self.make_column_again(old, new, a, b, from, to);
        }
    }

    /// A column's default is away while the function that it calls is made again.
    fn default_again(&mut self, old: u32, new: u32, column: &SmolStr) {
        let (Some(Entry { object: Object::Table(a), .. }), Some(Entry { object: Object::Table(b), .. })) =
            (self.old(old), self.new_entry(new))
        else {
            return;
        };
        let Some(to) = b.columns.iter().find(|other| other.name == *column) else { return };
        let Some(from) = a.columns.iter().find(|other| other.name == *column) else { return };
        let gone = Statement::SetDefault { table: &b.table, column: &to.name, default: None };
        self.nodes.push(Slot::Old(old), Role::Drop, Phase::Main, gone);
        if from.default == to.default {
            let back = Statement::SetDefault { table: &b.table, column: &to.name, default: to.default.as_ref() };
            self.nodes.push(Slot::New(new), Role::After, Phase::Main, back);
        }
    }

    /// References whose key is made again go and come in the moment in which the key changes hands.
    fn find_late(&self, actions: &mut Actions) {
        let is_key = |old: u32| {
            self.old(old).is_some_and(|entry| match &entry.object {
                Object::Constraint(o) => {
                    matches!(o.rule, specc_catalog::Rule::PrimaryKey { .. } | specc_catalog::Rule::Unique { .. })
                }
                Object::Index(o) => o.unique,
                _ => false,
            })
        };
        let going = actions.recreated.iter().map(|pair| pair.0).chain(self.difference.removed.iter().copied());
        // The keys of a table that is made again go with it.
        let tables: FxHashSet<&TableName> = actions
            .recreated
            .iter()
            .filter_map(|pair| match self.old(pair.0).map(|entry| &entry.object) {
                Some(Object::Table(table)) => Some(&table.table),
                _ => None,
            })
            .collect();
        let stands =
            |old: u32| self.old(old).and_then(|entry| entry.object.table()).is_none_or(|table| !tables.contains(table));
        let keys: FxHashSet<u32> = going.filter(|&old| is_key(old) && stands(old)).collect();
        if self.options.offline || keys.is_empty() || actions.recreated.is_empty() {
            return;
        }
        let needs = Needs::new(self.from);
        let is_reference = |old: u32| {
            matches!(self.old(old).map(|entry| &entry.object), Some(Object::Constraint(o))
                if matches!(o.rule, specc_catalog::Rule::ForeignKey(_)))
        };
        let references = actions
            .recreated
            .iter()
            .filter(|&&(old, _)| is_reference(old) && needs.of(old).iter().any(|(need, _)| keys.contains(need)));
        let mut late: FxHashSet<u32> = references.map(|pair| pair.0).collect();
        // A key that goes while references to its columns stay goes in the same moment.
        let needed: FxHashSet<u32> = late.iter().flat_map(|&old| needs.of(old)).map(|(need, _)| need).collect();
        late.extend(keys.into_iter().filter(|key| needed.contains(key)));
        actions.at_cut_over.extend(late);
    }

    fn circle(&self, circle: &[u32]) -> ChangeError {
        let words = |&node: &u32| in_short(&self.nodes.all[node as usize].statement);
        ChangeError::Circle(circle.iter().take(12).map(words).collect())
    }

    /// Refuses what would keep others waiting for as long as a table is large.
    ///
    /// # Errors
    /// The statements that do.
    fn stalls(&self, old_tables: &FxHashSet<TableName>) -> Result<(), ChangeError> {
        let mut all = Vec::new();
        // What is done to a new table finds no rows, in the tables that it refers to neither.
        let on_old = |statement: &Statement<'_>| statement.table().is_none_or(|table| old_tables.contains(table));
        // A view that is made again is filled by then.
        let again: FxHashSet<&TableName> = self
            .nodes
            .all
            .iter()
            .filter_map(|node| match &node.statement {
                Statement::Create(Object::View(view)) => Some(&view.view),
                Statement::CreateTable { table, .. } => Some(&table.table),
                _ => None,
            })
            .collect();
        for node in self.nodes.all.iter().filter(|node| on_old(&node.statement)) {
            node.statement.each_lock(|table, lock, scan| {
                if scan && lock.blocks_writes() && old_tables.contains(table) && !again.contains(table) {
                    all.push((table.clone(), in_short(&node.statement)));
                }
            });
        }
        all.sort_unstable();
        all.dedup();
        if all.is_empty() { Ok(()) } else { Err(ChangeError::Stalls(all)) }
    }

    /// What others may be using while the migration runs.
    fn old_tables(&self) -> FxHashSet<TableName> {
        let mut all = FxHashSet::default();
        for (_, entry) in self.from.iter() {
            match &entry.object {
                Object::Table(o) => {
                    all.insert(o.table.clone());
                }
                Object::View(o) => {
                    all.insert(o.view.clone());
                }
                _ => {}
            }
        }
        // What a reference leads to outside of the project was there too.
        for (_, entry) in self.from.iter().chain(self.to.iter()) {
            if let Object::Constraint(o) = &entry.object
                && let specc_catalog::Rule::ForeignKey(key) = &o.rule
                && !self.to.contains(&key.target.id())
            {
                all.insert(key.target.clone());
            }
        }
        for renamed in
            self.difference.renamed.iter().filter(|renamed| matches!(renamed.id.kind, Kind::Table | Kind::View))
        {
            for schema in [&renamed.id.schema, &renamed.now.schema] {
                all.insert(TableName::new(schema.clone(), renamed.id.name.clone()));
                all.insert(TableName::new(schema.clone(), renamed.now.name.clone()));
            }
        }
        all
    }
}

/// The first words of a statement.
fn in_short(statement: &Statement<'_>) -> String {
    let mut text = String::new();
    specc_sql::print(statement, &mut text);
    text.split_whitespace().take(12).collect::<Vec<_>>().join(" ").trim_end_matches(';').to_string()
}
