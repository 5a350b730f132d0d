//! What triggers do when base rows are put in, changed or taken out: they give columns values of their own, and write to other tables.
//! Taken back, a base row is written once more, so none of that is as it was.

use super::{Lost, name};
use rustc_hash::FxHashSet;
use smol_str::SmolStr;
use specc_analysis::Target;
use specc_analysis::catalog::Known;
use specc_catalog::{Catalog, IdRef, Kind, Object, Seed, TableName};
use specc_sql::Statement;
use std::collections::BTreeSet;

/// What base rows stir up.
#[derive(Default)]
pub(crate) struct Stirred {
    /// Of tables with triggers the columns that base rows give: these are as they were.
    pub given: BTreeSet<Lost>,
    /// Tables that such triggers may write to.
    pub follows: BTreeSet<Lost>,
    /// How many rows are written, there and back.
    pub rows: usize,
}

impl Stirred {
    /// Looks at some statements, which run in a state.
    pub fn look<'s, 'd: 's>(&mut self, state: &Catalog, statements: impl Iterator<Item = &'s Statement<'d>>) {
        let seeds: Vec<&Seed> = statements
            .filter_map(|statement| match statement {
                Statement::InsertSeed { seed, .. } | Statement::DeleteSeed(seed) => Some(*seed),
                _ => None,
            })
            .collect();
        if seeds.is_empty() {
            return;
        }
        let texts = Known::new(state);
        for seed in seeds {
            let followed = written(state, &texts, &seed.table);
            let Some(followed) = followed else { continue };
            self.rows += seed.rows.len();
            let given = |column: &SmolStr| Lost { table: name(&seed.table), column: Some(column.clone()) };
            self.given.extend(seed.columns.iter().map(given));
            self.follows.extend(followed.iter().map(|table| Lost { table: name(table), column: None }));
        }
    }
}

/// The tables that the bodies of a table's triggers name, and those of the triggers of these; none where it has no trigger.
fn written(state: &Catalog, texts: &Known<'_>, table: &TableName) -> Option<BTreeSet<TableName>> {
    let triggers = |of: &TableName| {
        let own = of.clone();
        state.iter().filter_map(move |(_, entry)| match &entry.object {
            Object::Trigger(o) if o.table == own => Some(o),
            _ => None,
        })
    };
    triggers(table).next()?;
    let (mut found, mut seen) = (BTreeSet::new(), FxHashSet::default());
    let mut work = vec![table.clone()];
    while let Some(of) = work.pop() {
        if !seen.insert(of.clone()) {
            continue;
        }
        for trigger in triggers(&of) {
            let id = IdRef::new(Kind::Function, &trigger.function.schema, &trigger.function.name);
            let function = state.find(id).and_then(|place| state.at(place)).map(|(_, entry)| &entry.object);
            let Some(Object::Function(function)) = function else { continue };
            for reference in texts.of_body(function).into_iter().flat_map(|body| body.references) {
                if let Target::Relation(relation) = reference.target {
                    let relation = TableName::new(relation.schema, relation.name);
                    if relation != *table && state.find(IdRef::table(&relation)).is_some() {
                        work.push(relation.clone());
                        found.insert(relation);
                    }
                }
            }
        }
    }
    Some(found)
}
