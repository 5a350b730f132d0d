//! What objects need, as Postgres keeps it.

use crate::Error;
use crate::names::NAMED;
use crate::reader::{Address, Cast, CatalogReader, Slot, class};
use specc_catalog::{Dependency, Kind, Object, ObjectId};

/// What Postgres keeps is more than what is wanted here: a constraint's columns and an index's plain columns are in their
/// own rows. A view's needs are those of its rule, a column's those of its default.
const DEPENDS: &str = "select case when r.rulename = '_RETURN' then 1259 when a.oid is not null then 1259 else d.classid::int end, \
      coalesce(case when r.rulename = '_RETURN' then r.ev_class end, a.adrelid, d.objid), a.adnum, \
      d.refclassid, d.refobjid \
    from pg_depend d left join pg_rewrite r on d.classid = 2618 and r.oid = d.objid \
    left join pg_attrdef a on d.classid = 2604 and a.oid = d.objid \
    where d.deptype in ('n', 'a') and d.objid >= 16384 and d.refobjid >= 16384 \
      and d.classid not in (2615, 826) and d.refclassid not in (2615, 1418) \
      and (d.classid <> 2606 or d.refclassid <> 1259) \
      and (d.classid <> 1259 or d.refclassid <> 1259 \
        or d.objid in (select i.indexrelid from pg_index i where i.indexprs is not null or i.indpred is not null))";

pub(crate) fn read(reader: &mut CatalogReader<'_>) -> Result<(), Error> {
    for row in reader.query(DEPENDS, &[])? {
        let class = row.get::<_, i32>(0).unsigned_abs();
        let from: Address = (class, row.get(1));
        let Some(&slot) = reader.found.get(&from) else { continue };
        let on: Address = (row.get(3), row.get(4));
        if is_own(reader, slot, from, on) {
            continue;
        }
        // A published table says its publication.
        let Some(id) = resolve(reader, on).filter(|_| on.0 != class::PUBLICATION) else { continue };
        let entry = &reader.entries[slot.0];
        if !is_implied(&entry.object, &id, row.get::<_, Option<i16>>(2).is_some()) {
            let why = reason(&entry.object, &id);
            reader.entries[slot.0].depends.push(Dependency::new(id, why));
        }
    }
    casts(reader);
    Ok(())
}

/// Whoever calls a cast's function, or has to do with its types where it has none, may do so through the cast.
fn casts(reader: &mut CatalogReader<'_>) {
    for Cast { slot, function, ends } in std::mem::take(&mut reader.casts) {
        let function = function.map(|oid| (class::PROC, oid));
        let called = function.and_then(|address| resolve(reader, address));
        let types: Vec<ObjectId> = ends.iter().filter_map(|&oid| resolve(reader, (class::TYPE, oid))).collect();
        let own = function.and_then(|address| reader.found.get(&address).copied());
        let cast = reader.entries[slot.0].object.id();
        for (n, entry) in reader.entries.iter_mut().enumerate() {
            if n == slot.0 || own == Some(Slot(n)) {
                continue;
            }
            let depends_on = |id: &ObjectId| entry.depends.iter().any(|needed| needed.on == *id);
            let of_types =
                || types.iter().any(|id| depends_on(id) || entry.object.implied().iter().any(|n| n.on == *id));
            let uses = match (&called, &entry.object) {
                // What a text casts is not kept; one in another language is looked at when it runs.
                (_, Object::Function(function)) if !function.body.is_atomic() => {
                    function.language == "sql" && of_types()
                }
                (Some(called), _) => depends_on(called),
                (None, Object::Enum(_) | Object::Domain(_) | Object::Composite(_)) => false,
                (None, _) => of_types(),
            };
            if uses {
                entry.depends.push(Dependency::new(cast.clone(), NAMED));
            }
        }
    }
}

/// Whether what is needed is the table that the object is a part of.
fn is_own(reader: &CatalogReader<'_>, slot: Slot, from: Address, on: Address) -> bool {
    if on.0 != class::CLASS {
        return false;
    }
    let Some(relation) = reader.relations.get(&on.1) else { return false };
    from == on || reader.entries[slot.0].object.table().is_some_and(|table| *table == relation.table())
}

/// The object of the catalog that stands for one of Postgres's.
fn resolve(reader: &CatalogReader<'_>, mut on: Address) -> Option<ObjectId> {
    if let Some(id) = reader.id_of(on) {
        return Some(id);
    }
    if on.0 == class::TYPE {
        let mut found = reader.types.get(on.1)?;
        if let Some(element) = found.element {
            on = (class::TYPE, element);
            found = reader.types.get(element)?;
        }
        if found.relation != 0 {
            on = (class::CLASS, found.relation);
        }
    }
    if let Some((table, _)) = reader.identity_sequences.get(&on.1).filter(|_| on.0 == class::CLASS) {
        on = (class::CLASS, *table);
    }
    if let Some(extension) = reader.members.get(&on) {
        return reader.id_of((class::EXTENSION, *extension));
    }
    reader.id_of(on)
}

/// Whether the object's structure says it already.
fn is_implied(object: &Object, on: &ObjectId, in_default: bool) -> bool {
    let is_type = matches!(on.kind, Kind::Enum | Kind::Domain | Kind::Composite);
    match object {
        Object::Table(table) if is_type => {
            !in_default || table.columns.iter().any(|c| c.ty.schema == on.schema && c.ty.name == on.name)
        }
        Object::Trigger(trigger) => {
            on.kind == Kind::Function && on.schema == trigger.function.schema && on.name == trigger.function.name
        }
        Object::Sequence(_) | Object::Publication(_) => true,
        Object::Function(_) | Object::Domain(_) | Object::Composite(_) => {
            object.implied().iter().any(|implied| implied.on == *on)
        }
        _ => false,
    }
}

/// In words, after "needs … because".
fn reason(object: &Object, on: &ObjectId) -> &'static str {
    match (object, on.kind) {
        (_, Kind::Extension) => "it uses what this extension brings",
        (Object::View(_), _) => "its query reads or calls it",
        (Object::Function(_), _) => "its body reads or calls it",
        (Object::Policy(_) | Object::Trigger(_), _) => "its condition reads or calls it",
        (Object::Table(_), _) => "a default or computed column uses it",
        (Object::Constraint(_), _) => "its condition uses it",
        (Object::Index(_), _) => "its keys or condition use it",
        (Object::Domain(_), _) => "its default or a check uses it",
        (Object::PublicationTable(_), _) => "its filter uses it",
        (Object::Sql(_), _) => "the block uses it",
        _ => "it uses it",
    }
}
