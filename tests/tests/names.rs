//! A name is a name: words of SQL's, mixed case, quotes, and names as long as Postgres lets them be. That none of those
//! made from them is cut shows in the load, which would say so.

use specc_tests::access::matrix;
use specc_tests::stage::{run, said};
use specc_tests::{Rows, VERSIONS, Who, findings, project, sql, texts};

const ODD: &str = include_str!("../cases/odd_names.dbspec");

const ROWS: &str = r#"
insert into auth.users (id, email) values ({ana}, 'ana@example.com'), ({ben}, 'ben@example.com'), ({eve}, 'eve@example.com');
insert into public."user" (id, "Group") values ({ana}, 'A'), ({ben}, 'B'), ({eve}, 'E');
insert into public."My ""Table""" ("Id", "from", "Größe") values ({one}, {ana}, 1);
insert into public."check" ("table", "user") values ({one}, {ben});
insert into public.a2345678901234567890123456789012345678901234567890123456789_abc
  (c2345678901234567890123456789012345678901234567890123456789_abc) values ({ana});
"#;

#[test]
fn odd_names_are_no_problem_anywhere() {
    assert_eq!(findings(ODD), []);
    let built = project(ODD);
    for major in VERSIONS {
        let db = built.database(major, Rows::Base);
        let mut owner = db.connect().unwrap();
        let rows = sql(ROWS);
        owner.batch_execute(&rows).unwrap_or_else(|error| panic!("version {major}: {}", said(&error)));

        let people = [Who::Anon, Who::User("ana"), Who::User("ben"), Who::User("eve")];
        matrix(
            &mut owner,
            people,
            &[
                (r#"select "Group" from public."user""#, ["42501", "A", "B", "E"]),
                (r#"select "a ""b"" 'c'" from public."My ""Table""""#, ["42501", r#"it's "so""#, r#"it's "so""#, "-"]),
                (r#"select "As" from public."View""#, ["42501", r#"it's "so""#, r#"it's "so""#, "-"]),
                (r#"select "count" from public."My ""Table""""#, ["42501", "1", "1", "-"]),
                (
                    r#"insert into public."My ""Table""" ("from", "a ""b"" 'c'") values ({ana}, 'new')"#,
                    ["42501", "1", "42501", "42501"],
                ),
                // the key, the condition and the first state
                (r#"insert into public."My ""Table""" ("from") values ({ana})"#, ["42501", "23505", "42501", "42501"]),
                (
                    r#"insert into public."My ""Table""" ("from", "a ""b"" 'c'") values ({ana}, '')"#,
                    ["42501", "23514", "42501", "42501"],
                ),
                (
                    r#"insert into public."My ""Table""" ("from", "a ""b"" 'c'", "select") values ({ana}, 'x', 'end')"#,
                    ["42501", "23514", "23514", "23514"],
                ),
                // steps
                (r#"update public."My ""Table""" set "select" = 'it''s "on"'"#, ["42501", "1", "0", "0"]),
                (r#"update public."My ""Table""" set "select" = 'end'"#, ["42501", "23514", "0", "0"]),
                (
                    r#"update public."My ""Table""" set "Größe" = 0, "select" = 'it''s "on"'"#,
                    ["42501", "23514", "0", "0"],
                ),
                // what stays, what is counted, and what is stale
                (r#"update public."My ""Table""" set "from" = {ben}"#, ["42501", "23514", "0", "0"]),
                (r#"update public."My ""Table""" set "count" = 5"#, ["42501", "=", "=", "="]),
                (r#"update public."My ""Table""" set version = 9"#, ["42501", "40001", "0", "0"]),
                (r#"delete from public."My ""Table""" where "Größe" = 9"#, ["42501", "0", "0", "0"]),
                // two places, one taken
                (
                    r#"insert into public."check" ("table", "user") values ({one}, {eve})"#,
                    ["42501", "1", "42501", "42501"],
                ),
                (
                    r#"insert into public."check" ("table", "user") values ({one}, {eve}), ({one}, {ana})"#,
                    ["42501", "23514", "42501", "42501"],
                ),
                (r#"update public."check" set "Order" = 3"#, ["42501", "0", "1", "0"]),
                (r#"update public."check" set "user" = {eve}"#, ["42501", "=", "=", "="]),
                (r#"delete from public."check""#, ["42501", "1", "0", "0"]),
                (
                    "select e2345678901234567890123456789012345678901234567890123456789_abc
                     from public.a2345678901234567890123456789012345678901234567890123456789_abc",
                    ["42501", "new", "-", "-"],
                ),
                (
                    "insert into public.a2345678901234567890123456789012345678901234567890123456789_abc
                       (c2345678901234567890123456789012345678901234567890123456789_abc,
                        e2345678901234567890123456789012345678901234567890123456789_abd) values ({ben}, 'y')",
                    ["42501", "42501", "1", "42501"],
                ),
                (
                    "update public.a2345678901234567890123456789012345678901234567890123456789_abc
                     set e2345678901234567890123456789012345678901234567890123456789_abc = 'seen'",
                    ["42501", "1", "0", "0"],
                ),
                (
                    "update public.a2345678901234567890123456789012345678901234567890123456789_abc
                     set e2345678901234567890123456789012345678901234567890123456789_abc = 'gone'",
                    ["42501", "23514", "0", "0"],
                ),
                (
                    "update public.a2345678901234567890123456789012345678901234567890123456789_abc
                     set c2345678901234567890123456789012345678901234567890123456789_abc = {ben}",
                    ["42501", "23514", "0", "0"],
                ),
            ],
        );
        let trail = texts(&mut owner, "select table_name, lower(action) from public.audit_log order by id");
        let long = "a2345678901234567890123456789012345678901234567890123456789_abc";
        // the second is the count, which a row of another table moves
        assert_eq!(trail, [r#"My "Table" insert"#, r#"My "Table" update"#, &format!("{long} insert")]);
    }
}

/// Names that also are a type, a word of the spec, a table's or another column's: each place reads the one that it means.
const TWICE: &str = r#"
domain positive: int { check value > 0 }
predicate "value" = claims.level = 'high'

entity "date" {
  id:      int            key
  "date":  date           = '2026-01-02'
  "text":  text           = 'x'
  "count": int            = 0
  "claims": text          = 'mine'
  amount:  positive       = 1

  check "int": "count"::int >= 0 and length("text"::text) < 9
  index ("text") where "date" > '2000-01-01'::date

  policy {
    read: allow select when "text" = 'x' or exists (select 1 from notes "text" where "text"."date" = this."date" and "text".id = 1)
  }
}

entity notes {
  id:     int   key
  "date": date  = '2026-01-02'
  "text" -> "date"? as "when" inverse "text"

  rls off
}
grant select on notes to authenticated
"#;

#[test]
fn a_name_that_is_also_something_else_means_what_it_says() {
    let built = project(TWICE);
    for major in VERSIONS {
        let db = built.database(major, Rows::Base);
        let mut owner = db.connect().unwrap();
        run(
            &mut owner,
            "rows",
            r#"insert into "date" (id) values (1); insert into "date" (id, "text", "date") values (2, 'y', '2020-01-01')"#,
        );
        let types = r#"select atttypid::regtype from pg_attribute where attrelid = 'public."date"'::regclass and attnum > 0 order by attnum"#;
        let found = texts(&mut owner, types);
        assert_eq!(found, ["integer", "date", "text", "integer", "text", "positive"], "version {major}");
        let visible = r#"select id from "date" order by id"#;
        matrix(&mut owner, [Who::User("ana")], &[(visible, ["1"])]);
        // another row's date does not open it, its own does
        run(&mut owner, "a note", "insert into notes (id, \"date\") values (1, '2021-01-01')");
        matrix(&mut owner, [Who::User("ana")], &[(visible, ["1"])]);
        run(&mut owner, "its note", "update notes set \"date\" = '2020-01-01'");
        matrix(&mut owner, [Who::User("ana")], &[(visible, ["1 2"])]);
    }
}

/// What came with odd names goes again.
#[test]
fn odd_names_go_again() {
    let built = project(ODD);
    for major in VERSIONS {
        let db = built.bare_database(major);
        let mut owner = db.connect().unwrap();
        built.load(&mut owner, Rows::Base);
        built.unload(&mut owner);
        let left = "select relname from pg_class where relnamespace = 'public'::regnamespace
                    union all select proname from pg_proc where pronamespace = 'public'::regnamespace
                    union all select nspname from pg_namespace where nspname = 'private'";
        assert_eq!(texts(&mut owner, left), [""; 0], "version {major}");
        built.load(&mut owner, Rows::Base);
        run(&mut owner, "it works again", r#"select from public."My ""Table""""#);
    }
}
