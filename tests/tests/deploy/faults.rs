//! What a deployment refuses before anything is changed: one fault each, and the state that is told.

use super::site::{Ran, SPEC, Site, catalog, killed_at, ran};
use std::fs;
use std::process::Command;

/// A fault that the preflight has to find: nothing is changed by whoever approves all the same, and without it all is well.
#[track_caller]
fn refused(site: &Site, check: &str, says: &[&str]) {
    let before = site.contents();
    let plan = site.run(&["deploy", "staging", "--plan"]);
    let failed: Vec<&str> = plan.out.lines().filter(|line| line.starts_with("FAILED ")).collect();
    assert_eq!(failed.len(), 1, "{plan:?}");
    assert!(failed[0].starts_with(&format!("FAILED  {check} ")), "{failed:?}");
    let hash = plan.hash();
    plan.ends(1, says);
    site.run(&["deploy", "staging", "--approve", &hash, "--yes-until", "testing"])
        .ends(1, &["the preflight failed; nothing was changed"]);
    assert_eq!(site.contents(), before);
    site.run(&["deploy", "staging", "--status"]).ends(1, &["the step `preflight` failed", "nothing was changed"]);
}

#[test]
fn what_is_secret_would_be_committed() {
    let site = Site::new(SPEC);
    site.write(".gitignore", "");
    refused(&site, "env_file", &["git does not ignore"]);
    site.write(".gitignore", ".env.*\n");
    site.deploy(&[]).ends(0, &[]);
    // Tracked is as bad as not ignored.
    site.git(&["add", "-f", ".env.staging"]);
    site.run(&["deploy", "staging", "--plan"]).ends(1, &["FAILED  env_file"]);
}

#[test]
fn somebody_changed_the_database_by_hand() {
    let site = Site::new(SPEC);
    site.deploy(&[]).ends(0, &[]);
    site.sql("alter table products add column colour text");
    site.write("shop.dbspec", &SPEC.replace("  price: numeric\n", "  price: numeric\n  size:  int?\n"));
    site.build("20260102000000");
    refused(&site, "drift", &["colour"]);
}

#[test]
fn the_spec_is_ahead_of_its_migrations() {
    let site = Site::new(SPEC);
    site.write("shop.dbspec", &SPEC.replace("  price: numeric\n", "  price: numeric\n  size:  int?\n"));
    refused(&site, "migrations", &["`specc build` writes a migration"]);
}

#[test]
fn a_migration_was_edited() {
    let site = Site::new(SPEC);
    let name = "supabase/migrations/20260101000000_init_schema.sql";
    site.write(name, &(site.read(name) + "\n-- one more line\n"));
    refused(&site, "migrations", &["was edited after `specc build` wrote it"]);
}

#[test]
fn a_name_is_taken() {
    let site = Site::new(SPEC);
    site.sql("create table products (id int)");
    refused(&site, "drift", &["table public.products", "no migration of this project made it"]);
}

/// What is there already would be drift for ever.
#[test]
fn the_database_is_not_empty() {
    let site = Site::new(SPEC);
    site.sql("create schema \"we'ird\"; create table \"we'ird\".\"ta b\" (id int)");
    refused(&site, "drift", &["there is what no migration of this project made", "table we'ird.ta b"]);
    site.sql("drop schema \"we'ird\" cascade");
    site.deploy(&[]).ends(0, &[]);
}

#[test]
fn rows_would_not_fit() {
    let site = Site::new(SPEC);
    site.deploy(&[]).ends(0, &[]);
    site.sql("insert into products (name, price) values ('free', 0), ('owed', -1), ('fine', 2)");
    site.write("shop.dbspec", &SPEC.replace("  price: numeric\n", "  price: numeric\n\n  check positive: price > 0\n"));
    site.build("20260102000000");
    refused(&site, "rows", &["rows of public.products that have what the check positive refuses: 2"]);
    site.sql("delete from products where price <= 0");
    site.deploy(&[]).ends(0, &["step backup"]);
}

#[test]
fn an_extension_is_not_there() {
    let site = Site::new(&format!("{SPEC}\nextension pg_no_such_thing\n"));
    refused(&site, "extensions", &["the server has no pg_no_such_thing"]);
}

#[test]
fn somebody_holds_a_lock() {
    let site = Site::new(SPEC);
    site.deploy(&[]).ends(0, &[]);
    site.write("shop.dbspec", &SPEC.replace("  price: numeric\n", "  price: numeric\n  size:  int?\n"));
    site.build("20260102000000");
    let mut other = site.session();
    other.batch_execute("begin; select * from products").expect("a lock");
    std::thread::sleep(std::time::Duration::from_millis(2100));
    refused(&site, "locks", &["holds public.products for ", "pg_terminate_backend"]);
    other.batch_execute("rollback").expect("no lock");
    site.deploy(&[]).ends(0, &[]);
}

/// A lock that keeps even readers out is waited for as briefly as any other.
#[test]
fn nobody_can_read() {
    let site = Site::new(SPEC);
    site.deploy(&[]).ends(0, &[]);
    let mut other = site.session();
    other.batch_execute("begin; lock table products in access exclusive mode").expect("a lock");
    let began = std::time::Instant::now();
    let plan = site.run(&["deploy", "staging", "--plan"]);
    assert!(plan.out.contains("FAILED  drift"), "{plan:?}");
    assert!(began.elapsed().as_secs() < 30, "{:?}", began.elapsed());
    other.batch_execute("rollback").expect("no lock");
}

/// Where the file for programs goes is looked at before, not when all else is done.
#[test]
fn the_environment_file_has_no_place() {
    let site = Site::new(SPEC);
    site.settings("");
    let settings = site.read("specc.toml");
    site.write(".gitignore", "*.env\n.env.*\n");
    site.write("specc.toml", &settings.replace("\".env.staging\"", "\"none/a.env\""));
    refused(&site, "env_file", &["none is no folder"]);
    for elsewhere in ["/tmp/a.env", "../a.env"] {
        site.write("specc.toml", &settings.replace("\".env.staging\"", &format!("\"{elsewhere}\"")));
        refused(&site, "env_file", &["is not in the project's folder"]);
    }
}

/// Roles that others made on the server are on no scratch server, and what is granted to them is compared all the same.
#[test]
fn a_role_is_others() {
    let mut site = Site::bare(18);
    site.db = specc_postgres::try_bare(18).expect("a server").empty_database().expect("a database");
    site.sql("create role others_own; grant others_own to current_user");
    site.settings("");
    let settings = site.read("specc.toml");
    site.write("specc.toml", &settings.replace("name = \"shop\"\n", "name = \"shop\"\ntarget = \"postgres\"\n"));
    let spec = "external role others_own\n\nentity products {\n  id:   uuid = gen_random_uuid()  key\n  name: text\n}\n\n\
                policy on products {\n  they_read: allow select to others_own\n}\n";
    site.write("shop.dbspec", spec);
    site.build("20260101000000");
    site.deploy(&[]).ends(0, &["deployed to staging"]);
    site.write("shop.dbspec", &spec.replace("  name: text\n", "  name: text\n  size: int?\n"));
    site.build("20260102000000");
    site.deploy(&[]).ends(0, &["the database is as its migrations left it", "deployed to staging"]);
}

/// Dumps and what is secret go nowhere else.
#[test]
fn the_folder_of_deployments_is_a_link() {
    let site = Site::new(SPEC);
    let elsewhere = tempfile::tempdir().expect("a folder");
    std::os::unix::fs::symlink(elsewhere.path(), site.path(".specc")).expect("a link");
    site.run(&["deploy", "staging"]).ends(1, &["is a link"]);
    assert_eq!(fs::read_dir(elsewhere.path()).expect("a folder").count(), 0);
}

#[test]
fn how_it_stands_is_told_whatever_the_spec_says() {
    let site = Site::new(SPEC);
    site.deploy(&[]).ends(0, &[]);
    site.write("shop.dbspec", "entity {");
    site.run(&["deploy", "staging", "--status"]).ends(0, &["complete"]);
}

#[test]
fn the_disk_of_the_server_is_too_small() {
    let site = Site::new(SPEC);
    site.settings("disk = \"1 MB\"\n");
    refused(&site, "space", &["make the disk larger"]);
    site.settings("disk = \"1 parsec\"\n");
    site.run(&["deploy", "staging", "--plan"]).ends(2, &["no size of a disk"]);
}

#[test]
fn who_connects_owns_nothing() {
    let site = Site::new(SPEC);
    let mut command = site.command(&["deploy", "staging", "--plan"]);
    command.env("STAGING_URL", site.db.url("authenticator"));
    ran(command).ends(1, &["FAILED  rights", "connect as the owner"]);
}

#[test]
fn the_database_says_that_it_is_production() {
    let site = Site::new(SPEC);
    site.sql(&format!("comment on database {} is 'specc: production'", site.db.name()));
    refused(&site, "environment", &["the database is production", "and `staging` is not"]);
}

/// It was taken for another one when the deployment was made, so its rollback asks again.
#[test]
fn it_became_production_since() {
    let site = Site::new(SPEC);
    site.deploy(&[]).ends(0, &[]);
    site.sql(&format!("comment on database {} is 'specc: production'", site.db.name()));
    let before = site.contents();
    let said = site.run(&["rollback", "staging"]).ends(1, &["the database is production", "write `production = true`"]);
    assert!(!said.err.contains("apply"), "{said:?}");
    assert_eq!(site.contents(), before);
}

/// Roles are the server's: who works in another database of it may have made somebody a member.
#[test]
fn somebody_has_the_rights_of_a_role() {
    let site = Site::new(&format!("role shop_readers\n\ngrant select on products to shop_readers\n\n{SPEC}"));
    site.run(&["deploy", "staging", "--plan"]).ends(0, &["PASSED  members"]);
    site.sql("create role shop_readers; create role shop_guest; grant shop_readers to shop_guest");
    let said = site.run(&["deploy", "staging", "--plan"]);
    site.sql("drop role shop_guest; drop role shop_readers");
    said.ends(0, &["WARNED  members", "shop_guest in shop_readers"]);
}

#[test]
fn the_rules_let_in_too_many() {
    let open = SPEC.replace("allow select\n", "allow select\n  anyone_writes: allow insert to anon\n");
    let site = Site::new(&open);
    refused(&site, "access", &["A0001"]);
}

#[test]
fn somebody_elses_deployment_is_half_done() {
    let site = Site::new(SPEC);
    site.write("supabase/migrations/20260101000009_half.sql", "-- specc: no-transaction\nselect 1;\nselect 1 / 0;\n");
    site.run(&["apply", "--env", "staging"]).ends(1, &["division by zero"]);
    refused(&site, "history", &["20260101000009_half began here and did not end"]);
}

/// No folder can be made where a file is: nothing is asked, and nothing is changed.
#[test]
fn nothing_can_be_written_down() {
    let site = Site::new(SPEC);
    let before = site.contents();
    site.write(".specc", "a file\n");
    site.run(&["deploy", "staging"]).ends(2, &["nothing was changed: cannot write in"]);
    assert_eq!(site.contents(), before);
    fs::remove_file(site.path(".specc")).expect("a file");
    site.write("backups", "a file\n");
    site.run(&["deploy", "staging", "--plan", "--backups", "backups"]).ends(1, &["FAILED  disk"]);
}

/// A disk that is full: what is written ends in the middle of a file. The dump is not whole, so nothing is applied.
#[test]
fn the_disk_is_full() {
    let site = Site::new(SPEC);
    site.deploy(&[]).ends(0, &[]);
    // A scratch server has files of 16 MB, and the dump is larger.
    site.sql("insert into products (name, price) select md5(n::text) || md5((-n)::text), n from generate_series(1, 600000) n");
    site.write("shop.dbspec", &SPEC.replace("  price: numeric\n", "  price: numeric\n  size:  int?\n"));
    site.build("20260102000000");
    let before = catalog(&site.db);
    let hash = site.hash(&[]);
    let full = |blocks: u32| {
        let program = site.command(&[]);
        let mut command = site.command(&[]);
        let script = format!(
            "trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" deploy staging --approve {hash} --yes-until testing"
        );
        let envs: Vec<_> =
            command.get_envs().map(|(name, value)| (name.to_owned(), value.map(ToOwned::to_owned))).collect();
        command = Command::new("sh");
        command.args(["-c", &script]).arg(program.get_program()).current_dir(site.path(""));
        for (name, value) in envs {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        ran(command)
    };
    // Enough for the record, not for the dump.
    let Ran { code, err, .. } = full(17 * 2048);
    assert!(code != 0 && err.contains("step backup") && !err.contains("step apply"), "{err}");
    assert_eq!(catalog(&site.db), before);
    site.run(&["deploy", "staging", "--status"]).ends(1, &["the step `backup` failed", "nothing was changed"]);
    // Not even for the record.
    let Ran { code, err, .. } = full(1);
    assert!(code != 0 && !err.contains("step apply"), "{err}");
    assert_eq!(catalog(&site.db), before);
    site.run(&["deploy", "staging", "--approve", &hash, "--yes-until", "testing"])
        .ends(0, &["step backup", "step apply"]);
}

#[test]
fn an_environment_is_known_by_its_name() {
    let site = Site::new(SPEC);
    site.run(&["deploy", "stagin"]).ends(2, &["did you mean `staging`?"]);
    site.run(&["deploy", "production"]).ends(2, &["the variable `PRODUCTION_URL` is not set"]);
    site.settings("host = \"db.example.com\"\n");
    site.run(&["deploy", "staging"]).ends(1, &["is not the environment `staging`"]);
    site.settings("");
    site.write(
        "specc.toml",
        "name = \"shop\"\n[environments.staging]\ndatabase_url = \"postgresql://ann:hush@db/shop\"\n",
    );
    site.run(&["deploy", "staging"]).ends(1, &["E0980", "is not the name of a variable"]);
    // All commands that ask a database know environments.
    site.settings("");
    for args in [
        &["status"][..],
        &["apply"],
        &["drift"],
        &["backup", "--file", "a.dump"],
        &["audit", "--only", "data"],
        &["prove"],
        &["types"],
        &["pull", "--out", "pulled"],
        &["restore", "a.dump", "--clean"],
        &["reset", "--yes"],
    ] {
        let Ran { code, err, .. } = site.run(&[args, &["--env", "staging"]].concat());
        assert!(code == 0, "{args:?}: {err}");
    }
    site.run(&["status", "--env", "staging", "--database-url", "x"]).ends(2, &["cannot be used with"]);
}

#[test]
fn a_wrong_hash_and_a_record_that_was_changed() {
    let site = Site::new(SPEC);
    let before = site.contents();
    let hash = site.hash(&[]);
    let wrong = if hash.starts_with('0') { hash.replacen('0', "1", 1) } else { format!("0{}", &hash[1..]) };
    site.run(&["deploy", "staging", "--approve", &wrong]).ends(1, &["E0982", &hash]);
    site.run(&["deploy", "staging", "--approve", ""]).ends(1, &["E0982"]);
    site.run(&["deploy", "staging"]).ends(1, &["stopped at the checkpoint `design`", &format!("--approve {hash}")]);
    site.run(&["deploy", "staging", "--yes-until", "testing"]).ends(1, &["stopped at the checkpoint `design`"]);
    assert_eq!(site.contents(), before);
    let record = site.read(".specc/staging/record.json");
    site.write(".specc/staging/record.json", &record.replacen("staging", "stagine", 1));
    site.run(&["deploy", "staging", "--approve", &hash]).ends(1, &["E0981", "is not as it was written"]);
    assert_eq!(site.contents(), before);
    site.write(".specc/staging/record.json", &record);
    site.run(&["deploy", "staging", "--approve", &hash.to_uppercase()])
        .ends(1, &["stopped at the checkpoint `provisioning`"]);
}

/// One byte of what would be applied, or of what it would be applied to.
#[test]
fn one_byte_is_another_plan() {
    let site = Site::new(SPEC);
    site.settings("seed = \"dev\"\n");
    let mut seen = vec![site.hash(&[])];
    assert_eq!(site.hash(&[]), seen[0], "the same is the same");
    let mut other = |what: &str| {
        let hash = site.run(&["deploy", "staging", "--plan"]).hash();
        assert!(!seen.contains(&hash), "{what}");
        seen.push(hash);
    };
    let seed = site.read("supabase/seeds/dev.sql");
    site.write("supabase/seeds/dev.sql", &format!("{seed}\n"));
    other("a byte of the rows");
    let migration = "supabase/migrations/20260101000001_init_rls.sql";
    let text = site.read(migration);
    site.write(migration, &format!("{text} "));
    other("a byte of a migration");
    site.write(migration, &text);
    site.sql("create table other (id int)");
    other("a table in the database");
    site.sql("comment on table other is 'a'");
    other("a comment in the database");
    site.sql("comment on table other is 'b'");
    other("a byte of a comment in the database");
    site.settings("seed = \"dev\"\ndisk = \"9 GB\"\n");
    assert_eq!(
        site.run(&["deploy", "staging", "--plan"]).hash(),
        *seen.last().expect("one"),
        "how it is looked at is no part of it"
    );
    site.write("supabase/migrations/20260101000009_more.sql", "select 1;\n");
    let mut other = |what: &str| {
        let hash = site.run(&["deploy", "staging", "--plan"]).hash();
        assert!(!seen.contains(&hash), "{what}");
        seen.push(hash);
    };
    other("one more migration");
    site.run(&["apply", "--env", "staging", "--to", "20260101000000"]).ends(0, &[]);
    other("what the database says of its migrations");
}

#[test]
fn two_deployments_at_once() {
    let site = Site::new(SPEC);
    let hash = site.hash(&[]);
    let mut other = site.session();
    // The first one waits for this lock.
    other.batch_execute("begin; create table public.products (id int)").expect("a lock");
    let mut first = site
        .command(&["deploy", "staging", "--approve", &hash])
        .stderr(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .spawn()
        .expect("it runs");
    std::thread::sleep(std::time::Duration::from_millis(1500));
    let second = site.run(&["deploy", "staging", "--approve", &hash]);
    first.kill().expect("it runs");
    first.wait().expect("it ends");
    other.batch_execute("rollback").expect("no lock");
    second.ends(1, &["another deployment to `staging` is running"]);
    assert!(!killed_at(site.command(&["deploy", "staging", "--plan"]), "step "), "a plan does nothing");
}
