//! Extensions, roles, types and sequences.

use super::{number, separated};
use crate::layout::{WIDTH, needs_parens, push_parens};
use crate::quote::{dollar, ident, literal, push_ident, push_literal, push_qualified};
use smol_str::SmolStr;
use specc_catalog::{
    Composite, DataType, Domain, Enum, Extension, Qualified, Role, Sequence, SequenceOptions, SqlExpr, TableName,
};

/// Appends a type. The name of a built-in type is its spelling in SQL.
pub fn push_type(out: &mut String, ty: &DataType) {
    if ty.schema.is_empty() {
        out.push_str(&ty.name);
    } else {
        push_qualified(out, &ty.schema, &ty.name);
    }
    if !ty.args.is_empty() {
        out.push('(');
        separated(out, &ty.args, ", ", number);
        out.push(')');
    }
    (0..ty.dims).for_each(|_| out.push_str("[]"));
}

pub(super) fn collate(out: &mut String, collation: Option<&Qualified>) {
    if let Some(collation) = collation {
        out.push_str(" collate ");
        push_qualified(out, &collation.schema, &collation.name);
    }
}

/// ` default …`
pub(super) fn default(out: &mut String, default: &SqlExpr) {
    out.push_str(" default ");
    if needs_parens(&default.text) {
        push_parens(out, &default.text, 2);
    } else {
        out.push_str(&default.text);
    }
}

pub(super) fn create_extension(out: &mut String, o: &Extension) {
    out.push_str("create extension if not exists ");
    push_ident(out, &o.name);
    if !o.schema.is_empty() {
        out.push_str(" with schema ");
        push_ident(out, &o.schema);
    }
    if let Some(version) = &o.version {
        out.push_str(" version ");
        push_literal(out, version);
    }
}

/// Roles belong to the whole cluster: another database may have made this one, or be making it at this moment. Whoever asks
/// sees a role only when it is committed; the index over their names knows earlier, and its error is the same answer.
pub(super) fn create_role(out: &mut String, o: &Role) {
    let mut role = ident(&o.name).into_owned();
    o.options.iter().for_each(|option| role.extend([" ", option]));
    let body = format!(
        "\nbegin\n  if not exists (select from pg_catalog.pg_roles where rolname = {}) then\n    create role {role};\n  end if;\n\
         exception\n  when duplicate_object or unique_violation then\n    \
         null; -- another database of this cluster made it at the same moment\nend\n",
        literal(&o.name)
    );
    out.push_str("do ");
    out.push_str(&dollar(&body));
    out.push_str(";\n");
    for group in &o.member_of {
        out.push_str("grant ");
        push_ident(out, group);
        out.push_str(" to ");
        push_ident(out, &o.name);
        out.push_str(";\n");
    }
}

pub(super) fn create_enum(out: &mut String, o: &Enum) {
    out.push_str("create type ");
    push_qualified(out, &o.schema, &o.name);
    out.push_str(" as enum (");
    let width: usize = o.labels.iter().map(|label| label.len() + 4).sum();
    let short = o.name.len() + 40 + width <= WIDTH;
    if !short {
        out.push_str("\n  ");
    }
    separated(out, &o.labels, if short { ", " } else { ",\n  " }, |out, label| push_literal(out, label));
    out.push_str(if short { ")" } else { "\n)" });
}

pub(super) fn create_domain(out: &mut String, o: &Domain) {
    out.push_str("create domain ");
    push_qualified(out, &o.schema, &o.name);
    out.push_str(" as ");
    push_type(out, &o.base);
    collate(out, o.collation.as_ref());
    if let Some(value) = &o.default {
        default(out, value);
    }
    if !o.nullable {
        out.push_str(" not null");
    }
    for (name, check) in &o.checks {
        out.push_str("\n  constraint ");
        push_ident(out, name);
        out.push_str(" check ");
        push_parens(out, &check.text, 2);
    }
}

pub(super) fn create_composite(out: &mut String, o: &Composite) {
    out.push_str("create type ");
    push_qualified(out, &o.schema, &o.name);
    out.push_str(" as (\n");
    separated(out, &o.fields, ",\n", |out, (name, ty, collation)| {
        out.push_str("  ");
        push_ident(out, name);
        out.push(' ');
        push_type(out, ty);
        collate(out, collation.as_ref());
    });
    out.push_str("\n)");
}

pub(super) fn create_sequence(out: &mut String, o: &Sequence) {
    out.push_str("create sequence ");
    push_qualified(out, &o.schema, &o.name);
    if let Some(ty) = &o.ty {
        out.push_str(" as ");
        push_type(out, ty);
    }
    sequence_options(out, &o.options);
}

pub(super) fn own_sequence(out: &mut String, o: &Sequence, owner: Option<&(TableName, SmolStr)>) {
    out.push_str("alter sequence ");
    push_qualified(out, &o.schema, &o.name);
    out.push_str(" owned by ");
    match owner {
        Some((table, column)) => {
            super::table_name(out, table);
            out.push('.');
            push_ident(out, column);
        }
        None => out.push_str("none"),
    }
}

/// ` start with 5 …`, or nothing.
pub(super) fn sequence_options(out: &mut String, o: &SequenceOptions) {
    let numbers = [
        (" start with ", o.start),
        (" increment by ", o.increment),
        (" minvalue ", o.min),
        (" maxvalue ", o.max),
        (" cache ", o.cache),
    ];
    for (word, value) in numbers {
        if let Some(value) = value {
            out.push_str(word);
            number(out, value);
        }
    }
    if o.cycle {
        out.push_str(" cycle");
    }
}

/// Drops a role unless another database of the cluster needs it.
pub(super) fn drop_role(out: &mut String, o: &Role) {
    let body = format!(
        "\nbegin\n  drop role {};\nexception\n  when dependent_objects_still_exist then\n    \
         raise notice 'role % stays: another database uses it', {};\nend\n",
        ident(&o.name),
        literal(&o.name)
    );
    out.push_str("do ");
    out.push_str(&dollar(&body));
}
