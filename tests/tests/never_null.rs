//! What `specc types --strict` says of views: which of their columns are never null. Each claim is held against rows with nulls
//! wherever there can be some, and each view has exactly the claims that are expected of it.

#![allow(clippy::disallowed_methods)]

use specc_analysis::shape::Shapes;
use specc_catalog::{Catalog, Object, TableName};
use specc_postgres::{Database, Session, shared};
use specc_sql::quote;
use specc_tests::{Rows, VERSIONS, each_version, one_text, root, specs};
use std::fmt::Write as _;

fn catalog(session: &mut Session) -> Catalog {
    specc_introspect::introspect(session, &specc_introspect::Options::default()).expect("a catalog").catalog
}

/// Each view of `public` with the columns that are said to be never null, and the number of all.
fn claims(catalog: &Catalog) -> Vec<(TableName, Vec<String>, usize)> {
    let shapes = Shapes::new(catalog, catalog);
    let views = catalog.iter().filter_map(|(_, entry)| match &entry.object {
        Object::View(view) if view.view.schema == "public" => Some(&view.view),
        _ => None,
    });
    let claim = |view: &TableName| {
        let shape = shapes.view(view).unwrap_or_default();
        let certain = shape.columns.iter().filter(|column| column.certain).map(|column| column.name.to_string());
        (view.clone(), certain.collect(), shape.columns.len())
    };
    views.map(claim).collect()
}

/// The claims that a row makes false. A view that cannot be asked is counted.
fn false_ones(session: &mut Session, claims: &[(TableName, Vec<String>, usize)]) -> (String, usize) {
    let (mut wrong, mut silent) = (String::new(), 0);
    for (view, certain, _) in claims.iter().filter(|(_, certain, _)| !certain.is_empty()) {
        let is_null = certain.iter().map(|column| format!("{} is null", quote::ident(column))).collect::<Vec<_>>();
        let from = quote::qualified(&view.schema, &view.name);
        match session.simple_query(&format!("select * from {from} where {}", is_null.join(" or "))) {
            Ok(found) => {
                let rows = found.iter().filter(|m| matches!(m, postgres::SimpleQueryMessage::Row(_))).count();
                if rows > 0 {
                    let _ = writeln!(wrong, "{rows} rows of {from} have a null in one of {certain:?}");
                }
            }
            Err(_) => silent += 1,
        }
    }
    (wrong, silent)
}

const TABLES: &str = "
create table t (id int primary key, a int, b text, r text not null, j jsonb, unique (id, a));
create table u (id int primary key, t_id int references t, n text, m int, r text not null);
insert into t values (1, null, null, 'r', null), (2, 1, 'x', 'r', '{\"a\": null}'), (3, 2, null, 'r', '[]'),
  (4, null, 'y', '', 'null'), (5, 1, 'x', 'r', '1');
insert into u values (1, 1, null, null, 'r'), (2, 2, 'n', 1, 'r'), (3, 2, null, 2, ''), (4, null, 'm', null, 'r'),
  (5, null, null, null, 'r'), (7, 3, 'n', null, 'r');
";

/// The query of a view, and the columns that are never null.
const VIEWS: &[(&str, &str)] = &[
    ("select id, a, r from t", "id r"),
    ("select t.id, u.id as u, u.r, u.n from t left join u on u.t_id = t.id", "id"),
    ("select t.id, u.id as u, u.r, u.n, u.m from t left join u on u.t_id = t.id where u.n is not null", "id u r n"),
    ("select t.id, u.id as u, u.r from t left join u on u.t_id = t.id where u.n = 'n' or u.n = 'm'", "id u r"),
    ("select t.id, u.id as u from t left join u on u.t_id = t.id where u.n = 'n' or u.n is null", "id"),
    ("select t.id, u.id as u from t left join u on u.t_id = t.id where u.n is distinct from 'n'", "id"),
    ("select t.id, u.id as u from t left join u on u.t_id = t.id where (u.n = 'n') is null", "id"),
    ("select t.id, u.id as u from t left join u on u.t_id = t.id where (u.n = 'n') is not true", "id"),
    ("select t.id, u.id as u, u.n from t left join u on u.t_id = t.id where not (u.n = 'n')", "id u n"),
    ("select t.id, u.id as u from t right join u on u.t_id = t.id", "u"),
    ("select t.id, u.id as u, u.t_id from t join u on u.t_id = t.id", "id u t_id"),
    ("select t.id, u.id as u from t full join u on u.t_id = t.id", ""),
    ("select id from t full join u using (id)", "id"),
    ("select id, t.a, u.m from t left join u using (id)", "id"),
    ("select id, t.r as tr, u.r as ur from t right join u using (id)", "id ur"),
    ("select t.id, u.id as u, v.id as v from t left join u on u.t_id = t.id join t v on v.id = u.m", "id u v"),
    ("select v.id as v, t.id, u.t_id from (t join u on u.t_id = t.id) right join t v on v.id = u.m", "v"),
    ("select t.id, u.t_id, v.id as v from t left join (u join t v on v.id = u.t_id) on u.m = t.id", "id"),
    ("select t.id, u.t_id, u.m from t left join u on u.m = t.id and u.t_id is not null", "id"),
    (
        "select t.id, x.c, x.m from t left join lateral (select count(*) as c, max(m) as m from u where t_id = t.id) x on true",
        "id",
    ),
    (
        "select t.id, x.c, x.m from t cross join lateral (select count(*) as c, max(m) as m from u where t_id = t.id) x",
        "id c",
    ),
    ("select id from t where id in (select t_id from u)", "id"),
    ("select a from t where a in (select m from u)", "a"),
    ("select a from t where a not in (select m from u where false)", ""),
    ("select a from t where a not in (1, 7)", "a"),
    ("select a from t where a = any (array[1, 2])", "a"),
    ("select a from t where a between 0 and 5", "a"),
    ("select b from t where b like 'x%'", "b"),
    ("select a from t where a + 1 > 1", "a"),
    ("select a from t where coalesce(a, 0) = 0", ""),
    ("select count(*) as c, max(id) as m, sum(m) as s, coalesce(sum(m), 0) as z from u where false", "c z"),
    (
        "select t_id, count(*) as c, max(id) as m, max(m) as n, min(id) filter (where m > 1) as f, array_agg(m) as g from u group by t_id",
        "c m g",
    ),
    ("select t_id, id, count(*) as c from u group by grouping sets ((t_id), (id))", ""),
    ("select id, t_id from u group by rollup (id, t_id)", ""),
    (
        "select id, row_number() over () as n, lag(id) over (order by id) as p, sum(id) over (order by id rows between 2 preceding and 1 preceding) as s from t",
        "id n",
    ),
    (
        "select id, coalesce(a, 0) as a, coalesce(b, null) as b, coalesce(b, r) as c, nullif(r, '') as d from t",
        "id a c",
    ),
    ("select greatest(a, 1) as g, least(null, id) as l, a is null as n, id = a as e, id > 0 as f from t", "g l n f"),
    (
        "select case when a > 0 then 1 else 0 end as c, case when a > 0 then 1 end as d, case when a > 0 then a else 0 end as e from t",
        "c",
    ),
    (
        "select r || 'x' as c, b || 'x' as d, id + 1 as e, id + a as f, upper(r) as g, r::text as h, id::text as i from t",
        "c e g h i",
    ),
    ("select j -> 'a' as a, j ->> 'a' as b, (j -> 'a')::text as c from t where j is not null and id = 2", ""),
    ("select j from t where j -> 'a' is not null", ""),
    ("select now() as n, current_date as d, 1 as one, null as nothing, 'x' as x, array[a] as l from t", "n d one x l"),
    (
        "select (select count(*) from u where u.t_id = t.id) as c, (select n from u where u.id = t.id) as s, exists (select 1 from u) as e from t",
        "c e",
    ),
    ("select (select count(*) from u where u.t_id = t.id having count(*) > 5) as c from t", ""),
    ("select (select count(*) from u group by t_id limit 1 offset 50) as c from t", ""),
    ("select id, r from t union all select id, n from u", "id"),
    ("select id, r from t intersect select id, r from u", "id r"),
    (
        "with w as (select id, a from t where a is not null) select w.id, w.a, u.n from w left join u on u.t_id = w.id",
        "id a",
    ),
    (
        "with recursive w (id, up) as (select id, a from t union all select u.id, w.id from u join w on w.id = u.t_id and u.id <> w.id and u.id > 90) select id, up from w",
        "",
    ),
    ("select v.a, v.b from (values (1, 'x'), (2, null)) as v (a, b)", "a"),
    ("select distinct on (b) b, id from t", "id"),
    ("select x.e, x.n from t, unnest(array[t.a]) with ordinality as x (e, n)", "n"),
    ("select g.n from generate_series(1, 3) as g (n)", ""),
    ("select string_agg(b, ',') as s, bool_and(a > 0) as k, jsonb_agg(a) as j from t group by r", "j"),
    ("select s.id, s.c from (select id, a + 1 as c from t where a is not null) s", "id c"),
];

#[test]
fn exactly_what_is_never_null_is_said_to_be() {
    for major in VERSIONS {
        let db: Database = shared(major).empty_database().expect("a database");
        let mut session = db.connect().expect("a session");
        session.batch_execute(TABLES).expect("tables");
        for (at, (query, _)) in VIEWS.iter().enumerate() {
            session
                .batch_execute(&format!("create view v{at:02} as {query}"))
                .unwrap_or_else(|e| panic!("{query}: {e:?}"));
        }
        let catalog = catalog(&mut session);
        let mut claims = claims(&catalog);
        claims.sort();
        let mut wrong = String::new();
        for ((view, certain, _), (query, expected)) in claims.iter().zip(VIEWS) {
            if certain.join(" ") != *expected {
                let _ = writeln!(wrong, "{}: {certain:?}, not `{expected}`: {query}", view.name);
            }
        }
        assert!(wrong.is_empty() && claims.len() == VIEWS.len(), "{major}:\n{wrong}");
        let (wrong, silent) = false_ones(&mut session, &claims);
        assert!(wrong.is_empty() && silent == 0, "{major}: {silent} cannot be asked\n{wrong}");
    }
}

#[test]
fn no_row_of_the_specs_says_otherwise() {
    for name in specs() {
        each_version(&name, Rows::Dev, |db| {
            let mut session = db.connect().expect("a session");
            let catalog = catalog(&mut session);
            let claims = claims(&catalog);
            let (wrong, silent) = false_ones(&mut session, &claims);
            assert!(wrong.is_empty() && silent == 0, "{name}: {silent} cannot be asked\n{wrong}");
        });
    }
}

/// The views that the types are tested with, over rows that have nulls wherever they may.
#[test]
fn no_row_of_the_other_views_says_otherwise() {
    let db = shared(18).empty_database().expect("a database");
    let mut session = db.connect().expect("a session");
    let text = std::fs::read_to_string(root().join("fixtures/types/views.sql")).expect("a schema");
    db.load(&text).expect("it loads");
    session
        .batch_execute(
            "insert into t (id, a, b, e, j) values (1, null, null, null, null), (2, 1, 'a', 'a', '{}'), (3, 2, '', null, null),
               (4, null, 'x', 'b', '{\"a\": null}');
             insert into u values (1, 1, null), (2, 2, 'n'), (5, 2, null);",
        )
        .expect("rows");
    let catalog = catalog(&mut session);
    let claims = claims(&catalog);
    assert_eq!(one_text(&mut session, "select count(*) from v_left_using"), "4");
    let (wrong, silent) = false_ones(&mut session, &claims);
    // Elements of what is no array.
    assert!(wrong.is_empty() && silent <= 1, "{silent} cannot be asked\n{wrong}");
}
