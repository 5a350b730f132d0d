//! `specc monitoring`: what it writes is what Prometheus and its exporter read, and says what is so in a database.

#![allow(clippy::disallowed_methods, clippy::print_stdout)]

use crate::program::run;
use crate::tried::{applied, project, specs};
use serde_json::Value;
use specc_postgres::{Database, Session, shared};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A program of `.ci/setup`'s, or of the machine.
fn program(name: &str) -> Option<PathBuf> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/monitoring/usr/bin").join(name);
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let all = std::iter::once(own).chain(std::env::split_paths(&paths).map(|dir| dir.join(name)));
    let found = all.filter(|path| path.is_file()).find_map(|path| path.canonicalize().ok());
    if found.is_none() {
        println!("SKIPPED: `{name}` is not here; .ci/setup brings it");
    }
    found
}

/// An exporter that answers, and goes with its value.
struct Exporter {
    child: Child,
    port: u16,
}

impl Exporter {
    fn start(program: &Path, queries: &Path, address: &str) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = Command::new(program)
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .arg(format!("--extend.query-path={}", queries.display()))
            .args(["--disable-settings-metrics", "--no-collector.bgwriter", "--log.level=error"])
            .env("DATA_SOURCE_NAME", address)
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        Self { child, port }
    }

    /// What Prometheus would read.
    fn scraped(&self) -> String {
        let start = Instant::now();
        loop {
            if let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) {
                stream.write_all(b"GET /metrics HTTP/1.0\r\nHost: localhost\r\n\r\n").unwrap();
                let mut text = String::new();
                stream.read_to_string(&mut text).unwrap();
                if text.contains("pg_up 1") {
                    return text;
                }
            }
            assert!(start.elapsed() < Duration::from_secs(20), "the exporter does not answer");
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The value of a series whose labels have all of these.
fn value(scraped: &str, series: &str, labels: &[(&str, &str)]) -> Option<f64> {
    let is_it = |line: &&str| {
        let rest = line.strip_prefix(series);
        rest.is_some_and(|rest| rest.starts_with('{') || rest.starts_with(' '))
            && labels.iter().all(|(name, value)| line.contains(&format!("{name}=\"{value}\"")))
    };
    scraped.lines().find(is_it)?.rsplit(' ').next()?.parse().ok()
}

fn one(session: &mut Session, sql: &str) -> f64 {
    session.query_one(sql, &[]).unwrap().get::<_, i64>(0) as f64
}

/// The series that the page lists.
fn listed(page: &str) -> Vec<&str> {
    page.lines().filter_map(|line| line.strip_prefix("| `specc_")?.split('`').next()).collect()
}

/// A project of a spec, built, in a database with rows to develop with.
fn made(name: &str, dir: &Path) -> Database {
    let from = specs().join(name);
    for entry in std::fs::read_dir(&from).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            std::fs::copy(&path, dir.join(path.file_name().unwrap())).unwrap();
        }
    }
    let (code, out, err) = run(dir, &["build", "--stamp", "20260101000000"]);
    assert_eq!(code, 0, "{out}{err}");
    let db = shared(18).platform_database().unwrap();
    let secrets = ["project_url", "service_role_key", "webhook_secret"];
    for secret in secrets {
        db.load(&format!("select vault.create_secret('http://localhost/{secret}', '{secret}');")).unwrap();
    }
    let (code, out, err) = run(dir, &["apply", "--database-url", &db.url("postgres")]);
    assert_eq!(code, 0, "{out}{err}");
    let seed = std::fs::read_to_string(dir.join("supabase/seeds/dev.sql")).unwrap();
    db.load(&seed).unwrap();
    db
}

/// Every series that the page lists is scraped, with what is so in the database, by a role that reads nothing else; the rules are
/// rules.
#[test]
fn the_exporter_and_promtool_read_what_is_written() {
    let (Some(exporter), Some(promtool)) = (program("prometheus-postgres-exporter"), program("promtool")) else {
        return;
    };
    for name in ["srvc_crm", "medellin_spark"] {
        let dir = tempfile::tempdir().unwrap();
        let db = made(name, dir.path());
        let (code, out, err) = run(dir.path(), &["monitoring"]);
        assert_eq!(code, 0, "{out}{err}");
        let (code, ..) = run(dir.path(), &["monitoring", "--check"]);
        assert_eq!(code, 0);
        let folder = dir.path().join("monitoring");
        let text = |file: &str| std::fs::read_to_string(folder.join(file)).unwrap();
        let checked =
            Command::new(&promtool).args(["check", "rules"]).arg(folder.join("alerts.yaml")).output().unwrap();
        assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
        // What the rules and the dashboard ask of is what is scraped.
        let dashboard: Value = serde_json::from_str(&text("dashboard.json")).unwrap();
        assert!(dashboard["panels"].as_array().unwrap().len() > 10);
        let page = text("README.md");
        let series: Vec<String> = listed(&page).iter().map(|name| format!("specc_{name}")).collect();
        assert!(series.len() > 25, "{series:?}");
        for file in ["alerts.yaml", "dashboard.json"] {
            let text = text(file);
            let used = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            for word in used.filter(|word| word.starts_with("specc_") && word.matches('_').count() > 1) {
                assert!(series.iter().any(|series| series == word), "{file}: {word}");
            }
        }
        let mut owner = db.connect_superuser().unwrap();
        owner.batch_execute(&text("role.sql")).unwrap();
        // A later spec may read less: what the role was given before goes.
        owner
            .batch_execute(&format!("grant select on all tables in schema public to {ROLE}", ROLE = "specc_monitor"))
            .unwrap();
        owner.batch_execute(&text("role.sql")).unwrap();
        owner.batch_execute("analyze").unwrap();
        let socket = db.config("specc_monitor");
        let host = format!("{:?}", socket.get_hosts()[0]);
        let host = host.split('"').nth(1).unwrap().to_owned();
        let port = socket.get_ports().first().copied().unwrap_or(5432);
        let address = format!("postgresql://specc_monitor@/{}?host={host}&port={port}&sslmode=disable", db.name());
        let running = Exporter::start(&exporter, &folder.join("queries.yaml"), &address);
        let scraped = running.scraped();
        assert_eq!(value(&scraped, "pg_exporter_last_scrape_error", &[]), Some(0.0));
        let error = scraped.lines().find(|line| line.starts_with("pg_exporter_user_queries_load_error"));
        assert!(error.is_some_and(|line| line.ends_with(" 0")), "{error:?}");
        for one in &series {
            assert!(value(&scraped, one, &[]).is_some() || *one == "specc_job_since_success_seconds", "{name}: {one}");
        }
        let mut is = |series: &str, labels: &[(&str, &str)], sql: &str| {
            assert_eq!(value(&scraped, series, labels), Some(one(&mut owner, sql)), "{name}: {series} {labels:?}");
        };
        is(
            "specc_table_present",
            &[("relation", "profiles")].map(|l| if name == "srvc_crm" { ("relation", "jobs") } else { l }),
            "select 1::int8",
        );
        if name == "srvc_crm" {
            let completed = [("relation", "jobs"), ("state", "completed")];
            is("specc_workflow_rows", &completed, "select count(*) from public.jobs where status = 'completed'");
        } else {
            let published = [("relation", "events"), ("state", "published")];
            is(
                "specc_workflow_rows",
                &published,
                "select count(*) from public.events where status = 'published' and deleted_at is null",
            );
            is("specc_seed_present", &[("relation", "skills")], "select count(*) from public.skills");
            is("specc_job_present", &[("job", "nightly_rollup")], "select 1::int8");
        }
        // The role reads what the queries name, and nothing else.
        let mut monitor = db.connect_as("specc_monitor").unwrap();
        let table = if name == "srvc_crm" { "public.customers" } else { "public.profiles" };
        let refused = monitor.query(&format!("select * from {table}"), &[]).unwrap_err();
        assert_eq!(refused.code().map(|code| code.code()), Some("42501"));
        drop(monitor);
        drop(running);
        owner.batch_execute("drop owned by specc_monitor; drop role specc_monitor").unwrap();
    }
}

const SPEC: &str = "
entity orders {
  id:     uuid = gen_random_uuid()  key
  placed: timestamptz = now()
  retain 2 years from placed
  rls off
}
entity notes {
  id:   uuid = gen_random_uuid()  key
  rls off
}
";

/// The sign-off matrix of the audit has what is watched, from the folder; a table that is not among it is found, and without a
/// folder nobody knows.
#[test]
fn the_audit_knows_what_is_watched() {
    let (dir, db, url) = applied(SPEC);
    let audit = || -> Value {
        let args = ["audit", "--format", "json", "--only", "table_not_watched", "--database-url", &url];
        let (_, out, err) = run(dir.path(), &args);
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}{err}"))
    };
    let verdict = |report: &Value| report["checks"][0]["verdict"].as_str().unwrap().to_owned();
    assert_eq!(verdict(&audit()), "CANNOT");
    let (code, out, err) = run(dir.path(), &["monitoring"]);
    assert_eq!(code, 0, "{out}{err}");
    assert_eq!(verdict(&audit()), "RAN", "{:#}", audit());
    db.load("create table public.unwatched (id int primary key)").unwrap();
    let report = audit();
    assert_eq!(
        (verdict(&report).as_str(), report["findings"][0]["object"].as_str()),
        ("FOUND", Some("public.unwatched"))
    );
    // What is not ours is neither read nor written over.
    std::fs::write(dir.path().join("monitoring/queries.yaml"), "mine: {}\n").unwrap();
    assert_eq!(verdict(&audit()), "CANNOT");
    let (code, _, said) = run(dir.path(), &["monitoring"]);
    assert!(code != 0 && said.contains("queries.yaml"), "{code} {said}");
    assert_eq!(run(dir.path(), &["monitoring", "--check"]).0, 1);
}

/// Names that mean something in YAML, in PromQL, in templates or in SQL are names.
#[test]
fn names_are_names_wherever_they_stand() {
    let Some(promtool) = program("promtool") else { return };
    let dir = project(
        r#"
enum "st'ate" { 'a "b" {{ $x }}', 'c: d # e' }
entity "or'ders {{x}} ""q""" {
  id:         uuid = gen_random_uuid()  key
  "st'ate":   "st'ate" = 'a "b" {{ $x }}'
  updated_at: timestamptz = now()
  workflow "st'ate" {
    -> 'a "b" {{ $x }}'
    'a "b" {{ $x }}' -> 'c: d # e'
  }
  rls off
}
"#,
    );
    let (code, out, err) = run(dir.path(), &["monitoring"]);
    assert_eq!(code, 0, "{out}{err}");
    let rules = dir.path().join("monitoring/alerts.yaml");
    let checked = Command::new(promtool).args(["check", "rules"]).arg(&rules).output().unwrap();
    assert!(
        checked.status.success(),
        "{}{}",
        String::from_utf8_lossy(&checked.stderr),
        std::fs::read_to_string(rules).unwrap()
    );
    assert!(std::fs::read_to_string(&rules).unwrap().contains("alert: SpeccRowWaits"));
    let dashboard = std::fs::read_to_string(dir.path().join("monitoring/dashboard.json")).unwrap();
    assert!(serde_json::from_str::<Value>(&dashboard).is_ok());
}
