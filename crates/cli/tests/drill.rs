//! `specc drill`: a backup comes back on a private server, in how long, and what the database in use has besides.

#![allow(clippy::disallowed_methods, clippy::print_stdout)]

use crate::program::run;
use crate::tried::applied;
use serde_json::Value;
use specc_postgres::{Database, shared};
use std::time::Instant;

const SHOP: &str = "
role clerk

entity people {
  id     -> auth.users  key as account on delete cascade immutable
  name:  text
  policy { own: allow select  to authenticated, clerk  when id = viewer }
}
viewer -> people

entity orders {
  id:        bigint identity  key
  person_id  -> people  on delete cascade
  total:     int
  placed:    timestamptz = now()
  check total_is_no_debt: total >= 0
  policy { own: allow select  to authenticated  when person_id = viewer }
}

entity notes {
  id:    uuid = gen_random_uuid()  key
  text:  text
  rls off
}
";

struct Shop {
    dir: tempfile::TempDir,
    db: Database,
    url: String,
}

fn shop() -> Shop {
    let (dir, db, url) = applied(SHOP);
    let shop = Shop { dir, db, url };
    shop.sql(
        "insert into auth.users (id) select gen_random_uuid() from generate_series(1, 20);
         insert into public.people (id, name) select id, 'name ' || id from auth.users;
         insert into public.orders (person_id, total) select id, 7 from public.people;
         insert into public.notes (text) select 'note ' || n from generate_series(1, 30) n;",
    );
    shop
}

impl Shop {
    fn sql(&self, text: &str) {
        self.db.connect_superuser().unwrap().batch_execute(text).unwrap();
    }

    fn drill(&self, more: &[&str]) -> (i32, String, String) {
        let mut args = vec!["drill", "--format", "json"];
        args.extend(more);
        run(self.dir.path(), &args)
    }

    fn json(&self, more: &[&str]) -> (i32, Value) {
        let (code, out, said) = self.drill(more);
        (code, serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}{said}")))
    }
}

#[test]
fn a_backup_comes_back_and_what_is_newer_is_said() {
    let shop = shop();
    // What is there now comes back whole.
    let (code, said) = shop.json(&["--database-url", &shop.url]);
    assert_eq!(code, 0, "{said:#}");
    // Its own three, and what specc and the platform note of migrations.
    assert!(said["back"]["tables"].as_u64() >= Some(3) && said["back"]["rows"].as_i64() >= Some(70), "{said:#}");
    assert_eq!((said["keys"].as_u64(), &said["behind"]["tables"]), (Some(20), &serde_json::json!([])), "{said:#}");
    assert!(said["rto"].as_f64() > Some(0.0) && said["dumped"].as_f64() > Some(0.0), "{said:#}");
    // What came, changed and went since is found, table by table. A backup knows its time to the second.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    let file = shop.dir.path().join("shop.dump");
    let file = file.to_str().unwrap();
    let (code, out, err) = run(shop.dir.path(), &["backup", "--file", file, "--database-url", &shop.url]);
    assert_eq!(code, 0, "{out}{err}");
    std::thread::sleep(std::time::Duration::from_millis(1100));
    shop.sql(
        "insert into public.orders (person_id, total) select id, 9 from public.people limit 3;
         update public.notes set text = 'other' where text = 'note 1';
         create table public.later (id int); insert into public.later values (1);",
    );
    let (code, said) = shop.json(&[file, "--database-url", &shop.url, "--rpo", "3600"]);
    assert_eq!(code, 0, "{said:#}");
    let of = |table: &str| -> Value {
        let all = said["behind"]["tables"].as_array().unwrap();
        all.iter().find(|one| one["table"] == table).unwrap_or_else(|| panic!("{table}: {said:#}")).clone()
    };
    let orders = of("public.orders");
    assert_eq!(
        (orders["backup"].as_i64(), orders["now"].as_i64(), orders["later"].as_i64()),
        (Some(20), Some(23), Some(3))
    );
    assert_eq!((of("public.notes")["backup"].as_i64(), of("public.notes")["now"].as_i64()), (Some(30), Some(30)));
    assert_eq!((of("public.later")["backup"].as_i64(), of("public.later")["now"].as_i64()), (Some(0), Some(1)));
    assert_eq!(said["behind"]["tables"].as_array().unwrap().len(), 3, "{said:#}");
    assert!(said["behind"]["seconds"].as_f64() > Some(1.0), "{said:#}");
    // What takes longer or is older than it may is a finding.
    let (code, said) = shop.json(&[file, "--database-url", &shop.url, "--rto", "0.001", "--rpo", "1"]);
    assert_eq!((code, said["over"].as_array().map(Vec::len)), (1, Some(2)), "{said:#}");
    // One of a time that has not come has no age.
    let beside = format!("{file}.json");
    let manifest = std::fs::read_to_string(&beside).unwrap();
    let mut later: Value = serde_json::from_str(&manifest).unwrap();
    later["taken"] = "2099-01-01 00:00:00+00".into();
    std::fs::write(&beside, later.to_string()).unwrap();
    let (code, said) = shop.json(&[file, "--database-url", &shop.url, "--rpo", "60"]);
    assert!(code == 1 && said["over"].to_string().contains("is not known"), "{code} {said:#}");
    std::fs::write(&beside, manifest).unwrap();
    // Alone, a backup whose rows refer to accounts does not come back, and the way out is said.
    let (code, said, _) = shop.drill(&[file]);
    assert!(code == 1 && said.contains("foreign key") && said.contains("`--database-url`"), "{code} {said}");
    let (code, said, _) = shop.drill(&[file, "--rpo", "1"]);
    assert!(code == 2 && said.contains("--rpo"), "{code} {said}");
    // A dump that was changed is none.
    let mut bytes = std::fs::read(file).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(file, bytes).unwrap();
    let (code, said, _) = shop.drill(&[file, "--database-url", &shop.url]);
    assert!(code != 0 && said.contains("changed"), "{code} {said}");
}

/// On a server that is nobody's platform: the roles that the backup names are made for the drill.
#[test]
fn a_backup_of_a_plain_server_comes_back_with_its_roles() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("specc.toml"), "name = \"plain\"\ntarget = \"postgres\"\n").unwrap();
    let spec = "role drill_clerk\n\nentity notes {\n  id: int  key\n  text: text\n  policy { all: allow select  to drill_clerk  when id > 1 }\n}\n";
    std::fs::write(dir.path().join("a.dbspec"), spec).unwrap();
    let (code, out, err) = run(dir.path(), &["build", "--stamp", "20260101000000"]);
    assert_eq!(code, 0, "{out}{err}");
    let db = shared(18).empty_database().unwrap();
    let url = db.url("postgres");
    let (code, out, err) = run(dir.path(), &["apply", "--database-url", &url]);
    assert_eq!(code, 0, "{out}{err}");
    // A role that owns a table, as it may in the schema that every database has.
    db.connect_superuser()
        .unwrap()
        .batch_execute(
            "insert into public.notes select n, 'x' from generate_series(1, 9) n;
         grant create on schema public to drill_clerk; grant drill_clerk to postgres with inherit true, set true;
         create table public.drawers (id int); alter table public.drawers owner to drill_clerk;
         insert into public.drawers values (1)",
        )
        .unwrap();
    let file = dir.path().join("plain.dump");
    let file = file.to_str().unwrap();
    let (code, out, err) = run(dir.path(), &["backup", "--file", file, "--database-url", &url]);
    assert_eq!(code, 0, "{out}{err}");
    for more in [&[file][..], &[file, "--database-url", &url], &["--database-url", &url]] {
        let (code, out, err) = run(dir.path(), &[&["drill"][..], more].concat());
        assert!(code == 0 && err.contains("RTO"), "{more:?} {code} {out}{err}");
    }
}

/// One million rows: `cargo test -p specc --test all -- --ignored drill::a_million_rows --nocapture`.
#[test]
#[ignore = "about a minute; named in docs/performance.md"]
fn a_million_rows() {
    let shop = shop();
    shop.sql(
        "insert into auth.users (id) select gen_random_uuid() from generate_series(1, 99980);
         insert into public.people (id, name) select id, 'name ' || id from auth.users on conflict do nothing;
         insert into public.orders (person_id, total) select id, n from public.people, generate_series(1, 8) n limit 799980;
         insert into public.notes (text) select 'note ' || n from generate_series(1, 99970) n;",
    );
    let start = Instant::now();
    let (code, said) = shop.json(&["--database-url", &shop.url]);
    assert_eq!(code, 0, "{said:#}");
    assert!(said["back"]["rows"].as_i64() >= Some(1_000_000), "{said:#}");
    println!("in all {:.1} s: {said}", start.elapsed().as_secs_f64());
}
