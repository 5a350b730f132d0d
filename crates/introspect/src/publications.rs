//! Publications, and what the platform and extensions keep as rows: buckets and jobs.

use crate::Error;
use crate::blocks::Block;
use crate::reader::{CatalogReader, class, name};
use crate::text::bare;
use rustc_hash::FxHashMap;
use smol_str::{SmolStr, format_smolstr};
use specc_catalog::{Kind, ObjectId, Publication, PublicationTable, SqlExpr};
use specc_sql::quote;

/// From 18 on a publication can have computed columns.
fn publications(version: u32) -> String {
    let computed = if version >= 180_000 { "p.pubgencols <> 'n'" } else { "false" };
    format!(
        "select p.oid, p.pubname::text, p.pubowner, p.puballtables, p.pubinsert, p.pubupdate, p.pubdelete, p.pubtruncate, \
           p.pubviaroot, array(select n.pnnspid from pg_publication_namespace n where n.pnpubid = p.oid), {computed} \
         from pg_publication p"
    )
}

const TABLES: &str = "select r.oid, r.prpubid, r.prrelid, r.prattrs::int2[], pg_get_expr(r.prqual, r.prrelid) \
    from pg_publication_rel r";

pub(crate) fn read(reader: &mut CatalogReader<'_>) -> Result<(), Error> {
    let mut names: FxHashMap<u32, SmolStr> = FxHashMap::default();
    let sql = publications(reader.version);
    for row in reader.query(&sql, &[])? {
        let (oid, publication, owner): (u32, SmolStr, u32) = (row.get(0), name(&row, 1), row.get(2));
        names.insert(oid, publication.clone());
        let theirs = reader.owners.platform.contains(&reader.role_name(owner));
        if theirs || reader.owners.is_named_like_the_platform(&publication) {
            reader.leave_out(
                format_smolstr!("publication {publication}"),
                "it is the platform's; tables of ours in it are not",
            );
            continue;
        }
        let all: bool = row.get(3);
        let operations: Vec<bool> = (4..8).map(|at| row.get(at)).collect();
        let spaces: Vec<u32> = row.get(9);
        let (via_root, computed): (bool, bool) = (row.get(8), row.get(10));
        if !all && operations.iter().all(|&on| on) && !via_root && spaces.is_empty() && !computed {
            reader.add((class::PUBLICATION, oid), Publication { name: publication });
            continue;
        }
        let ident = quote::ident(&publication);
        let words = ["insert", "update", "delete", "truncate"];
        let published: Vec<_> = words.iter().zip(&operations).filter(|(_, on)| **on).map(|(word, _)| *word).collect();
        let mut options = vec![format!("publish = {}", quote::literal(&published.join(", ")))];
        if via_root {
            options.push("publish_via_partition_root = true".into());
        }
        if computed {
            options.push("publish_generated_columns = stored".into());
        }
        let mut schemas: Vec<SmolStr> = spaces.iter().map(|&oid| reader.schema_name(oid)).collect();
        schemas.sort();
        let what = if all {
            " for all tables".into()
        } else if schemas.is_empty() {
            String::new()
        } else {
            let quoted: Vec<_> = schemas.iter().map(|schema| quote::ident(schema)).collect();
            format!(" for tables in schema {}", quoted.join(", "))
        };
        let mut block = Block::new(format_smolstr!("publication {publication}"));
        block.up(format!("create publication {ident}{what} with ({})", options.join(", ")));
        block.down(format!("drop publication {ident}"));
        block.said_of(reader, (class::PUBLICATION, oid), &format!("publication {ident}"));
        for schema in schemas {
            block.needs(ObjectId::new(Kind::Schema, "", schema), "it publishes the tables of this schema");
        }
        block.provides(ObjectId::new(Kind::Publication, "", publication.clone()));
        block.says((class::PUBLICATION, oid)).add(reader);
    }
    for row in reader.query(TABLES, &[])? {
        let oid: u32 = row.get(0);
        let Some(relation) = reader.relations.get(&row.get(2)).filter(|relation| relation.ours) else { continue };
        let Some(publication) = names.get(&row.get(1)) else { continue };
        let mut columns = relation.names(&row.get::<_, Option<Vec<i16>>>(3).unwrap_or_default());
        columns.sort();
        let object = PublicationTable {
            publication: publication.clone(),
            table: relation.table(),
            columns,
            filter: row.get::<_, Option<&str>>(4).map(|text| SqlExpr::new(bare(text))),
        };
        reader.add((class::PUBLICATION_REL, oid), object);
    }
    Ok(())
}
