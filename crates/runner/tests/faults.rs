//! The client is killed and the server crashes at every step: nothing is lost, status tells the truth, and apply continues
//! to the same end.

#![allow(clippy::disallowed_methods, clippy::print_stderr, clippy::unwrap_used)]

mod support;

use specc_postgres::{Cluster, Database, Session, shared};
use specc_runner::{Migrations, Options, State};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;
use support::{LONG, apply, apply_telling, ask, migrations, one, options, picture, report, states, wait_for};

/// Ten steps in five files. A number in a comment is where a test can hold a step.
fn ten_steps() -> Migrations {
    migrations(
        &[
            (
                "20260101000001_tables",
                "create type kind as enum ('a', 'b');\n\
                 create table /* step 1 */ items (id int primary key, kind kind not null, n int, filled boolean);\n\
                 insert into items /* step 2 */ select g, 'a', g from generate_series(1, 300) g where fault.pause(2, g = 150);\n",
            ),
            (
                "20260101000002_indexes",
                "create index concurrently /* step 3 */ items_kind on items (kind);\n\
                 create unique index concurrently /* step 4 */ items_n on public.items (n);\n",
            ),
            (
                "20260101000003_check",
                "alter table items /* step 5 */ add constraint positive check (n > 0) not valid;\n",
            ),
            (
                "20260101000004_fill",
                "-- specc: no-transaction\n\
                 set search_path = public;\n\
                 do /* step 6 */ $$ declare done int; begin loop\n\
                   update items set filled = true where id in (select id from items where filled is null order by id limit 100);\n\
                   get diagnostics done = row_count;\n\
                   exit when done = 0;\n\
                   perform fault.pause(6, exists (select from items where id = 150 and filled));\n\
                   commit;\n\
                 end loop; end $$;\n\
                 alter table items /* step 7 */ validate constraint positive;\n\
                 drop index concurrently /* step 8 */ items_kind;\n\
                 alter type kind /* step 9 */ add value 'c';\n",
            ),
            ("20260101000005_done", "alter table items /* step 10 */ alter column filled set not null;\n"),
        ],
        &[],
    )
}

const STEPS: std::ops::RangeInclusive<i64> = 1..=10;
/// Added to a step's number: held when its end is about to be journalled.
const JOURNAL: i64 = 100;

/// How many files are done before this step, and which is being run.
fn files_before(step: i64) -> usize {
    [2, 4, 5, 9, 10].iter().filter(|last| **last < step).count()
}

/// Whoever holds the lock of a number holds the step of that number.
const FAULTS: &str = "\
create schema fault; grant usage on schema fault to public;
create function fault.pause(n int, now boolean default true) returns boolean language plpgsql as $$ begin
  if now then perform pg_advisory_lock_shared(n); perform pg_advisory_unlock_shared(n); end if;
  return true;
end $$;
create function fault.ddl() returns event_trigger language plpgsql as $$ begin
  perform fault.pause(substring(current_query() from 'step ([0-9]+)')::int)
  where current_query() ~ 'step [0-9]+' and current_query() !~ 'fault[.]';
end $$;
create event trigger fault on ddl_command_end execute function fault.ddl();
create function fault.journal() returns trigger language plpgsql as $$ begin
  perform fault.pause(100 + substring(new.label from 'step ([0-9]+)')::int) where new.state = 'done' and new.label ~ 'step';
  return new;
end $$;
";

fn prepared(cluster: &Cluster) -> Database {
    let db = cluster.platform_database().unwrap();
    // The journal first, so that it can be held too.
    apply(&db, &Migrations::default(), &options()).unwrap();
    db.connect_superuser().unwrap().batch_execute(FAULTS).unwrap();
    let trigger =
        "create trigger fault after insert or update on specc.steps for each row execute function fault.journal()";
    db.connect_superuser().unwrap().batch_execute(trigger).unwrap();
    db
}

fn patient() -> Options {
    Options { lock_timeout: LONG, wait: LONG, ..options() }
}

/// What is there after a run that nobody disturbed.
fn undisturbed() -> &'static str {
    static PICTURE: OnceLock<String> = OnceLock::new();
    PICTURE.get_or_init(|| {
        let db = prepared(shared(18));
        assert_eq!(apply(&db, &ten_steps(), &patient()).unwrap().ran.len(), 5);
        let picture = picture(&db);
        assert!(picture.contains("300 rows") && picture.contains("a,b,c"), "{picture}");
        picture
    })
}

const URL: &str = "SPECC_TEST_APPLY";

/// Not a test by itself: what others start as a process of its own, and kill.
#[test]
fn apply_when_told() {
    let Ok(url) = std::env::var(URL) else {
        return;
    };
    let address = specc_postgres::Address::resolve(Some(&url), |_| None).unwrap();
    let connect = || address.connect();
    let _ = specc_runner::apply(&connect, &ten_steps(), &patient(), &mut |_| Ok(()), &|event| eprintln!("{event}"));
}

fn start(db: &Database) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "apply_when_told", "--nocapture"]).env(URL, db.url("postgres"));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

fn hold(db: &Database, number: i64) -> Session {
    let mut session = db.connect_superuser().unwrap();
    session.batch_execute(&format!("select pg_advisory_lock({number})")).unwrap();
    session
}

fn is_held(number: i64) -> String {
    format!(
        "select exists (select from pg_locks where locktype = 'advisory' and objid = {number} and not granted \
             and database = (select oid from pg_database where datname = current_database()))"
    )
}

const NOBODY_RUNS: &str = "select not exists (select from pg_stat_activity where datname = current_database() \
    and usename = 'postgres' and pid <> pg_backend_pid())";

/// After a fault at a step: what status says, and that apply reaches the same end.
fn truth_and_end(db: &Database, step: i64, what: &str) {
    let all = ten_steps();
    let before = files_before(step % JOURNAL);
    let report = report(db, &all);
    let wanted: Vec<_> = (0..5)
        .map(|n| match n {
            n if n < before => State::Applied,
            // A transaction did not happen.
            n if n == before && [1, 3].contains(&n) => State::Interrupted,
            _ => State::Pending,
        })
        .collect();
    let found: Vec<_> = report.migrations.iter().map(|entry| entry.state).collect();
    assert_eq!(found, wanted, "{what} {step}\n{report}");
    let done = apply(db, &all, &patient()).unwrap_or_else(|error| panic!("{what} {step}: {error}\n{report}"));
    assert_eq!(done.ran.len(), 5 - before, "{what} {step}");
    assert_eq!(picture(db), undisturbed(), "{what} {step}\n{report}");
    assert!(states(db, &all).iter().all(|state| *state == State::Applied));
}

fn client_killed_at(step: i64) {
    let db = prepared(shared(18));
    let mut holder = hold(&db, step);
    let mut child = start(&db);
    wait_for(&mut holder, &is_held(step));
    child.kill().unwrap();
    child.wait().unwrap();
    let running = report(&db, &ten_steps()).running;
    // What the server was doing for it, it does still.
    assert!(running.is_some(), "{step}");
    holder.batch_execute("select pg_advisory_unlock_all()").unwrap();
    wait_for(&mut holder, NOBODY_RUNS);
    truth_and_end(&db, step, "client killed at");
}

#[test]
fn client_killed_in_every_step() {
    STEPS.for_each(client_killed_at);
}

#[test]
fn client_killed_before_the_end_of_every_step_is_journalled() {
    STEPS.for_each(|step| client_killed_at(JOURNAL + step));
}

fn server_crashes_at(cluster: &Cluster, step: i64) {
    let db = prepared(cluster);
    let mut holder = hold(&db, step);
    let mut child = start(&db);
    wait_for(&mut holder, &is_held(step));
    cluster.crash().unwrap();
    // The runner sees it, says so and ends.
    child.wait().unwrap();
    truth_and_end(&db, step, "server crashed at");
}

#[test]
fn server_crashes_in_every_step() {
    let cluster = Cluster::start(18).unwrap();
    STEPS.for_each(|step| server_crashes_at(&cluster, step));
}

#[test]
fn server_crashes_before_the_end_of_every_step_is_journalled() {
    let cluster = Cluster::start(15).unwrap();
    STEPS.for_each(|step| server_crashes_at(&cluster, JOURNAL + step));
}

/// A snapshot that a concurrent build waits for, with the index there and not valid.
fn held_build(db: &Database) -> (Session, Child) {
    let mut holder = db.connect_superuser().unwrap();
    // Past the first file, so that the snapshot is taken with the table there.
    let all = ten_steps();
    apply(db, &all, &Options { to: Some("20260101000001".into()), ..patient() }).unwrap();
    holder.batch_execute("begin isolation level repeatable read; select count(*) from items").unwrap();
    let child = start(db);
    let mut watcher = db.connect_superuser().unwrap();
    wait_for(
        &mut watcher,
        "select exists (select from pg_index where indexrelid = to_regclass('items_kind') and not indisvalid)",
    );
    wait_for(&mut watcher, "select exists (select from pg_locks where locktype = 'virtualxid' and not granted)");
    (holder, child)
}

#[test]
fn client_killed_in_the_middle_of_a_concurrent_build() {
    let db = prepared(shared(18));
    let (mut holder, mut child) = held_build(&db);
    child.kill().unwrap();
    child.wait().unwrap();
    // The server notices that nobody is there any more, or finishes the build: either way it ends.
    let pid = one(&mut holder, "select pid from pg_locks where locktype = 'virtualxid' and not granted limit 1");
    ask(&db, &format!("select pg_terminate_backend({pid})"));
    let mut watcher = db.connect_superuser().unwrap();
    wait_for(&mut watcher, NOBODY_RUNS);
    assert_eq!(ask(&db, "select indisvalid from pg_index where indexrelid = 'items_kind'::regclass"), "f");
    holder.batch_execute("rollback").unwrap();
    truth_and_end(&db, 3, "client killed while building");
}

#[test]
fn server_crashes_in_the_middle_of_a_concurrent_build() {
    let cluster = Cluster::start(18).unwrap();
    let db = prepared(&cluster);
    let (_holder, mut child) = held_build(&db);
    cluster.crash().unwrap();
    child.wait().unwrap();
    assert_eq!(ask(&db, "select indisvalid from pg_index where indexrelid = 'items_kind'::regclass"), "f");
    let report = report(&db, &ten_steps()).to_string();
    assert!(
        report.contains("step 1 was not completed, and may be done in part: create index concurrently"),
        "{report}"
    );
    truth_and_end(&db, 3, "server crashed while building");
}

#[test]
fn a_backfill_keeps_the_batches_it_committed() {
    let db = prepared(shared(18));
    let mut holder = hold(&db, 6);
    let mut child = start(&db);
    wait_for(&mut holder, &is_held(6));
    child.kill().unwrap();
    child.wait().unwrap();
    let pid = one(
        &mut holder,
        "select pid from pg_locks where locktype = 'advisory' and objid = 6 and not granted \
        and database = (select oid from pg_database where datname = current_database())",
    );
    one(&mut holder, &format!("select pg_terminate_backend({pid}, 5000)"));
    holder.batch_execute("select pg_advisory_unlock_all()").unwrap();
    wait_for(&mut holder, NOBODY_RUNS);
    assert_eq!(ask(&db, "select count(*) from items where filled"), "100");
    truth_and_end(&db, 6, "killed in a backfill at");
}

#[test]
fn two_runners_at_once() {
    let db = prepared(shared(18));
    let all = ten_steps();
    let (mut holder, mut child) = held_build(&db);
    let said = apply(&db, &all, &options()).unwrap_err().to_string();
    assert!(said.contains("another runner holds the lock of this database: process"), "{said}");
    assert!(report(&db, &all).running.is_some());
    // The second one waits while the first one builds an index, which would wait for it if it waited in the server.
    let (done, told) = std::thread::scope(|scope| {
        let second = scope.spawn(|| apply_telling(&db, &all, &patient()));
        std::thread::sleep(Duration::from_millis(700));
        holder.batch_execute("rollback").unwrap();
        second.join().unwrap()
    });
    assert_eq!(done.unwrap().ran, []);
    assert!(told.iter().any(|event| event.to_string().contains("waiting for another runner")), "{told:?}");
    child.wait().unwrap();
    assert_eq!(picture(&db), undisturbed());
}
