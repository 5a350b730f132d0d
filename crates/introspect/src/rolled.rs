//! What the calendar made, and nobody has changed since: its table's own affair, and no object.

use crate::Error;
use crate::reader::{CatalogReader, class};
use rustc_hash::FxHashSet;

/// Tables whose comment says that they are, or were, a part of a partitioned one, and that are as its function leaves them.
///
/// What is attached is a part, whatever name its table had when the comment was written. What is not has no witness but the
/// function, which writes this very comment.
const ROLLED: &str = "
    with marked as (
      select c.*, d.description
        from pg_description d
        join pg_class c on c.oid = d.objoid and c.relkind = 'r'
       where d.classoid = 'pg_class'::regclass and d.objsubid = 0 and starts_with(d.description, $1)
    ), grown as (
      select w.*, $1 || n.nspname || '.' || w.relname || '.' as said
        from pg_class w
        join pg_namespace n on n.oid = w.relnamespace
        join pg_partitioned_table t on t.partrelid = w.oid and t.partstrat = 'r' and t.partnatts = 1
    )
    select m.oid, m.relispartition, p.oid, p.pronamespace, p.proowner
      from marked m
      join grown w on case when m.relispartition
             then exists (select from pg_inherits i where i.inhrelid = m.oid and i.inhparent = w.oid)
             else m.description = w.said || ' ' || {as} end
      left join pg_proc p on not m.relispartition and p.prorettype = 'int8'::regtype and p.proargtypes = '1184'
           and strpos(p.prosrc, quote_literal(w.said)) > 0
     where (m.relowner, m.relrowsecurity, m.relforcerowsecurity) = (w.relowner, w.relrowsecurity, w.relforcerowsecurity)
       and not exists (select from aclexplode(m.relacl) x where x.grantee <> m.relowner)
       and not exists (select from pg_attribute a where a.attrelid = m.oid and a.attacl is not null)
       and not exists (select from pg_policy o where o.polrelid = m.oid)
       and not exists (select from pg_publication_rel r where r.prrelid = m.oid)
       and not exists (select from pg_rewrite r where r.ev_class = m.oid)
       and not exists (select from pg_trigger t left join pg_trigger above on above.oid = t.tgparentid
                        where t.tgrelid = m.oid and case when t.tgisinternal then t.tgenabled = 'D'
                                                         else t.tgenabled is distinct from above.tgenabled end)
       and (not m.relispartition or not exists (
             select from pg_constraint k
              where k.conrelid = m.oid and k.contype <> 't' and k.conparentid = 0 and k.coninhcount = 0)
           and not exists (
             select from pg_index i join pg_class x on x.oid = i.indexrelid
              where i.indrelid = m.oid and not x.relispartition))";

pub(crate) fn read(reader: &mut CatalogReader<'_>) -> Result<FxHashSet<u32>, Error> {
    let query = ROLLED.replace("{as}", &specc_catalog::rolled_as("m.oid"));
    let mut rolled = FxHashSet::default();
    for row in reader.query(&query, &[&specc_catalog::ROLLED])? {
        let attached: bool = row.get(1);
        // A function that is not the project's is no drift where somebody makes one: it bears no witness.
        let witness = match (row.get(2), row.get(3), row.get(4)) {
            (Some(function), Some(schema), Some(owner)) => reader.is_ours(schema, owner, (class::PROC, function)),
            _ => false,
        };
        if attached || witness {
            rolled.insert(row.get(0));
        }
    }
    Ok(rolled)
}
