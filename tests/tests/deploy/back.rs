//! What takes a deployment back: which one, by which way, and what a rollback that stops leaves.

use super::site::{Ran, SPEC, Site, killed_at, ran};
use super::stops::changed;
use specc_postgres::shared;
use std::fs;

/// A shop whose second deployment lost a column.
fn lossy(more: &[&str]) -> (Site, String) {
    let site = Site::new(SPEC);
    site.deploy(&[]).ends(0, &[]);
    site.sql("insert into products (name, price) select 'n' || n, n from generate_series(1, 100) n");
    let before = site.contents();
    site.write("shop.dbspec", &SPEC.replace("  price: numeric\n", "").replace(", price: 1", ""));
    site.run(&["build", "--stamp", "20260102000000", "--allow-data-loss"]).ends(0, &[]);
    site.deploy(more).ends(0, &[]);
    (site, before)
}

/// A restore empties the database before it fills it: killed between the two, the same command goes on, and no other does.
#[test]
fn killed_while_it_restores() {
    let (site, before) = lossy(&[]);
    let rights =
        "select coalesce(string_agg(d.defaclacl::text, ' ' order by d.defaclacl::text), '') from pg_default_acl d";
    let given = |site: &Site| -> String { site.session().query_one(rights, &[]).expect("rights").get(0) };
    let defaults = given(&site);
    let hash = site.run(&["rollback", "staging"]).ends(1, &["restores "]).hash();
    let args = ["rollback", "staging", "--approve", &hash];
    assert!(killed_at(site.command(&args), "  dropping "), "it restores");
    site.run(&["deploy", "staging", "--status"])
        .ends(1, &["its rollback by the backup began", "`specc rollback staging` goes on from there"]);
    site.run(&["deploy", "staging", "--yes-until", "testing"]).ends(1, &["a rollback of `staging` began"]);
    site.run(&["rollback", "staging", "--by", "down"]).ends(1, &["leave out `--by down`"]);
    site.run(&["rollback", "staging"]).ends(1, &["did not end", &format!("hash {hash}")]);
    site.run(&args).ends(0, &["taken back by the backup", "the catalog is what it was before"]);
    assert_eq!(site.contents(), before);
    assert_eq!(given(&site), defaults);
    site.run(&["deploy", "staging", "--status"]).ends(0, &["taken back by the backup"]);
}

/// Another database than the one that was deployed to is neither changed nor believed.
#[test]
fn the_variable_leads_elsewhere() {
    let (site, _) = lossy(&[]);
    let record = site.read(".specc/staging/record.json");
    let other = shared(18).platform_database().expect("a database");
    let elsewhere = |args: &[&str]| -> Ran {
        let mut command = site.command(args);
        command.env("STAGING_URL", other.url("postgres"));
        ran(command)
    };
    elsewhere(&["rollback", "staging"]).ends(1, &["the deployment was to ", "leads to "]);
    site.run(&["rollback", "staging"]).ends(1, &["hash "]);
    assert_eq!(site.read(".specc/staging/record.json"), record, "who only looks writes nothing");
}

/// A down script that is not what was reviewed runs nowhere.
#[test]
fn a_way_back_was_edited() {
    let (site, before) = changed();
    site.deploy(&[]).ends(0, &[]);
    let downs =
        fs::read_dir(site.path("specc/down")).expect("a folder").map(|entry| entry.expect("a file").file_name());
    let name = downs.map(|name| name.to_string_lossy().into_owned()).find(|name| name.starts_with("20260102000000"));
    let name = format!("specc/down/{}", name.expect("a down script"));
    let text = site.read(&name);
    site.write(&name, &format!("{text}\ndelete from products;\n"));
    let there = site.contents();
    let edited = format!("{name} was edited after `specc build` wrote it");
    site.run(&["rollback", "staging"]).ends(1, &[&edited, "git checkout", "--by restore"]);
    site.run(&["rollback", "staging", "--by", "down"]).ends(1, &[&edited]);
    assert_eq!(site.contents(), there);
    site.run(&["deploy", "staging", "--plan"]).ends(1, &["FAILED  migrations", &edited]);
    site.write(&name, &text);
    site.roll_back(&[]).ends(0, &["taken back by the down scripts"]);
    assert_eq!(site.contents(), before);
}

/// One that stopped before it changed anything, and one that had nothing to do, leave the way back of the one before.
#[test]
fn the_last_one_that_changed_something_is_taken_back() {
    let (site, before) = changed();
    site.deploy(&[]).ends(0, &[]);
    site.sql("update products set size = 1 where price < 4");
    // Nothing to do: the catalog of before is still that of the deployment.
    site.run(&["deploy", "staging", "--yes-until", "testing"]).ends(0, &["deployed to staging"]);
    site.run(&["rollback", "staging"]).ends(1, &["loses 3 values of products.size, a column that the deployment made"]);
    // Stopped at `design`.
    site.write("supabase/migrations/20260103000009_custom.sql", "create index by_hand on products (name);\n");
    site.write("specc/down/20260103000009_custom.down.sql", "drop index by_hand;\n");
    site.run(&["deploy", "staging"]).ends(1, &["stopped at the checkpoint `design`"]);
    site.run(&["rollback", "staging"]).ends(1, &["takes back 2 files"]);
    fs::remove_file(site.path("supabase/migrations/20260103000009_custom.sql")).expect("a file");
    fs::remove_file(site.path("specc/down/20260103000009_custom.down.sql")).expect("a file");
    // A preflight that fails.
    site.write(".gitignore", "");
    site.run(&["deploy", "staging", "--yes-until", "testing"]).ends(1, &["the preflight failed"]);
    site.write(".gitignore", ".env.*\n");
    let other = shared(18).platform_database().expect("a database");
    let mut promoted = site.command(&["promote", "staging", "production", "--plan"]);
    promoted.env("PRODUCTION_URL", other.url("postgres"));
    ran(promoted).ends(0, &["PASSED  promotion"]);
    site.run(&["promote", "staging", "staging", "--plan"]).ends(1, &["cannot be promoted to itself"]);
    site.sql("create table sneaky (id int)");
    // What differs afterwards is told by the exit code too.
    site.roll_back(&[]).ends(1, &["objects are not as they were before", "sneaky"]);
    site.sql("drop table sneaky");
    assert_eq!(site.contents(), before);
}

/// A backup is found from every folder; where it is gone, what it alone has is not given up in silence.
#[test]
fn the_backup_is_elsewhere_or_gone() {
    let (site, before) = lossy(&["--backups", "dumps"]);
    let sub = site.path("sub");
    fs::create_dir(&sub).expect("a folder");
    let mut command = site.command(&["rollback", "staging", "--project", ".."]);
    command.current_dir(&sub);
    ran(command).ends(1, &["restores dumps/"]);
    fs::rename(site.path("dumps"), site.path("away")).expect("a folder");
    site.run(&["rollback", "staging"]).ends(1, &["the backup dumps/", "is not there", "public.products.price"]);
    site.run(&["rollback", "staging", "--by", "restore"]).ends(1, &["is not there"]);
    site.run(&["rollback", "staging", "--by", "down"]).ends(1, &["is not there", "loses for good"]);
    fs::rename(site.path("away"), site.path("dumps")).expect("a folder");
    site.roll_back(&[]).ends(0, &["taken back by the backup"]);
    assert_eq!(site.contents(), before);
}

/// For programs there is one answer, whatever it is.
#[test]
fn one_object_for_each_run() {
    let (site, _) = lossy(&[]);
    let one = |args: &[&str], code: i32| -> serde_json::Value {
        let out = site.run(&[&["rollback", "staging", "--format", "json"], args].concat());
        assert_eq!(out.code, code, "{out:?}");
        serde_json::from_str(&out.out).unwrap_or_else(|error| panic!("{error}: {out:?}"))
    };
    let hash = one(&[], 1)["hash"].as_str().expect("a hash").to_owned();
    one(&["--approve", "0"], 1);
    one(&["--approve", &hash], 0);
}
