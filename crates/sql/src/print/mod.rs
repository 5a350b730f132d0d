//! The printer: lower-case keywords, two spaces, names quoted only where they must be.

mod access;
mod alter;
mod backfill;
mod convert;
mod data;
mod drop;
mod fill_table;
mod locks;
mod numbers;
mod routine;
mod rows;
mod table;
mod types;

pub use data::has_equality;
pub use fill_table::BY_INDEX;
pub use routine::push_routine;
pub use table::push_partition_by;
pub use types::push_type;

use crate::quote::{push_ident, push_literal, push_qualified};
use crate::statement::{Named, Statement};
use specc_catalog::{Column, ColumnSetting, Kind, Object, ObjectId, Rls, TableName};

/// Appends `statement` with its semicolon and a line end. What takes several statements of SQL has several lines.
pub fn print(statement: &Statement<'_>, out: &mut String) {
    match statement {
        Statement::Create(object) => create(out, object, "create "),
        Statement::Replace(object) => create(out, object, "create or replace "),
        Statement::CreateTable { table, constraints, late_defaults } => {
            table::create_table(out, table, constraints, late_defaults);
        }
        Statement::CreateIndexConcurrently(index) => table::create_index(out, index, true),
        Statement::Alter(change) => alter::alter(out, change),
        Statement::Drop(object) | Statement::DropTemporary(object) => drop::drop(out, object),
        Statement::DropTable(table) => {
            out.push_str("drop table ");
            table_name(out, &table.table);
        }
        Statement::DropIndexConcurrently(index) => {
            out.push_str("drop index concurrently ");
            push_qualified(out, &index.table.schema, &index.name);
        }
        Statement::SetRls { table, from, to } => rls(out, table, *from, *to),
        Statement::SetDefault { table, column, default } => {
            alter_column(out, table, column);
            match default {
                Some(default) => {
                    out.push_str("set default ");
                    out.push_str(&default.text);
                }
                None => out.push_str("drop default"),
            }
        }
        Statement::SetColumn { table, column, setting } => set_column(out, table, column, *setting),
        Statement::SetReplicaIdentity { table, identity } => {
            alter_table(out, table);
            out.push_str("replica identity ");
            out.push_str(identity.unwrap_or("default"));
        }
        Statement::OwnSequence(sequence) => types::own_sequence(out, sequence, sequence.owned_by.as_ref()),
        Statement::DisownSequence(sequence) => types::own_sequence(out, sequence, None),
        Statement::Validate(constraint) => {
            alter_table(out, &constraint.table);
            out.push_str("validate constraint ");
            push_ident(out, &constraint.name);
        }
        Statement::Comment { on, text } => {
            out.push_str("comment on ");
            named(out, *on);
            comment_text(out, *text);
        }
        Statement::CommentColumn { table, column, text } => {
            out.push_str("comment on column ");
            table_name(out, table);
            out.push('.');
            push_ident(out, column);
            comment_text(out, *text);
        }
        Statement::SetOwner { of, owner, lend } => access::set_owner(out, of, *owner, *lend),
        Statement::Join(role) => access::join(out, role),
        Statement::Grant(access) => access::grant(out, access),
        Statement::Revoke(access) => access::revoke(out, access),
        Statement::InsertSeed { seed, table } => data::insert_seed(out, seed, *table),
        Statement::AdvanceSequence { table, column } => data::advance_sequence(out, table, column),
        Statement::DeleteSeed(seed) => data::delete_seed(out, seed),
        Statement::TakeLocks(all) => locks::take(out, all),
        Statement::RunSql(sql) => data::verbatim(out, &sql.up),
        Statement::RunDown(sql) => data::verbatim(out, sql.down.as_deref().unwrap_or_default()),
    }
    if !out.ends_with('\n') {
        out.push_str(";\n");
    }
}

fn create(out: &mut String, object: &Object, verb: &str) {
    match object {
        Object::Schema(o) => {
            out.push_str("create schema ");
            push_ident(out, &o.name);
        }
        Object::Extension(o) => types::create_extension(out, o),
        Object::Role(o) => types::create_role(out, o),
        Object::Enum(o) => types::create_enum(out, o),
        Object::Domain(o) => types::create_domain(out, o),
        Object::Composite(o) => types::create_composite(out, o),
        Object::Sequence(o) => types::create_sequence(out, o),
        Object::Table(o) => table::create_table(out, o, &[], &[]),
        Object::Constraint(o) => {
            out.push_str("alter table ");
            table_name(out, &o.table);
            out.push_str("\n  add ");
            table::constraint(out, o);
            if o.not_valid {
                out.push_str(" not valid");
            }
        }
        Object::Index(o) => table::create_index(out, o, false),
        Object::Function(o) => routine::create_function(out, o, verb),
        Object::View(o) => routine::create_view(out, o, verb),
        Object::Trigger(o) => routine::create_trigger(out, o),
        Object::Policy(o) => access::create_policy(out, o),
        Object::Grant(o) => access::create_grant(out, o),
        Object::Publication(o) => {
            out.push_str("create publication ");
            push_ident(out, &o.name);
        }
        Object::PublicationTable(o) => data::publish(out, o),
        Object::Bucket(o) => data::insert_bucket(out, o),
        Object::Job(o) => data::schedule(out, o),
        Object::Seed(o) => data::insert_seed(out, o, None),
        Object::Sql(o) => data::verbatim(out, &o.up),
    }
}

/// Statistics are those of the one table: its partitions and heirs have their own.
fn set_column(out: &mut String, table: &TableName, column: &Column, setting: ColumnSetting) {
    let said = setting.of(column);
    if setting == ColumnSetting::Storage {
        alter_column(out, table, &column.name);
        out.push_str("set storage ");
        out.push_str(said.as_deref().unwrap_or(usual_storage(column)));
        return;
    }
    out.push_str("alter table only ");
    table_name(out, table);
    out.push_str(" alter column ");
    push_ident(out, &column.name);
    let word = setting.word();
    out.push_str(&match (setting, said) {
        (ColumnSetting::Target, said) => format!(" set {word} {}", said.as_deref().unwrap_or("-1")),
        (_, Some(count)) => format!(" set ({word} = {count})"),
        (_, None) => format!(" reset ({word})"),
    });
}

/// How a column's values are kept unless it is said: before 16 there is no word for it. Only types of varying length can
/// be kept otherwise.
fn usual_storage(column: &Column) -> &'static str {
    match specc_facts::type_info(&column.ty.name) {
        Some(info) if column.ty.dims == 0 && column.ty.schema.is_empty() => info.usual_storage(),
        _ => "extended",
    }
}

/// `schema.name`
pub(crate) fn table_name(out: &mut String, table: &TableName) {
    push_qualified(out, &table.schema, &table.name);
}

/// `alter table name `
fn alter_table(out: &mut String, table: &TableName) {
    out.push_str("alter table ");
    table_name(out, table);
    out.push(' ');
}

fn alter_column(out: &mut String, table: &TableName, column: &str) {
    alter_table(out, table);
    out.push_str("alter column ");
    push_ident(out, column);
    out.push(' ');
}

fn rls(out: &mut String, table: &TableName, from: Rls, to: Rls) {
    let mut say = |what: &str| {
        alter_table(out, table);
        out.push_str(what);
        out.push_str(" row level security;\n");
    };
    match (from, to) {
        (Rls::Off, Rls::On | Rls::Forced) => say("enable"),
        (Rls::On | Rls::Forced, Rls::Off) => say("disable"),
        _ => {}
    }
    match (from, to) {
        (Rls::Off | Rls::On, Rls::Forced) => say("force"),
        (Rls::Forced, Rls::Off | Rls::On) => say("no force"),
        _ => {}
    }
}

fn comment_text(out: &mut String, text: Option<&str>) {
    out.push_str(" is ");
    match text {
        Some(text) => push_literal(out, text),
        None => out.push_str("null"),
    }
}

/// `a, b`
pub(crate) fn names<S: AsRef<str>>(out: &mut String, names: &[S]) {
    separated(out, names, ", ", |out, name| push_ident(out, name.as_ref()));
}

/// ` (a, b)`, or nothing for none.
pub(crate) fn columns<S: AsRef<str>>(out: &mut String, columns: &[S]) {
    if !columns.is_empty() {
        out.push_str(" (");
        names(out, columns);
        out.push(')');
    }
}

/// Each item, with `separator` between.
pub(crate) fn separated<T>(
    out: &mut String,
    items: impl IntoIterator<Item = T>,
    separator: &str,
    mut item: impl FnMut(&mut String, T),
) {
    for (n, one) in items.into_iter().enumerate() {
        if n > 0 {
            out.push_str(separator);
        }
        item(out, one);
    }
}

pub(crate) fn number(out: &mut String, n: impl std::fmt::Display) {
    use std::fmt::Write as _;
    // Writing to a string does not fail.
    let _ = write!(out, "{n}");
}

/// The word for the kind and the name, as in `comment on …` and `drop …`.
pub(crate) fn named(out: &mut String, name: Named<'_>) {
    match name {
        Named::Object(Object::Function(function)) => {
            out.push_str(if function.procedure { "procedure " } else { "function " });
            push_routine(out, function);
        }
        Named::Object(Object::View(view)) => {
            out.push_str(if view.materialized { "materialized view " } else { "view " });
            table_name(out, &view.view);
        }
        Named::Object(object) => {
            let id = object.id();
            match object {
                Object::Index(index) => {
                    out.push_str("index ");
                    push_qualified(out, &index.table.schema, &index.name);
                }
                _ => by_id(out, &id),
            }
        }
        Named::Id(id) => by_id(out, id),
        Named::Identity(..) => by_id(out, &name.id()),
    }
}

pub(crate) fn by_id(out: &mut String, id: &ObjectId) {
    let word = match id.kind {
        Kind::Enum | Kind::Composite => "type",
        kind => kind.word(),
    };
    out.push_str(word);
    out.push(' ');
    match id.kind {
        Kind::Constraint | Kind::Trigger | Kind::Policy => {
            push_ident(out, &id.part);
            out.push_str(" on ");
            push_qualified(out, &id.schema, &id.name);
        }
        Kind::Function => signature(out, id),
        _ => push_qualified(out, &id.schema, &id.name),
    }
}

/// A function with the types of its parameters.
pub(crate) fn signature(out: &mut String, id: &ObjectId) {
    push_qualified(out, &id.schema, &id.name);
    out.push('(');
    out.push_str(&id.part);
    out.push(')');
}
