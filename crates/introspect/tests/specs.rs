//! What the specs become is read as what they are: as many objects of each kind, and the same when it is made again.

#![allow(clippy::disallowed_methods, clippy::print_stdout)]

mod support;

use specc_catalog::{Catalog, Kind, Object, ObjectId};
use specc_introspect::introspect;
use specc_postgres::{load_sql, shared};
use support::{Ground, again, counts, lowered, open, read, script};

fn check(name: &str) {
    let (catalog, ground) = lowered(name);
    for major in [15, 18] {
        let (_db, mut session) = open(shared(major), ground);
        let text = script(&catalog).expect("an order");
        load_sql(&mut session, &text).unwrap_or_else(|error| panic!("{name} on {major}: {error}"));
        let found = read(&mut session);
        let missing: Vec<_> = catalog.iter().filter(|(id, _)| !found.catalog.contains(id)).map(|(id, _)| id).collect();
        let extra: Vec<_> = found.catalog.iter().filter(|(id, _)| !catalog.contains(id)).map(|(id, _)| id).collect();
        // An extension that the platform has anyway is read where something needs it.
        let is_platforms = |id: &&&ObjectId| {
            id.kind == Kind::Extension && found.left_out.iter().any(|left| left.what == id.to_string())
        };
        let mut wanted = counts(&catalog);
        let platforms = missing.iter().filter(is_platforms).count();
        wanted.entry(Kind::Extension.word()).and_modify(|count| *count -= platforms);
        assert!(wanted == counts(&found.catalog), "{name} on {major}\nmissing: {missing:#?}\nextra: {extra:#?}");
        // A platform of old gives sequences too, which is taken back wherever it may be.
        let (given, taken) = (&found.catalog.default_grantees, &catalog.default_grantees);
        assert_eq!((&given.objects, &given.types, &given.schemas), (&taken.objects, &taken.types, &taken.schemas));
        assert!(given.sequences.iter().all(|role| taken.sequences.contains(role)));
        assert!(found.invalid_indexes.is_empty());
        let differs =
            again(shared(major), ground, &found.catalog).unwrap_or_else(|error| panic!("{name} on {major}: {error}"));
        assert!(differs.is_empty(), "{name} on {major}:\n{}", differs.join("\n"));
    }
}

#[test]
fn starter() {
    check("starter");
}

#[test]
fn medellin_spark() {
    check("medellin_spark");
}

#[test]
fn srvc_crm() {
    check("srvc_crm");
}

#[test]
fn automation_platform() {
    check("automation_platform");
}

#[test]
fn the_owner_and_those_above_read_the_same_but_for_what_is_theirs() {
    let (catalog, _) = lowered("starter");
    let (db, mut session) = open(shared(15), Ground::Platform);
    load_sql(&mut session, &script(&catalog).expect("an order")).expect("it loads");
    let own = read(&mut session).catalog;
    let mut above = db.connect_superuser().expect("a session");
    let other = introspect(&mut above, &specc_introspect::Options::default()).expect("a catalog").catalog;
    let tables = |catalog: &Catalog| {
        let tables = catalog.iter().filter(|(_, entry)| matches!(entry.object, Object::Table(_) | Object::Schema(_)));
        tables.map(|(id, _)| id.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(tables(&own), tables(&other));
}

#[test]
fn what_is_external_is_left_out() {
    let (_db, mut session) = open(shared(15), Ground::Plain);
    load_sql(&mut session, "create schema theirs; create table theirs.t (a int); create table public.t (a int)")
        .expect("it loads");
    let options = specc_introspect::Options { external: vec!["theirs".into()], ..Default::default() };
    let found = introspect(&mut session, &options).expect("a catalog");
    let ids: Vec<_> = found.catalog.iter().map(|(id, _)| id.to_string()).collect();
    assert_eq!(ids, ["table public.t"]);
    let left: Vec<_> = found.left_out.iter().map(|left| left.what.as_str()).collect();
    assert_eq!(left, ["schema theirs"]);
}
