//! Collations, text search and extended statistics.

use super::identified;
use crate::Error;
use crate::reader::{CatalogReader, letter, maybe, name};
use rustc_hash::FxHashMap;
use smol_str::SmolStr;
use specc_catalog::{Kind, ObjectId};
use specc_sql::quote;

/// Which columns a collation has depends on the version.
fn collation_query(version: u32) -> String {
    let (locale, rules) = match version {
        170_000.. => ("c.colllocale", "c.collicurules"),
        160_000.. => ("c.colliculocale", "c.collicurules"),
        _ => ("c.colliculocale", "null::text"),
    };
    format!(
        "select c.oid, c.collnamespace, c.collowner, c.collprovider, c.collcollate, c.collctype, {locale}, {rules}, \
           c.collisdeterministic, i.type, i.identity, c.collname::text \
         from pg_collation c, lateral pg_identify_object(3456, c.oid, 0) i where c.collnamespace = any ($1)"
    )
}

pub(super) fn collations(reader: &mut CatalogReader<'_>) -> Result<(), Error> {
    let spaces = reader.spaces.clone();
    let sql = collation_query(reader.version);
    for row in reader.query(&sql, &[&spaces])? {
        let address = (3456, row.get(0));
        if !reader.is_ours(row.get(1), row.get(2), address) {
            continue;
        }
        let provider = match letter(&row, 3) {
            'i' => "icu",
            'b' => "builtin",
            _ => "libc",
        };
        let mut parts = vec![format!("provider = {provider}")];
        let mut say = |word: &str, value: Option<SmolStr>| {
            parts.extend(value.map(|value| format!("{word} = {}", quote::literal(&value))));
        };
        match (maybe(&row, 4), maybe(&row, 5)) {
            (Some(collate), Some(ctype)) if collate == ctype => say("locale", Some(collate)),
            (collate, ctype) => {
                say("lc_collate", collate);
                say("lc_ctype", ctype);
            }
        }
        say("locale", maybe(&row, 6));
        say("rules", maybe(&row, 7));
        if !row.get::<_, bool>(8) {
            parts.push("deterministic = false".into());
        }
        let (kind, identity): (SmolStr, SmolStr) = (name(&row, 9), name(&row, 10));
        let up = format!("create collation {identity} ({})", parts.join(", "));
        let id = ObjectId::new(Kind::Sql, reader.schema_name(row.get(1)), name(&row, 11)).part("collation");
        identified(reader, address, &kind, &identity, vec![up]).provides(id).add(reader);
    }
    Ok(())
}

const DICTIONARIES: &str = "select d.oid, d.dictnamespace, d.dictowner, t.identity, d.dictinitoption, i.type, i.identity \
    from pg_ts_dict d, lateral pg_identify_object(3600, d.oid, 0) i, lateral pg_identify_object(3764, d.dicttemplate, 0) t \
    where d.dictnamespace = any ($1)";

pub(super) fn dictionaries(reader: &mut CatalogReader<'_>) -> Result<(), Error> {
    let spaces = reader.spaces.clone();
    for row in reader.query(DICTIONARIES, &[&spaces])? {
        let address = (3600, row.get(0));
        if !reader.is_ours(row.get(1), row.get(2), address) {
            continue;
        }
        let options = maybe(&row, 4).map(|options| format!(", {options}")).unwrap_or_default();
        let (kind, identity): (SmolStr, SmolStr) = (name(&row, 5), name(&row, 6));
        let up = format!("create text search dictionary {identity} (template = {}{options})", row.get::<_, &str>(3));
        identified(reader, address, &kind, &identity, vec![up]).add(reader);
    }
    Ok(())
}

const CONFIGURATIONS: &str = "select c.oid, c.cfgnamespace, c.cfgowner, p.identity, i.type, i.identity, c.cfgname::text \
    from pg_ts_config c, lateral pg_identify_object(3602, c.oid, 0) i, lateral pg_identify_object(3601, c.cfgparser, 0) p \
    where c.cfgnamespace = any ($1)";

const MAPPINGS: &str = "select m.mapcfg, t.alias, string_agg(m.mapdict::regdictionary::text, ', ' order by m.mapseqno) \
    from pg_ts_config_map m join pg_ts_config c on c.oid = m.mapcfg, lateral ts_token_type(c.cfgparser) t \
    where c.oid >= 16384 and t.tokid = m.maptokentype group by m.mapcfg, t.alias order by 1, 3, 2";

pub(super) fn configurations(reader: &mut CatalogReader<'_>) -> Result<(), Error> {
    let spaces = reader.spaces.clone();
    let rows = reader.query(CONFIGURATIONS, &[&spaces])?;
    let mut mappings: FxHashMap<u32, Vec<(String, Vec<String>)>> = FxHashMap::default();
    if !rows.is_empty() {
        for row in reader.query(MAPPINGS, &[])? {
            let all = mappings.entry(row.get(0)).or_default();
            let (token, with): (String, String) = (row.get(1), row.get(2));
            match all.last_mut().filter(|(last, _)| *last == with) {
                Some((_, tokens)) => tokens.push(token),
                None => all.push((with, vec![token])),
            }
        }
    }
    for row in rows {
        let (oid, (kind, identity)): (u32, (SmolStr, SmolStr)) = (row.get(0), (name(&row, 4), name(&row, 5)));
        if !reader.is_ours(row.get(1), row.get(2), (3602, oid)) {
            continue;
        }
        let mut ups = vec![format!("create text search configuration {identity} (parser = {})", row.get::<_, &str>(3))];
        for (with, tokens) in mappings.remove(&oid).unwrap_or_default() {
            let tokens: Vec<_> = tokens.iter().map(|token| quote::ident(token)).collect();
            ups.push(format!(
                "alter text search configuration {identity} add mapping for {} with {with}",
                tokens.join(", ")
            ));
        }
        let id = ObjectId::new(Kind::Sql, reader.schema_name(row.get(1)), name(&row, 6)).part(&*kind);
        identified(reader, (3602, oid), &kind, &identity, ups).provides(id).add(reader);
    }
    Ok(())
}

/// Columns are named in the order of their names: they mean the same in any, and Postgres names them as they stand in the table.
const STATISTICS: &str = "select s.oid, s.stxnamespace, s.stxowner, \
      coalesce(replace(pg_get_statisticsobjdef(s.oid), ' ON ' || o.list || ' FROM ', \
        ' ON ' || c.named || substr(o.list, length(c.placed) + 1) || ' FROM '), pg_get_statisticsobjdef(s.oid)), \
      s.stxstattarget::int, i.type, i.identity \
    from pg_statistic_ext s, lateral pg_identify_object(3381, s.oid, 0) i, \
      lateral pg_get_statisticsobjdef_columns(s.oid) o(list), \
      lateral (select string_agg(quote_ident(a.attname), ', ' order by a.attnum) as placed, \
          string_agg(quote_ident(a.attname), ', ' order by a.attname::text collate \"C\") as named \
        from pg_attribute a where a.attrelid = s.stxrelid and a.attnum = any (s.stxkeys::int2[])) c \
    where s.stxnamespace = any ($1)";

pub(super) fn statistics(reader: &mut CatalogReader<'_>) -> Result<(), Error> {
    let spaces = reader.spaces.clone();
    for row in reader.query(STATISTICS, &[&spaces])? {
        let address = (3381, row.get(0));
        if !reader.is_ours(row.get(1), row.get(2), address) {
            continue;
        }
        let (kind, identity): (SmolStr, SmolStr) = (name(&row, 5), name(&row, 6));
        let mut ups = vec![row.get::<_, String>(3)];
        let target = row.get::<_, Option<i32>>(4).filter(|&target| target >= 0);
        ups.extend(target.map(|target| format!("alter statistics {identity} set statistics {target}")));
        identified(reader, address, &kind, &identity, ups).add(reader);
    }
    Ok(())
}
