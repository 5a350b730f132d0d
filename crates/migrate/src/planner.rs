//! From one state to another: strategies give steps, the action graph their order, the schedule their transactions.

use crate::account::{Note, Warning};
use crate::action_graph::{Nodes, Role, Slot};
use crate::arena::Arena;
use crate::change_set::ChangeSet;
use crate::creation;
use crate::filled::{self, Filled};
use crate::misfits;
use crate::moving::Moving;
use crate::order::ByOrder;
use crate::place::{New, NewPlace, NodeId, Old, OldPlace, Planned, State, Unexpected};
use crate::recreation::{self, Actions};
use crate::schedule::{self, Phase, Plan, Stage, locks};
use crate::strategies::in_place::comes_back::Returning;
use crate::strategies::in_place::counted::{self, Counts};
use crate::strategies::moved_table::eligible::Moves;
use crate::strategies::moved_table::{self, Beside};
use crate::strategies::shadow_column::eligible::{Swaps, swaps};
use crate::volatility::Declared;
use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::SmolStr;
use specc_catalog::{Column, Cycle, Hints, IdRef, Kind, Object, ObjectId, Rule, TableName};
use specc_diff::Difference;
use specc_sql::{Alter, Named, Statement};
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

/// Why there is no plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangeError {
    /// Objects that need each other.
    Cycle(Cycle),
    /// Statements that have to come before each other, by what they do.
    Circle(Vec<String>),
    /// What no statement of Postgres does: object and reason.
    Impossible(Vec<(ObjectId, String)>),
    /// Types that Postgres does not make of others without being told how.
    NoCast(Vec<NoCast>),
    /// Everyone would wait while all rows are read or written: table and statement.
    Stalls(Vec<(TableName, String)>),
    /// Bodies that go by an order of columns that the database does not have.
    ByOrder(Vec<ByOrder>),
    /// A fault of the planner.
    Unexpected(Unexpected),
}

impl fmt::Display for ChangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ChangeError::Cycle(cycle) => cycle.fmt(f),
            ChangeError::Unexpected(unexpected) => unexpected.fmt(f),
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
            ChangeError::NoCast(all) => {
                f.write_str("Postgres makes no value of the new type by itself:")?;
                all.iter().try_for_each(|no| {
                    let TableName { schema, name } = &no.table;
                    write!(f, "\n  `{schema}.{name}.{}` is `{}` and becomes `{}`", no.column, no.from, no.to)
                })
            }
            ChangeError::ByOrder(all) => {
                f.write_str(
                    "columns stand in another order in the database than in the spec, and these bodies go by it:",
                )?;
                all.iter().try_for_each(|one| write!(f, "\n  {one}"))
            }
            ChangeError::Impossible(all) => {
                f.write_str("this cannot be done to what is there:")?;
                all.iter().try_for_each(|(id, why)| write!(f, "\n  {id}: {why}"))
            }
        }
    }
}

/// A column that gets a type to which its old one has no cast that Postgres uses by itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NoCast {
    /// Of this table.
    pub table: TableName,
    /// The column.
    pub column: SmolStr,
    /// The type that it has.
    pub from: String,
    /// The type that it gets.
    pub to: String,
}

impl NoCast {
    pub(crate) fn new(table: &TableName, from: &Column, to: &Column) -> Self {
        let text = |column: &Column| {
            let mut text = String::new();
            specc_sql::push_type(&mut text, &column.ty);
            text
        };
        Self { table: table.clone(), column: to.name.clone(), from: text(from), to: text(to) }
    }
}

impl std::error::Error for ChangeError {}

impl From<Unexpected> for ChangeError {
    fn from(unexpected: Unexpected) -> Self {
        ChangeError::Unexpected(unexpected)
    }
}

impl From<Cycle> for ChangeError {
    fn from(cycle: Cycle) -> Self {
        ChangeError::Cycle(cycle)
    }
}

/// Plans the way. What has to be made up on it is kept in `arena`.
///
/// # Errors
/// Objects that need each other, changes that no statement can make, and those that would keep everyone waiting.
pub fn plan_change<'d>(
    difference: &'d Difference<'d>,
    hints: &'d Hints,
    arena: &'d Arena,
    options: ChangeOptions,
) -> Result<Plan<'d>, ChangeError> {
    let options = ChangeOptions { offline: options.offline || options.one, ..options };
    let set = ChangeSet::new(difference);
    let swaps = swaps(&set, options.offline)?;
    let mut actions = recreation::actions(&set, &swaps, options)?;
    let counts = counted::find(&set);
    let hints = counts.with_hints(hints, options, arena);
    let mut moves = moved_table::eligible::find(&set, hints, options.offline, &mut actions)?;
    moved_table::eligible::late(&set, &swaps, &mut moves, &mut actions)?;
    let moving = Moving::new(&set, hints);
    let unfollowed: Vec<_> = moving.unfollowed().cloned().collect();
    if !unfollowed.is_empty() && !options.offline {
        let text = |column: &SmolStr| {
            format!(
                "the backfill of `{column}` reads rows of a table that goes, and misses what is written there meanwhile"
            )
        };
        return Err(ChangeError::Stalls(
            unfollowed.iter().map(|(table, column)| (table.clone(), text(column))).collect(),
        ));
    }
    let mut builder = Builder {
        moving,
        from: set.from,
        to: set.to,
        set: &set,
        hints,
        counts,
        declared: OnceCell::new(),
        arena,
        options,
        swaps: &swaps,
        moves: &moves,
        beside: Beside::default(),
        types_aside: BTreeMap::new(),
        types_gone: FxHashMap::default(),
        types_named: BTreeMap::new(),
        called: BTreeMap::new(),
        renames: Vec::new(),
        before_renames: Vec::new(),
        nodes: Nodes::default(),
        with_columns: FxHashSet::default(),
        required: FxHashMap::default(),
        away: FxHashSet::default(),
        filled: Filled::default(),
        notes: Vec::new(),
        warnings: Vec::new(),
        impossible: Vec::new(),
        uncast: Vec::new(),
        asked: Vec::new(),
        returning: OnceCell::new(),
    };
    for &(old, why) in &actions.impossible {
        builder.impossible.push((set.from.at(old)?.0.clone(), why.to_string()));
    }
    builder.find_late(&mut actions);
    builder.filled = filled::find(&builder, &actions)?;
    builder.rename(&actions)?;
    builder.drop_objects(&actions)?;
    builder.create_objects(&actions)?;
    builder.alter(&actions)?;
    builder.rows_from()?;
    builder.move_rows()?;
    builder.note_labels(&actions)?;
    builder.beside_default();
    builder.back_to_others();
    builder.within_new_bounds();
    builder.count();
    builder.rows();
    builder.asked_under_new_names();
    builder.spell_out_stars();
    if !builder.uncast.is_empty() {
        builder.uncast.sort_unstable();
        return Err(ChangeError::NoCast(builder.uncast));
    }
    if !builder.impossible.is_empty() {
        builder.impossible.sort_unstable();
        builder.impossible.dedup();
        return Err(ChangeError::Impossible(builder.impossible));
    }
    builder.edges(&actions)?;
    let sorted = builder.nodes.sorted().map_err(|circle| builder.circle(&circle))?;
    let mut stages = schedule::stages(&builder.nodes, &sorted, options.one, arena);
    misfits::first(&builder, &mut stages);
    let mut plan = Plan::new(Some(set.from.catalog), stages, builder.notes, builder.warnings);
    if !options.offline {
        stalls(&plan, &moves)?;
    }
    // A way back may begin with something more.
    if !options.one {
        locks::take_at_once(&mut plan, difference, arena, false);
    }
    Ok(plan)
}

/// Makes nodes and edges.
pub(crate) struct Builder<'d, 's> {
    pub from: State<'d, Old>,
    pub to: State<'d, New>,
    pub set: &'s ChangeSet<'d>,
    pub hints: &'d Hints,
    /// What goes and is read first.
    pub moving: Moving,
    /// Maintained values that have to be counted.
    pub counts: Counts<'d>,
    /// The functions of the new state.
    pub declared: OnceCell<Declared<'d>>,
    pub arena: &'d Arena,
    pub options: ChangeOptions,
    /// Columns that move to a shadow column.
    pub swaps: &'s Swaps<'d>,
    /// Tables whose rows move to new ones, and the steps of that.
    pub moves: &'s Moves<'d>,
    pub beside: Beside,
    /// Where a new type is there under another name, where the old one goes, and where the new one has its name.
    pub types_aside: BTreeMap<OldPlace, NodeId>,
    pub types_gone: FxHashMap<OldPlace, NodeId>,
    pub types_named: BTreeMap<OldPlace, NodeId>,
    /// What goes under the name that it had.
    pub called: BTreeMap<OldPlace, &'d Object>,
    /// The steps that give new names, and blocks that are taken back before them, since they speak of the old ones.
    pub renames: Vec<NodeId>,
    pub before_renames: Vec<NodeId>,
    pub nodes: Nodes<'d>,
    /// What Postgres takes together with a column.
    pub with_columns: FxHashSet<OldPlace>,
    /// Where a column becomes required: a key over it waits for that.
    pub required: FxHashMap<(TableName, SmolStr), NodeId>,
    /// Columns whose default is away meanwhile.
    pub away: FxHashSet<(OldPlace, SmolStr)>,
    /// Columns that are filled in batches, and what waits for that.
    pub filled: Filled,
    pub notes: Vec<Note>,
    pub warnings: Vec<Warning>,
    pub impossible: Vec<(ObjectId, String)>,
    /// What Postgres has to be told how to convert.
    pub uncast: Vec<NoCast>,
    /// What looks at rows before anything is changed.
    pub asked: Vec<NodeId>,
    /// What rows hold in columns that come back.
    pub returning: OnceCell<Returning>,
}

impl<'d> Builder<'d, '_> {
    /// Whether the default may give each row a value of its own.
    pub(crate) fn has_volatile_default(&self, column: &Column) -> bool {
        column.default.as_ref().is_some_and(|default| self.is_volatile(&default.text))
    }

    /// Whether the expression may give each row a value of its own.
    pub(crate) fn is_volatile(&self, text: &str) -> bool {
        text.contains('(') && self.declared().is_volatile(text)
    }

    pub(crate) fn declared(&self) -> &Declared<'d> {
        self.declared.get_or_init(|| Declared::new(self.to.catalog))
    }

    /// Who gives something to a role of the project's for the first time has to be a member of it.
    fn join(&mut self) {
        let (before, after) = (creation::owners(self.from.catalog), creation::owners(self.to.catalog));
        let mut new: Vec<&str> = after.difference(&before).copied().collect();
        new.sort_unstable();
        for name in new {
            let id = IdRef::new(Kind::Role, "", name);
            let (Some(_), Some(place)) = (self.from.find(id), self.to.find(id)) else { continue };
            if let Some(Object::Role(role)) = self.to.object(place) {
                self.nodes.push(Slot::New(place), Role::Make, Phase::Main, Statement::Join(role));
            }
        }
    }

    /// What stays and is not as it was.
    fn alter(&mut self, actions: &Actions) -> Planned {
        self.join();
        for &(old, new) in &actions.altered {
            let (a, b) = (self.from.entry(old)?, self.to.entry(new)?);
            let slot = Slot::New(new);
            let main = |builder: &mut Self, role, statement| {
                builder.nodes.push(slot, role, Phase::Main, statement);
            };
            match (&a.object, &b.object) {
                (Object::Table(x), Object::Table(y)) => self.table(old, new, x, y, &b.object)?,
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
                (x, y) if x == y => {}
                _ => {
                    return Err(Unexpected::new(&b.object.id(), "no statement changes it from one state to the other"));
                }
            }
            if a.comment != b.comment {
                let on = Named::Object(&b.object);
                main(self, Role::After, Statement::Comment { on, text: b.comment.as_deref() });
            }
            if a.owner != b.owner {
                let give = creation::set_owner(self.to.catalog, &b.object, b.owner.as_deref());
                // What is in a schema is given to a role that may create there: its owner may.
                let role = if matches!(b.object, Object::Schema(_)) { Role::Make } else { Role::After };
                main(self, role, give);
            }
        }
        let again: FxHashSet<OldPlace> = actions.recreated.iter().map(|pair| pair.0).collect();
        for &(_, new) in actions.reread.iter().filter(|pair| !again.contains(&pair.0)) {
            let statement = self.read_anew(&self.to.entry(new)?.object);
            self.nodes.push(Slot::New(new), Role::Make, Phase::Main, statement);
        }
        for &(old, new) in &actions.recreated {
            self.keep_sequences(old, new)?;
        }
        let with_shadow = |old: &OldPlace| self.swaps.types.contains(old);
        let (online, at_once): (Vec<_>, Vec<_>) =
            actions.swapped.iter().copied().partition(|(old, _)| with_shadow(old));
        online.into_iter().try_for_each(|(old, new)| self.shadow_type(old, new))?;
        self.swap_columns(actions)?;
        // Columns that leave the type do so first, on whichever way.
        at_once.into_iter().try_for_each(|(old, new)| self.swap_type(old, new))?;
        for (old, new, column) in &actions.defaults {
            self.default_again(*old, *new, column)?;
        }
        actions.checked.iter().try_for_each(|&(old, new)| self.checked_again(old, new))?;
        actions.recomputed.iter().try_for_each(|(old, new, column)| self.recompute(*old, *new, column))?;
        actions.computed.iter().try_for_each(|(old, new, column)| self.computed_again(*old, *new, column))
    }

    /// A computed column is away while what it calls is made again.
    fn computed_again(&mut self, old: OldPlace, new: NewPlace, column: &SmolStr) -> Planned {
        let (a, b) = (self.from.table_at(old)?, self.to.table_at(new)?);
        let (from, to) = (a.columns.iter().find(|c| c.name == *column), b.columns.iter().find(|c| c.name == *column));
        // Unless it goes anyway, or comes anew.
        if let (Some(from), Some(to)) = (from, to)
            && from.generated == to.generated
            && !recreation::computes_anew(a, b, from)
        {
            self.make_column_again(old, new, a, b, from, to);
        }
        Ok(())
    }

    /// A column's default is away while the function that it calls is made again.
    fn default_again(&mut self, old: OldPlace, new: NewPlace, column: &SmolStr) -> Planned {
        let (a, b) = (self.from.table_at(old)?, self.to.table_at(new)?);
        let (from, to) = (a.columns.iter().find(|c| c.name == *column), b.columns.iter().find(|c| c.name == *column));
        // The default of a column that goes, or moves, goes with it.
        if let (Some(from), Some(to)) = (from, to)
            && !self.swaps.moves(&b.table, column)
        {
            let gone = Statement::SetDefault { table: &b.table, column: &to.name, default: None };
            self.nodes.push(old.into(), Role::Drop, Phase::Main, gone);
            self.away.insert((old, column.clone()));
            if from.default == to.default {
                let back = Statement::SetDefault { table: &b.table, column: &to.name, default: to.default.as_ref() };
                self.nodes.push(new.into(), Role::After, Phase::Main, back);
            }
        }
        Ok(())
    }

    /// References whose key is made again go and come in the moment in which the key changes hands.
    fn find_late(&self, actions: &mut Actions) {
        let is_key = |old: OldPlace| {
            self.from.object(old).is_some_and(|object| match object {
                Object::Constraint(o) => matches!(o.rule, Rule::PrimaryKey { .. } | Rule::Unique { .. }),
                Object::Index(o) => o.unique,
                _ => false,
            })
        };
        let going = actions.recreated.iter().map(|pair| pair.0).chain(self.set.removed.iter().copied());
        // The keys of a table that is made again go with it.
        let tables = actions.recreated.iter().filter_map(|pair| self.from.table_at(pair.0).ok());
        let tables: FxHashSet<&TableName> = tables.map(|table| &table.table).collect();
        let stands =
            |old: OldPlace| self.from.object(old).and_then(Object::table).is_none_or(|table| !tables.contains(table));
        let keys: FxHashSet<OldPlace> = going.filter(|&old| is_key(old) && stands(old)).collect();
        if self.options.offline || keys.is_empty() || actions.recreated.is_empty() {
            return;
        }
        let needs = self.from.needs();
        let is_reference = |old: OldPlace| matches!(self.from.object(old), Some(Object::Constraint(o)) if matches!(o.rule, Rule::ForeignKey(_)));
        let references = actions
            .recreated
            .iter()
            .filter(|&&(old, _)| is_reference(old) && needs.of(old).iter().any(|(need, _)| keys.contains(need)));
        let mut late: FxHashSet<OldPlace> = references.map(|pair| pair.0).collect();
        // A key that goes while references to its columns stay goes in the same moment.
        let needed: FxHashSet<OldPlace> = late.iter().flat_map(|&old| needs.of(old)).map(|(need, _)| need).collect();
        late.extend(keys.into_iter().filter(|key| needed.contains(key)));
        actions.at_cut_over.extend(late);
    }

    fn circle(&self, circle: &[NodeId]) -> ChangeError {
        let words = |&node: &NodeId| in_short(&self.nodes[node].statement);
        ChangeError::Circle(circle.iter().take(12).map(words).collect())
    }
}

/// Refuses what would keep others waiting for as long as a table is large.
///
/// # Errors
/// The statements that do.
fn stalls(plan: &Plan<'_>, moves: &Moves<'_>) -> Result<(), ChangeError> {
    let mut all = Vec::new();
    // What is done to a new table finds no rows, in the tables that it refers to neither.
    let on_old = |statement: &Statement<'_>| statement.table().is_none_or(|table| plan.is_in_use(table));
    // A view that is made again is filled by then.
    let again: FxHashSet<&TableName> = plan
        .statements()
        .filter_map(|statement| match statement {
            Statement::Create(Object::View(view)) => Some(&view.view),
            Statement::CreateTable { table, .. } => Some(&table.table),
            _ => None,
        })
        .collect();
    for statement in plan.statements().filter(|statement| on_old(statement)) {
        statement.each_lock(|table, lock, scan| {
            if scan && lock.blocks_writes() && plan.is_in_use(table) && !again.contains(table) {
                let why = moves.of(table).and_then(|one| one.why_at_once);
                let text = match (statement, why) {
                    (Statement::Alter(Alter::FillTable(_)), Some(why)) => {
                        format!("its rows move to a new table: {why}")
                    }
                    _ => in_short(statement),
                };
                all.push((table.clone(), text));
            }
        });
    }
    plan.stages.iter().for_each(|stage| filled_under_locks(plan, stage, &mut all));
    all.sort_unstable();
    all.dedup();
    if all.is_empty() { Ok(()) } else { Err(ChangeError::Stalls(all)) }
}

/// Materialized views that are filled while the transaction keeps others waiting.
fn filled_under_locks(plan: &Plan<'_>, stage: &Stage<'_>, all: &mut Vec<(TableName, String)>) {
    let mut holds = false;
    for statement in stage.statements() {
        all.extend(statement.fills().filter(|_| holds).map(|view| (view.view.clone(), in_short(statement))));
        statement.each_lock(|table, lock, _| holds |= lock.blocks_writes() && plan.is_in_use(table));
    }
}

/// The first words of a statement.
fn in_short(statement: &Statement<'_>) -> String {
    let mut text = String::new();
    specc_sql::print(statement, &mut text);
    text.split_whitespace().take(12).collect::<Vec<_>>().join(" ").trim_end_matches(';').to_string()
}
