//! Policies, grants and revokes.

use super::{columns, named, separated, table_name};
use crate::layout::push_parens;
use crate::quote::{dollar, ident, literal, push_ident};
use crate::statement::{Access, Named, Privileges};
use specc_catalog::{Command, Grant, Kind, Object, ObjectId, Policy, Privilege, Role};

pub(super) fn create_policy(out: &mut String, o: &Policy) {
    out.push_str("create policy ");
    push_ident(out, &o.name);
    out.push_str(" on ");
    table_name(out, &o.table);
    if !o.permissive {
        out.push_str("\n  as restrictive");
    }
    out.push_str("\n  for ");
    out.push_str(match o.command {
        Command::All => "all",
        Command::Select => "select",
        Command::Insert => "insert",
        Command::Update => "update",
        Command::Delete => "delete",
    });
    if !o.roles.is_empty() {
        out.push_str(" to ");
        names_of_roles(out, &o.roles);
    }
    if let Some(using) = &o.using {
        out.push_str("\n  using ");
        push_parens(out, &using.text, 2);
    }
    if let Some(check) = &o.check {
        out.push_str("\n  with check ");
        push_parens(out, &check.text, 2);
    }
}

/// Special roles are words, all others are names.
pub(super) fn names_of_roles<S: AsRef<str>>(out: &mut String, roles: &[S]) {
    separated(out, roles, ", ", |out, role| match role.as_ref() {
        role if specc_facts::ROLE_WORDS.contains(&role) => out.push_str(role),
        role => push_ident(out, role),
    });
}

pub(super) fn create_grant(out: &mut String, o: &Grant) {
    grant(out, &access_of(o));
}

/// A grant whose object is known by name only.
pub(super) fn access_of(o: &Grant) -> Access<'_> {
    Access { on: Named::Id(&o.on), privileges: Privileges::Some(&o.privileges), roles: vec![&o.to] }
}

/// One statement; two if some may be given on and others not.
pub(super) fn grant(out: &mut String, o: &Access<'_>) {
    let Privileges::Some(all) = o.privileges else {
        return one_grant(out, o, &[], false);
    };
    for grantable in [false, true] {
        let some: Vec<_> = all.iter().filter(|privilege| privilege.grantable == grantable).collect();
        if !some.is_empty() {
            one_grant(out, o, &some, grantable);
        }
    }
}

fn one_grant(out: &mut String, o: &Access<'_>, privileges: &[&Privilege], grantable: bool) {
    out.push_str("grant ");
    privilege_list(out, privileges);
    target(out, o.on);
    out.push_str(" to ");
    names_of_roles(out, &o.roles);
    out.push_str(if grantable { " with grant option;\n" } else { ";\n" });
}

pub(super) fn revoke(out: &mut String, o: &Access<'_>) {
    out.push_str("revoke ");
    match o.privileges {
        Privileges::All => privilege_list(out, &[]),
        Privileges::Some(some) => privilege_list(out, &some.iter().collect::<Vec<_>>()),
    }
    target(out, o.on);
    out.push_str(" from ");
    names_of_roles(out, &o.roles);
}

/// `select, update (a, b)`; none means all.
fn privilege_list(out: &mut String, privileges: &[&Privilege]) {
    if privileges.is_empty() {
        return out.push_str("all");
    }
    separated(out, privileges, ", ", |out, privilege| {
        out.push_str(&privilege.name);
        columns(out, &privilege.columns);
    });
}

/// ` on table public.events`
fn target(out: &mut String, on: Named<'_>) {
    out.push_str(" on ");
    match on {
        Named::Object(Object::View(o)) => {
            out.push_str("table ");
            table_name(out, &o.view);
        }
        Named::Object(Object::Domain(o)) => type_target(out, &o.schema, &o.name),
        Named::Id(ObjectId { kind: Kind::View, schema, name, .. }) => {
            out.push_str("table ");
            crate::quote::push_qualified(out, schema, name);
        }
        Named::Id(ObjectId { kind: Kind::Domain, schema, name, .. }) => type_target(out, schema, name),
        // Its id does not say whether it is a function or a procedure.
        Named::Id(id) if id.kind == Kind::Function => {
            out.push_str("routine ");
            super::signature(out, id);
        }
        other => named(out, other),
    }
}

fn type_target(out: &mut String, schema: &str, name: &str) {
    out.push_str("type ");
    crate::quote::push_qualified(out, schema, name);
}

/// `alter … owner to …`. Postgres wants the new owner to be allowed to create in the schema, unless a superuser asks.
pub(super) fn set_owner(out: &mut String, of: &Object, owner: Option<&str>, lend: bool) {
    let lent = owner.filter(|_| lend).map(|owner| (of.id().schema, owner));
    let say = |out: &mut String, words: [&str; 2]| {
        let Some((schema, owner)) = &lent else { return };
        out.push_str(words[0]);
        push_ident(out, schema);
        out.push_str(words[1]);
        push_ident(out, owner);
        out.push_str(";\n");
    };
    say(out, ["grant create on schema ", " to "]);
    out.push_str("alter ");
    named(out, Named::Object(of));
    out.push_str(" owner to ");
    match owner {
        Some(owner) => push_ident(out, owner),
        None => out.push_str("current_user"),
    }
    out.push_str(";\n");
    say(out, ["revoke create on schema ", " from "]);
}

/// Who gives something to a role has to be a member of it; who makes a role is not, before 16 and unless told so.
pub(super) fn join(out: &mut String, role: &Role) {
    let body = format!(
        "\nbegin\n  if not pg_catalog.pg_has_role({}, 'usage') then\n    grant {} to current_user;\n  end if;\nend\n",
        literal(&role.name),
        ident(&role.name)
    );
    out.push_str("do ");
    out.push_str(&dollar(&body));
    out.push_str(";\n");
}
