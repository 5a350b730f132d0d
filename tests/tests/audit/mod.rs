//! `specc audit`: each defect is found under its name, its clean twin is not, and nobody is told that all is well who could
//! not look.

mod defects;
mod defects_of_access;
mod examined;

use defects::{Defect, Who};
use specc_audit::baseline::Baseline;
use specc_audit::check::{Check, Need};
use specc_audit::{Limits, Report, Subject, Verdict, examine};
use specc_postgres::{Cluster, Database, Options, Session, Template, binaries};
use specc_tests::{in_full, versions_for};
use std::collections::BTreeSet;
use std::sync::{OnceLock, PoisonError, RwLock, RwLockReadGuard};

/// A role that may connect, and nothing else.
const NOBODY: &str = "audit_nobody";

/// A database with nothing wrong in it: one table, its policy, and what a role of clients needs.
const CLEAN: &str = "
    alter default privileges in schema public revoke all on tables from anon, authenticated;
    create table public.notes (id bigint primary key generated always as identity, owner_id uuid not null default gen_random_uuid(),
      title text not null, created_at timestamptz not null default now());
    alter table public.notes enable row level security;
    revoke all on public.notes from anon, authenticated;
    grant select on public.notes to authenticated;
    create policy own on public.notes for select to authenticated using (owner_id = (select auth.uid()));";

/// What any private server of these tests has: it keeps nothing through a crash, archives and logs nothing, and has a role that
/// makes rows.
const BASELINE: &str = include_str!("baseline.toml");

struct Ground {
    /// The server goes with it.
    _cluster: Cluster,
    clean: Template,
}

/// A server of these tests alone: they make roles and slots.
fn ground(major: u32) -> &'static Ground {
    static ALL: [OnceLock<Ground>; 2] = [const { OnceLock::new() }; 2];
    let at = specc_tests::VERSIONS.iter().position(|version| *version == major).unwrap();
    ALL[at].get_or_init(|| {
        let settings = vec![("max_prepared_transactions".to_owned(), "4".to_owned())];
        let options = Options { settings, ..Options::default() };
        let cluster = Cluster::start_with(&binaries::find(major).unwrap(), &options).unwrap();
        let db = cluster.platform_database().unwrap();
        let role = format!("create role {NOBODY} login valid until '2900-01-01'");
        db.connect_superuser().unwrap().batch_execute(&role).unwrap();
        db.connect().unwrap().batch_execute(CLEAN).unwrap();
        Ground { _cluster: cluster, clean: db.into_template().unwrap() }
    })
}

fn subject() -> Subject<'static> {
    Subject { clients: vec!["anon".into(), "authenticated".into()], ..Subject::default() }
}

/// Transactions are long at once.
fn limits() -> Limits {
    Limits { transaction: 0, ..Limits::default() }
}

fn run(session: &mut Session, subject: &Subject<'_>, limits: &Limits, wanted: &dyn Fn(&Check) -> bool) -> Report {
    examine(session, subject, limits, wanted).unwrap_or_else(|error| panic!("{error}"))
}

/// What is found beyond the baseline.
fn audit(session: &mut Session, wanted: &dyn Fn(&Check) -> bool) -> Report {
    let mut report = run(session, &subject(), &limits(), wanted);
    Baseline::read(BASELINE).unwrap().apply(&mut report);
    report
}

/// What one check finds, whatever the baseline accepts.
fn ask(session: &mut Session, name: &str) -> Report {
    run(session, &subject(), &limits(), &|check| check.name == name)
}

/// Who examines: a superuser where only that one sees it, or gets in.
fn examiner(db: &Database, check: &Check) -> Session {
    let needs_more = check.needs.iter().any(|need| matches!(need, Need::Superuser | Need::Role(_)));
    let session =
        if needs_more || check.name == "database_connection_limit" { db.connect_superuser() } else { db.connect() };
    session.unwrap()
}

fn check(name: &str) -> &'static Check {
    specc_audit::all().find(|check| check.name == name).unwrap_or_else(|| panic!("there is no check {name}"))
}

fn make(db: &Database, by: Who, sql: &str) {
    let mut session = if by == Who::Owner { db.connect() } else { db.connect_superuser() }.unwrap();
    session.batch_execute(sql).unwrap_or_else(|error| panic!("{}\n{sql}", specc_tests::stage::said(&error)));
}

fn keys(verdict: &Verdict) -> BTreeSet<&str> {
    verdict.findings().iter().map(|finding| finding.key.as_str()).collect()
}

/// The verdict of the only check that was run.
fn verdict(report: &Report) -> &Verdict {
    &report.examined[0].verdict
}

fn all_defects() -> impl Iterator<Item = &'static Defect> {
    use defects::{ADVISORS, DATA, STRUCTURE};
    use defects_of_access::{ACCESS, HEALTH, SETTINGS};
    [ADVISORS, STRUCTURE, DATA, ACCESS, SETTINGS, HEALTH].into_iter().flatten()
}

/// What is wrong with what is said to mend a defect, where that is a statement: it has to run, and the check to find nothing then.
fn mended(db: &Database, defect: &Defect, found: &Report) -> Vec<String> {
    const STARTS: [&str; 8] = ["alter ", "analyze ", "create ", "drop ", "refresh ", "reindex ", "revoke ", "select "];
    let is_statement = |mend: &str| {
        STARTS.iter().any(|start| mend.starts_with(start))
            && !mend.starts_with("alter system")
            && mend.ends_with(';')
            && !mend.contains('…')
    };
    let mends: Vec<&str> = found.findings().iter().map(|finding| finding.mend.as_str()).collect();
    if mends.is_empty() || !mends.iter().all(|mend| is_statement(mend)) {
        return Vec::new();
    }
    let mut session = db.connect_superuser().unwrap();
    let mut wrong = Vec::new();
    for mend in mends {
        // The server is shared: what a role has from now on is for this database alone.
        let within = match mend.strip_prefix("alter role ").and_then(|rest| rest.split_once(" set ")) {
            Some((role, setting)) => {
                format!("alter role {role} in database {} set {setting}", specc_sql::quote::ident(db.name()))
            }
            None => mend.to_owned(),
        };
        if let Err(error) = session.batch_execute(&within) {
            wrong.push(format!("`{mend}` fails: {}", specc_tests::stage::said(&error)));
        }
    }
    drop(session);
    let mut session = examiner(db, check(defect.check));
    let again = if defect.wrong.is_empty() {
        ask(&mut session, defect.check)
    } else {
        audit(&mut session, &|check| check.name == defect.check)
    };
    if !again.findings().is_empty() {
        wrong.push(format!("is found after it was mended: {:?}", again.findings()[0].says));
    }
    wrong
}

/// Held by a defect that the whole server has (a role, a slot), and shared by examinations of everything, which would see it.
static SERVER: RwLock<()> = RwLock::new(());

/// While this is held, no other test changes what is the server's.
fn undisturbed() -> RwLockReadGuard<'static, ()> {
    SERVER.read().unwrap_or_else(PoisonError::into_inner)
}

/// What is wrong with how a defect and its twin are examined; nothing where all is as it should be.
fn tried(defect: &Defect, major: u32, in_whole: bool) -> Vec<String> {
    let ground = ground(major);
    let _alone = (!defect.undo.is_empty()).then(|| SERVER.write().unwrap_or_else(PoisonError::into_inner));
    let mut wrong = Vec::new();
    let mut note = |what: String| wrong.push(format!("{} on {major}: {what}", defect.check));
    let check = check(defect.check);
    {
        let db = ground.clean.create().unwrap();
        make(&db, defect.by, defect.wrong);
        let mut session = examiner(&db, check);
        // What a scratch server has anyway is no proof that the defect is seen.
        let found = if defect.wrong.is_empty() {
            ask(&mut session, defect.check)
        } else {
            audit(&mut session, &|check| check.name == defect.check)
        };
        drop(session);
        if !matches!(verdict(&found), Verdict::Found(..)) {
            note(format!("not found: {:?}", verdict(&found)));
        }
        for finding in found.findings() {
            if finding.says.contains('{') || finding.mend.replace("{ … }", "").contains('{') {
                note(format!("a place in a text has no value: {} / {}", finding.says, finding.mend));
            }
        }
        // Whom the server lets not in is told nothing.
        if defect.check != "database_connection_limit" {
            let blind = ask(&mut Session::connect(&db.config(NOBODY)).unwrap(), defect.check);
            match verdict(&blind) {
                Verdict::Cannot(why) if !why.is_empty() => {}
                told @ Verdict::Found(_, unseen)
                    if !unseen.is_empty() || keys(told).is_superset(&keys(verdict(&found))) => {}
                other => note(format!("who has no rights is told {other:?}")),
            }
        }
        mended(&db, defect, &found).into_iter().for_each(&mut note);
        if !defect.undo.is_empty() {
            make(&db, Who::Superuser, defect.undo);
        }
    }
    let db = ground.clean.create().unwrap();
    if !defect.right.is_empty() {
        make(&db, defect.by, defect.right);
    }
    let clean = if in_whole {
        audit(&mut db.connect().unwrap(), &|_| true)
    } else {
        audit(&mut examiner(&db, check), &|check| check.name == defect.check)
    };
    for finding in clean.findings() {
        // Nobody asks anything of what was just made.
        if finding.check != "unused_index" || defect.check == "unused_index" {
            note(format!("the twin has [{}] {}", finding.check, finding.says));
        }
    }
    if !in_whole && !matches!(verdict(&clean), Verdict::Ran) {
        note(format!("the twin is {:?}", verdict(&clean)));
    }
    if !defect.undo.is_empty() && !defect.right.is_empty() {
        make(&db, Who::Superuser, defect.undo);
    }
    wrong
}

/// One database for each, and one for its twin; of the twins every fifth is examined by all checks, with `IN_FULL=1` each, and
/// on both versions: 20 s.
#[test]
fn every_defect_is_found_and_its_twin_is_clean() {
    let all: Vec<&Defect> = all_defects().collect();
    let checks: BTreeSet<&str> = all.iter().map(|defect| defect.check).collect();
    assert!(checks.len() > 90, "{} checks have a defect", checks.len());
    let mut wrong = Vec::new();
    for (nth, defect) in all.iter().enumerate() {
        let versions = versions_for(nth);
        let versions = if versions.iter().all(|version| *version < defect.since) { &[18][..] } else { versions };
        for major in versions.iter().filter(|major| **major >= defect.since) {
            wrong.extend(tried(defect, *major, in_full() || nth % 5 == 0));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
