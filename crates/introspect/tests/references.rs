//! What the analysis finds in the texts of views, policies and bodies is what Postgres keeps in `pg_depend`: the columns
//! that each reads, and the functions that each calls.

#![allow(clippy::disallowed_methods, clippy::print_stdout)]

mod support;

use specc_analysis::Target;
use specc_analysis::catalog::Known;
use specc_catalog::{Body, Catalog, Kind, Object};
use specc_postgres::{Session, load_sql, shared};
use std::collections::BTreeSet;
use support::{Ground, lowered, open, read, script};

/// Kind, schema, name and part of what reads; then what it reads.
type Needs = BTreeSet<[String; 5]>;

const COLUMNS: &str = "
    with reader as (
      select 2618::oid as class, r.oid, 'view' as kind, n.nspname, c.relname::text as name, '' as part, c.oid as own
      from pg_rewrite r join pg_class c on c.oid = r.ev_class join pg_namespace n on n.oid = c.relnamespace
      where r.rulename = '_RETURN'
      union all select 3256, p.oid, 'policy', n.nspname, c.relname, p.polname, 0
      from pg_policy p join pg_class c on c.oid = p.polrelid join pg_namespace n on n.oid = c.relnamespace
      union all select 1255, f.oid, 'function', n.nspname, f.proname, '', 0
      from pg_proc f join pg_namespace n on n.oid = f.pronamespace where f.prosqlbody is not null
    )
    select r.kind, r.nspname::text, r.name, r.part, rn.nspname || '.' || rc.relname || '.' || a.attname
    from reader r join pg_depend d on d.classid = r.class and d.objid = r.oid
      join pg_class rc on d.refclassid = 1259 and rc.oid = d.refobjid and rc.oid <> r.own
      join pg_namespace rn on rn.oid = rc.relnamespace
      join pg_attribute a on a.attrelid = rc.oid and a.attnum = d.refobjsubid and a.attnum > 0
    where r.oid >= 16384
    union select r.kind, r.nspname::text, r.name, r.part, fn.nspname || '.' || f.proname || '()'
    from reader r join pg_depend d on d.classid = r.class and d.objid = r.oid
      join pg_proc f on d.refclassid = 1255 and f.oid = d.refobjid and f.oid <> r.oid
      join pg_namespace fn on fn.oid = f.pronamespace
    where r.oid >= 16384 and f.oid >= 16384";

fn kept(session: &mut Session, catalog: &Catalog) -> Needs {
    let known: BTreeSet<String> = catalog.iter().map(|(id, _)| format!("{}.{}", id.schema, id.name)).collect();
    let whole = catalog.iter().filter(|(id, _)| matches!(id.kind, Kind::Table | Kind::View | Kind::Function));
    let whole: BTreeSet<String> = whole.map(|(id, _)| format!("{}.{}", id.schema, id.name)).collect();
    let rows = session.query(COLUMNS, &[]).expect("what Postgres keeps");
    let rows = rows.iter().map(|row| [0, 1, 2, 3, 4].map(|at| row.get::<_, String>(at)));
    // The platform's own objects are none of the catalog's.
    let is_ours = |row: &[String; 5]| {
        let needed = row[4].trim_end_matches("()");
        let relation = needed.rsplit_once('.').map_or(needed, |(head, _)| head);
        // A policy knows the columns of its own table, whoever made that.
        let all = if row[0] == "policy" { &known } else { &whole };
        known.contains(&format!("{}.{}", row[1], row[2])) && (all.contains(needed) || all.contains(relation))
    };
    rows.filter(is_ours).collect()
}

fn found(catalog: &Catalog) -> Needs {
    let known = Known::new(catalog);
    let mut needs = Needs::new();
    for (id, entry) in catalog.iter() {
        let (kind, part) = match &entry.object {
            Object::View(_) => ("view", ""),
            Object::Policy(o) => ("policy", o.name.as_str()),
            Object::Function(o) if matches!(o.body, Body::Atomic(_)) => ("function", ""),
            _ => continue,
        };
        known.each(&entry.object, &mut |text, analysis| {
            assert!(!analysis.unread, "{id} cannot be read: {text}");
            for reference in analysis.references {
                let needed = match reference.target {
                    Target::Column(of, name) => format!("{}.{}.{name}", of.schema, of.name),
                    Target::Function(name, _) => format!("{}.{}()", name.schema, name.name),
                    _ => continue,
                };
                needs.insert([kind, &id.schema, &id.name, part, &needed].map(str::to_owned));
            }
        });
    }
    needs
}

fn check(name: &str) {
    let (catalog, ground) = lowered(name);
    for major in [15, 18] {
        let (_db, mut session) = open(shared(major), ground);
        load_sql(&mut session, &script(&catalog).expect("an order")).expect("it loads");
        held(name, major, &mut session);
    }
}

fn held(name: &str, major: u32, session: &mut Session) {
    let catalog = read(session).catalog;
    let (kept, found) = (kept(session, &catalog), found(&catalog));
    assert!(!kept.is_empty(), "{name} has nothing to compare");
    let missing: Vec<_> = kept.difference(&found).collect();
    let extra: Vec<_> = found.difference(&kept).collect();
    assert!(missing.is_empty() && extra.is_empty(), "{name} on {major}\nmissing: {missing:#?}\nextra: {extra:#?}");
}

#[test]
fn of_every_spec() {
    for name in ["starter", "medellin_spark", "srvc_crm", "automation_platform"] {
        check(name);
    }
}

#[test]
fn of_queries_of_many_forms() {
    let tables = "create table public.a (id int primary key, x int, y text, z text[]);
        create table public.b (id int primary key, a_id int, x int, y text);
        create function public.f(int) returns int language sql immutable as 'select $1';
        create function public.f(text) returns int language sql immutable as 'select length($1)';
        create function public.rows() returns table (n int, t text) language sql as 'select 1, ''x''';";
    let queries = [
        "select * from a",
        "select a.id, b.y from a join b on b.a_id = a.id where a.x > 1",
        "select id, x from a natural join (select id, x from b) c",
        "select id, x, a.y from a join b using (id, x)",
        "select count(*) from a where exists (select from b where b.a_id = a.id and y <> a.y)",
        "with t as (select id as k from a), u (k2) as (select x from b) select t.k, u.k2 from t, u",
        "with recursive t (n) as (select x from a union all select t.n + b.x from t join b on b.id = t.n) select n from t",
        "select f(x) as fx, f(y) as fy from a",
        "select r.t, s.one from rows() r cross join lateral (select b.x + r.n as one from b) s",
        "select z[1], array_agg(y order by x) filter (where id > 1) as ys from a group by z[1]",
        "select x, row_number() over (partition by y order by id) as n from a",
        "select x from a union select a_id from b order by 1",
        "select case when x > 1 then y else (select max(b.y) from b where b.a_id = a.id) end as c from a",
        "select v.n, a.y from a join (values (1, 'x'), (2, 'y')) v (n, t) on v.n = a.x",
        "select to_jsonb(a) as j, (a).y from a",
        "select distinct on (a.y) a.y, u.e from a, unnest(a.z) with ordinality as u (e, at) order by a.y, u.at",
    ];
    for major in [15, 18] {
        let (_db, mut session) = open(shared(major), Ground::Plain);
        session.batch_execute(tables).expect("tables");
        for (n, query) in queries.iter().enumerate() {
            let view = format!("set search_path = public; create view public.v{n} as {query}");
            session.batch_execute(&view).unwrap_or_else(|error| panic!("{query}: {error}"));
        }
        held("queries", major, &mut session);
    }
}
