//! `specc bench --plan`: budgets, plans that are written down, and what changes them.

#![allow(clippy::disallowed_methods)]

use crate::program::run;
use std::path::Path;

const SPEC: &str = "entity events {
  id:       uuid = gen_random_uuid()  key
  owner_id: uuid
  title:    text
  kind:     text
  at:       timestamptz = now()

  index (kind)
  index (at)

  policy {
    all: allow select
  }
}

entity secrets {
  id: uuid  key

  policy {
    own: allow select  to authenticated
  }
}

size events 500_000, secrets 1_000_000

query event(which: uuid from events.id) as anon within 10 ms { select title from events where id = which }

query latest as anon rows 5 { select title from events order by at desc limit 20 }

query of_owner(who: uuid) as anon { select title from events where owner_id = who }

query hidden as anon { select id from secrets }
";

fn write(dir: &Path, text: &str) {
    std::fs::write(dir.join("specc.toml"), "name = \"events\"\nspecs = [\"*.dbspec\"]\n").expect("written");
    std::fs::write(dir.join("events.dbspec"), text).expect("written");
}

/// Without times and numbers of costs.
fn bench(dir: &Path, more: &[&str]) -> (i32, String, String) {
    let mut args = vec!["bench", "--plan", "--project", "."];
    args.extend(more);
    let (code, out, err) = run(dir, &args);
    let steady = |text: &str| -> String {
        let line = |line: &str| match line.split_once(": cost ") {
            Some((before, _)) => before.to_owned(),
            None => match line.split_once(" tables without rows") {
                Some((before, _)) => before.to_owned(),
                None => line.to_owned(),
            },
        };
        text.lines().filter(|line| !line.starts_with("note: ")).map(|text| line(text) + "\n").collect()
    };
    (code, steady(&out), steady(&err))
}

#[test]
fn what_a_plan_may_not_do_is_said() {
    let dir = tempfile::tempdir().expect("a folder");
    write(dir.path(), SPEC);
    let (code, out, err) = bench(dir.path(), &[]);
    assert_eq!(code, 1, "{err}");
    insta::assert_snapshot!("bench", format!("{out}\n{err}"));

    // What is written down is compared with, and what is mended is no finding.
    let mended = SPEC.replace("rows 5", "rows 50").replace("owner_id: uuid\n", "owner_id: uuid\n  index (owner_id)\n");
    let mended = mended.replace("query hidden as anon", "query hidden as authenticated reads all of secrets");
    write(dir.path(), &mended);
    let (code, _, err) = bench(dir.path(), &["--pin"]);
    assert_eq!(code, 0, "{err}");
    let (code, ..) = bench(dir.path(), &[]);
    assert_eq!(code, 0);
    write(dir.path(), &mended.replace("  index (at)\n", ""));
    let (code, _, err) = bench(dir.path(), &["--filter", "latest"]);
    assert_eq!(code, 1);
    insta::assert_snapshot!("bench_changed", err);
    write(dir.path(), &mended.replace("size events 500_000", "size events 20"));
    let (code, out, _) = bench(dir.path(), &["--format", "json", "--filter", "of_owner"]);
    assert_eq!(code, 1);
    assert!(out.contains("the sizes are others: it was made for events 500000, and this one for events 20"), "{out}");
    write(dir.path(), &mended);
    let (code, out, _) = bench(dir.path(), &["--format", "json", "--filter", "event"]);
    let said: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!((code, said["queries"][0]["role"].as_str()), (0, Some("anon")), "{out}");
}

/// The specs that ship keep what they say, on the oldest and the newest version, and have no index that nothing needs.
#[test]
fn the_specs_keep_their_budgets() {
    let specs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../specs");
    for (name, least) in [("medellin_spark", 30), ("automation_platform", 10), ("srvc_crm", 10)] {
        for major in ["15", "18"] {
            let args = ["bench", "--plan", "--format", "json", "--postgres", major, "--project", name];
            let (code, out, err) = run(&specs, &args);
            assert_eq!(code, 0, "{name} on {major}: {out}{err}");
            let said: serde_json::Value = serde_json::from_str(&out).expect("JSON");
            assert_eq!(said["diagnostics"].as_array().map(Vec::len), Some(0), "{name} on {major}: {out}");
            assert!(said["queries"].as_array().is_some_and(|queries| queries.len() >= least), "{name}");
        }
    }
}
