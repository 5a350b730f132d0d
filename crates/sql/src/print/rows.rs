//! What looks at the rows of a table, or fills them.

use super::{has_equality, table_name};
use crate::quote::{dollar, ident, literal, qualified};
use crate::refuse::{Misfit, Refuse};
use specc_catalog::{Column, Table, TableName, conventional_name};

/// Triggers are for what users write: the time of the last change and audits are not a backfill's to touch. Who may not
/// say so fills with them, and so does what others count: their values follow the rows. Rows that a policy hides are rows
/// too: whoever cannot see them is refused.
pub(super) fn quiet(indent: &str, counted: bool) -> String {
    if counted {
        return format!("{indent}{SEES_ALL}\n");
    }
    let lines = [
        SEES_ALL,
        "begin",
        "  set local session_replication_role = replica;",
        "exception when insufficient_privilege then",
        "  null;",
        "end;",
    ];
    lines.iter().map(|line| format!("{indent}{line}\n")).collect()
}

/// Where row level security is forced on the owner, Postgres refuses what would not see every row.
pub(super) const SEES_ALL: &str = "set local row_security = off;";

/// The rows that are counted are locked first: who wrote them before has ended by then, and the trigger that counts has
/// said all of it. What is right already is not written.
pub(super) fn count(out: &mut String, table: &TableName, set: &[(&str, &str)], of: &[&TableName], guard: Option<&str>) {
    let name = qualified(&table.schema, &table.name);
    let mut tables: Vec<String> = of.iter().map(|of| qualified(&of.schema, &of.name)).collect();
    tables.sort();
    tables.dedup();
    let assignments: Vec<String> = set.iter().map(|(column, value)| format!("{} = {value}", ident(column))).collect();
    let own = ident(&table.name);
    let wrong: Vec<String> =
        set.iter().map(|(column, value)| format!("{own}.{} is distinct from {value}", ident(column))).collect();
    let switch = |word: &str| {
        guard.map(|guard| format!("  alter table {name} {word} trigger {};\n", ident(guard))).unwrap_or_default()
    };
    let body = format!(
        "
#variable_conflict use_column
declare
  fires constant text := current_setting('session_replication_role');
begin
  lock table {tables} in share row exclusive mode;
{off}{quiet}  update {name}
  set {assignments}
  where {wrong};
  if current_setting('session_replication_role') <> fires then
    perform set_config('session_replication_role', fires, true);
  end if;
{on}end
",
        tables = tables.join(", "),
        off = switch("disable"),
        quiet = quiet("  ", false),
        assignments = assignments.join(",\n      "),
        wrong = wrong.join("\n     or "),
        on = switch("enable"),
    );
    out.push_str("-- Rows that were there are counted while nobody writes them.\ndo ");
    out.push_str(&dollar(&body));
}

/// Triggers are told of it where they were told when the rows were filled.
pub(super) fn unfill(out: &mut String, table: &TableName, column: &Column, with: &str, counted: bool) {
    let text = if has_equality(&column.ty) { "" } else { "::text" };
    let (own, with) = (ident(&column.name), ident(with));
    let body = format!(
        "
#variable_conflict use_column
declare
  fires constant text := current_setting('session_replication_role');
begin
{quiet}  update {name}
  set {own} = null
  where {with} is not null and {own}{text} is not distinct from {with}{text};
  set constraints all immediate;
  if current_setting('session_replication_role') <> fires then
    perform set_config('session_replication_role', fires, true);
  end if;
end
",
        quiet = quiet("  ", counted),
        name = qualified(&table.schema, &table.name),
    );
    out.push_str("-- Rows that were filled hold null again; what somebody has written since stays.\ndo ");
    out.push_str(&dollar(&body));
}

/// Only the database knows: a block, or somebody else, may have said so.
pub(super) fn hand_over(out: &mut String, table: &TableName, from: &str, to: &str) {
    let name = qualified(&table.schema, &table.name);
    let old = literal(&qualified(&table.schema, from));
    let is = |what: &str| format!("exists (select from pg_index where indexrelid = {old}::regclass and {what})");
    let body = format!(
        "\nbegin\n  lock table {name} in access exclusive mode;\n  if {} then\n    alter table {name} replica identity using index {to};\n  end if;\n  if {} then\n    \
         alter table {name} cluster on {to};\n  end if;\nend\n",
        is("indisreplident"),
        is("indisclustered"),
        to = ident(to),
    );
    out.push_str("-- What rests on the old index rests on the new one.\ndo ");
    out.push_str(&dollar(&body));
}

/// Triggers fire, as on any row that is written.
pub(super) fn return_rows(out: &mut String, partition: &Table, columns: &[&str], only: Option<&str>) {
    let Some((whole, _)) = &partition.partition_of else { return };
    let columns: Vec<_> = columns.iter().map(|column| ident(column)).collect();
    let columns = columns.join(", ");
    out.push_str("insert into ");
    table_name(out, whole);
    out.push_str(&format!(" ({columns}) overriding system value\nselect {columns} from "));
    table_name(out, &partition.table);
    if let Some(only) = only {
        out.push_str(&format!("\nwhere {only}"));
    }
}

/// The table in which rows of a partition are aside for a moment.
fn held(partition: &Table) -> String {
    let name = format!("specc_held_{}", partition.table.name);
    format!("pg_temp.{}", ident(specc_catalog::clip(&name, specc_catalog::LONGEST_NAME)))
}

pub(super) fn hold_rows(out: &mut String, partition: &Table, within: &str) {
    let name = qualified(&partition.table.schema, &partition.table.name);
    let body = format!(
        "
declare
  fires constant text := current_setting('session_replication_role');
begin
{quiet}  create temporary table {held} on commit drop as
    select * from {name} where ({within}) is not true;
  delete from {name} where ({within}) is not true;
  if current_setting('session_replication_role') <> fires then
    perform set_config('session_replication_role', fires, true);
  end if;
end
",
        quiet = quiet("  ", false),
        held = held(partition).trim_start_matches("pg_temp."),
    );
    out.push_str("-- Rows that belong into another partition now are put aside until that can take them.\ndo ");
    out.push_str(&dollar(&body));
}

pub(super) fn release_rows(out: &mut String, partition: &Table, columns: &[&str]) {
    let Some((whole, _)) = &partition.partition_of else { return };
    let columns: Vec<_> = columns.iter().map(|column| ident(column)).collect();
    let body = format!(
        "
declare
  fires constant text := current_setting('session_replication_role');
begin
{quiet}  insert into {whole} ({columns}) overriding system value select {columns} from {held};
  if current_setting('session_replication_role') <> fires then
    perform set_config('session_replication_role', fires, true);
  end if;
end
",
        quiet = quiet("  ", false),
        whole = qualified(&whole.schema, &whole.name),
        columns = columns.join(", "),
        held = held(partition),
    );
    out.push_str("-- They go to the partition that takes them.\ndo ");
    out.push_str(&dollar(&body));
}

/// Which rows belong there, Postgres says.
pub(super) fn move_rows(out: &mut String, partition: &Table, rest: &TableName, columns: &[&str]) {
    let Some((whole, _)) = &partition.partition_of else { return };
    let name = |table: &TableName| qualified(&table.schema, &table.name);
    let columns: Vec<_> = columns.iter().map(|column| ident(column)).collect();
    let columns = columns.join(", ");
    let moved = format!(
        "with gone as (delete from {} where %s returning {columns})
     insert into {} ({columns}) overriding system value select {columns} from gone",
        name(rest).replace('%', "%%"),
        name(whole).replace('%', "%%"),
        columns = columns.replace('%', "%%"),
    );
    let body = format!(
        "
declare
  fires constant text := current_setting('session_replication_role');
begin
{quiet}  execute format(
    {moved},
    pg_get_partition_constraintdef({part}::regclass)
  );
  if current_setting('session_replication_role') <> fires then
    perform set_config('session_replication_role', fires, true);
  end if;
end
",
        quiet = quiet("  ", false),
        moved = literal(&moved),
        part = literal(&name(&partition.table)),
    );
    out.push_str("-- Rows that stood in the default partition move to the new one.\ndo ");
    out.push_str(&dollar(&body));
}

pub(super) fn await_writers(out: &mut String, table: &TableName) {
    out.push_str(
        "-- Who is writing these rows still runs the trigger function as it was: that ends before they are counted.\n",
    );
    out.push_str("lock table ");
    table_name(out, table);
    out.push_str(" in share row exclusive mode");
}

/// Names the first row that has no value and needs one.
pub(super) fn refusal(table: &TableName, refuse: &Refuse<'_>, only: &str, name: &str) -> String {
    let key = if refuse.key.is_empty() { &["ctid"][..] } else { &refuse.key };
    let values: Vec<String> = key.iter().map(|column| format!("{}::text", ident(column))).collect();
    let message = format!(
        "{} of {}.{} must have a value, and its backfill gives null for the row where {} is %",
        refuse.columns.join(", ").replace('%', "%%"),
        table.schema.replace('%', "%%"),
        table.name.replace('%', "%%"),
        key.join(", ").replace('%', "%%"),
    );
    format!(
        "  {SEES_ALL}
  select concat_ws(', ', {}) into missing from {only}{name} where {} limit 1;
  if found then
    raise exception {}, missing
      using errcode = 'not_null_violation', hint = {};
  end if;
",
        values.join(", "),
        refuse.rows,
        literal(&message),
        literal("give that row a value, then run this file again"),
    )
}

pub(super) fn refuse_labels(out: &mut String, table: &TableName, column: &Column, labels: &[&str]) {
    let name = qualified(&table.schema, &table.name);
    let list: Vec<String> = labels.iter().map(|label| literal(label)).collect();
    let column_name = ident(&column.name);
    let holds = match column.ty.dims {
        0 => format!("{column_name} in ({})", list.join(", ")),
        _ => format!("{column_name}::text[] && array[{}]", list.join(", ")),
    };
    let message = format!(
        "{}.{} still holds {} of the type {}.{}",
        table.name,
        column.name,
        labels.iter().map(|label| format!("`{label}`")).collect::<Vec<_>>().join(" or "),
        column.ty.schema,
        column.ty.name
    );
    let body = format!(
        "\nbegin\n  {SEES_ALL}\n  if exists (select from {name} where {holds}) then\n    raise exception using message = {},\n      \
         hint = {};\n  end if;\nend\n",
        literal(&message),
        literal("that label goes: give those rows another one first, then run this again"),
    );
    out.push_str("-- What rows still hold cannot go.\ndo ");
    out.push_str(&dollar(&body));
}

/// With their number and the query that shows them.
pub(super) fn refuse_rows(out: &mut String, misfit: &Misfit<'_>) {
    let Misfit { table, rows, groups, what, code, .. } = misfit;
    let (count, show) = if let Some(keys) = groups {
        (
            format!("select coalesce(sum(alike), 0) into misfits from (select count(*) as alike {rows}) as all_alike;"),
            format!("select {keys}, count(*) {rows}"),
        )
    } else {
        (format!("select count(*) into misfits {rows};"), format!("select * {rows}"))
    };
    let message = format!("rows of {}.{} that have {}: ", table.schema, table.name, what);
    let body = format!(
        "
#variable_conflict use_column
declare
  misfits bigint;
begin
  {SEES_ALL}
  {count}
  if misfits > 0 then
    raise exception using
      message = {message} || misfits,
      errcode = '{code}',
      hint = {hint};
  end if;
end
",
        message = literal(&message),
        hint = literal(&format!("nothing was changed; make them fit, then apply again; they are: {show}")),
    );
    out.push_str("-- Rows that a later step would refuse are counted before anything is changed.\ndo ");
    out.push_str(&dollar(&body));
}

/// Before 18 there is nothing to rename.
pub(super) fn name_required(out: &mut String, table: &TableName, columns: &[&str]) {
    let name = qualified(&table.schema, &table.name);
    let rows = columns.iter().map(|column| {
        let named = conventional_name(&table.name, Some(column), "not_null");
        format!("({}, {})", literal(column), literal(&named))
    });
    let body = format!(
        "
declare
  rule record;
begin
  for rule in
    select c.conname as was, r.called
    from (values {rows}) r (attribute, called)
      join pg_attribute a on a.attrelid = {regclass}::regclass and a.attname = r.attribute
      join pg_constraint c on c.conrelid = a.attrelid and c.contype = 'n' and c.conkey = array[a.attnum]
    where c.conname <> r.called and c.coninhcount = 0
  loop
    if not exists (select from pg_constraint o where o.conrelid = {regclass}::regclass and o.conname = rule.called) then
      execute format({rename}, rule.was, rule.called);
    end if;
  end loop;
end
",
        rows = rows.collect::<Vec<_>>().join(", "),
        regclass = literal(&name),
        rename = literal(&format!("alter table {} rename constraint %I to %I", name.replace('%', "%%"))),
    );
    out.push_str(
        "-- Since Postgres 18 what makes a column required has a name, which comes from the name of before.\ndo ",
    );
    out.push_str(&dollar(&body));
}
