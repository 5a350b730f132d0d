//! `specc seed`

use super::database::{Place, broken, failure, summary, tell};
use crate::args::{Format, Seed};
use crate::pipeline::{self, Compilation};
use crate::project::Project;
use crate::report::{FINDINGS, Failure, plural};
use smol_str::SmolStr;
use specc_catalog::TableName;
use specc_model::{Entity, Model, Workflow};
use specc_rows::{Asked, Skew, Wish};
use specc_runner::{LoadOptions, Production};
use specc_size::{Sizes, Table, Values};
use specc_sql::quote::{ident, literal};
use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;

/// Adds the rows of an environment, and fills entities up.
pub fn run(args: &Seed, format: Format) -> Result<ExitCode, Failure> {
    let place = Place::open(&args.place, &args.connection)?;
    let file = args.environment.as_ref().map(|environment| place.seed(environment)).transpose()?;
    let fills = args.size.is_some() || !args.rows.is_empty();
    if file.is_none() && !fills {
        return Err(Failure::broken(
            "nothing says which rows: name an environment of the seeds, or `--size`, or `--rows ENTITY=ROWS`"
                .to_owned(),
        ));
    }
    let compilation = fills.then(|| pipeline::compile(Project::open(&args.place.project)?, false)).transpose()?;
    let tables = compilation.as_ref().map(|compilation| tables(compilation, args)).transpose()?;
    let mut session = place.connect().map_err(broken)?;
    let production = match place.production() {
        Some(production) => Some(production),
        None => specc_runner::production(&mut session).map_err(failure)?,
    };
    if let Some(Production(why)) = production {
        return Err(Failure::Refused(
            None,
            format!(
                "this database is production ({why}): its rows come from `specc apply` and from its users\n  help: nothing was changed"
            ),
        ));
    }
    if let Some(file) = &file {
        specc_runner::seed(&mut session, &file.path, &file.text, &tell).map_err(failure)?;
    }
    let mut loaded = Vec::new();
    if let (Some(compilation), Some(tables)) = (&compilation, tables) {
        let options = LoadOptions { tables, production: None };
        loaded = specc_runner::load(&mut session, &compilation.catalog, &options, &tell).map_err(failure)?;
    }
    let added: u64 = loaded.iter().map(|one| one.added).sum();
    let seeded = file.as_ref().map(|file| format!("the rows of {}", file.path));
    let filled = fills
        .then(|| format!("{added} rows in {}", plural(loaded.iter().filter(|one| one.added > 0).count(), "table")));
    let words: Vec<String> = seeded.into_iter().chain(filled).collect();
    let json = serde_json::json!({ "seed": file.as_ref().map(|file| &file.path), "tables": loaded });
    summary(format, &json, &format!("{}: {}", place.address, words.join(", ")));
    let short = loaded.iter().any(|one| one.why.is_some());
    Ok(if short { ExitCode::from(FINDINGS) } else { ExitCode::SUCCESS })
}

/// What is asked of each table.
fn tables(compilation: &Compilation, args: &Seed) -> Result<BTreeMap<TableName, Asked>, Failure> {
    let model = &compilation.model;
    let env = args.environment.as_deref();
    let sizes = Sizes::of(model, &compilation.catalog, env);
    let mut all = BTreeMap::new();
    if let Some(scale) = args.size {
        // Tables of others that rows refer to have as many as that takes.
        let outside = model.entities.iter().filter(|entity| entity.external && !entity.incoming.is_empty());
        for entity in outside.filter(|entity| entity.name.schema == "auth") {
            let rows = model.rows_of(env, entity.id);
            all.insert(table_name(entity), Asked { rows: scaled(rows, scale), ..Asked::default() });
        }
        for entity in model.entities.iter().filter(|entity| !entity.external) {
            let Some(size) = sizes.table(&entity.name.schema, &entity.name.name) else { continue };
            all.insert(
                table_name(entity),
                Asked { rows: scaled(size.rows, scale), ..sized(model, env, entity, size, scale) },
            );
        }
    }
    for (name, rows) in &args.rows {
        let entity = model.entity(super::why::entity(model, name)?);
        let asked = match sizes.table(&entity.name.schema, &entity.name.name) {
            Some(size) => sized(model, env, entity, size, *rows as f64 / size.rows.max(1) as f64),
            None => likely(entity),
        };
        all.insert(table_name(entity), Asked { rows: *rows, ..asked });
    }
    Ok(all)
}

fn table_name(entity: &Entity) -> TableName {
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
        for (state, conditions) in needs {
            let is = literal(&state);
            let column = ident(field);
            asked.conditions.extend(conditions.iter().map(|when| format!("{column} <> {is} or ({when})")));
        }
    }
    asked
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
    needs.retain(|_, conditions| !conditions.is_empty());
    (reached, needs)
}
