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

/// A server with the rows: budgets of time and of pages are held or not, and what the role may not read is said.
#[test]
fn queries_are_timed_over_rows() {
    let dir = tempfile::tempdir().expect("a folder");
    let spec = SPEC
        .replace("500_000, secrets 1_000_000", "3_000, secrets 2_000")
        .replace("within 10 ms", "within 2 s")
        .replace(
            "query hidden",
            "query counted as anon within 1 s buffers 1 { select count(*) from events where title <> '' }\n\n\
         query slow as anon within 20 ms p50 { select pg_sleep(0.05), count(*) from events }\n\n\
         query hidden",
        );
    write(dir.path(), &spec);
    let measured = ["bench", "--project", ".", "--seconds", "1", "--rate", "60", "--clients", "6"];
    let (code, out, err) = run(dir.path(), &measured);
    assert_eq!(code, 1, "{out}{err}");
    assert!(err.contains("filled: 5000 rows in 2 tables"), "{err}");
    assert!(err.contains("missed: 6 queries at 60 requests a second on Postgres 18, 60 requests"), "{err}");
    let findings: String = err
        .lines()
        .filter(|line| line.starts_with("E0") || line.contains('×'))
        .map(|line| line.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect::<String>() + "\n")
        .collect();
    let codes: String = err.lines().filter(|line| line.starts_with("E0")).map(|line| format!("{line}\n")).collect();
    insta::assert_snapshot!("bench_measured", format!("{codes}\n{}", findings.replace("E0000\n", "")));
    // Each is asked as often as the others, and a slower one does not make fewer of them.
    let json = [&measured[..], &["--format", "json"]].concat();
    let (_, out, err) = run(dir.path(), &json);
    let all: serde_json::Value = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}{err}"));
    let of = |name: &str| {
        all["queries"].as_array().expect("queries").iter().find(|one| one["name"] == name).expect("a query").clone()
    };
    assert_eq!((of("latest")["requests"].as_u64(), of("latest")["rows"].as_u64()), (Some(12), Some(20)));
    assert!(of("slow")["p50_ms"].as_f64().is_some_and(|ms| ms >= 50.0));
    assert!(of("event")["p50_ms"].as_f64().is_some_and(|ms| ms > 0.0 && ms < 50.0));
    assert!(of("hidden")["refused"].as_str().is_some_and(|why| why.contains("permission denied")));
    assert_eq!(run(dir.path(), &["bench", "--plan", "--rate", "3", "--project", "."]).0, 2);
    assert_eq!(run(dir.path(), &["bench", "--rate", "0", "--project", "."]).0, 2);
    // A name that no query has.
    assert_eq!(run(dir.path(), &["bench", "--filter", "nothing", "--project", "."]).0, 1);
}

/// What cannot be filled is not said to be kept, and a query that writes is refused.
#[test]
fn what_is_not_filled_is_not_kept() {
    let dir = tempfile::tempdir().expect("a folder");
    let spec = "entity odd {\n  id: int key\n  v: jsonb\n  check v ? 'k'\n  policy { all: allow select to anon }\n}\n\nsize odd 100\n\n\
                query all_odd as anon within 1 s { select id from odd }\n";
    write(dir.path(), spec);
    let args = ["bench", "--project", ".", "--seconds", "0.2", "--rate", "20"];
    let (code, out, err) = run(dir.path(), &args);
    assert!(
        code == 1 && err.contains("missed: 1 query") && err.contains("not filled as the sizes say: public.odd"),
        "{out}{err}"
    );
    let spec = "entity notes {\n  id: int key\n  policy { all: allow select, delete to anon }\n}\n\nsize notes 100\n\n\
                query purge as anon { with gone as (delete from notes returning id) select id from gone }\n";
    write(dir.path(), spec);
    let (code, out, err) = run(dir.path(), &args);
    assert!(code == 1 && err.contains("E0952"), "{out}{err}");
}

#[test]
fn what_there_is_not_is_said() {
    let dir = tempfile::tempdir().expect("a folder");
    write(dir.path(), &format!("{SPEC}\nseed dev {{ secrets {{ id: '00000000-0000-4000-8000-000000000001' }} }}\n"));
    for command in [&["bench", "--plan"][..], &["bench"]] {
        let (code, _, err) = run(dir.path(), &[command, &["--postgres", "12", "--project", "."]].concat());
        assert!(code == 2 && err.contains("Postgres 12 is not installed") && err.contains("18"), "{err}");
        let (code, _, err) = run(dir.path(), &[command, &["--env", "nope", "--project", "."]].concat());
        assert!(code == 2 && err.contains("there is no environment `nope`") && err.contains("there is `dev`"), "{err}");
    }
    let (code, ..) = bench(dir.path(), &["--env", "dev", "--filter", "event"]);
    assert_eq!(code, 0);
    // An environment of the settings is known, too.
    let settings = dir.path().join("specc.toml");
    let text = std::fs::read_to_string(&settings).expect("read")
        + "\n[environments.staging]\ndatabase_url = \"STAGING_URL\"\n";
    std::fs::write(&settings, text).expect("written");
    std::fs::write(dir.path().join("more.dbspec"), "size in staging events 5\n").expect("written");
    let (code, _, err) = bench(dir.path(), &["--env", "staging", "--filter", "event"]);
    assert_eq!(code, 0, "{err}");
    std::fs::write(dir.path().join("more.dbspec"), "size in stagin events 5\n").expect("written");
    let (code, _, err) = bench(dir.path(), &[]);
    assert!(code == 1 && err.contains("did you mean `staging`?"), "{err}");
}

/// As many values as there are rows, of types that hold fewer, and expressions that never end.
#[test]
fn sizes_have_no_bounds_but_their_own() {
    let dir = tempfile::tempdir().expect("a folder");
    let spec = "entity many {
  id:    bigint  key
  small: smallint
  whole: int
  word:  text
  code:  int     unique
  at:    timestamptz
  rls off
}

size many 1_000_000_000_000 {
  small: distinct 1_000_000_000_000
  whole: distinct 1_000_000_000_000
  word:  distinct 1_000_000_000_000
}

query one(which: int from many.code) as service_role { select word from many where code = which }
";
    write(dir.path(), spec);
    let (code, out, err) = bench(dir.path(), &[]);
    assert_eq!(code, 0, "{out}{err}");
    let endless =
        "function endless() -> timestamptz language plpgsql as $$ begin perform pg_sleep(3600); return now(); end $$\n";
    let spec =
        spec.replace("size many 1_000_000_000_000 {", "size many 1_000_000 {\n  at: between (public.endless(), now())");
    write(dir.path(), &format!("{endless}{}", spec.replace("distinct 1_000_000_000_000", "distinct 10")));
    let start = std::time::Instant::now();
    let (code, out, err) = bench(dir.path(), &[]);
    assert!(code == 2 && err.contains("the bounds of `at`, takes more than 10s"), "{out}{err}");
    assert!(start.elapsed().as_secs() < 60, "{:?}", start.elapsed());
}
