//! The sign-off matrix: each table, and how it stands in each area.

use crate::check::Area;
use crate::verdict::Verdict;
use crate::{Examined, look};
use specc_postgres::postgres::{self, Client};
use std::collections::{BTreeMap, BTreeSet};

/// How a table stands in an area.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell {
    /// All that asks for it looked, and found nothing about this table.
    Ready,
    /// Something was found about this table: so many findings.
    Open(usize),
    /// Nothing was found, and so many checks could not look.
    Unknown(usize),
    /// No check that decides it was run.
    Unasked,
}

/// Table by table.
#[derive(Clone, Debug, Default)]
pub struct Matrix {
    /// Each table as Postgres writes it, with a cell for each of [`Area::ALL`].
    pub rows: Vec<(String, [Cell; Area::ALL.len()])>,
}

/// The project's tables.
pub(crate) fn tables(client: &mut Client) -> Result<Vec<String>, postgres::Error> {
    let mut transaction = client.build_transaction().read_only(true).start()?;
    transaction.batch_execute("set local search_path to ''")?;
    let sql = format!(
        "select c.oid::regclass::text from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
         where c.relkind in ('r', 'p') and {} order by 1",
        look::mine()
    );
    let rows = transaction.query(&sql, &[])?;
    transaction.rollback()?;
    rows.iter().map(|row| row.try_get(0)).collect()
}

impl Matrix {
    pub(crate) fn of(tables: &[String], examined: &[Examined]) -> Self {
        let mut open: BTreeMap<(&str, Area), usize> = BTreeMap::new();
        let mut blind: BTreeMap<Area, usize> = BTreeMap::new();
        let asked: BTreeSet<Area> = examined.iter().filter_map(|one| one.check.area).collect();
        for one in examined {
            let Some(area) = one.check.area else { continue };
            for table in one.verdict.findings().iter().filter_map(|finding| finding.table.as_deref()) {
                *open.entry((table, area)).or_default() += 1;
            }
            if !matches!(one.verdict, Verdict::Ran) && !one.verdict.unseen().is_empty() {
                *blind.entry(area).or_default() += 1;
            }
        }
        let row = |table: &String| {
            let cell = |area: Area| match (open.get(&(table.as_str(), area)), blind.get(&area)) {
                (Some(count), _) => Cell::Open(*count),
                (None, Some(count)) => Cell::Unknown(*count),
                (None, None) if asked.contains(&area) => Cell::Ready,
                (None, None) => Cell::Unasked,
            };
            (table.clone(), Area::ALL.map(cell))
        };
        Self { rows: tables.iter().map(row).collect() }
    }
}
