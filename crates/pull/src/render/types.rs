//! Schemas, extensions, roles, types, sequences; buckets, jobs and published tables.

use super::{Item, Sort};
use crate::state::State;
use crate::text::{Names, Text, body, quoted, string};
use specc_catalog::{DataType, Kind, Object, ObjectId, SequenceOptions};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// Roles and types that the catalog names and does not make.
pub(super) fn outside(state: &State<'_>, all: &mut Vec<Item>) {
    let mut roles = BTreeSet::new();
    let mut types = BTreeSet::new();
    for (_, entry) in state.catalog.iter() {
        roles.extend(entry.owner.clone());
        match &entry.object {
            Object::Policy(o) => roles.extend(o.roles.iter().cloned()),
            Object::Grant(o) => drop(roles.insert(o.to.clone())),
            Object::Role(o) => roles.extend(o.member_of.iter().cloned()),
            _ => {}
        }
        each_type(&entry.object, &mut |ty| {
            let own = [Kind::Enum, Kind::Domain, Kind::Composite, Kind::Table, Kind::View, Kind::Sequence];
            let known = |kind| state.catalog.contains(&ObjectId::new(kind, ty.schema.clone(), ty.name.clone()));
            let provided = state.provided.contains(&(ty.schema.clone(), ty.name.clone()));
            if !ty.schema.is_empty() && !own.into_iter().any(known) && !provided {
                types.insert((ty.schema.clone(), ty.name.clone()));
            }
        });
    }
    let known = |role: &str| {
        role == "public"
            || role.starts_with("pg_")
            || state.platform_roles.contains(role)
            || state.catalog.contains(&ObjectId::new(Kind::Role, "", role))
    };
    for role in roles.iter().filter(|role| !known(role)) {
        let text = Text { out: format!("external role {}", quoted(role)), marks: Vec::new() };
        all.push(Item { id: ObjectId::new(Kind::Role, "", role.clone()), sort: Sort::Type, text });
    }
    for (schema, name) in types {
        let text = format!("external type {}", state.names.qualified(&schema, &name));
        let id = ObjectId::new(Kind::Composite, schema, name);
        all.push(Item { id, sort: Sort::Type, text: Text { out: text, marks: Vec::new() } });
    }
}

fn each_type(object: &Object, each: &mut impl FnMut(&DataType)) {
    match object {
        Object::Domain(o) => each(&o.base),
        Object::Composite(o) => o.fields.iter().for_each(|(_, ty, _)| each(ty)),
        Object::Table(o) => o.columns.iter().for_each(|c| each(&c.ty)),
        Object::Function(o) => {
            o.params.iter().for_each(|p| each(&p.ty));
            match &o.returns {
                Some(specc_catalog::Returns::Type(ty) | specc_catalog::Returns::SetOf(ty)) => each(ty),
                Some(specc_catalog::Returns::Table(columns)) => columns.iter().for_each(|(_, ty)| each(ty)),
                None => {}
            }
        }
        _ => {}
    }
}

pub(super) fn item(state: &State<'_>, id: &ObjectId, object: &Object, text: &mut Text) {
    let level = state.level(id);
    let doc = state.doc(id);
    text.says(id, |text| {
        text.doc(doc, "");
        match object {
            Object::Schema(o) => {
                text.push("schema ").name(&o.name);
            }
            Object::Extension(o) => {
                text.push("extension ").name(&o.name);
                if !o.schema.is_empty() {
                    text.push(" in ").name(&o.schema);
                }
                if let Some(version) = &o.version {
                    text.push(" version ").string(version);
                }
            }
            Object::Role(o) => {
                text.push("role ").name(&o.name);
                for option in &o.options {
                    text.push(format!(" {option}"));
                }
                if !o.member_of.is_empty() {
                    text.push(" in ").names(&o.member_of);
                }
            }
            Object::Enum(o) => {
                let labels: Vec<_> = o.labels.iter().map(|l| string(l)).collect();
                text.push(format!("enum {} {{ {} }}", state.names.qualified(&o.schema, &o.name), labels.join(", ")));
            }
            Object::Domain(o) => {
                let optional = if o.nullable { "?" } else { "" };
                text.push(format!(
                    "domain {}: {}{optional}",
                    state.names.qualified(&o.schema, &o.name),
                    state.names.data_type(&o.base)
                ));
                if let Some(collation) = &o.collation {
                    text.push(format!(" collate {}", Names::bare(collation)));
                }
                if let Some(default) = &o.default {
                    text.push(format!(" = {}", state.expr(level, &default.text, Some(&o.base))));
                }
                if !o.checks.is_empty() {
                    text.push(" {\n");
                    for (name, check) in &o.checks {
                        let check = state.expr(level, &check.text, None);
                        text.push(format!("  check {}: {check}\n", quoted(name)));
                    }
                    text.push("}");
                }
            }
            Object::Composite(o) => {
                text.push(format!("composite {} {{\n", state.names.qualified(&o.schema, &o.name)));
                for (name, ty, collation) in &o.fields {
                    text.push(format!("  {}: {}", quoted(name), state.names.data_type(ty)));
                    if let Some(collation) = collation {
                        text.push(format!(" collate {}", Names::bare(collation)));
                    }
                    text.push("\n");
                }
                text.push("}");
            }
            Object::Sequence(o) => {
                text.push(format!("sequence {}", state.names.qualified(&o.schema, &o.name)));
                if let Some(ty) = &o.ty {
                    text.push(format!(": {}", state.names.data_type(ty)));
                }
                let mut options = counting(&o.options);
                if let Some((table, column)) = &o.owned_by {
                    let _ = write!(options, " owned by {}.{}", state.names.table(table), quoted(column));
                }
                if !options.trim().is_empty() {
                    text.push(format!(" {{ {} }}", options.trim()));
                }
            }
            _ => {}
        }
    });
}

/// `start 5 increment 2`
pub(super) fn counting(options: &SequenceOptions) -> String {
    let all = [
        ("start", options.start),
        ("increment", options.increment),
        ("min", options.min),
        ("max", options.max),
        ("cache", options.cache),
    ];
    let mut words: Vec<_> = all.into_iter().filter_map(|(word, value)| Some(format!("{word} {}", value?))).collect();
    words.extend(options.cycle.then(|| "cycle".to_owned()));
    words.join(" ")
}

pub(super) fn platform(id: &ObjectId, object: &Object, text: &mut Text) {
    text.says(id, |text| match object {
        Object::Bucket(o) => {
            text.push("bucket ").string(&o.id).push(" {\n");
            if o.public {
                text.push("  public\n");
            }
            if let Some(size) = o.size_limit {
                let units = [(1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "KB")];
                let (factor, unit) = units.into_iter().find(|(f, _)| size >= *f && size % f == 0).unwrap_or((1, "B"));
                text.push(format!("  size {} {unit}\n", size / factor));
            }
            if !o.mime_types.is_empty() {
                let types: Vec<_> = o.mime_types.iter().map(|m| string(m)).collect();
                text.push(format!("  mime {}\n", types.join(", ")));
            }
            text.push("}");
        }
        Object::Job(o) => {
            text.push(format!(
                "schedule {} {} as {}",
                string(&o.name),
                string(&o.schedule),
                body(&format!("\n{}\n", o.command.trim()))
            ));
        }
        _ => {}
    });
}

/// The tables of `supabase_realtime` in one block.
pub(super) fn realtime(state: &State<'_>, all: &mut Vec<Item>) {
    let mut text = Text::default();
    let mut first = None;
    for (id, entry) in state.catalog.iter() {
        let Object::PublicationTable(o) = &entry.object else { continue };
        if !state.is_typed(id) {
            continue;
        }
        first.get_or_insert_with(|| id.clone());
        text.says(id, |text| {
            text.push(format!("  {}", state.names.table(&o.table)));
            if !o.columns.is_empty() {
                text.push(" (").names(&o.columns).push(")");
            }
            if let Some(filter) = &o.filter {
                // In brackets: the next line must not be read on.
                let filter = state.expr(state.level(id), &filter.text, None);
                text.push(format!(" where ({filter})"));
            }
            text.push("\n");
        });
    }
    let Some(id) = first else { return };
    let mut block = Text::default();
    block.push("realtime {\n");
    block.append(&text);
    block.push("}");
    all.push(Item { id, sort: Sort::Platform, text: block });
}
