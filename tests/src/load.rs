//! Many sessions that write to the same rows at the same time: what each of them is told, and how much they do.

use crate::build::{Built, Layout, project_for};
use crate::stage::{one_text, texts};
use specc_postgres::{Database, Session, platform::OWNER};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// The spec of `tests/cases/seats.dbspec`.
pub fn seats() -> Built {
    project_for(Layout::Postgres, include_str!("../cases/seats.dbspec"))
}

/// Events whose counts are not what their rows say, that have more rows than places, or free places and rows that wait.
pub const WRONG_EVENTS: &str = "select e.id, e.capacity, e.confirmed, e.waiting, e.spent, n.confirmed, n.waiting
    from public.events e
    cross join lateral (
      select count(*) filter (where s.status = 'confirmed') as confirmed,
             count(*) filter (where s.status = 'waitlisted') as waiting,
             coalesce(sum(s.amount) filter (where s.status = 'confirmed'), 0) as spent
      from public.seats s where s.event_id = e.id
    ) n
    where (e.confirmed, e.waiting) <> (n.confirmed, n.waiting) or e.spent <> n.spent
       or e.confirmed > e.capacity or e.waiting > 0 and (e.capacity is null or e.confirmed < e.capacity)";

/// Boards and people whose counts are not what their rows say.
pub const WRONG_BOARDS: &str = "select 'board', b.id from public.boards b
    where b.cards <> (select count(*) from public.cards c where c.board_id = b.id)
       or b.open <> (select count(*) from public.cards c where c.board_id = b.id and not c.done)
       or b.total <> (select coalesce(sum(c.points), 0) from public.cards c where c.board_id = b.id)
    union all
    select 'person', p.id from public.people p
    where p.cards <> (select count(*) from public.cards c where c.person_id = p.id)
       or p.reviewed <> (select count(*) from public.cards c where c.reviewer_id = p.id)";

/// Rows to begin with: `events` events with `capacity` places and `seats` rows each.
pub fn fill(owner: &mut Session, events: u32, capacity: u32, seats: u32) {
    owner
        .batch_execute(&format!(
            "truncate public.guests, public.events, public.seats, public.rooms, public.beds, public.boards,
                      public.people, public.cards, public.plain_boards, public.plain_seats, public.plain_cards
                      restart identity;
             insert into public.guests values (1);
             insert into public.events (id, capacity) select n, {capacity} from generate_series(1, {events}) n;
             insert into public.rooms select n, {capacity} from generate_series(1, {events}) n;
             insert into public.boards (id) select n from generate_series(1, {events}) n;
             insert into public.people (id) select n from generate_series(1, {events}) n;
             insert into public.plain_boards select n from generate_series(1, {events}) n;
             insert into public.seats (event_id) select 1 + n % {events} from generate_series(1, {events} * {seats}) n;
             insert into public.cards (board_id, person_id, reviewer_id)
               select 1 + n % {events}, 1 + n % {events}, 1 + (n + 1) % {events} from generate_series(1, {events} * {seats}) n;"
        ))
        .expect("rows");
}

/// What a crowd did.
#[derive(Debug, Default)]
pub struct Crowd {
    /// Statements that passed, or failed for good.
    pub passed: u64,
    /// Those that did not, by SQLSTATE and message.
    pub failed: BTreeMap<String, u64>,
    /// How long it took.
    pub took: Duration,
}

impl Crowd {
    /// Statements a second.
    pub fn rate(&self) -> f64 {
        self.passed as f64 / self.took.as_secs_f64()
    }

    /// How many failed with this SQLSTATE.
    pub fn with_code(&self, code: &str) -> u64 {
        self.failed.iter().filter(|(said, _)| said.starts_with(code)).map(|(_, n)| n).sum()
    }
}

/// Has `clients` sessions run statements for as long as `time`, each the next one that `statement` makes of a number
/// that is the same from run to run.
pub fn crowd(db: &Database, clients: u32, time: Duration, statement: impl Fn(&mut Random) -> String + Sync) -> Crowd {
    let config = db.config(OWNER);
    let passed = AtomicU64::new(0);
    let start = Instant::now();
    let run = |client: u32| {
        let mut session = Session::connect(&config).expect("a session");
        let mut random = Random(u64::from(client) + 1);
        let mut failed = BTreeMap::<String, u64>::new();
        while start.elapsed() < time {
            let statement = statement(&mut random);
            // Who is told to try again does so.
            while let Err(error) = session.batch_execute(&statement) {
                let db = error.as_db_error().expect("an error of the server");
                let mut said = format!("{} {}", db.code().code(), db.message());
                if db.code().code() == "40P01" {
                    said = format!(
                        "{said}: {statement}: {} {}",
                        db.detail().unwrap_or_default(),
                        db.where_().unwrap_or_default()
                    );
                }
                *failed.entry(said).or_default() += 1;
                // Where it was in a transaction.
                session.batch_execute("rollback").expect("an end");
                if db.code().code() != "40001" {
                    break;
                }
            }
            passed.fetch_add(1, Ordering::Relaxed);
        }
        failed
    };
    let failed = thread::scope(|scope| {
        let run = &run;
        let sessions: Vec<_> = (0..clients)
            .map(|client| {
                let builder = thread::Builder::new().stack_size(512 * 1024);
                builder.spawn_scoped(scope, move || run(client)).expect("a thread")
            })
            .collect();
        let mut failed = BTreeMap::<String, u64>::new();
        for (said, n) in sessions.into_iter().flat_map(|s| s.join().expect("a session's end")) {
            *failed.entry(said).or_default() += n;
        }
        failed
    });
    Crowd { passed: passed.into_inner(), failed, took: start.elapsed() }
}

/// Numbers that are the same from run to run.
pub struct Random(u64);

impl Random {
    /// A number from 1 to `most`.
    pub fn to(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        1 + (self.0 >> 33) % most
    }
}

/// Everything that can happen to seats: one at a time and many, in and out, between events, more and fewer places.
pub fn any_change(random: &mut Random) -> String {
    let (event, other, seat) = (random.to(8), random.to(8), random.to(600));
    let some = format!("select id from public.seats where id >= {seat} order by id");
    // They lock their own rows in one order: who changes rows of any table in several orders waits in a circle.
    match random.to(17) {
        1..=3 => format!("insert into public.seats (event_id) values ({event})"),
        4 => format!("insert into public.seats (event_id) values ({event}), ({other}), ({event})"),
        5 => "insert into public.seats (event_id) values (1), (2)".to_owned(),
        6 => "insert into public.seats (event_id) values (2), (1)".to_owned(),
        7 => format!("update public.seats set status = 'cancelled' where id = ({some} limit 1)"),
        8 => format!(
            "update public.seats set status = 'cancelled' where id =
               (select id from public.seats where event_id = {event} and status = 'waitlisted' order by booked_at limit 1)"
        ),
        9 => format!("update public.seats set status = 'cancelled' where id in ({some} limit 5 for update)"),
        10 => format!("delete from public.seats where id = ({some} limit 1)"),
        11 => format!("delete from public.seats where id in ({some} limit 3 for update)"),
        12 => format!("update public.seats set event_id = {event} where id = ({some} limit 1)"),
        13 => format!("update public.seats set event_id = 9 - event_id where id in ({some} limit 3 for update)"),
        14 => format!("update public.events set capacity = capacity + 1 where id = {event} and capacity < 40"),
        15 => "update public.events set capacity = capacity + 1 where capacity < 40".to_owned(),
        16 => format!("update public.events set capacity = capacity - 2 where id = {event} and capacity > 5"),
        _ => format!("update public.seats set note = note || 'x' where id in ({some} limit 2 for update)"),
    }
}

/// How long the processor works at a statement, in milliseconds; where the system does not say, how long the statement takes.
pub fn time(owner: &mut Session, statement: &str) -> f64 {
    let worked = format!("/proc/{}/schedstat", one_text(owner, "select pg_backend_pid()"));
    let worked = || {
        let text = std::fs::read_to_string(&worked).ok()?;
        text.split(' ').next()?.parse().ok().filter(|nanoseconds| *nanoseconds > 0).map(Duration::from_nanos)
    };
    let (start, before) = (Instant::now(), worked());
    owner.batch_execute(statement).unwrap_or_else(|error| panic!("{}\n{statement}", crate::stage::said(&error)));
    let took = before.zip(worked()).map_or(start.elapsed(), |(before, after)| after - before);
    took.as_secs_f64() * 1000.0
}

/// What the owner is told for a statement, which is undone.
pub fn told(owner: &mut Session, statement: &str) -> String {
    let told = match owner.batch_execute(&format!("begin; {statement}; rollback")) {
        Ok(()) => "done".to_owned(),
        Err(error) => crate::stage::said(&error).lines().next().unwrap_or_default().to_owned(),
    };
    owner.batch_execute("rollback").expect("an end");
    told
}

/// Panics if a query finds rows.
pub fn nothing_wrong(owner: &mut Session, query: &str, what: &str) {
    let wrong = texts(owner, query);
    assert!(wrong.is_empty(), "{what}: {wrong:?}");
}
