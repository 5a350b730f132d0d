//! What the tests of the runner share.
#![allow(dead_code, reason = "each test file uses a part of it")]

use specc_postgres::{Database, Session};
use specc_runner::{Applied, Entry, Error, Event, File, Migrations, Options, Report, State};
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::{Duration, Instant};

pub const LONG: Duration = Duration::from_secs(60);

/// Migrations from names and texts.
pub fn migrations(ups: &[(&str, &str)], downs: &[(&str, &str)]) -> Migrations {
    let file = |folder: &str, end: &str, (name, text): &(&str, &str)| File {
        path: format!("{folder}/{name}{end}.sql"),
        text: (*text).to_owned(),
    };
    let ups = ups.iter().map(|up| file("supabase/migrations", "", up)).collect();
    let downs = downs.iter().map(|down| file("specc/down", ".down", down)).collect();
    Migrations::new(ups, downs).expect("migrations")
}

/// Options that never wait long.
pub fn options() -> Options {
    Options {
        supabase: true,
        lock_timeout: Duration::from_millis(200),
        lock_retries: 3,
        backoff: Duration::from_millis(50),
        ..Options::default()
    }
}

/// Applies, and keeps what was told.
pub fn apply_telling(db: &Database, all: &Migrations, options: &Options) -> (Result<Applied, Error>, Vec<Event>) {
    let told = Mutex::new(Vec::new());
    let connect = || db.connect();
    let tell = |event| told.lock().unwrap().push(event);
    let result = specc_runner::apply(&connect, all, options, &mut |_| Ok(()), &tell);
    (result, told.into_inner().unwrap())
}

pub fn apply(db: &Database, all: &Migrations, options: &Options) -> Result<Applied, Error> {
    apply_telling(db, all, options).0
}

/// What is wrong, as a user reads it.
pub fn refused(db: &Database, all: &Migrations, options: &Options) -> String {
    apply(db, all, options).expect_err("it must not run").to_string()
}

pub fn report(db: &Database, all: &Migrations) -> Report {
    specc_runner::status(&mut db.connect().unwrap(), all, true).unwrap()
}

/// The state of each migration.
pub fn states(db: &Database, all: &Migrations) -> Vec<State> {
    report(db, all).migrations.iter().map(|entry: &Entry| entry.state).collect()
}

/// One text from a query.
pub fn one(session: &mut Session, query: &str) -> String {
    let messages = session.simple_query(query).unwrap_or_else(|error| panic!("{error:?}\n{query}"));
    let rows = messages.iter().filter_map(|message| match message {
        specc_postgres::postgres::SimpleQueryMessage::Row(row) => Some(row.get(0).unwrap_or("null").to_owned()),
        _ => None,
    });
    rows.collect::<Vec<_>>().join("\n")
}

pub fn ask(db: &Database, query: &str) -> String {
    one(&mut db.connect_superuser().unwrap(), query)
}

/// Waits until a query says `t`.
pub fn wait_for(session: &mut Session, query: &str) {
    let deadline = Instant::now() + LONG;
    while one(session, query) != "t" {
        assert!(Instant::now() < deadline, "never true: {query}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Everything that a migration could have left: objects, rows, labels, history; not when.
pub fn picture(db: &Database) -> String {
    let mut session = db.connect_superuser().unwrap();
    [
        "select string_agg(format('%s %s %s', c.relkind, c.oid::regclass, pg_get_indexdef(c.oid)), E'\\n' order by c.relname) \
           from pg_class c where relnamespace = 'public'::regnamespace",
        "select string_agg(format('%s %s valid %s ready %s', indexrelid::regclass, indrelid::regclass, indisvalid, indisready), E'\\n' \
           order by indexrelid::regclass::text) from pg_index join pg_class c on c.oid = indrelid where relnamespace = 'public'::regnamespace",
        "select string_agg(format('%s %s %s', conrelid::regclass, pg_get_constraintdef(oid), convalidated), E'\\n' order by conname) \
           from pg_constraint where connamespace = 'public'::regnamespace and contype <> 'n'",
        "select string_agg(format('%s.%s %s %s', attrelid::regclass, attname, atttypid::regtype, attnotnull), E'\\n' \
           order by attrelid::regclass::text, attnum) from pg_attribute join pg_class c on c.oid = attrelid \
           where relnamespace = 'public'::regnamespace and relkind = 'r' and attnum > 0",
        "select string_agg(enumlabel, ',' order by enumsortorder) from pg_enum join pg_type t on t.oid = enumtypid \
           where typnamespace = 'public'::regnamespace",
        "select string_agg(format('%s %s %s', stamp, state, checksum), E'\\n' order by stamp) from specc.migrations",
        "select string_agg(format('%s %s %s %s', stamp, ordinal, state, checksum), E'\\n' order by stamp, ordinal) from specc.steps",
        "select string_agg(format('%s %s %s', version, name, statements), E'\\n' order by version) \
           from supabase_migrations.schema_migrations",
        "select format('%s rows %s', count(*), md5(string_agg(i::text, ',' order by id))) from items i",
    ]
    .map(|query| one(&mut session, query))
    .join("\n\n")
}

/// A folder for the files of a test.
pub fn folder() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("dump");
    (dir, path)
}
