//! What must not change a catalog, and what must be told beside it.

#![allow(clippy::print_stdout)]

mod support;

use specc_catalog::Catalog;
use specc_postgres::{load_sql, shared};
use support::{Ground, again, differences, load, open, read, script};

fn catalog(text: &str) -> Catalog {
    let (_db, mut session) = load(shared(15), Ground::Plain, text).unwrap_or_else(|error| panic!("{error}"));
    read(&mut session).catalog
}

#[test]
fn the_order_in_which_things_were_made_does_not_show() {
    let table = "create table public.a (x int, y text, primary key (x));";
    let other = "create table public.b (x int references public.a, z text default 'b');";
    let grants =
        ["grant select on public.a to specc_one, specc_two;", "grant select on public.a to specc_two, specc_one;"];
    let roles =
        "do $$ begin create role specc_one; create role specc_two; exception when duplicate_object then null; end $$;";
    let one = catalog(&format!(
        "{roles}{table}{other}{} create index i on public.b (z); create index j on public.b (x);",
        grants[0]
    ));
    let two = catalog(&format!(
        "{roles}create table public.b (gone int, x int, z varchar); alter table public.b drop gone;
         alter table public.b alter z type text; alter table public.b alter z set default 'b';
         create index j on public.b (x); create index i on public.b (z);
         {table} alter table public.b add foreign key (x) references public.a; {}",
        grants[1]
    ));
    assert_eq!(differences(&one, &two), [""; 0]);
    let ids = |catalog: &Catalog| catalog.iter().map(|(id, _)| id.clone()).collect::<Vec<_>>();
    assert_eq!(ids(&one), ids(&two), "and they stand in the same order");
}

#[test]
fn a_broken_index_is_told_and_not_read() {
    let (_db, mut session) =
        load(shared(15), Ground::Plain, "create table t (a int); insert into t values (1), (1)").unwrap();
    assert!(session.batch_execute("create unique index concurrently broken on t (a)").is_err());
    let found = read(&mut session);
    let told: Vec<_> = found.invalid_indexes.iter().map(ToString::to_string).collect();
    assert_eq!(told, ["index public.broken"]);
    assert_eq!(found.catalog.len(), 1, "the table alone is in the catalog");
}

#[test]
fn reading_leaves_the_session_as_it_was() {
    let (_db, mut session) = open(shared(15), Ground::Plain);
    session.batch_execute("set search_path to public, pg_temp; set datestyle to 'German'").unwrap();
    read(&mut session);
    let row = session.query_one("select current_setting('search_path'), current_setting('datestyle')", &[]).unwrap();
    assert_eq!((row.get(0), row.get(1)), ("public, pg_temp", "German, DMY"));
    session.batch_execute("create table writable (a int)").unwrap();
}

#[test]
fn a_function_comes_after_what_its_text_names() {
    let first = catalog(
        "create table public.t (a int); create view public.z as select a from public.t;
         create function public.a_reads() returns bigint language sql as 'select count(*) from z';
         create function public.b_calls() returns bigint language sql as 'select public.a_reads()';
         create view public.c_calls as select public.b_calls();",
    );
    let (_db, mut session) = open(shared(15), Ground::Plain);
    load_sql(&mut session, &script(&first).unwrap()).expect("it loads with a look at each body");
    assert_eq!(differences(&first, &read(&mut session).catalog), [""; 0]);
}

#[test]
fn a_name_in_a_text_never_makes_a_circle() {
    let first = catalog(
        "set check_function_bodies to off;
         create function public.f() returns bigint language sql as 'select count(*) from public.v';
         create view public.v as select public.f() as n;",
    );
    assert_eq!(again(shared(15), Ground::Plain, &first).expect("an order"), [""; 0]);
}

#[test]
fn a_cast_of_an_array_is_spelled_as_it_will_be_for_good() {
    let list = "create table public.t (a varchar(10), constraint c check (a in ('x', 'y')))";
    let first = catalog(list);
    let second = catalog(&script(&first).unwrap());
    assert_eq!(differences(&first, &second), [""; 0]);
}

#[test]
fn the_sequence_of_an_identity_column_keeps_its_name_and_comment() {
    let first = catalog(
        "do $$ begin create role specc_one; exception when duplicate_object then null; end $$;
         create table public.a (id int generated always as identity);
         alter table public.a rename to b;
         create table public.a (id int generated always as identity);
         create table public.gone (id int generated always as identity);
         alter table public.gone rename id to \"It's\";
         comment on sequence public.gone_id_seq is 'was of id';
         grant usage on sequence public.a_id_seq, public.a_id_seq1, public.gone_id_seq to specc_one;",
    );
    assert_eq!(again(shared(15), Ground::Plain, &first).expect("an order"), [""; 0]);
    let names: Vec<_> = first.iter().map(|(id, _)| id.to_string()).filter(|id| id.contains("name of")).collect();
    assert_eq!(
        names,
        [
            "sql block name of sequence public.a_id_seq",
            "sql block name of sequence public.a_id_seq1",
            "sql block name of sequence public.gone_id_seq"
        ]
    );
}

#[test]
fn the_ends_of_lines_stay_what_they_are() {
    let first = catalog(
        "create table public.t (a text default E'a\\r\\nb' check (a <> E'it''s\\r'));
         create view public.v as select E'a\\r\\nb' as a, E'\\\\\\r' as b;
         comment on table public.t is E'one\\r\\ntwo';",
    );
    let script = script(&first).unwrap();
    assert!(!script.contains('\r'), "{script}");
    assert_eq!(again(shared(15), Ground::Plain, &first).expect("an order"), [""; 0]);
}

#[test]
fn one_return_is_spelled_as_it_was_made() {
    let first = catalog(
        "create function public.a(n int) returns int language sql return case when n > 0 then 1 else 2 end;
         create function public.b(n int) returns int language sql
           begin atomic return case when n > 0 then 1 else 2 end; end;
         create function public.c(n int) returns int language sql begin atomic return n + 1; end;",
    );
    assert_eq!(again(shared(15), Ground::Plain, &first).expect("an order"), [""; 0]);
}

#[test]
fn a_string_that_names_what_sql_looks_for_is_a_need() {
    let first = catalog(
        "create schema app; create text search configuration app.words (copy = simple);
         create function app.a_vector(text) returns tsvector language sql immutable
           as $$ select to_tsvector('app.words', $1) $$;
         create table public.t (a text); create index i on public.t using gin (app.a_vector(a));",
    );
    let (_db, mut session) = open(shared(15), Ground::Plain);
    load_sql(&mut session, &script(&first).unwrap()).expect("it loads with a look at each body");
    assert_eq!(differences(&first, &read(&mut session).catalog), [""; 0]);
}

#[test]
fn jobs_without_a_name_and_jobs_at_rest_are_read() {
    let (_db, mut session) = load(
        shared(15),
        Ground::Platform,
        "create extension pg_cron;
         select cron.schedule('0 3 * * *', 'vacuum');
         select cron.schedule('nightly', '0 4 * * *', 'analyze');
         select cron.alter_job(jobid, active => false) from cron.job where jobname = 'nightly';",
    )
    .unwrap_or_else(|error| panic!("{error}"));
    let first = read(&mut session).catalog;
    let ids: Vec<_> = first.iter().map(|(id, _)| id.to_string()).filter(|id| id.contains("job")).collect();
    assert_eq!(ids, ["job nightly", "sql block job without a name 0 3 * * *", "sql block rest of job nightly"]);
    assert_eq!(again(shared(15), Ground::Platform, &first).expect("an order"), [""; 0]);
}

#[test]
fn a_bucket_that_is_shown_under_another_name_keeps_it() {
    let text = "insert into storage.buckets (id, name) values ('avatars', 'Avatars of all'), ('plain', 'plain');";
    let (_db, mut session) = load(shared(15), Ground::Platform, text).unwrap_or_else(|error| panic!("{error}"));
    let first = read(&mut session).catalog;
    let ids: Vec<_> = first.iter().map(|(id, _)| id.to_string()).filter(|id| id.contains("bucket")).collect();
    assert_eq!(ids, ["bucket avatars", "bucket plain", "sql block name of bucket avatars"]);
    assert_eq!(again(shared(15), Ground::Platform, &first).expect("an order"), [""; 0]);
}
