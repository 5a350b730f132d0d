//! How tables, columns and constraints are made.

use crate::check::{Area, BASE, Check, How, Section, Severity};

const SCHEMA: Check = Check { section: Section::Schema, area: Some(Area::Schema), ..BASE };

/// The checks.
pub const ALL: &[Check] = &[
    Check {
        name: "constraint_not_validated",
        asks: "constraints that were never checked against the rows that are there",
        says: "the constraint `{constraint}` of `{table}` holds for new rows only",
        why: "rows that break it may be there, and a restore or an update of them fails",
        mend: "alter table {table} validate constraint {constraint};",
        how: How::Query(
            "select n.nspname || '.' || c.relname || ' ' || k.conname as object, c.oid::regclass::text as table,
                    pg_catalog.quote_ident(k.conname) as constraint
             from pg_catalog.pg_constraint k
             join pg_catalog.pg_class c on c.oid = k.conrelid
             join pg_catalog.pg_namespace n on n.oid = c.relnamespace
             where not k.convalidated and coalesce(to_jsonb(k) ->> 'conenforced', 'true') = 'true' and {mine} order by 1",
        ),
        ..SCHEMA
    },
    Check {
        name: "constraint_not_enforced",
        severity: Severity::Error,
        asks: "constraints that Postgres was told not to hold",
        says: "the constraint `{constraint}` of `{table}` is not enforced",
        why: "it reads as a promise, and any row may break it",
        mend: "alter table {table} alter constraint {constraint} enforced; (of a check: drop it and add it again)",
        how: How::Query(
            "select n.nspname || '.' || c.relname || ' ' || k.conname as object, c.oid::regclass::text as table,
                    pg_catalog.quote_ident(k.conname) as constraint
             from pg_catalog.pg_constraint k
             join pg_catalog.pg_class c on c.oid = k.conrelid
             join pg_catalog.pg_namespace n on n.oid = c.relnamespace
             where to_jsonb(k) ->> 'conenforced' = 'false' and {mine} order by 1",
        ),
        ..SCHEMA
    },
    Check {
        name: "trigger_disabled",
        severity: Severity::Error,
        asks: "triggers that are switched off",
        says: "the trigger `{trigger}` of `{table}` is switched off",
        why: "what it keeps true is not kept true: counts, references, times of change",
        mend: "alter table {table} enable trigger {trigger};",
        how: How::Query(
            "select n.nspname || '.' || c.relname || ' ' || t.tgname as object, c.oid::regclass::text as table,
                    pg_catalog.quote_ident(t.tgname) as trigger
             from pg_catalog.pg_trigger t
             join pg_catalog.pg_class c on c.oid = t.tgrelid
             join pg_catalog.pg_namespace n on n.oid = c.relnamespace
             where t.tgenabled = 'D' and {mine} order by 1",
        ),
        ..SCHEMA
    },
    Check {
        name: "rule_disabled",
        asks: "rewrite rules that are switched off",
        says: "the rule `{rule}` of `{table}` is switched off",
        why: "statements go the way that the rule was to bar",
        mend: "alter table {table} enable rule {rule};",
        how: How::Query(
            "select n.nspname || '.' || c.relname || ' ' || r.rulename as object, c.oid::regclass::text as table,
                    pg_catalog.quote_ident(r.rulename) as rule
             from pg_catalog.pg_rewrite r
             join pg_catalog.pg_class c on c.oid = r.ev_class
             join pg_catalog.pg_namespace n on n.oid = c.relnamespace
             where r.ev_enabled = 'D' and {mine} order by 1",
        ),
        ..SCHEMA
    },
    Check {
        name: "event_trigger_disabled",
        asks: "event triggers that are switched off",
        says: "the event trigger `{object}` is switched off",
        why: "changes of the schema pass unseen by it",
        mend: "alter event trigger {object} enable;",
        area: None,
        how: How::Query(
            "select pg_catalog.quote_ident(e.evtname) as object from pg_catalog.pg_event_trigger e
             where e.evtenabled = 'D' order by 1",
        ),
        ..SCHEMA
    },
    Check {
        name: "reference_of_another_type",
        asks: "references whose two sides have different types",
        says: "`{table}.{column}` ({type}) refers to `{to}` ({to_type})",
        why: "values fit one side and not the other, and a join may not use the index",
        mend: "alter table {table} alter column {column} type {to_type};",
        how: How::Query(
            "select n.nspname || '.' || c.relname || ' ' || k.conname as object, c.oid::regclass::text as table,
                    pg_catalog.quote_ident(a.attname) as column, pg_catalog.format_type(a.atttypid, null) as type,
                    k.confrelid::regclass::text as to, pg_catalog.format_type(b.atttypid, null) as to_type
             from pg_catalog.pg_constraint k
             join pg_catalog.pg_class c on c.oid = k.conrelid
             join pg_catalog.pg_namespace n on n.oid = c.relnamespace
             cross join lateral unnest(k.conkey, k.confkey) as p(here, there)
             join pg_catalog.pg_attribute a on a.attrelid = k.conrelid and a.attnum = p.here
             join pg_catalog.pg_attribute b on b.attrelid = k.confrelid and b.attnum = p.there
             where k.contype = 'f' and a.atttypid <> b.atttypid and {mine} order by 1",
        ),
        ..SCHEMA
    },
    Check {
        name: "created_at_without_default",
        severity: Severity::Info,
        asks: "columns `created_at` that nothing fills",
        says: "`{table}.{column}` has no default",
        why: "rows come without the time at which they came, or with one that a client made up",
        mend: "alter table {table} alter column {column} set default now();",
        how: How::Query(
            "select n.nspname || '.' || c.relname || '.' || a.attname as object, c.oid::regclass::text as table,
                    pg_catalog.quote_ident(a.attname) as column
             from pg_catalog.pg_attribute a
             join pg_catalog.pg_class c on c.oid = a.attrelid and c.relkind in ('r', 'p')
             join pg_catalog.pg_namespace n on n.oid = c.relnamespace
             where a.attname in ('created_at', 'inserted_at') and not a.atthasdef and not a.attisdropped
               and not exists (select from pg_catalog.pg_trigger t where t.tgrelid = c.oid and not t.tgisinternal
                               and t.tgtype & 2 = 2 and t.tgtype & 4 = 4) and {mine} order by 1",
        ),
        ..SCHEMA
    },
    Check {
        name: "updated_at_without_trigger",
        severity: Severity::Info,
        asks: "columns `updated_at` of tables without a trigger before updates",
        says: "`{table}.{column}` is kept by no trigger",
        why: "it says when a row was made, whoever changes it since",
        mend: "use timestamps in the spec, or a trigger before update on {table}",
        how: How::Query(
            "select n.nspname || '.' || c.relname || '.' || a.attname as object, c.oid::regclass::text as table,
                    pg_catalog.quote_ident(a.attname) as column
             from pg_catalog.pg_attribute a
             join pg_catalog.pg_class c on c.oid = a.attrelid and c.relkind in ('r', 'p') and not c.relispartition
             join pg_catalog.pg_namespace n on n.oid = c.relnamespace
             where a.attname in ('updated_at', 'modified_at') and not a.attisdropped
               and not exists (select from pg_catalog.pg_trigger t where t.tgrelid = c.oid and not t.tgisinternal
                               and t.tgtype & 2 = 2 and t.tgtype & 16 = 16) and {mine} order by 1",
        ),
        ..SCHEMA
    },
    Check {
        name: "time_without_zone",
        severity: Severity::Info,
        asks: "columns with a time that says no zone",
        says: "`{table}.{column}` is a timestamp without time zone",
        why: "what moment it is depends on who reads it",
        mend: "alter table {table} alter column {column} type timestamptz using {column} at time zone 'UTC';",
        how: How::Query(
            "select n.nspname || '.' || c.relname || '.' || a.attname as object, c.oid::regclass::text as table,
                    pg_catalog.quote_ident(a.attname) as column
             from pg_catalog.pg_attribute a
             join pg_catalog.pg_class c on c.oid = a.attrelid and c.relkind in ('r', 'p') and not c.relispartition
             join pg_catalog.pg_namespace n on n.oid = c.relnamespace
             where a.atttypid = 'timestamp'::regtype and a.attnum > 0 and not a.attisdropped and {mine} order by 1",
        ),
        ..SCHEMA
    },
    Check {
        name: "unlogged_table",
        severity: Severity::Error,
        asks: "tables that are empty after a crash",
        says: "`{table}` is unlogged",
        why: "a crash empties it, and no backup by the log and no replica has its rows",
        mend: "alter table {table} set logged; (it is written anew under a lock)",
        how: How::Query(
            "select c.oid::regclass::text as object, c.oid::regclass::text as table
             from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
             where c.relpersistence = 'u' and c.relkind in ('r', 'm') and {mine} order by 1",
        ),
        ..SCHEMA
    },
    Check {
        name: "view_never_filled",
        asks: "materialized views that were never filled",
        says: "the materialized view `{object}` was never filled",
        why: "every read of it fails",
        mend: "refresh materialized view {object};",
        area: None,
        how: How::Query(
            "select c.oid::regclass::text as object
             from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
             where c.relkind = 'm' and not c.relispopulated and {mine} order by 1",
        ),
        ..SCHEMA
    },
    Check {
        name: "partition_without_parent_key",
        severity: Severity::Info,
        asks: "partitioned tables without a primary key",
        says: "the partitioned table `{table}` has no primary key",
        why: "a row cannot be named across partitions, and the same one may be in two",
        mend: "alter table {table} add primary key (…); it has to have the partition key in it",
        how: How::Query(
            "select c.oid::regclass::text as object, c.oid::regclass::text as table
             from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
             where c.relkind = 'p' and not c.relispartition
               and not exists (select from pg_catalog.pg_index i where i.indrelid = c.oid and i.indisprimary)
               and {mine} order by 1",
        ),
        ..SCHEMA
    },
    Check {
        name: "partitioned_table_empty",
        severity: Severity::Error,
        asks: "partitioned tables without a partition",
        says: "`{table}` has no partition",
        why: "every row that is written to it is refused",
        mend: "create table … partition of {table} …;",
        how: How::Query(
            "select c.oid::regclass::text as object, c.oid::regclass::text as table
             from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
             where c.relkind = 'p' and not exists (select from pg_catalog.pg_inherits i where i.inhparent = c.oid)
               and {mine} order by 1",
        ),
        ..SCHEMA
    },
    Check {
        name: "replica_identity_missing",
        severity: Severity::Error,
        asks: "published tables whose updates and deletions are refused for want of a key",
        says: "`{table}` is published by `{publication}` and has no replica identity",
        why: "every update and deletion of its rows fails",
        mend: "alter table {table} replica identity full; or a primary key",
        how: How::Query(
            "select distinct c.oid::regclass::text as object, c.oid::regclass::text as table, p.pubname as publication
             from pg_catalog.pg_publication p
             cross join lateral pg_catalog.pg_get_publication_tables(p.pubname) t
             join pg_catalog.pg_class c on c.oid = t.relid
             join pg_catalog.pg_namespace n on n.oid = c.relnamespace
             where (p.pubupdate or p.pubdelete)
               and (c.relreplident = 'n' or c.relreplident = 'd' and not exists (
                 select from pg_catalog.pg_index i where i.indrelid = c.oid and i.indisprimary))
               and {mine} order by 1",
        ),
        ..SCHEMA
    },
];
