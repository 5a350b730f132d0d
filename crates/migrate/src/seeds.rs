//! The seeds of one environment as a file that can be run again and again.

use specc_catalog::{Catalog, MARK, Object, Seed};
use specc_sql::{Statement, print};
use std::fmt::Write as _;

/// The rows of environment `env` of `project`, in an order in which each finds the rows that it refers to. Rows that are
/// there already are left alone, so that a second run changes nothing.
pub fn seed_file(project: &str, env: &str, catalog: &Catalog, seeds: &[Seed]) -> String {
    let rows: usize = seeds.iter().map(|s| s.rows.len()).sum();
    let mut tables: Vec<_> = seeds.iter().map(|s| (&s.table.schema, &s.table.name)).collect();
    tables.sort_unstable();
    tables.dedup();
    let mut out = format!("-- Seed rows of {project} for the environment {env}: {rows} in {} tables.\n", tables.len());
    let _ = writeln!(out, "-- {MARK}");
    out.push_str("-- Rows that are there already stay as they are. Never run it in production.\n\nbegin;\n");
    for seed in seeds {
        let table = match catalog.get(&seed.table.id()).map(|entry| &entry.object) {
            Some(Object::Table(table)) => Some(&**table),
            _ => None,
        };
        let _ = writeln!(out);
        print(&Statement::InsertSeed { seed, table }, &mut out);
        if let Some(column) = &seed.restart {
            print(&Statement::AdvanceSequence { table: &seed.table, column }, &mut out);
        }
    }
    out.push_str("\ncommit;\n");
    out
}
