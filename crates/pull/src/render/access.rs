//! Policies and grants.

use super::{Item, Sort};
use crate::state::{Level, State};
use crate::text::Text;
use smol_str::SmolStr;
use specc_catalog::{Command, Entry, Grant, Kind, Object, ObjectId, Privilege, TableName};
use std::collections::BTreeMap;

/// A policy as a rule that is taken as it is.
pub(super) fn rule(state: &State<'_>, id: &ObjectId, text: &mut Text) {
    let Some(Object::Policy(o)) = state.entry(id).map(|e| &e.object) else { return };
    let level = state.level(id);
    text.says(id, |text| {
        text.doc(state.doc(id), "    ");
        text.push("    ").string(&o.name).push(if o.permissive { ": allow " } else { ": forbid " });
        text.push(match o.command {
            Command::All => "all",
            Command::Select => "select",
            Command::Insert => "insert",
            Command::Update => "update",
            Command::Delete => "delete",
        });
        if !o.roles.is_empty() {
            text.push(" to ").names(&o.roles);
        }
        if let Some(using) = &o.using {
            text.push(format!(" using ({})", state.expr_of(level, &using.text, &o.table)));
        }
        if let Some(check) = &o.check {
            text.push(format!(" with check ({})", state.expr_of(level, &check.text, &o.table)));
        }
        text.push("\n");
    });
}

/// Policies on tables that are not ours, and grants on the schema that every database has.
pub(super) fn others(state: &State<'_>, all: &mut Vec<Item>) {
    let public = ObjectId::new(Kind::Schema, "", "public");
    if state.entry(&public).is_none() {
        grants(state, &public, all);
    }
    let mut tables: BTreeMap<&TableName, Vec<&ObjectId>> = BTreeMap::new();
    for (id, entry) in state.catalog.iter() {
        if let Object::Policy(o) = &entry.object
            && state.is_typed(id)
            && !state.catalog.contains(&o.table.id())
        {
            tables.entry(&o.table).or_default().push(id);
        }
    }
    for (table, policies) in tables {
        let mut text = Text::default();
        text.push(format!("policy on {} {{\n", state.names.table(table)));
        policies.iter().for_each(|id| rule(state, id, &mut text));
        text.push("}");
        all.push(Item { id: policies[0].clone(), sort: Sort::Platform, text });
    }
    for (id, entry) in state.catalog.iter() {
        if let Object::Trigger(o) = &entry.object
            && state.is_typed(id)
            && !state.catalog.contains(&o.table.id())
            && !state.catalog.contains(&super::view_id(&o.table))
        {
            let mut text = Text::default();
            super::routine::trigger(state, id, o, true, &mut text);
            all.push(Item { id: id.clone(), sort: Sort::Platform, text });
        }
    }
}

/// The roles that an object's own `to` names, and the grants that this says: those of just this privilege.
pub(super) fn to(state: &State<'_>, on: &ObjectId, privilege: &str) -> (Vec<SmolStr>, Vec<ObjectId>) {
    let said = state.grants(on).iter().filter_map(|id| {
        let Object::Grant(o) = &state.entry(id)?.object else { return None };
        is_plain(state, id, o, privilege).then(|| (o.to.clone(), (*id).clone()))
    });
    said.unzip()
}

fn is_plain(state: &State<'_>, id: &ObjectId, o: &Grant, privilege: &str) -> bool {
    let [one] = o.privileges.as_slice() else { return false };
    state.level(id) == Level::Tidy && one.name == privilege && one.columns.is_empty() && !one.grantable
}

/// Grants and their roles.
type Grantees<'a> = Vec<(&'a ObjectId, &'a SmolStr)>;

/// Whose an object is, where it is not the project's.
pub(super) fn owner(state: &State<'_>, id: &ObjectId, entry: &Entry, all: &mut Vec<Item>) {
    let Some(owner) = &entry.owner else { return };
    let mut text = Text::default();
    text.says(id, |text| {
        text.push("owner ").name(owner);
        text.push(" of ").push(object(state, id));
    });
    all.push(Item { id: id.clone(), sort: Sort::Beside, text });
}

/// Statements for the grants on an object that it does not say itself; equal ones are one.
pub(super) fn grants(state: &State<'_>, on: &ObjectId, all: &mut Vec<Item>) {
    let mut groups: Vec<(Vec<&Privilege>, Grantees<'_>)> = Vec::new();
    for id in state.grants(on) {
        let Some(Object::Grant(o)) = state.entry(id).map(|e| &e.object) else { continue };
        let own = match on.kind {
            Kind::Function => is_plain(state, id, o, "execute"),
            Kind::View => is_plain(state, id, o, "select"),
            _ => false,
        };
        if own || !state.is_typed(id) {
            continue;
        }
        for grantable in [false, true] {
            let privileges: Vec<_> = o.privileges.iter().filter(|p| p.grantable == grantable).collect();
            if privileges.is_empty() {
                continue;
            }
            match groups.iter_mut().find(|(same, _)| *same == privileges) {
                Some((_, roles)) => roles.push((id, &o.to)),
                None => groups.push((privileges, vec![(id, &o.to)])),
            }
        }
    }
    for (privileges, roles) in groups {
        let mut text = Text::default();
        text.push("grant ");
        text.push(if is_all(on.kind, &privileges) {
            "all".to_owned()
        } else {
            privileges.iter().map(|p| privilege(p)).collect::<Vec<_>>().join(", ")
        });
        text.push(" on ").push(object(state, on)).push(" to ");
        for (n, (id, role)) in roles.iter().enumerate() {
            if n > 0 {
                text.push(", ");
            }
            text.says(id, |text| {
                text.name(role);
            });
        }
        if privileges[0].grantable {
            text.push(" with grant option");
        }
        let id = roles[0].0;
        text.marks.push((0, text.out.len(), id.clone()));
        all.push(Item { id: id.clone(), sort: Sort::Beside, text });
    }
}

fn privilege(privilege: &Privilege) -> String {
    let mut text = Text::default();
    text.push(privilege.name.as_str());
    if !privilege.columns.is_empty() {
        text.push(" (").names(&privilege.columns).push(")");
    }
    text.out
}

/// What `all` stands for.
fn is_all(kind: Kind, privileges: &[&Privilege]) -> bool {
    let kind = match kind {
        Kind::Table | Kind::View => "table",
        Kind::Sequence => "sequence",
        Kind::Schema => "schema",
        _ => return false,
    };
    let plain = |own: &&Privilege| own.columns.is_empty();
    privileges.iter().all(plain) && specc_facts::privileges(kind).eq(privileges.iter().map(|own| own.name.as_str()))
}

/// What is granted on: `schema "s"`, `function "f"(int)`.
fn object(state: &State<'_>, on: &ObjectId) -> String {
    let name = state.names.qualified(&on.schema, &on.name);
    match on.kind {
        Kind::Schema => format!("schema {}", crate::text::quoted(&on.name)),
        Kind::Function => {
            let Some(Object::Function(o)) = state.entry(on).map(|e| &e.object) else {
                return format!("function {name}");
            };
            let inputs = o.params.iter().filter(|p| p.mode != "out");
            let types: Vec<_> = inputs.map(|p| state.names.data_type(&p.ty)).collect();
            let word = if o.procedure { "procedure" } else { "function" };
            format!("{word} {name}({})", types.join(", "))
        }
        Kind::Sequence => format!("sequence {name}"),
        Kind::Enum | Kind::Composite | Kind::Domain => format!("type {name}"),
        _ => name,
    }
}
