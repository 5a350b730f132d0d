//! Deployments that stop: killed in a step, or a step fails. What is told is true, what is left is done by the same command,
//! and what was done is taken back to the same catalog and the same rows.

use super::site::{SPEC, Site, acted_at, killed_at};

/// The second state of the shop, over several files: a check is made, and then validated.
fn with_check() -> String {
    SPEC.replace("  price: numeric\n", "  price: numeric\n  size:  int?\n\n  check positive: price > 0\n")
}

/// A shop with rows, and a change that is built.
pub fn changed() -> (Site, String) {
    let site = Site::new(SPEC);
    site.deploy(&[]).ends(0, &[]);
    site.sql("insert into products (name, price) select 'n' || n, n from generate_series(1, 100) n");
    let before = site.contents();
    site.write("shop.dbspec", &with_check());
    site.build("20260102000000");
    (site, before)
}

/// What is told of a stopped deployment is what the database says.
#[track_caller]
fn told_truly(site: &Site, before: &str) {
    let told = site.run(&["deploy", "staging", "--status"]).ends(1, &[]);
    if site.contents() != before {
        assert!(told.out.contains("the database was, or may have been, changed"), "{}", told.out);
    }
}

/// Killed in each step that it has; then the same command ends it, or `rollback` takes it back.
#[test]
fn killed_in_each_step() {
    let lines = [
        "step backup",
        "step apply",
        "20260102000000_",
        "step verify",
        "step smoke",
        "step environment",
        "step report",
    ];
    let (site, before) = changed();
    for (nth, line) in lines.into_iter().enumerate() {
        let hash = site.hash(&[]);
        let args = ["deploy", "staging", "--approve", &hash, "--yes-until", "testing"];
        assert!(killed_at(site.command(&args), line), "{line}");
        told_truly(&site, &before);
        if nth % 2 == 0 {
            site.run(&args).ends(0, &["deployed to staging"]);
            site.run(&["deploy", "staging", "--status"]).ends(0, &["complete"]);
            site.run(&["status", "--env", "staging", "--exit-code"]).ends(0, &[]);
        } else if site.contents() == before {
            site.run(&["rollback", "staging"]).ends(0, &["nothing to take back"]);
            continue;
        }
        site.roll_back(&[]).ends(0, &["the catalog is what it was before"]);
        assert_eq!(site.contents(), before, "{line}");
        site.run(&["rollback", "staging"]).ends(0, &["nothing to take back: taken back by the down scripts"]);
    }
}

/// The second of two files fails: the first one is there, and both ways are open.
#[test]
fn a_file_fails_in_the_middle() {
    let (site, before) = changed();
    site.write("supabase/migrations/20260102000009_custom.sql", "do $$ begin raise exception 'not today'; end $$;\n");
    site.write("specc/down/20260102000009_custom.down.sql", "select 1;\n");
    let stopped = site.deploy(&[]).ends(1, &["not today", "the database was, or may have been, changed"]);
    assert!(!stopped.err.contains("step verify"), "{}", stopped.err);
    assert_ne!(site.contents(), before);
    site.run(&["deploy", "staging", "--status"]).ends(1, &["failed   apply", "the step `apply` failed"]);
    assert!(site.read(".specc/staging/report.md").contains("- State: not complete"));
    // It fails again as long as nothing is put right.
    site.run(&["deploy", "staging", "--yes-until", "testing"])
        .ends(1, &["going on with the deployment that stopped", "not today"]);
    // What is put right is not what was approved.
    site.write("supabase/migrations/20260102000009_custom.sql", "select 1;\n");
    site.run(&["deploy", "staging", "--yes-until", "testing"])
        .ends(1, &["E0982", "what is left is not what was approved then"]);
    let back = site.run(&["rollback", "staging"]).ends(1, &["takes back", "hash "]);
    let hash = back.hash();
    site.run(&["rollback", "staging", "--approve", &hash.replace(['0', '1', '2'], "3")])
        .ends(1, &["E0982", "nothing was changed"]);
    site.run(&["rollback", "staging", "--approve", &hash]).ends(0, &["the catalog is what it was before"]);
    assert_eq!(site.contents(), before);
    site.deploy(&[]).ends(0, &["deployed to staging"]);
}

/// A file that runs step by step stops in the middle: it is abandoned, and what was complete before it goes back too.
#[test]
fn a_file_stops_between_its_steps() {
    let (site, before) = changed();
    let (mut other, hash) = (site.session(), site.hash(&[]));
    let files: Vec<String> = std::fs::read_dir(site.path("supabase/migrations"))
        .expect("a folder")
        .map(|entry| entry.expect("a file").file_name().to_string_lossy().into_owned())
        .filter(|name| name.starts_with("20260102"))
        .collect();
    assert!(files.len() > 1, "{files:?}");
    // Validation waits behind this for longer than anybody does.
    other.batch_execute("begin; lock table products in share update exclusive mode").expect("a lock");
    let args = [
        "deploy",
        "staging",
        "--approve",
        &hash,
        "--yes-until",
        "testing",
        "--lock-timeout",
        "0.1",
        "--lock-retries",
        "1",
    ];
    let mut command = site.command(&args);
    command.env("PGOPTIONS", "");
    let stopped = super::site::ran(command);
    other.batch_execute("rollback").expect("no lock");
    assert_eq!(stopped.code, 1, "{stopped:?}");
    told_truly(&site, &before);
    if site.contents() != before {
        site.roll_back(&[]).ends(0, &["the catalog is what it was before"]);
    }
    assert_eq!(site.contents(), before);
}

/// What is there in the end is not what the spec says: the deployment does not count, and is taken back.
#[test]
fn what_is_verified_is_wrong() {
    let (site, before) = changed();
    site.write("supabase/migrations/20260102000009_custom.sql", "create index by_hand on products (name);\n");
    site.write("specc/down/20260102000009_custom.down.sql", "drop index by_hand;\n");
    site.deploy(&[]).ends(1, &["FAILED  catalog", "by_hand", "`specc rollback staging` takes it back"]);
    site.run(&["deploy", "staging", "--status"]).ends(1, &["failed   verify"]);
    site.roll_back(&[]).ends(0, &["the catalog is what it was before"]);
    assert_eq!(site.contents(), before);
}

/// Rows that a migration deletes and nobody announced are missed.
#[test]
fn rows_are_missing_afterwards() {
    let (site, before) = changed();
    site.write("supabase/migrations/20260102000009_custom.sql", "delete from products where price > 90;\n");
    site.write("specc/down/20260102000009_custom.down.sql", "select 1;\n");
    site.deploy(&[]).ends(1, &["FAILED  rows", "public.products: 100 before, 90 now"]);
    // The down scripts lead back, and do not bring the rows: the backup does.
    site.run(&["rollback", "staging", "--by", "restore"]).ends(1, &["`specc rollback staging --by restore --approve "]);
    site.roll_back(&[]).ends(0, &["taken back by the backup", "the catalog is what it was before"]);
    assert_eq!(site.contents(), before);
}

/// A change that loses values is taken back by the backup, which says what came since and goes.
#[test]
fn what_was_lost_is_in_the_backup() {
    let (site, _) = changed();
    site.deploy(&[]).ends(0, &[]);
    let before = site.contents();
    site.write("shop.dbspec", &SPEC.replace("  price: numeric\n", "").replace(", price: 1", ""));
    site.run(&["build", "--stamp", "20260103000000", "--allow-data-loss"]).ends(0, &[]);
    site.deploy(&[]).ends(0, &["loses the values of public.products.price"]);
    site.sql("insert into products (name) values ('newer')");
    site.run(&["rollback", "staging"])
        .ends(1, &["restores ", "1 row of public.products, which has 101 now and had 100"]);
    site.roll_back(&[]).ends(0, &["taken back by the backup", "the catalog is what it was before"]);
    assert_eq!(site.contents(), before);
}

/// What came since into what the deployment made goes with it, and that is said.
#[test]
fn what_the_way_back_takes_along_is_said() {
    let (site, before) = changed();
    site.deploy(&[]).ends(0, &[]);
    site.run(&["rollback", "staging"]).ends(1, &["takes back 2 files", "loses all values of public.products.size"]);
    site.sql("update products set size = 1 where price < 4");
    site.run(&["rollback", "staging"]).ends(1, &["loses 3 values of products.size, a column that the deployment made"]);
    site.roll_back(&[]).ends(0, &["the catalog is what it was before"]);
    assert_eq!(site.contents(), before);
    let first = Site::new(SPEC);
    first.deploy(&[]).ends(0, &[]);
    first.sql("insert into products (name, price) values ('a', 1), ('b', 2)");
    first.roll_back(&[]).ends(0, &["loses 2 rows of products, a table that the deployment made"]);
}

#[test]
fn nothing_is_taken_back_where_nothing_was_done() {
    let site = Site::new(SPEC);
    site.run(&["rollback", "staging"]).ends(1, &["nothing was deployed to `staging` from here"]);
    site.run(&["deploy", "staging"]).ends(1, &["stopped at the checkpoint `design`"]);
    site.run(&["rollback", "staging"]).ends(0, &["nothing to take back: the database was not changed"]);
    site.run(&["deploy", "staging", "--status"]).ends(1, &["nothing was changed"]);
}

/// Waits until somebody waits for a lock.
fn waits(site: &Site) {
    let query =
        "select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')";
    let mut session = site.session();
    for _ in 0..400 {
        if session.query_one(query, &[]).expect("an answer").get(0) {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    panic!("nobody waits for a lock");
}

/// The server ends the sessions of the deployment while it applies: what is known is told, and the same command goes on.
#[test]
fn the_connection_breaks() {
    let (site, before) = changed();
    let hash = site.hash(&[]);
    let args = ["deploy", "staging", "--approve", &hash, "--yes-until", "testing"];
    let mut other = site.session();
    let pid: i32 = other.query_one("select pg_backend_pid()", &[]).expect("a number").get(0);
    let ran = std::thread::scope(|scope| {
        acted_at(site.command(&args), "step backup", || {
            // It does not keep anybody from reading, so that there is a dump.
            other.batch_execute("begin; lock table products in share row exclusive mode").expect("a lock");
            scope.spawn(|| {
                waits(&site);
                let others = format!("datname = current_database() and pid not in (pg_backend_pid(), {pid})");
                site.sql(&format!("select pg_terminate_backend(pid) from pg_stat_activity where {others}"));
            });
        })
    });
    assert_eq!(ran.code, 2, "{ran:?}");
    other.batch_execute("rollback").expect("no lock");
    assert_eq!(site.contents(), before);
    site.run(&["deploy", "staging", "--status"]).ends(1, &["the step `apply` failed", "may have been, changed"]);
    site.run(&args).ends(0, &["going on with the deployment that stopped", "deployed to staging"]);
}

/// Somebody changes the database after it was looked at: what was approved is not what would be changed any more.
#[test]
fn somebody_is_quicker() {
    let (site, _) = changed();
    // The dump takes some time.
    site.sql("insert into products (name, price) select 'n' || n, n from generate_series(1, 200000) n");
    let hash = site.hash(&[]);
    let args = ["deploy", "staging", "--approve", &hash, "--yes-until", "testing"];
    let mut other = site.session();
    let ran = acted_at(site.command(&args), "step backup", || {
        other.batch_execute("create table sneaky (id int)").expect("a table")
    });
    let before = site.contents();
    ran.ends(1, &["step apply", "the database was changed after the plan was made"]);
    site.run(&["deploy", "staging", "--status"]).ends(1, &["the step `apply` was refused", "nothing was changed"]);
    assert_eq!(site.contents(), before);
    site.run(&args).ends(1, &["FAILED  drift", "sneaky", "the preflight failed; nothing was changed"]);
    site.sql("drop table sneaky");
    site.run(&args).ends(0, &["deployed to staging"]);
}

/// What a backup that was killed left goes with the next one; what another one is writing stays.
#[test]
fn what_a_killed_backup_left() {
    let site = Site::new(SPEC);
    site.deploy(&[]).ends(0, &[]);
    for name in ["kept/.specc-backup-left", "kept/.specc-backup-busy", "kept/.specc-other"] {
        site.write(&format!("{name}/dump"), "half");
    }
    let busy = std::fs::File::open(site.path("kept/.specc-backup-busy")).expect("a folder");
    busy.try_lock().expect("a lock");
    site.run(&["backup", "--env", "staging", "--file", "kept/whole"]).ends(0, &[]);
    let there = |name: &str| site.path("kept").join(name).exists();
    assert!(there("whole") && there(".specc-backup-busy/dump") && there(".specc-other/dump"));
    assert!(!there(".specc-backup-left"));
}
