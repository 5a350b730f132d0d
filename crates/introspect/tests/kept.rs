//! What is made again from what was read is what was there: kinds that are rare and were lost or made in a wrong order.

#![allow(clippy::disallowed_methods, clippy::print_stdout)]

mod support;

use specc_catalog::Catalog;
use specc_postgres::shared;
use support::{Ground, again, load, read};

/// What was read, on each version, is what it makes.
fn kept(text: &str) -> Catalog {
    let mut last = Catalog::new();
    for major in [15, 18] {
        let (_db, mut session) = load(shared(major), Ground::Plain, text).unwrap_or_else(|error| panic!("{error}"));
        last = read(&mut session).catalog;
        let differs = again(shared(major), Ground::Plain, &last).unwrap_or_else(|error| panic!("{major}: {error}"));
        assert_eq!(differs, [""; 0], "{major}");
    }
    last
}

/// The text of a block.
fn block(catalog: &Catalog, name: &str) -> String {
    let found = catalog.iter().find_map(|(id, entry)| match &entry.object {
        specc_catalog::Object::Sql(sql) if id.name == name => Some(sql.up.to_string()),
        _ => None,
    });
    found.unwrap_or_else(|| panic!("no block {name}"))
}

const NOOP: &str = "create function noop() returns trigger language plpgsql as 'begin return null; end';";

#[test]
fn a_trigger_may_be_switched_on_one_partition_alone() {
    let catalog = kept(&format!(
        "{NOOP} create table days (d int) partition by range (d);
         create table low partition of days for values from (0) to (10) partition by range (d);
         create table lowest partition of low for values from (0) to (5);
         create table high partition of days for values from (10) to (20);
         create trigger after_day after insert on days for each row execute function noop();
         alter table low disable trigger after_day; alter table only lowest enable always trigger after_day;
         alter table only high enable replica trigger after_day;"
    ));
    let states =
        ["low", "lowest", "high"].map(|part| block(&catalog, &format!("state of trigger after_day on public.{part}")));
    assert_eq!(
        states,
        ["disable", "enable always", "enable replica"]
            .iter()
            .zip(["low", "lowest", "high"])
            .map(|(state, part)| format!("alter table only public.{part} {state} trigger after_day;"))
            .collect::<Vec<_>>()
            .as_slice()
    );
}

#[test]
fn a_typed_table_keeps_its_partitions_and_settings() {
    let catalog = kept(
        "create type row_of as (a int, b text);
         create table parts of row_of partition by list (b);
         create table part_x partition of parts for values in ('x');
         create unlogged table loose of row_of with (fillfactor = 50);
         alter table loose enable row level security; alter table loose force row level security;
         alter table loose replica identity full;",
    );
    assert!(block(&catalog, "table public.parts").contains("partition by list (b)"));
    let loose = block(&catalog, "table public.loose");
    for said in ["unlogged", "fillfactor = 50", "enable row level security", "force row level", "identity full"] {
        assert!(loose.contains(said), "{said}: {loose}");
    }
}

#[test]
fn a_foreign_table_may_be_a_partition_or_an_heir() {
    let catalog = kept(
        "create extension postgres_fdw; create server far foreign data wrapper postgres_fdw;
         create table base (id int not null, n text default 'n') partition by list (n);
         create foreign table there partition of base (n default 'x') for values in ('x') server far options (table_name 't');
         alter foreign table there alter column id options (column_name 'key');
         create table above (id int); create foreign table heir (extra int) inherits (above) server far;",
    );
    assert!(block(&catalog, "foreign table public.there").contains("partition of public.base FOR VALUES IN ('x')"));
    assert!(block(&catalog, "foreign table public.heir").contains("inherits (public.above)"));
}

#[test]
fn an_index_that_some_partitions_have_is_no_broken_one() {
    let text = "create table days (d int, k text) partition by list (k);
        create table day_a partition of days for values in ('a'); create table day_b partition of days for values in ('b');
        create index days_d on only days (d); create index day_a_d on day_a (d);
        alter index days_d attach partition day_a_d; comment on index days_d is 'half';";
    let catalog = kept(text);
    assert!(block(&catalog, "index public.day_a_d").contains("attach partition public.day_a_d"));
    let (_db, mut session) = load(shared(15), Ground::Plain, text).expect("it loads");
    assert_eq!(read(&mut session).invalid_indexes, []);
}

#[test]
fn a_column_that_is_said_again_has_its_own_default() {
    let catalog = kept(
        "create table above (a int default 1, b text default 'b');
         create table own (a int, b text default 'other'); alter table own inherit above;",
    );
    assert_eq!(block(&catalog, "column public.own.a"), "alter table only public.own alter column a drop default;");
}

#[test]
fn what_uses_a_collation_comes_after_it() {
    kept(
        "create collation zz from \"C\";
         create type aa as (a text collate zz); create domain ab as text collate zz;
         create table ac (a text collate zz, b aa); create index on ac (a collate zz);
         create table ad (a text, check (a collate zz > 'a')) partition by range (a collate zz);",
    );
}

#[test]
fn what_uses_an_operator_class_comes_after_it_and_it_after_its_members() {
    kept(
        "create type pair as (a int);
         create function zz_less(pair, pair) returns bool language sql immutable as 'select $1.a < $2.a';
         create operator <~ (leftarg = pair, rightarg = pair, function = zz_less);
         create function zz_rank(pair, pair) returns int language sql immutable as 'select $1.a - $2.a';
         create operator class aa_ops for type pair using btree as operator 1 <~, function 1 zz_rank(pair, pair);
         create table aa (p pair); create index on aa (p aa_ops);
         create table ab (p pair) partition by range (p aa_ops);",
    );
}

#[test]
fn what_casts_comes_after_the_cast() {
    kept(
        "create type pair as (a int);
         create function zz_number(pair) returns int language sql immutable as 'select $1.a';
         create cast (pair as int) with function zz_number(pair);
         create table aa (p pair, constraint positive check (p::int > 0)); create view ab as select p::int as n from aa;
         create function ac(pair) returns int language sql as 'select $1::int';
         create function ad(pair) returns int language sql begin atomic select $1::int; end;
         create type mood as enum ('low', 'high');
         create cast (text as mood) with inout as implicit; create view ae as select 'low'::text::mood as m;",
    );
}

#[test]
fn two_keys_over_the_same_columns_are_two() {
    let catalog = kept(
        "create table codes (code text primary key, a int unique); alter table codes add unique (code);
         alter table codes add constraint a_again unique (a);",
    );
    assert_eq!(catalog.iter().filter(|(id, _)| id.kind == specc_catalog::Kind::Constraint).count(), 4);
}

#[test]
fn rights_on_what_an_extension_brings_are_said() {
    let text = "do $$ begin create role specc_one; exception when duplicate_object then null; end $$;
        create extension hstore; revoke execute on function hstore(text, text) from public;
        grant select on pg_catalog.pg_authid to specc_one; create table t (a int); grant select on t to specc_one;";
    for major in [15, 18] {
        let (_db, mut session) = load(shared(major), Ground::Plain, text).unwrap_or_else(|error| panic!("{error}"));
        let left = read(&mut session).left_out;
        let said: Vec<_> =
            left.iter().map(|left| left.what.as_str()).filter(|what| what.starts_with("grants")).collect();
        let function = "grants on function public.hstore(pg_catalog.text,pg_catalog.text)";
        assert_eq!(said, [function, "grants on table pg_catalog.pg_authid"], "{major}");
    }
}
