//! What triggers hold while rows are removed, partitions written and settings changed, for whoever writes.

use crate::behaviour::run;
use specc_tests::access::matrix;
use specc_tests::{Rows, VERSIONS, Who, project, texts};

/// A workflow may ask for the role of who is asking although no policy does, or only one of another role.
#[test]
fn a_step_asks_who_is_asking() {
    let built = project(
        "role staff in authenticated
         entity profiles {
           id   -> auth.users key as account on delete cascade
           rank: text = 'member'
           team: text = 'x'
           rls off
         }
         viewer -> profiles
         entity jobs {
           id:    int key
           state: text = 'a'
           workflow state {
             a -> b when viewer.rank = 'chief'
             b -> c when viewer.team = 'x' and viewer is not null
             c -> d when claims.sub is not null
           }
           policy { all: allow select, insert, update to authenticated, staff }
         }
         entity other {
           id: int key
           policy { all: allow select to staff when viewer.team = 'x' }
         }",
    );
    for major in VERSIONS {
        let db = built.database(major, Rows::Base);
        let mut owner = db.connect().unwrap();
        run(
            &mut owner,
            "grant staff to current_user;
             insert into auth.users (id) values ({ana}), ({eve});
             insert into profiles values ({ana}, 'chief', 'x'), ({eve}, 'member', 'y');
             insert into jobs values (1, 'a'), (2, 'b'), (3, 'c');",
        );
        matrix(
            &mut owner,
            [Who::User("ana"), Who::User("eve"), Who::Role("staff", "ana"), Who::Service],
            &[
                ("update jobs set state = 'b' where id = 1", ["1", "23514", "1", "23514"]),
                ("update jobs set state = 'c' where id = 2", ["1", "23514", "1", "23514"]),
                ("update jobs set state = 'd' where id = 3", ["1", "1", "1", "23514"]),
            ],
        );
    }
}

#[test]
fn counts_and_limits_follow_rows_of_partitions_that_are_removed() {
    let built = project(
        "entity owners {
           id:    int key
           n:     int = count(events)
           total: bigint = sum(events.points)
           cap:   int = 2
           rls off
         }
         entity events {
           id:     int
           at:     date
           owner_id -> owners
           points: int = 5
           key (id, at)
           partition by range (at)
           partition events_26 from ('2026-01-01') to ('2027-01-01')
           partition events_rest default
           use soft_delete
           limit few: id > 0 per owner_id to owner.cap
           policy { all: allow all to authenticated }
         }",
    );
    for major in VERSIONS {
        let db = built.database(major, Rows::Base);
        let mut owner = db.connect().unwrap();
        run(
            &mut owner,
            "insert into owners (id) values (1);
             insert into events values (1, '2026-02-01', 1), (2, '2027-02-01', 1);",
        );
        let kept = "select n, total from owners";
        assert_eq!(texts(&mut owner, kept), ["2 10"], "version {major}");
        run(&mut owner, "delete from events where id = 1");
        assert_eq!(texts(&mut owner, kept), ["1 5"]);
        assert!(
            owner
                .batch_execute(
                    "update events set deleted_at = null where id = 1; insert into events values (3, '2026-03-01', 1)"
                )
                .is_err()
        );
        run(&mut owner, "insert into events values (3, '2026-03-01', 1)");
        assert!(
            owner.batch_execute("update events set deleted_at = null where id = 1").is_err(),
            "there is no place for it"
        );
        // The mark is set through the table, whichever table the statement names.
        run(&mut owner, "delete from events_26 where id = 3");
        assert_eq!(texts(&mut owner, kept), ["1 5"]);
        matrix(&mut owner, [Who::User("ana")], &[("delete from events where id = 2", ["0"])]);
        run(&mut owner, "set role authenticated; delete from events; reset role");
        assert_eq!(texts(&mut owner, kept), ["0 0"]);
        assert_eq!(texts(&mut owner, "select count(*) from events"), ["3"]);
    }
}

/// Who has been removed does not wait for a place.
#[test]
fn a_removed_row_is_not_in_line() {
    let built = project(
        "entity events {
           id:      int key
           cap:     int
           waiting: int = count(seats where status = 'waits')
           rls off
         }
         entity seats {
           id:     int key
           event_id -> events
           status: text = 'taken'
           use soft_delete
           limit places: status = 'taken' per event_id to event.cap else status = 'waits' promote by id
           rls off
         }
         entity days {
           id:  int key
           rls off
         }
         entity beds {
           id:     int key
           day:    int
           status: text = 'taken'
           use soft_delete
           limit places: status = 'taken' per day to 1 else status = 'waits' promote by id
           rls off
         }",
    );
    for major in VERSIONS {
        let db = built.database(major, Rows::Base);
        let mut owner = db.connect().unwrap();
        run(
            &mut owner,
            "insert into events (id, cap) values (1, 1);
             insert into seats (id, event_id) values (1, 1), (2, 1), (3, 1), (4, 1);
             insert into beds (id, day) values (1, 1), (2, 1), (3, 1);
             delete from seats where id = 2; delete from beds where id = 2;",
        );
        let seats = "select string_agg(id || status, ' ' order by id) from seats";
        assert_eq!(texts(&mut owner, seats), ["1taken 2waits 3waits 4waits"], "version {major}");
        assert_eq!(texts(&mut owner, "select waiting from events"), ["2"]);
        run(&mut owner, "delete from seats where id = 1; delete from beds where id = 1");
        assert_eq!(texts(&mut owner, seats), ["1taken 2waits 3taken 4waits"]);
        let beds = "select string_agg(id || status, ' ' order by id) from beds";
        assert_eq!(texts(&mut owner, beds), ["1taken 2waits 3taken"]);
        run(&mut owner, "update events set cap = 5");
        assert_eq!(texts(&mut owner, seats), ["1taken 2waits 3taken 4taken"]);
        // Who comes back waits like the others, and gets what is free.
        run(&mut owner, "update seats set deleted_at = null where id = 2");
        assert_eq!(texts(&mut owner, seats), ["1taken 2taken 3taken 4taken"]);
    }
}

/// How a value is written depends on settings that anybody may change; what is stored does not.
#[test]
fn settings_do_not_open_what_is_immutable() {
    let built = project(
        "composite pair { a: float8, b: box }
         entity rows {
           id: int key
           a:  float8 immutable
           b:  box immutable
           c:  circle? immutable
           d:  float8[] immutable
           e:  pair immutable
           f:  json immutable
           g:  numeric immutable
           h:  text immutable
           free: int = 0
           policy { all: allow select, update to authenticated }
         }",
    );
    let changes = [
        ("a = 1.00000000000000022", "23514"),
        ("b = '(1.00000000000000022,1),(0,0)'", "23514"),
        ("c = '<(0,0),1.00000000000000022>'", "23514"),
        ("c = null", "23514"),
        ("d = '{1.00000000000000022}'", "23514"),
        ("e = row(1, '(1.00000000000000022,1),(0,0)')", "23514"),
        ("f = '{ }'", "23514"),
        ("g = 1.0", "23514"),
        ("h = 'X'", "23514"),
        (
            "a = 1, b = '(1,1),(0,0)', c = '<(0,0),1>', d = '{1}', e = row(1, '(1,1),(0,0)'), f = '{}', g = 1, h = 'x'",
            "1",
        ),
        ("free = 1", "1"),
    ];
    for major in VERSIONS {
        let db = built.database(major, Rows::Base);
        let mut owner = db.connect().unwrap();
        run(
            &mut owner,
            "insert into rows values (1, 1, '(1,1),(0,0)', '<(0,0),1>', '{1}', row(1, '(1,1),(0,0)'), '{}', 1, 'x')",
        );
        for setting in ["extra_float_digits = 0", "extra_float_digits = -15"] {
            run(&mut owner, &format!("set {setting}"));
            let statements = changes.map(|(set, told)| (format!("update rows set {set}"), told));
            let cases: Vec<_> = statements.iter().map(|(statement, told)| (statement.as_str(), [*told])).collect();
            matrix(&mut owner, [Who::User("ana")], &cases);
        }
    }
}
