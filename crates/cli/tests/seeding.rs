//! `specc seed`, as users run it: rows of any number, in databases of the specs that ship and of others.

use crate::program::run;
use crate::tried::{applied, specs};
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
    let sql = format!("select count(*)::text || ' ' || coalesce(md5(string_agg(t::text, '|' order by t::text)), '') from {table} t");
    texts(session, &sql).remove(0)
}

fn seed(dir: &Path, db: &Database, args: &[&str]) -> (i32, String) {
    let url = db.url("postgres");
    let all = [&["seed", "--database-url", &url], args].concat();
    let (code, out, err) = run(dir, &all);
    (code, format!("{out}{err}"))
}

/// Every table of the specs that ship takes rows, by hundreds.
#[test]
fn tables_of_the_specs_are_filled() {
    for (at, name) in ["medellin_spark", "srvc_crm", "fashionos"].into_iter().enumerate() {
        let dir = tempfile::tempdir().unwrap();
        for entry in std::fs::read_dir(specs().join(name)).unwrap().flatten().filter(|entry| entry.path().is_file()) {
            std::fs::copy(entry.path(), dir.path().join(entry.file_name())).unwrap();
        }
        let db = shared([15, 18][at % 2]).platform_database().unwrap();
        let _ = crate::tried::apply(dir.path(), &db);
        let mut session = db.connect().unwrap();
        let tables = texts(&mut session, TABLES);
        let rows: Vec<String> = tables.iter().flat_map(|table| ["--rows".to_owned(), format!("{table}=300")]).collect();
        let (_, said) = seed(dir.path(), &db, &rows.iter().map(String::as_str).collect::<Vec<_>>());
        println!("{name} {said}");
        for table in &tables {
            let count = number(&mut session, &format!("select count(*) from {table}"));
            if count < 300 { println!("{table}: {count}"); }
        }
    }
}
