//! Kinds of object that the catalog has no type for: each is a whole block.
//!
//! Names and definitions are Postgres's own (`pg_identify_object`, `pg_get_…def`), put together here where Postgres has no
//! function for the whole.

mod foreign;
mod operators;
mod programs;
mod routines;
mod search;

use crate::Error;
use crate::blocks::Block;
use crate::reader::{Address, CatalogReader, name};
use smol_str::{SmolStr, format_smolstr};
use specc_catalog::{Kind, ObjectId};
use specc_sql::quote;

pub(crate) fn read(reader: &mut CatalogReader<'_>) -> Result<(), Error> {
    routines::aggregates(reader)?;
    routines::rules(reader)?;
    routines::event_triggers(reader)?;
    operators::operators(reader)?;
    operators::classes(reader)?;
    operators::casts(reader)?;
    search::collations(reader)?;
    search::dictionaries(reader)?;
    search::configurations(reader)?;
    search::statistics(reader)?;
    foreign::wrappers(reader)?;
    foreign::servers(reader)?;
    foreign::mappings(reader)?;
    programs::languages(reader)?;
    programs::access_methods(reader)?;
    programs::conversions(reader)?;
    labels(reader)?;
    opened(reader)?;
    unsaid(reader)
}

/// A block that is named, dropped and commented on as Postgres identifies the object.
fn identified(reader: &CatalogReader<'_>, address: Address, kind: &str, identity: &str, ups: Vec<String>) -> Block {
    let mut block = Block::new(format_smolstr!("{} {identity}", kind_name(kind)));
    for up in ups {
        block.up(up);
    }
    block.down(format!("drop {} {identity}", sql_kind(kind)));
    block.said_of(reader, address, &format!("{} {identity}", sql_kind(kind)));
    block.says(address);
    block
}

/// What Postgres calls a kind when it identifies an object, as one would say it.
fn kind_name(kind: &str) -> &str {
    match kind {
        "statistics object" => "statistics",
        "foreign-data wrapper" => "foreign data wrapper",
        other => other,
    }
}

/// The same in SQL.
fn sql_kind(kind: &str) -> &str {
    match kind {
        "statistics object" => "statistics",
        "foreign-data wrapper" => "foreign data wrapper",
        other => other,
    }
}

const LABELS: &str = "select i.type, i.identity, l.provider, l.label from pg_seclabel l, \
    lateral pg_identify_object(l.classoid, l.objoid, l.objsubid) i order by 1, 2, 3";

fn labels(reader: &mut CatalogReader<'_>) -> Result<(), Error> {
    for row in reader.query(LABELS, &[])? {
        let (kind, identity, provider) = (name(&row, 0), name(&row, 1), name(&row, 2));
        let on = format!("{} {identity}", sql_kind(&kind));
        let label = |text: &str| format!("security label for {} on {on} is {text}", quote::ident(&provider));
        let mut block = Block::new(format_smolstr!("security label {provider} on {kind} {identity}"));
        block.up(label(&quote::literal(row.get(3)))).down(label("null")).add(reader);
    }
    Ok(())
}

/// Rare things that only a superuser makes, or that hold passwords. They are said, but not read.
const UNSAID: &str = "select 'transform for ' || format_type(trftype, null), 'a transform is made by programs in C', 3576, oid from pg_transform where oid >= 16384 \
    union all select 'text search parser ' || prsname, 'a parser is made by programs in C', 3601, oid from pg_ts_parser where oid >= 16384 \
    union all select 'text search template ' || tmplname, 'a template is made by programs in C', 3764, oid from pg_ts_template where oid >= 16384 \
    union all select 'subscription ' || subname, 'it holds the password of another server', 6100, oid from pg_subscription \
        where subdbid = (select oid from pg_database where datname = current_database()) \
    order by 1";

fn unsaid(reader: &mut CatalogReader<'_>) -> Result<(), Error> {
    for row in reader.query(UNSAID, &[])? {
        let class = row.get::<_, i32>(2).unsigned_abs();
        if !reader.members.contains_key(&(class, row.get(3))) {
            reader.leave_out(name(&row, 0), name(&row, 1));
        }
    }
    Ok(())
}

/// Objects of Postgres and of extensions that somebody gave other rights on than they came with.
const OPENED: &str = "with given as ( \
      select 1259::oid as class, oid, relacl as acl from pg_class union all select 1255, oid, proacl from pg_proc \
      union all select 1247, oid, typacl from pg_type) \
    select 'grants on ' || i.type || ' ' || i.identity from given g \
      left join pg_init_privs p on p.classoid = g.class and p.objoid = g.oid and p.objsubid = 0, \
      lateral pg_identify_object(g.class, g.oid, 0) i \
    where g.acl is not null and g.acl is distinct from p.initprivs and i.schema <> 'information_schema' and (g.oid < 16384 or exists ( \
      select from pg_depend d where d.classid = g.class and d.objid = g.oid and d.deptype = 'e')) \
    order by 1";

/// They are said: a platform's own are none of the project's.
fn opened(reader: &mut CatalogReader<'_>) -> Result<(), Error> {
    if !reader.owners.platform.is_empty() {
        return Ok(());
    }
    for row in reader.query(OPENED, &[])? {
        reader
            .leave_out(name(&row, 0), "it belongs to Postgres or to an extension, whose rights are not the project's");
    }
    Ok(())
}

/// The id of a type as the block that makes it provides it.
fn function_id(schema: SmolStr, name: SmolStr, signature: SmolStr) -> ObjectId {
    ObjectId::new(Kind::Function, schema, name).part(signature)
}
