//! Enums, domains, composites, and range types as blocks.

use crate::Error;
use crate::blocks::Block;
use crate::reader::{CatalogReader, class, maybe, name};
use crate::text::bare;
use rustc_hash::FxHashMap;
use smol_str::{SmolStr, format_smolstr};
use specc_catalog::{Composite, Domain, Enum, Kind, ObjectId, SqlExpr};
use specc_sql::quote;
use std::fmt::Write as _;

const ENUMS: &str = "select t.oid, t.typnamespace, t.typowner, t.typname::text, \
      coalesce(array_agg(e.enumlabel::text order by e.enumsortorder) filter (where e.oid is not null), '{}') \
    from pg_type t left join pg_enum e on e.enumtypid = t.oid \
    where t.typtype = 'e' and t.oid >= 16384 group by t.oid";

const DOMAINS: &str = "select t.oid, t.typnamespace, t.typowner, t.typname::text, t.typbasetype, t.typtypmod, \
      case when t.typtypmod >= 0 then format_type(t.typbasetype, t.typtypmod) end, t.typnotnull, t.typcollation, \
      pg_get_expr(t.typdefaultbin, 0) \
    from pg_type t where t.typtype = 'd' and t.oid >= 16384";

const DOMAIN_CHECKS: &str = "select k.contypid, k.oid, k.conname::text, pg_get_expr(k.conbin, 0), k.convalidated \
    from pg_constraint k where k.contypid <> 0 and k.contype = 'c' order by k.conname collate \"C\"";

const COMPOSITES: &str = "select c.oid, c.reltype, c.relnamespace, c.relowner, a.attname::text, a.attnum, a.atttypid, a.atttypmod, \
      case when a.atttypmod >= 0 then format_type(a.atttypid, a.atttypmod) end, a.attcollation \
    from pg_class c left join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped \
    where c.relkind = 'c' and c.oid >= 16384 order by c.oid, a.attnum";

const RANGES: &str = "select t.oid, t.typnamespace, t.typowner, t.typname::text, m.oid, m.typname::text, r.rngsubtype, \
      r.rngcollation, r.rngsubopc, nullif(r.rngcanonical::oid, 0)::regproc::text, nullif(r.rngsubdiff::oid, 0)::regproc::text \
    from pg_range r join pg_type t on t.oid = r.rngtypid join pg_type m on m.oid = r.rngmultitypid \
    where t.oid >= 16384";

const BASES: &str = "select t.oid, t.typnamespace, t.typowner, format_type(t.oid, null) from pg_type t \
    where t.typtype in ('b', 'p') and t.oid >= 16384 \
      and not exists (select from pg_type e where e.typarray = t.oid)";

pub(crate) fn read(reader: &mut CatalogReader<'_>) -> Result<(), Error> {
    enums(reader)?;
    domains(reader)?;
    composites(reader)?;
    ranges(reader)?;
    for row in reader.query(BASES, &[])? {
        if reader.is_ours(row.get(1), row.get(2), (class::TYPE, row.get(0))) {
            reader.leave_out(format_smolstr!("type {}", name(&row, 3)), "a base type is made by a program in C");
        }
    }
    Ok(())
}

fn enums(reader: &mut CatalogReader<'_>) -> Result<(), Error> {
    for row in reader.query(ENUMS, &[])? {
        let (oid, schema) = (row.get(0), row.get(1));
        if reader.is_ours(schema, row.get(2), (class::TYPE, oid)) {
            let labels = row.get::<_, Vec<&str>>(4).into_iter().map(Into::into).collect();
            reader.add((class::TYPE, oid), Enum { schema: reader.schema_name(schema), name: name(&row, 3), labels });
        }
    }
    Ok(())
}

fn domains(reader: &mut CatalogReader<'_>) -> Result<(), Error> {
    let mut checks: FxHashMap<u32, Vec<(u32, SmolStr, SqlExpr, bool)>> = FxHashMap::default();
    for row in reader.query(DOMAIN_CHECKS, &[])? {
        let check = (row.get(1), name(&row, 2), SqlExpr::new(bare(row.get(3))), row.get(4));
        checks.entry(row.get(0)).or_default().push(check);
    }
    for row in reader.query(DOMAINS, &[])? {
        let (oid, schema, base): (u32, u32, u32) = (row.get(0), row.get(1), row.get(4));
        if !reader.is_ours(schema, row.get(2), (class::TYPE, oid)) {
            continue;
        }
        let all = checks.remove(&oid).unwrap_or_default();
        let domain = Domain {
            schema: reader.schema_name(schema),
            name: name(&row, 3),
            base: reader.types.data_type(base, row.get(5), row.get(6)),
            nullable: !row.get::<_, bool>(7),
            collation: reader.types.collation(row.get(8), reader.types.collation_of(base)),
            default: maybe(&row, 9).map(SqlExpr::new),
            checks: all.iter().filter(|check| check.3).map(|(_, name, expr, _)| (name.clone(), expr.clone())).collect(),
        };
        let quoted = quote::qualified(&domain.schema, &domain.name);
        let slot = reader.add((class::TYPE, oid), domain);
        let id = reader.entries[slot.0].object.id();
        for (check, name, expr, valid) in all {
            let address = (class::CONSTRAINT, check);
            reader.found.insert(address, slot);
            let ident = quote::ident(&name).into_owned();
            if !valid {
                let mut block = Block::new(format_smolstr!("constraint {name} on domain {}.{}", id.schema, id.name));
                block.up(format!("alter domain {quoted} add constraint {ident} check ({}) not valid", expr.text));
                block.down(format!("alter domain {quoted} drop constraint {ident}"));
                block.needs(id.clone(), "it is a constraint of this domain").add(reader);
            }
            if let Some(text) = reader.comment(address) {
                let mut block =
                    Block::new(format_smolstr!("comment on constraint {name} of domain {}.{}", id.schema, id.name));
                block.comment(&format!("constraint {ident} on domain {quoted}"), &text);
                block.needs(id.clone(), "it is said of this domain").add(reader);
            }
        }
    }
    Ok(())
}

fn composites(reader: &mut CatalogReader<'_>) -> Result<(), Error> {
    let rows = reader.query(COMPOSITES, &[])?;
    let mut last = None;
    for row in &rows {
        let (oid, row_type, schema): (u32, u32, u32) = (row.get(0), row.get(1), row.get(2));
        if !reader.is_ours(schema, row.get(3), (class::TYPE, row_type)) {
            continue;
        }
        let (schema, relation) = (reader.schema_name(schema), reader.relations.get(&oid).map(|r| r.name.clone()));
        let relation = relation.unwrap_or_default();
        let slot = match last {
            Some((known, slot)) if known == oid => slot,
            _ => {
                let object = Composite { schema: schema.clone(), name: relation.clone(), fields: Vec::new() };
                let slot = reader.add((class::TYPE, row_type), object);
                reader.found.insert((class::CLASS, oid), slot);
                last = Some((oid, slot));
                slot
            }
        };
        let Some(field) = maybe(row, 4) else { continue };
        let ty: u32 = row.get(6);
        let collation = reader.types.collation(row.get(9), reader.types.collation_of(ty));
        let data_type = reader.types.data_type(ty, row.get(7), row.get(8));
        if let specc_catalog::Object::Composite(composite) = &mut reader.entries[slot.0].object {
            composite.fields.push((field.clone(), data_type, collation));
        }
        if let Some(text) = reader.comment_on((class::CLASS, oid), row.get(5)) {
            let mut block = Block::new(format_smolstr!("comment on {field} of type {schema}.{relation}"));
            let on = format!("column {}.{}", quote::qualified(&schema, &relation), quote::ident(&field));
            block.comment(&on, &text);
            block.needs(ObjectId::new(Kind::Composite, schema, relation), "it is said of this type").add(reader);
        }
    }
    Ok(())
}

fn ranges(reader: &mut CatalogReader<'_>) -> Result<(), Error> {
    for row in reader.query(RANGES, &[])? {
        let (oid, schema, multi): (u32, u32, u32) = (row.get(0), row.get(1), row.get(4));
        if !reader.is_ours(schema, row.get(2), (class::TYPE, oid)) {
            continue;
        }
        let (schema, name, multirange) = (reader.schema_name(schema), name(&row, 3), name(&row, 5));
        let subtype: u32 = row.get(6);
        let quoted = quote::qualified(&schema, &name);
        let mut up = format!("create type {quoted} as range (\n  subtype = {}", reader.types.sql(subtype));
        // Writing to a string does not fail.
        if let Some(class) = reader.types.operator_class(row.get(8), Some(subtype)) {
            let _ = write!(up, ",\n  subtype_opclass = {}", quote::qualified(&class.schema, &class.name));
        }
        if let Some(collation) = reader.types.collation(row.get(7), reader.types.collation_of(subtype)) {
            let _ = write!(up, ",\n  collation = {}", quote::qualified(&collation.schema, &collation.name));
        }
        for (word, at) in [("canonical", 9), ("subtype_diff", 10)] {
            if let Some(function) = maybe(&row, at) {
                let _ = write!(up, ",\n  {word} = {function}");
            }
        }
        let _ = write!(up, ",\n  multirange_type_name = {}\n)", quote::qualified(&schema, &multirange));
        let mut block = Block::new(format_smolstr!("range {schema}.{name}"));
        block.up(up).down(format!("drop type {quoted}"));
        block.said_of(reader, (class::TYPE, oid), &format!("type {quoted}"));
        block.provides(ObjectId::new(Kind::Composite, schema.clone(), name));
        block.provides(ObjectId::new(Kind::Composite, schema, multirange));
        block.says((class::TYPE, oid)).says((class::TYPE, multi)).add(reader);
    }
    Ok(())
}
