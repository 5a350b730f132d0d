//! What has to be dropped and made again because something under it changes.

mod bodies;
mod called;
pub(crate) mod made_of;
mod stars;
mod uses;

use crate::change_set::{ChangeSet, Strategy, strategy};
use crate::place::{New, NewPlace, Old, OldPlace, Planned, State};
use crate::planner::ChangeOptions;
use crate::strategies::partition_move::can_move;
use crate::strategies::shadow_column::eligible::Swaps;
use crate::strategies::shadow_view;
use made_of::{asks_unseen, in_other_types, takes_name};
use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::SmolStr;
use specc_analysis::catalog::Known;
use specc_catalog::{
    Body, Column, Composite, DataType, Enum, Index, KeyOn, Kind, Object, Qualified, Rule, SqlExpr, Strength, Table,
};
use specc_diff::Renamed;
use specc_sql::{TypeChange, type_change};

/// What happens to each object that does not just stay.
#[derive(Debug, Default)]
pub(crate) struct Actions {
    /// Old places to new places of all that stays in some way, where the names differ.
    pub relabelled: FxHashMap<OldPlace, NewPlace>,
    /// Changed where it is: old and new place.
    pub altered: Vec<(OldPlace, NewPlace)>,
    /// Dropped and made again: old and new place.
    pub recreated: Vec<(OldPlace, NewPlace)>,
    /// Types whose columns move to a new type.
    pub swapped: Vec<(OldPlace, NewPlace)>,
    /// Columns whose default has to be away meanwhile: table (old and new place), column.
    pub defaults: Vec<(OldPlace, NewPlace, SmolStr)>,
    /// Computed columns that go and come again with what they call: table (old and new place), column.
    pub computed: Vec<(OldPlace, NewPlace, SmolStr)>,
    /// Old places of what goes and comes again when a column or key changes hands.
    pub at_cut_over: FxHashSet<OldPlace>,
    /// New places of materialized views that are filled before the old one goes.
    pub filled: FxHashSet<NewPlace>,
    /// Enums whose labels stay on the way back: old and new place.
    pub kept_labels: Vec<(OldPlace, NewPlace)>,
    /// What Postgres reads anew in its place: functions that ask for whatever columns there are, and texts with which it keeps
    /// names of before.
    pub reread: Vec<(OldPlace, NewPlace)>,
    /// Blocks that say something of an index that is built anew: the index, the block's old and new place.
    pub said_again: Vec<(OldPlace, OldPlace, NewPlace)>,
    /// Indexes that are built anew beside the old ones, since a function computes otherwise.
    pub rebuilt: FxHashSet<OldPlace>,
    /// Computed columns whose values are worked out again where they stand: table (old and new place), column.
    pub recomputed: Vec<(OldPlace, NewPlace, SmolStr)>,
    /// Domains whose values are checked again.
    pub checked: Vec<(OldPlace, NewPlace)>,
    /// A function that computes otherwise, and what is made anew because of it.
    pub computed_by: Vec<(OldPlace, OldPlace)>,
    /// What cannot be done, and why.
    pub impossible: Vec<(OldPlace, &'static str)>,
}

/// The columns of an old table that change in a way that those who read them cannot live through.
pub(crate) fn disturbed<'a>(from: &'a Table, to: &Table) -> Vec<(&'a Column, bool)> {
    let mut all = Vec::new();
    // A part has the columns of its whole.
    if to.partition_of.is_some() {
        return all;
    }
    for column in &from.columns {
        let Some(new) = to.columns.iter().find(|other| other.name == column.name) else {
            all.push((column, true));
            continue;
        };
        if is_regenerated(column, new) || computes_anew(from, to, column) {
            all.push((column, true));
        } else if column.ty != new.ty || column.collation != new.collation {
            all.push((column, false));
        }
    }
    all
}

/// Whether the column has to be dropped and added: its values are computed in another way.
pub(crate) fn is_regenerated(from: &Column, to: &Column) -> bool {
    match (&from.generated, &to.generated) {
        (None, None) | (Some(_), None) => false,
        (Some(a), Some(b)) => a.text != b.text || from.virtual_generated != to.virtual_generated,
        (None, Some(_)) => true,
    }
}

/// Whether a computed column has to be away while a column that it reads changes its type.
pub(crate) fn computes_anew(from: &Table, to: &Table, column: &Column) -> bool {
    let Some(computed) = &column.generated else { return false };
    let changes = |base: &&Column| {
        let new = to.columns.iter().find(|other| other.name == base.name);
        new.is_some_and(|new| new.ty != base.ty || new.collation != base.collation)
    };
    from.columns.iter().filter(changes).any(|base| computed.reads(&base.name))
}

/// The attributes that stay, in the order of both types.
fn kept<'a>(a: &'a Composite, b: &'a Composite) -> impl Iterator<Item = (&'a Attribute, &'a Attribute)> {
    a.fields.iter().filter(|field| b.fields.iter().any(|other| other.0 == field.0)).zip(&b.fields)
}

type Attribute = (SmolStr, DataType, Option<Qualified>);

/// Whether attributes stand in another order, which `alter type` cannot do.
pub(crate) fn is_reordered(a: &Composite, b: &Composite) -> bool {
    kept(a, b).any(|(field, other)| field.0 != other.0)
}

/// Whether attributes change their types, which `alter type` cannot do while columns have the type.
fn is_retyped(a: &Composite, b: &Composite) -> bool {
    kept(a, b).any(|(field, other)| field != other)
}

/// Whether only labels are gone.
fn is_less(from: &Enum, to: &Enum) -> bool {
    from.labels.iter().filter(|label| to.labels.contains(label)).eq(&to.labels)
}

/// Finds what happens to what. The columns of `swaps` move to shadow columns.
pub(crate) fn actions(set: &ChangeSet<'_>, swaps: &Swaps<'_>, options: ChangeOptions) -> Planned<Actions> {
    let (from, to) = (set.from, set.to);
    let mut actions = Actions { relabelled: set.relabelled.iter().copied().collect(), ..Actions::default() };
    let mut work: Vec<Cause> = Vec::new();
    for &(old, new) in &set.changed {
        let (a, b) = (from.entry(old)?, to.entry(new)?);
        let chosen = match (strategy(a, b), &a.object, &b.object) {
            // A new label cannot be used in the transaction that adds it, and something else may.
            (Strategy::InPlace, Object::Enum(x), Object::Enum(y))
                if options.one && x.labels.len() != y.labels.len() && set.len > 1 =>
            {
                Strategy::TypeSwap
            }
            (Strategy::InPlace, Object::Table(x), Object::Table(y))
                if x.inherits != y.inherits && !can_move(to, x, y) =>
            {
                Strategy::Recreate
            }
            (Strategy::InPlace, Object::Domain(x), Object::Domain(y)) if asks_unseen(from, old, x, y) => {
                Strategy::TypeSwap
            }
            (Strategy::InPlace, Object::Composite(x), Object::Composite(y)) if is_retyped(x, y) => {
                let needs = from.needs();
                let is_user = |user: OldPlace| needs.of(user).iter().any(|(need, _)| *need == old);
                let mut users = from.places().map(|(other, ..)| other).filter(|&other| is_user(other));
                // As far as `alter type` goes.
                if in_other_types(from, old) {
                    Strategy::InPlace
                } else if users.any(|user| from.kind(user) == Some(Kind::Table)) {
                    Strategy::TypeSwap
                } else if is_reordered(x, y) {
                    Strategy::Recreate
                } else {
                    Strategy::InPlace
                }
            }
            // Types are made of it that columns have: a label more does no harm.
            (Strategy::TypeSwap, Object::Enum(x), Object::Enum(y))
                if options.one && is_less(x, y) && in_other_types(from, old) =>
            {
                actions.kept_labels.push((old, new));
                continue;
            }
            (chosen, ..) => chosen,
        };
        match chosen {
            Strategy::InPlace => {
                actions.altered.push((old, new));
                if let (Object::Function(x), Object::Function(y)) = (&a.object, &b.object)
                    && bodies::computes_otherwise(x, y)
                {
                    work.push(Cause::Body(old, old));
                }
                if let (Object::Table(x), Object::Table(y)) = (&a.object, &b.object) {
                    let grown = y.columns.iter().any(|c| !x.columns.iter().any(|d| d.name == c.name));
                    for (column, gone) in disturbed(x, y) {
                        work.push(Cause::Column(old, column.name.clone(), gone));
                    }
                    if grown {
                        work.push(Cause::Grown(old, false));
                    }
                }
            }
            Strategy::Recreate => {
                actions.recreated.push((old, new));
                work.push(Cause::Again(old));
            }
            Strategy::TypeSwap => {
                actions.swapped.push((old, new));
                work.push(Cause::Type(old));
            }
        }
    }
    work.retain(|cause| match cause {
        Cause::Again(old) => matches!(
            from.kind(*old),
            Some(
                Kind::Function
                    | Kind::View
                    | Kind::Table
                    | Kind::Domain
                    | Kind::Composite
                    | Kind::Constraint
                    | Kind::Index
                    | Kind::Sql
            )
        ),
        _ => true,
    });
    work.extend(called::causes(set));
    let renamed = set.renamed.iter().filter(|renamed| renamed.part.is_some() && renamed.now.kind == Kind::Table);
    work.extend(renamed.filter_map(|renamed| Some(Cause::Grown(from.index_of(&renamed.now)?, true))));
    // What is gone and still needed by something that stays: another object took its place.
    let matters = |old: &&OldPlace| {
        from.object(**old).is_some_and(|object| match object {
            Object::Constraint(o) => matches!(o.rule, Rule::PrimaryKey { .. } | Rule::Unique { .. }),
            Object::Index(o) => o.unique,
            Object::Table(_) | Object::View(_) | Object::Function(_) | Object::Sql(_) => true,
            _ => false,
        })
    };
    work.extend(set.removed.iter().filter(matters).map(|&old| Cause::Gone(old)));
    if !options.offline {
        let more = shadow_view::find(set, &mut actions, swaps, &work)?;
        work.extend(more);
    }
    actions.impossible.extend(takes_name(set));
    if !work.is_empty() {
        Recreation::new(set, &mut actions, swaps, options.offline).run(work)?;
    }
    if !swaps.is_empty() {
        // Who reads a column that moves over goes and comes again in the moment in which it does.
        let columns = swaps.columns().map(|(table, column)| Cause::Column(table, column.clone(), false));
        let work = columns.chain(swaps.types.iter().map(|&ty| Cause::Type(ty))).collect();
        let mut scratch = Actions { relabelled: actions.relabelled.clone(), ..Actions::default() };
        let late = Recreation::new(set, &mut scratch, swaps, options.offline).touched(work)?;
        actions.at_cut_over.extend(late);
    }
    Ok(actions)
}

/// Why others are touched.
#[derive(Clone)]
pub(crate) enum Cause {
    /// It is dropped and made again.
    Again(OldPlace),
    /// It is dropped.
    Gone(OldPlace),
    /// A column of this table changes its type, or goes.
    Column(OldPlace, SmolStr, bool),
    /// This table has a new column, or one that is called otherwise: what reads `*` reads it.
    Grown(OldPlace, bool),
    /// This, or a column of it, is called otherwise.
    Called(OldPlace),
    /// This function computes otherwise, since the first one does.
    Body(OldPlace, OldPlace),
    /// The columns of this type move.
    Type(OldPlace),
}

pub(crate) struct Recreation<'f, 'd> {
    from: State<'d, Old>,
    to: State<'d, New>,
    actions: &'f mut Actions,
    /// Who needs it.
    dependents: FxHashMap<OldPlace, Vec<(OldPlace, Strength)>>,
    seen: FxHashSet<OldPlace>,
    gone: FxHashSet<OldPlace>,
    changed: FxHashSet<OldPlace>,
    swaps: &'d Swaps<'d>,
    renamed: &'d [Renamed],
    /// What texts of the old catalog name.
    texts: Known<'d>,
    /// Nobody waits for what is written anew.
    offline: bool,
    /// Functions that were looked at, and which one it was for.
    bodies: FxHashSet<(OldPlace, OldPlace)>,
    /// Materialized views whose change is looked at by itself.
    apart: FxHashSet<OldPlace>,
}

impl<'f, 'd> Recreation<'f, 'd> {
    pub fn new(set: &ChangeSet<'d>, actions: &'f mut Actions, swaps: &'d Swaps<'d>, offline: bool) -> Self {
        let from = set.from;
        let needs = from.needs();
        let mut dependents: FxHashMap<OldPlace, Vec<(OldPlace, Strength)>> = FxHashMap::default();
        for (object, ..) in from.places() {
            for (need, strength) in needs.of(object) {
                dependents.entry(need).or_default().push((object, strength));
            }
        }
        let seen = actions.recreated.iter().map(|pair| pair.0).collect();
        let gone = set.removed.iter().copied().collect();
        let changed = set.changed.iter().map(|pair| pair.0).collect();
        let texts = Known::new(from.catalog);
        Self {
            from,
            to: set.to,
            actions,
            dependents,
            seen,
            gone,
            changed,
            swaps,
            renamed: set.renamed,
            texts,
            offline,
            bodies: FxHashSet::default(),
            apart: FxHashSet::default(),
        }
    }

    fn run(&mut self, mut work: Vec<Cause>) -> Planned {
        while let Some(cause) = work.pop() {
            match cause {
                Cause::Again(object) => {
                    for (other, strength) in self.dependents.get(&object).cloned().unwrap_or_default() {
                        self.touch(other, strength, object, &mut work)?;
                    }
                }
                Cause::Gone(object) => {
                    for (other, strength) in self.dependents.get(&object).cloned().unwrap_or_default() {
                        // What changes anyway does not need it any more; a default that changes is away until then.
                        let is_table = matches!(self.from.object(other), Some(Object::Table(_)));
                        if !self.changed.contains(&other)
                            || is_table && matches!(self.from.object(object), Some(Object::Function(_)))
                        {
                            self.touch(other, strength, object, &mut work)?;
                        }
                    }
                }
                Cause::Column(table, column, gone) => self.column(table, &column, gone, &mut work)?,
                Cause::Grown(table, renamed) => self.grown(table, renamed, &mut work),
                Cause::Called(object) => self.called(object, &mut work),
                Cause::Type(ty) => self.ty(ty, &mut work)?,
                Cause::Body(root, function) => self.body(root, function, &mut work)?,
            }
        }
        Ok(())
    }

    /// Old places of what would go and come again by these causes alone.
    pub fn touched(&mut self, work: Vec<Cause>) -> Planned<FxHashSet<OldPlace>> {
        self.seen.clear();
        self.actions.recreated.clear();
        self.run(work)?;
        Ok(self.actions.recreated.iter().map(|pair| pair.0).collect())
    }

    /// The new place of what stays.
    pub fn twin(&self, old: OldPlace) -> Option<NewPlace> {
        if let Some(&new) = self.actions.relabelled.get(&old) {
            return Some(new);
        }
        let (id, _) = self.from.at(old).ok()?;
        self.to.index_of(id)
    }

    /// Marks what stays to be dropped and made again.
    fn recreate(&mut self, old: OldPlace, work: &mut Vec<Cause>) {
        // What is in one state only is not made again.
        let Some(new) = self.twin(old) else { return };
        if self.gone.contains(&old) || !self.seen.insert(old) {
            return;
        }
        self.actions.altered.retain(|pair| pair.0 != old);
        self.actions.recreated.push((old, new));
        work.push(Cause::Again(old));
    }

    fn touch(&mut self, other: OldPlace, strength: Strength, cause: OldPlace, work: &mut Vec<Cause>) -> Planned {
        if matches!(strength, Strength::Wish | Strength::Body) {
            return Ok(());
        }
        let entry = self.from.entry(other)?;
        match &entry.object {
            Object::Table(table) => {
                let cause = self.from.entry(cause)?;
                let calls = |expr: &SqlExpr| self.calls(&table.table, expr, &cause.object);
                let called = |column: &Column| {
                    (column.default.as_ref().is_some_and(calls), column.generated.as_deref().is_some_and(calls))
                };
                let called: Vec<(bool, bool)> = table.columns.iter().map(called).collect();
                // A table that goes takes its columns along.
                let Some(new) = self.twin(other) else { return Ok(()) };
                if let Object::Table(parent) = &cause.object {
                    // A part or heir that stays one.
                    let under = |table: &Table| {
                        table.inherits.contains(&parent.table)
                            || table.partition_of.as_ref().is_some_and(|(of, _)| *of == parent.table)
                    };
                    let after = self.to.object(new);
                    if under(table) && matches!(after, Some(Object::Table(table)) if under(table)) {
                        self.recreate(other, work);
                    }
                }
                if self.has_type_of(table, new, &cause.object) {
                    let why = "a column has a type that a block makes, and the block changes: give the column another type \
                               first, then change the block";
                    self.actions.impossible.push((other, why));
                }
                for (column, (in_default, in_computed)) in table.columns.iter().zip(called) {
                    if in_default {
                        self.actions.defaults.push((other, new, column.name.clone()));
                    }
                    if in_computed {
                        self.actions.computed.push((other, new, column.name.clone()));
                        work.push(Cause::Column(other, column.name.clone(), true));
                    }
                }
            }
            Object::Domain(_) | Object::Composite(_) => {
                let of_type = matches!(self.from.object(cause), Some(Object::Domain(_) | Object::Composite(_)));
                if of_type {
                    self.recreate(other, work);
                }
            }
            Object::Enum(_) | Object::Schema(_) | Object::Role(_) => {}
            // What it says of an index, it says of the one that takes its place.
            Object::Sql(block) if block.provides.is_empty() && self.is_replaced(cause) => {
                if let Some(new) = self.twin(other).filter(|_| !self.changed.contains(&other)) {
                    self.actions.said_again.push((cause, other, new));
                }
            }
            _ => self.recreate(other, work),
        }
        Ok(())
    }

    /// A column changes its type, or goes.
    fn column(&mut self, table: OldPlace, column: &str, gone: bool, work: &mut Vec<Cause>) -> Planned {
        let own = self.from.table_at(table)?;
        for (other, strength) in self.dependents.get(&table).cloned().unwrap_or_default() {
            if strength == Strength::Wish {
                continue;
            }
            let entry = self.from.entry(other)?;
            let reads = || self.texts.reads_column(&entry.object, &own.table, column);
            let hit = match &entry.object {
                Object::View(_) | Object::Policy(_) => reads(),
                Object::Trigger(o) => {
                    o.events.iter().any(|(_, columns)| columns.iter().any(|c| c == column)) || reads()
                }
                Object::Function(o) => matches!(&o.body, Body::Atomic(_)) && reads(),
                Object::PublicationTable(o) => o.columns.iter().any(|c| c == column) || reads(),
                // Postgres makes it again when a type changes, and locks both tables for it: so that this is seen.
                Object::Constraint(o) if !gone && !self.swaps.moves(&own.table, column) => {
                    matches!(&o.rule, Rule::ForeignKey(key) if self.written_anew(table, column)
                        && (o.table == own.table && key.columns.iter().any(|c| c == column)
                            || key.target == own.table && key.target_columns.iter().any(|c| c == column)))
                }
                // Gone with the column, although they are to stay: it comes back under the same name.
                Object::Index(o) if gone && o.table == own.table => index_reads(o, column),
                Object::Constraint(o) if gone && o.table == own.table => constraint_reads(&o.rule, column),
                // A rule, statistics: Postgres lets no column go from under them.
                Object::Sql(o) => o.down.is_some() && reads(),
                Object::Grant(o) if gone => {
                    o.privileges.iter().any(|privilege| privilege.columns.iter().any(|c| c == column))
                }
                _ => false,
            };
            if hit {
                self.recreate(other, work);
            }
        }
        // Postgres would keep the conditions, with casts to the type of before.
        if !gone && !self.swaps.moves(&own.table, column) && self.written_anew(table, column) {
            self.expressions(table, column, work)?;
        }
        Ok(())
    }

    /// Whether a column gets a type that its values have to be written anew for.
    fn written_anew(&self, table: OldPlace, column: &str) -> bool {
        let find = |object: Option<&'d Object>| match object {
            Some(Object::Table(o)) => o.columns.iter().find(|other| other.name == column),
            _ => None,
        };
        let new = self.twin(table).and_then(|new| self.to.object(new));
        match (find(self.from.object(table)), find(new)) {
            (Some(from), Some(to)) => type_change(from, to) != TypeChange::Free,
            _ => false,
        }
    }

    /// The columns of this type move to a new one: whatever Postgres knows by the old type goes and comes again.
    fn ty(&mut self, ty: OldPlace, work: &mut Vec<Cause>) -> Planned {
        let id = self.from.at(ty)?.0;
        for (other, strength) in self.dependents.get(&ty).cloned().unwrap_or_default() {
            let entry = self.from.entry(other)?;
            match &entry.object {
                Object::Table(table) => {
                    let of_type = table.columns.iter().filter(|c| c.ty.schema == id.schema && c.ty.name == id.name);
                    for column in of_type {
                        self.column(other, &column.name, false, work)?;
                        // Where columns move over, so do their indexes and checks.
                        if !self.swaps.types.contains(&ty) {
                            self.expressions(other, &column.name, work)?;
                        }
                    }
                }
                Object::Grant(_) => {}
                Object::Domain(_) | Object::Composite(_) if self.gone.contains(&other) => {}
                Object::Domain(_) | Object::Composite(_) => {
                    if self.has_columns(other) {
                        let why = match self.from.object(ty) {
                            Some(Object::Domain(_)) => made_of::WITHIN,
                            _ => "it is made of a type that has to be made again",
                        };
                        self.actions.impossible.push((other, why));
                    } else {
                        self.recreate(other, work);
                    }
                }
                _ if strength == Strength::Body => {}
                Object::Index(_) | Object::Constraint(_) if self.swaps.types.contains(&ty) => {}
                _ => self.recreate(other, work),
            }
        }
        Ok(())
    }

    /// Whether a table has a column of this type, or of one that is made of it.
    fn has_columns(&self, ty: OldPlace) -> bool {
        self.dependents.get(&ty).into_iter().flatten().any(|(other, _)| match self.from.object(*other) {
            Some(Object::Table(_)) => true,
            Some(Object::Domain(_) | Object::Composite(_)) => self.has_columns(*other),
            _ => false,
        })
    }

    /// Conditions over a column that compare it with values of its type.
    fn expressions(&mut self, table: OldPlace, column: &str, work: &mut Vec<Cause>) -> Planned {
        for (other, _) in self.dependents.get(&table).cloned().unwrap_or_default() {
            let entry = self.from.entry(other)?;
            let hit = match &entry.object {
                Object::Index(o) => {
                    o.filter.as_ref().is_some_and(|filter| filter.reads(column))
                        || o.keys.iter().any(|key| matches!(&key.on, KeyOn::Expr(expr) if expr.reads(column)))
                }
                Object::Constraint(o) => match &o.rule {
                    Rule::Check { expr, .. } => expr.reads(column),
                    Rule::Exclude { .. } => constraint_reads(&o.rule, column),
                    _ => false,
                },
                _ => false,
            };
            if hit {
                self.recreate(other, work);
            }
        }
        Ok(())
    }
}

/// Whether a constraint is over the column.
pub(crate) fn constraint_reads(rule: &Rule, column: &str) -> bool {
    let has = |columns: &[SmolStr]| columns.iter().any(|c| c == column);
    match rule {
        Rule::PrimaryKey { columns, include } | Rule::Unique { columns, include, .. } => has(columns) || has(include),
        Rule::Check { expr, .. } => expr.reads(column),
        Rule::ForeignKey(key) => has(&key.columns),
        Rule::Exclude { elements, filter, .. } => {
            elements.iter().any(|(key, _)| match &key.on {
                KeyOn::Column(name) => name == column,
                KeyOn::Expr(expr) => expr.reads(column),
            }) || filter.as_ref().is_some_and(|filter| filter.reads(column))
        }
    }
}

/// Whether an index is over the column.
pub(crate) fn index_reads(index: &Index, column: &str) -> bool {
    index.include.iter().any(|c| c == column)
        || index.filter.as_ref().is_some_and(|filter| filter.reads(column))
        || index.keys.iter().any(|key| match &key.on {
            KeyOn::Column(name) => name == column,
            KeyOn::Expr(expr) => expr.reads(column),
        })
}
