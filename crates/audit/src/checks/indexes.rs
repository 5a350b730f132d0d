//! Indexes, beside what Supabase's advisors say of them.

use super::advisors_of_speed::NO_STATISTICS;
use crate::check::{Area, BASE, Check, How, Section, Severity};

const INDEX: Check = Check { section: Section::Performance, area: Some(Area::Indexes), ..BASE };

/// The checks.
pub const ALL: &[Check] = &[
    Check {
        name: "invalid_index",
        severity: Severity::Error,
        asks: "indexes that a concurrent build left behind",
        says: "the index `{object}` of `{table}` is not valid",
        why: "no query uses it, every write keeps it up, and what it was to keep unique is not",
        mend: "reindex index concurrently {object};",
        how: How::Query(
            "select i.indexrelid::regclass::text as object, c.oid::regclass::text as table
             from pg_catalog.pg_index i
             join pg_catalog.pg_class c on c.oid = i.indrelid
             join pg_catalog.pg_namespace n on n.oid = c.relnamespace
             where not (i.indisvalid and i.indisready and i.indislive) and c.relkind <> 'p' and {mine} order by 1",
        ),
        ..INDEX
    },
    Check {
        name: "index_incomplete_on_partitions",
        asks: "indexes of partitioned tables that not all partitions have",
        says: "the index `{object}` of the partitioned table `{table}` is not on all partitions",
        why: "queries of the partitions without it read them whole",
        mend: "create index concurrently on each partition, then alter index {object} attach partition …;",
        how: How::Query(
            "select i.indexrelid::regclass::text as object, c.oid::regclass::text as table
             from pg_catalog.pg_index i
             join pg_catalog.pg_class c on c.oid = i.indrelid and c.relkind = 'p'
             join pg_catalog.pg_namespace n on n.oid = c.relnamespace
             where not i.indisvalid and {mine} order by 1",
        ),
        ..INDEX
    },
    Check {
        name: "redundant_index",
        severity: Severity::Info,
        asks: "indexes that another one of the table begins with",
        says: "the index `{object}` of `{table}` is what `{by}` begins with",
        why: "every write keeps both up, and the longer one serves the same queries",
        mend: "drop index concurrently {object};",
        how: How::Query(
            "select i.indexrelid::regclass::text as object, c.oid::regclass::text as table,
                    min(j.indexrelid::regclass::text) as by
             from pg_catalog.pg_index i
             join pg_catalog.pg_class c on c.oid = i.indrelid and c.relkind in ('r', 'm')
             join pg_catalog.pg_namespace n on n.oid = c.relnamespace
             join pg_catalog.pg_class x on x.oid = i.indexrelid
             join pg_catalog.pg_index j on j.indrelid = i.indrelid and j.indexrelid <> i.indexrelid
               and j.indnkeyatts > i.indnkeyatts and j.indisvalid
             join pg_catalog.pg_class y on y.oid = j.indexrelid and y.relam = x.relam
             join pg_catalog.pg_am m on m.oid = x.relam and m.amname = 'btree'
             where not i.indisunique and i.indnatts = i.indnkeyatts and i.indexprs is null and j.indexprs is null
               and coalesce(i.indpred::text, '') = coalesce(j.indpred::text, '')
               and (string_to_array(j.indkey::text, ' '))[1:i.indnkeyatts] = string_to_array(i.indkey::text, ' ')
               and (string_to_array(j.indclass::text, ' '))[1:i.indnkeyatts] = string_to_array(i.indclass::text, ' ')
               and (string_to_array(j.indcollation::text, ' '))[1:i.indnkeyatts] = string_to_array(i.indcollation::text, ' ')
               and (string_to_array(j.indoption::text, ' '))[1:i.indnkeyatts] = string_to_array(i.indoption::text, ' ')
               and {mine}
             group by i.indexrelid, c.oid order by 1",
        ),
        ..INDEX
    },
    Check {
        name: "index_bloat",
        severity: Severity::Info,
        asks: "indexes that are much larger than their entries, by estimate",
        says: "the index `{object}` of `{table}` has {pages} pages, and its entries need about {needed}",
        why: "every search and every write goes through pages that hold nothing",
        mend: "reindex index concurrently {object};",
        how: How::Query(
            "select b.index as object, b.tbl as table, b.pages, b.needed
             from (select x.oid::regclass::text as index, c.oid::regclass::text as tbl, x.relpages as pages,
                          ceil(x.reltuples * (12 + sum(coalesce(s.avg_width, 8)))
                               / (current_setting('block_size')::float8 * 0.9 - 40)) + 1 as needed
                   from pg_catalog.pg_index i
                   join pg_catalog.pg_class x on x.oid = i.indexrelid and x.reltuples >= 0
                   join pg_catalog.pg_am m on m.oid = x.relam and m.amname = 'btree'
                   join pg_catalog.pg_class c on c.oid = i.indrelid and c.relkind in ('r', 'm')
                   join pg_catalog.pg_namespace n on n.oid = c.relnamespace
                   join pg_catalog.pg_attribute a on a.attrelid = i.indexrelid
                   left join pg_catalog.pg_attribute t on t.attrelid = c.oid and t.attnum = i.indkey[a.attnum - 1] and t.attnum > 0
                   left join pg_catalog.pg_stats s
                     on s.schemaname = n.nspname and s.tablename = c.relname and s.attname = t.attname and not s.inherited
                   where {mine} group by x.oid, c.oid, x.relpages, x.reltuples) b
             where b.pages > 128 and b.pages > 4 * b.needed order by 1",
        ),
        unseen: NO_STATISTICS,
        ..INDEX
    },
    Check {
        name: "large_table_scanned",
        severity: Severity::Info,
        asks: "large tables that are mostly read from end to end",
        says: "`{table}` has about {rows} rows and was read from end to end {scans} times, by index {by_index} times",
        why: "the time of those queries grows with every row",
        mend: "see the queries with `explain`, and an index in the spec for what they ask",
        how: How::Query(
            "select s.relid::regclass::text as object, s.relid::regclass::text as table, s.n_live_tup as rows,
                    s.seq_scan as scans, coalesce(s.idx_scan, 0) as by_index
             from pg_catalog.pg_stat_user_tables s
             join pg_catalog.pg_class c on c.oid = s.relid
             join pg_catalog.pg_namespace n on n.oid = c.relnamespace
             where s.n_live_tup > 10000 and s.seq_scan > 100 and s.seq_scan > 2 * coalesce(s.idx_scan, 0) and {mine}
             order by 1",
        ),
        ..INDEX
    },
    Check {
        name: "collation_version_changed",
        severity: Severity::Error,
        area: None,
        asks: "collations that sort in another way than when indexes were built",
        says: "the collation of {object} was of version {was}, and is of version {now}",
        why: "indexes on texts are in the wrong order: rows are not found, and duplicates get in",
        mend: "reindex what sorts by {object}, then alter {object} refresh collation version;",
        how: How::Query(
            "select 'database ' || pg_catalog.quote_ident(d.datname) as object, d.datcollversion as was,
                    pg_catalog.pg_database_collation_actual_version(d.oid) as now
             from pg_catalog.pg_database d
             where d.datname = current_database()
               and d.datcollversion <> pg_catalog.pg_database_collation_actual_version(d.oid)
             union all
             select 'collation ' || l.oid::regcollation::text, l.collversion,
                    pg_catalog.pg_collation_actual_version(l.oid)
             from pg_catalog.pg_collation l
             where l.collversion <> pg_catalog.pg_collation_actual_version(l.oid)
               and exists (select from pg_catalog.pg_depend d where d.refobjid = l.oid)
             order by 1",
        ),
        ..INDEX
    },
];
