//! Foreign tables and tables of a composite type: whole blocks.

use super::column::Raw;
use super::id;
use crate::Error;
use crate::blocks::Block;
use crate::reader::{CatalogReader, Relation, class, name};
use rustc_hash::FxHashMap;
use smol_str::{SmolStr, format_smolstr};
use specc_catalog::{Kind, ObjectId};
use specc_sql::quote;
use std::fmt::Write as _;

/// Where a foreign table's rows are.
pub(super) struct Server {
    name: SmolStr,
    options: Vec<String>,
}

const SERVERS: &str = "select t.ftrelid, s.srvname::text, t.ftoptions from pg_foreign_table t \
    join pg_foreign_server s on s.oid = t.ftserver";

pub(super) fn servers(reader: &mut CatalogReader<'_>) -> Result<FxHashMap<u32, Server>, Error> {
    let rows = reader.query(SERVERS, &[])?;
    let server = |row: &specc_postgres::postgres::Row| Server {
        name: name(row, 1),
        options: row.get::<_, Option<Vec<String>>>(2).unwrap_or_default(),
    };
    Ok(rows.iter().map(|row| (row.get(0), server(row))).collect())
}

/// ` options (a 'b')`, or nothing.
pub(crate) fn options(options: &[String]) -> String {
    if options.is_empty() {
        return String::new();
    }
    let one = |text: &String| {
        let (name, value) = text.split_once('=').unwrap_or((text, ""));
        format!("{} {}", quote::ident(name), quote::literal(value))
    };
    format!(" options ({})", options.iter().map(one).collect::<Vec<_>>().join(", "))
}

pub(super) fn foreign(
    reader: &mut CatalogReader<'_>,
    oid: u32,
    relation: &Relation,
    own: &[Raw],
    server: Option<&Server>,
) {
    let Some(server) = server else { return };
    let (schema, table) = (&relation.schema, &relation.name);
    let quoted = quote::qualified(schema, table);
    let mut up = format!("create foreign table {quoted} (");
    for (n, raw) in own.iter().enumerate() {
        let column = &raw.column;
        let _ = write!(up, "{}\n  {} ", if n == 0 { "" } else { "," }, quote::ident(&column.name));
        specc_sql::push_type(&mut up, &column.ty);
        up.push_str(&options(&raw.foreign));
        if let Some(collation) = &column.collation {
            let _ = write!(up, " collate {}", quote::qualified(&collation.schema, &collation.name));
        }
        up.push_str(if column.nullable { "" } else { " not null" });
        if let Some(default) = &column.default {
            let _ = write!(up, " default {}", default.text);
        }
        if let Some(generated) = &column.generated {
            let _ = write!(up, " generated always as ({}) stored", generated.text);
        }
    }
    let _ = write!(up, "\n) server {}{}", quote::ident(&server.name), options(&server.options));
    let mut block = Block::new(format_smolstr!("foreign table {schema}.{table}"));
    block.up(up).down(format!("drop foreign table {quoted}"));
    block.comment_from(reader, (class::CLASS, oid), &format!("foreign table {quoted}"));
    comments(&mut block, &quoted, own);
    needs_types(&mut block, own);
    block.needs(ObjectId::new(Kind::Sql, "", format_smolstr!("server {}", server.name)), "its rows are there");
    block.provides(id(schema, table)).says((class::CLASS, oid)).add(reader);
}

pub(super) fn typed(reader: &mut CatalogReader<'_>, oid: u32, relation: &Relation, own: &[Raw], of: u32) {
    let (schema, table) = (&relation.schema, &relation.name);
    let quoted = quote::qualified(schema, table);
    let mut block = Block::new(format_smolstr!("table {schema}.{table}"));
    block.up(format!("create table {quoted} of {}", reader.types.sql(of))).down(format!("drop table {quoted}"));
    for raw in own {
        let alter = format!("alter table {quoted} alter column {}", quote::ident(&raw.column.name));
        if let Some(default) = &raw.column.default {
            block.up(format!("{alter} set default {}", default.text));
        }
        if !raw.column.nullable {
            block.up(format!("{alter} set not null"));
        }
    }
    block.comment_from(reader, (class::CLASS, oid), &format!("table {quoted}"));
    comments(&mut block, &quoted, own);
    if let Some(ty) = reader.types.get(of) {
        let on = ObjectId::new(Kind::Composite, reader.types.schema_name(ty.schema), ty.name.clone());
        block.needs(on, "its rows are of this type");
    }
    block.provides(id(schema, table)).says((class::CLASS, oid)).add(reader);
}

fn comments(block: &mut Block, quoted: &str, own: &[Raw]) {
    for raw in own {
        if let Some(text) = &raw.column.comment {
            block.comment(&format!("column {quoted}.{}", quote::ident(&raw.column.name)), text);
        }
    }
}

/// A typed object's types are seen in it; a block's are not.
fn needs_types(block: &mut Block, own: &[Raw]) {
    for raw in own.iter().filter(|raw| !raw.column.ty.schema.is_empty()) {
        for kind in [Kind::Enum, Kind::Domain, Kind::Composite] {
            let on = ObjectId::new(kind, raw.column.ty.schema.clone(), raw.column.ty.name.clone());
            block.needs(on, "a column has this type");
        }
    }
}
