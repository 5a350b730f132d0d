//! What a mixin that ships with specc makes, said by `use`: only where the table has exactly that.

use crate::check;
use crate::same;
use crate::state::State;
use smol_str::SmolStr;
use specc_catalog::{Catalog, Column, Entry, Kind, Object, ObjectId, Table, TableName};
use std::collections::BTreeMap;

/// `use name` in a table.
#[derive(Clone, Debug)]
pub(crate) struct Use {
    pub mixin: SmolStr,
    /// The places of the columns that it brings; empty where it brings none.
    pub columns: std::ops::Range<usize>,
}

/// A mixin, and what it makes of a table that uses it.
pub(crate) struct Pattern {
    mixin: SmolStr,
    columns: Vec<Column>,
    /// Triggers and policies of the table.
    parts: Vec<Entry>,
    /// Functions, and grants on them.
    shared: Vec<(ObjectId, Entry)>,
}

/// The mixins that need no more than a table: what they make is read from what a build makes of one.
pub(crate) fn patterns(options: &specc_model::Options) -> Vec<Pattern> {
    let with = |line: &str| {
        let text = format!("entity specc_pattern {{\n  id: uuid key\n{line}}}\n");
        check::read(&[("pattern.dbspec".to_owned(), &text)], options)
    };
    let plain = with("").catalog;
    let made = specc_model::mixin_names().filter_map(|mixin| {
        let made = with(&format!("  use {mixin}\n"));
        if made.errors.is_empty() { pattern(mixin, &plain, &made.catalog) } else { None }
    });
    made.collect()
}

fn pattern(mixin: &str, plain: &Catalog, made: &Catalog) -> Option<Pattern> {
    let mut pattern = Pattern { mixin: mixin.into(), columns: Vec::new(), parts: Vec::new(), shared: Vec::new() };
    for (id, entry) in made.iter() {
        match &entry.object {
            Object::Table(table) if plain.contains(id) => {
                pattern.columns.extend(table.columns.iter().filter(|column| column.name != "id").cloned());
            }
            _ if plain.contains(id) => {}
            Object::Trigger(_) | Object::Policy(_) => pattern.parts.push(entry.clone()),
            Object::Function(_) => pattern.shared.push((id.clone(), entry.clone())),
            Object::Grant(grant) if grant.on.kind == Kind::Function => pattern.shared.push((id.clone(), entry.clone())),
            Object::Schema(_) => {}
            // Tables of its own are entities like any others.
            _ => return None,
        }
    }
    Some(pattern)
}

impl Pattern {
    /// Tables that have exactly what the mixin makes, and the objects that it makes there.
    pub fn uses(&self, catalog: &Catalog) -> (BTreeMap<TableName, Use>, Vec<ObjectId>) {
        let mut covered = Vec::new();
        let mut uses = BTreeMap::new();
        if !self.shared.iter().all(|(id, entry)| catalog.get(id).is_some_and(|there| is_same(there, entry))) {
            return (uses, covered);
        }
        for (_, entry) in catalog.iter() {
            let Object::Table(table) = &entry.object else { continue };
            let parts: Vec<Entry> = self.parts.iter().map(|part| of_table(part, &table.table)).collect();
            let has = |part: &Entry| catalog.get(&part.object.id()).is_some_and(|there| is_same(there, part));
            let Some(columns) = self.columns_of(table).filter(|_| parts.iter().all(has)) else { continue };
            covered.extend(parts.iter().map(|part| part.object.id()));
            uses.insert(table.table.clone(), Use { mixin: self.mixin.clone(), columns });
        }
        if !uses.is_empty() {
            covered.extend(self.shared.iter().map(|(id, _)| id.clone()));
        }
        (uses, covered)
    }

    /// Where its columns stand side by side.
    fn columns_of(&self, table: &Table) -> Option<std::ops::Range<usize>> {
        let Some(first) = self.columns.first() else { return Some(0..0) };
        let start = table.columns.iter().position(|column| column.name == first.name)?;
        let places = start..start + self.columns.len();
        let there = table.columns.get(places.clone())?;
        let same = |(there, made): (&Column, &Column)| same::column(there, made) && there.comment == made.comment;
        there.iter().zip(&self.columns).all(same).then_some(places)
    }
}

/// The part as it would be of another table.
fn of_table(part: &Entry, table: &TableName) -> Entry {
    let mut part = part.clone();
    match &mut part.object {
        Object::Trigger(trigger) => trigger.table = table.clone(),
        Object::Policy(policy) => policy.table = table.clone(),
        _ => {}
    }
    part
}

fn is_same(there: &Entry, made: &Entry) -> bool {
    there.comment == made.comment
        && there.owner == made.owner
        && same::difference(&there.object, &made.object).is_none()
}

/// Says by `use` what can be said so; `says` tells whether a state's text means the catalog.
pub(crate) fn apply(state: &mut State<'_>, options: &specc_model::Options, says: impl Fn(&mut State<'_>) -> bool) {
    if !state.catalog.iter().any(|(id, _)| id.kind == Kind::Trigger) {
        return;
    }
    for pattern in patterns(options) {
        let (uses, covered) = pattern.uses(state.catalog);
        let typed = |id: &ObjectId| state.is_typed(id);
        if uses.is_empty() || !uses.keys().map(TableName::id).chain(covered.iter().cloned()).all(|id| typed(&id)) {
            continue;
        }
        let mut trial = state.clone();
        trial.covered.extend(covered);
        for (table, one) in uses {
            trial.uses.entry(table).or_default().push(one);
        }
        if says(&mut trial) {
            *state = trial;
        }
    }
}
