//! Whose each object is.

#![allow(clippy::disallowed_methods, clippy::print_stdout)]

mod support;

use specc_catalog::{Catalog, Object};
use specc_postgres::shared;
use support::{Ground, again, load, read};

const SETUP: &str = "do $$ declare role text; begin foreach role in array array['owners_weak', 'owners_other'] loop \
    begin execute format('create role %I', role); exception when duplicate_object or unique_violation then null; end; \
    end loop; end $$; create schema app;";

/// Each object that belongs to another role, on both versions, when it is what it makes again.
fn owners(text: &str) -> Vec<String> {
    both(text, |major, catalog| {
        let differs = again(shared(major), Ground::Plain, catalog).unwrap_or_else(|error| panic!("{major}: {error}"));
        assert_eq!(differs, [""; 0], "{major}");
    })
}

/// The same, looked at otherwise.
fn both(text: &str, look: impl Fn(u32, &Catalog)) -> Vec<String> {
    let [first, second] = [15, 18].map(|major| {
        let (_db, mut session) =
            load(shared(major), Ground::Plain, &format!("{SETUP}{text}")).unwrap_or_else(|error| panic!("{error}"));
        let catalog = read(&mut session).catalog;
        look(major, &catalog);
        let all = catalog.iter().filter_map(|(id, entry)| Some(format!("{id}: {}", entry.owner.as_ref()?)));
        let blocks = catalog.iter().filter_map(|(id, entry)| match &entry.object {
            Object::Sql(sql) if sql.up.contains("owner to owners_weak") => Some(format!("{id}: in its text")),
            _ => None,
        });
        all.chain(blocks).collect::<Vec<String>>()
    });
    assert_eq!(first, second);
    first
}

#[test]
fn every_kind_has_an_owner() {
    let found = owners(
        "create table t (id serial, n int generated always as identity);
         create table parts (n int) partition by range (n); create table part partition of parts for values from (0) to (9);
         create view v as select 1 as one; create materialized view m as select 1 as one; create sequence s;
         create function f(int) returns int language sql as 'select 1'; create procedure p() language sql as 'select 1';
         create type mood as enum ('glad'); create domain short as text; create type pair as (a int, b int);
         create publication pub;
         create aggregate total(int) (sfunc = int4pl, stype = int); create type span as range (subtype = int);
         create collation c (locale = 'C'); create text search configuration words (copy = simple);
         create table stays (id int); create statistics counted on id, n from t;
         alter schema app owner to owners_weak; alter table t owner to owners_weak; alter table part owner to owners_weak;
         alter view v owner to owners_weak; alter materialized view m owner to owners_weak;
         alter sequence s owner to owners_weak; alter function f owner to owners_weak; alter procedure p owner to owners_weak;
         alter type mood owner to owners_weak; alter domain short owner to owners_weak; alter type pair owner to owners_weak;
         alter publication pub owner to owners_weak;
         alter aggregate total(int) owner to owners_weak; alter type span owner to owners_weak;
         alter collation c owner to owners_weak; alter text search configuration words owner to owners_weak;
         alter statistics counted owner to owners_weak;",
    );
    insta::assert_snapshot!(found.join("\n"));
}

#[test]
fn the_databases_owner_has_the_projects_objects_where_it_has_any() {
    // Most belong to another role: they come to the weak role again, not to who applies.
    let found = owners(
        "create table t (id int); create table u (id int); create table v (id int);
         alter table t owner to owners_weak; alter table u owner to owners_weak;",
    );
    assert_eq!(found, ["table public.t: owners_weak", "table public.u: owners_weak"]);
}

#[test]
fn where_it_has_none_the_role_with_the_most_has_them() {
    let found = owners(
        "create table t (id int); create table u (id int); create table v (id int); alter schema app owner to owners_weak;
         alter table t owner to owners_weak; alter table u owner to owners_weak; alter table v owner to owners_other;",
    );
    assert_eq!(found, ["table public.v: owners_other"]);
}

#[test]
fn who_applied_has_them_where_there_is_a_journal() {
    let found = both(
        "create schema specc; create table specc.migrations (adopted boolean); insert into specc.migrations values (false);
         alter schema specc owner to owners_weak; alter schema app owner to owners_weak;
         create table t (id int); create table u (id int); alter table t owner to owners_other;
         alter table u owner to owners_other;",
        |_, _| (),
    );
    assert_eq!(found, ["table public.t: owners_other", "table public.u: owners_other"]);
    // Who took over what was there may have none of it.
    for (adopted, wanted) in
        [(true, [].as_slice()), (false, &["schema app: owners_other", "table public.t: owners_other"])]
    {
        let found = both(&format!(
            "create schema specc; create table specc.migrations (adopted boolean); insert into specc.migrations values ({adopted});
             alter schema specc owner to owners_weak; alter schema app owner to owners_other;
             create table t (id int); alter table t owner to owners_other;"
        ), |_, _| ());
        assert_eq!(found, wanted);
    }
}
