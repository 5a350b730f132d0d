//! The locks that a statement takes on tables that others may be using.

use crate::name::Name;
use crate::state::State;
use crate::statement::{Action, Asks, Change, Dropped, Kind, Rows, What};
use specc_sql::Lock;

/// Locks that make others wait, as measured on Postgres 15 to 18; those of rows are none of them.
pub(crate) fn locks(what: &What, state: &State) -> Vec<(Name, Lock)> {
    let mut all = taken(what, state);
    all.retain(|(table, _)| state.is_live(table));
    all
}

fn taken(what: &What, state: &State) -> Vec<(Name, Lock)> {
    let exclusive = |tables: &[Name]| tables.iter().map(|t| (t.clone(), Lock::AccessExclusive)).collect::<Vec<_>>();
    match what {
        What::CreateTable(table) => {
            let referenced = table.columns.iter().flat_map(|c| &c.constraints).chain(&table.constraints);
            let mut all: Vec<_> = referenced.filter_map(|c| target(&c.kind)).collect();
            let own = table.name.key(state.path());
            all.retain(|(other, _)| other.key(state.path()) != own);
            all.extend(table.partition_of.iter().map(|(parent, _)| (parent.clone(), Lock::AccessExclusive)));
            all
        }
        What::AlterTable(alter) => {
            let mut all: Vec<(Name, Lock)> = Vec::new();
            for (action, _) in &alter.actions {
                let (lock, other) = of_action(action);
                all.extend(lock.map(|lock| (alter.table.clone(), lock)));
                all.extend(other);
            }
            all
        }
        What::CreateIndex(index) if index.concurrently.is_none() => vec![(index.table.clone(), Lock::Share)],
        What::Reindex { concurrently: false, table: Some(table), .. } => vec![(table.clone(), Lock::Share)],
        What::Reindex { concurrently: false, index: Some(index), .. } => vec![(of_index(index, state), Lock::Share)],
        What::Drop(drop) if matches!(drop.kind, Dropped::Table | Dropped::View | Dropped::MaterializedView) => {
            exclusive(&drop.names)
        }
        What::Drop(drop) if drop.kind == Dropped::Index && drop.concurrently.is_none() => {
            drop.names.iter().map(|name| (of_index(name, state), Lock::AccessExclusive)).collect()
        }
        What::Truncate { tables, .. } => exclusive(tables),
        What::Lock { tables, lock } => tables.iter().map(|table| (table.clone(), *lock)).collect(),
        What::View(view) if view.replace && state.views.contains_key(&view.name.key(state.path())) => {
            vec![(view.name.clone(), Lock::AccessExclusive)]
        }
        What::AlterDomain { name, scans: true } => {
            let tables = state.columns_of(name).map(|(table, _)| Name { place: name.place, ..table.clone() });
            tables.map(|table| (table, Lock::Share)).collect()
        }
        What::Policy(policy) => vec![(policy.table.clone(), Lock::AccessExclusive)],
        What::DropPolicy { table, .. } => vec![(table.clone(), Lock::AccessExclusive)],
        What::Trigger(trigger) => vec![(trigger.table.clone(), trigger.lock)],
        What::Cluster { table: Some(table) } => vec![(table.clone(), Lock::AccessExclusive)],
        What::Refresh { view, concurrently: false, .. } => vec![(view.clone(), Lock::AccessExclusive)],
        _ => Vec::new(),
    }
}

/// The table of an index; where it is not known, the index stands for it.
fn of_index(index: &Name, state: &State) -> Name {
    let known = state.indexes.get(&index.key(state.path()));
    known.map_or_else(|| index.clone(), |known| Name { place: index.place, ..known.table.clone() })
}

fn of_action(action: &Action) -> (Option<Lock>, Option<(Name, Lock)>) {
    let exclusive = Some(Lock::AccessExclusive);
    match action {
        Action::AddColumn(column) => (exclusive, column.constraints.iter().find_map(|c| target(&c.kind))),
        Action::AddConstraint(constraint) => match target(&constraint.kind) {
            Some(other) => (Some(Lock::ShareRowExclusive), Some(other)),
            None => (exclusive, None),
        },
        Action::Attach { partition, .. } => (None, Some((partition.clone(), Lock::AccessExclusive))),
        Action::Trigger => (Some(Lock::ShareRowExclusive), None),
        Action::Validate { .. } | Action::Light | Action::Detach { concurrently: true } => (None, None),
        _ => (exclusive, None),
    }
}

fn target(kind: &Kind) -> Option<(Name, Lock)> {
    match kind {
        Kind::Foreign { target, .. } => Some((target.clone(), Lock::ShareRowExclusive)),
        _ => None,
    }
}

/// What a statement does for a time that grows with the rows of a table, in words; absent where it is short.
pub(crate) fn long_work(what: &What, state: &State) -> Option<&'static str> {
    let live = |table: &Name| state.is_live(table);
    let reads = |tables: &Vec<Name>| tables.iter().any(live);
    Some(match what {
        What::CreateIndex(index) if live(&index.table) => "builds an index",
        What::Rows(all) => {
            let copies = |rows: &Rows| rows.kind == Change::Insert && rows.from_query.as_ref().is_some_and(reads);
            let writes = |rows: &Rows| {
                let many = rows.asks != Asks::Something { compares: true };
                many && live(&rows.table) && matches!(rows.kind, Change::Update | Change::Delete)
            };
            match () {
                () if all.iter().any(copies) => "copies rows",
                () if all.iter().any(writes) => "writes many rows",
                () => return None,
            }
        }
        What::CreateTable(table) if table.filled.as_ref().is_some_and(reads) => "fills a table",
        What::View(view) if view.filled.as_ref().is_some_and(reads) => "fills a materialized view",
        What::Refresh { view, with_data: true, .. } if live(view) => "fills a materialized view",
        What::Reindex { .. } => "rebuilds indexes",
        What::AlterTable(alter)
            if alter.actions.iter().any(|(a, _)| matches!(a, Action::Validate { .. } | Action::Enforce { .. }))
                && live(&alter.table) =>
        {
            "reads a whole table"
        }
        _ => return None,
    })
}
