//! How long a database takes to read, beside `pg_dump --schema-only` on the same database, and what the server spent on
//! each query.
//!
//! `cargo run --release -p specc-introspect --example read_speed -- FILE.sql [--queries]`

#![allow(clippy::disallowed_methods, clippy::print_stdout)]

use specc_introspect::{Options, introspect};
use specc_postgres::{Cluster, binaries, load_sql};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

fn best(times: usize, mut what: impl FnMut()) -> Duration {
    let once = |_| {
        let start = Instant::now();
        what();
        start.elapsed()
    };
    (0..times).map(once).min().unwrap_or_default()
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().expect("a file of SQL");
    let queries = arguments.any(|argument| argument == "--queries");
    let text = std::fs::read_to_string(&path).expect("text");
    let mut settings = vec![("autovacuum".to_owned(), "off".to_owned())];
    if queries {
        settings.push(("log_min_duration_statement".into(), "0".into()));
    }
    let options =
        specc_postgres::Options { max_locks_per_transaction: 2048, settings, ..specc_postgres::Options::default() };
    let install = binaries::find(15).expect("Postgres 15");
    let cluster = Cluster::start_with(&install, &options).expect("a server");
    let db = cluster.empty_database().expect("a database");
    let mut session = db.connect_superuser().expect("a session");
    load_sql(&mut session, &text).unwrap_or_else(|error| panic!("{error}"));
    session.batch_execute("analyze").expect("statistics");
    drop(session);

    let mut objects = 0;
    let ours = best(3, || {
        let mut session = db.connect_superuser().expect("a session");
        objects = introspect(&mut session, &Options::default()).expect("a catalog").catalog.len();
    });
    println!("introspect: {:.3} s for {objects} objects", ours.as_secs_f64());
    if queries {
        // The last run's, the longest first.
        let log = cluster.log();
        let mut lines: Vec<(f64, &str)> = log
            .lines()
            .filter_map(|line| {
                let (_, rest) = line.split_once("duration: ")?;
                let (time, rest) = rest.split_once(" ms")?;
                Some((time.parse().ok()?, rest))
            })
            .collect();
        lines.sort_by(|a, b| b.0.total_cmp(&a.0));
        for (time, what) in lines.iter().take(40) {
            println!("{time:9.1} ms {}", what.chars().take(150).collect::<String>());
        }
        return;
    }
    let dump = best(3, || {
        let status = Command::new(install.program("pg_dump"))
            .args(["--schema-only", "--dbname", &db.url(specc_postgres::platform::SUPERUSER)])
            .stdout(Stdio::null())
            .status();
        assert!(status.is_ok_and(|status| status.success()), "pg_dump failed");
    });
    println!("pg_dump --schema-only: {:.3} s", dump.as_secs_f64());
}
