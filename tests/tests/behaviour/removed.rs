//! What is marked as deleted in one statement, beside triggers that change other rows of the same table.

use crate::behaviour::{run, told};
use specc_postgres::{Database, Session};
use specc_tests::load::time;
use specc_tests::{Rows, VERSIONS, Who, project, texts};

/// Lines, counts over the rows' own table and parents that count.
const SPEC: &str = "
    entity events {
      id:      int key
      cap:     int = 2
      taken:   int = count(seats where status = 'taken')
      waiting: int = count(seats where status = 'waits')
      rls off
    }
    entity seats {
      id:       int key
      event_id -> events
      status:   text = 'taken'
      use soft_delete
      limit places: status = 'taken' per event_id to event.cap else status = 'waits' promote by id
      rls off
    }
    entity beds {
      id:     int key
      day:    int
      status: text = 'taken'
      use soft_delete
      limit of_a_day: status = 'taken' per day to 2 else status = 'waits' promote by id
      rls off
    }
    entity folders {
      id:        int key
      parent_id -> folders? inverse children
      size:      int = 1
      n:         int = count(children)
      total:     bigint = sum(children.size)
      use soft_delete
      rls off
    }
    domain currency: text = 'usd'
    entity notes {
      id:     float8 key
      cost:   currency
      folder: int
      use soft_delete
      policy { all: allow select, insert to authenticated
               some: allow update to authenticated
               own: allow delete to authenticated when folder = 1 }
    }";

/// Owners whose counts say something else than their rows, places that are free while somebody waits, and places that
/// are taken twice.
const WRONG: &str = "
    select 'counts', e.id from events e where (e.taken, e.waiting) <> (
      select count(*) filter (where s.status = 'taken'), count(*) filter (where s.status = 'waits')
      from seats s where s.event_id = e.id and s.deleted_at is null)
    union all select 'places', e.id from events e where e.taken > e.cap or e.taken < e.cap and e.waiting > 0
    union all select 'beds', day from beds where deleted_at is null group by day
      having count(*) filter (where status = 'taken') <> least(count(*), 2)
    union all select 'folders', f.id from folders f where (f.n, f.total) <> (
      select count(*), coalesce(sum(c.size), 0) from folders c where c.parent_id = f.id and c.deleted_at is null)";

fn each(test: impl Fn(&Database, &mut Session, u32)) {
    let built = project(SPEC);
    for major in VERSIONS {
        let db = built.database(major, Rows::Base);
        let mut owner = db.connect().unwrap();
        run(
            &mut owner,
            "insert into events (id) values (1), (2);
             insert into seats (id, event_id) select n, 1 + n % 2 from generate_series(1, 20) n;
             insert into beds (id, day) select n, 1 + n % 2 from generate_series(1, 20) n;
             insert into folders (id, parent_id) select n, nullif(n / 2, 0) from generate_series(1, 31) n;
             insert into notes (id, folder) select 0.1 + n, 1 + n % 2 from generate_series(1, 4) n;",
        );
        test(&db, &mut owner, major);
    }
}

#[test]
fn what_a_mark_changes_may_be_removed_by_the_same_statement() {
    for statement in [
        "delete from seats where id in (1, 3, 5)",
        "delete from seats",
        "delete from seats; delete from beds",
        "delete from beds where id < 8",
        "delete from folders",
        "delete from folders where id > 3",
        "delete from folders where id in (1, 2, 5, 11, 23)",
        // Both rows and what they wait for, by one statement.
        "merge into seats s using (select n from generate_series(1, 12) n) g on s.id = g.n
             when matched and g.n <= 4 then update set status = 'left' when matched then delete",
        "with d as (delete from seats where id between 5 and 9) update seats set status = 'left' where id < 5",
        "with u as (update seats set status = 'left' where id < 5) delete from seats where id between 5 and 9",
        "with a as (delete from seats where id < 9), b as (delete from beds where id < 9) delete from folders",
        "merge into folders f using (select n from generate_series(1, 12) n) g on f.id = g.n
             when matched and g.n <= 4 then update set size = 5 when matched then delete",
        "insert into seats (id, event_id) select n, 1 from generate_series(1, 12) n
             on conflict (id) do update set event_id = 3 - seats.event_id, status = 'taken'",
        "insert into folders (id, parent_id) select n, 40 - n from generate_series(2, 39) n where n <> 20
             on conflict (id) do update set parent_id = null, size = 3",
        "update folders set parent_id = 1 where id > 1",
        "set specc.hard_delete = on; delete from seats where id < 9; delete from beds; reset specc.hard_delete",
    ] {
        each(|_, owner, major| {
            run(owner, statement);
            assert_eq!(texts(owner, WRONG), [""; 0], "version {major}: {statement}");
        });
    }
}

/// The mark is that of one statement: all its rows have it, no other row does, and what follows sees them.
#[test]
fn a_statement_marks_its_rows_and_no_others() {
    each(|_, owner, major| {
        let marked = "select string_agg(id::text, ' ' order by id) from folders where deleted_at is not null";
        run(owner, "delete from folders where id > 28; delete from notes where id = 0.1::float8 + 1");
        assert_eq!(texts(owner, marked), ["29 30 31"], "version {major}");
        run(
            owner,
            "begin; savepoint a; delete from folders where id > 20; rollback to a; delete from folders where id = 28; commit",
        );
        assert_eq!(texts(owner, marked), ["28 29 30 31"]);
        // A statement inside a statement over the same table.
        run(
            owner,
            "create function public.clear(n int) returns boolean language plpgsql volatile as $$
             begin delete from public.folders where id = clear.n + 1; return true; end $$;
             delete from folders where id in (16, 18, 20) and public.clear(id)",
        );
        assert_eq!(texts(owner, marked), ["16 17 18 19 20 21 28 29 30 31"]);
        // Many statements of one transaction, and many transactions of one session.
        run(
            owner,
            "do $$ begin for i in 22 .. 25 loop delete from folders where folders.id = i; end loop; end $$;
             delete from folders where id = 26",
        );
        assert_eq!(texts(owner, marked), ["16 17 18 19 20 21 22 23 24 25 26 28 29 30 31"]);
        assert_eq!(texts(owner, WRONG), [""; 0], "version {major}");
        // A number that settings round is still found.
        run(owner, "set extra_float_digits = -15; delete from notes; reset extra_float_digits");
        assert_eq!(texts(owner, "select count(*) from notes where deleted_at is null"), ["0"]);
    });
}

/// Who deletes may run code of his own meanwhile: a setting or a table of his marks no row that he may not delete.
#[test]
fn nobody_adds_rows_to_a_delete() {
    each(|_, owner, major| {
        let all = "'specc.soft_delete_' || 'notes'::regclass::oid";
        for (before, meanwhile) in [
            (
                format!("select set_config({all}, '1 2 3', false), set_config('specc.soft_delete_turn', '1', false)"),
                "true".to_owned(),
            ),
            (
                "create temporary table specc_soft_deleted (turn bigint, whole oid, key jsonb)".to_owned(),
                "true".to_owned(),
            ),
            (String::new(), format!("set_config({all}, '1', true) is not null")),
            (String::new(), format!("set_config({all}, '', true) is not null")),
        ] {
            let forged = "insert into pg_temp.specc_soft_deleted
                select 1, 'notes'::regclass, jsonb_build_object('id', id) from public.notes";
            let statements = [before.as_str(), &format!("delete from public.notes where {meanwhile}"), forged];
            let statements: Vec<_> = statements.into_iter().filter(|s| !s.is_empty()).collect();
            let _ = told(owner, Who::User("ana"), &statements);
            run(owner, "begin; set local role authenticated");
            for statement in &statements {
                run(owner, "savepoint s");
                if owner.batch_execute(statement).is_err() {
                    run(owner, "rollback to s");
                }
            }
            let _ = owner.batch_execute("delete from public.notes where false");
            let _ = owner.batch_execute("commit; rollback; discard all");
            let marked = "select count(*) from notes where folder = 2 and deleted_at is not null";
            assert_eq!(texts(owner, marked), ["0"], "version {major}: {statements:?}");
        }
        assert_eq!(texts(owner, "select count(*) from notes where deleted_at is not null"), ["2"]);
    });
}

/// Marking costs what one update of the same rows costs, times a constant: parents that count are not written row by row.
#[test]
fn many_rows_are_marked_in_one_pass() {
    each(|_, owner, major| {
        let best = |owner: &mut Session, statement: &str| {
            let once = |owner: &mut Session| {
                run(
                    owner,
                    "truncate events, seats, folders;
                     insert into events (id, cap) values (1, 1000000);
                     insert into seats (id, event_id) select n, 1 from generate_series(1, 2000) n;
                     insert into folders (id) values (0);
                     insert into folders (id, parent_id) select n, 0 from generate_series(1, 2000) n;
                     analyze events, seats, folders",
                );
                time(owner, statement)
            };
            (0..2).map(|_| once(owner)).fold(f64::INFINITY, f64::min)
        };
        for (table, rows) in [("seats", "true"), ("folders", "id > 0")] {
            let plain = best(owner, &format!("update {table} set deleted_at = now() where {rows}"));
            let marked = best(owner, &format!("delete from {table} where {rows}"));
            assert!(
                marked < plain * 40.0 + 300.0,
                "version {major}: {plain:.0} ms for an update of {table}, {marked:.0} ms for a delete"
            );
            assert_eq!(texts(owner, WRONG), [""; 0], "version {major}");
        }
    });
}
