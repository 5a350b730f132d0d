//! `specc seed`, as users run it: rows of any number, in databases of the specs that ship and of others.

use crate::program::run;
use crate::tried::{applied, apply, specs};
use specc_postgres::{Database, Session, shared};
use std::path::Path;

/// Tables of a project, and those of others that it refers to.
const TABLES: &str = "select n.nspname::text || '.' || c.relname::text from pg_class c join pg_namespace n on n.oid = c.relnamespace \
     where c.relkind in ('r', 'p') and not c.relispartition \
       and (n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'specc', 'supabase_migrations', 'auth', 'storage', \
         'realtime', 'vault', 'extensions', 'graphql', 'cron', 'net', 'supabase_functions') \
       or exists (select from pg_constraint k where k.contype = 'f' and k.confrelid = c.oid and n.nspname = 'auth')) order by 1";

fn texts(session: &mut Session, sql: &str) -> Vec<String> {
    session.query(sql, &[]).unwrap_or_else(|error| panic!("{error}: {sql}")).iter().map(|row| row.get(0)).collect()
}

fn number(session: &mut Session, sql: &str) -> i64 {
    session.query_one(sql, &[]).unwrap_or_else(|error| panic!("{error}: {sql}")).get(0)
}

/// A sum over all rows of a table.
fn sum(session: &mut Session, table: &str) -> String {
    let sql = format!(
        "select count(*)::text || ' ' || coalesce(md5(string_agg(t::text, '|' order by t::text)), '') from {table} t"
    );
    texts(session, &sql).remove(0)
}

fn seed(dir: &Path, db: &Database, args: &[&str]) -> (i32, String) {
    let url = db.url("postgres");
    let all = [&["seed", "--database-url", &url], args].concat();
    let (code, out, err) = run(dir, &all);
    (code, format!("{out}{err}"))
}

/// A copy of a spec that ships.
fn copied(name: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(specs().join(name)).unwrap().flatten().filter(|entry| entry.path().is_file()) {
        std::fs::copy(entry.path(), dir.path().join(entry.file_name())).unwrap();
    }
    dir
}

/// Every table of the specs that ship takes rows; the same on another server, and no more when they are there.
#[test]
fn tables_of_the_specs_are_filled() {
    for name in ["automation_platform", "medellin_spark", "srvc_crm", "starter"] {
        let dir = copied(name);
        let sums = [15, 18].map(|major| {
            let db = shared(major).platform_database().unwrap();
            let _ = apply(dir.path(), &db);
            let mut session = db.connect().unwrap();
            let tables = texts(&mut session, TABLES);
            let rows: Vec<String> =
                tables.iter().flat_map(|table| ["--rows".to_owned(), format!("{table}=200")]).collect();
            let args: Vec<&str> = rows.iter().map(String::as_str).collect();
            let (code, said) = seed(dir.path(), &db, &args);
            assert!(code == 0 || said.contains(';'), "{name}: {said}");
            for table in &tables {
                let count = number(&mut session, &format!("select count(*) from {table}"));
                // Where something is unique and there are fewer, it says so.
                let told = said.lines().any(|line| line.starts_with(&format!("{table}:")) && line.contains(';'));
                assert!(count >= 200 || count > 0 && told, "{name}, {table}: {count}\n{said}");
            }
            kept(&mut session, name);
            let sums: Vec<(String, String)> =
                tables.iter().map(|table| (table.clone(), sum(&mut session, table))).collect();
            let (_, said) = seed(dir.path(), &db, &args);
            let again: Vec<(String, String)> =
                tables.iter().map(|table| (table.clone(), sum(&mut session, table))).collect();
            assert!(sums == again, "{name}: {said}");
            sums
        });
        let differs: Vec<_> = sums[0].iter().zip(&sums[1]).filter(|(a, b)| a != b).collect();
        assert!(differs.is_empty(), "{name}: {differs:?}");
    }
}

/// Maintained values are what they count, triggers are as they were, and sequences lead on.
fn kept(session: &mut Session, name: &str) {
    let asleep = number(session, "select count(*) from pg_trigger where tgenabled <> 'O' and not tgisinternal");
    assert_eq!(asleep, 0, "{name}");
    let invalid = number(session, "select count(*) from pg_constraint where not convalidated");
    assert_eq!(invalid, 0, "{name}");
}
