//! What constructs cost and how they hold while many write: each row is measured beside the same without constructs.
//!
//! `cargo run --release -p specc-tests --example load -- [--version 15] [--seconds 5] [--clients 100] [--migrations DIR]`
//!
//! `--migrations` takes the SQL files of another build of `tests/cases/seats.dbspec`, such as an older one.

#![allow(clippy::disallowed_methods, clippy::print_stdout)]

use specc_postgres::{Cluster, Database, Session};
use specc_tests::load::{Random, WRONG_BOARDS, WRONG_EVENTS, any_change, crowd, fill, seats, time};
use specc_tests::texts;
use std::time::Duration;

struct Run {
    db: Database,
    owner: Session,
    seconds: Duration,
    clients: u32,
}

impl Run {
    /// Statements a second of many sessions, with what went wrong.
    fn crowd(&mut self, what: &str, clients: u32, statement: impl Fn(&mut Random) -> String + Sync) -> f64 {
        let crowd = crowd(&self.db, clients, self.seconds, statement);
        let wrong = texts(&mut self.owner, WRONG_EVENTS).len() + texts(&mut self.owner, WRONG_BOARDS).len();
        let deadlocks = crowd.with_code("40P01");
        let failed: u64 = crowd.failed.values().sum();
        println!(
            "| {what} | {clients} clients: {:.0}/s | {deadlocks} deadlocks, {} other errors, {wrong} wrong parents |",
            crowd.rate(),
            failed - deadlocks,
        );
        crowd.rate()
    }

    /// The best of three times of a statement on fresh rows.
    fn best(&mut self, statement: &str) -> f64 {
        let times = (0..3).map(|_| {
            fill(&mut self.owner, 20, 100_000, 0);
            self.owner.batch_execute("analyze").expect("statistics");
            time(&mut self.owner, statement)
        });
        times.fold(f64::INFINITY, f64::min)
    }

    fn compare(&mut self, what: &str, plain: &str, kept: &str) {
        let (plain, kept) = (self.best(plain), self.best(kept));
        println!("| {what} | plain {plain:.0} ms, with constructs {kept:.0} ms | {:.1} times |", kept / plain);
    }

    fn rates(
        &mut self,
        what: &str,
        plain: impl Fn(&mut Random) -> String + Sync,
        kept: impl Fn(&mut Random) -> String + Sync,
    ) {
        fill(&mut self.owner, 20, 100_000, 0);
        let plain = crowd(&self.db, self.clients, self.seconds, plain).rate();
        let kept = crowd(&self.db, self.clients, self.seconds, kept).rate();
        println!("| {what} | plain {plain:.0}/s, with constructs {kept:.0}/s | {:.1} times |", plain / kept);
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (mut version, mut seconds, mut clients, mut migrations) = (15, 5, 100, None);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().expect("a value");
        match argument.as_str() {
            "--version" => version = value().parse().expect("a version"),
            "--seconds" => seconds = value().parse().expect("a number"),
            "--clients" => clients = value().parse().expect("a number"),
            "--migrations" => migrations = Some(value()),
            other => panic!("{other} is none of --version, --seconds, --clients, --migrations"),
        }
    }
    let cluster = Cluster::start(version).expect("a server");
    let db = cluster.empty_database().expect("a database");
    let mut owner = db.connect().expect("a session");
    match migrations {
        None => seats().load(&mut owner, specc_tests::Rows::Base),
        Some(dir) => {
            let files = specc_tests::build::files(std::path::Path::new(&dir));
            for (_, text) in files.into_iter().filter(|(name, _)| name.ends_with(".sql")) {
                owner.batch_execute(&String::from_utf8(text).expect("SQL is UTF-8")).expect("it loads");
            }
        }
    }
    let mut run = Run { db, owner, seconds: Duration::from_secs(seconds), clients };

    println!("| what | measured | |\n|---|---|---|");
    fill(&mut run.owner, 1, 5, 200);
    run.crowd("capacity raised while the line is left", 20, |random| match random.to(2) {
        1 => "update public.events set capacity = capacity + 1".to_owned(),
        _ => "with gone as (delete from public.seats where id = (select max(id) from public.seats where status = 'waitlisted'))
              insert into public.seats (event_id) values (1)".to_owned(),
    });
    fill(&mut run.owner, 2, 50, 30);
    run.crowd("(1), (2) beside (2), (1)", 20, |random| match random.to(2) {
        1 => "insert into public.seats (event_id) values (1), (2)".to_owned(),
        _ => "insert into public.seats (event_id) values (2), (1)".to_owned(),
    });
    fill(&mut run.owner, 8, 10, 30);
    run.crowd("any mix of changes", 40, any_change);
    fill(&mut run.owner, 8, 10, 3500);
    run.crowd("any mix of changes, 28,000 rows in line", 40, any_change);

    let rows = "from generate_series(1, 10000) n";
    run.compare(
        "10,000 rows, one event, a line",
        &format!("insert into public.plain_seats (event_id) select 1 {rows}"),
        &format!("insert into public.seats (event_id) select 1 {rows}"),
    );
    run.compare(
        "10,000 rows, 20 events, a line",
        &format!("insert into public.plain_seats (event_id) select 1 + n % 20 {rows}"),
        &format!("insert into public.seats (event_id) select 1 + n % 20 {rows}"),
    );
    run.compare(
        "10,000 rows, a limit that refuses",
        &format!("insert into public.plain_seats (event_id) select 1 + n % 20 {rows}"),
        &format!("insert into public.beds (room_id) select 1 + n % 20 {rows}"),
    );
    run.compare(
        "10,000 rows, five counts of three parents",
        &format!("insert into public.plain_cards (board_id, person_id, reviewer_id) select 1 + n % 20, 1, 2 {rows}"),
        &format!("insert into public.cards (board_id, person_id, reviewer_id) select 1 + n % 20, 1, 2 {rows}"),
    );
    fill(&mut run.owner, 20, 10, 150);
    println!(
        "| 2,000 promotions by one update | {:.0} ms | |",
        time(&mut run.owner, "update public.events set capacity = 110")
    );
    fill(&mut run.owner, 2000, 1, 2);
    println!(
        "| one promotion each of 2,000 events | {:.0} ms | |",
        time(&mut run.owner, "update public.events set capacity = 2")
    );

    run.rates(
        "three counts of 20 parents, single rows",
        |random| format!("insert into public.plain_cards (board_id) values ({})", random.to(20)),
        |random| format!("insert into public.cards (board_id) values ({})", random.to(20)),
    );
    run.rates(
        "three counts of one parent, single rows",
        |_| "insert into public.plain_cards (board_id) values (1)".to_owned(),
        |_| "insert into public.cards (board_id) values (1)".to_owned(),
    );
    fill(&mut run.owner, 20, 100_000, 500);
    run.owner
        .batch_execute("insert into public.plain_cards (board_id) select board_id from public.cards; analyze")
        .expect("rows");
    let plain = time(&mut run.owner, "update public.plain_cards set note = 'x'");
    let kept = time(&mut run.owner, "update public.cards set note = 'x'");
    println!(
        "| 10,000 rows, a column that nothing keeps | plain {plain:.0} ms, with constructs {kept:.0} ms | {:.1} times |",
        kept / plain
    );
}
