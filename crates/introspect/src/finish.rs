//! From what was found to a catalog in which nothing depends on chance.

use crate::expressions;
use crate::names::{self, NAMED};
use crate::owner::Schema;
use crate::reader::{CatalogReader, Slot};
use crate::text::{in_one_kind_of_lines, settled};
use crate::{Error, Introspected, LeftOut};
use rustc_hash::FxHashSet;
use smol_str::{SmolStr, format_smolstr};
use specc_catalog::{Body, Catalog, Entry, Kind, Object, ObjectId, order};

pub(crate) fn finish(reader: CatalogReader<'_>) -> Result<Introspected, Error> {
    let is_auth = |schema: &Schema| schema.name == "auth" && reader.role_name(schema.owner) == "supabase_auth_admin";
    let supabase = reader.schemas.values().any(|(schema, _)| is_auth(schema));
    let CatalogReader {
        transaction,
        entries,
        doubtful,
        mut left_out,
        mut invalid_indexes,
        default_grantees,
        version,
        ..
    } = reader;
    transaction.commit()?;
    let mut entries = without_doubtful(entries, &doubtful, &mut left_out);
    entries.sort_by_cached_key(|entry| entry.object.id());
    let known = known(&entries);
    let mut catalog = Catalog::new();
    catalog.default_grantees = default_grantees;
    catalog.reserve(entries.len());
    for mut entry in entries {
        settle(&mut entry.object);
        let mut id = entry.object.id();
        entry.depends.retain(|needed| needed.on != id && known.contains(&needed.on));
        entry.depends.sort();
        entry.depends.dedup();
        // For each thing the first reason is enough.
        entry.depends.dedup_by(|b, a| a.on == b.on);
        // Two blocks of one name are told apart by a number, in the order of what they say.
        let mut n = 1;
        while catalog.contains(&id) {
            let Object::Sql(block) = &mut entry.object else { break };
            n += 1;
            block.name = format_smolstr!("{} {n}", id.name);
            id = entry.object.id();
        }
        catalog.insert(entry);
    }
    names::resolve(&mut catalog);
    break_circles(&mut catalog);
    left_out.sort();
    invalid_indexes.sort();
    Ok(Introspected { catalog, invalid_indexes, left_out, supabase, server_version: version })
}

/// Spells every text of Postgres's as it is spelled for good.
fn settle(object: &mut Object) {
    let settle = |text: &mut SmolStr| {
        if let Some(settled) = settled(text) {
            *text = settled.into();
        }
        if let Some(plain) = in_one_kind_of_lines(text) {
            *text = plain.into();
        }
    };
    expressions::each(object, |expr, _| settle(&mut expr.text));
    match object {
        Object::View(view) => settle(&mut view.query),
        Object::Function(function) => {
            if let Body::Atomic(text) = &mut function.body {
                settle(text);
            }
        }
        Object::Sql(block) => settle(&mut block.up),
        _ => {}
    }
}

/// Everything that can be needed.
fn known(entries: &[Entry]) -> FxHashSet<ObjectId> {
    let mut known = FxHashSet::default();
    for entry in entries {
        known.insert(entry.object.id());
        if let Object::Sql(block) = &entry.object {
            known.extend(block.provides.iter().cloned());
        }
    }
    known
}

/// Leaves out extensions that the platform made and nothing of ours needs.
fn without_doubtful(entries: Vec<Entry>, doubtful: &[Slot], left_out: &mut Vec<LeftOut>) -> Vec<Entry> {
    let needed: FxHashSet<&ObjectId> = entries
        .iter()
        .flat_map(|entry| &entry.depends)
        .map(|needed| &needed.on)
        .filter(|id| id.kind == Kind::Extension)
        .collect();
    let drop: FxHashSet<usize> =
        doubtful.iter().map(|slot| slot.0).filter(|&slot| !needed.contains(&entries[slot].object.id())).collect();
    for slot in doubtful.iter().map(|slot| slot.0).filter(|slot| drop.contains(slot)) {
        let what = format_smolstr!("{}", entries[slot].object.id());
        left_out.push(LeftOut { what, why: "the platform made it, and nothing of the project needs it".into() });
    }
    entries.into_iter().enumerate().filter(|(n, _)| !drop.contains(n)).map(|(_, entry)| entry).collect()
}

/// A name in a text may be something else than it seems: where such needs run in a circle, they give way.
fn break_circles(catalog: &mut Catalog) {
    while let Err(circle) = order(catalog) {
        let mut broken = false;
        for (id, needed) in &circle.path {
            let Some(entry) = catalog.get_mut(id) else { continue };
            let before = entry.depends.len();
            entry.depends.retain(|d| d.on != needed.on || d.why != NAMED);
            broken |= entry.depends.len() < before;
        }
        if !broken {
            break;
        }
    }
}
