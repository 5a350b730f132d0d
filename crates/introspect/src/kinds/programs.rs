//! What stands on functions that are programs: languages, access methods and conversions.

use super::identified;
use crate::Error;
use crate::reader::{CatalogReader, maybe, name};
use specc_sql::quote;

const LANGUAGES: &str = "select l.oid, l.lanpltrusted, l.lanplcallfoid::regproc::text, nullif(l.laninline, 0)::regproc::text, \
      nullif(l.lanvalidator, 0)::regproc::text, i.type, i.identity \
    from pg_language l, lateral pg_identify_object(2612, l.oid, 0) i where l.oid >= 16384 and l.lanplcallfoid <> 0 order by i.identity";

pub(super) fn languages(reader: &mut CatalogReader<'_>) -> Result<(), Error> {
    for row in reader.query(LANGUAGES, &[])? {
        let (address, identity) = ((2612, row.get(0)), name(&row, 6));
        if reader.members.contains_key(&address) {
            continue;
        }
        let trusted = if row.get(1) { "trusted " } else { "" };
        let mut up = format!("create {trusted}language {identity} handler {}", name(&row, 2));
        for (word, at) in [("inline", 3), ("validator", 4)] {
            up.push_str(&maybe(&row, at).map(|function| format!(" {word} {function}")).unwrap_or_default());
        }
        identified(reader, address, &name(&row, 5), &identity, vec![up]).add(reader);
    }
    Ok(())
}

const ACCESS_METHODS: &str = "select a.oid, case a.amtype when 'i' then 'index' else 'table' end, a.amhandler::regproc::text, i.type, i.identity \
    from pg_am a, lateral pg_identify_object(2601, a.oid, 0) i where a.oid >= 16384 order by i.identity";

pub(super) fn access_methods(reader: &mut CatalogReader<'_>) -> Result<(), Error> {
    for row in reader.query(ACCESS_METHODS, &[])? {
        let (address, identity) = ((2601, row.get(0)), name(&row, 4));
        if !reader.members.contains_key(&address) {
            let up = format!("create access method {identity} type {} handler {}", name(&row, 1), name(&row, 2));
            identified(reader, address, &name(&row, 3), &identity, vec![up]).add(reader);
        }
    }
    Ok(())
}

const CONVERSIONS: &str = "select c.oid, c.condefault, pg_encoding_to_char(c.conforencoding)::text, pg_encoding_to_char(c.contoencoding)::text, \
      c.conproc::regproc::text, i.type, i.identity \
    from pg_conversion c, lateral pg_identify_object(2607, c.oid, 0) i where c.oid >= 16384 order by i.identity";

pub(super) fn conversions(reader: &mut CatalogReader<'_>) -> Result<(), Error> {
    for row in reader.query(CONVERSIONS, &[])? {
        let (address, identity) = ((2607, row.get(0)), name(&row, 6));
        if reader.members.contains_key(&address) {
            continue;
        }
        let default = if row.get(1) { "default " } else { "" };
        let (of, to) = (quote::literal(row.get(2)), quote::literal(row.get(3)));
        let up = format!("create {default}conversion {identity} for {of} to {to} from {}", name(&row, 4));
        identified(reader, address, &name(&row, 5), &identity, vec![up]).add(reader);
    }
    Ok(())
}
