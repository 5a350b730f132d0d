//! Maintained values of rows that were there first.
//!
//! A new one is null until it is counted. The triggers come first and add what changes, which leaves null null; then the
//! rows are counted in batches. A batch writes rows as its snapshot shows them, and every change of what is counted writes
//! the row that counts it: so a row of which the snapshot does not show all is locked or has a newer version, and comes in
//! the next round. One whose meaning changes has a value already, and is counted while nobody writes what it counts.

use crate::action_graph::{Role, Slot};
use crate::arena::Arena;
use crate::change_set::ChangeSet;
use crate::place::{NewPlace, NodeId};
use crate::planner::{Builder, ChangeOptions};
use crate::schedule::Phase;
use rustc_hash::FxHashSet;
use specc_analysis::Target;
use specc_analysis::catalog::Known;
use specc_catalog::{Column, Count, Hints, IdRef, Kind, Object, TableName, Timing, Trigger};
use specc_sql::{Alter, Statement};

/// Maintained values that have to be counted, with their tables.
#[derive(Debug, Default)]
pub(crate) struct Counts<'d> {
    /// Of columns that are new.
    added: Vec<(NewPlace, &'d TableName, &'d Count)>,
    /// Of columns that have values of another meaning.
    changed: Vec<(NewPlace, &'d TableName, &'d Count)>,
    /// Those of them whose values nothing counted so far.
    by_hand: Vec<(&'d TableName, &'d Column)>,
}

/// Finds them. What is counted was there, or no row of it is.
pub(crate) fn find<'d>(set: &ChangeSet<'d>) -> Counts<'d> {
    let mut counts = Counts::default();
    for (place, id, entry) in set.to.places() {
        let Object::Table(table) = &entry.object else { continue };
        let Some(before) = set.from.get(id).filter(|_| !entry.counts.is_empty()) else { continue };
        let Object::Table(old) = &before.object else { continue };
        for count in &entry.counts {
            let was = before.counts.iter().find(|other| other.column == count.column);
            let column = old.columns.iter().find(|column| column.name == count.column);
            let is_there = column.is_some();
            if !is_there && set.from.table(&count.of).is_some() {
                counts.added.push((place, &table.table, count));
            } else if is_there && !was.map_or_else(|| is_same_trigger(set, &table.table, count), |was| was == count) {
                counts.changed.push((place, &table.table, count));
                let texts = Known::new(set.from.catalog);
                let is_kept = |object: &Object| {
                    matches!(object, Object::Function(_)) && texts.reads_column(object, &table.table, &count.column)
                };
                if was.is_none() && !set.from.iter().any(|(_, entry)| is_kept(&entry.object)) {
                    counts.by_hand.extend(column.map(|column| (&table.table, column)));
                }
            }
        }
    }
    counts
}

/// Whether nothing that writes the value is new or changed, where the old state does not say what the value is.
fn is_same_trigger(set: &ChangeSet<'_>, table: &TableName, count: &Count) -> bool {
    let texts = Known::new(set.to.catalog);
    let mut other = set.added.iter().copied().chain(set.changed.iter().map(|pair| pair.1));
    !other.any(|place| match set.to.object(place) {
        Some(object @ Object::Function(_)) => texts.reads_column(object, table, &count.column),
        _ => false,
    })
}

impl<'d> Counts<'d> {
    /// Where others use the database meanwhile, new ones are filled like any other column.
    pub fn with_hints(&self, hints: &'d Hints, options: ChangeOptions, arena: &'d Arena) -> &'d Hints {
        if self.added.is_empty() || options.offline {
            return hints;
        }
        let mut all = hints.clone();
        for (_, table, count) in &self.added {
            all.backfills.retain(|(of, column, _)| of != *table || *column != count.column);
            all.backfills.push(((*table).clone(), count.column.clone(), count.value.clone()));
        }
        arena.hints(all)
    }

    /// Whether the trigger keeps everybody else from setting one of the new ones.
    pub fn is_guarded_by(&self, trigger: &Trigger) -> bool {
        self.added.iter().any(|(_, table, count)| guards(trigger, table, &count.column))
    }

    /// Whether the trigger says what a new row starts with.
    pub fn is_started_by(&self, trigger: &Trigger) -> bool {
        let is = |(_, table, count): &(NewPlace, &TableName, &Count)| on_row(trigger, table, &count.column, "insert");
        self.added.iter().any(is)
    }

    /// Whether the column is a new one.
    pub fn is_new(&self, table: &TableName, column: &str) -> bool {
        self.added.iter().any(|(_, of, count)| *of == table && count.column == column)
    }
}

impl<'d> Builder<'d, '_> {
    /// Counts what has no round of its own, a table in one statement.
    pub(crate) fn count(&mut self) {
        let mut all = self.counts.changed.clone();
        if self.options.offline {
            all.extend(self.counts.added.iter().copied());
        }
        all.sort_by_key(|(place, _, count)| (*place, &count.column));
        let lost = self.counts.by_hand.clone();
        let by_hand = |table: &TableName, count: &Count| {
            lost.iter().find(|(of, column)| *of == table && column.name == count.column).map(|(_, column)| *column)
        };
        let together = |a: &(NewPlace, &TableName, &Count), b: &(NewPlace, &TableName, &Count)| {
            a.0 == b.0 && by_hand(a.1, a.2).is_none() && by_hand(b.1, b.2).is_none()
        };
        for some in all.chunk_by(together) {
            let (place, table, first) = some[0];
            let set = some.iter().map(|(_, _, count)| (count.column.as_str(), count.value.text.as_str())).collect();
            let guard = self.to.iter().find_map(|(_, entry)| match &entry.object {
                Object::Trigger(o) => guards(o, table, &first.column).then_some(o.name.as_str()),
                _ => None,
            });
            let change = Alter::Count {
                table,
                set,
                of: some.iter().map(|(_, _, count)| &count.of).collect(),
                guard,
                by_hand: by_hand(table, first),
            };
            self.nodes.push(Slot::New(place), Role::After, Phase::Main, Statement::Alter(change));
        }
    }

    /// Whether a maintained value of another table follows from the column.
    pub(crate) fn is_counted(&self, table: &TableName, column: &str) -> bool {
        let mut counts = self.to.iter().flat_map(|(id, entry)| entry.counts.iter().map(move |count| (id, count)));
        counts.any(|(id, count)| {
            let home = TableName::new(id.schema.clone(), id.name.clone());
            count.of == *table && {
                let found = Known::new(self.to.catalog).of_table(&home, &count.value.text).references;
                found.iter().any(|found| match &found.target {
                    Target::Column(of, name) => of.name == table.name && of.schema == table.schema && name == column,
                    _ => false,
                })
            }
        })
    }

    /// The triggers that count are there before rows are counted, and what keeps others from setting the value comes after
    /// that.
    pub(crate) fn around_counts(&mut self) {
        let all: Vec<(NodeId, &'d TableName, Vec<&'d Count>, bool)> =
            self.nodes.iter().filter_map(|(id, node)| self.counting(id, &node.statement)).collect();
        if all.is_empty() {
            return;
        }
        let texts = Known::new(self.to.catalog);
        for (node, table, counts, in_batches) in all {
            let mut held: FxHashSet<NodeId> = FxHashSet::default();
            let mut last = Phase::Main;
            for other in self.nodes.ids() {
                let before = &self.nodes[other];
                let keeps = match &before.statement {
                    Statement::Create(Object::Trigger(o)) => {
                        let function = IdRef::new(Kind::Function, &o.function.schema, &o.function.name);
                        let function = self.to.find(function).and_then(|place| self.to.object(place));
                        counts.iter().any(|count| {
                            count.of == o.table
                                && function.is_some_and(|object| texts.reads_column(object, table, &count.column))
                        })
                    }
                    Statement::Create(object @ Object::Function(_))
                    | Statement::Replace(object @ Object::Function(_)) => {
                        counts.iter().any(|count| texts.reads_column(object, table, &count.column))
                    }
                    _ => false,
                };
                let is_of =
                    |table: Option<&TableName>| table.is_some_and(|of| counts.iter().any(|count| count.of == *of));
                if keeps {
                    if matches!(before.statement, Statement::Replace(_)) {
                        held.insert(other);
                    }
                    last = last.max(before.phase);
                    if !in_batches || before.phase < Phase::CutOver {
                        self.nodes.edge(other, node);
                    }
                } else if !in_batches
                    && other != node
                    && before.phase <= Phase::CutOver
                    && (before.statement.table() == Some(table) || is_of(before.statement.table()))
                    && !matches!(before.statement, Statement::Alter(Alter::Count { .. }))
                {
                    self.nodes.edge(other, node);
                }
            }
            if !in_batches {
                self.nodes[node].phase = last;
                continue;
            }
            self.guard_after(node, table, &counts);
            let mut tables: Vec<&'d TableName> = counts.iter().map(|count| &count.of).collect();
            tables.sort_unstable();
            tables.dedup();
            for of in tables.into_iter().filter(|_| !held.is_empty()) {
                let wait = Statement::Alter(Alter::AwaitWriters(of));
                let wait = self.nodes.push(Slot::None, Role::After, Phase::Main, wait);
                held.iter().for_each(|&replaced| self.nodes.edge(replaced, wait));
                self.nodes.edge(wait, node);
            }
        }
    }

    /// What a statement counts, and whether it does so in batches.
    fn counting(&self, id: NodeId, statement: &Statement<'d>) -> Option<(NodeId, &'d TableName, Vec<&'d Count>, bool)> {
        let (table, set, in_batches) = match statement {
            Statement::Alter(Alter::Count { table, set, .. }) => (*table, set, false),
            Statement::Alter(Alter::Backfill { table, set, .. }) => (*table, set, true),
            _ => return None,
        };
        let known = if in_batches {
            self.counts.added.iter().chain(&[])
        } else {
            self.counts.added.iter().chain(&self.counts.changed)
        };
        let own = known.filter(|(_, of, count)| *of == table && set.iter().any(|(column, _)| count.column == *column));
        let counts: Vec<&'d Count> = own.map(|(_, _, count)| *count).collect();
        (!counts.is_empty()).then_some((id, table, counts, in_batches))
    }

    fn guard_after(&mut self, fill: NodeId, table: &TableName, counts: &[&Count]) {
        for node in self.nodes.ids() {
            let is_guard = match &self.nodes[node].statement {
                Statement::Create(Object::Trigger(o)) => counts.iter().any(|count| guards(o, table, &count.column)),
                // The old one guards the other values until then.
                Statement::Drop(object @ Object::Trigger(_)) => {
                    matches!(self.to.get(&object.id()).map(|entry| &entry.object), Some(Object::Trigger(o))
                        if counts.iter().any(|count| guards(o, table, &count.column)))
                }
                _ => false,
            };
            if is_guard {
                self.nodes.edge(fill, node);
                self.nodes[node].phase = self.nodes[node].phase.max(Phase::CutOver);
            }
        }
    }
}

/// Whether the trigger looks at the value that a row had.
fn guards(trigger: &Trigger, table: &TableName, column: &str) -> bool {
    on_row(trigger, table, column, "update")
}

fn on_row(trigger: &Trigger, table: &TableName, column: &str, event: &str) -> bool {
    trigger.table == *table
        && trigger.per_row
        && trigger.timing == Timing::Before
        && trigger.events.iter().any(|(other, _)| other == event)
        && trigger.when.as_ref().is_some_and(|when| when.reads(column))
}
