//! Indexes, also those that a constraint has for itself.

use crate::Error;
use crate::blocks::Block;
use crate::options::parameters;
use crate::reader::{CatalogReader, Relation, class, letter, maybe, name};
use crate::text::bare;
use rustc_hash::FxHashMap;
use smol_str::{SmolStr, format_smolstr};
use specc_catalog::{Index, IndexKey, KeyOn, Kind, ObjectId, SqlExpr, TableName};
use specc_postgres::postgres::Row;
use specc_sql::quote;

/// The parts of an index that constraints need too.
#[derive(Clone, Debug)]
pub(crate) struct Raw {
    pub method: SmolStr,
    pub keys: Vec<IndexKey>,
    pub include: Vec<SmolStr>,
    pub filter: Option<SqlExpr>,
    pub nulls_not_distinct: bool,
    /// Each key is in its type's plain order.
    pub plain: bool,
    /// An operator class has options.
    pub optioned: bool,
}

const INDEXES: &str = "select i.indexrelid, i.indrelid, c.relname::text, am.amname::text, i.indisunique, i.indnullsnotdistinct, \
      i.indisvalid, i.indisreplident, i.indisclustered, i.indkey::int2[], i.indnkeyatts, i.indcollation::oid[], \
      i.indclass::oid[], i.indoption::int2[], \
      case when i.indexprs is not null then array(select pg_get_indexdef(i.indexrelid, n, false) \
        from generate_series(1, i.indnatts::int) n where i.indkey[n - 1] = 0 order by n) end, \
      pg_get_expr(i.indpred, i.indrelid), c.reloptions, s.spcname::text, c.relispartition, t.relkind, k.oid, k.conname::text \
    from pg_index i join pg_class c on c.oid = i.indexrelid join pg_class t on t.oid = i.indrelid \
    join pg_am am on am.oid = c.relam \
    left join pg_tablespace s on s.oid = c.reltablespace \
    left join pg_constraint k on k.conindid = i.indexrelid and k.conrelid = i.indrelid and k.contype in ('p', 'u', 'x') \
    where t.relnamespace = any ($1) and t.relkind in ('r', 'p', 'm') and t.relpersistence <> 't'";

/// The types and collations of the columns of materialized views; those of tables are known.
const COLUMNS: &str = "select a.attrelid, a.attnum, a.atttypid, a.attcollation from pg_attribute a \
    where a.attrelid in (select c.oid from pg_class c where c.relnamespace = any ($1) and c.relkind = 'm') \
      and a.attnum > 0 and not a.attisdropped";

/// What is said of the columns of indexes; of those whose operator classes have options, the whole definition.
const STATISTICS: &str = "select a.attrelid, a.attnum, a.attstattarget::int, \
      case when a.attoptions is not null then pg_get_indexdef(a.attrelid) end \
    from pg_attribute a join pg_class c on c.oid = a.attrelid where c.relkind in ('i', 'I') and c.relnamespace = any ($1) \
      and (a.attstattarget >= 0 or a.attoptions is not null) order by a.attrelid, a.attnum";

/// Indexes of partitioned tables that some partitions have no part of, with the parts that others have.
const PIECEMEAL: &str = "select c.oid, pg_get_indexdef(c.oid), p.relname::text, pn.nspname::text \
    from pg_index i join pg_class c on c.oid = i.indexrelid \
    left join pg_inherits h on h.inhrelid = c.oid left join pg_class p on p.oid = h.inhparent \
    left join pg_namespace pn on pn.oid = p.relnamespace left join pg_index pi on pi.indexrelid = p.oid \
    where c.relnamespace = any ($1) \
      and (c.relkind = 'I' and not i.indisvalid or c.relkind in ('i', 'I') and not pi.indisvalid)";

pub(crate) fn read(reader: &mut CatalogReader<'_>) -> Result<(), Error> {
    let spaces = reader.spaces.clone();
    for row in reader.query(COLUMNS, &[&spaces])? {
        reader.column_types.insert((row.get(0), row.get(1)), (row.get(2), row.get(3)));
    }
    let mut statistics: FxHashMap<u32, Vec<(i16, i32)>> = FxHashMap::default();
    let mut definitions: FxHashMap<u32, SmolStr> = FxHashMap::default();
    for row in reader.query(STATISTICS, &[&spaces])? {
        if let Some(target) = row.get::<_, Option<i32>>(2).filter(|&target| target >= 0) {
            statistics.entry(row.get(0)).or_default().push((row.get(1), target));
        }
        definitions.extend(maybe(&row, 3).map(|definition| (row.get(0), definition)));
    }
    let mut divided: FxHashMap<u32, (SmolStr, Option<(SmolStr, SmolStr)>)> = FxHashMap::default();
    for row in reader.query(PIECEMEAL, &[&spaces])? {
        divided.insert(row.get(0), (name(&row, 1), maybe(&row, 2).zip(maybe(&row, 3))));
    }
    for row in reader.query(INDEXES, &[&spaces])? {
        let (oid, table): (u32, u32) = (row.get(0), row.get(1));
        let Some(relation) = reader.relations.get(&table).filter(|relation| relation.ours).cloned() else { continue };
        if reader.members.contains_key(&(class::CLASS, oid)) {
            continue;
        }
        let definition = definitions.remove(&oid);
        let mut raw = raw(reader, &row, table, &relation);
        raw.optioned = definition.is_some();
        let constraint: Option<u32> = row.get(20);
        let part: bool = row.get(18);
        if let Some((definition, above)) = divided.remove(&oid).filter(|_| constraint.is_none()) {
            piecemeal(reader, oid, &relation, &name(&row, 2), definition, above);
            continue;
        }
        if part && constraint.is_none() {
            continue;
        }
        let index = Named { table: relation.table(), name: name(&row, 2) };
        let id = match maybe(&row, 21) {
            Some(constraint) => index.table.part(Kind::Constraint, constraint),
            None => ObjectId::new(Kind::Index, index.table.schema.clone(), index.name.clone()),
        };
        if !row.get::<_, bool>(6) && constraint.is_none() {
            reader.invalid_indexes.push(id);
            continue;
        }
        if !part {
            extras(reader, &row, &index, &id, constraint.is_some());
            for (number, target) in statistics.remove(&oid).unwrap_or_default() {
                keep_statistics(reader, &index, &id, number, target);
            }
        }
        if constraint.is_some() {
            reader.constraint_indexes.insert(oid, raw);
            continue;
        }
        if let Some(definition) = definition {
            whole(reader, oid, &index, id, definition);
            continue;
        }
        let object = Index {
            table: index.table,
            name: index.name,
            unique: row.get(4),
            method: raw.method,
            keys: raw.keys,
            include: raw.include,
            filter: raw.filter,
            options: parameters(row.get(16), None),
            nulls_not_distinct: raw.nulls_not_distinct,
        };
        reader.add((class::CLASS, oid), object);
    }
    Ok(())
}

fn raw(reader: &CatalogReader<'_>, row: &Row, table: u32, relation: &Relation) -> Raw {
    let numbers: Vec<i16> = row.get(9);
    let keys_count = row.get::<_, i16>(10) as usize;
    let (collations, classes, options): (Vec<u32>, Vec<u32>, Vec<i16>) = (row.get(11), row.get(12), row.get(13));
    let mut texts = row.get::<_, Option<Vec<&str>>>(14).unwrap_or_default().into_iter();
    let mut keys = Vec::with_capacity(keys_count);
    for (n, &number) in numbers.iter().enumerate().take(keys_count) {
        let known = reader.column_types.get(&(table, number)).copied();
        let on = if number == 0 {
            KeyOn::Expr(SqlExpr::new(bare(texts.next().unwrap_or_default())))
        } else {
            KeyOn::Column(relation.column(number))
        };
        // What an expression's own collation is, is not kept anywhere; one that is not the database's is said again.
        let usual = known.map_or(100, |(_, collation)| collation);
        let option = options.get(n).copied().unwrap_or(0);
        let (desc, nulls_first) = (option & 1 != 0, option & 2 != 0);
        keys.push(IndexKey {
            on,
            collation: reader.types.collation(collations.get(n).copied().unwrap_or(0), usual).map(Box::new),
            opclass: classes
                .get(n)
                .and_then(|class| reader.types.operator_class(*class, known.map(|(ty, _)| ty)))
                .map(Box::new),
            desc,
            nulls_first: (nulls_first != desc).then_some(nulls_first),
        });
    }
    let plain =
        |key: &IndexKey| key.opclass.is_none() && key.collation.is_none() && !key.desc && key.nulls_first.is_none();
    Raw {
        method: name(row, 3),
        include: relation.names(numbers.get(keys_count..).unwrap_or_default()),
        filter: row.get::<_, Option<&str>>(15).map(|text| SqlExpr::new(bare(text))),
        nulls_not_distinct: row.get(5),
        plain: keys.iter().all(plain),
        optioned: false,
        keys,
    }
}

struct Named {
    table: TableName,
    name: SmolStr,
}

/// What is said of an index that has no place in the catalog.
fn extras(reader: &mut CatalogReader<'_>, row: &Row, index: &Named, id: &ObjectId, constraint: bool) {
    let schema = &index.table.schema;
    let (quoted, ident) = (quote::qualified(schema, &index.name), quote::ident(&index.name));
    let table = quote::qualified(schema, &index.table.name);
    let add = |reader: &mut CatalogReader<'_>, what: &str, up: String, down: String| {
        let mut block = Block::new(format_smolstr!("{what} {schema}.{}", index.name));
        block.up(up).down(down).needs(id.clone(), "it is said of this index").add(reader);
    };
    if let Some(space) = maybe(row, 17) {
        let set = |space: &str| format!("alter index {quoted} set tablespace {}", quote::ident(space));
        add(reader, "tablespace of", set(&space), set("pg_default"));
    }
    if row.get(7) {
        let alter = format!("alter table {table} replica identity");
        add(reader, "replica identity", format!("{alter} using index {ident}"), format!("{alter} default"));
    }
    if row.get(8) {
        let view = letter(row, 19) == 'm';
        let alter = if view { format!("alter materialized view {table}") } else { format!("alter table {table}") };
        add(reader, "cluster on", format!("{alter} cluster on {ident}"), format!("{alter} set without cluster"));
    }
    if constraint {
        let options = parameters(row.get(16), None).sorted();
        if !options.is_empty() {
            let set: Vec<_> = options.iter().map(|(name, value)| format!("{name} = {value}")).collect();
            let names: Vec<_> = options.iter().map(|(name, _)| name.as_str()).collect();
            let up = format!("alter index {quoted} set ({})", set.join(", "));
            add(reader, "storage of", up, format!("alter index {quoted} reset ({})", names.join(", ")));
        }
        if let Some(text) = reader.comment((class::CLASS, row.get(0))) {
            let mut block = Block::new(format_smolstr!("comment on index {schema}.{}", index.name));
            block.comment(&format!("index {quoted}"), &text).needs(id.clone(), "it is said of its index").add(reader);
        }
    }
}

/// An index that was made on a partitioned table alone, or was attached to such a one.
fn piecemeal(
    reader: &mut CatalogReader<'_>,
    oid: u32,
    relation: &Relation,
    index: &SmolStr,
    definition: SmolStr,
    above: Option<(SmolStr, SmolStr)>,
) {
    let (schema, table) = (&relation.schema, relation.table());
    let quoted = quote::qualified(schema, index);
    let mut block = Block::new(format_smolstr!("index {schema}.{index}"));
    block.up(definition);
    if let Some((above, place)) = above {
        block.up(format!("alter index {} attach partition {quoted}", quote::qualified(&place, &above)));
        block.needs(ObjectId::new(Kind::Index, place, above), "it is attached to this");
        // What is attached goes with what it is attached to.
        block.down(format!("drop index if exists {quoted}"));
    } else {
        block.down(format!("drop index {quoted}"));
    }
    block.said_of(reader, (class::CLASS, oid), &format!("index {quoted}"));
    block.needs(table.id(), "it is an index of this");
    block.provides(ObjectId::new(Kind::Index, schema.clone(), index.clone()));
    block.says((class::CLASS, oid)).add(reader);
}

/// An index with options of operator classes, which the catalog has no words for.
fn whole(reader: &mut CatalogReader<'_>, oid: u32, index: &Named, id: ObjectId, definition: SmolStr) {
    let quoted = quote::qualified(&index.table.schema, &index.name);
    let mut block = Block::new(format_smolstr!("index {}.{}", index.table.schema, index.name));
    block.up(definition).down(format!("drop index {quoted}"));
    block.said_of(reader, (class::CLASS, oid), &format!("index {quoted}"));
    block.needs(index.table.id(), "it is an index of this");
    block.needs(
        ObjectId::new(Kind::View, index.table.schema.clone(), index.table.name.clone()),
        "it is an index of this",
    );
    block.provides(id).says((class::CLASS, oid)).add(reader);
}

fn keep_statistics(reader: &mut CatalogReader<'_>, index: &Named, id: &ObjectId, number: i16, target: i32) {
    let quoted = quote::qualified(&index.table.schema, &index.name);
    let mut block = Block::new(format_smolstr!("statistics of {}.{}.{number}", index.table.schema, index.name));
    let alter = format!("alter index {quoted} alter column {number} set statistics");
    block.up(format!("{alter} {target}")).down(format!("{alter} -1"));
    block.needs(id.clone(), "it is said of a column of this index").add(reader);
}
