//! Which tables are made anew beside the old ones, so that their rows move.

use crate::change_set::ChangeSet;
use crate::place::{NewPlace, OldPlace, Planned, State};
use crate::recreation::{Actions, Cause, Recreation};
use crate::schedule::Phase;
use crate::strategies::casts;
use crate::strategies::filled_table::walked_by;
use crate::strategies::in_place::table::temporary_name;
use crate::strategies::shadow_column::eligible::Swaps;
use crate::volatility::Declared;
use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::SmolStr;
use specc_analysis::Target;
use specc_analysis::catalog::Known;
use specc_catalog::{Column, Constraint, Hints, Object, Qualified, Rule, Table, TableName};
use specc_facts::Conversion;

/// A table that cannot become what it is to be where it is.
#[derive(Debug)]
pub(crate) struct TableMove<'d> {
    pub old: OldPlace,
    pub new: NewPlace,
    pub from: &'d Table,
    pub to: &'d Table,
    /// Its parts as they were, and it itself.
    pub old_tables: Vec<OldPlace>,
    /// Their names.
    from_tables: Vec<&'d TableName>,
    /// Its parts as they are to be, and it itself: each after what it is a part of.
    pub new_tables: Vec<(NewPlace, &'d Table)>,
    /// The key by which its rows are walked, where it has one.
    pub key: Option<&'d [SmolStr]>,
    /// Why its rows cannot move while others use it; none where they can, or nobody does.
    pub why_at_once: Option<&'static str>,
    /// Whether they move while others use it.
    pub online: bool,
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Moves<'d> {
    pub all: Vec<TableMove<'d>>,
    /// By a table as it is to be, a part or a whole.
    tables: FxHashMap<&'d TableName, (usize, NewPlace)>,
    /// Old places of those that go, and whether others use them meanwhile.
    gone: FxHashMap<OldPlace, bool>,
    /// What goes and comes again in the moment in which a table takes its place.
    pub over: Vec<OldPlace>,
}

impl<'d> Moves<'d> {
    /// The move that makes a table.
    pub fn of(&self, table: &TableName) -> Option<&TableMove<'d>> {
        self.tables.get(table).and_then(|(at, _)| self.all.get(*at))
    }

    /// The place of a table that is made beside.
    pub fn place(&self, table: &TableName) -> Option<NewPlace> {
        self.tables.get(table).map(|(_, place)| *place)
    }

    /// Whether this table goes when its rows have moved.
    pub fn goes(&self, old: OldPlace) -> bool {
        self.gone.contains_key(&old)
    }

    /// Whether a table of this name goes, a part or a whole.
    pub fn took(&self, table: &TableName) -> bool {
        self.all.iter().any(|one| one.from_tables.contains(&table))
    }

    /// When what belongs to a table that goes is done.
    pub fn phase(&self, old: OldPlace) -> Phase {
        if self.gone.get(&old) == Some(&true) { Phase::CutOver } else { Phase::Main }
    }

    /// The schema in which tables of a schema are made, under their names, until they take their places.
    pub fn aside(schema: &str) -> SmolStr {
        temporary_name(&[schema, "moved"])
    }
}

/// Rows of such a part are in none of the tables that rows go to, or in none of those that they come from.
const PART_LEAVES: &str = "it is divided in another way while a part of it becomes a table of its own, or a table a part of it, and \
                           rows would be lost: make two changes of it, in one of them the part comes or goes, in the other the \
                           table is divided anew";

/// Finds them. Rows that a seed put there move with the others.
pub(crate) fn find<'d>(set: &ChangeSet<'d>, hints: &Hints, offline: bool, actions: &mut Actions) -> Planned<Moves<'d>> {
    let mut moves = Moves::default();
    let pairs: Vec<(OldPlace, NewPlace)> = actions.recreated.clone();
    for (old, new) in pairs {
        let (Some(Object::Table(from)), Some(Object::Table(to))) = (set.from.object(old), set.to.object(new)) else {
            continue;
        };
        let is_whole = |table: &Table| table.partition_of.is_none() && table.inherits.is_empty();
        if !is_whole(from) || !is_whole(to) || from.partition_by.is_none() && to.partition_by.is_none() {
            continue;
        }
        let (old_tables, new_tables) = (tree(set.from, old), tree(set.to, new));
        if !is_closed(set, &old_tables, &new_tables) {
            actions.impossible.push((old, PART_LEAVES));
            continue;
        }
        let key = walked_by(set.from, from);
        let new_tables: Vec<(NewPlace, &'d Table)> = new_tables;
        moves.all.push(TableMove {
            old,
            new,
            from,
            to,
            from_tables: old_tables.iter().map(|(_, table)| &table.table).collect(),
            old_tables: old_tables.iter().map(|(place, _)| *place).collect(),
            new_tables,
            key,
            why_at_once: None,
            online: false,
        });
    }
    moves.all.sort_by_key(|one| one.new);
    let moved: FxHashSet<&TableName> = moves.all.iter().map(|one| &one.to.table).collect();
    let why: Vec<Option<&'static str>> =
        moves.all.iter().map(|one| if offline { None } else { why_at_once(set, hints, one, &moved) }).collect();
    for (one, why) in moves.all.iter_mut().zip(why) {
        (one.why_at_once, one.online) = (why, !offline && why.is_none());
    }
    for (at, one) in moves.all.iter().enumerate() {
        moves.tables.extend(one.new_tables.iter().map(|&(place, table)| (&table.table, (at, place))));
    }
    let is_seeded =
        |old: OldPlace| matches!(set.from.object(old), Some(Object::Seed(seed)) if moves.of(&seed.table).is_some());
    actions.recreated.retain(|(old, _)| !is_seeded(*old));
    Ok(moves)
}

/// What goes with a table that others use goes when its rows have moved, and what is over it with it.
pub(crate) fn late(set: &ChangeSet<'_>, swaps: &Swaps<'_>, moves: &mut Moves<'_>, actions: &mut Actions) -> Planned {
    for one in moves.all.iter_mut().filter(|one| one.online) {
        let mut scratch = Actions { relabelled: actions.relabelled.clone(), ..Actions::default() };
        let going = one.old_tables.iter().map(|&old| Cause::Again(old)).collect();
        let touched = Recreation::new(set, &mut scratch, swaps, false).touched(going)?;
        let is_filled = |old: &OldPlace| matches!(set.from.object(*old), Some(Object::View(view)) if view.materialized && !view.no_data);
        if touched.iter().any(is_filled) {
            let why = "a materialized view over it would be filled anew while everyone waits";
            (one.online, one.why_at_once) = (false, Some(why));
            continue;
        }
        actions.at_cut_over.extend(one.old_tables.iter().chain(&touched));
        moves.over.extend(touched);
    }
    moves.over.sort_unstable();
    moves.over.dedup();
    for one in &moves.all {
        moves.gone.extend(one.old_tables.iter().map(|&old| (old, one.online)));
    }
    Ok(())
}

/// A table and all its parts, each after what it is a part of.
fn tree<'d, S: crate::place::Side>(
    state: State<'d, S>,
    whole: crate::place::Place<S>,
) -> Vec<(crate::place::Place<S>, &'d Table)> {
    let mut all = Vec::new();
    if let Some(Object::Table(table)) = state.object(whole) {
        all.push((whole, &**table));
    }
    let mut at = 0;
    while let Some(&(_, above)) = all.get(at) {
        at += 1;
        if above.partition_by.is_none() {
            continue;
        }
        let parts = state.places().filter_map(|(place, _, entry)| match &entry.object {
            Object::Table(o) if o.partition_of.as_ref().is_some_and(|(of, _)| *of == above.table) => {
                Some((place, &**o))
            }
            _ => None,
        });
        all.extend(parts);
    }
    all
}

/// Whether no part of the old table stays as another table, and no part of the new one is a table that is there.
fn is_closed(set: &ChangeSet<'_>, old: &[(OldPlace, &Table)], new: &[(NewPlace, &Table)]) -> bool {
    let before = |table: &Table| old.iter().any(|(_, other)| other.table == table.table);
    let after = |table: &Table| new.iter().any(|(_, other)| other.table == table.table);
    old.iter().all(|(_, table)| after(table) || !set.to.contains(&table.table.id()))
        && new.iter().all(|(_, table)| before(table) || !set.from.contains(&table.table.id()))
}

fn column<'t>(table: &'t Table, name: &str) -> Option<&'t Column> {
    table.columns.iter().find(|column| column.name == name)
}

/// Whether the value of a column depends on nothing but the row as it was.
fn follows_from_row(set: &ChangeSet<'_>, hints: &Hints, one: &TableMove<'_>, column: &Column) -> bool {
    let table = &one.to.table;
    let value = hints.backfill(table, &column.name).or_else(|| hints.using(table, &column.name));
    let Some(value) = value else { return true };
    let is_own = |of: &Qualified| of.name == table.name && of.schema == table.schema;
    let found = Known::new(set.to.catalog).of_table(table, &value.text).references;
    let others = found.iter().any(|found| match &found.target {
        Target::Relation(of) | Target::Column(of, _) | Target::Columns(of) => !is_own(of),
        _ => false,
    });
    !others && Declared::new(set.to.catalog).is_fixed(&value.text)
}

/// Why rows cannot move in batches; none where they can.
fn why_at_once(
    set: &ChangeSet<'_>,
    hints: &Hints,
    one: &TableMove<'_>,
    moved: &FxHashSet<&TableName>,
) -> Option<&'static str> {
    let Some(key) = one.key else {
        return Some("it has no key by which its rows could be told apart while others write them");
    };
    let stays = |name: &SmolStr| {
        let (Some(before), Some(after)) = (column(one.from, name), column(one.to, name)) else { return false };
        let exact = casts::conversion([set.from.catalog, set.to.catalog], &before.ty, &after.ty);
        exact == Some(Conversion::EXACT) && after.generated.is_none() && hints.using(&one.to.table, name).is_none()
    };
    if !key.iter().all(stays) {
        return Some("its key does not stay as it is, so that its rows cannot be found again while others write them");
    }
    if !one.to.columns.iter().all(|column| follows_from_row(set, hints, one, column)) {
        return Some("what a column of it is to hold may not follow from the row alone, and change while rows move");
    }
    let numbered = |after: &Column| {
        after.identity.is_some() && column(one.from, &after.name).is_some_and(|before| before.identity.is_none())
    };
    if one.to.columns.iter().any(numbered) {
        return Some("a column of it becomes an identity, whose numbers go on after the highest of all rows");
    }
    for (_, entry) in set.to.iter() {
        let Object::Constraint(Constraint { table, rule: Rule::ForeignKey(reference), .. }) = &entry.object else {
            continue;
        };
        let (own, leads) = (*table == one.to.table, reference.target == one.to.table);
        if own && (leads && one.to.partition_by.is_some() || !leads && moved.contains(&reference.target)) {
            return Some(
                "it refers to rows that move too, and before Postgres 18 a divided table takes no reference that is checked later",
            );
        }
        let divided = |table: &TableName| {
            set.from.table(table).is_some_and(|o| o.partition_by.is_some() || o.partition_of.is_some())
        };
        if leads && !own && (divided(table) || moved.contains(table)) {
            return Some(
                "a divided table refers to it, and before Postgres 18 that takes no reference that is checked later",
            );
        }
    }
    None
}
