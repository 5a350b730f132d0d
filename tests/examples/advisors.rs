//! What Supabase's own advisors say, beside what `specc audit` says: `cargo run -p specc-tests --example advisors -- PATH_OF_THE_CLI`
//!
//! Each spec is built and loaded into a private cluster, and `supabase db advisors` looks at it, and so at a database for each defect
//! that one of its lints finds. Both have to say the same: the same lints, at the same levels, under the same keys.

#![allow(clippy::disallowed_methods, clippy::print_stdout, clippy::unwrap_used)]

// The lists of other defects are not used here.
#[allow(dead_code)]
#[path = "../tests/audit/defects.rs"]
mod defects;

use defects::{ADVISORS, Who};
use specc_audit::{Limits, Subject, examine};
use specc_postgres::{Database, shared};
use specc_tests::{Rows, VERSIONS, database, forward::forward, specs};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

/// The schemas of the API, for both.
const SCHEMAS: [&str; 2] = ["public", "pgmq_public"];

/// A finding: its level, its lint, its key.
type Finding = (String, String, String);

fn main() {
    let cli = std::env::args().nth(1).expect("the path of Supabase's CLI");
    let cli = std::fs::canonicalize(cli).unwrap();
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("supabase")).unwrap();
    let settings = format!("project_id = \"compared\"\n[api]\nschemas = {SCHEMAS:?}\n");
    std::fs::write(dir.path().join("supabase/config.toml"), settings).unwrap();
    let mut equal = true;
    let mut lints = BTreeSet::new();
    for major in VERSIONS {
        for name in specs() {
            equal &= compared(&cli, dir.path(), &database(&name, major, Rows::Base), &name, major, &mut lints);
        }
        let clean = shared(major).platform_database().unwrap().into_template().unwrap();
        for defect in ADVISORS {
            for (what, sql) in
                [(defect.check.to_owned(), defect.wrong), (format!("twin of {}", defect.check), defect.right)]
            {
                let db = clean.create().unwrap();
                let mut session = if defect.by == Who::Owner { db.connect() } else { db.connect_superuser() }.unwrap();
                session.batch_execute(NOTES).unwrap();
                session.batch_execute(sql).unwrap();
                drop(session);
                equal &= compared(&cli, dir.path(), &db, &what, major, &mut lints);
            }
        }
    }
    println!("{} lints found something", lints.len());
    assert!(equal, "they differ");
}

/// The table that defects are about.
const NOTES: &str = "create table public.notes (id bigint primary key, owner_id uuid, title text);
    alter table public.notes enable row level security;
    create policy own on public.notes for select to authenticated using (owner_id = (select auth.uid()))";

/// Whether both say the same of a database.
fn compared(cli: &Path, dir: &Path, db: &Database, name: &str, major: u32, lints: &mut BTreeSet<String>) -> bool {
    let theirs = theirs(cli, dir, db);
    let ours = ours(db);
    lints.extend(theirs.iter().map(|(_, lint, _)| lint.clone()));
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    theirs.iter().for_each(|(_, lint, _)| *counts.entry(lint).or_default() += 1);
    println!("{name} on {major}: {} {counts:?}", if theirs == ours { "equal" } else { "DIFFERENT" });
    theirs.difference(&ours).for_each(|finding| println!("  only the CLI: {finding:?}"));
    ours.difference(&theirs).for_each(|finding| println!("  only specc: {finding:?}"));
    theirs == ours
}

fn theirs(cli: &Path, dir: &Path, db: &Database) -> BTreeSet<Finding> {
    let port = forward(db.config("postgres"));
    let url = format!("postgresql://postgres@127.0.0.1:{port}/{}?sslmode=disable", db.name());
    let done = Command::new(cli)
        .args(["db", "advisors", "--type", "all", "--level", "info", "--output-format", "json"])
        .arg(format!("--remote={url}"))
        .current_dir(dir)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&done.stdout).into_owned();
    let found: serde_json::Value = serde_json::from_str(&text)
        .unwrap_or_else(|error| panic!("{error}\n{text}{}", String::from_utf8_lossy(&done.stderr)));
    let said = |finding: &serde_json::Value, key: &str| finding[key].as_str().unwrap().to_owned();
    let list = found["results"].as_array().unwrap_or_else(|| panic!("{text}"));
    list.iter().map(|finding| (said(finding, "level"), said(finding, "name"), said(finding, "cacheKey"))).collect()
}

fn ours(db: &Database) -> BTreeSet<Finding> {
    let subject = Subject {
        clients: vec!["anon".into(), "authenticated".into()],
        exposed: Some(SCHEMAS.map(str::to_owned).into()),
        ..Subject::default()
    };
    let is_lint = |name: &str| ADVISORS.iter().any(|defect| defect.check == name);
    let mut session = db.connect().unwrap();
    let report = examine(&mut session, &subject, &Limits::default(), &|check| is_lint(check.name)).unwrap();
    let level = |severity: specc_audit::check::Severity| match severity.word() {
        "error" => "ERROR",
        "warning" => "WARN",
        _ => "INFO",
    };
    let one = |finding: &&specc_audit::Finding| {
        (level(finding.severity).to_owned(), finding.check.to_owned(), finding.key.clone())
    };
    report.findings().iter().map(one).collect()
}
