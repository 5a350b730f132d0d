//! Rows, and what the platform keeps as rows: seeds, buckets, jobs, publications; and SQL as it is.

use super::{columns, names, number, separated, table_name};
use crate::layout::push_parens;
use crate::quote::{dollar, literal, push_ident, push_literal, qualified};
use smol_str::SmolStr;
use specc_catalog::{Bucket, DataType, Job, PublicationTable, Seed, Table, TableName};

/// The name of the row that is there already, next to `excluded`.
const PRESENT: &str = "present";

pub(super) fn insert_seed(out: &mut String, o: &Seed, table: Option<&Table>) {
    if o.rows.is_empty() {
        return out.push_str("-- no rows\n");
    }
    let changed: Vec<&SmolStr> = o.columns.iter().filter(|column| !o.key.contains(column)).collect();
    let update = o.update && !o.key.is_empty() && !changed.is_empty();
    out.push_str("insert into ");
    table_name(out, &o.table);
    if update {
        out.push_str(" as ");
        out.push_str(PRESENT);
    }
    columns(out, &o.columns);
    if overrides(o, table) {
        out.push_str("\noverriding system value");
    }
    out.push_str("\nvalues\n");
    separated(out, &o.rows, ",\n", |out, row| {
        out.push_str("  (");
        separated(out, row, ", ", |out, value| out.push_str(&value.text));
        out.push(')');
    });
    out.push_str("\non conflict");
    columns(out, &o.key);
    if !update {
        return out.push_str(" do nothing");
    }
    out.push_str(" do update set\n  ");
    separated(out, &changed, ",\n  ", |out, column| {
        push_ident(out, column);
        out.push_str(" = excluded.");
        push_ident(out, column);
    });
    out.push_str("\nwhere ");
    tuple(out, PRESENT, &changed, table);
    out.push_str("\n  is distinct from ");
    tuple(out, "excluded", &changed, table);
}

/// `(row.a, row.b)`
fn tuple(out: &mut String, row: &str, columns: &[&SmolStr], table: Option<&Table>) {
    out.push('(');
    separated(out, columns, ", ", |out, name| {
        out.push_str(row);
        out.push('.');
        push_ident(out, name);
        let column = table.and_then(|table| table.columns.iter().find(|column| column.name == **name));
        if column.is_some_and(|column| !has_equality(&column.ty)) {
            out.push_str("::text");
        }
    });
    out.push(')');
}

/// Whether values of a built-in type can be told apart by `=`.
pub fn has_equality(ty: &DataType) -> bool {
    !ty.schema.is_empty() || specc_facts::tells_apart(&ty.name)
}

/// Whether a column is given that the system fills.
fn overrides(o: &Seed, table: Option<&Table>) -> bool {
    match table {
        Some(table) => table.columns.iter().any(|column| {
            column.identity.as_ref().is_some_and(|identity| identity.0) && o.columns.contains(&column.name)
        }),
        None => o.restart.is_some(),
    }
}

/// Never back: the next value is at least what it would have been.
pub(super) fn advance_sequence(out: &mut String, table: &TableName, column: &str) {
    let name = qualified(&table.schema, &table.name);
    let sequence = format!("pg_get_serial_sequence({}, {})", literal(&name), literal(column));
    out.push_str("select setval(\n  ");
    out.push_str(&sequence);
    out.push_str(",\n  greatest(max(");
    push_ident(out, column);
    out.push_str("), nextval(");
    out.push_str(&sequence);
    out.push_str("))\n)\nfrom ");
    out.push_str(&name);
}

pub(super) fn delete_seed(out: &mut String, o: &Seed) {
    let places: Vec<_> = o.key.iter().filter_map(|key| o.columns.iter().position(|column| column == key)).collect();
    if places.is_empty() || places.len() != o.key.len() || o.rows.is_empty() {
        out.push_str("-- the rows seeded into ");
        out.push_str(&o.table.name.replace('\n', " "));
        return out.push_str(" stay: no key tells them apart\n");
    }
    out.push_str("delete from ");
    table_name(out, &o.table);
    let parens = if places.len() > 1 { ("(", ")") } else { ("", "") };
    out.push_str("\nwhere ");
    out.push_str(parens.0);
    names(out, &o.key);
    out.push_str(parens.1);
    out.push_str(" in (\n  ");
    separated(out, &o.rows, ",\n  ", |out, row| {
        out.push_str(parens.0);
        separated(out, &places, ", ", |out, &place| out.push_str(&row[place].text));
        out.push_str(parens.1);
    });
    out.push_str("\n)");
}

pub(super) fn insert_bucket(out: &mut String, o: &Bucket) {
    out.push_str(
        "insert into storage.buckets as present (id, name, public, file_size_limit, allowed_mime_types)\nvalues (",
    );
    push_literal(out, &o.id);
    out.push_str(", ");
    push_literal(out, &o.id);
    out.push_str(if o.public { ", true, " } else { ", false, " });
    match o.size_limit {
        Some(limit) => number(out, limit),
        None => out.push_str("null"),
    }
    if o.mime_types.is_empty() {
        out.push_str(", null)");
    } else {
        out.push_str(", array[");
        separated(out, &o.mime_types, ", ", |out, mime| push_literal(out, mime));
        out.push_str("])");
    }
    out.push_str(
        "\non conflict (id) do update set\n  public = excluded.public,\n  file_size_limit = excluded.file_size_limit,\n  \
         allowed_mime_types = excluded.allowed_mime_types\n\
         where (present.public, present.file_size_limit, present.allowed_mime_types)\n  \
         is distinct from (excluded.public, excluded.file_size_limit, excluded.allowed_mime_types)",
    );
}

/// The platform guards against this statement, since it does not delete the files: a bucket that has files stays, with
/// an error.
pub(super) fn delete_bucket(out: &mut String, o: &Bucket) {
    let body = format!(
        "\nbegin\n  perform set_config('storage.allow_delete_query', 'true', true);\n  \
         delete from storage.buckets where id = {};\nend\n",
        literal(&o.id)
    );
    out.push_str("do ");
    out.push_str(&dollar(&body));
}

pub(super) fn schedule(out: &mut String, o: &Job) {
    out.push_str("select cron.schedule(");
    push_literal(out, &o.name);
    out.push_str(", ");
    push_literal(out, &o.schedule);
    out.push_str(", ");
    out.push_str(&dollar(&o.command));
    out.push(')');
}

pub(super) fn unschedule(out: &mut String, o: &Job) {
    out.push_str("select cron.unschedule(");
    push_literal(out, &o.name);
    out.push(')');
}

pub(super) fn publish(out: &mut String, o: &PublicationTable) {
    out.push_str("alter publication ");
    push_ident(out, &o.publication);
    out.push_str(" add table ");
    table_name(out, &o.table);
    columns(out, &o.columns);
    if let Some(filter) = &o.filter {
        out.push_str(" where ");
        push_parens(out, &filter.text, 0);
    }
}

pub(super) fn unpublish(out: &mut String, o: &PublicationTable) {
    out.push_str("alter publication ");
    push_ident(out, &o.publication);
    out.push_str(" drop table ");
    table_name(out, &o.table);
}

/// As it is, ended by a line end (and a semicolon where there is none).
pub(super) fn verbatim(out: &mut String, text: &str) {
    let text = text.trim_matches('\n').trim_end();
    out.push_str(text);
    let last = text.rsplit('\n').next().unwrap_or_default();
    if text.ends_with(';') || text.is_empty() {
        out.push('\n');
    } else if last.contains("--") {
        out.push_str("\n;\n");
    }
}
