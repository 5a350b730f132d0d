//! Tables and their columns, partitions and heirs.

pub(crate) mod column;
mod others;

pub(crate) use others::options;

use crate::Error;
use crate::blocks::Block;
use crate::options::parameters;
use crate::reader::{CatalogReader, class, letter, maybe};
use crate::text::{bare, closing, list};
use column::Raw;
use rustc_hash::FxHashMap;
use smol_str::{SmolStr, format_smolstr};
use specc_catalog::{Bounds, IndexKey, KeyOn, ObjectId, PartitionBy, Rls, SqlExpr, Table, TableName};
use specc_postgres::postgres::Row;
use specc_sql::quote;

const TABLES: &str = "select c.oid, c.relkind, c.relpersistence, c.relrowsecurity, c.relforcerowsecurity, c.relreplident, \
      c.reloptions, t.reloptions, nullif(am.amname, 'heap')::text, s.spcname::text, nullif(c.reloftype, 0), \
      pg_get_expr(c.relpartbound, c.oid) \
    from pg_class c left join pg_class t on t.oid = c.reltoastrelid and t.reloptions is not null \
    left join pg_am am on am.oid = c.relam left join pg_tablespace s on s.oid = c.reltablespace \
    where c.relkind in ('r', 'p', 'f') and c.oid >= 16384 and c.relpersistence <> 't' \
      and c.relnamespace = any ($1)";

const PARTITIONED: &str = "select partrelid, partstrat, partattrs::int2[], partclass::oid[], partcollation::oid[], \
      case when partexprs is not null then pg_get_partkeydef(partrelid) end from pg_partitioned_table";

const PARENTS: &str = "select inhrelid, inhparent from pg_inherits i join pg_class c on c.oid = i.inhrelid \
    where c.relkind in ('r', 'p', 'f') order by inhrelid, inhseqno";

pub(crate) fn read(reader: &mut CatalogReader<'_>) -> Result<(), Error> {
    let mut parents: FxHashMap<u32, Vec<u32>> = FxHashMap::default();
    for row in reader.query(PARENTS, &[])? {
        parents.entry(row.get(0)).or_default().push(row.get(1));
    }
    let mut columns = column::read(reader)?;
    let mut divided: FxHashMap<u32, Row> =
        reader.query(PARTITIONED, &[])?.into_iter().map(|row| (row.get(0), row)).collect();
    let spaces = reader.spaces.clone();
    let servers = others::servers(reader)?;
    // Heirs are told apart from their parents when all are read.
    let mut all: Vec<(u32, Vec<Raw>)> = Vec::new();
    for row in reader.query(TABLES, &[&spaces])? {
        let oid: u32 = row.get(0);
        let Some(relation) = reader.relations.get(&oid).filter(|relation| relation.ours).cloned() else { continue };
        let own = columns.remove(&oid).unwrap_or_default();
        let above: Vec<TableName> = parents.get(&oid).into_iter().flatten().filter_map(|p| table(reader, *p)).collect();
        let bound = maybe(&row, 11);
        if letter(&row, 1) == 'f' {
            let above = others::Above { parents: above, bound };
            others::foreign(reader, oid, &relation, &own, servers.get(&oid), &above);
            continue;
        }
        let replica_identity = match letter(&row, 5) {
            'f' => Some("full".into()),
            'n' => Some("nothing".into()),
            _ => None,
        };
        if let Some(of) = row.get::<_, Option<u32>>(10) {
            let typed = others::Typed {
                of,
                partition_by: divided.remove(&oid).map(|by| partition_by(reader, oid, &own, &by)),
                unlogged: letter(&row, 2) == 'u',
                options: parameters(row.get(6), row.get(7)),
                rls: (row.get(3), row.get(4)),
                replica_identity,
            };
            others::typed(reader, oid, &relation, &own, &typed);
            continue;
        }
        let part = bound.as_deref().zip(above.first().cloned()).map(|(bound, parent)| (parent, bounds(bound)));
        let heir = part.is_none() && !above.is_empty();
        let shown = own.iter().filter(|raw| part.is_none() && (raw.local || !heir));
        let object = Table {
            table: relation.table(),
            columns: shown.map(|raw| raw.column.clone()).collect(),
            unlogged: letter(&row, 2) == 'u',
            partition_by: divided.remove(&oid).map(|by| partition_by(reader, oid, &own, &by)),
            inherits: if heir { above } else { Vec::new() },
            partition_of: part,
            rls: match (row.get(3), row.get(4)) {
                (false, false) => Rls::Off,
                (true, false) => Rls::On,
                (true, true) => Rls::Forced,
                // Without the first the second does nothing, until someone switches the first on.
                (false, true) => Rls::Off,
            },
            options: parameters(row.get(6), row.get(7)),
            replica_identity,
        };
        let name = object.table.clone();
        let slot = reader.add((class::CLASS, oid), object);
        for parent in parents.get(&oid).into_iter().flatten() {
            if let Some(parent) = table(reader, *parent).filter(|_| heir) {
                reader.need(slot, parent.id(), "it inherits from this table");
            }
        }
        extras(reader, &name, &row);
        all.push((oid, own));
    }
    column::leftovers(reader, &all, &parents);
    Ok(())
}

fn table(reader: &CatalogReader<'_>, oid: u32) -> Option<TableName> {
    reader.relations.get(&oid).map(|relation| relation.table())
}

/// What a table can have beyond what the catalog says of tables.
fn extras(reader: &mut CatalogReader<'_>, table: &TableName, row: &Row) {
    let quoted = quote::qualified(&table.schema, &table.name);
    let said = [("access method", maybe(row, 8), "heap"), ("tablespace", maybe(row, 9), "pg_default")];
    for (word, value, usual) in said {
        let Some(value) = value else { continue };
        let mut block = Block::new(format_smolstr!("{word} of {}.{}", table.schema, table.name));
        block.up(format!("alter table {quoted} set {word} {}", quote::ident(&value)));
        block.down(format!("alter table {quoted} set {word} {usual}"));
        block.needs(table.id(), "it is said of this table").add(reader);
    }
    let (on, forced): (bool, bool) = (row.get(3), row.get(4));
    if forced && !on {
        let mut block = Block::new(format_smolstr!("forced row security of {}.{}", table.schema, table.name));
        block.up(format!("alter table {quoted} force row level security"));
        block.down(format!("alter table {quoted} no force row level security"));
        block.needs(table.id(), "it is said of this table").add(reader);
    }
}

/// `FOR VALUES …`
fn bounds(text: &str) -> Bounds {
    let values = |text: &str| {
        let open = text.find('(').unwrap_or(0);
        let inner = closing(text, open).map_or("", |end| &text[open + 1..end]);
        let value = |text: &str| match text {
            "MINVALUE" | "MAXVALUE" => SqlExpr::new(text.to_ascii_lowercase()),
            text => SqlExpr::new(text),
        };
        list(inner).into_iter().map(value).collect::<Vec<_>>()
    };
    if let Some(rest) = text.strip_prefix("FOR VALUES FROM ") {
        let end = closing(rest, 0).map_or(rest.len(), |end| end + 1);
        return Bounds::Range { from: values(&rest[..end]), to: values(&rest[end..]) };
    }
    if let Some(rest) = text.strip_prefix("FOR VALUES IN ") {
        return Bounds::List(values(rest));
    }
    if text.starts_with("FOR VALUES WITH ") {
        let number = |word: &str| {
            let rest = text.split_once(word).map_or("", |(_, rest)| rest);
            rest.trim_start().split(|c: char| !c.is_ascii_digit()).next().and_then(|n| n.parse().ok()).unwrap_or(0)
        };
        return Bounds::Hash { modulus: number("modulus"), remainder: number("remainder") };
    }
    Bounds::Default
}

fn partition_by(reader: &CatalogReader<'_>, table: u32, own: &[Raw], row: &Row) -> PartitionBy {
    let method = match letter(row, 1) {
        'r' => "range",
        'l' => "list",
        _ => "hash",
    };
    let (numbers, classes, collations): (Vec<i16>, Vec<u32>, Vec<u32>) = (row.get(2), row.get(3), row.get(4));
    // The whole of the key as Postgres writes it, for those of its elements that are expressions.
    let written = row.get::<_, Option<&str>>(5).and_then(|text| text.split_once('(').map(|(_, rest)| rest));
    let written = written.map(|rest| list(rest.strip_suffix(')').unwrap_or(rest))).unwrap_or_default();
    let keys = numbers.iter().enumerate().map(|(n, &number)| {
        let raw = own.iter().find(|raw| raw.number == number);
        let on = match raw {
            Some(raw) => KeyOn::Column(raw.column.name.clone()),
            None => KeyOn::Expr(SqlExpr::new(expression(written.get(n).copied().unwrap_or_default()))),
        };
        let ty = raw.map(|raw| raw.ty);
        let usual = raw.map_or(100, |raw| raw.collation);
        IndexKey {
            on,
            collation: reader.types.collation(collations.get(n).copied().unwrap_or(0), usual).map(Box::new),
            opclass: classes.get(n).and_then(|class| reader.types.operator_class(*class, ty)).map(Box::new),
            desc: false,
            nulls_first: None,
        }
    });
    let _ = table;
    PartitionBy { method: method.into(), keys: keys.collect() }
}

/// The expression at the start of an element, without the collation and operator class that may follow.
fn expression(text: &str) -> SmolStr {
    let end = text.find('(').and_then(|open| closing(text, open)).map_or(text.len(), |end| end + 1);
    bare(&text[..end]).into()
}

/// The id of a table that a block says.
fn id(schema: &SmolStr, name: &SmolStr) -> ObjectId {
    TableName::new(schema.clone(), name.clone()).id()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(values: &[SqlExpr]) -> Vec<&str> {
        values.iter().map(|value| value.text.as_str()).collect()
    }

    #[test]
    fn bounds_are_read() {
        let Bounds::Range { from, to } = bounds("FOR VALUES FROM ('a, (b', MINVALUE) TO ('c', 10)") else {
            panic!("a range")
        };
        assert_eq!(texts(&from), ["'a, (b'", "minvalue"]);
        assert_eq!(texts(&to), ["'c'", "10"]);
        let Bounds::List(values) = bounds("FOR VALUES IN ('x', NULL)") else { panic!("a list") };
        assert_eq!(texts(&values), ["'x'", "NULL"]);
        assert_eq!(bounds("FOR VALUES WITH (modulus 4, remainder 3)"), Bounds::Hash { modulus: 4, remainder: 3 });
        assert_eq!(bounds("DEFAULT"), Bounds::Default);
    }

    #[test]
    fn expressions_of_a_key_are_cut_out() {
        assert_eq!(expression("lower(a) COLLATE \"C\" text_ops"), "lower(a)");
        assert_eq!(expression("((a + b)) int4_ops"), "a + b");
    }
}
