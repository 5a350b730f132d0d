//! `specc build --keep-old` on a real database: the old column stays, in step with the new one, until it is told to go.

#![allow(clippy::disallowed_methods)]

use crate::program::run;
use specc_postgres::shared;
use std::fs;

const BEFORE: &str = "entity items {
  id:    int  key
  size:  int
  price: numeric(10,4)?
  rls off
}
";

const AFTER: &str = "entity things was items {
  id:     int  key
  extent: text            was size
  price:  numeric(12,1)?
  rls off
}
";

#[test]
fn an_old_column_stays_until_a_build_drops_it() {
    let dir = tempfile::tempdir().expect("a folder");
    let write = |text: &str| fs::write(dir.path().join("a.dbspec"), text).expect("a file");
    fs::write(dir.path().join("specc.toml"), "name = \"kept\"\ntarget = \"postgres\"\n").expect("a file");
    let db = shared(18).empty_database().expect("a database");
    let url = db.url("postgres");
    let ok = |args: &[&str]| {
        let (code, out, said) = run(dir.path(), args);
        assert_eq!(code, 0, "{args:?}: {out}{said}");
        said
    };
    let built = |stamp: &str, more: &[&str]| ok(&[&["build", "--stamp", stamp], more].concat());
    let apply = |more: &[&str]| ok(&[&["apply", "--database-url", &url], more].concat());
    let drift = || ok(&["drift", "--database-url", &url]);
    let mut session = db.connect().expect("a session");
    let mut rows = |query: &str| -> Vec<String> {
        session
            .query(query, &[])
            .expect("rows")
            .iter()
            .map(|row| row.get::<_, Option<String>>(0).unwrap_or_default())
            .collect()
    };

    write(BEFORE);
    built("20260101000000", &[]);
    apply(&[]);
    rows("insert into items values (1, 5, 1.2345), (2, 7, null), (3, 9, 3.5) returning null::text");
    let before = rows("select items::text from items order by id");

    write(AFTER);
    built("20260102000000", &["--keep-old", "--allow-data-loss"]);
    apply(&[]);
    drift();
    ok(&["verify", "--rows", "200"]);
    // Nobody else writes to the old one, and what has no place in it is null there.
    rows("insert into things (id, extent, extent__old) values (4, '70', 1), (5, 'many', 2) returning null::text");
    rows("update things set extent__old = 0 where id = 1 returning null::text");
    rows("update things set extent = '8' where id = 2 returning null::text");
    let old = rows("select concat_ws(' ', id, extent__old, price__old) from things order by id");
    assert_eq!(old, ["1 5 1.2345", "2 8", "3 9 3.5000", "4 70", "5"]);

    // The second plan is empty while it is kept.
    let said = built("20260103000000", &["--keep-old"]);
    assert!(said.contains("nothing changed"), "{said}");
    // Another change goes by the kept columns, and follows their names.
    write(
        &AFTER
            .replace("entity things was items", "entity goods was things")
            .replace("extent: text            was size", "reach: text was extent, note: text?"),
    );
    built("20260104000000", &["--keep-old"]);
    apply(&[]);
    drift();
    rows("update goods set reach = '6' where id = 1 returning null::text");
    assert_eq!(rows("select extent__old::text from goods where id = 1"), ["6"]);
    apply(&["--down-to", "20260102000005", "--allow-data-loss"]);
    rows("update things set extent = '5' where id = 1 returning null::text");
    assert_eq!(rows("select extent__old::text from things where id = 1"), ["5"]);

    // What has no place in the old type stops the way back; all else comes back as it was.
    let (code, _, said) = run(dir.path(), &["apply", "--down-to", "20260101000000", "--database-url", &url]);
    assert!(code == 1 && said.contains("cannot become"), "{said}");
    rows("delete from things where id > 3 returning null::text");
    rows("update things set extent = '7' where id = 2 returning null::text");
    apply(&["--down-to", "20260101000000"]);
    assert_eq!(rows("select items::text from items order by id"), before);

    // A build without the flag lets them go, which loses nothing that is not there.
    apply(&[]);
    built("20260105000000", &[]);
    apply(&[]);
    drift();
    assert_eq!(rows("select goods::text from goods order by id"), ["(1,5,1.2,)", "(2,7,,)", "(3,9,3.5,)"]);
}

/// What goes with the flag's absence is said to be lost on the way back, and comes last there.
#[test]
fn what_keeps_and_what_drops_is_verified() {
    let dir = tempfile::tempdir().expect("a folder");
    fs::write(dir.path().join("specc.toml"), "name = \"kept\"\ntarget = \"postgres\"\n").expect("a file");
    let after = BEFORE.replace("size:  int", "size:  bigint");
    let more = after.replace("rls off", "note: text?\n  rls off");
    for (stamp, text, flag) in [
        ("20260101000000", BEFORE, None),
        ("20260102000000", &after, Some("--keep-old")),
        ("20260103000000", &more, None),
    ] {
        fs::write(dir.path().join("a.dbspec"), text).expect("a file");
        let args: Vec<&str> = ["build", "--stamp", stamp].into_iter().chain(flag).collect();
        let (code, _, said) = run(dir.path(), &args);
        assert_eq!(code, 0, "{said}");
    }
    let (code, out, said) = run(dir.path(), &["verify", "--rows", "100"]);
    assert_eq!(code, 0, "{out}{said}");
    let (code, out, said) = run(dir.path(), &["lint", "migrations/20260103000000_change_items.sql"]);
    assert_eq!(code, 0, "{out}{said}");
}

#[test]
fn what_cannot_stay_is_said_before_anything_is_written() {
    let dir = tempfile::tempdir().expect("a folder");
    let write = |text: &str| fs::write(dir.path().join("a.dbspec"), text).expect("a file");
    fs::write(dir.path().join("specc.toml"), "name = \"kept\"\ntarget = \"postgres\"\n").expect("a file");
    let spec = |size: &str, labels: &str| {
        format!(
            "enum mood {{ {labels} }}\nentity notes {{\n  id: int key\n  size: {size}\n  mood: mood\n  twice: bigint generated (size * 2)\n  rls off\n}}\n"
        )
    };
    write(&spec("int", "glad, sad"));
    let (code, _, said) = run(dir.path(), &["build", "--stamp", "20260101000000"]);
    assert_eq!(code, 0, "{said}");
    write(&spec("bigint", "glad"));
    let (code, _, said) = run(dir.path(), &["build", "--keep-old", "--stamp", "20260102000000"]);
    assert_eq!(code, 1, "{said}");
    insta::assert_snapshot!(said);
}
