//! What access costs: each shape of rule on a million rows, beside the same question asked by hand without row security.
//!
//! `cargo run --release -p specc-tests --example speed -- [--version 15]`
//!
//! Both are asked in turns on one connection each, as the API's role and as the owner; the figures are the best of many
//! runs, so that other work on the machine is in neither.

#![allow(clippy::disallowed_methods, clippy::print_stdout, clippy::unwrap_used)]

use specc_postgres::{Database, Session, load_sql};
use specc_tests::{Rows, Who, project};
use std::time::{Duration, Instant};

/// How often each question is asked at least and at most, and for how long.
const RUNS: std::ops::Range<usize> = 9..400;
const LONG: Duration = Duration::from_millis(1500);

/// What is asked as person 2 (in 20 teams) or 1 (an administrator) under row security, and by hand.
const QUESTIONS: &[(&str, u8, &str, &str)] = &[
    ("owner, count", 2, "select count(*) from owned", "select count(*) from owned where person_id = ME"),
    ("owner, sum", 2, "select sum(amount) from owned", "select sum(amount) from owned where person_id = ME"),
    ("team, count", 2, "select count(*) from of_team", "select count(*) from of_team where team_id = any(array(MINE))"),
    (
        "team, by key",
        2,
        "select amount from of_team where id = 99999",
        "select amount from of_team where id = 99999 and team_id = any(array(MINE))",
    ),
    (
        "member, leader or admin, count",
        2,
        "select count(*) from of_roles",
        "select count(*) from of_roles where team_id = any(array(MINE))",
    ),
    (
        "member, leader or admin, by key",
        2,
        "select amount from of_roles where id = 99999",
        "select amount from of_roles where id = 99999 and team_id = any(array(MINE))",
    ),
    ("the same as an administrator, count", 1, "select count(*) from of_roles", "select count(*) from of_roles"),
    (
        "the same as an administrator, by key",
        1,
        "select amount from of_roles where id = 99999",
        "select amount from of_roles where id = 99999",
    ),
    (
        "flag of the parent, count",
        2,
        "select count(*) from photos",
        "select count(*) from photos p where exists (select 1 from albums a where a.id = p.album_id and a.is_public)",
    ),
    (
        "flag of the parent, by key",
        2,
        "select amount from photos where id = 129",
        "select amount from photos p where id = 129 and exists (select 1 from albums a where a.id = p.album_id and a.is_public)",
    ),
    (
        "two levels and a flag, count",
        2,
        "select count(*) from prints",
        "select count(*) from prints where album_id = any(array(select a.id from albums a where a.team_id = any(array(MINE)) and not a.is_gone))",
    ),
    (
        "two levels and a flag, by key",
        2,
        "select amount from prints where id = 129",
        "select amount from prints p where id = 129 and exists (select 1 from albums a where a.id = p.album_id and a.team_id = any(array(MINE)) and not a.is_gone)",
    ),
    (
        "two levels, update by key",
        2,
        "update prints set amount = 1 where id = 129",
        "update prints p set amount = 1 where id = 129 and exists (select 1 from albums a where a.id = p.album_id and a.team_id = any(array(MINE)) and not a.is_gone)",
    ),
    (
        "insert of 1,000 rows of one's team",
        2,
        "insert into of_team select n, 100, 0 from generate_series(2000001, 2001000) n",
        "insert into of_team select n, 100, 0 from generate_series(2000001, 2001000) n",
    ),
    (
        "two levels, insert of one row",
        2,
        "insert into prints values (2000001, 99, 0)",
        "insert into prints values (2000001, 99, 0)",
    ),
    (
        "two levels, insert of 1,000 rows",
        2,
        "insert into prints select n, 99, 0 from generate_series(2000001, 2001000) n",
        "insert into prints select n, 99, 0 from generate_series(2000001, 2001000) n",
    ),
];

fn person(n: u8) -> String {
    format!("md5('p{n}')::uuid")
}

/// Milliseconds that one run takes; nothing stays.
fn run(session: &mut Session, sql: &str) -> f64 {
    session.batch_execute("begin").unwrap();
    let start = Instant::now();
    session.batch_execute(sql).unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    let took = start.elapsed().as_secs_f64() * 1000.0;
    session.batch_execute("rollback").unwrap();
    took
}

fn user(db: &Database, n: u8) -> Session {
    let mut session = db.connect().unwrap();
    let key = session.query_one(&format!("select {}::text", person(n)), &[]).unwrap().get::<_, String>(0);
    let claims = format!(r#"{{"sub":"{key}","role":"authenticated"}}"#);
    let ask = format!("set role {}; select set_config('request.jwt.claims', '{claims}', false)", Who::User("x").role());
    session.batch_execute(&ask).unwrap();
    session
}

fn main() {
    let version = std::env::args().skip_while(|word| word != "--version").nth(1);
    let version = version.map_or(15, |text| text.parse().expect("a version"));
    let db = project(include_str!("../speed/spec.dbspec")).database(version, Rows::Base);
    let mut above = db.connect_superuser().unwrap();
    load_sql(&mut above, include_str!("../speed/rows.sql")).unwrap();
    above.batch_execute("vacuum analyze").unwrap();
    let mut owner = db.connect().unwrap();
    let mut people = [user(&db, 1), user(&db, 2)];
    println!("Postgres {version}\n\n| question | rules, ms | by hand, ms | times |\n|---|---|---|---|");
    for (what, who, ruled, by_hand) in QUESTIONS {
        let mine = format!("select team_id from team_people where person_id = {}", person(*who));
        let by_hand = by_hand.replace("MINE", &mine).replace("ME", &person(*who));
        let start = Instant::now();
        let (mut a, mut b) = (f64::INFINITY, f64::INFINITY);
        for at in 0..RUNS.end {
            if at >= RUNS.start && start.elapsed() > LONG {
                break;
            }
            a = a.min(run(&mut people[usize::from(*who) - 1], ruled));
            b = b.min(run(&mut owner, &by_hand));
        }
        println!("| {what} | {a:.2} | {b:.2} | {:.1} |", a / b);
    }
}
