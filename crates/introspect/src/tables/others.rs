//! Foreign tables and tables of a composite type: whole blocks.

use super::column::Raw;
use super::id;
use crate::Error;
use crate::blocks::Block;
use crate::reader::{CatalogReader, Relation, class, name};
use rustc_hash::FxHashMap;
use smol_str::{SmolStr, format_smolstr};
use specc_catalog::{Kind, ObjectId, Parameters, PartitionBy, TableName};
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
    above: &Above,
) {
    let Some(server) = server else { return };
    let (schema, table) = (&relation.schema, &relation.name);
    let quoted = quote::qualified(schema, table);
    let parents: Vec<_> = above.parents.iter().map(|parent| quote::qualified(&parent.schema, &parent.name)).collect();
    let mut block = Block::new(format_smolstr!("foreign table {schema}.{table}"));
    let target = format!(" server {}{}", quote::ident(&server.name), options(&server.options));
    match (&above.bound, parents.first()) {
        (Some(bound), Some(parent)) => {
            block.up(format!("create foreign table {quoted} partition of {parent} {bound}{target}"));
            part(&mut block, &quoted, own);
        }
        _ => {
            block.up(standing(&quoted, own, &parents) + &target);
        }
    }
    block.down(format!("drop foreign table {quoted}"));
    for parent in &above.parents {
        block.needs(parent.id(), "it is a part or an heir of this table");
    }
    block.said_of(reader, (class::CLASS, oid), &format!("foreign table {quoted}"));
    comments(&mut block, &quoted, own);
    needs_types(&mut block, own);
    block.needs(ObjectId::new(Kind::Sql, "", format_smolstr!("server {}", server.name)), "its rows are there");
    block.provides(id(schema, table)).says((class::CLASS, oid)).add(reader);
}

/// What the columns of a part have of their own: the others come from above.
fn part(block: &mut Block, quoted: &str, own: &[Raw]) {
    for raw in own {
        let alter = format!("alter foreign table {quoted} alter column {}", quote::ident(&raw.column.name));
        if !raw.foreign.is_empty() {
            block.up(format!("{alter}{}", options(&raw.foreign)));
        }
        if let Some(default) = &raw.column.default {
            block.up(format!("{alter} set default {}", default.text));
        }
        if !raw.column.nullable {
            block.up(format!("{alter} set not null"));
        }
    }
}

/// The start of a foreign table that is no part; the columns that it inherits are not said again.
fn standing(quoted: &str, own: &[Raw], parents: &[String]) -> String {
    let mut up = format!("create foreign table {quoted} (");
    let shown = own.iter().filter(|raw| parents.is_empty() || raw.local);
    for (n, raw) in shown.enumerate() {
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
    up.push_str("\n)");
    if !parents.is_empty() {
        let _ = write!(up, " inherits ({})", parents.join(", "));
    }
    up
}

/// What is above a table.
#[derive(Default)]
pub(super) struct Above {
    pub parents: Vec<TableName>,
    /// As in `for values in ('a')`, of a partition.
    pub bound: Option<SmolStr>,
}

/// What a table of a composite type has beyond its columns.
pub(super) struct Typed {
    pub of: u32,
    pub partition_by: Option<PartitionBy>,
    pub unlogged: bool,
    pub options: Parameters,
    /// Row security: on, forced.
    pub rls: (bool, bool),
    pub replica_identity: Option<SmolStr>,
}

pub(super) fn typed(reader: &mut CatalogReader<'_>, oid: u32, relation: &Relation, own: &[Raw], typed: &Typed) {
    let (schema, table) = (&relation.schema, &relation.name);
    let quoted = quote::qualified(schema, table);
    let mut block = Block::new(format_smolstr!("table {schema}.{table}"));
    let unlogged = if typed.unlogged { "unlogged " } else { "" };
    let mut up = format!("create {unlogged}table {quoted} of {}", reader.types.sql(typed.of));
    if let Some(by) = &typed.partition_by {
        up.push(' ');
        specc_sql::push_partition_by(&mut up, by);
    }
    if !typed.options.is_empty() {
        let set: Vec<_> = typed.options.sorted().iter().map(|(name, value)| format!("{name} = {value}")).collect();
        let _ = write!(up, " with ({})", set.join(", "));
    }
    block.up(up).down(format!("drop table {quoted}"));
    if typed.rls.0 {
        block.up(format!("alter table {quoted} enable row level security"));
    }
    if typed.rls.1 {
        block.up(format!("alter table {quoted} force row level security"));
    }
    if let Some(identity) = &typed.replica_identity {
        block.up(format!("alter table {quoted} replica identity {identity}"));
    }
    for raw in own {
        let alter = format!("alter table {quoted} alter column {}", quote::ident(&raw.column.name));
        if let Some(default) = &raw.column.default {
            block.up(format!("{alter} set default {}", default.text));
        }
        if !raw.column.nullable {
            block.up(format!("{alter} set not null"));
        }
    }
    block.said_of(reader, (class::CLASS, oid), &format!("table {quoted}"));
    comments(&mut block, &quoted, own);
    if let Some(ty) = reader.types.get(typed.of) {
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
