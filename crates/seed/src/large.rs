//! How many rows each table is to have, and what they are like: from the sizes that the spec declares, and from what else it says of
//! rows, as the ways into a state.

use smol_str::SmolStr;
use specc_analysis::checks::{Formula, Sort, conditions};
use specc_catalog::{Catalog, TableName};
use specc_model::{Entity, EntityId, Model, SeedRow, SeedValue, Workflow};
use specc_rows::{Asked, Skew, Wish};
use specc_size::{Sizes, Table, Values};
use specc_sql::quote::{ident, literal};
use std::collections::{BTreeMap, BTreeSet};

/// What is asked of each table: all of them at their sizes times `scale`, or as many rows as `rows` says. `env` may have sizes of
/// its own.
pub fn asked(
    model: &Model,
    catalog: &Catalog,
    env: Option<&str>,
    scale: Option<f64>,
    rows: &[(EntityId, u64)],
) -> BTreeMap<TableName, Asked> {
    let sizes = Sizes::of(model, catalog, env);
    let mut all = BTreeMap::new();
    if let Some(scale) = scale {
        // Users are the platform's: there are as many as rows that refer to them take.
        let referred = |entity: &&Entity| {
            entity.external && entity.incoming.iter().any(|id| !model.entity(model.relation(*id).from).external)
        };
        let users = model.entities.iter().filter(referred);
        for entity in users.filter(|entity| entity.name.schema == "auth") {
            let rows = model.rows_of(env, entity.id);
            all.insert(table_of(entity), Asked { rows: scaled(rows, scale), ..Asked::default() });
        }
        for entity in model.entities.iter().filter(|entity| !entity.external) {
            let Some(size) = sizes.table(&entity.name.schema, &entity.name.name) else { continue };
            let asked = sized(model, env, entity, size, scale);
            all.insert(table_of(entity), Asked { rows: scaled(size.rows, scale), ..asked });
        }
    }
    for row in model.seeds.iter().filter(|set| Some(&*set.env) == env).flat_map(|set| &set.rows).filter(|row| row.large)
    {
        let entity = model.entity(row.entity);
        let size = sizes.table(&entity.name.schema, &entity.name.name);
        let asked = all.entry(table_of(entity)).or_insert_with(|| match size {
            Some(size) => Asked { rows: 0, ..sized(model, env, entity, size, 1.0) },
            None => likely(entity),
        });
        asked.rows += u64::from(row.count.unwrap_or(1));
        written(entity, row, asked);
    }
    for (id, rows) in rows {
        let entity = model.entity(*id);
        let asked = match sizes.table(&entity.name.schema, &entity.name.name) {
            Some(size) => sized(model, env, entity, size, *rows as f64 / size.rows.max(1) as f64),
            None => likely(entity),
        };
        all.insert(table_of(entity), Asked { rows: *rows, ..asked });
    }
    all
}

/// What a line of a seed says of its rows.
fn written(entity: &Entity, row: &SeedRow, asked: &mut Asked) {
    for (field, value) in &row.fields {
        let name = &entity.fields[*field].name;
        let column = ident(name);
        let wish = asked.columns.entry(name.clone()).or_default();
        wish.nulls = Some(0.0);
        match value {
            SeedValue::Fake(kind) => wish.about = Some(kind.clone()),
            SeedValue::Between(low, high) => {
                asked.conditions.push(format!("{column} between {} and {}", low.text, high.text))
            }
            SeedValue::OneOf(list) => {
                let list: Vec<&str> = list.iter().map(|one| one.text.as_str()).collect();
                asked.conditions.push(format!("{column} in ({})", list.join(", ")));
            }
            SeedValue::Expr(expr) if expr.text.eq_ignore_ascii_case("null") => wish.nulls = Some(1.0),
            SeedValue::Expr(expr) => asked.conditions.push(format!("{column} = {}", expr.text)),
            SeedValue::Any(_) | SeedValue::Label { .. } => {}
        }
    }
}

/// The table of an entity.
pub fn table_of(entity: &Entity) -> TableName {
    TableName::new(entity.name.schema.clone(), entity.name.name.clone())
}

fn scaled(rows: u64, scale: f64) -> u64 {
    ((rows as f64 * scale).round() as u64).max(1)
}

fn skew(of: specc_size::Skew) -> Skew {
    match of {
        specc_size::Skew::Uniform => Skew::Uniform,
        specc_size::Skew::Zipf(power) => Skew::Zipf(power),
    }
}

/// The same, and what its size says of its columns; where there are fewer rows, there are fewer values.
fn sized(model: &Model, env: Option<&str>, entity: &Entity, size: &Table, scale: f64) -> Asked {
    let mut asked = likely(entity);
    for column in &size.columns {
        let said = entity.field(&column.name).and_then(|field| model.sized_column(env, entity.id, field));
        let wish = asked.columns.entry(column.name.clone()).or_default();
        wish.nulls = Some(column.nulls);
        wish.grows = column.correlation.map(|correlation| correlation > 0.5);
        let refers = matches!(column.values, Values::Of { .. });
        if refers {
            asked.references.insert(vec![column.name.clone()], skew(column.skew));
        }
        let Some(said) = said else { continue };
        if let Some(distinct) = said.distinct.filter(|_| !refers) {
            let values = (distinct as f64 * scale.min(1.0)).ceil() as u64;
            wish.values = Some((values.max(1), skew(column.skew)));
        }
        if !said.shares.is_empty() {
            let there = (1.0 - column.nulls).max(1e-9);
            wish.shares = said.shares.iter().map(|(value, part)| (value.clone(), part / there)).collect();
        }
        wish.width = said.width.map(u64::from);
        if let Some((low, high)) = &said.between {
            asked.conditions.push(format!("{} between {} and {}", ident(&column.name), low.text, high.text));
        }
    }
    asked
}

/// What an entity says of its rows beside its checks: that they exist, and how they came into their states.
fn likely(entity: &Entity) -> Asked {
    let mut asked = Asked::default();
    if let Some(visible) = &entity.visible {
        asked.conditions.push(visible.text.to_string());
    }
    for workflow in &entity.workflows {
        let field = &entity.fields[workflow.field].name;
        let (reached, needs) = history(workflow);
        let shares = reached.iter().map(|state| (state.clone(), 1.0 / reached.len() as f64)).collect();
        asked.columns.insert(field.clone(), Wish { shares, ..Wish::default() });
        let column = ident(field);
        for state in &reached {
            let held = needs.get(state).cloned().unwrap_or_default();
            let is = literal(state);
            asked.conditions.extend(held.iter().map(|when| format!("{column} <> {is} or ({when})")));
            // What a later state asks to be there is not there yet.
            let ahead = needs.iter().filter(|(other, _)| *other != state && leads(workflow, state, other));
            let ahead: BTreeSet<&SmolStr> =
                ahead.flat_map(|(_, held)| held).filter(|when| !held.contains(*when)).collect();
            for condition in ahead.into_iter().flat_map(|when| conditions(when, &|_| Sort::Other)) {
                if let Ok(Formula::Not(inner)) = condition
                    && let Formula::IsNull(missing) = *inner
                {
                    asked.conditions.push(format!("{column} <> {is} or {} is null", ident(&missing)));
                }
            }
        }
    }
    asked
}

/// Whether steps lead from one state to another.
fn leads(workflow: &Workflow, from: &SmolStr, to: &SmolStr) -> bool {
    let (mut seen, mut open) = (BTreeSet::from([from]), vec![from]);
    while let Some(state) = open.pop() {
        for step in workflow.steps.iter().filter(|step| step.from == *state) {
            if step.to == *to {
                return true;
            }
            if seen.insert(&step.to) {
                open.push(&step.to);
            }
        }
    }
    false
}

/// The states that a row can be in, and for each what held on every way to it when it was entered.
fn history(workflow: &Workflow) -> (Vec<SmolStr>, BTreeMap<SmolStr, BTreeSet<SmolStr>>) {
    let first: Vec<&SmolStr> = match workflow.initial.as_slice() {
        [] => workflow.states.iter().collect(),
        some => some.iter().collect(),
    };
    let mut needs: BTreeMap<SmolStr, BTreeSet<SmolStr>> =
        first.into_iter().map(|state| (state.clone(), BTreeSet::new())).collect();
    // A later way can only take conditions away, so this ends.
    loop {
        let mut changed = false;
        for step in &workflow.steps {
            let Some(mut held) = needs.get(&step.from).cloned() else { continue };
            held.extend(step.when.iter().map(|when| when.text.clone()));
            match needs.get_mut(&step.to) {
                Some(known) => {
                    let before = known.len();
                    known.retain(|one| held.contains(one));
                    changed |= known.len() != before;
                }
                None => {
                    needs.insert(step.to.clone(), held);
                    changed = true;
                }
            }
        }
        if !changed {
            break;
        }
    }
    let reached = workflow.states.iter().filter(|state| needs.contains_key(*state)).cloned().collect();
    (reached, needs)
}
