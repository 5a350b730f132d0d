//! Constructs under load: nobody waits in a circle, nothing is lost, and many rows cost as much as many times one row.

use crate::behaviour::run;
use specc_postgres::{Database, Session, platform::OWNER};
use specc_tests::load::{WRONG_BOARDS, WRONG_EVENTS, any_change, crowd, fill, nothing_wrong, seats, time};
use specc_tests::stage::said;
use specc_tests::{Rows, VERSIONS, one_text, texts};
use std::time::Duration;

fn each_version(test: impl Fn(&Database, &mut Session, u32)) {
    let built = seats();
    for major in VERSIONS {
        let db = built.database(major, Rows::Base);
        let mut owner = db.connect().unwrap();
        test(&db, &mut owner, major);
    }
}

fn refused(owner: &mut Session, statement: &str) -> String {
    match owner.batch_execute(statement) {
        Ok(()) => "done".to_owned(),
        Err(error) => said(&error).lines().next().unwrap_or_default().to_owned(),
    }
}

#[test]
fn nobody_waits_in_a_circle() {
    each_version(|db, owner, major| {
        fill(owner, 8, 10, 30);
        let crowd = crowd(db, 24, Duration::from_secs(4), any_change);
        assert!(crowd.failed.is_empty(), "version {major}: {crowd:?}");
        nothing_wrong(owner, WRONG_EVENTS, "events");
        assert!(crowd.passed > 100, "version {major}: {crowd:?}");
    });
}

#[test]
fn a_raise_and_those_who_leave_the_line() {
    each_version(|db, owner, major| {
        fill(owner, 1, 5, 200);
        let crowd = crowd(db, 8, Duration::from_secs(2), |random| match random.to(3) {
            1 => "update public.events set capacity = capacity + 1".to_owned(),
            2 => "insert into public.seats (event_id) values (1)".to_owned(),
            _ => "delete from public.seats where id = (select max(id) from public.seats where status = 'waitlisted')"
                .to_owned(),
        });
        assert!(crowd.failed.is_empty(), "version {major}: {crowd:?}");
        nothing_wrong(owner, WRONG_EVENTS, "events");
    });
}

/// `on conflict do update` fires the triggers of both events: its owners are locked in one order all the same. Rows are
/// written in the order of their keys, as on any table.
#[test]
fn upserts_beside_a_raise() {
    each_version(|db, owner, major| {
        fill(owner, 8, 10, 30);
        let crowd = crowd(db, 16, Duration::from_secs(5), |random| {
            let (seat, event, other) = (random.to(240), random.to(8), random.to(8));
            match random.to(7) {
                1 | 2 => format!(
                    "insert into public.seats (id, event_id) overriding system value values ({seat}, {event}), ({seat} + 1000, {other})
                     on conflict (id) do update set event_id = excluded.event_id, status = 'confirmed'"
                ),
                3 => format!(
                    "insert into public.seats (id, event_id, status) overriding system value
                     values ({seat}, {event}, 'waitlisted'), ({seat} + 1000, {other}, 'waitlisted'), ({seat} + 2000, 9 - {event}, 'confirmed')
                     on conflict (id) do update set status = excluded.status"
                ),
                4 => format!(
                    "insert into public.seats (id, event_id) overriding system value values ({seat}, {event})
                     on conflict (id) do update set status = 'confirmed'"
                ),
                5 => format!("update public.events set capacity = capacity + 1 where id in ({event}, {other})"),
                6 => "update public.events set capacity = greatest(capacity - 1, 5)".to_owned(),
                _ => format!("delete from public.seats where id = {seat} + 1000"),
            }
        });
        let deadlocks = crowd.with_code("40P01");
        assert_eq!(deadlocks, 0, "version {major}: {crowd:?}");
        let unexpected: Vec<_> = crowd.failed.keys().filter(|said| !said.starts_with("55P03")).collect();
        assert!(unexpected.is_empty(), "version {major}: {crowd:?}");
        nothing_wrong(owner, WRONG_EVENTS, "events");
        assert!(crowd.passed > 100, "version {major}: {crowd:?}");
    });
}

/// Who raises the number of places while somebody has an owner's token leaves it to him to fill, whatever he changes.
#[test]
fn a_raise_beside_a_statement_that_changes_no_count() {
    each_version(|db, owner, major| {
        for statement in [
            "update public.seats set event_id = event_id where id = (select min(id) from public.seats where event_id = 1 and status = 'confirmed')",
            "update public.seats set event_id = 3 - event_id where id in (
               select min(id) from public.seats where event_id in (1, 2) and status = 'confirmed' group by event_id)",
            "update public.seats set status = status where event_id = 1",
        ] {
            fill(owner, 2, 3, 12);
            let mut holds = db.connect().unwrap();
            run(&mut holds, &format!("begin; {statement}"));
            std::thread::scope(|scope| {
                let raise = scope.spawn(|| {
                    let mut raises = db.connect().unwrap();
                    run(&mut raises, "update public.events set capacity = capacity + 1 where id = 1");
                });
                std::thread::sleep(Duration::from_millis(300));
                run(&mut holds, "commit");
                raise.join().unwrap();
            });
            nothing_wrong(owner, WRONG_EVENTS, &format!("version {major}, {statement}"));
        }
    });
}

/// A row that is not stored after all has asked for its owner's token: who frees a place meanwhile waits for the end of that
/// transaction, and fills.
#[test]
fn places_that_get_free_beside_a_row_that_is_not_stored() {
    each_version(|db, owner, major| {
        // The second asks for two owners, one of which gets a row.
        for statement in [
            "insert into public.seats (id, event_id) overriding system value
             select min(id), 1 from public.seats where event_id = 1 and status = 'confirmed' on conflict do nothing",
            "insert into public.seats (id, event_id) overriding system value
             select min(id), 1 from public.seats where event_id = 1 and status = 'confirmed'
             union all values (-1, 2) on conflict do nothing",
            "insert into public.seats (id, event_id) overriding system value
             select min(id), event_id from public.seats where status = 'waitlisted' group by event_id
             on conflict do nothing",
        ] {
            for frees in [
                "update public.events set capacity = capacity + 1 where id = 1",
                "delete from public.seats where id = (select max(id) from public.seats where event_id = 1 and status = 'confirmed')",
            ] {
                fill(owner, 2, 3, 12);
                let mut holds = db.connect().unwrap();
                run(&mut holds, &format!("begin; {statement}"));
                std::thread::scope(|scope| {
                    let free = scope.spawn(|| run(&mut db.connect().unwrap(), frees));
                    std::thread::sleep(Duration::from_millis(900));
                    run(&mut holds, "commit");
                    free.join().unwrap();
                });
                nothing_wrong(owner, WRONG_EVENTS, &format!("version {major}, {statement}; {frees}"));
                // Or it was freed before the statement asked.
                fill(owner, 2, 3, 12);
                let mut first = db.connect().unwrap();
                run(&mut first, &format!("begin; {frees}"));
                std::thread::scope(|scope| {
                    let then = scope.spawn(|| run(&mut db.connect().unwrap(), statement));
                    std::thread::sleep(Duration::from_millis(200));
                    run(&mut first, "commit");
                    then.join().unwrap();
                });
                nothing_wrong(owner, WRONG_EVENTS, &format!("version {major}, {frees}; {statement}"));
            }
        }
    });
}

#[test]
fn rows_that_go_from_parent_to_parent() {
    each_version(|db, owner, major| {
        fill(owner, 6, 10, 20);
        let crowd = crowd(db, 16, Duration::from_secs(3), |random| {
            let (board, other, person, card) = (random.to(6), random.to(6), random.to(6), random.to(200));
            match random.to(5) {
                1 => format!(
                    "insert into public.cards (board_id, person_id, reviewer_id) values ({board}, {person}, {other}), ({other}, {board}, {person})"
                ),
                2 => format!(
                    "update public.cards set board_id = {board}, person_id = {other}, reviewer_id = {person} where id = {card}"
                ),
                3 => format!(
                    "update public.cards set board_id = 7 - board_id, person_id = reviewer_id, reviewer_id = person_id where id between {card} and {card} + 4"
                ),
                4 => format!("delete from public.cards where id between {card} and {card} + 1"),
                _ => format!("update public.cards set done = not done, points = points + 1 where id = {card}"),
            }
        });
        // Two statements that change the same cards in another order wait for each other as they would on any table.
        let of_its_own: Vec<_> = crowd.failed.keys().filter(|said| !said.starts_with("40P01")).collect();
        assert!(of_its_own.is_empty(), "version {major}: {crowd:?}");
        nothing_wrong(owner, WRONG_BOARDS, "counts");
    });
}

/// Statements of other isolation levels may be told to try again, and nothing else happens to them.
#[test]
fn other_isolation_levels() {
    each_version(|db, owner, major| {
        for level in ["repeatable read", "serializable"] {
            fill(owner, 8, 10, 20);
            let crowd = crowd(db, 12, Duration::from_secs(2), |random| {
                format!("begin isolation level {level}; {}; commit", any_change(random))
            });
            let unexpected: Vec<_> =
                crowd.failed.keys().filter(|said| !said.starts_with("40001") && !said.starts_with("25P02")).collect();
            assert!(unexpected.is_empty(), "version {major}, {level}: {crowd:?}");
            nothing_wrong(owner, WRONG_EVENTS, level);
        }
    });
}

#[test]
fn savepoints_conflicts_and_copies() {
    each_version(|_, owner, major| {
        fill(owner, 2, 3, 0);
        run(
            owner,
            "begin; insert into public.seats (event_id) values (1), (1); savepoint a;
             insert into public.seats (event_id) values (1), (1); rollback to a;
             insert into public.seats (event_id) values (1); commit",
        );
        nothing_wrong(owner, WRONG_EVENTS, "savepoints");
        assert_eq!(one_text(owner, "select confirmed, waiting from public.events where id = 1"), "3 0", "{major}");
        let mut copy = owner.copy_in("copy public.seats (event_id) from stdin").unwrap();
        std::io::Write::write_all(&mut copy, "1\n2\n1\n2\n2\n2\n2\n".as_bytes()).unwrap();
        copy.finish().unwrap();
        assert_eq!(
            texts(owner, "select confirmed, waiting from public.events order by id"),
            ["3 2", "3 2"],
            "version {major}"
        );
        nothing_wrong(owner, WRONG_EVENTS, "a copy");
        run(owner, "delete from public.events where id = 1; truncate public.seats");
        assert_eq!(one_text(owner, "select confirmed, waiting, spent from public.events"), "0 0 0", "version {major}");
    });
}

#[test]
fn fewer_places_than_are_taken() {
    each_version(|_, owner, major| {
        fill(owner, 2, 4, 6);
        let seated = "select string_agg(id::text, ' ' order by id) from public.seats where event_id = 1 and status = 'confirmed'";
        let before = one_text(owner, seated);
        run(owner, "update public.events set capacity = 2 where id = 1");
        nothing_wrong(owner, WRONG_EVENTS, "a lower number");
        let kept = one_text(owner, seated);
        assert!(before.starts_with(&kept) && kept.split(' ').count() == 2, "version {major}: {before} became {kept}");
        run(owner, "update public.events set capacity = 4 where id = 1");
        assert_eq!(one_text(owner, seated), before, "version {major}: they come back in their order");
        run(owner, "update public.events set capacity = null");
        assert_eq!(one_text(owner, "select sum(waiting) from public.events"), "0", "version {major}");

        run(owner, "insert into public.beds (room_id) values (1), (1), (1)");
        let lower = "update public.rooms set capacity = 2";
        assert!(refused(owner, lower).starts_with("23514 rooms.capacity cannot fall below"), "version {major}");
        assert_eq!(refused(owner, "update public.rooms set capacity = 3"), "done", "version {major}");
        let more = "insert into public.beds (room_id) values (1)";
        assert!(refused(owner, more).starts_with("23514 limit beds_in_room"), "version {major}");
        run(owner, "insert into public.beds (room_id, taken) values (1, false)");
        assert!(refused(owner, "update public.beds set taken = true").starts_with("23514"), "version {major}");
        // One leaves as another comes: the statement is judged as a whole.
        assert_eq!(refused(owner, "update public.beds set taken = id > 1"), "done", "version {major}");
    });
}

/// Places that belong to no row: an advisory lock stands for it.
#[test]
fn places_of_a_day() {
    let built = specc_tests::build::project_for(
        specc_tests::Layout::Postgres,
        "enum state { on, wait, off }
         entity shifts {
           id: bigint key identity
           day: int
           state: state = 'on'
           limit crew: state = 'on' per day to 5 else state = 'wait' promote by id
           rls off
         }
         entity slots {
           id: bigint key identity
           day: int
           limit slots_of_a_day: day > 0 per day to 5
           rls off
         }",
    );
    for major in VERSIONS {
        let db = built.database(major, Rows::Base);
        let crowd = crowd(&db, 12, Duration::from_secs(2), |random| {
            let (day, other, id) = (random.to(4), random.to(4), random.to(100));
            match random.to(6) {
                1 => format!("insert into public.shifts (day) values ({day}), ({other})"),
                2 => format!("insert into public.shifts (day) values ({day})"),
                3 => format!("update public.shifts set state = 'off' where id = {id}"),
                4 => format!("update public.shifts set day = {day} where id = {id}"),
                5 => format!("delete from public.shifts where id = {id}"),
                _ => format!("insert into public.slots (day) values ({day}), ({other})"),
            }
        });
        let unexpected: Vec<_> = crowd.failed.keys().filter(|said| !said.starts_with("23514 limit slots")).collect();
        assert!(unexpected.is_empty(), "version {major}: {crowd:?}");
        let mut owner = db.connect().unwrap();
        let wrong = "select day, count(*) filter (where state = 'on') from public.shifts group by day
             having count(*) filter (where state = 'on') > 5
                 or count(*) filter (where state = 'on') < 5 and count(*) filter (where state = 'wait') > 0
             union all select day, count(*) from public.slots group by day having count(*) > 5";
        nothing_wrong(&mut owner, wrong, "places of a day");
    }
}

/// Twice the rows cost about twice the time, in one statement, whomever they belong to.
#[test]
fn many_rows_in_one_statement() {
    each_version(|_, owner, major| {
        let mut best = |statement: &str| {
            let mut all: Vec<f64> = Vec::new();
            for _ in 0..3 {
                fill(owner, 20, 100_000, 0);
                run(owner, "analyze public.events, public.rooms, public.boards");
                all.push(time(owner, statement));
            }
            all.into_iter().fold(f64::INFINITY, f64::min)
        };
        for (what, insert) in [
            ("a line, one event", "insert into public.seats (event_id) select 1"),
            ("a line, many events", "insert into public.seats (event_id) select 1 + n % 20"),
            ("a limit", "insert into public.beds (room_id) select 1 + n % 20"),
            ("counts", "insert into public.cards (board_id, person_id, reviewer_id) select 1 + n % 20, 1, 2"),
        ] {
            let few = best(&format!("{insert} from generate_series(1, 1500) n"));
            let many = best(&format!("{insert} from generate_series(1, 6000) n"));
            assert!(
                many < few * 9.0 + 20.0,
                "version {major}, {what}: {few:.0} ms, then {many:.0} ms for four times as many"
            );
        }
    });
}

/// The same for the rows whose number of places one statement changes.
#[test]
fn many_numbers_in_one_statement() {
    each_version(|_, owner, major| {
        let mut took = |events: u32| {
            fill(owner, events, 10, 0);
            run(owner, "analyze public.events");
            time(owner, "update public.events set capacity = capacity + 1")
        };
        let (few, many) = (took(5_000), took(20_000));
        assert!(many < few * 9.0 + 50.0, "version {major}: {few:.0} ms, then {many:.0} ms for four times as many");
    });
}

#[test]
fn two_thousand_promotions() {
    each_version(|_, owner, major| {
        fill(owner, 20, 10, 150);
        let took = time(owner, "update public.events set capacity = 110");
        assert_eq!(one_text(owner, "select sum(confirmed) from public.events"), "2200", "version {major}");
        nothing_wrong(owner, WRONG_EVENTS, "a raise for all");
        assert!(took < 5000.0, "version {major}: {took:.0} ms");
    });
}

/// What a setting says is never taken for the truth.
#[test]
fn a_setting_gives_no_place() {
    each_version(|db, owner, major| {
        fill(owner, 1, 2, 2);
        let mut other = Session::connect(&db.config(OWNER)).unwrap();
        let names = texts(
            owner,
            "select distinct (regexp_matches(prosrc, 'specc\\.[a-z_]+', 'g'))[1] from pg_proc where pronamespace = 'private'::regnamespace",
        );
        assert!(names.len() >= 3, "{names:?}");
        for value in ["*", "=1", "1000"] {
            let set: Vec<_> = names.iter().map(|name| format!("set {name} = '{value}';")).collect();
            let _ = refused(&mut other, &set.concat());
            let _ = refused(&mut other, "insert into public.seats (event_id) values (1)");
            let _ = refused(&mut other, "insert into public.seats (event_id) values (1), (1)");
        }
        drop(other);
        let over = one_text(owner, "select count(*) from public.events where confirmed > capacity");
        assert_eq!(over, "0", "version {major}");
    });
}
