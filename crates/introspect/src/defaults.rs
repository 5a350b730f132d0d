//! Default privileges: what new objects of a role are open to.
//!
//! They are blocks, one for each role, schema, kind of object and grantee. Whoever is given something by the defaults of
//! the database's owner is also one of the catalog's default grantees: a plan takes from each of them what a new object
//! came with.

use crate::Error;
use crate::acl;
use crate::blocks::Block;
use crate::owner::Belongs;
use crate::reader::{CatalogReader, Slot};
use smol_str::{SmolStr, format_smolstr};
use specc_catalog::{Entry, Grantees, Kind, Object, ObjectId};
use specc_sql::quote;
use std::collections::{BTreeMap, BTreeSet};

const DEFAULTS: &str = "select d.oid, d.defaclrole, d.defaclnamespace, d.defaclobjtype, d.defaclacl::text[], \
      case when d.defaclnamespace = 0 then \
        acldefault(case when d.defaclobjtype = 'S' then 's' else d.defaclobjtype end, d.defaclrole)::text[] end \
    from pg_default_acl d";

/// What a platform of today leaves to its roles on tables of `public`.
const PLATFORM_REST: [&str; 3] = ["references", "trigger", "truncate"];

/// Privileges, each with whether it may be given on, by grantee.
type Held = BTreeMap<SmolStr, BTreeSet<(&'static str, bool)>>;

fn held(acl: &[String]) -> Held {
    let mut held = Held::new();
    for item in acl.iter().filter_map(|text| acl::item(text)) {
        held.entry(item.grantee).or_default().extend(item.privileges);
    }
    held
}

pub(crate) fn read(reader: &mut CatalogReader<'_>) -> Result<(), Error> {
    let mut grantees = BTreeSet::new();
    let [mut objects, mut types, mut sequences, mut schemas] = [const { BTreeSet::new() }; 4];
    let mut made = Vec::new();
    for row in reader.query(DEFAULTS, &[])? {
        let (role, schema): (u32, u32) = (row.get(1), row.get(2));
        let owner = reader.role_name(role);
        let by_us = role == reader.owners.owner;
        let by_me = role == reader.owners.connected;
        let place = reader.schemas.get(&schema);
        let theirs = !by_us && reader.owners.platform.contains(&owner);
        if theirs && !by_me || schema != 0 && place.is_none_or(|(_, belongs)| matches!(belongs, Belongs::Theirs(_))) {
            continue;
        }
        let schema = place.map(|(schema, _)| schema.name.clone()).unwrap_or_default();
        let kind = match crate::reader::letter(&row, 3) {
            'r' => "tables",
            'S' => "sequences",
            'f' => "functions",
            'T' => "types",
            'n' => "schemas",
            _ => "large objects",
        };
        let now = held(&row.get::<_, Vec<String>>(4));
        let usual = held(&row.get::<_, Option<Vec<String>>>(5).unwrap_or_default());
        let all: BTreeSet<&SmolStr> = now.keys().chain(usual.keys()).collect();
        for grantee in all {
            let empty = BTreeSet::new();
            let (has, had) = (now.get(grantee).unwrap_or(&empty), usual.get(grantee).unwrap_or(&empty));
            let mut added: Vec<_> = has.difference(had).copied().collect();
            let removed: Vec<_> = had.difference(has).copied().collect();
            if (by_us || by_me) && !added.is_empty() && *grantee != owner {
                grantees.insert(grantee.clone());
                if kind == "sequences" && !theirs {
                    sequences.insert(grantee.clone());
                }
                match kind {
                    // Everyone may use a type anyway.
                    "types" if *grantee == "public" => {}
                    "types" => drop(types.insert(grantee.clone())),
                    "schemas" => drop(schemas.insert(grantee.clone())),
                    _ => drop(objects.insert(grantee.clone())),
                }
            }
            let platform = reader.owners.platform.contains(grantee);
            if by_us && platform && schema == "public" && kind == "tables" {
                added.retain(|(privilege, grantable)| *grantable || !PLATFORM_REST.contains(privilege));
            }
            if theirs {
                continue;
            }
            let place = Place { owner: &owner, by_me, schema: &schema, kind, grantee };
            made.extend(block(reader, &place, &added, &removed));
        }
    }
    last(reader, &made);
    let above = |name: &SmolStr| reader.roles.values().any(|role| role.superuser && role.name == *name);
    let [objects, types, sequences, schemas] =
        [objects, types, sequences, schemas].map(|roles| roles.into_iter().filter(|name| !above(name)).collect());
    reader.default_grantees = Grantees { objects, types, sequences, schemas };
    reader.mentioned.extend(grantees);
    Ok(())
}

/// Whose defaults, and for whom.
struct Place<'a> {
    owner: &'a SmolStr,
    by_me: bool,
    schema: &'a SmolStr,
    kind: &'static str,
    grantee: &'a SmolStr,
}

fn block(
    reader: &mut CatalogReader<'_>,
    place: &Place<'_>,
    added: &[(&str, bool)],
    removed: &[(&str, bool)],
) -> Option<Slot> {
    let Place { owner, by_me, schema, kind, grantee } = place;
    let itself = *grantee == *owner;
    let to = match grantee.as_str() {
        "public" => "public".into(),
        _ if itself && *by_me => "current_user".into(),
        name => quote::ident(name),
    };
    let mut name = String::from("default privileges");
    let mut head = String::from("alter default privileges");
    if !by_me {
        name.push_str(&format!(" of {owner}"));
        head.push_str(&format!(" for role {}", quote::ident(owner)));
    }
    if !schema.is_empty() {
        name.push_str(&format!(" in {schema}"));
        head.push_str(&format!(" in schema {}", quote::ident(schema)));
    }
    let shown = if itself { "the owner" } else { grantee.as_str() };
    let mut block = Block::new(format_smolstr!("{name}: {kind} to {shown}"));
    let words = |all: &[(&str, bool)], grantable: bool| {
        let words: Vec<_> = all.iter().filter(|one| one.1 == grantable).map(|one| one.0).collect();
        words.join(", ")
    };
    let mut any = false;
    for grantable in [false, true] {
        let option = if grantable { " with grant option" } else { "" };
        let (more, less) = (words(added, grantable), words(removed, grantable));
        if !less.is_empty() {
            block.up(format!("{head} revoke {less} on {kind} from {to}"));
            block.down(format!("{head} grant {less} on {kind} to {to}{option}"));
            any = true;
        }
        if !more.is_empty() {
            block.up(format!("{head} grant {more} on {kind} to {to}{option}"));
            block.down(format!("{head} revoke {more} on {kind} from {to}"));
            any = true;
        }
    }
    if !any {
        return None;
    }
    if !schema.is_empty() {
        block.needs(ObjectId::new(Kind::Schema, "", (*schema).clone()), "they are for this schema");
    }
    for role in [*owner, *grantee] {
        block.needs(ObjectId::new(Kind::Role, "", role.clone()), "they are about this role");
        reader.mentioned.insert(role.clone());
    }
    Some(block.add(reader))
}

/// What blocks make is made before, so that it comes with what it has and no more.
fn last(reader: &mut CatalogReader<'_>, made: &[Slot]) {
    let provides = |entry: &&Entry| match &entry.object {
        Object::Sql(block) => block.provides.iter().any(|id| matches!(id.kind, Kind::Function | Kind::Table)),
        _ => false,
    };
    let before: Vec<ObjectId> = reader.entries.iter().filter(provides).map(|entry| entry.object.id()).collect();
    for &slot in made {
        for id in &before {
            reader.need(slot, id.clone(), "what is there already keeps what it has");
        }
    }
}
