//! The specs that ship, smaller than they say.

#![allow(missing_docs)]

use crate::spec::Made;
use specc_catalog::{Object, Rule};
use specc_diag::Sources;
use specc_model::{Model, Options};
use specc_size::{Sizes, Values};
use std::path::Path;

/// A spec with a part of its rows, and without checks: what is made up does not keep them.
pub fn made(name: &str, part: f64) -> Made {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../specs").join(name);
    let mut names: Vec<_> = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.retain(|path| path.extension().is_some_and(|end| end == "dbspec"));
    names.sort();
    let mut sources = Sources::new();
    let mut files = Vec::new();
    for path in names {
        let text = std::fs::read_to_string(&path).unwrap();
        let id = sources.add(path.file_name().unwrap().to_string_lossy(), text.as_str());
        files.push(specc_syntax::parse(id, &text).0);
    }
    let (model, _): (Model, _) = specc_model::analyze(files, &mut sources, Options::default());
    let mut catalog = specc_lower::lower(&model).0;
    catalog.retain(|_, entry| match &entry.object {
        Object::Constraint(constraint) => !matches!(constraint.rule, Rule::Check { .. } | Rule::Exclude { .. }),
        // Vectors take long to make.
        Object::Index(index) => index.method != "hnsw",
        _ => true,
    });
    let ids: Vec<_> = catalog.iter().map(|(id, _)| id.clone()).collect();
    for id in ids {
        if let Some(Object::Constraint(constraint)) = catalog.get_mut(&id).map(|entry| &mut entry.object) {
            // `on conflict` takes none that waits.
            (constraint.deferrable, constraint.initially_deferred) = (false, false);
        }
    }
    let mut sizes = Sizes::of(&model, &catalog, None);
    smaller(&mut sizes, part);
    Made { model, catalog, sizes }
}

/// Tables of few rows stay.
const FEW: u64 = 5_000;

fn smaller(sizes: &mut Sizes, part: f64) {
    let rows = |rows: u64| if rows <= FEW { rows } else { ((rows as f64 * part) as u64).max(FEW) };
    let of = sizes.clone();
    let ratio = |name: &specc_catalog::Qualified| {
        of.tables.get(name).map_or(1.0, |table| rows(table.rows) as f64 / table.rows.max(1) as f64)
    };
    for table in sizes.tables.values_mut() {
        let own = ratio(&table.name);
        table.rows = rows(table.rows);
        for column in &mut table.columns {
            let by = match &column.values {
                Values::Of { table, .. } => ratio(table),
                _ if column.distinct > 1_000 => own,
                _ => 1.0,
            };
            let there = (table.rows as f64 * (1.0 - column.nulls)) as u64;
            let most = if column.unique { there } else { (column.distinct as f64 * by) as u64 };
            column.distinct = most.min(there).max(column.shares.len() as u64).max(1);
        }
    }
}
