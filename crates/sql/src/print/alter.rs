//! What changes something that is there.

use super::types::{collate, push_type};
use super::{access, alter_column, alter_table, backfill, by_id, named, numbers, rows, table, table_name};
use crate::alter::Alter;
use crate::layout::push_parens;
use crate::quote::{literal, push_ident, push_literal, push_qualified, qualified};
use crate::statement::Named;
use smol_str::SmolStr;
use specc_catalog::{
    Column, Composite, Constraint, Domain, Extension, Kind, Object, ObjectId, Policy, Role, Rule, TableName,
};

pub(super) fn alter(out: &mut String, o: &Alter<'_>) {
    match o {
        Alter::Rename { from, to } => rename(out, from, to),
        Alter::SetSchema { from, to } => {
            out.push_str("alter ");
            named(out, Named::Object(from));
            out.push_str(" set schema ");
            push_ident(out, to);
        }
        Alter::RenamePart { of, from, to, .. } => rename_part(out, of, from, to),
        Alter::AddColumn { table, column, .. } => add_column(out, table, column),
        Alter::DropColumn { table, column, moved, .. } => {
            if *moved {
                out.push_str("-- specc: allow L033 its values stand elsewhere by now\n");
            }
            alter_table(out, table);
            out.push_str("drop column ");
            push_ident(out, &column.name);
        }
        Alter::SetType { table, from, to, using } => {
            alter_column(out, table, &from.name);
            out.push_str("set data type ");
            push_type(out, &to.ty);
            collate(out, to.collation.as_deref());
            if let Some(using) = using {
                out.push_str("\n  using ");
                out.push_str(using);
            }
        }
        Alter::SetNotNull { table, column, .. } => {
            alter_column(out, table, column);
            out.push_str("set not null");
        }
        Alter::DropNotNull { table, column } => {
            alter_column(out, table, column);
            out.push_str("drop not null");
        }
        Alter::SetIdentity { table, column, from, to } => numbers::identity(out, table, column, *from, *to),
        Alter::CopySequence { table, source, from, to } => {
            let sequence = |table: &TableName, column: &str| {
                let name = literal(&qualified(&table.schema, &table.name));
                format!("pg_get_serial_sequence({name}, {})", literal(column))
            };
            if table == source {
                out.push_str(&format!("select setval({}, nextval({}))", sequence(table, to), sequence(source, from)));
            } else {
                numbers::go_on(out, &sequence(table, to), &sequence(source, from));
            }
        }
        Alter::RefuseRows(misfit) => rows::refuse_rows(out, misfit),
        Alter::RefuseLabels { table, column, labels } => rows::refuse_labels(out, table, column, labels),
        Alter::Convert(o) => super::convert::convert(out, o),
        Alter::DropExpression { table, column } => {
            alter_column(out, table, &column.name);
            out.push_str("drop expression");
        }
        Alter::SetCompression { table, column } => {
            alter_column(out, table, &column.name);
            out.push_str("set compression ");
            out.push_str(column.compression.as_ref().map_or("default", |name| name));
        }
        Alter::SetOptions { of, from, to } => options(out, of, from, to),
        Alter::SetLogged { table, logged } => {
            alter_table(out, table);
            out.push_str(if *logged { "set logged" } else { "set unlogged" });
        }
        Alter::AddNotValid(o) => {
            add_constraint(out, o);
            out.push_str(" not valid");
        }
        Alter::AddUsingIndex(o, index) => using_index(out, o, index),
        Alter::Backfill { .. } => backfill::backfill(out, o),
        Alter::DropMoved { table, .. } => {
            out.push_str("-- specc: allow L032 its rows were moved, and compared with where they are now\ndrop table ");
            table_name(out, &table.table);
        }
        Alter::FillTable(o) => super::fill_table::fill_table(out, o),
        Alter::InsertFrom(o) => super::fill_table::insert_from(out, o),
        Alter::Unfill { table, column, with, counted } => rows::unfill(out, table, column, with, *counted),
        Alter::Count { table, set, of, guard, .. } => rows::count(out, table, set, of, *guard),
        Alter::HandOver { table, from, to } => rows::hand_over(out, table, from, to),
        Alter::NameRequired { table, columns } => rows::name_required(out, table, columns),
        Alter::ReturnRows { partition, columns, only } => rows::return_rows(out, partition, columns, *only),
        Alter::HoldRows { partition, within } => rows::hold_rows(out, partition, within),
        Alter::ReleaseRows { partition, columns } => rows::release_rows(out, partition, columns),
        Alter::MoveRows { partition, rest, columns } => rows::move_rows(out, partition, rest, columns),
        Alter::AwaitWriters(table) => rows::await_writers(out, table),
        Alter::AddLabel { ty, label, before } => {
            alter_type(out, &ty.schema, &ty.name);
            out.push_str("add value ");
            push_literal(out, label);
            if let Some(before) = before {
                out.push_str(" before ");
                push_literal(out, before);
            }
        }
        Alter::SetSequence { from, to } => numbers::sequence(out, from, to),
        Alter::SetPolicy { from, to } => policy(out, from, to),
        Alter::SetRole { from, to } => role(out, from, to),
        Alter::SetExtension { from, to } => extension(out, from, to),
        Alter::SetTrigger(o) => {
            alter_table(out, &o.table);
            out.push_str(match o.enabled.as_str() {
                "disabled" => "disable trigger ",
                "replica" => "enable replica trigger ",
                "always" => "enable always trigger ",
                _ => "enable trigger ",
            });
            push_ident(out, &o.name);
        }
        Alter::Attach { partition } => {
            if let Some((parent, bounds)) = &partition.partition_of {
                alter_table(out, parent);
                out.push_str("attach partition ");
                table_name(out, &partition.table);
                out.push_str("\n  ");
                table::bounds(out, bounds);
            }
        }
        Alter::Inherit { table, parent, inherits } => {
            alter_table(out, table);
            out.push_str(if *inherits { "inherit " } else { "no inherit " });
            table_name(out, parent);
        }
        Alter::Detach { partition } => {
            if let Some((parent, _)) = &partition.partition_of {
                alter_table(out, parent);
                out.push_str("detach partition ");
                table_name(out, &partition.table);
            }
        }
        Alter::DomainDefault(_)
        | Alter::DomainNull(..)
        | Alter::DropDomainCheck(..)
        | Alter::RenameDomainCheck { .. }
        | Alter::AddDomainCheck(..)
        | Alter::ValidateDomainCheck(..) => domain(out, o),
        Alter::AddAttribute(..) | Alter::DropAttribute(..) | Alter::SetAttribute(..) => attribute(out, o),
    }
}

fn alter_type(out: &mut String, schema: &str, name: &str) {
    out.push_str("alter type ");
    push_qualified(out, schema, name);
    out.push(' ');
}

fn rename(out: &mut String, from: &Object, to: &str) {
    match from {
        Object::Constraint(o) => {
            alter_table(out, &o.table);
            out.push_str("rename constraint ");
            push_ident(out, &o.name);
        }
        other => {
            out.push_str("alter ");
            named(out, Named::Object(other));
            out.push_str(" rename");
        }
    }
    out.push_str(" to ");
    push_ident(out, to);
}

fn rename_part(out: &mut String, of: &ObjectId, from: &str, to: &str) {
    out.push_str("alter ");
    by_id(out, of);
    match of.kind {
        Kind::Enum => {
            out.push_str(" rename value ");
            push_literal(out, from);
            out.push_str(" to ");
            return push_literal(out, to);
        }
        Kind::Composite => out.push_str(" rename attribute "),
        _ => out.push_str(" rename column "),
    }
    push_ident(out, from);
    out.push_str(" to ");
    push_ident(out, to);
}

fn add_column(out: &mut String, table: &TableName, column: &Column) {
    alter_table(out, table);
    out.push_str("add column ");
    push_ident(out, &column.name);
    out.push(' ');
    push_type(out, &column.ty);
    if let Some(method) = &column.compression {
        out.push_str(" compression ");
        out.push_str(method);
    }
    collate(out, column.collation.as_deref());
    table::column_rest(out, column, false);
}

fn options(out: &mut String, of: &Object, from: &[(SmolStr, SmolStr)], to: &[(SmolStr, SmolStr)]) {
    out.push_str("alter ");
    named(out, Named::Object(of));
    let set: Vec<_> = to.iter().filter(|option| !from.contains(option)).cloned().collect();
    let reset: Vec<_> = from.iter().filter(|(name, _)| !to.iter().any(|(other, _)| other == name)).collect();
    if !set.is_empty() {
        out.push_str(" set (");
        table::parameters(out, &set);
        out.push(')');
    }
    if !reset.is_empty() {
        out.push_str(if set.is_empty() { " reset (" } else { ", reset (" });
        super::separated(out, &reset, ", ", |out, (name, _)| out.push_str(name));
        out.push(')');
    }
}

fn add_constraint(out: &mut String, o: &Constraint) {
    alter_table(out, &o.table);
    out.truncate(out.len() - 1);
    out.push_str("\n  add ");
    table::constraint(out, o);
}

fn using_index(out: &mut String, o: &Constraint, index: &str) {
    alter_table(out, &o.table);
    out.truncate(out.len() - 1);
    out.push_str("\n  add constraint ");
    push_ident(out, &o.name);
    out.push_str(if matches!(o.rule, Rule::PrimaryKey { .. }) { " primary key" } else { " unique" });
    out.push_str(" using index ");
    push_ident(out, index);
    if o.deferrable || o.initially_deferred {
        out.push_str(" deferrable");
    }
    if o.initially_deferred {
        out.push_str(" initially deferred");
    }
}

fn domain(out: &mut String, o: &Alter<'_>) {
    let start = |out: &mut String, domain: &Domain| {
        out.push_str("alter domain ");
        push_qualified(out, &domain.schema, &domain.name);
        out.push(' ');
    };
    match o {
        Alter::DomainDefault(domain) => {
            start(out, domain);
            match &domain.default {
                Some(default) => {
                    out.push_str("set default ");
                    out.push_str(&default.text);
                }
                None => out.push_str("drop default"),
            }
        }
        Alter::DomainNull(domain, _) => {
            start(out, domain);
            out.push_str(if domain.nullable { "drop not null" } else { "set not null" });
        }
        Alter::RenameDomainCheck { domain, from, to } => {
            start(out, domain);
            out.push_str("rename constraint ");
            push_ident(out, from);
            out.push_str(" to ");
            push_ident(out, to);
        }
        Alter::DropDomainCheck(domain, name) => {
            start(out, domain);
            out.push_str("drop constraint ");
            push_ident(out, name);
        }
        Alter::AddDomainCheck(domain, (name, check), checked) => {
            start(out, domain);
            out.push_str("\n  add constraint ");
            push_ident(out, name);
            out.push_str(" check ");
            push_parens(out, &check.text, 2);
            if checked.is_none() {
                out.push_str(" not valid");
            }
        }
        Alter::ValidateDomainCheck(domain, name, _) => {
            start(out, domain);
            out.push_str("validate constraint ");
            push_ident(out, name);
        }
        _ => {}
    }
}

fn attribute(out: &mut String, o: &Alter<'_>) {
    let start = |out: &mut String, ty: &Composite| alter_type(out, &ty.schema, &ty.name);
    match o {
        Alter::AddAttribute(ty, (name, data, collation)) => {
            start(out, ty);
            out.push_str("add attribute ");
            push_ident(out, name);
            out.push(' ');
            push_type(out, data);
            collate(out, collation.as_ref());
        }
        Alter::DropAttribute(ty, name) => {
            start(out, ty);
            out.push_str("drop attribute ");
            push_ident(out, name);
        }
        Alter::SetAttribute(ty, (name, data, collation)) => {
            start(out, ty);
            out.push_str("alter attribute ");
            push_ident(out, name);
            out.push_str(" set data type ");
            push_type(out, data);
            collate(out, collation.as_ref());
        }
        _ => {}
    }
}

fn policy(out: &mut String, from: &Policy, to: &Policy) {
    out.push_str("alter policy ");
    push_ident(out, &to.name);
    out.push_str(" on ");
    table_name(out, &to.table);
    if from.roles != to.roles {
        out.push_str("\n  to ");
        if to.roles.is_empty() {
            out.push_str("public");
        } else {
            access::names_of_roles(out, &to.roles);
        }
    }
    for (word, a, b) in [("using", &from.using, &to.using), ("with check", &from.check, &to.check)] {
        if let Some(b) = b.as_ref().filter(|_| a != b) {
            out.push_str("\n  ");
            out.push_str(word);
            out.push(' ');
            push_parens(out, &b.text, 2);
        }
    }
}

fn role(out: &mut String, from: &Role, to: &Role) {
    // What is not said is as Postgres has it by default.
    let defaults = [
        ("superuser", "nosuperuser"),
        ("createdb", "nocreatedb"),
        ("createrole", "nocreaterole"),
        ("noinherit", "inherit"),
        ("login", "nologin"),
        ("replication", "noreplication"),
        ("bypassrls", "nobypassrls"),
    ];
    let mut changed: Vec<&str> =
        to.options.iter().filter(|option| !from.options.contains(option)).map(SmolStr::as_str).collect();
    for option in from.options.iter().filter(|option| !to.options.contains(option)) {
        match defaults.iter().find(|(name, _)| name == option) {
            Some((_, default)) => changed.push(default),
            None if option.starts_with("connection limit") => changed.push("connection limit -1"),
            None => {}
        }
    }
    if !changed.is_empty() {
        out.push_str("alter role ");
        push_ident(out, &to.name);
        for option in changed {
            out.push(' ');
            out.push_str(option);
        }
        out.push_str(";\n");
    }
    let mut member = |verb: &str, group: &str, word: &str| {
        out.push_str(verb);
        push_ident(out, group);
        out.push_str(word);
        push_ident(out, &to.name);
        out.push_str(";\n");
    };
    for group in to.member_of.iter().filter(|group| !from.member_of.contains(group)) {
        member("grant ", group, " to ");
    }
    for group in from.member_of.iter().filter(|group| !to.member_of.contains(group)) {
        member("revoke ", group, " from ");
    }
}

fn extension(out: &mut String, from: &Extension, to: &Extension) {
    let start = |out: &mut String| {
        out.push_str("alter extension ");
        push_ident(out, &to.name);
    };
    if from.schema != to.schema && !to.schema.is_empty() {
        start(out);
        out.push_str(" set schema ");
        push_ident(out, &to.schema);
        out.push_str(";\n");
    }
    if from.version != to.version {
        start(out);
        out.push_str(" update");
        if let Some(version) = &to.version {
            out.push_str(" to ");
            push_literal(out, version);
        }
        out.push_str(";\n");
    }
}
