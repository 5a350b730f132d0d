//! Columns, and what is said of them that has no place in a table.

use crate::Error;
use crate::blocks::Block;
use crate::reader::{CatalogReader, class, letter, name};
use rustc_hash::FxHashMap;
use smol_str::{SmolStr, format_smolstr};
use specc_catalog::{Column, ColumnStatistics, SqlExpr, TableName};
use specc_postgres::postgres::Row;
use specc_sql::quote;
use std::rc::Rc;

/// A column with what only Postgres knows of it.
#[derive(Clone, Debug)]
pub(crate) struct Raw {
    pub number: i16,
    pub column: Column,
    pub ty: u32,
    pub collation: u32,
    /// Not only inherited.
    pub local: bool,
    /// What is set of its statistics; of a column of a table's own, the column has it.
    pub statistics: Option<Box<ColumnStatistics>>,
    /// Of a foreign table.
    pub foreign: Vec<String>,
}

/// Only a computed column reads others of its table; to spell anything else Postgres need not look at the table.
const COLUMNS: &str = "select a.attrelid, a.attnum, a.attname::text, a.atttypid, a.atttypmod, \
      case when a.atttypmod >= 0 and a.atttypid >= 16384 then format_type(a.atttypid, a.atttypmod) end, a.attnotnull, \
      a.attidentity, a.attgenerated, a.attcollation, a.attstorage, a.attcompression, a.attislocal, a.attstattarget::int, \
      a.attoptions, pg_get_expr(d.adbin, case when a.attgenerated = '' then 0 else d.adrelid end), a.attfdwoptions, \
      a.attacl::text[] \
    from pg_attribute a join pg_class c on c.oid = a.attrelid \
    left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum and a.atthasdef \
    where c.relkind in ('r', 'p', 'f') and c.relpersistence <> 't' and c.relnamespace = any ($1) \
      and a.attnum > 0 and not a.attisdropped order by a.attrelid, a.attnum";

/// From 18 on a column can promise to be not null for new rows only.
const UNCHECKED: &str = "select k.conrelid, k.conkey[1], k.conname::text from pg_constraint k \
    where k.contype = 'n' and not k.convalidated and k.conrelid <> 0";

/// Columns by table.
pub(super) fn read(reader: &mut CatalogReader<'_>) -> Result<FxHashMap<u32, Vec<Raw>>, Error> {
    let spaces = reader.spaces.clone();
    let rows = reader.query(COLUMNS, &[&spaces])?;
    let unchecked = if reader.version >= 180_000 { reader.query(UNCHECKED, &[])? } else { Vec::new() };
    let unchecked: FxHashMap<(u32, i16), SmolStr> =
        unchecked.iter().map(|row| ((row.get(0), row.get(1)), name(row, 2))).collect();
    let mut all: FxHashMap<u32, Vec<Raw>> = FxHashMap::default();
    // Most columns have a default that others have too.
    let mut texts: FxHashMap<Rc<str>, SmolStr> = FxHashMap::default();
    for row in &rows {
        let table: u32 = row.get(0);
        let mut raw = column(reader, table, row, &mut texts);
        if let Some(constraint) = unchecked.get(&(table, raw.number)) {
            raw.column.nullable = true;
            not_checked(reader, table, &raw.column.name, constraint);
        }
        remember(reader, table, &raw, row.get(17));
        all.entry(table).or_default().push(raw);
    }
    Ok(all)
}

/// Keeps what readers of other things ask for.
fn remember(reader: &mut CatalogReader<'_>, table: u32, raw: &Raw, acl: Option<Vec<String>>) {
    reader.column_types.insert((table, raw.number), (raw.ty, raw.collation));
    if let Some(acl) = acl {
        reader.column_access.entry(table).or_default().push((raw.number, acl));
    }
    if let Some(relation) = reader.relations.get_mut(&table) {
        let names = &mut relation.columns;
        // Where columns were dropped there are holes.
        names.resize((raw.number.unsigned_abs() as usize).saturating_sub(1), SmolStr::default());
        names.push(raw.column.name.clone());
    }
}

fn column(reader: &mut CatalogReader<'_>, table: u32, row: &Row, texts: &mut FxHashMap<Rc<str>, SmolStr>) -> Raw {
    let (number, ty): (i16, u32) = (row.get(1), row.get(3));
    let mut column = Column::new(name(row, 2), reader.types.data_type(ty, row.get(4), row.get(5)));
    column.nullable = !row.get::<_, bool>(6);
    let text = row.get::<_, Option<&str>>(15).map(|text| match texts.get(text) {
        Some(known) => known.clone(),
        None => {
            let new = SmolStr::from(text);
            texts.insert(text.into(), new.clone());
            new
        }
    });
    match letter(row, 8) {
        's' | 'v' => {
            column.virtual_generated = letter(row, 8) == 'v';
            column.generated = text.map(|text| Box::new(SqlExpr::new(crate::text::bare(&text))));
            reader.generated.entry(table).or_default().push(number);
        }
        _ => column.default = text.map(SqlExpr::new),
    }
    let identity = letter(row, 7);
    if identity == 'a' || identity == 'd' {
        column.identity = Some(Box::new((identity == 'a', reader.identities.get(table, number))));
    }
    let collation: u32 = row.get(9);
    column.collation = reader.types.collation(collation, reader.types.collation_of(ty)).map(Box::new);
    let storage = letter(row, 10);
    if reader.types.get(ty).is_some_and(|found| found.storage != storage) {
        column.storage = Some(Box::new(SmolStr::new_static(match storage {
            'p' => "plain",
            'e' => "external",
            'm' => "main",
            _ => "extended",
        })));
    }
    column.compression = match letter(row, 11) {
        'p' => Some(Box::new("pglz".into())),
        'l' => Some(Box::new("lz4".into())),
        _ => None,
    };
    column.comment = reader.comment_on((class::CLASS, table), number);
    let local: bool = row.get(12);
    let mut statistics = statistics(row.get(13), row.get(14));
    if local && !reader.relations.get(&table).is_some_and(|relation| relation.part) {
        column.statistics = statistics.take();
    }
    Raw {
        number,
        column,
        ty,
        collation,
        local,
        statistics,
        foreign: row.get::<_, Option<Vec<String>>>(16).unwrap_or_default(),
    }
}

fn not_checked(reader: &mut CatalogReader<'_>, table: u32, column: &SmolStr, constraint: &SmolStr) {
    let Some(relation) = reader.relations.get(&table).filter(|relation| relation.ours) else { return };
    let table = relation.table();
    let quoted = quote::qualified(&table.schema, &table.name);
    let mut block = Block::new(format_smolstr!("not null {constraint} of {}.{}", table.schema, table.name));
    let (name, ident) = (quote::ident(constraint), quote::ident(column));
    block.up(format!("alter table {quoted} add constraint {name} not null {ident} not valid"));
    block.down(format!("alter table {quoted} drop constraint {name}"));
    block.needs(table.id(), "it is a constraint of this table").add(reader);
}

/// Blocks for what columns have beyond a [`Column`], and for what a partition or heir has that its parent has not.
pub(super) fn leftovers(reader: &mut CatalogReader<'_>, all: &[(u32, Vec<Raw>)], parents: &FxHashMap<u32, Vec<u32>>) {
    let places: FxHashMap<u32, usize> = all.iter().enumerate().map(|(n, (oid, _))| (*oid, n)).collect();
    for (oid, own) in all {
        let Some(table) = reader.relations.get(oid).map(|relation| relation.table()) else { continue };
        for raw in own {
            settings(reader, &table, raw);
        }
        let Some(parents) = parents.get(oid) else { continue };
        let part = reader.relations.get(oid).is_some_and(|relation| relation.part);
        for raw in own {
            let above = parents.iter().filter_map(|parent| places.get(parent));
            let same = |raw2: &&Raw| raw2.column.name == raw.column.name;
            if let Some(above) = above.filter_map(|&n| all[n].1.iter().find(same)).next() {
                let parents: Vec<TableName> = parents
                    .iter()
                    .filter_map(|parent| reader.relations.get(parent).map(|relation| relation.table()))
                    .collect();
                if part || !raw.local {
                    differs(reader, &table, raw, &above.column, &parents);
                } else if raw.column.default.is_none() {
                    // A column that is said again without a default has that of the table above.
                    let inherited = Column { default: above.column.default.clone(), ..raw.column.clone() };
                    let own = Raw { column: Column { comment: None, ..raw.column.clone() }, ..raw.clone() };
                    differs(reader, &table, &own, &inherited, &parents);
                }
            }
        }
    }
}

/// What is set of the statistics of a column that comes from a table above.
fn settings(reader: &mut CatalogReader<'_>, table: &TableName, raw: &Raw) {
    let Some(said) = &raw.statistics else { return };
    let (quoted, ident) = (quote::qualified(&table.schema, &table.name), quote::ident(&raw.column.name));
    let mut block = Block::new(format_smolstr!("statistics of {}.{}.{}", table.schema, table.name, raw.column.name));
    let alter = format!("alter table only {quoted} alter column {ident}");
    if let Some(target) = said.target {
        block.up(format!("{alter} set statistics {target}")).down(format!("{alter} set statistics -1"));
    }
    for (name, count) in [("n_distinct", said.distinct), ("n_distinct_inherited", said.inherited)] {
        if let Some(count) = count {
            block.up(format!("{alter} set ({name} = {count})")).down(format!("{alter} reset ({name})"));
        }
    }
    block.needs(table.id(), "it is said of a column of this table").add(reader);
}

/// From what Postgres keeps: a target, and options as texts.
fn statistics(target: Option<i32>, options: Option<Vec<String>>) -> Option<Box<ColumnStatistics>> {
    let mut said = ColumnStatistics { target: target.and_then(|n| u16::try_from(n).ok()), ..Default::default() };
    for option in options.iter().flatten() {
        match option.split_once('=') {
            Some(("n_distinct", count)) => said.distinct = count.parse().ok(),
            Some(("n_distinct_inherited", count)) => said.inherited = count.parse().ok(),
            _ => {}
        }
    }
    (said != ColumnStatistics::default()).then(|| Box::new(said))
}

/// What an heir's column has of its own.
fn differs(reader: &mut CatalogReader<'_>, table: &TableName, raw: &Raw, above: &Column, parents: &[TableName]) {
    let (quoted, ident) = (quote::qualified(&table.schema, &table.name), quote::ident(&raw.column.name));
    let alter = format!("alter table only {quoted} alter column {ident}");
    let mut block = Block::new(format_smolstr!("column {}.{}.{}", table.schema, table.name, raw.column.name));
    let own = &raw.column;
    let mut any = false;
    if own.default != above.default {
        match &own.default {
            Some(default) => block.up(format!("{alter} set default {}", default.text)),
            None => block.up(format!("{alter} drop default")),
        };
        match &above.default {
            Some(default) => block.down(format!("{alter} set default {}", default.text)),
            None => block.down(format!("{alter} drop default")),
        };
        any = true;
    }
    if !own.nullable && above.nullable {
        block.up(format!("{alter} set not null"));
        block.down(format!("{alter} drop not null"));
        any = true;
    }
    if own.storage != above.storage {
        block.up(format!("{alter} set storage {}", own.storage.as_ref().map_or("default", |name| name)));
        any = true;
    }
    if own.compression != above.compression {
        block.up(format!("{alter} set compression {}", own.compression.as_ref().map_or("default", |name| name)));
        any = true;
    }
    if let Some(text) = &own.comment {
        block.comment(&format!("column {quoted}.{ident}"), text);
        any = true;
    }
    if any {
        block.needs(table.id(), "it is said of a column of this table");
        for parent in parents {
            block.needs(parent.id(), "the column comes from this table");
        }
        block.add(reader);
    }
}
