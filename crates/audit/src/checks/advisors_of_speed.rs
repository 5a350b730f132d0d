//! What Supabase's advisors say of speed, under their names, levels and cache keys.

use crate::check::{Area, BASE, Check, How, Section, Severity};

const LINT: Check = Check { section: Section::Performance, area: Some(Area::Indexes), ..BASE };

/// Tables of whose columns whoever connects sees no statistics.
pub(crate) const NO_STATISTICS: &str = "select c.oid::regclass::text as object,
    'its statistics are shown only to who may read it: grant select on ' || c.oid::regclass::text || ', without row level \
     security, or connect as its owner' as way
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where c.relkind = 'r' and c.relpages > 0 and {mine}
    and (pg_catalog.row_security_active(c.oid) or not pg_catalog.has_table_privilege(c.oid, 'select'))
  order by 1";

/// The checks.
pub const ALL: &[Check] = &[
    Check {
        name: "unindexed_foreign_keys",
        severity: Severity::Info,
        asks: "references without an index that begins with their columns",
        says: "the reference `{constraint}` of `{table}` has no index",
        why: "a deletion or a new key of the row that is referred to reads the whole table",
        mend: "create index concurrently on {table} ({columns});",
        how: How::Query(
            "select n.nspname || '.' || c.relname || ' ' || f.conname as object, c.oid::regclass::text as table,
                    f.conname as constraint,
                    (select string_agg(pg_catalog.quote_ident(a.attname), ', ' order by k.at)
                     from unnest(f.conkey) with ordinality k(num, at)
                     join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum = k.num) as columns,
                    'unindexed_foreign_keys_' || n.nspname || '_' || c.relname || '_' || f.conname as key
             from pg_catalog.pg_constraint f
             join pg_catalog.pg_class c on c.oid = f.conrelid
             join pg_catalog.pg_namespace n on n.oid = c.relnamespace and n.nspname not in ({platform})
             where f.contype = 'f'
               and not exists (select from pg_catalog.pg_index i where i.indrelid = c.oid and i.indisvalid
                 and (string_to_array(i.indkey::text, ' ')::smallint[])[1:cardinality(f.conkey)] = f.conkey)
               and not exists (select from pg_catalog.pg_depend d where d.objid = c.oid and d.deptype = 'e')
             order by 1",
        ),
        ..LINT
    },
    Check {
        name: "auth_rls_initplan",
        area: Some(Area::Rls),
        asks: "policies that work out who is asking once for each row",
        says: "the policy `{policy}` on `{table}` works out who is asking for each row again",
        why: "a read of many rows costs a call for each",
        mend: "write `(select auth.uid())` in place of `auth.uid()` in the policy {policy} of {table}, and the like",
        how: How::Query(
            "select n.nspname || '.' || c.relname || ' ' || p.polname as object, c.oid::regclass::text as table,
                    p.polname as policy,
                    'auth_rls_init_plan_' || n.nspname || '_' || c.relname || '_' || p.polname as key
             from pg_catalog.pg_policy p
             join pg_catalog.pg_class c on c.oid = p.polrelid and c.relrowsecurity
             join pg_catalog.pg_namespace n
               on n.oid = c.relnamespace and (n.nspname = 'realtime' or n.nspname not in ({platform}))
             where exists (
               select from (values (pg_catalog.pg_get_expr(p.polqual, p.polrelid)),
                                   (pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid))) e(text),
                           (values ('auth.uid()'), ('auth.jwt()'), ('auth.role()'), ('auth.email()'),
                                   ('current\\_setting(%)')) f(call)
               where e.text like '%' || f.call || '%' and lower(e.text) not like '%select ' || f.call || '%')
             order by 1",
        ),
        ..LINT
    },
    Check {
        name: "no_primary_key",
        severity: Severity::Info,
        area: Some(Area::Schema),
        asks: "tables without a primary key",
        says: "`{table}` has no primary key",
        why: "no row can be named: replication of updates, the API and paging need one",
        mend: "a field with `key` in the spec, or alter table {table} add primary key (…);",
        how: How::Query(
            "select c.oid::regclass::text as object, c.oid::regclass::text as table,
                    'no_primary_key_' || n.nspname || '_' || c.relname as key
             from pg_catalog.pg_class c
             join pg_catalog.pg_namespace n on n.oid = c.relnamespace and n.nspname not in ({platform})
             where c.relkind = 'r'
               and not exists (select from pg_catalog.pg_index i where i.indrelid = c.oid and i.indisprimary)
               and not exists (select from pg_catalog.pg_depend d where d.objid = c.oid and d.deptype = 'e')
             order by 1",
        ),
        ..LINT
    },
    Check {
        name: "unused_index",
        severity: Severity::Info,
        asks: "indexes that no query has used since the statistics began",
        says: "the index `{object}` of `{table}` was never used",
        why: "every write keeps it up for nothing; on a new database it says only that nobody asked yet",
        mend: "drop index concurrently {object};",
        how: How::Query(
            "select s.indexrelid::regclass::text as object, s.relid::regclass::text as table,
                    'unused_index_' || s.schemaname || '_' || s.relname || '_' || s.indexrelname as key
             from pg_catalog.pg_stat_user_indexes s
             join pg_catalog.pg_index i on i.indexrelid = s.indexrelid and not i.indisunique and not i.indisprimary
             where s.idx_scan = 0 and s.schemaname not in ({platform})
               and not exists (select from pg_catalog.pg_depend d where d.objid = s.relid and d.deptype = 'e')
             order by 1",
        ),
        ..LINT
    },
    Check {
        name: "multiple_permissive_policies",
        area: Some(Area::Rls),
        asks: "tables with more than one allowing policy for the same role and command",
        says: "`{table}` has {policies} for `{role}` and {command}",
        why: "each row is asked by each of them",
        mend: "one policy with `or` for `{role}` and {command} on {table}",
        how: How::Query(
            "select n.nspname || '.' || c.relname || ' ' || r.rolname || ' ' || k.command as object,
                    c.oid::regclass::text as table, r.rolname as role, lower(k.command) as command,
                    array_agg(p.polname order by p.polname) as policies,
                    'multiple_permissive_policies_' || n.nspname || '_' || c.relname || '_' || r.rolname || '_' || k.command as key
             from pg_catalog.pg_policy p
             join (values ('r', 'SELECT'), ('a', 'INSERT'), ('w', 'UPDATE'), ('d', 'DELETE')) k(cmd, command)
               on p.polcmd in (k.cmd::\"char\", '*')
             join pg_catalog.pg_class c on c.oid = p.polrelid and c.relkind = 'r'
             join pg_catalog.pg_namespace n on n.oid = c.relnamespace and n.nspname not in ({platform})
             join pg_catalog.pg_roles r on (r.oid = any (p.polroles) or p.polroles = '{0}') and not r.rolbypassrls
               and r.rolname not like 'pg_%' and r.rolname not like 'supabase%admin'
             where p.polpermissive
               and not exists (select from pg_catalog.pg_depend d where d.objid = c.oid and d.deptype = 'e')
             group by c.oid, n.nspname, c.relname, r.rolname, k.command having count(*) > 1 order by 1",
        ),
        ..LINT
    },
    Check {
        name: "duplicate_index",
        asks: "indexes of a table that are the same but for their names",
        says: "`{table}` has the same index under several names: {indexes}",
        why: "every write keeps all of them up, and one would do",
        mend: "drop index concurrently, of all but one: {indexes}",
        how: How::Query(
            "select d.tbl as object, d.tbl as table, d.indexes,
                    'duplicate_index_' || d.nspname || '_' || d.relname || '_' || d.indexes::text as key
             from (select c.oid::regclass::text as tbl, n.nspname, c.relname,
                          array_agg(x.relname order by x.relname) as indexes
                   from pg_catalog.pg_index i
                   join pg_catalog.pg_class x on x.oid = i.indexrelid and x.relkind in ('i', 'I')
                   join pg_catalog.pg_class c on c.oid = i.indrelid and c.relkind in ('r', 'm')
                   join pg_catalog.pg_namespace n on n.oid = c.relnamespace and n.nspname not in ({platform})
                   where not exists (select from pg_catalog.pg_depend d where d.objid = c.oid and d.deptype = 'e')
                   group by c.oid, n.nspname, c.relname,
                            replace(pg_catalog.pg_get_indexdef(i.indexrelid), x.relname, '')
                   having count(*) > 1) d
             order by 1, 3",
        ),
        ..LINT
    },
    Check {
        name: "table_bloat",
        severity: Severity::Info,
        area: Some(Area::Monitoring),
        asks: "tables that are much larger than their rows, by estimate",
        says: "`{table}` has {pages} pages, and its rows need about {needed}",
        why: "every read of it goes through pages without rows",
        mend: "vacuum (full) {table}; (nobody reads or writes it meanwhile), and see why autovacuum does not come round",
        how: How::Query(
            "select w.tbl as object, w.tbl as table, w.relpages as pages, w.needed,
                    'table_bloat_' || w.nspname || '_' || w.relname as key
             from (select c.oid::regclass::text as tbl, n.nspname, c.relname, c.relpages, b.size,
                          ceil(c.reltuples * (ceil((s.width + 24) / 4) * 4 + s.nulls * ceil((24 + s.with_nulls / 8) / 4.0) * 4
                            + 4) / (b.size - 20)) as needed
                   from pg_catalog.pg_class c
                   join pg_catalog.pg_am m on m.oid = c.relam and m.amname = 'heap'
                   join pg_catalog.pg_namespace n on n.oid = c.relnamespace and n.nspname <> 'information_schema'
                   cross join (select current_setting('block_size')::float8 as size) b
                   join (select s.schemaname, s.tablename, sum((1 - s.null_frac) * s.avg_width)::numeric as width,
                                max(s.null_frac) as nulls, count(*) filter (where s.null_frac <> 0) as with_nulls
                         from pg_catalog.pg_stats s group by 1, 2) s on s.schemaname = n.nspname and s.tablename = c.relname
                   where c.relkind = 'r') w
             where case when w.needed = 0 then 0 else round((w.relpages / w.needed)::numeric, 1) end > 70
               and w.size * (w.relpages - w.needed)::bigint > 20 * 1024 * 1024
             order by 1",
        ),
        unseen: NO_STATISTICS,
        ..LINT
    },
];
