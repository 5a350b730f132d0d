//! What is in tables, in few bytes, whatever the order of rows and columns.

use specc_postgres::Session;
use specc_postgres::postgres;
use specc_sql::quote::{ident, literal, qualified};
use std::collections::BTreeMap;

/// By table: how many rows, and a sum over all of them.
pub(crate) type Sums = BTreeMap<String, (i64, String)>;

const COLUMNS: &str = "\
select n.nspname::text, c.relname::text, \
  array_agg(a.attname::text order by a.attname) filter (where a.attgenerated <> 'v') \
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace \
join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped \
where c.relkind = 'r' and c.relpersistence <> 't' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema' \
group by 1, 2";

/// Sums up all tables. Columns and tables of which `lost` knows are left out: `None` asks for the table as a whole.
///
/// # Errors
/// Where the server refuses a query.
pub(crate) fn sums(session: &mut Session, lost: impl Fn(&str, Option<&str>) -> bool) -> Result<Sums, postgres::Error> {
    let mut parts = Vec::new();
    for row in session.query(COLUMNS, &[])? {
        let (schema, name): (&str, &str) = (row.get(0), row.get(1));
        let columns: Vec<String> = row.get::<_, Option<Vec<String>>>(2).unwrap_or_default();
        let table = format!("{schema}.{name}");
        if lost(&table, None) {
            continue;
        }
        let kept: Vec<String> = columns
            .iter()
            .filter(|column| !lost(&table, Some(column)))
            .map(|column| format!("\"specc row\".{}", ident(column)))
            .collect();
        let sum = if kept.is_empty() {
            "'0'".to_owned()
        } else {
            // Not those of the same names that the spec may have.
            format!(
                "coalesce(pg_catalog.sum(pg_catalog.hashtextextended(row({})::text, 0::bigint)::numeric), 0)::text",
                kept.join(", ")
            )
        };
        parts.push(format!(
            "select {}::text, pg_catalog.count(*), {sum} from only {} as \"specc row\"",
            literal(&table),
            qualified(schema, name)
        ));
    }
    let mut sums = Sums::new();
    // Not all at once: a query of a thousand parts is slow to plan.
    for chunk in parts.chunks(50) {
        for row in session.query(&chunk.join("\nunion all\n"), &[])? {
            sums.insert(row.get(0), (row.get(1), row.get(2)));
        }
    }
    Ok(sums)
}

/// By table a number for each row.
pub(crate) type Rows = BTreeMap<String, Vec<i64>>;

/// Each row of all tables that are not left out, as [`sums`] does it.
///
/// # Errors
/// Where the server refuses a query.
pub(crate) fn rows(session: &mut Session, lost: impl Fn(&str, Option<&str>) -> bool) -> Result<Rows, postgres::Error> {
    let mut all = Rows::new();
    for row in session.query(COLUMNS, &[])? {
        let (schema, name): (&str, &str) = (row.get(0), row.get(1));
        let columns: Vec<String> = row.get::<_, Option<Vec<String>>>(2).unwrap_or_default();
        let table = format!("{schema}.{name}");
        if lost(&table, None) {
            continue;
        }
        let kept = columns.iter().filter(|column| !lost(&table, Some(column)));
        let kept: Vec<String> = kept.map(|column| format!("\"specc row\".{}", ident(column))).collect();
        let query = format!(
            "select pg_catalog.hashtextextended(row({})::text, 0::bigint) from only {} as \"specc row\"",
            kept.join(", "),
            qualified(schema, name)
        );
        let found = session.query(&query, &[])?.iter().map(|row| row.get(0)).collect();
        all.insert(table, found);
    }
    Ok(all)
}

/// What one has and the other has not, in words.
pub(crate) fn compare(before: &Sums, after: &Sums) -> Vec<String> {
    let mut wrong = Vec::new();
    for (table, was) in before {
        match after.get(table) {
            None if was.0 == 0 => {}
            None => wrong.push(format!("{table} had {} rows and is gone", was.0)),
            Some(now) if now.0 != was.0 => wrong.push(format!("{table} had {} rows and has {}", was.0, now.0)),
            Some(now) if now.1 != was.1 => wrong.push(format!("the {} rows of {table} are not the same", was.0)),
            Some(_) => {}
        }
    }
    wrong
}
