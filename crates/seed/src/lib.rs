//! Seed rows to idempotent SQL, kept stable from run to run.
//!
//! [`generate`] decides every value of an environment's rows and puts the rows in an order in which they can be
//! inserted. Keys, made-up texts and choices are hashes of names, so that a row keeps its key and its values when other
//! rows come and go: `base` is computed alone, a labelled row depends on its label only, a generated row on its number
//! among the unlabelled rows of its table.

mod between;
mod changes;
mod filter;
pub mod large;
mod order;
mod plan;
mod told;
mod values;

#[cfg(test)]
mod tests;

pub use changes::refused;
pub use told::Told;

use plan::{Plan, Row, single};
use smol_str::SmolStr;
use specc_catalog::{Seed, SqlExpr, TableName};
use std::ops::Range;

use specc_diag::Span;
use specc_model::{Entity, EntityId, Expr, FieldIx, Model};

/// The environment whose rows every other has too.
pub const BASE: &str = "base";

/// The rows of environment `env`, without those of `base` unless that is the one asked for. Blocks are in insertion order.
/// Rows of `base` are kept as the spec says (`update`), where the author says which ones they are; those whose numbers
/// are made up here, and those of another environment, are left alone once they are there.
pub fn generate(model: &Model, env: &str) -> Vec<Seed> {
    let mut plan = Plan::new(model);
    if env != BASE {
        for set in model.seeds.iter().filter(|set| set.env == BASE) {
            plan.add(set);
        }
    }
    let first = plan.rows.len();
    let Some(set) = model.seeds.iter().find(|set| set.env == env) else {
        return Vec::new();
    };
    let entities = plan.add(set);
    blocks(&plan, first..plan.rows.len(), &entities, env == BASE)
}

/// The rows of `base` as [`generate`] gives them, and where the spec says each.
pub fn base(model: &Model) -> Vec<(Seed, Vec<Span>)> {
    let mut plan = Plan::new(model);
    let Some(set) = model.seeds.iter().find(|set| set.env == BASE) else { return Vec::new() };
    let entities = plan.add(set);
    placed(&plan, 0..plan.rows.len(), &entities, true)
}

/// The rows of a range as blocks in insertion order; kept as the spec says where `kept`.
fn blocks(plan: &Plan<'_>, rows: Range<usize>, entities: &[EntityId], kept: bool) -> Vec<Seed> {
    placed(plan, rows, entities, kept).into_iter().map(|(seed, _)| seed).collect()
}

/// The same, with the places of the rows.
fn placed(plan: &Plan<'_>, rows: Range<usize>, entities: &[EntityId], kept: bool) -> Vec<(Seed, Vec<Span>)> {
    let mut seeds: Vec<(Seed, Vec<Span>)> = Vec::new();
    let mut last: Option<&Row<'_>> = None;
    // Rows of the block that is being made whose keys only the database knows.
    let mut open: Vec<usize> = Vec::new();
    for at in order::rows(&plan.rows, rows, entities) {
        let row = &plan.rows[at];
        let Some(values) = &row.values else { continue };
        let update = kept && !plan.has_made_up_number(at);
        let same = |last: &Row<'_>| last.entity == row.entity && same_columns(last, row);
        let merge = last.is_some_and(same)
            && seeds.last().is_some_and(|(seed, _)| seed.update == update)
            && !row.needs.iter().any(|need| open.contains(need));
        if !merge {
            let order = seeds.len() as u32;
            seeds.push((block(plan.model.entity(row.entity), values, order, update), Vec::new()));
            open.clear();
        }
        if row.auto_key.is_none() {
            open.push(at);
        }
        if let Some((seed, spans)) = seeds.last_mut() {
            spans.push(row.source.span);
            seed.rows.push(values.iter().map(|(_, value)| SqlExpr::new(value.clone())).collect());
        }
        last = Some(row);
    }
    seeds
}

fn same_columns(a: &Row<'_>, b: &Row<'_>) -> bool {
    let columns = |row: &Row<'_>| row.values.iter().flatten().map(|(field, _)| *field).collect::<Vec<_>>();
    columns(a) == columns(b)
}

/// A block without rows yet.
fn block(entity: &Entity, values: &[(FieldIx, SmolStr)], order: u32, update: bool) -> Seed {
    let names = |fields: &[FieldIx]| fields.iter().map(|f| entity.fields[*f].name.clone()).collect::<Vec<_>>();
    let columns: Vec<FieldIx> = values.iter().map(|(field, _)| *field).collect();
    Seed {
        table: TableName::new(entity.name.schema.clone(), entity.name.name.clone()),
        order,
        columns: names(&columns),
        key: names(&conflict_key(entity, &columns)),
        rows: Vec::new(),
        update,
        restart: sequence_column(entity, &columns).map(|field| entity.fields[field].name.clone()),
    }
}

/// The columns by which a row that is there already is found: the key where the rows give all of it, else a unique
/// constraint that they give, else the key all the same.
fn conflict_key(entity: &Entity, columns: &[FieldIx]) -> Vec<FieldIx> {
    let is_key = |name: &str| entity.key.as_ref().is_some_and(|key| key.name == name);
    let sets = entity.unique_sets().filter(|set| set.is_constraint && (!set.deferrable || is_key(set.name)));
    let candidates: Vec<Vec<FieldIx>> = sets.filter_map(|set| set.fields).collect();
    let given = candidates.iter().find(|fields| fields.iter().all(|field| columns.contains(field)));
    given.or(candidates.first()).cloned().unwrap_or_default()
}

/// The key column that a sequence fills and the rows give all the same.
fn sequence_column(entity: &Entity, columns: &[FieldIx]) -> Option<FieldIx> {
    let field = single(&entity.key.as_ref()?.fields).filter(|field| columns.contains(field))?;
    is_counted(entity, field).then_some(field)
}

/// Whether a sequence fills a column.
fn is_counted(entity: &Entity, field: FieldIx) -> bool {
    let column = &entity.fields[field];
    let counts = |default: &Expr| default.text.trim_start().to_ascii_lowercase().starts_with("nextval(");
    column.identity.is_some() || column.default.as_deref().is_some_and(counts)
}

/// The SQL of an expression of a seed, which knows no viewer and no path.
pub(crate) fn sql(expr: &Expr) -> SmolStr {
    specc_model::formula::print(&expr.formula, &mut specc_model::formula::Plain).into()
}
