//! Policies, and who may do what with each object.

use crate::Error;
use crate::acl::Given;
use crate::blocks::Block;
use crate::owner::Belongs;
use crate::text::bare;
use crate::world::{World, class, letter, maybe, name};
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

pub(crate) fn read(world: &mut World<'_>) -> Result<(), Error> {
    policies(world)?;
    schemas(world);
    relations(world)?;
    routines(world);
    types(world)
}

fn policies(world: &mut World<'_>) -> Result<(), Error> {
    for row in world.query(POLICIES, &[])? {
        let (oid, on): (u32, u32) = (row.get(0), row.get(1));
        let Some(relation) = world.relations.get(&on) else { continue };
        if world.members.contains_key(&(class::CLASS, on)) {
            continue;
        }
        let numbers: Vec<u32> = row.get(5);
        let mut roles: Vec<SmolStr> = numbers.iter().filter(|&&n| n != 0).map(|&n| world.role_name(n)).collect();
        roles.sort();
        if numbers.contains(&0) {
            roles.clear();
        }
        let expr = |at: usize| maybe(&row, at).map(|text| SqlExpr::new(bare(&text)));
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
        world.mentioned.extend(roles);
        world.add((class::POLICY, oid), object);
    }
    Ok(())
}

/// Adds a grant for each grantee.
fn grant(world: &mut World<'_>, on: &ObjectId, given: Given, needs: Option<&Dependency>) {
    for (to, privileges) in given.finish() {
        world.mentioned.insert(to.clone());
        if is_above(world, &to) {
            continue;
        }
        let mut entry = Entry::new(Grant { on: on.clone(), to, privileges });
        entry.depends.extend(needs.cloned());
        world.push(entry);
    }
}

/// Whether a role is a superuser: what it is granted adds nothing.
fn is_above(world: &World<'_>, name: &str) -> bool {
    world.roles.values().any(|role| role.superuser && role.name == name)
}

/// Everyone may use `public`, and nobody but its owner any other schema.
fn schemas(world: &mut World<'_>) {
    let mut all: Vec<_> = world.schemas.values().filter(|(_, belongs)| *belongs == Belongs::Ours).cloned().collect();
    all.sort_by(|a, b| a.0.name.cmp(&b.0.name));
    for (schema, _) in all {
        let (is_public, address) = (schema.name == "public", (class::NAMESPACE, schema.oid));
        let id = ObjectId::new(Kind::Schema, "", schema.name.clone());
        if is_public {
            public(world, schema.oid);
        } else {
            world.add(address, specc_catalog::Schema { name: schema.name.clone() });
        }
        let Some(acl) = schema.acl else { continue };
        let mut given = Given::default();
        given.add(&acl, &world.role_name(schema.owner), None);
        if is_public {
            // Whoever owns the database, and the platform in its name.
            given.forget("pg_database_owner");
            given.forget(&world.role_name(world.owners.owner));
            for role in world.owners.platform.clone() {
                given.forget(&role);
            }
            if !given.take("public", "usage") {
                let mut block = Block::new("no use of schema public by everyone");
                block.up("revoke usage on schema public from public").down("grant usage on schema public to public");
                block.add(world);
            }
        }
        grant(world, &id, given, None);
    }
}

/// What Postgres says of `public` in every new database.
const PUBLIC_COMMENT: &str = "standard public schema";

/// `public` is in every new database: only what is unusual about it is said.
fn public(world: &mut World<'_>, oid: u32) {
    let text = world.comment((class::NAMESPACE, oid));
    if text.as_deref() == Some(PUBLIC_COMMENT) {
        return;
    }
    let text = text.map_or("null".into(), |text| quote::literal(&text));
    let mut block = Block::new("comment on schema public");
    block.up(format!("comment on schema public is {text}"));
    block.down(format!("comment on schema public is {}", quote::literal(PUBLIC_COMMENT))).add(world);
}

fn relations(world: &mut World<'_>) -> Result<(), Error> {
    let mut columns = std::mem::take(&mut world.column_access);
    for row in world.query(COLUMNS, &[])? {
        columns.entry(row.get(0)).or_default().push((row.get(1), row.get(2)));
    }
    let mut all: Vec<u32> = world.relations.iter().filter(|(_, relation)| relation.ours).map(|(oid, _)| *oid).collect();
    all.sort_unstable();
    for oid in all {
        let columns = columns.remove(&oid);
        let Some(relation) = world.relations.get_mut(&oid) else { continue };
        let acl = relation.acl.take();
        if acl.is_none() && columns.is_none() {
            continue;
        }
        let relation = relation.clone();
        let owner = world.role_name(relation.owner);
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
        let table = world.identity_sequences.get(&oid).and_then(|(table, _)| world.relations.get(table));
        let needs =
            table.map(|table| Dependency::new(table.table().id(), "an identity column of it makes the sequence"));
        grant(world, &id, given, needs.as_ref());
    }
    Ok(())
}

/// Everyone may call a function unless someone took that away.
fn routines(world: &mut World<'_>) {
    for (slot, owner, acl) in std::mem::take(&mut world.routine_access) {
        let id = world.entries[slot.0].object.id();
        let mut given = Given::default();
        match acl {
            Some(acl) => given.add(&acl, &world.role_name(owner), None),
            None => given.add(&["=X/owner".into()], "owner", None),
        }
        grant(world, &id, given, None);
    }
}

/// Everyone may use a type unless someone took that away.
fn types(world: &mut World<'_>) -> Result<(), Error> {
    for row in world.query(TYPES, &[])? {
        let (oid, owner): (u32, u32) = (row.get(0), row.get(1));
        let Some(id) = world.id_of((class::TYPE, oid)) else { continue };
        let Some(found) = world.types.get(oid) else { continue };
        let quoted = quote::qualified(&world.types.schema_name(found.schema), &found.name);
        let shown = format_smolstr!("{}.{}", world.types.schema_name(found.schema), found.name);
        let mut given = Given::default();
        given.add(&row.get::<_, Vec<String>>(2), &world.role_name(owner), None);
        if !given.take("public", "usage") {
            let mut block = Block::new(format_smolstr!("no use of type {shown} by everyone"));
            block.up(format!("revoke usage on type {quoted} from public"));
            block.down(format!("grant usage on type {quoted} to public"));
            block.needs(id.clone(), "it is said of this type").add(world);
        }
        if id.kind != Kind::Sql {
            grant(world, &id, given, None);
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
            block.needs(ObjectId::new(Kind::Role, "", to.clone()), "it is for this role").add(world);
            world.mentioned.insert(to);
        }
    }
    Ok(())
}
