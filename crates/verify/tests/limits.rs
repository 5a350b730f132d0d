//! What never ends is ended, what grows without bound is stopped, and nothing of it is left.

#![allow(clippy::disallowed_methods)]

use specc_catalog::Catalog;
use specc_migrate::Record;
use specc_postgres::Cluster;
use specc_runner::{File, Migrations};
use specc_verify::{Input, Limits, Report, Said, Scratch, Server, verify};
use std::thread;
use std::time::{Duration, Instant};

const VERSIONS: [u32; 2] = [15, 18];
const ROOM: u64 = 400 << 20;

struct Endless {
    name: &'static str,
    text: &'static str,
    said: &'static str,
}

const ENDLESS: &[Endless] = &[
    Endless { name: "a long sleep", text: "select pg_sleep(100000);", said: "longer than 2 s" },
    Endless {
        name: "a sleep that will not be woken",
        text: "do $$ begin loop begin perform pg_sleep(100); exception when others then end; end loop; end $$;",
        said: "longer than 2 s",
    },
    Endless {
        name: "a loop",
        text: "set statement_timeout = 0; do $$ begin loop end loop; end $$;",
        said: "longer than 2 s",
    },
    Endless {
        name: "a sleep for each row",
        text: "create function f() returns int language sql as 'select 1 from pg_sleep(100000)'; \
               create table t (id int primary key, a int default f());",
        said: "longer than 2 s",
    },
    Endless {
        name: "a table without end",
        text: "create table t as select repeat('x', 1000) || i as x from generate_series(1, 1000000000000) i;",
        said: "more than 400 MB",
    },
    Endless {
        name: "recursion without end",
        text: "create function f(i int) returns int language plpgsql as 'begin return f(i + 1); end'; select f(1);",
        said: "stack depth limit exceeded",
    },
    Endless {
        name: "a query without end",
        text: "with recursive r as (select 1 as i union all select i + 1 from r) select count(*) from r;",
        said: "longer than 2 s|temporary file size exceeds",
    },
    Endless {
        name: "a long text",
        text: "select length(repeat(repeat('x', 1000000), 1000) || repeat(repeat('y', 1000000), 1000));",
        said: "memory|requested length|longer than 2 s",
    },
    Endless {
        name: "many long texts",
        text: "set work_mem = '100GB'; do $$ declare t text[]; begin \
               for i in 1..1000 loop execute format('set my.setting_%s = %L', i, repeat('x', 100000000)); end loop; end $$;",
        said: "out of memory|longer than 2 s|parameter",
    },
];

/// Everything that was said of it.
fn said(report: &Report) -> String {
    let findings = report.findings.iter().map(|finding| finding.what.clone());
    findings.chain(report.notes.iter().cloned()).collect::<Vec<_>>().join("\n")
}

/// The text as a migration, and one more before which rows are made.
fn verified(cluster: &Cluster, text: &str, time: Duration) -> String {
    let file = |stamp: &str, text: &str| File { path: format!("migrations/{stamp}_try.sql"), text: text.to_owned() };
    let ups = vec![file("20260101000000", text), file("20260102000000", "select 1;\n")];
    let all = Migrations::new(ups, Vec::new()).expect("two migrations").all;
    let all: Vec<_> = all.into_iter().map(|migration| (migration, Said::ByHand(Record::default()))).collect();
    let catalog = Catalog::new();
    let input = Input {
        migrations: &all,
        catalog: &catalog,
        stored: None,
        rows: 3,
        patience: std::time::Duration::from_secs(4),
    };
    let server = Server::Private(Scratch::on(cluster, false));
    match verify(&server, &input, Limits { time, disk: ROOM }) {
        Ok(report) => said(&report),
        Err(error) => error.to_string(),
    }
}

/// What went wrong with one of them on one version.
fn ended(major: u32, endless: &Endless) -> Vec<String> {
    let mut wrong = Vec::new();
    let cluster = Cluster::start(major).unwrap_or_else(|error| panic!("{error}"));
    let dir = cluster.dir().to_path_buf();
    let start = Instant::now();
    // What another limit ends has the time to reach it, on a busy machine too.
    let seconds = if endless.said.contains("longer than 2 s") { 2 } else { 60 };
    let said = verified(&cluster, endless.text, Duration::from_secs(seconds));
    if !endless.said.split('|').any(|part| said.contains(part)) {
        wrong.push(format!("{major}: {} said {said}", endless.name));
    }
    if start.elapsed() > Duration::from_secs(28 + seconds) {
        wrong.push(format!("{major}: {} took {:?}", endless.name, start.elapsed()));
    }
    drop(cluster);
    if dir.exists() {
        wrong.push(format!("{major}: {} left {}", endless.name, dir.display()));
    }
    wrong
}

#[test]
fn what_never_ends_is_ended() {
    let wrong: Vec<String> = thread::scope(|scope| {
        let on = |major| scope.spawn(move || ENDLESS.iter().flat_map(|endless| ended(major, endless)).collect());
        let running: Vec<thread::ScopedJoinHandle<Vec<String>>> = VERSIONS.into_iter().map(on).collect();
        running.into_iter().flat_map(|version| version.join().expect("a version")).collect()
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
