//! What a scratch database says of a catalog is what the catalog's own database says.

#![allow(clippy::disallowed_methods)]

use specc_catalog::{Catalog, Hints, Kind};
use specc_introspect::{Options, introspect};
use specc_postgres::{Cluster, load_sql, shared, try_bare};
use specc_verify::Scratch;

const VERSIONS: [u32; 2] = [15, 18];

/// What a superuser's own database has after this.
fn made(cluster: &Cluster, text: &str) -> Catalog {
    let database = cluster.empty_database().expect("a database");
    let mut session = database.connect_superuser().expect("a session");
    session.batch_execute(&format!("alter database {} owner to current_user", database.name())).expect("the owner");
    load_sql(&mut session, text).unwrap_or_else(|error| panic!("{error}"));
    introspect(&mut session, &Options::default()).expect("a catalog").catalog
}

fn lines(wanted: &Catalog, live: &Catalog) -> Vec<String> {
    let hints = Hints::default();
    specc_diff::lines(&specc_diff::diff(wanted, live, &hints)).iter().map(ToString::to_string).collect()
}

/// The catalog is what its own making makes.
fn holds(text: &str) {
    for major in VERSIONS {
        let live = made(shared(major), text);
        let scratch = Scratch::start_bare(Some(major)).expect("a server");
        let wanted = scratch.canonical(&live).unwrap_or_else(|error| panic!("{major}: {error}")).catalog;
        let found = scratch.read_again(&live, &wanted);
        assert_eq!(lines(&wanted, &found), [""; 0], "{major}");
    }
}

#[test]
fn a_text_that_is_spelled_otherwise_when_it_is_read_again_is_no_difference() {
    let text = "create table minutes (n int check (n between 5 and 90 and n % 5 = 0));
        create view both_sides as select x.n, x.m from (select n, n as m from minutes union all select n, null from minutes) x;";
    let live = made(shared(15), text);
    let scratch = Scratch::start_bare(Some(15)).expect("a server");
    let wanted = scratch.canonical(&live).expect("it is made").catalog;
    assert!(!lines(&wanted, &live).is_empty(), "Postgres spells nothing otherwise any more");
    holds(text);
}

#[test]
fn another_text_is_a_difference_still() {
    let [five, ten] =
        [5, 10].map(|n| format!("create table minutes (n int check (n between {n} and 90 and n % 5 = 0))"));
    let (wanted, live) = (made(shared(15), &five), made(shared(15), &ten));
    let scratch = Scratch::start_bare(Some(15)).expect("a server");
    let wanted = scratch.canonical(&wanted).expect("it is made").catalog;
    assert_eq!(lines(&wanted, &scratch.read_again(&live, &wanted)).len(), 1);
}

#[test]
fn a_superuser_makes_what_only_a_superuser_may() {
    holds("create function quiet(int) returns int language sql immutable leakproof as 'select $1';");
    holds(
        "create table seen (id int primary key); create publication whole for all tables;
         comment on publication whole is 'all of it';",
    );
    holds(
        "create extension postgres_fdw; create server far foreign data wrapper postgres_fdw options (host 'h');
        create foreign table there (id int) server far;",
    );
    holds(
        "create type pair as (a int, b int);
         create function less(pair, pair) returns bool language sql immutable as 'select $1.a < $2.a';
         create function ranked(pair, pair) returns int language sql immutable as 'select $1.a - $2.a';
         create operator <~ (leftarg = pair, rightarg = pair, function = less);
         create operator class by_first for type pair using btree as operator 1 <~, function 1 ranked(pair, pair);
         create table pairs (p pair); create index on pairs (p by_first);",
    );
}

#[test]
fn an_event_trigger_is_made_last_and_fires_for_nothing() {
    holds(
        "create function no_more() returns event_trigger language plpgsql as $$ begin raise exception 'no'; end $$;
         create table last_one (id int primary key);
         create event trigger a_stop on ddl_command_start execute function no_more();
         comment on event trigger a_stop is 'why';",
    );
}

#[test]
fn a_superuser_runs_nothing_that_the_project_wrote() {
    let live = made(shared(15), "create table t (a int)");
    let scratch = Scratch::start_bare(Some(15)).expect("a server");
    for up in [
        "alter role postgres superuser;",
        "do $$ begin execute 'alter role postgres superuser'; end $$;",
        "create function f() returns int language c as 'x', 'y';",
        "copy t from program 'id';",
        "comment on event trigger x is 'a'; alter role postgres superuser;",
        "create publication p for all tables; alter system set work_mem = '1MB';",
    ] {
        let mut catalog = live.clone();
        let block =
            specc_catalog::Sql { name: "b".into(), up: up.into(), down: None, last: true, provides: Vec::new() };
        catalog.insert(specc_catalog::Entry::new(block));
        let error = scratch.canonical(&catalog).map(|_| ()).expect_err(up);
        assert!(error.to_string().contains("superuser") || error.to_string().contains("denied"), "{up}: {error}");
    }
    // The owner gets every role that a superuser makes for him, so none of these is made.
    for (options, group) in
        [(vec!["superuser".into()], None), (vec!["bypassrls".into()], Some("pg_execute_server_program"))]
    {
        let mut catalog = live.clone();
        let role = specc_catalog::Role {
            name: "above_all".into(),
            options,
            member_of: group.into_iter().map(Into::into).collect(),
        };
        catalog.insert(specc_catalog::Entry::new(role));
        let error = scratch.canonical(&catalog).map(|_| ()).expect_err("a role with all rights");
        assert!(error.to_string().contains("superuser") || error.to_string().contains("denied"), "{error}");
    }
}

#[test]
fn a_bare_server_has_no_role_of_a_platform() {
    for major in VERSIONS {
        let cluster = try_bare(major).expect("a server");
        let database = cluster.empty_database().expect("a database");
        let mut session = database.connect().expect("a session");
        let rows =
            session.query("select rolname::text from pg_roles where rolname !~ '^(pg|scratch)_' order by 1", &[]);
        let names: Vec<String> = rows.expect("roles").iter().map(|row| row.get(0)).collect();
        assert_eq!(names, ["postgres", "specc_filler", "supabase_admin"]);
    }
    let live = made(shared(15), "create table t (id int primary key)");
    let scratch = Scratch::start_bare(Some(15)).expect("a server");
    let mut with_role = live.clone();
    with_role.insert(specc_catalog::Entry::new(specc_catalog::Role {
        name: "service_role".into(),
        options: vec!["bypassrls".into()],
        member_of: Vec::new(),
    }));
    with_role.insert(specc_catalog::Entry::new(specc_catalog::Grant {
        on: specc_catalog::TableName::new("public", "t").id(),
        to: "service_role".into(),
        privileges: vec![specc_catalog::Privilege { name: "select".into(), columns: Vec::new(), grantable: false }],
    }));
    let again = scratch.canonical(&with_role).expect("it is made").catalog;
    assert_eq!(lines(&with_role, &again), [""; 0]);
    assert!(again.iter().any(|(id, _)| id.kind == Kind::Role));
}

const WEAK: &str =
    "do $$ begin create role scratch_weak; exception when duplicate_object or unique_violation then null; end $$;
    create table t (id int); create function f() returns int language sql security definer as 'select 1';";

#[test]
fn what_belongs_to_another_role_does_in_the_scratch_database() {
    holds(&format!("{WEAK} alter table t owner to scratch_weak; alter function f owner to scratch_weak;"));
    holds(&format!("{WEAK} grant select on t to scratch_weak; alter table t owner to scratch_weak;"));
    holds(&format!(
        "{WEAK} create aggregate total(int) (sfunc = int4pl, stype = int); alter aggregate total(int) owner to scratch_weak;"
    ));
    holds(&format!(
        "{WEAK} grant create on schema public to scratch_weak; create aggregate total(int) (sfunc = int4pl, stype = int);
         alter aggregate total(int) owner to scratch_weak;"
    ));
}

#[test]
fn another_owner_is_a_difference() {
    let given = format!("{WEAK} alter function f owner to scratch_weak;");
    let scratch = Scratch::start_bare(Some(15)).expect("a server");
    for (spec, database, said) in [(&given[..], WEAK, "- scratch_weak"), (WEAK, &given, "+ scratch_weak")] {
        let wanted = scratch.canonical(&made(shared(15), spec)).expect("it is made").catalog;
        let found = lines(&wanted, &made(shared(15), database));
        let is_owner = |line: &String| line.contains("function public.f()") && line.contains(&format!("owner: {said}"));
        assert!(found.iter().any(is_owner), "{found:?}");
    }
}

#[test]
fn nothing_comes_to_a_role_with_all_rights_or_from_one() {
    let scratch = Scratch::start_bare(Some(15)).expect("a server");
    for up in [
        "alter function f() owner to pg_execute_server_program;",
        "alter function f() owner to supabase_admin;",
        "alter function pg_catalog.int4pl(int, int) owner to scratch_weak;",
        "alter schema pg_catalog owner to scratch_weak;",
    ] {
        let mut catalog = made(shared(15), WEAK);
        let role = specc_catalog::Role { name: "scratch_weak".into(), options: Vec::new(), member_of: Vec::new() };
        catalog.insert(specc_catalog::Entry::new(role));
        let block =
            specc_catalog::Sql { name: "b".into(), up: up.into(), down: None, last: true, provides: Vec::new() };
        catalog.insert(specc_catalog::Entry::new(block));
        let error = scratch.canonical(&catalog).map(|_| ()).expect_err(up).to_string();
        assert!(["must be", "does not exist", "denied"].iter().any(|words| error.contains(words)), "{up}: {error}");
    }
}

#[test]
fn a_dump_says_whose_what_is() {
    let scratch = Scratch::start_bare(Some(15)).expect("a server");
    let dump = specc_split::dump(
        "create table public.t (id int); alter table public.t owner to scratch_app;
         create table public.u (id int); alter table public.u owner to scratch_app;
         create function public.f() returns int language sql security definer as 'select 1';
         alter function public.f() owner to \"scratch_ Weak\"; grant select on table public.t to \"scratch_ Weak\";",
    );
    let found = scratch.load_dump(&dump).expect("it loads").catalog;
    let all: Vec<String> =
        found.iter().filter_map(|(id, entry)| Some(format!("{id}: {}", entry.owner.as_ref()?))).collect();
    assert_eq!(all, ["function public.f(): scratch_ Weak"]);
    assert!(found.iter().any(|(id, _)| id.kind == Kind::Grant && id.part == "scratch_ Weak"));
    assert!(
        !found.iter().any(|(id, _)| id.kind == Kind::Grant && id.name.starts_with("schema")),
        "what was lent stays"
    );
}
