//! Rows are filled while clients write them as fast as they can.

use crate::changes::filling::given;
use crate::changes::run::{printed, script};
use specc_diff::diff;
use specc_migrate::{Arena, ChangeOptions, plan_change};
use specc_postgres::{Database, load_sql, shared};
use specc_sql::Transaction;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// A client's work: its number and its turn give statements.
type Work = fn(i32, i32) -> Vec<String>;

/// What clients saw while something was done.
#[derive(Default)]
pub struct Seen {
    /// Turns that went through.
    pub written: usize,
    /// Those of which Postgres took one back, since two waited for each other.
    pub deadlocks: usize,
    /// What else was said of a statement.
    pub errors: Vec<String>,
    /// The longest that a statement took, and which.
    pub longest: (Duration, String),
}

impl Seen {
    fn add(&mut self, other: Self) {
        self.written += other.written;
        self.deadlocks += other.deadlocks;
        self.errors.extend(other.errors);
        if other.longest.0 > self.longest.0 {
            self.longest = other.longest;
        }
    }
}

fn client(db: &Database, number: i32, work: Work, stop: &AtomicBool, deadline: Instant) -> Seen {
    let mut session = db.connect().expect("a session");
    let (mut seen, mut turn) = (Seen::default(), number);
    while !stop.load(Ordering::Relaxed) && Instant::now() < deadline {
        turn += 1;
        let mut went = true;
        for statement in work(number, turn) {
            let start = Instant::now();
            let result = session.batch_execute(&statement);
            let took = start.elapsed();
            if took > seen.longest.0 {
                seen.longest = (took, statement.clone());
            }
            if let Err(error) = result {
                went = false;
                let _ = session.batch_execute("rollback");
                match error.code().map(|code| code.code()) {
                    Some("40P01") => seen.deadlocks += 1,
                    _ => seen.errors.push(format!("{error:?}: {statement}")),
                }
                break;
            }
        }
        seen.written += usize::from(went);
    }
    seen
}

/// Does something while clients work, each as its number says; says what they saw.
pub fn while_busy<T>(db: &Database, clients: &[Work], done: impl FnOnce() -> T) -> (T, Seen) {
    let stop = AtomicBool::new(false);
    let deadline = Instant::now() + Duration::from_secs(60);
    let (value, seen) = std::thread::scope(|scope| {
        let stop = &stop;
        let run = |(number, work): (usize, &Work)| {
            let work = *work;
            scope.spawn(move || client(db, number as i32, work, stop, deadline))
        };
        let running: Vec<_> = clients.iter().enumerate().map(run).collect();
        let value = done();
        stop.store(true, Ordering::Relaxed);
        let mut seen = Seen::default();
        running.into_iter().for_each(|client| seen.add(client.join().expect("a client")));
        (value, seen)
    });
    assert!(Instant::now() < deadline, "it ended only when the clients did");
    (value, seen)
}

/// Migrates `rows` of one spec to the other while clients write, and says in how many statements they did.
fn migrate(major: u32, specs: [&str; 2], rows: &str, clients: usize, work: Work) -> (Database, Seen) {
    let [from, to] = specs.map(given);
    let difference = diff(&from.catalog, &to.catalog, &to.hints);
    let arena = Arena::new();
    let plan = plan_change(&difference, &to.hints, &arena, ChangeOptions::default()).expect("a plan");
    let db = shared(major).empty_database().expect("a database");
    let mut session = db.connect().expect("a session");
    load_sql(&mut session, &script(&from.catalog).expect("a script")).expect("the spec before");
    load_sql(&mut session, rows).expect("rows");
    // Two who wait for each other are what clients know, where they write the same rows.
    let ((), seen) = while_busy(&db, &vec![work; clients], || {
        for stage in &plan.stages {
            let statements: String = stage.statements().map(printed).collect();
            let text = match stage.transaction {
                Transaction::Outside => statements,
                _ => format!("begin;\n{statements}\ncommit"),
            };
            let mut tries = 0;
            while let Err(error) = load_sql(&mut session, &text) {
                tries += 1;
                let _ = session.batch_execute("rollback");
                assert!(tries < 50, "{error}\n{text}");
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    });
    (db, seen)
}

fn number(db: &Database, query: &str) -> i64 {
    db.connect().expect("a session").query_one(query, &[]).expect("an answer").get(0)
}

/// Counts that are added while four clients write what is counted, one beside another that was there.
#[test]
fn a_count_that_is_added_is_true_while_others_write() {
    let carts = |counts: &str| {
        format!(
            "entity carts {{ id: int key\n all_lines: int = count(lines where amount > 10)\n {counts}\n rls off }}
entity lines {{ id: int key identity\n cart_id -> carts on delete cascade\n amount: int\n rls off }}"
        )
    };
    let to = carts("positive: int = count(lines where amount > 0)\n total: bigint = sum(lines.amount)");
    let rows = "insert into carts (id) select n from generate_series(1, 4000) n;
insert into lines (cart_id, amount) select 1 + n % 4000, n % 25 - 5 from generate_series(1, 20000) n";
    let wrong = "select count(*) from carts c cross join lateral (
  select count(*) filter (where amount > 10) as a, count(*) filter (where amount > 0) as b, coalesce(sum(amount), 0) as c
  from lines where cart_id = c.id) t where (c.all_lines, c.positive, c.total) is distinct from (t.a, t.b, t.c)";
    for major in [15, 18] {
        let (db, Seen { written, .. }) = migrate(major, [&carts(""), &to], rows, 4, |client, turn| {
            let cart = 1 + (turn * 7919 + client * 31) % 4000;
            vec![match turn % 6 {
                0 | 1 => format!("insert into lines (cart_id, amount) values ({cart}, {}), ({cart}, 3)", turn % 30 - 5),
                2 => format!("update lines set amount = 12 - amount where cart_id = {cart}"),
                3 => format!("update lines set cart_id = {} where cart_id = {cart}", 1 + turn % 50),
                4 => format!("delete from lines where cart_id = {cart}"),
                _ => format!(
                    "insert into carts (id) values ({}) on conflict do nothing; insert into lines (cart_id, amount) select id, 8 from carts where id = {}",
                    10_000 + turn,
                    10_000 + turn
                ),
            }]
        });
        assert_eq!(number(&db, wrong), 0, "on {major}, after {written} writes");
        assert!(written > 100, "{written} writes on {major}");
    }
}

/// Rows move to a table that is divided, and back, while clients write them, change their keys, take them and all that refers
/// to them. What each of them did it says in a table beside, in the same transaction.
#[test]
fn rows_that_move_to_another_table_are_true_while_others_write() {
    let spec = |divided: &str| {
        format!(
            "entity events {{ id: int\n at: int\n value: int\n key (id, at)\n index (value)\n {divided}
 trigger later after insert as $$ begin update public.events set value = 6 where id = new.id and at = new.at and value = 1000000; return null; end $$\n rls off }}
entity said {{ id: int\n at: int\n value: int\n key (id, at)\n rls off }}
entity remarks {{ id: int key identity\n event_id: int\n event_at: int\n
 reference (event_id, event_at) -> events (id, at) as event inverse remarks on delete cascade on update cascade\n rls off }}"
        )
    };
    let whole = spec("");
    let by_at = spec(
        "partition by range (at)\n partition events_low from (minvalue) to (50)\n partition events_high from (50) to (maxvalue)",
    );
    let by_value = spec(
        "partition by hash (id)\n partition events_0 modulus 2 remainder 0\n partition events_1 modulus 2 remainder 1",
    );
    let rows = "insert into events select n, n % 100, n from generate_series(1, 20000) n;
insert into said select id, at, value from events;
insert into remarks (event_id, event_at) select id, at from events where id % 5 = 0";
    let wrong = "select count(*) from events e full join said s using (id, at) where e.value is distinct from s.value";
    let unknown = "select count(*) from remarks r left join events e on (e.id, e.at) = (r.event_id, r.event_at) where e.id is null";
    for (pair, major) in [([&whole, &by_at], 15), ([&by_at, &whole], 18), ([&by_at, &by_value], 15)] {
        let (db, Seen { written, .. }) = migrate(major, pair.map(String::as_str), rows, 3, |client, turn| {
            let id = 1 + (turn * 7919 + client * 31) % 20_000;
            let both = |text: &str| format!("{}; {}", text.replace('#', "events"), text.replace('#', "said"));
            vec![match turn % 6 {
                0 => {
                    let id = 100_000 * (client + 1) + turn;
                    format!(
                        "insert into events values ({id}, {at}, 1000000); insert into said values ({id}, {at}, 6); insert into remarks (event_id, event_at) values ({id}, {at})",
                        at = turn % 100
                    )
                }
                1 => both(&format!("update # set at = 99 - at where id = {id}")),
                2 => both(&format!(
                    "update # set value = value + 7, at = (at + 40) % 100 where id between {id} and {}",
                    id + 20
                )),
                3 => both(&format!("delete from # where id between {id} and {}", id + 3)),
                4 => both(&format!("update # set id = -id where id = {id}")),
                _ => both(&format!("update # set value = -value where id between {id} and {}", id + 50)),
            }]
        });
        assert_eq!(number(&db, wrong), 0, "on {major}, after {written} writes");
        assert_eq!(number(&db, unknown), 0, "on {major}, after {written} writes");
        assert!(number(&db, "select count(*) from remarks") > 1000);
        assert!(written > 50, "{written} writes on {major}");
    }
}

/// Clients read parts of a table by their names when it becomes a table that is divided otherwise, with parts of the same names:
/// a part is locked before its whole then, and by the change after it.
#[test]
fn who_reads_a_part_by_its_name_is_never_taken_back() {
    let spec = |parts: &str| format!("entity events {{ id: int\n at: int\n key (id)\n {parts}\n rls off }}");
    let ranges = spec(
        "partition by range (id)\n partition events_0 from (minvalue) to (1500)\n partition events_1 from (1500) to (maxvalue)",
    );
    let hashes = spec(
        "partition by hash (id)\n partition events_0 modulus 2 remainder 0\n partition events_1 modulus 2 remainder 1",
    );
    let rows = "insert into events select n, n % 100 from generate_series(1, 3000) n";
    for major in [15, 18] {
        let (_, seen) = migrate(major, [&ranges, &hashes], rows, 4, |client, turn| match client {
            0 => vec![format!("update events set at = at + 1 where id = {}", turn % 3000)],
            1 => vec![
                "begin; select count(*) from events_1 where at > 50".into(),
                "select count(*) from events_0; commit".into(),
            ],
            _ => vec![format!("select count(*) from events_{} where at > 50", turn % 2)],
        });
        assert!(seen.deadlocks == 0 && seen.errors.is_empty(), "on {major}: {}, {:?}", seen.deadlocks, seen.errors);
        assert!(seen.longest.0 < Duration::from_millis(2000), "on {major}: {:?}", seen.longest);
        assert!(seen.written > 100, "{} on {major}", seen.written);
    }
}

/// A client holds one row until somebody waits for it, again and again: it is filled all the same. The columns have the
/// names of the variables that fill them.
#[test]
fn a_row_that_is_always_locked_is_filled() {
    const COLUMNS: &str =
        "page: int = 1\n pages: int = 1\n part: int = 1\n held: int = 1\n passed: int = 1\n rounds: int = 1\n
 tried: int = 1\n filled: int = 1\n asked: int = 1\n done: int = 1\n missing: int = 1\n step: int = 1\n began: int = 1\n writes: int = 0";
    let plain = |name: &str, kind: &str| {
        format!(
            "function given(int) -> int volatile as $$ select $1 + 1 $$\nentity {name} {{ id: int key\n {COLUMNS}\n {kind}\n rls off }}"
        )
    };
    let divided = |kind: &str| {
        format!(
            "entity fill {{ id: int\n {COLUMNS}\n {kind}\n key (id)\n partition by list (id)\n partition one in (1)\n partition others default\n rls off }}"
        )
    };
    let added =
        "size: int backfill (page + pages + part + held + passed + rounds + tried + filled + asked + done + missing)";
    let pairs = [
        (plain("fill", ""), plain("fill", added)),
        (plain("fill", ""), plain("fill", "size: int backfill (given(page) + 9)")),
        (divided(""), divided(added)),
        (plain("fill", "size: int = 11"), plain("fill", "size: bigint = 11")),
    ];
    for ((from, to), major) in pairs.iter().zip([15, 18, 15, 18]) {
        let rows = "insert into fill (id) select n from generate_series(1, 3000) n;
create table waits (kind text)";
        let (db, Seen { written, .. }) = migrate(major, [from, to], rows, 1, |_, _| {
            vec![
                "begin; update fill set writes = writes + 1 where id = 1; do $$ begin for i in 1..300 loop
  insert into waits select locktype from pg_locks join pg_stat_activity using (pid)
    where not granted and datname = current_database();
  exit when found;
  perform pg_sleep(0.01); end loop; end $$; commit"
                    .into(),
            ]
        });
        assert_eq!(number(&db, "select count(*) from fill where size = 11"), 3000, "on {major}: {to}");
        assert!(written > 1, "{written} writes on {major}");
        let waits = number(&db, "select count(*) from waits where kind = 'transactionid'");
        assert!(waits > 0, "nobody waited for the row on {major}: {to}");
    }
}

/// Roles are of the whole cluster: databases that are migrated side by side make them at the same moment.
#[test]
fn databases_of_one_cluster_make_their_roles_at_once() {
    for major in [15, 18] {
        let databases: Vec<_> = (0..6).map(|_| shared(major).empty_database().expect("a database")).collect();
        for round in 0..20 {
            let spec = format!("role readers_{round}\nrole writers_{round} nologin in readers_{round}");
            let text = script(&given(&spec).catalog).expect("a script");
            let at_once = std::sync::Barrier::new(databases.len());
            std::thread::scope(|scope| {
                for db in &databases {
                    let (text, at_once) = (&text, &at_once);
                    scope.spawn(move || {
                        let mut session = db.connect().expect("a session");
                        at_once.wait();
                        load_sql(&mut session, text).expect("roles");
                    });
                }
            });
        }
        let members = "select count(*) from pg_auth_members where member::regrole::text like 'writers\\_%'";
        assert_eq!(number(&databases[0], members), 20);
        load_sql(
            &mut databases[0].connect().expect("a session"),
            "do $$ declare r text; begin for r in select rolname from pg_roles where rolname ~ '^(readers|writers)_' loop execute 'drop role ' || r; end loop; end $$",
        )
        .expect("no roles");
    }
}
