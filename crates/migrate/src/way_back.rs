//! The way back: a change from the new state to the old one.

use crate::account::{Gone, Note, called_before};
use crate::arena::Arena;
use crate::change_set::ChangeSet;
use crate::kept::usings_back;
use crate::moving::{inverse, or_neutral};
use crate::planner::{ChangeError, ChangeOptions, plan_change};
use crate::schedule::{Plan, Purpose, Stage, Step, locks};
use crate::strategies::in_place::neutral::neutral_value;
use specc_catalog::{Catalog, Column, Hints, Object, Rename, TableName};
use specc_diff::Difference;
use specc_sql::{Alter, Loss, Statement, Transaction};

/// Plans the way back in one transaction. `back` is the difference from the new state to the old one; `first` comes before all
/// else.
///
/// # Errors
/// Where the change cannot be taken back.
pub(crate) fn plan_back<'d>(
    back: &'d Difference<'d>,
    hints: &'d Hints,
    arena: &'d Arena,
    first: Vec<Statement<'d>>,
) -> Result<Plan<'d>, ChangeError> {
    let mut plan = plan_change(back, hints, arena, ChangeOptions { offline: true, one: true })?;
    if !first.is_empty() {
        let steps = first.into_iter().map(|statement| Step { statement, object: None, home: None }).collect();
        plan.stages.insert(0, Stage { purpose: Purpose::Back, transaction: Transaction::Shared, steps });
    }
    locks::take_at_once(&mut plan, back, arena, true);
    Ok(plan)
}

/// Renames the other way round.
pub fn reversed(difference: &Difference<'_>) -> Hints {
    let mut hints = Hints::default();
    for renamed in &difference.renamed {
        let mut id = renamed.id.clone();
        let rename = match &renamed.part {
            None => {
                let was_in = (renamed.now.schema != id.schema).then(|| renamed.now.schema.clone());
                Rename { id, part: None, was: renamed.now.name.clone(), was_in }
            }
            Some((was, now)) => {
                // What contains it has its old name too by then.
                let outer = difference.renamed.iter().find(|other| other.part.is_none() && other.now == id);
                if let Some(outer) = outer {
                    id = outer.id.clone();
                }
                Rename { id, part: Some(was.clone()), was: now.clone(), was_in: None }
            }
        };
        hints.renames.push(rename);
    }
    // An object in a renamed schema is found there.
    let schemas: Vec<_> = difference
        .renamed
        .iter()
        .filter(|renamed| renamed.part.is_none() && renamed.id.kind == specc_catalog::Kind::Schema)
        .map(|renamed| (renamed.id.name.clone(), renamed.now.name.clone()))
        .collect();
    for rename in &mut hints.renames {
        if let Some((was, _)) = schemas.iter().find(|(_, now)| *now == rename.id.schema) {
            rename.id.schema = was.clone();
        }
    }
    hints
}

/// All that the way back is told: names the other way round, and where what moved stands now. `hints` are those of the way
/// there.
pub(crate) fn hints_back(difference: &Difference<'_>, hints: &Hints) -> Hints {
    let mut all = reversed(difference);
    let set = ChangeSet::new(difference);
    let (moved, _) = inverse(&set, hints);
    let old = |table: &TableName| called_before(&difference.renamed, &table.id());
    for (table, column, mut value) in moved.backfills {
        let back = set.from.table(&table).and_then(|table| table.columns.iter().find(|own| own.name == column));
        // Rows that came since have none.
        if let Some(column) = back.filter(|column| !column.nullable && value.columns.is_empty())
            && let Some(neutral) = neutral_value(&difference.from, &column.ty)
        {
            value.text = or_neutral(&value.text, &neutral);
        }
        let table = old(&table);
        all.backfills.push((table, column, value));
    }
    for (table, column, value) in usings_back(difference) {
        all.usings.push((old(&table), column, value));
    }
    for mut from in moved.froms {
        from.table = old(&from.table);
        all.froms.push(from);
    }
    all
}

/// What the way there took: what is lost, and where columns had no value in some rows and have one now.
pub(crate) fn gone(plan: &Plan<'_>, from: &Catalog) -> Vec<Gone> {
    let mut all = gone_with(&plan.statements().collect::<Vec<_>>(), from);
    all.extend(plan.notes.iter().filter_map(|note| match note {
        Note::Merges { table, column, .. } => Some(Gone::Was(table.clone(), column.clone())),
        _ => None,
    }));
    // What stands in an old column is found there.
    all.retain(|gone| match gone {
        Gone::Was(table, column) | Gone::Lost(Loss::Part { table, column, .. }) => !plan
            .notes
            .iter()
            .any(|note| matches!(note, Note::Keeps { table: of, column: own, .. } if of == table && own == column)),
        _ => true,
    });
    all
}

/// The same of some of its statements.
pub(crate) fn gone_with(statements: &[&Statement<'_>], from: &Catalog) -> Vec<Gone> {
    let mut all: Vec<Gone> = statements.iter().flat_map(|statement| statement.loses()).map(Gone::Lost).collect();
    for statement in statements {
        // An old column that was kept for a while comes back empty.
        if let Statement::Alter(Alter::DropColumn { table, column, .. }) = statement
            && from.said.keeps(table, &column.name)
        {
            let (table, column) = ((*table).clone(), column.name.clone());
            all.push(Gone::Lost(Loss::Values { table, column }));
        }
        if let Statement::Alter(Alter::Convert(o)) = statement
            && o.value.is_some()
        {
            all.push(Gone::Was(o.table.clone(), o.column.name.clone()));
        }
        if let Statement::Alter(Alter::DropMoved { table, filled, .. }) = statement {
            all.extend(filled.iter().map(|column| Gone::Nulls(table.table.clone(), (*column).into())));
        }
        // What was computed from it is computed from nothing.
        if let Statement::Alter(Alter::DropColumn { table, column, kept: false, .. }) = statement
            && let Some(Object::Table(o)) = from.get(&table.id()).map(|entry| &entry.object)
        {
            let computed = |own: &&Column| own.generated.as_ref().is_some_and(|text| text.reads(&column.name));
            let goes = |own: &&Column| {
                statements.iter().any(|other| {
                    matches!(other, Statement::Alter(Alter::DropColumn { table: of, column, .. }) if of == table && column.name == own.name)
                })
            };
            let all_of = o.columns.iter().filter(computed).filter(goes);
            let gone = all_of.map(|own| Gone::Was((*table).clone(), own.name.clone()));
            all.extend(gone);
        }
        let Statement::Alter(Alter::Backfill { table, set, .. }) = statement else { continue };
        let Some(Object::Table(o)) = from.get(&table.id()).map(|entry| &entry.object) else { continue };
        let was_there = |name: &str| o.columns.iter().any(|column| column.name == name);
        let columns = set.iter().filter(|(column, _)| was_there(column));
        all.extend(columns.map(|(column, _)| Gone::Nulls((*table).clone(), (*column).into())));
    }
    all
}
