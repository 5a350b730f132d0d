//! The locks of a transaction, taken together before the first of them is needed.
//!
//! Whoever inserts into a table locks it and then the one that it refers to; whoever deletes there locks both the other way
//! round. So there is no order that agrees with all: a transaction that held one lock and waited for the next one could wait for
//! somebody who waits for it.

use super::{Plan, Stage, Step};
use crate::arena::Arena;
use rustc_hash::FxHashMap;
use specc_catalog::{Catalog, Kind, Object, ObjectId, TableName};
use specc_diff::{Difference, Renamed};
use specc_sql::{Alter, Lock, Relation, Statement, TakenLock, Transaction};

/// Puts what takes the locks into each transaction that keeps somebody waiting; all stages are one where `one` says so.
pub(crate) fn take_at_once<'d>(plan: &mut Plan<'d>, difference: &Difference<'_>, arena: &'d Arena, one: bool) {
    let is_own = |table: &TableName| [&*difference.from, difference.to].iter().any(|state| state.contains(&table.id()));
    take(plan, Names::new(difference), &is_own, arena, one);
}

/// The same for a first migration: what others use of it is somebody else's.
pub(crate) fn take_of_others<'d>(plan: &mut Plan<'d>, catalog: &Catalog, arena: &'d Arena) {
    if !plan.touches_others() {
        return;
    }
    let names = Names { now: FxHashMap::default(), touched: Vec::new() };
    take(plan, names, &|table| catalog.contains(&table.id()), arena, false);
}

fn take<'d>(plan: &mut Plan<'d>, mut names: Names, is_own: &dyn Fn(&TableName) -> bool, arena: &'d Arena, one: bool) {
    let knows_any = !names.now.is_empty();
    let mut first = 0;
    while first < plan.stages.len() {
        let last = if one { plan.stages.len() } else { first + 1 };
        let unit = &plan.stages[first..last];
        let is_outside = unit.iter().any(|stage| stage.transaction == Transaction::Outside);
        let mut found = names.follow(unit, |table| plan.is_in_use(table), is_own);
        // What a first migration makes is nobody's yet.
        found.locks.retain(|_, held| knows_any || held.relation == Relation::Foreign);
        if let Some((stage, step)) = found.first.filter(|_| !is_outside) {
            let mut locks: Vec<_> = found.locks.into_iter().map(|(on, held)| (held, on)).collect();
            // Whoever reads a view locks it before what it reads.
            let is_table = |relation| matches!(relation, Relation::Table | Relation::Foreign);
            locks.sort_by_key(|(held, _)| (is_table(held.relation), held.place));
            let locks = locks.into_iter().map(|(held, on)| TakenLock {
                on: arena.table_name(on),
                lock: held.lock,
                relation: held.relation,
            });
            let statement = Statement::TakeLocks(locks.collect());
            let steps = &mut plan.stages[first + stage].steps;
            // It stands with what needs it.
            let next = steps.get(step).filter(|_| !knows_any);
            let (object, home) = next.map_or((None, None), |next| (next.object, next.home));
            steps.insert(step, Step { statement, object, home });
        }
        first = last;
    }
}

/// What there is, by the names that it has by now.
struct Names {
    now: FxHashMap<TableName, Known>,
    /// Those that have another name than at the beginning of the transaction, or were not there.
    touched: Vec<TableName>,
}

struct Known {
    relation: Relation,
    origin: Origin,
}

/// How it was called at the beginning of the transaction.
enum Origin {
    Same,
    Was(TableName),
    New,
}

/// A lock, and where it is wanted first.
struct Held {
    relation: Relation,
    lock: Lock,
    place: usize,
}

/// What a transaction locks.
#[derive(Default)]
struct Found {
    locks: FxHashMap<TableName, Held>,
    /// The stage and the step that keeps others waiting first.
    first: Option<(usize, usize)>,
}

fn relation(object: &Object) -> Option<(&TableName, Relation)> {
    match object {
        Object::Table(o) => Some((&o.table, Relation::Table)),
        Object::View(o) if o.materialized => Some((&o.view, Relation::MaterializedView)),
        Object::View(o) => Some((&o.view, Relation::View)),
        _ => None,
    }
}

impl Names {
    /// As all is called before the change.
    fn new(difference: &Difference<'_>) -> Self {
        let all = difference.from.iter().filter_map(|(_, entry)| relation(&entry.object));
        let now = all.map(|(name, relation)| (name.clone(), Known { relation, origin: Origin::Same }));
        let mut names = Self { now: now.collect(), touched: Vec::new() };
        let renamed = difference.renamed.iter().rev().filter(|renamed| renamed.part.is_none());
        let name = |id: &ObjectId| TableName::new(id.schema.clone(), id.name.clone());
        // All at once: some exchange their names.
        let tables = renamed.clone().filter(|renamed| matches!(renamed.id.kind, Kind::Table | Kind::View));
        let back: Vec<_> = tables.filter_map(|it| Some((name(&it.id), names.now.remove(&name(&it.now))?))).collect();
        names.now.extend(back);
        for Renamed { id, now, .. } in renamed.filter(|renamed| renamed.id.kind == Kind::Schema) {
            names.schema_moved(&now.name, &id.name);
        }
        names.end();
        names
    }

    /// Follows a transaction to its end.
    fn follow(
        &mut self,
        unit: &[Stage<'_>],
        is_in_use: impl Fn(&TableName) -> bool,
        is_own: &dyn Fn(&TableName) -> bool,
    ) -> Found {
        let mut found = Found::default();
        // The locks are taken by the names of the beginning: before anything that there is gets another one.
        let mut moved = None;
        let steps = unit.iter().enumerate().flat_map(|(stage, own)| {
            own.steps.iter().enumerate().map(move |(step, own)| ((stage, step), &own.statement))
        });
        for (place, (at, statement)) in steps.enumerate() {
            statement.each_lock(|table, lock, _| {
                if lock < Lock::ShareUpdateExclusive {
                    return;
                }
                let (then, relation) = match self.now.get(table) {
                    Some(Known { origin: Origin::Same, relation }) => (table, *relation),
                    Some(Known { origin: Origin::Was(then), relation }) => (then, *relation),
                    None if lock.blocks_writes() && !is_own(table) => (table, Relation::Foreign),
                    _ => return,
                };
                if matches!(relation, Relation::View | Relation::MaterializedView) && lock != Lock::AccessExclusive {
                    return;
                }
                if lock.blocks_writes() && is_in_use(table) {
                    found.first.get_or_insert(at);
                }
                let held = Held { relation, lock, place };
                let held = found.locks.entry(then.clone()).or_insert(held);
                held.lock = held.lock.max(lock);
            });
            let known = self.touched.len();
            self.step(statement);
            let is_old = |name| self.now.get(name).is_some_and(|known| matches!(known.origin, Origin::Was(_)));
            if self.touched[known..].iter().any(is_old) {
                moved.get_or_insert(at);
            }
        }
        self.end();
        found.first = found.first.map(|first| moved.map_or(first, |moved| first.min(moved)));
        found
    }

    /// What comes finds all as it is called by now.
    fn end(&mut self) {
        for name in std::mem::take(&mut self.touched) {
            if let Some(known) = self.now.get_mut(&name) {
                known.origin = Origin::Same;
            }
        }
    }

    fn step(&mut self, statement: &Statement<'_>) {
        match statement {
            Statement::CreateTable { table, .. } => self.made(&table.table, Relation::Table),
            Statement::Create(object) => {
                if let Some((name, relation)) = relation(object) {
                    self.made(name, relation);
                }
            }
            Statement::DropTable(table) => {
                self.now.remove(&table.table);
            }
            Statement::Drop(object) | Statement::DropTemporary(object) => {
                if let Some((name, _)) = relation(object) {
                    self.now.remove(name);
                }
            }
            Statement::Alter(Alter::Rename { from: Object::Schema(schema), to }) => self.schema_moved(&schema.name, to),
            Statement::Alter(Alter::Rename { from, to }) => {
                if let Some((name, _)) = relation(from) {
                    self.moved(name.clone(), TableName::new(name.schema.clone(), *to));
                }
            }
            Statement::Alter(Alter::SetSchema { from, to }) => {
                if let Some((name, _)) = relation(from) {
                    self.moved(name.clone(), TableName::new(*to, name.name.clone()));
                }
            }
            _ => {}
        }
    }

    fn made(&mut self, name: &TableName, relation: Relation) {
        self.now.insert(name.clone(), Known { relation, origin: Origin::New });
        self.touched.push(name.clone());
    }

    fn schema_moved(&mut self, from: &str, to: &str) {
        let within: Vec<_> = self.now.keys().filter(|name| name.schema == from).cloned().collect();
        for name in within {
            let now = TableName::new(to, name.name.clone());
            self.moved(name, now);
        }
    }

    fn moved(&mut self, name: TableName, now: TableName) {
        let Some(mut known) = self.now.remove(&name) else { return };
        if matches!(known.origin, Origin::Same) {
            known.origin = Origin::Was(name);
        }
        self.touched.push(now.clone());
        self.now.insert(now, known);
    }
}
