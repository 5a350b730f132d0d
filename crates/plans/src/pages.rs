//! Files as long as they will be. The planner asks how many pages a table or an index has; nothing reads them where nothing
//! runs.

use crate::said;
use crate::told::Told;
use specc_postgres::{Database, Grown, postgres};
use specc_size::space::{self, Pages};
use specc_sql::quote::{ident, qualified};
use specc_verify::ScratchError;
use std::collections::BTreeMap;
use std::fmt::Write;

/// An index that is there.
struct Index {
    oid: u32,
    table: usize,
    method: String,
    /// Columns of its keys and those that ride along; empty for an expression.
    columns: Vec<String>,
    /// Which rows it has, as Postgres writes it.
    filter: Option<String>,
    path: String,
}

/// A table that is there.
struct Heap {
    oid: u32,
    /// Its place among those that are told of.
    at: usize,
    /// None where it is divided.
    path: Option<String>,
    pages: u64,
}

/// The tables that are there.
fn heaps(above: &mut postgres::Client, told: &[Told<'_>], names: &[String]) -> Result<Vec<Heap>, ScratchError> {
    let rows = above
        .query(
            "select n::int, c.oid, pg_catalog.pg_relation_filepath(c.oid), \
                    coalesce((select option_value::int from pg_catalog.pg_options_to_table(c.reloptions) \
                              where option_name = 'fillfactor'), 100) \
             from unnest($1::text[]) with ordinality as w (name, n) join pg_catalog.pg_class c on c.oid = w.name::regclass",
            &[&names],
        )
        .map_err(|error| said(&error))?;
    let heap = |row: postgres::Row| {
        let (nth, oid, path, fill): (i32, u32, Option<String>, i32) = (row.get(0), row.get(1), row.get(2), row.get(3));
        let one = &told[nth as usize - 1];
        let pages = if one.divided { 0 } else { space::heap_pages(one.table, one.rows, fill.max(10) as u64) };
        Heap { oid, at: nth as usize - 1, path, pages }
    };
    Ok(rows.into_iter().map(heap).collect())
}

fn names(told: &[Told<'_>]) -> Vec<String> {
    told.iter().map(|one| qualified(&one.name.schema, &one.name.name)).collect()
}

/// Says in `pg_class` how large the tables are.
///
/// # Errors
/// Where the server breaks.
pub fn say(database: &Database, told: &[Told<'_>]) -> Result<(), ScratchError> {
    let mut above = database.connect_superuser()?;
    let mut set = String::from("begin; set local allow_system_table_mods = on;\n");
    for Heap { oid, at, pages, .. } in heaps(&mut above, told, &names(told))? {
        write_size(&mut set, oid, told[at].rows, pages, pages);
    }
    set.push_str("commit;");
    above.batch_execute(&set).map_err(|error| said(&error))
}

/// Makes the files of tables and indexes as long as they will be. What filters keep is asked in `first`, where nothing else is
/// asked any more.
///
/// # Errors
/// Where the server or a file cannot be reached.
pub fn grow(first: &Database, database: &Database, told: &[Told<'_>]) -> Result<(), ScratchError> {
    let names = names(told);
    for one in [first, database] {
        let mut above = one.connect_superuser()?;
        let heaps = heaps(&mut above, told, &names)?;
        let file = |heap: Heap| Some(Grown { path: heap.path?, pages: heap.pages, height: None });
        one.grow(&heaps.into_iter().filter_map(file).collect::<Vec<_>>())?;
    }
    let mut above = database.connect_superuser()?;
    let indexes = indexes(&mut above, &names).map_err(|error| said(&error))?;
    let parts = parts(first, told, &indexes)?;
    let mut files = Vec::new();
    let mut set = String::from("begin; set local allow_system_table_mods = on;\n");
    for index in &indexes {
        let one = &told[index.table];
        let part = index.filter.as_ref().and_then(|filter| parts.get(&(index.table, filter.clone())));
        let rows = (one.rows as f64 * part.copied().unwrap_or(1.0)).ceil() as u64;
        let Pages { pages, height } = index_pages(one, index, rows);
        write_size(&mut set, index.oid, rows, pages, 0);
        let height = Some(height).filter(|_| index.method == "btree");
        files.push(Grown { path: index.path.clone(), pages, height });
    }
    // A page that is written past the server has no checksum.
    let _ = writeln!(set, "alter database {} set ignore_checksum_failure = on;", ident(database.name()));
    set.push_str("commit;");
    above.batch_execute(&set).map_err(|error| said(&error))?;
    Ok(database.grow(&files)?)
}

fn write_size(out: &mut String, oid: u32, rows: u64, pages: u64, visible: u64) {
    let _ = writeln!(
        out,
        "update pg_catalog.pg_class set reltuples = {rows}, relpages = {pages}, relallvisible = {visible} where oid = {oid};"
    );
}

fn indexes(above: &mut postgres::Client, names: &[String]) -> Result<Vec<Index>, postgres::Error> {
    let rows = above.query(
        "select c.oid, n::int, m.amname::text, pg_catalog.pg_get_expr(i.indpred, i.indrelid), \
                coalesce(pg_catalog.pg_relation_filepath(c.oid), ''), \
                array(select a.attname::text from unnest(i.indkey) with ordinality as k (attnum, at) \
                      join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum order by k.at) \
         from unnest($1::text[]) with ordinality as w (name, n) \
         join pg_catalog.pg_index i on i.indrelid = w.name::regclass join pg_catalog.pg_class c on c.oid = i.indexrelid \
         join pg_catalog.pg_am m on m.oid = c.relam order by c.oid",
        &[&names],
    )?;
    let index = |row: postgres::Row| Index {
        oid: row.get(0),
        table: row.get::<_, i32>(1) as usize - 1,
        method: row.get(2),
        filter: row.get(3),
        path: row.get(4),
        columns: row.get(5),
    };
    Ok(rows.into_iter().map(index).filter(|index| !index.path.is_empty()).collect())
}

/// The part of the rows of a table that a filter keeps, as the planner has it: it knows the columns by now.
fn parts(
    database: &Database,
    told: &[Told<'_>],
    indexes: &[Index],
) -> Result<BTreeMap<(usize, String), f64>, ScratchError> {
    let mut owner = crate::owner(database)?;
    let mut parts = BTreeMap::new();
    // Policies would narrow it further.
    let _ = owner.batch_execute("set row_security = on");
    for index in indexes {
        let Some(filter) = &index.filter else { continue };
        let one = &told[index.table];
        if one.rows == 0 || parts.contains_key(&(index.table, filter.clone())) {
            continue;
        }
        let table = qualified(&one.name.schema, &one.name.name);
        let query = format!("explain (format json) select from {table} where {filter}");
        let found =
            crate::asked(crate::explain::explained(&mut owner, &query), || format!("planning `where {filter}`"))?;
        if let Some(rows) = found.and_then(|plan| crate::plan::read(&plan)).map(|plan| plan.rows) {
            parts.insert((index.table, filter.clone()), (rows / one.rows as f64).clamp(0.0, 1.0));
        }
    }
    Ok(parts)
}

fn index_pages(one: &Told<'_>, index: &Index, rows: u64) -> Pages {
    let columns: Vec<_> = index.columns.iter().filter_map(|name| one.table.column(name)).collect();
    let key: u32 = columns.iter().map(|column| column.width.min(1_000)).sum::<u32>().max(8);
    let distinct = columns.iter().fold(1f64, |all, column| (all * column.distinct as f64).min(rows as f64));
    let distinct = if columns.is_empty() { rows } else { distinct as u64 };
    let ordered = columns.first().is_some_and(|column| {
        column.correlation == Some(1.0) || column.unique && matches!(column.values, specc_size::Values::Words)
    });
    space::index_pages(&index.method, rows, key, distinct, ordered)
}
