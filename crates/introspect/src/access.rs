//! Policies, and who may do what with each object.

use crate::Error;
use crate::acl::Given;
use crate::blocks::Block;
use crate::owner::Belongs;
use crate::reader::{CatalogReader, class, letter, maybe, name};
use crate::text::{bare, named_by_call};
use smol_str::{SmolStr, format_smolstr};
use specc_catalog::{Command, Dependency, Entry, Grant, Kind, ObjectId, Policy, Privilege, SqlExpr};
use specc_sql::quote;

const POLICIES: &str = "select p.oid, p.polrelid, p.polname::text, p.polpermissive, p.polcmd, p.polroles, \
      pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid) from pg_policy p";

/// Of views; those of tables are known.
const COLUMNS: &str = "select a.attrelid, a.attnum, a.attacl::text[] from pg_attribute a \
    where a.attrelid in (select c.oid from pg_class c where c.relkind in ('v', 'm') and c.oid >= 16384) \
      and a.attacl is not null and not a.attisdropped order by a.attrelid, a.attnum";

const TYPES: &str =
    "select t.oid, t.typowner, t.typacl::text[] from pg_type t where t.typacl is not null and t.oid >= 16384";

pub(crate) fn read(reader: &mut CatalogReader<'_>) -> Result<(), Error> {
    policies(reader)?;
    schemas(reader);
    relations(reader)?;
    routines(reader);
    types(reader)
}

fn policies(reader: &mut CatalogReader<'_>) -> Result<(), Error> {
    for row in reader.query(POLICIES, &[])? {
        let (oid, on): (u32, u32) = (row.get(0), row.get(1));
        let Some(relation) = reader.relations.get(&on) else { continue };
        if reader.members.contains_key(&(class::CLASS, on)) {
            continue;
        }
        let numbers: Vec<u32> = row.get(5);
        let mut roles: Vec<SmolStr> = numbers.iter().filter(|&&n| n != 0).map(|&n| reader.role_name(n)).collect();
        roles.sort();
        if numbers.contains(&0) {
            roles.clear();
        }
        let expr = |at: usize| maybe(&row, at).map(|text| SqlExpr::new(named_by_call(bare(&text))));
        let object = Policy {
            table: relation.table(),
            name: name(&row, 2),
            permissive: row.get(3),
            command: match letter(&row, 4) {
                'r' => Command::Select,
                'a' => Command::Insert,
                'w' => Command::Update,
                'd' => Command::Delete,
                _ => Command::All,
            },
            roles: roles.clone(),
            using: expr(6),
            check: expr(7),
        };
        reader.mentioned.extend(roles);
        reader.add((class::POLICY, oid), object);
    }
    Ok(())
}

/// Adds a grant for each grantee.
fn grant(reader: &mut CatalogReader<'_>, on: &ObjectId, given: Given, needs: Option<&Dependency>) {
    for (to, privileges) in given.finish() {
        reader.mentioned.insert(to.clone());
        if reader.is_above(&to) {
            continue;
        }
        let mut entry = Entry::new(Grant { on: on.clone(), to, privileges });
        entry.depends.extend(needs.cloned());
        reader.push(entry);
    }
}

/// Everyone may use `public`, and nobody but its owner any other schema.
fn schemas(reader: &mut CatalogReader<'_>) {
    let mut all: Vec<_> = reader.schemas.values().filter(|(_, belongs)| *belongs == Belongs::Ours).cloned().collect();
    all.sort_by(|a, b| a.0.name.cmp(&b.0.name));
    for (schema, _) in all {
        let (is_public, address) = (schema.name == "public", (class::NAMESPACE, schema.oid));
        let id = ObjectId::new(Kind::Schema, "", schema.name.clone());
        if is_public {
            public(reader, schema.oid);
        } else {
            reader.add(address, specc_catalog::Schema { name: schema.name.clone() });
        }
        let Some(acl) = schema.acl else { continue };
        let mut given = Given::default();
        given.add(&acl, &reader.role_name(schema.owner), None);
        if is_public {
            // Whoever owns the database, and the platform in its name.
            given.forget("pg_database_owner");
            given.forget(&reader.role_name(reader.owners.owner));
            for role in reader.owners.platform.clone() {
                given.forget(&role);
            }
            if !given.take("public", "usage") {
                let mut block = Block::new("no use of schema public by everyone");
                block.up("revoke usage on schema public from public").down("grant usage on schema public to public");
                block.add(reader);
            }
        }
        grant(reader, &id, given, None);
    }
}

/// What Postgres says of `public` in every new database.
const PUBLIC_COMMENT: &str = "standard public schema";

/// `public` is in every new database: only what is unusual about it is said.
fn public(reader: &mut CatalogReader<'_>, oid: u32) {
    let text = reader.comment((class::NAMESPACE, oid));
    if text.as_deref() == Some(PUBLIC_COMMENT) {
        return;
    }
    let text = text.map_or("null".into(), |text| quote::literal(&text));
    let mut block = Block::new("comment on schema public");
    block.up(format!("comment on schema public is {text}"));
    block.down(format!("comment on schema public is {}", quote::literal(PUBLIC_COMMENT))).add(reader);
}

fn relations(reader: &mut CatalogReader<'_>) -> Result<(), Error> {
    let mut columns = std::mem::take(&mut reader.column_access);
    for row in reader.query(COLUMNS, &[])? {
        columns.entry(row.get(0)).or_default().push((row.get(1), row.get(2)));
    }
    let mut all: Vec<u32> =
        reader.relations.iter().filter(|(_, relation)| relation.ours).map(|(oid, _)| *oid).collect();
    all.sort_unstable();
    for oid in all {
        let columns = columns.remove(&oid);
        let Some(relation) = reader.relations.get_mut(&oid) else { continue };
        let acl = relation.acl.take();
        if acl.is_none() && columns.is_none() {
            continue;
        }
        let relation = relation.clone();
        let owner = reader.role_name(relation.owner);
        let mut given = Given::default();
        given.add(&acl.unwrap_or_default(), &owner, None);
        for (number, acl) in columns.unwrap_or_default() {
            given.add(&acl, &owner, Some(&relation.column(number)));
        }
        let kind = match relation.kind {
            'S' => Kind::Sequence,
            'v' | 'm' => Kind::View,
            'c' => continue,
            _ => Kind::Table,
        };
        let id = ObjectId::new(kind, relation.schema.clone(), relation.name.clone());
        // The sequence of an identity column is no object of the catalog, and comes with its table.
        let table = reader.identity_sequences.get(&oid).and_then(|(table, _)| reader.relations.get(table));
        let needs =
            table.map(|table| Dependency::new(table.table().id(), "an identity column of it makes the sequence"));
        grant(reader, &id, given, needs.as_ref());
    }
    Ok(())
}

/// Everyone may call a function unless someone took that away.
fn routines(reader: &mut CatalogReader<'_>) {
    for (slot, owner, acl) in std::mem::take(&mut reader.routine_access) {
        let id = reader.entries[slot.0].object.id();
        let mut given = Given::default();
        match acl {
            Some(acl) => given.add(&acl, &reader.role_name(owner), None),
            None => given.add(&["=X/owner".into()], "owner", None),
        }
        grant(reader, &id, given, None);
    }
}

/// Everyone may use a type unless someone took that away.
fn types(reader: &mut CatalogReader<'_>) -> Result<(), Error> {
    for row in reader.query(TYPES, &[])? {
        let (oid, owner): (u32, u32) = (row.get(0), row.get(1));
        let Some(id) = reader.id_of((class::TYPE, oid)) else { continue };
        let Some(found) = reader.types.get(oid) else { continue };
        let quoted = quote::qualified(&reader.types.schema_name(found.schema), &found.name);
        let shown = format_smolstr!("{}.{}", reader.types.schema_name(found.schema), found.name);
        let mut given = Given::default();
        given.add(&row.get::<_, Vec<String>>(2), &reader.role_name(owner), None);
        if !given.take("public", "usage") {
            let mut block = Block::new(format_smolstr!("no use of type {shown} by everyone"));
            block.up(format!("revoke usage on type {quoted} from public"));
            block.down(format!("grant usage on type {quoted} to public"));
            block.needs(id.clone(), "it is said of this type").add(reader);
        }
        if id.kind != Kind::Sql {
            grant(reader, &id, given, None);
            continue;
        }
        for (to, privileges) in given.finish() {
            let mut block = Block::new(format_smolstr!("use of type {shown} by {to}"));
            let option = if privileges.iter().any(|privilege: &Privilege| privilege.grantable) {
                " with grant option"
            } else {
                ""
            };
            let role = if to == "public" { "public".into() } else { quote::ident(&to) };
            block.up(format!("grant usage on type {quoted} to {role}{option}"));
            block.down(format!("revoke usage on type {quoted} from {role}"));
            block.needs(id.clone(), "it is said of this type");
            block.needs(ObjectId::new(Kind::Role, "", to.clone()), "it is for this role").add(reader);
            reader.mentioned.insert(to);
        }
    }
    Ok(())
}
