//! Rows, as far as few of them tell.

use super::scans::count;
use crate::check::{Area, BASE, Check, How, Need, Section, Seen, Severity};
use crate::look::{Look, Refusal, Row};
use crate::verdict::shown;
use serde_json::json;

const DATA: Check = Check { section: Section::Data, area: Some(Area::Seed), ..BASE };

/// The checks.
pub const ALL: &[Check] = &[
    Check {
        name: "default_partition_has_rows",
        asks: "default partitions that have rows",
        says: "`{table}` is the default partition of `{of}`, and has rows",
        why: "these rows came when their partition was missing, and it cannot be made before they are moved away",
        mend: "make the partition as a table of its own, move the rows there, and attach it to {of}; where the calendar makes partitions, its function does that",
        needs: &[Need::Rows],
        how: How::Asked(in_default),
        ..DATA
    },
    Check {
        name: "next_partition_missing",
        severity: Severity::Error,
        area: Some(Area::Schema),
        asks: "tables that are partitioned by time, without a partition for the next week (where the calendar makes them, the next day)",
        says: "the last partition of `{table}` ends at {ends}",
        why: "after that, rows are refused, or all fall into the default partition",
        mend: "create table … partition of {table} for values from ('{ends}') to (…);",
        how: How::Query(
            "select p.tbl as object, p.tbl as table, p.ends::text as ends
             from (select c.oid::regclass::text as tbl, max(b.ends::timestamptz) as ends,
                          bool_or(pg_catalog.starts_with(coalesce(pg_catalog.obj_description(x.oid, 'pg_class'), ''), 'Made by specc as a part of ')) as rolls
                   from pg_catalog.pg_partitioned_table t
                   join pg_catalog.pg_class c on c.oid = t.partrelid
                   join pg_catalog.pg_namespace n on n.oid = c.relnamespace
                   join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum = t.partattrs[0]
                     and a.atttypid in ('date'::regtype, 'timestamp'::regtype, 'timestamptz'::regtype)
                   join pg_catalog.pg_inherits i on i.inhparent = c.oid
                   join pg_catalog.pg_class x on x.oid = i.inhrelid
                   cross join lateral (
                     select case substring(pg_catalog.pg_get_expr(x.relpartbound, x.oid) from 'TO \\((.*)\\)$')
                              when 'MAXVALUE' then 'infinity'
                              else substring(pg_catalog.pg_get_expr(x.relpartbound, x.oid) from 'TO \\(''([^'']+)''\\)$') end) b(ends)
                   where t.partstrat = 'r' and t.partnatts = 1 and {mine} group by c.oid) p
             where p.ends < now() + case when p.rolls then interval '1 day' else interval '7 days' end order by 1",
        ),
        ..DATA
    },
    Check {
        name: "sequence_behind_rows",
        severity: Severity::Error,
        area: Some(Area::Schema),
        asks: "sequences that are behind the rows that they number",
        says: "the sequence `{object}` is at {last}, and `{table}.{column}` has {highest}",
        why: "the next inserts fail: their keys are taken",
        mend: "select setval('{object}', (select max({column}) from {table}));",
        needs: &[Need::Rows],
        how: How::Asked(behind),
        ..DATA
    },
];

/// Default partitions with a row in them.
fn in_default(look: &mut Look<'_, '_>) -> Result<Seen, Refusal> {
    let all = look.ask(
        "select d.oid::regclass::text as table, c.oid::regclass::text as of
         from pg_catalog.pg_partitioned_table t
         join pg_catalog.pg_class c on c.oid = t.partrelid
         join pg_catalog.pg_namespace n on n.oid = c.relnamespace
         join pg_catalog.pg_class d on d.oid = t.partdefid where {mine} order by 1",
    )?;
    let mut seen = Seen::default();
    for mut row in all {
        let table = row.get("table").map(shown).unwrap_or_default();
        match look.try_ask(&format!("select exists (select from {table}) as has"))? {
            Ok(found) if found.iter().any(|found| found.get("has") == Some(&json!(true))) => {
                row.insert("object".into(), json!(table));
                seen.rows.push(row);
            }
            Ok(_) => {}
            Err(why) => seen.unseen.push(format!("{table}: {why}")),
        }
    }
    Ok(seen)
}

/// Sequences whose last number is smaller than the largest in their column, which an index gives.
fn behind(look: &mut Look<'_, '_>) -> Result<Seen, Refusal> {
    let all = look.ask(
        "select s.seqrelid::regclass::text as object, d.refobjid::regclass::text as table,
                pg_catalog.quote_ident(a.attname) as column,
                exists (select from pg_catalog.pg_index i where i.indrelid = d.refobjid and i.indkey[0] = a.attnum) as indexed
         from pg_catalog.pg_sequence s
         join pg_catalog.pg_class c on c.oid = s.seqrelid
         join pg_catalog.pg_namespace n on n.oid = c.relnamespace
         join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_class'::regclass and d.objid = s.seqrelid
           and d.refclassid = 'pg_catalog.pg_class'::regclass and d.deptype in ('a', 'i') and d.refobjsubid > 0
         join pg_catalog.pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
           and a.atttypid in ('int2'::regtype, 'int4'::regtype, 'int8'::regtype)
         where s.seqincrement > 0 and not s.seqcycle and {mine} order by 1",
    )?;
    let mut seen = Seen::default();
    for row in all {
        let text = |column: &str| row.get(column).map(shown).unwrap_or_default();
        let (sequence, table, column) = (text("object"), text("table"), text("column"));
        if row.get("indexed") != Some(&json!(true)) {
            let most = look.limits.rows + 1;
            match look.try_ask(&format!("select count(*) as rows from (select from {table} limit {most}) r"))? {
                Ok(found) if found.first().map(|row| count(row, "rows")) == Some(most) => {
                    seen.unseen.push(format!(
                        "{table}: no index begins with {column}, and it has more rows than may be read: an index, or a larger `--scan-rows`"
                    ));
                    continue;
                }
                Ok(_) => {}
                Err(why) => {
                    seen.unseen.push(format!("{table}: {why}"));
                    continue;
                }
            }
        }
        let sql = format!(
            "select * from (select coalesce(pg_catalog.pg_sequence_last_value({}::regclass), 0) as last,
                                   (select max({column}) from {table}) as highest,
                                   pg_catalog.has_sequence_privilege({}::regclass, 'usage, select') as told) s
             where not told or highest > last",
            specc_sql::quote::text(&sequence),
            specc_sql::quote::text(&sequence),
        );
        match look.try_ask(&sql)? {
            Ok(found) => {
                for said in found {
                    if said.get("told") == Some(&json!(true)) {
                        let mut both: Row = row.clone();
                        both.extend(said);
                        seen.rows.push(both);
                    } else {
                        seen.unseen.push(format!(
                            "{sequence}: whoever connects may not see where it is: grant select on sequence {sequence}"
                        ));
                    }
                }
            }
            Err(why) => seen.unseen.push(format!("{table}: {why}")),
        }
    }
    Ok(seen)
}
