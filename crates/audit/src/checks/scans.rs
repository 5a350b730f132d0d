//! What is asked of the rows themselves, of no more of a table than the budget allows.

use crate::check::{Area, BASE, Check, How, Need, Section, Seen, Severity};
use crate::look::{Look, Refusal, Row};
use crate::verdict::shown;
use serde_json::json;
use specc_catalog::{Object, Rule, TableName};
use specc_sql::quote;
use std::collections::BTreeSet;

const SCAN: Check = Check { section: Section::Data, area: Some(Area::Seed), needs: &[Need::Rows], ..BASE };

/// The checks.
pub const ALL: &[Check] = &[
    Check {
        name: "orphans",
        severity: Severity::Error,
        asks: "rows that refer to a row that is not there, by a reference that is not validated or only in the spec",
        says: "{bad} of {looked} rows of `{table}` refer by {columns} to no row of `{to}`",
        why: "a join loses them, and the reference cannot be made or validated",
        mend: "delete or mend these rows, then alter table {table} validate constraint …; or apply the migration that adds it",
        how: How::Asked(orphans),
        ..SCAN
    },
    Check {
        name: "rows_break_the_spec",
        severity: Severity::Error,
        asks: "rows that checks and columns of the spec refuse, where the database does not hold them",
        says: "{bad} of {looked} rows of `{table}` break {what} of the spec",
        why: "the migration that adds it will fail, and programs read what they do not expect",
        mend: "mend the rows of {table} where {wrong}, then apply the migration",
        needs: &[Need::Rows, Need::Spec],
        how: How::Asked(misfits),
        ..SCAN
    },
    Check {
        name: "seed_rows_missing",
        severity: Severity::Error,
        asks: "rows of the spec's base seeds that are not there",
        says: "{bad} of {looked} rows that the spec gives `{table}` are not there",
        why: "what the program takes for granted is missing: roles, plans, flags",
        mend: "apply the migrations; or run the seed of `base` for {table}",
        needs: &[Need::Rows, Need::Spec],
        how: How::Asked(seeds),
        ..SCAN
    },
    Check {
        name: "personal_data_without_class",
        asks: "columns with addresses, phone numbers or numbers of cards, of which the spec does not say so",
        says: "{bad} of {looked} values of `{table}.{column}` look like {what}",
        why: "they are in every dump and test copy, and no erasure and no retention knows of them",
        mend: "`pii` at the field {column} of {table} in the spec",
        how: How::Asked(personal),
        ..SCAN
    },
    Check {
        name: "secret_in_rows",
        severity: Severity::Error,
        area: Some(Area::Rls),
        section: Section::Security,
        asks: "columns with keys, tokens or passwords as they are, of which the spec does not say so",
        says: "{bad} of {looked} values of `{table}.{column}` look like {what}",
        why: "whoever reads the table, a dump or a log acts with them",
        mend: "`secret` at the field {column} of {table} in the spec; store a hash, or keep it in a vault",
        how: How::Asked(secrets),
        ..SCAN
    },
    Check {
        name: "test_data",
        severity: Severity::Info,
        asks: "rows that look as if they were made to try something",
        says: "{bad} of {looked} values of `{table}.{column}` look like {what}",
        why: "fixtures in production are counted, mailed and billed",
        mend: "delete them from {table}, or say in the baseline why they are there",
        how: How::Asked(fixtures),
        ..SCAN
    },
];

/// Kinds of values by pattern: what it is, and a condition on the text `c.v`: a column of the table may be called as anything here.
type Pattern = (&'static str, &'static str);

/// The sum of digits by which numbers of cards are checked.
const CARD: &str = "c.v ~ '^[3-6][0-9]{3}([ -]?[0-9]{4}){2}[ -]?[0-9]{1,7}$' and (
    select sum(case when g.i % 2 = 1 then d.n else d.n * 2 / 10 + d.n * 2 % 10 end) % 10 = 0
    from generate_series(1, length(regexp_replace(c.v, '[^0-9]', '', 'g'))) g(i)
    cross join lateral (select substr(reverse(regexp_replace(c.v, '[^0-9]', '', 'g')), g.i, 1)::int) d(n))";

const PERSONAL: &[Pattern] = &[
    ("addresses of mail", "c.v ~* '^[a-z0-9._%+-]+@[a-z0-9-]+(\\.[a-z0-9-]+)*\\.[a-z]{2,}$'"),
    ("phone numbers", "c.v ~ '^\\+[1-9][0-9 ()./-]{7,18}$'"),
    ("numbers of cards", CARD),
];

const SECRETS: &[Pattern] = &[
    ("private keys", "c.v like '%-----BEGIN %PRIVATE KEY-----%'"),
    ("tokens (JWT)", "c.v ~ '^eyJ[A-Za-z0-9_-]{10,}\\.eyJ[A-Za-z0-9_-]{10,}\\.'"),
    (
        "keys of services",
        "c.v ~ '^(sb_secret_|sk_live_|rk_live_|whsec_|AKIA[0-9A-Z]{16}$|gh[opsu]_[A-Za-z0-9]{30,}|xox[abp]-)'",
    ),
    ("addresses with a password", "c.v ~ '^[a-z+]+://[^/@: ]+:[^/@ ]+@'"),
];

const FIXTURES: &[Pattern] = &[
    (
        "addresses that nobody has",
        "c.v ~* '@(example\\.(com|org|net)|test\\.(com|local)|[a-z0-9.-]+\\.(test|example|invalid))$'",
    ),
    ("texts that fill a place", "c.v ~* '\\m(lorem ipsum|asdf|qwerty|foobar)\\M'"),
    (
        "names of tests",
        "c.v ~* '^(test|dummy|fake)([ _-]?(user|name|title|data|event|company|account|customer))?[ _-]?[0-9]*$'",
    ),
    (
        "numbers of cards for tests",
        "regexp_replace(c.v, '[ -]', '', 'g') in ('4242424242424242', '4111111111111111', '5555555555554444')",
    ),
];

/// A number of a row.
pub(super) fn count(row: &Row, column: &str) -> u64 {
    row.get(column).and_then(serde_json::Value::as_u64).unwrap_or_default()
}

/// Says of a table that not all of it was read, if that is so.
fn partly(seen: &mut Seen, table: &str, looked: u64, limit: u64) {
    if looked > limit {
        seen.unseen.push(format!("{table}: only {limit} of its rows were looked at: raise `--scan-rows`"));
    }
}

/// Counts, of the first rows of a table, those for which a condition holds.
fn bad_rows(look: &mut Look<'_, '_>, seen: &mut Seen, table: &str, condition: &str, row: Row) -> Result<(), Refusal> {
    let limit = look.limits.rows;
    let sql = format!(
        "select count(*) as looked, count(*) filter (where {condition}) as bad from (select * from {table} limit {}) r",
        limit + 1
    );
    match look.try_ask(&sql)? {
        Ok(found) => {
            let Some(said) = found.first() else { return Ok(()) };
            partly(seen, table, count(said, "looked"), limit);
            if count(said, "bad") > 0 {
                let mut row = row;
                row.insert("table".into(), json!(table));
                row.insert("bad".into(), json!(count(said, "bad")));
                row.insert("looked".into(), json!(count(said, "looked").min(limit)));
                seen.rows.push(row);
            }
        }
        Err(why) => seen.unseen.push(format!("{table}: {why}")),
    }
    Ok(())
}

/// What identifies a reference: its table and columns, both quoted.
fn orphans(look: &mut Look<'_, '_>) -> Result<Seen, Refusal> {
    let held = look.ask(
        "select k.conname as name, n.nspname || '.' || c.relname || ' ' || k.conname as object, c.oid::regclass::text as table,
                k.confrelid::regclass::text as to, k.convalidated as valid,
                array(select pg_catalog.quote_ident(a.attname) from unnest(k.conkey) with ordinality u(num, at)
                      join pg_catalog.pg_attribute a on a.attrelid = k.conrelid and a.attnum = u.num order by u.at) as columns,
                array(select pg_catalog.quote_ident(a.attname) from unnest(k.confkey) with ordinality u(num, at)
                      join pg_catalog.pg_attribute a on a.attrelid = k.confrelid and a.attnum = u.num order by u.at) as to_columns
         from pg_catalog.pg_constraint k
         join pg_catalog.pg_class c on c.oid = k.conrelid
         join pg_catalog.pg_namespace n on n.oid = c.relnamespace
         where k.contype = 'f' and {mine} order by 2",
    )?;
    struct Reference {
        object: String,
        table: String,
        columns: Vec<String>,
        to: String,
        to_columns: Vec<String>,
    }
    let list = |row: &Row, column: &str| -> Vec<String> {
        row.get(column).and_then(|all| all.as_array()).map(|all| all.iter().map(shown).collect()).unwrap_or_default()
    };
    let text = |row: &Row, column: &str| row.get(column).map(shown).unwrap_or_default();
    let known: BTreeSet<(String, Vec<String>)> =
        held.iter().map(|row| (text(row, "table"), list(row, "columns"))).collect();
    let mut wanted: Vec<Reference> = held
        .iter()
        .filter(|row| row.get("valid") == Some(&json!(false)))
        .map(|row| Reference {
            object: text(row, "object"),
            table: text(row, "table"),
            columns: list(row, "columns"),
            to: text(row, "to"),
            to_columns: list(row, "to_columns"),
        })
        .collect();
    for (_, entry) in look.subject.spec.iter().flat_map(|spec| spec.catalog.iter()) {
        let Object::Constraint(constraint) = &entry.object else { continue };
        let Rule::ForeignKey(key) = &constraint.rule else { continue };
        let quoted = |names: &[smol_str::SmolStr]| -> Vec<String> {
            names.iter().map(|name| quote::ident(name).into_owned()).collect()
        };
        let table = quoted_table(&constraint.table);
        let columns = quoted(&key.columns);
        if !known.contains(&(table.clone(), columns.clone())) {
            wanted.push(Reference {
                object: format!("{}.{} {}", constraint.table.schema, constraint.table.name, constraint.name),
                table,
                columns,
                to: quoted_table(&key.target),
                to_columns: quoted(&key.target_columns),
            });
        }
    }
    let mut seen = Seen::default();
    for reference in wanted {
        let filled: Vec<String> = reference.columns.iter().map(|column| format!("r.{column} is not null")).collect();
        let pairs = reference.columns.iter().zip(&reference.to_columns);
        let same: Vec<String> = pairs.map(|(here, there)| format!("t.{there} = r.{here}")).collect();
        let condition = format!(
            "{} and not exists (select from {} t where {})",
            filled.join(" and "),
            reference.to,
            same.join(" and ")
        );
        let mut row = Row::new();
        row.insert("object".into(), json!(reference.object));
        row.insert("columns".into(), json!(reference.columns.join(", ")));
        row.insert("to".into(), json!(reference.to));
        bad_rows(look, &mut seen, &reference.table, &condition, row)?;
    }
    Ok(seen)
}

fn quoted_table(table: &TableName) -> String {
    quote::qualified(&table.schema, &table.name)
}

/// Checks and columns of the spec that the database does not hold itself.
fn misfits(look: &mut Look<'_, '_>) -> Result<Seen, Refusal> {
    let held = look.ask(
        "select c.oid::regclass::text as table, k.conname as name, true as is_check
         from pg_catalog.pg_constraint k
         join pg_catalog.pg_class c on c.oid = k.conrelid
         join pg_catalog.pg_namespace n on n.oid = c.relnamespace
         where k.contype = 'c' and k.convalidated and {mine}
         union all
         select c.oid::regclass::text, a.attname, false
         from pg_catalog.pg_attribute a
         join pg_catalog.pg_class c on c.oid = a.attrelid and c.relkind in ('r', 'p')
         join pg_catalog.pg_namespace n on n.oid = c.relnamespace
         where a.attnotnull and a.attnum > 0 and not a.attisdropped and {mine}",
    )?;
    let text = |row: &Row, column: &str| row.get(column).map(shown).unwrap_or_default();
    let held: BTreeSet<(String, String, bool)> = held
        .iter()
        .map(|row| (text(row, "table"), text(row, "name"), row.get("is_check") == Some(&json!(true))))
        .collect();
    let is_held = |table: &str, name: &str, check| held.contains(&(table.to_owned(), name.to_owned(), check));
    let mut seen = Seen::default();
    let Some(spec) = &look.subject.spec else { return Ok(seen) };
    for (_, entry) in spec.catalog.iter() {
        let mut ask = |table: &str, what: String, wrong: String| {
            let mut row = Row::new();
            row.insert("object".into(), json!(format!("{table} {what}")));
            row.insert("what".into(), json!(what));
            row.insert("wrong".into(), json!(wrong));
            bad_rows(look, &mut seen, table, &wrong, row)
        };
        match &entry.object {
            Object::Constraint(constraint) => {
                let Rule::Check { expr, .. } = &constraint.rule else { continue };
                let table = quoted_table(&constraint.table);
                if !is_held(&table, &constraint.name, true) {
                    ask(&table, format!("the check `{}`", constraint.name), format!("({}) is false", expr.text))?;
                }
            }
            Object::Table(made) => {
                let table = quoted_table(&made.table);
                for column in made.columns.iter().filter(|column| !column.nullable) {
                    if !is_held(&table, &column.name, false) {
                        let wrong = format!("{} is null", quote::ident(&column.name));
                        ask(&table, format!("the column `{}`, which is never null,", column.name), wrong)?;
                    }
                }
            }
            _ => {}
        }
    }
    Ok(seen)
}

/// Rows of the spec by their keys; of a seed without keys, whether the table has any row.
fn seeds(look: &mut Look<'_, '_>) -> Result<Seen, Refusal> {
    let mut seen = Seen::default();
    let Some(spec) = &look.subject.spec else { return Ok(seen) };
    for (_, entry) in spec.catalog.iter() {
        let Object::Seed(seed) = &entry.object else { continue };
        let table = quoted_table(&seed.table);
        let limit = usize::try_from(look.limits.rows).unwrap_or(usize::MAX);
        let places: Vec<Option<usize>> =
            seed.key.iter().map(|key| seed.columns.iter().position(|column| column == key)).collect();
        let there = |row: &Vec<specc_catalog::SqlExpr>| {
            let same: Option<Vec<String>> = places
                .iter()
                .zip(&seed.key)
                .map(|(at, key)| Some(format!("t.{} = ({})", quote::ident(key), row.get((*at)?)?.text)))
                .collect();
            let same = same.filter(|same| !same.is_empty()).unwrap_or_else(|| vec!["true".to_owned()]);
            format!("(exists (select from {table} t where {}))", same.join(" and "))
        };
        let mut bad = 0;
        let mut failed = false;
        for part in seed.rows.iter().take(limit).collect::<Vec<_>>().chunks(200) {
            let values: Vec<String> = part.iter().map(|row| there(row)).collect();
            let sql = format!(
                "select count(*) filter (where not v.there) as bad from (values {}) v(there)",
                values.join(", ")
            );
            match look.try_ask(&sql)? {
                Ok(found) => bad += found.first().map(|row| count(row, "bad")).unwrap_or_default(),
                Err(why) => {
                    seen.unseen.push(format!("{table}: {why}"));
                    failed = true;
                    break;
                }
            }
        }
        if seed.rows.len() > limit {
            seen.unseen.push(format!("{table}: only {limit} rows of the seed were looked for: raise `--scan-rows`"));
        }
        if bad > 0 && !failed {
            let mut row = Row::new();
            row.insert("object".into(), json!(table));
            row.insert("table".into(), json!(table));
            row.insert("bad".into(), json!(bad));
            row.insert("looked".into(), json!(seed.rows.len().min(limit)));
            seen.rows.push(row);
        }
    }
    Ok(seen)
}

fn personal(look: &mut Look<'_, '_>) -> Result<Seen, Refusal> {
    by_pattern(look, PERSONAL, true)
}

fn secrets(look: &mut Look<'_, '_>) -> Result<Seen, Refusal> {
    by_pattern(look, SECRETS, true)
}

fn fixtures(look: &mut Look<'_, '_>) -> Result<Seen, Refusal> {
    by_pattern(look, FIXTURES, false)
}

/// Texts that look like something, column by column. Only numbers are told of them: the report is not where they should be.
fn by_pattern(look: &mut Look<'_, '_>, patterns: &[Pattern], unclassed: bool) -> Result<Seen, Refusal> {
    let tables = look.ask(
        "select c.oid::regclass::text as table, n.nspname || '.' || c.relname as name,
                array_agg(pg_catalog.quote_ident(a.attname) order by a.attnum) as columns,
                array_agg(a.attname order by a.attnum) as names
         from pg_catalog.pg_class c
         join pg_catalog.pg_namespace n on n.oid = c.relnamespace
         join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
         join pg_catalog.pg_type t on t.oid = a.atttypid and t.typcategory = 'S' and t.typname <> 'name'
         where c.relkind in ('r', 'p', 'm') and not c.relispartition and {mine}
         group by c.oid, n.nspname, c.relname order by 1",
    )?;
    let mut classed = BTreeSet::new();
    for (id, entry) in look.subject.spec.iter().flat_map(|spec| spec.catalog.iter()) {
        classed.extend(entry.classes.iter().map(|(column, _)| format!("{}.{}.{column}", id.schema, id.name)));
    }
    let limit = look.limits.rows;
    let mut seen = Seen::default();
    for found in &tables {
        let table = found.get("table").map(shown).unwrap_or_default();
        let list = |column: &str| found.get(column).and_then(|all| all.as_array()).into_iter().flatten().map(shown);
        let name = found.get("name").map(shown).unwrap_or_default();
        let columns: Vec<(String, String)> = list("columns")
            .zip(list("names"))
            .filter(|(_, plain)| !unclassed || !classed.contains(&format!("{name}.{plain}")))
            .collect();
        if columns.is_empty() {
            continue;
        }
        let counts: Vec<String> = patterns
            .iter()
            .enumerate()
            .map(|(nth, (_, condition))| format!("count(*) filter (where {condition}) as n{nth}"))
            .collect();
        let quoted: Vec<&str> = columns.iter().map(|(column, _)| column.as_str()).collect();
        let values: Vec<String> =
            quoted.iter().enumerate().map(|(at, column)| format!("({at}, left(r.{column}::text, 4000))")).collect();
        let sql = format!(
            "select c.at, count(*) as looked, {} from (select {} from {table} limit {}) r
             cross join lateral (values {}) c(at, v) group by c.at order by c.at",
            counts.join(", "),
            quoted.join(", "),
            limit + 1,
            values.join(", ")
        );
        match look.try_ask(&sql)? {
            Ok(rows) => {
                if let Some(first) = rows.first() {
                    partly(&mut seen, &table, count(first, "looked"), limit);
                }
                for said in &rows {
                    let at = usize::try_from(count(said, "at")).unwrap_or_default();
                    let Some((column, plain)) = columns.get(at) else { continue };
                    for (nth, (what, _)) in patterns.iter().enumerate() {
                        let bad = count(said, &format!("n{nth}"));
                        if bad > 0 {
                            let mut row = Row::new();
                            row.insert("object".into(), json!(format!("{name}.{plain} {what}")));
                            row.insert("table".into(), json!(table));
                            row.insert("column".into(), json!(column));
                            row.insert("what".into(), json!(what));
                            row.insert("bad".into(), json!(bad));
                            row.insert("looked".into(), json!(count(said, "looked").min(limit)));
                            seen.rows.push(row);
                        }
                    }
                }
            }
            Err(why) => seen.unseen.push(format!("{table}: {why}")),
        }
    }
    Ok(seen)
}
