//! One name, several meanings: each place takes the one that the language says, or says that there are two. What is
//! decided by it is asked as the roles named, on every version.

#![allow(clippy::unwrap_used)]

use specc_tests::access::matrix;
use specc_tests::build::project_for;
use specc_tests::stage::{run, texts};
use specc_tests::{Layout, Rows, VERSIONS, Who, findings, project, sql};

const PEOPLE: &str = "
entity profiles {
  id -> auth.users  key as account on delete cascade
  name: text = 'x'
  role: text = 'user'
  policy { own: allow select to authenticated when id = viewer }
}
viewer -> profiles
";

const PEOPLE_ROWS: &str = "
insert into auth.users (id) values ({ana}), ({eve});
insert into profiles (id, name, role) values ({ana}, 'ana', 'admin'), ({eve}, 'eve', 'user');
";

fn asked(more: &str, rows: &str, cases: &[(&str, [&str; 2])]) {
    let built = project(&format!("{PEOPLE}{more}"));
    for major in VERSIONS {
        let db = built.database(major, Rows::Base);
        let mut owner = db.connect().unwrap();
        run(&mut owner, "rows", &sql(&format!("{PEOPLE_ROWS}{rows}")));
        matrix(&mut owner, [Who::User("ana"), Who::User("eve")], cases);
    }
}

fn codes(more: &str) -> Vec<String> {
    findings(&format!("{PEOPLE}{more}")).into_iter().map(|(code, _)| code).filter(|code| code != "W0604").collect()
}

/// `viewer`, `this` and `claims` keep their meaning where a relation has their name, also in a query; quotes name it.
#[test]
fn a_relation_takes_no_word_of_the_spec() {
    let spec = "
entity views {
  id: int key
  viewer_id -> profiles
  policy {
    staff: allow select to authenticated when viewer.role = 'admin'
    own: allow update to authenticated when viewer_id = viewer
    theirs: allow delete to authenticated when \"viewer\".role = 'user'
  }
}
entity things {
  id: int key
  this_id -> profiles
  claims_id -> profiles
  name: text
  policy {
    a: allow select to authenticated when this.name = 'mine'
    b: allow update to authenticated when claims.role = 'authenticated' and \"claims\".role = 'user'
    c: allow delete to authenticated when exists (select 1 from views v where v.id = this.id and viewer.role = 'admin')
  }
}
";
    let rows = "insert into views values (1, {ana}), (2, {eve});
                insert into things values (1, {ana}, {eve}, 'mine'), (2, {ana}, {ana}, 'ana');";
    asked(
        spec,
        rows,
        &[
            ("select id from views", ["1 2", "-"]),
            ("update views set id = id", ["1", "0"]),
            ("delete from views", ["1", "1"]),
            ("select id from things", ["1", "1"]),
            ("update things set name = name", ["1", "1"]),
            ("delete from things", ["2", "0"]),
        ],
    );
}

#[test]
fn a_column_with_a_word_of_the_spec_needs_quotes() {
    let column = |rule: &str| {
        codes(&format!(
            "entity shares {{\n  id: int key\n  viewer: uuid\n  n: int = 0 \n  {rule}\n  rls off\n}}\ngrant select on shares to anon\n"
        ))
    };
    assert_eq!(column("check \"viewer\" is not null"), [""; 0]);
    assert!(column("check viewer is not null").contains(&"E0208".to_owned()));
    let aliased = "entity shares {
  id: int key
  policy { a: allow select to authenticated when exists (select 1 from profiles viewer where viewer.role = 'x') }
}";
    assert!(codes(aliased).contains(&"E0208".to_owned()), "{:?}", codes(aliased));
}

/// A word of Postgres's before a dot is a relation, and alone it is a parameter or a relation where there is one.
#[test]
fn a_relation_may_be_called_like_a_word_of_postgres() {
    let words = ["user", "session_user", "current_user", "current_date", "localtime", "null", "true", "order"];
    let (mut spec, mut rows, mut cases) = (String::new(), String::new(), Vec::new());
    for word in words {
        spec.push_str(&format!(
            "entity of_{word} {{
  id: int key
  {word}_id -> profiles inverse of_{word}
  st: text = 'a'
  workflow st {{ a -> b when {word}.role = 'admin' }}
  policy {{
    a: allow select to authenticated when {word}.role = 'admin' and exists {word}.of_{word} ({word}.name = 'ana')
    b: allow update to authenticated when is_{word}(this)
    c: allow delete to authenticated when exists (select 1 from known p where p.name = {word}.name and p.id = viewer)
  }}
}}
predicate is_{word}({word}: of_{word}) = {word}.id < 3 and {word}.{word}.name <> 'none'
"
        ));
        rows.push_str(&format!("insert into of_{word} values (1, {{ana}}), (2, {{eve}}), (3, {{eve}});"));
        cases.push((format!("select id from of_{word}"), ["1", "1"]));
        cases.push((format!("update of_{word} set id = id"), ["1", "1"]));
        cases.push((format!("update of_{word} set st = 'b' where id = 1"), ["1", "1"]));
        cases.push((format!("update of_{word} set st = 'b'"), ["23514", "23514"]));
        cases.push((format!("delete from of_{word}"), ["1", "2"]));
    }
    spec.push_str(
        "predicate banned(user: profiles) = user.role = 'user'
predicate called(user: text, current_date: text) = user = current_date
entity known {
  id: uuid key
  name: text
  policy { everyone: allow select to authenticated }
}
entity posts {
  id: int key
  user_id -> profiles
  policy {
    a: allow select to authenticated when banned(user)
    b: allow delete to authenticated when called(user.name, 'ana')
  }
}
grant select on posts to authenticated
",
    );
    rows.push_str("insert into known values ({ana}, 'ana'), ({eve}, 'eve');");
    rows.push_str("insert into posts values (1, {ana}), (2, {eve});");
    cases.push(("select id from posts".into(), ["2", "2"]));
    cases.push(("delete from posts".into(), ["1", "1"]));
    let cases: Vec<(&str, [&str; 2])> = cases.iter().map(|(sql, seen)| (sql.as_str(), *seen)).collect();
    asked(&spec, &rows, &cases);
}

#[test]
fn a_column_called_like_a_word_of_postgres_needs_quotes() {
    let with = |rule: &str| {
        codes(&format!(
            "entity posts {{\n  id: int key\n  \"user\": text\n  policy {{ a: allow select to authenticated when {rule} }}\n}}"
        ))
    };
    assert!(with("user = 'x'").contains(&"E0208".to_owned()));
    assert_eq!(with("\"user\" = 'x'"), [""; 0]);
    assert_eq!(with("current_user = 'x'"), [""; 0]);
    // what is made from such a column has quotes, too
    let spec = "entity posts {\n  id: int key\n  \"user\": text\n  search (\"user\" A)\n  policy { a: allow select to authenticated when \"user\" = 'x' }\n}";
    asked(
        spec,
        "insert into posts values (1, 'x'), (2, 'y');",
        &[("select id from posts where search @@ to_tsquery('english', 'x')", ["1", "1"])],
    );
}

const FUNCTIONS: &str = "
schema app
function app.now() -> timestamptz as $$ select '2000-01-01'::timestamptz $$
function app.gen_random_uuid() -> uuid as $$ select null::uuid $$
function lower(x: text) -> text immutable as $$ select 'mine'::text $$
function length(x: text) -> int immutable as $$ select 99 $$
function abs(e: events) -> int immutable as $$ select 99 $$
function date(e: events) -> date immutable as $$ select null::date $$
function now(x: int) -> int as $$ select 99 $$
function mine(x: int) -> int immutable as $$ select x $$
function mine(x: text) -> int immutable as $$ select 7 $$
function app.helper(x: text) -> int immutable as $$ select 8 $$
function area(x: text) -> int immutable as $$ select 98 $$
function floor(x: text) -> int immutable as $$ select 97 $$
entity events {
  id: uuid = gen_random_uuid() key
  a: int = area('x')
  b: int = ceil(area('x') - 0.5)
  n: int = 1
  name: text = 'Ab'
  small: text generated (lower(name))
  at: timestamp = '2026-01-01'
  made: timestamptz = now()
  day: date generated (date(at))
  k: int = mine('a')
  h: int = app.helper('x')
  f: int generated (floor(name))
  use timestamps
  check pos: abs(n) < 10 and length(name) < 5
  rls off
}
";

/// Postgres's own functions come first, then those of the default schema, by the types of the arguments.
#[test]
fn a_call_means_the_function_that_postgres_takes() {
    let built = project(&format!("{PEOPLE}{FUNCTIONS}"));
    for major in VERSIONS {
        let db = built.database(major, Rows::Base);
        let mut owner = db.connect().unwrap();
        run(&mut owner, "a row", "insert into events default values");
        let row = "select concat_ws(' ', id is not null, small, made > '2020-01-01', day, k, h, created_at > '2020-01-01', a, b, f) from events";
        assert_eq!(texts(&mut owner, row), ["t ab t 2026-01-01 7 8 t 98 98 97"], "version {major}");
    }
}

#[test]
fn a_function_of_another_schema_is_called_with_its_name() {
    let spec = "
schema app
function app.helper(x: text) -> int immutable as $$ select 8 $$
entity events {\n  id: int key\n  h: int = helper('x')\n  rls off\n}
";
    let found = findings(&format!("{PEOPLE}{spec}"));
    assert!(found.iter().any(|(code, _)| code == "E0106"), "{found:?}");
}

#[test]
fn a_call_of_a_predicate_or_a_function_is_said() {
    let with = |function: &str, rule: &str| {
        codes(&format!(
            "predicate mine(i: items) = i.code = 'x'\npredicate upper(x: text) = x = 'x'\npredicate age(i: items) = i.code = 'x'\n{function}
entity items {{\n  id: int key\n  code: text\n  policy {{ a: allow select to authenticated when {rule} }}\n}}"
        ))
    };
    let function = "function mine(i: int) -> bool immutable as $$ select true $$";
    assert_eq!(with(function, "mine(this)"), ["E0208"]);
    assert_eq!(with(function, "public.mine(id)"), [""; 0]);
    assert_eq!(with("", "mine(this)"), [""; 0]);
    assert_eq!(with("", "upper(code)"), ["E0208"]);
    assert_eq!(with("", "age(this)"), [""; 0]);
}

/// A default and a trigger's condition ask who is asking: what answers is there before them, and whoever writes may call it.
#[test]
fn a_default_may_ask_who_is_asking() {
    let body = "as $$ begin raise exception 'refused'; end $$";
    let spec = format!(
        "
entity posts {{
  id: int key
  by: uuid? = viewer
  role: text? = claims.role
  note: text = ''
  trigger mine before update when (new.by = viewer) {body}
  policy {{
    a: allow select, update to authenticated
    b: allow insert (id) to authenticated when by = viewer and role = 'authenticated'
  }}
}}
entity logs {{
  id: int key
  note: text = ''
  trigger changed before update when (new is distinct from old) {body}
  policy {{ a: allow select, update to authenticated }}
}}
"
    );
    asked(
        &spec,
        "insert into posts (id, by) values (1, {ana}); insert into logs values (1);",
        &[
            ("insert into posts (id) values (2)", ["1", "1"]),
            ("update posts set note = 'n' where id = 1", ["P0001", "1"]),
            ("update logs set note = note", ["1", "1"]),
            ("update logs set note = 'n'", ["P0001", "P0001"]),
        ],
    );
}

#[test]
fn a_check_and_a_generated_column_ask_nobody() {
    let with = |what: &str| codes(&format!("entity posts {{\n  id: int key\n  by: uuid\n  {what}\n  rls off\n}}"));
    for what in ["check c: by = viewer", "check c: claims.role = 'x'", "mine: bool generated (by = viewer)"] {
        assert_eq!(with(what), ["E0206"], "{what}");
    }
}

#[test]
fn a_row_is_no_value() {
    for rule in [
        "(this).code = 'x'",
        "this is not null",
        "this.* is not null",
        "this = row(1, 'x')",
        "to_jsonb(this.*) is not null",
        "items is not null",
        "exists (select this.* from others)",
        "exists parent.items (this is null)",
    ] {
        let found = codes(&format!(
            "entity items {{\n  id: int key\n  code: text\n  parent_id -> others\n  policy {{ a: allow select to authenticated when {rule} }}\n}}
entity others {{\n  id: int key\n  rls off\n}}\ngrant select on others to authenticated\n"
        ));
        assert!(found.contains(&"E0102".to_owned()), "{rule}: {found:?}");
    }
    // the argument of a function and a row of a query are values
    let spec = "entity items {\n  id: int key\n  policy { a: allow select to authenticated when to_jsonb(this) ->> 'id' <> '2' and exists (select 1 from others o where o is not null and to_jsonb(o) ->> 'id' = '1' and o.id = this.id) }\n}
entity others {\n  id: int key\n  rls off\n}\ngrant select on others to authenticated\n";
    asked(
        spec,
        "insert into items values (1), (2); insert into others values (1), (2);",
        &[("select id from items", ["1", "1"])],
    );
}

/// What sqlparser does not read, and a function of a row that is written as if it were a column.
#[test]
fn what_postgres_reads_is_read() {
    // the servers of the tests are built without it
    assert_eq!(
        codes("view elements as $$ select xmlelement(name foo, 1) as x, xmlelement(name \"Bar\") as y $$"),
        [""; 0]
    );
    let spec = "
function label(b: base) -> text stable as $$ select 'x' || b.id $$
entity base {
  id: int key
  n: int
  rls off
}
view labels as $$ select b.label as l from base b $$
view sums as $$ select sum(n) over (order by id rows between 1 preceding and current row exclude ties) as s,
  sum(n) over (order by id rows between 1 preceding and 1 following exclude current row) as t from base $$
";
    let built = project(&format!("{PEOPLE}{spec}"));
    for major in VERSIONS {
        let db = built.database(major, Rows::Base);
        let mut owner = db.connect().unwrap();
        run(&mut owner, "rows", "insert into base values (1, 2), (2, 3)");
        assert_eq!(texts(&mut owner, "select l from labels order by 1"), ["x1", "x2"]);
        assert_eq!(texts(&mut owner, "select s || ' ' || t from sums order by 1"), ["2 3", "5 2"]);
    }
}

/// A name without a table that is one of the inner row, though the row that the rule guards has such a column.
#[test]
fn a_hidden_column_is_said_in_every_dress() {
    let with = |rule: &str| {
        codes(&format!(
            "entity ms {{\n  id: int key\n  org_id: int\n  doc: int\n  name: text\n  user_id -> profiles\n  policy {{ own: allow select to authenticated when user_id = viewer }}\n}}
entity docs {{\n  id: int key\n  org_id: int\n  name: text\n  policy {{ a: allow select to authenticated when {rule} }}\n}}"
        ))
    };
    for rule in [
        "exists (select 1 from ms m where m.org_id = org_id and m.user_id = viewer)",
        "exists (select 1 from ms m where org_id = m.org_id and m.user_id = viewer)",
        "exists (select 1 from (select org_id from ms where user_id = viewer) x where x.org_id = org_id)",
        "exists (with x as (select org_id from ms where user_id = viewer) select 1 from x where x.org_id = org_id)",
        "exists (select 1 from ms m where (m.org_id, m.user_id) = (org_id, viewer))",
        "exists (select 1 from ms m where m.org_id in (org_id) and m.user_id = viewer)",
        "exists (select 1 from ms m where m.org_id = any (array[org_id]) and m.user_id = viewer)",
        "exists (select 1 from ms m where m.org_id is not distinct from org_id and m.user_id = viewer)",
        "exists (select 1 from ms m where m.org_id::text = org_id::text and m.user_id = viewer)",
        "exists (select 1 from ms m where lower(m.name) = lower(name) and m.user_id = viewer)",
        "exists (select 1 from ms m where coalesce(m.org_id, 0) = coalesce(org_id, 0) and m.user_id = viewer)",
        "exists (select 1 from ms m where m.doc = id and m.user_id = viewer)",
        "exists (select 1 from ms where doc = id and user_id = viewer)",
    ] {
        assert!(with(rule).contains(&"W0614".to_owned()), "{rule}: {:?}", with(rule));
    }
    for rule in [
        "exists (select 1 from ms m where m.org_id = this.org_id and m.user_id = viewer)",
        "exists (select 1 from ms m where m.doc = m.id and m.user_id = viewer)",
        "exists (select 1 from ms m where lower(name) = name and m.user_id = viewer)",
        "exists (select 1 from ms m where m.doc = this.id and lower(m.name) = m.name)",
        "org_id in (select org_id from ms where user_id = viewer)",
    ] {
        assert!(!with(rule).contains(&"W0614".to_owned()), "{rule}: {:?}", with(rule));
    }
}

/// What a mixin keeps of who did something has the type of the viewer's key.
#[test]
fn who_did_it_has_the_type_of_the_viewers_key() {
    for (ty, one) in [("int", "1"), ("bigint", "1"), ("varchar(20)", "ana")] {
        let spec = format!(
            "entity users {{ id: {ty} key, rls off }}
viewer -> public.users
entity notes {{
  id: int key identity
  owner_id -> users
  text: text = ''
  use soft_delete, audited
  policy {{ own: allow all to member when owner_id = viewer }}
}}
role member
"
        );
        let built = project_for(Layout::Postgres, &spec);
        for major in VERSIONS {
            let db = built.database(major, Rows::Base);
            let mut owner = db.connect().unwrap();
            let quoted = if one == "ana" { format!("'{one}'") } else { one.to_owned() };
            run(
                &mut owner,
                "rows",
                &format!("insert into users values ({quoted}); insert into notes (owner_id) values ({quoted})"),
            );
            let act = format!(
                "set role member; set app.viewer_id = '{one}'; update notes set text = 'x'; delete from notes; reset role"
            );
            run(&mut db.connect_superuser().unwrap(), "as the viewer", &act);
            let seen = "select deleted_by::text from notes union all select distinct user_id::text from audit_log where user_id is not null";
            assert_eq!(texts(&mut owner, seen), [one, one], "{ty} on {major}");
        }
    }
}
