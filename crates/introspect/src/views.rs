//! Views and materialized views.

use crate::Error;
use crate::blocks::Block;
use crate::options::parameters;
use crate::reader::{CatalogReader, class, letter, maybe, name};
use smol_str::{SmolStr, format_smolstr};
use specc_catalog::{Kind, ObjectId, View};
use specc_sql::quote;

const VIEWS: &str = "select c.oid, c.relkind, pg_get_viewdef(c.oid), c.relispopulated, c.reloptions, t.reloptions, \
      nullif(am.amname, 'heap')::text, s.spcname::text \
    from pg_class c left join pg_class t on t.oid = c.reltoastrelid and t.reloptions is not null \
    left join pg_am am on am.oid = c.relam left join pg_tablespace s on s.oid = c.reltablespace \
    where c.relkind in ('v', 'm') and c.oid >= 16384 and c.relpersistence <> 't' and c.relnamespace = any ($1)";

/// What columns of views can have: a default, and how they are kept.
const COLUMNS: &str = "select a.attrelid, a.attnum, a.attname::text, a.attstattarget::int, a.attoptions, \
      case when a.attstorage <> t.typstorage then a.attstorage end, nullif(a.attcompression, ''), \
      pg_get_expr(d.adbin, d.adrelid), c.relkind \
    from pg_attribute a join pg_class c on c.oid = a.attrelid left join pg_type t on t.oid = a.atttypid \
    left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum \
    where c.relkind in ('v', 'm') and c.relnamespace = any ($1) and a.attnum > 0 \
      and (a.attstattarget >= 0 or a.attoptions is not null or d.oid is not null or c.relkind = 'm' \
        and (a.attstorage <> t.typstorage or a.attcompression <> '')) \
    order by a.attrelid, a.attnum";

pub(crate) fn read(reader: &mut CatalogReader<'_>) -> Result<(), Error> {
    let spaces = reader.spaces.clone();
    for row in reader.query(VIEWS, &[&spaces])? {
        let oid: u32 = row.get(0);
        let Some(relation) = reader.relations.get(&oid).filter(|relation| relation.ours).cloned() else { continue };
        // A view that went while it was read has no definition any more.
        let Some(query) = row.get::<_, Option<&str>>(2) else { continue };
        let mut options = parameters(row.get(4), row.get(5)).sorted();
        let mut take = |name: &str| {
            let at = options.iter().position(|(option, _)| option == name)?;
            Some(options.remove(at).1)
        };
        let is_on = |value: Option<SmolStr>| value.is_some_and(|v| matches!(v.as_str(), "true" | "on" | "1" | "yes"));
        let materialized = letter(&row, 1) == 'm';
        let object = View {
            view: relation.table(),
            columns: Vec::new(),
            query: query.trim().trim_end_matches(';').trim_end().into(),
            materialized,
            security_invoker: is_on(take("security_invoker")),
            security_barrier: is_on(take("security_barrier")),
            check_option: take("check_option"),
            no_data: materialized && !row.get::<_, bool>(3),
        };
        reader.add((class::CLASS, oid), object);
        let id = ObjectId::new(Kind::View, relation.schema.clone(), relation.name.clone());
        let quoted = quote::qualified(&relation.schema, &relation.name);
        let alter = format!("alter {} {quoted}", word(materialized));
        let mut block = Block::new(format_smolstr!("storage of {}.{}", relation.schema, relation.name));
        let mut any = false;
        if !options.is_empty() {
            let set: Vec<_> =
                options.iter().map(|(name, value)| format!("{name} = {}", quote::literal(value))).collect();
            let names: Vec<_> = options.iter().map(|(name, _)| name.as_str()).collect();
            block.up(format!("{alter} set ({})", set.join(", ")));
            block.down(format!("{alter} reset ({})", names.join(", ")));
            any = true;
        }
        for (word, value, usual) in
            [("access method", maybe(&row, 6), "heap"), ("tablespace", maybe(&row, 7), "pg_default")]
        {
            if let Some(value) = value {
                block.up(format!("{alter} set {word} {}", quote::ident(&value)));
                block.down(format!("{alter} set {word} {usual}"));
                any = true;
            }
        }
        if any {
            block.needs(id.clone(), "it is said of this view").add(reader);
        }
        comments(reader, oid, &relation.columns, &quoted, &id);
    }
    columns(reader, &spaces)
}

fn word(materialized: bool) -> &'static str {
    if materialized { "materialized view" } else { "view" }
}

fn comments(reader: &mut CatalogReader<'_>, oid: u32, columns: &[SmolStr], quoted: &str, id: &ObjectId) {
    for (n, column) in columns.iter().enumerate() {
        if let Some(text) = reader.comment_on((class::CLASS, oid), n as i16 + 1) {
            let mut block = Block::new(format_smolstr!("comment on {}.{}.{column}", id.schema, id.name));
            block.comment(&format!("column {quoted}.{}", quote::ident(column)), &text);
            block.needs(id.clone(), "it is said of this view").add(reader);
        }
    }
}

fn columns(reader: &mut CatalogReader<'_>, spaces: &[u32]) -> Result<(), Error> {
    for row in reader.query(COLUMNS, &[&spaces])? {
        let oid: u32 = row.get(0);
        let Some(relation) = reader.relations.get(&oid).filter(|relation| relation.ours).cloned() else { continue };
        let column = name(&row, 2);
        let quoted = quote::qualified(&relation.schema, &relation.name);
        let alter = format!("alter {} {quoted} alter column {}", word(letter(&row, 8) == 'm'), quote::ident(&column));
        let mut block = Block::new(format_smolstr!("column {}.{}.{column}", relation.schema, relation.name));
        if let Some(target) = row.get::<_, Option<i32>>(3).filter(|&n| n >= 0) {
            block.up(format!("{alter} set statistics {target}")).down(format!("{alter} set statistics -1"));
        }
        if let Some(options) = row.get::<_, Option<Vec<String>>>(4) {
            let names: Vec<_> = options.iter().filter_map(|text| text.split('=').next()).collect();
            block.up(format!("{alter} set ({})", options.join(", ")));
            block.down(format!("{alter} reset ({})", names.join(", ")));
        }
        if let Some(storage) = row.get::<_, Option<i8>>(5) {
            let word = match storage as u8 {
                b'p' => "plain",
                b'e' => "external",
                b'm' => "main",
                _ => "extended",
            };
            block.up(format!("{alter} set storage {word}"));
        }
        if let Some(method) = row.get::<_, Option<i8>>(6) {
            let word = if method as u8 == b'l' { "lz4" } else { "pglz" };
            block.up(format!("{alter} set compression {word}")).down(format!("{alter} set compression default"));
        }
        if let Some(default) = row.get::<_, Option<&str>>(7) {
            block.up(format!("{alter} set default {default}")).down(format!("{alter} drop default"));
        }
        let id = ObjectId::new(Kind::View, relation.schema, relation.name);
        block.needs(id, "it is said of a column of this view").add(reader);
    }
    Ok(())
}
