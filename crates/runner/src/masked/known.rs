//! What the spec says of the columns that a dump has. Of what it does not know nobody can say that it is not a person's.

use super::SpecColumn;
use crate::{Error, Refused};
use specc_catalog::ROLLED;
use specc_postgres::Session;

type Table = (String, String);

/// The schemas of a run's own journal, in which no row is of the project.
const JOURNALS: [&str; 3] = ["specc", "specc_restore", "supabase_migrations"];

/// Columns that a table has from another: of a partition, of an heir, and of a partition that the calendar took away and marked
/// by a comment. The owner is the same, so that nobody else's table gets another's good name.
const HANDED_ON: &str = "\
handed_on (a, an, b, bn) as ( \
  select k.above, p.attnum, k.below, c.attnum from ( \
    select inhparent as above, inhrelid as below from pg_inherits \
    union all select w.oid, m.oid from pg_description d \
      join pg_class m on m.oid = d.objoid and m.relkind = 'r' and not m.relispartition \
      join pg_class w on w.relkind = 'p' and w.relowner = m.relowner join pg_namespace n on n.oid = w.relnamespace \
      where d.classoid = 'pg_class'::regclass and d.objsubid = 0 and starts_with(d.description, {mark}) and left(d.description, -33) in ( \
        select {mark} || n.nspname || '.' || w.relname || '.' \
        union all select obj_description(i.inhrelid, 'pg_class') from pg_inherits i where i.inhparent = w.oid) \
  ) k join pg_attribute p on p.attrelid = k.above and p.attnum > 0 and not p.attisdropped \
  join pg_attribute c on c.attrelid = k.below and c.attname = p.attname \
)";

pub(super) fn handed_on() -> String {
    HANDED_ON.replace("{mark}", &specc_sql::quote::literal(ROLLED))
}

/// A column of a table whose rows are in the dump.
pub(super) struct Column {
    pub(super) table: Table,
    pub(super) name: String,
    /// Of the primary key.
    pub(super) key: bool,
}

/// Every column of these tables, which the spec has to know.
pub(super) fn columns(session: &mut Session, spec: &[SpecColumn], tables: &[Table]) -> Result<Vec<Column>, Error> {
    let query = format!(
        "with recursive {}, known (oid, num) as ( \
           select a.attrelid, a.attnum from unnest($1::text[], $2::text[], $3::text[]) w (s, t, c) \
             join pg_namespace n on n.nspname = w.s join pg_class r on r.relnamespace = n.oid and r.relname = w.t \
             join pg_attribute a on a.attrelid = r.oid and a.attname = w.c and a.attnum > 0 and not a.attisdropped \
           union select h.b, h.bn from known k join handed_on h on (h.a, h.an) = (k.oid, k.num) \
         ) \
         select n.nspname::text, r.relname::text, a.attname::text, exists (select from known k where (k.oid, k.num) = (a.attrelid, a.attnum)), \
           exists (select from pg_index i where i.indrelid = r.oid and i.indisprimary and a.attnum = any (i.indkey)) \
         from unnest($4::text[], $5::text[]) w (s, t) join pg_namespace n on n.nspname = w.s \
         join pg_class r on r.relnamespace = n.oid and r.relname = w.t \
         join pg_attribute a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped order by 1, 2, a.attnum",
        handed_on()
    );
    let own: Vec<&Table> = tables.iter().filter(|(schema, _)| !JOURNALS.contains(&schema.as_str())).collect();
    let (schemas, names): (Vec<&str>, Vec<&str>) =
        own.iter().map(|(schema, name)| (schema.as_str(), name.as_str())).unzip();
    let part = |of: fn(&SpecColumn) -> &str| -> Vec<&str> { spec.iter().map(of).collect() };
    let (of_schema, of_table, of_column) = (part(|c| &c.schema), part(|c| &c.table), part(|c| &c.column));
    let rows = session.query(&query, &[&of_schema, &of_table, &of_column, &schemas, &names])?;
    let mut found = Vec::with_capacity(rows.len());
    let mut strange: Vec<(Table, Vec<String>, bool)> = Vec::new();
    for row in &rows {
        let (table, name, known): (Table, String, bool) = ((row.get(0), row.get(1)), row.get(2), row.get(3));
        if strange.last().is_none_or(|(last, ..)| *last != table) {
            strange.push((table.clone(), Vec::new(), false));
        }
        if let Some((_, unknown, some)) = strange.last_mut() {
            *some |= known;
            unknown.extend((!known).then(|| name.clone()));
        }
        found.push(Column { table, name, key: row.get(4) });
    }
    strange.retain(|(_, unknown, _)| !unknown.is_empty());
    if strange.is_empty() {
        return Ok(found);
    }
    let said = |((schema, table), unknown, some): &(Table, Vec<String>, bool)| match some {
        true => format!("{schema}.{table} ({})", unknown.join(", ")),
        false => format!("{schema}.{table}"),
    };
    let list: Vec<String> = strange.iter().map(said).collect();
    Err(Refused::new(format!(
        "the spec does not say what is in these tables and columns, so what they hold of a person would stay as it is: {}",
        list.join(", ")
    ))
    .help(
        "apply migrations that wait, or write them into the spec (`external entity` where others make them); \
         `--table` backs up others alone; nothing was written",
    )
    .into())
}

/// Tables of extensions whose rows `pg_dump` takes for settings.
pub(super) fn of_extensions(session: &mut Session, without: &[String]) -> Result<Vec<Table>, Error> {
    let rows = session.query(
        "select n.nspname::text, c.relname::text from pg_extension e cross join unnest(e.extconfig) k (oid) \
         join pg_class c on c.oid = k.oid and c.relkind in ('r', 'p') join pg_namespace n on n.oid = c.relnamespace \
         where n.nspname <> all ($1) order by 1, 2",
        &[&without],
    )?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}
