//! Every table, view, sequence and composite type by number, with the names of its columns.

use crate::Error;
use crate::reader::{CatalogReader, FIRST_OWN, Relation, class, letter, name};
use crate::rolled;

/// What a transaction keeps to itself, and what only carries other relations, is no object.
const RELATIONS: &str = "select c.oid, c.relnamespace, c.relname::text, c.relkind, c.relowner, c.relacl::text[], \
      c.relispartition \
    from pg_class c \
    where c.oid >= 16384 and c.relkind not in ('i', 'I', 't') and c.relpersistence <> 't'";

/// Of all but the tables that are read in full later.
const COLUMNS: &str = "select a.attrelid, array_agg(case when a.attisdropped then '' else a.attname::text end order by a.attnum) \
    from pg_attribute a join pg_class c on c.oid = a.attrelid \
    where a.attnum > 0 and c.oid >= 16384 and c.relkind not in ('i', 'I', 't', 'S') and c.relpersistence <> 't' \
      and not (c.relkind in ('r', 'p', 'f') and c.relnamespace = any ($1)) \
    group by a.attrelid";

pub(crate) fn read(reader: &mut CatalogReader<'_>) -> Result<(), Error> {
    debug_assert_eq!(FIRST_OWN, 16384);
    let rolled = rolled::read(reader)?;
    for row in reader.query(RELATIONS, &[])? {
        let (oid, schema, owner): (u32, u32, u32) = (row.get(0), row.get(1), row.get(4));
        let relation = Relation {
            schema: reader.schema_name(schema),
            name: name(&row, 2),
            kind: letter(&row, 3),
            ours: !rolled.contains(&oid) && reader.is_ours(schema, owner, (class::CLASS, oid)),
            owner,
            acl: row.get(5),
            part: row.get(6),
            columns: Vec::new(),
        };
        reader.relations.insert(oid, relation);
    }
    let spaces = reader.spaces.clone();
    for row in reader.query(COLUMNS, &[&spaces])? {
        if let Some(relation) = reader.relations.get_mut(&row.get(0)) {
            relation.columns = row.get::<_, Vec<&str>>(1).into_iter().map(Into::into).collect();
        }
    }
    Ok(())
}
