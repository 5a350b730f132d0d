//! What is in tables, in few bytes: how many rows, and a sum over all of them that no order changes.

use crate::manifest::{SequenceState, TableState};
use crate::reset::table;
use specc_postgres::{Session, postgres};

/// So that the same values have the same text wherever they are.
pub(crate) const CANONICAL: &str = "\
set local datestyle = 'ISO, YMD'; set local timezone = 'UTC'; set local intervalstyle = 'postgres'; \
set local extra_float_digits = 1; set local bytea_output = 'hex'; set local xmloption = 'content'; \
set local search_path = ''; set local row_security = off; set local statement_timeout = 0";

/// Rows and sum of one table; what stands in its partitions is theirs.
pub(crate) fn of(session: &mut Session, schema: &str, name: &str) -> Result<TableState, postgres::Error> {
    // The name of the whole row must not be that of a column.
    let query = format!(
        "select count(*), coalesce(sum(hashtextextended((\"specc whole row\".*)::text, 0)::numeric), 0)::text \
         from only {} as \"specc whole row\"",
        table(schema, name)
    );
    let row = session.query_one(&query, &[])?;
    Ok(TableState { schema: schema.to_owned(), name: name.to_owned(), rows: row.get(0), fingerprint: Some(row.get(1)) })
}

/// The tables with rows of their own, but for those of extensions, in the order of their names.
pub(crate) fn tables(session: &mut Session, without: &[String]) -> Result<Vec<(String, String)>, postgres::Error> {
    let rows = session.query(
        "select n.nspname::text, c.relname::text from pg_class c join pg_namespace n on n.oid = c.relnamespace \
         where c.relkind = 'r' and c.relpersistence <> 't' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema' \
           and n.nspname <> all ($1) \
           and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e') \
         order by 1, 2",
        &[&without],
    )?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// Where sequences stand; those that count down with the other sign, so that later is always more.
pub(crate) fn sequences(session: &mut Session, without: &[String]) -> Result<Vec<SequenceState>, postgres::Error> {
    let rows = session.query(
        "select schemaname::text, sequencename::text, last_value * sign(increment_by)::int8 from pg_sequences \
         where schemaname !~ '^pg_' and schemaname <> all ($1) order by 1, 2",
        &[&without],
    )?;
    let state = |row: &postgres::Row| SequenceState { schema: row.get(0), name: row.get(1), last_value: row.get(2) };
    Ok(rows.iter().map(state).collect())
}
