//! Maintained counts and sums say what is there, whatever happens to the rows.

use crate::behaviour::{run, told};
use specc_postgres::{Session, platform::OWNER};
use specc_tests::{Rows, VERSIONS, Who, database, each_version, texts};
use std::thread;

/// Owners and what is theirs, in the CRM.
fn bills(owner: &mut Session) {
    run(
        owner,
        "insert into auth.users (id, email) values ({ana}, 'ana@example.com');
         insert into public.customers (id, user_id, name) values ({bakery}, {ana}, 'Bakery');
         insert into public.invoices (id, user_id, customer_id, due_date)
           select md5('invoice ' || n)::uuid, {ana}, {bakery}, current_date from generate_series(0, 3) n;",
    );
}

/// Invoices whose sums are not the sums of their rows.
const WRONG: &str = "select i.id, i.total, i.paid, i.balance from public.invoices i
     where i.total <> coalesce((select sum(l.amount) from public.invoice_lines l where l.invoice_id = i.id), 0)
        or i.paid <> coalesce((select sum(p.amount) from public.payments p where p.invoice_id = i.id), 0)
        or i.balance <> i.total - i.paid";

#[test]
fn sums_stay_true_while_many_write() {
    for major in VERSIONS {
        let db = database("srvc_crm", major, Rows::Base);
        let mut owner = db.connect().unwrap();
        bills(&mut owner);
        let config = db.config(OWNER);
        thread::scope(|scope| {
            for writer in 0..16_u32 {
                let config = &config;
                scope.spawn(move || {
                    let mut session = Session::connect(config).unwrap();
                    for round in 0..12_u32 {
                        let (here, there) = ((writer + round) % 4, (writer + 3 * round + 1) % 4);
                        let line = writer * 100 + round;
                        let statement = match round % 6 {
                            0 | 1 => format!(
                                "insert into public.invoice_lines (invoice_id, line_number, description, quantity, unit_price)
                                 select md5('invoice ' || n)::uuid, {line}, 'work', {round} + 1, 10.25 from generate_series(0, 3) n"
                            ),
                            2 => format!("update public.invoice_lines set unit_price = unit_price + 1 where line_number = {}", line - 1),
                            3 => format!("insert into public.payments (invoice_id, amount) values
                                 (md5('invoice {here}')::uuid, 7.5), (md5('invoice {there}')::uuid, 2.5)"),
                            4 => format!("delete from public.invoice_lines where line_number = {} and invoice_id = md5('invoice {here}')::uuid", line - 3),
                            _ => format!("delete from public.payments where id in (
                                 select id from public.payments where invoice_id = md5('invoice {there}')::uuid limit 1 for update skip locked)"),
                        };
                        session.batch_execute(&statement).unwrap_or_else(|e| panic!("version {major}: {e:?}\n{statement}"));
                    }
                });
            }
        });
        assert_eq!(texts(&mut owner, WRONG), [""; 0], "version {major}");
        assert_eq!(texts(&mut owner, "select count(*) > 100 from public.invoice_lines"), ["t"]);
    }
}

#[test]
fn counts_follow_rows_that_change_sides() {
    let built = specc_tests::project(
        "entity teams {
           id: int key
           members: int = count(people)
           grown_ups: int = count(people where age >= 18 and not away)
           years: bigint = sum(people.age)
           weight: numeric = sum(people.weight where not away)
         }
         entity people {
           id: int key
           team_id -> teams? on delete set null inverse people
           age: int
           weight: numeric?
           away: bool = false
         }",
    );
    for major in VERSIONS {
        let db = built.database(major, Rows::Base);
        let mut owner = db.connect().unwrap();
        let mut says = |statement: &str| {
            run(&mut owner, statement);
            texts(&mut owner, "select members, grown_ups, years, weight from public.teams order by id").join(" | ")
        };
        assert_eq!(says("insert into public.teams (id) values (1), (2)"), "0 0 0 0 | 0 0 0 0");
        assert_eq!(
            says(
                "insert into public.people values (1, 1, 20, 60), (2, 1, 10, null), (3, null, 30, 70), (4, 2, 40, 80)"
            ),
            "2 1 30 60 | 1 1 40 80"
        );
        assert_eq!(says("update public.people set team_id = 2 where id = 1"), "1 0 10 0 | 2 2 60 140");
        assert_eq!(says("update public.people set team_id = 3 - team_id"), "2 2 60 140 | 1 0 10 0");
        assert_eq!(says("update public.people set team_id = 1 where id = 3"), "3 3 90 210 | 1 0 10 0");
        assert_eq!(says("update public.people set away = true, age = age + 1 where id = 4"), "3 2 91 130 | 1 0 10 0");
        assert_eq!(says("update public.people set weight = null where id = 1"), "3 2 91 70 | 1 0 10 0");
        assert_eq!(
            says("insert into public.people values (2, 1, 12, 5) on conflict (id) do update set age = excluded.age"),
            "3 2 91 70 | 1 0 12 0"
        );
        assert_eq!(says("delete from public.people where id in (1, 4)"), "1 1 30 70 | 1 0 12 0");
        assert_eq!(says("update public.people set id = id + 10"), "1 1 30 70 | 1 0 12 0");
        assert_eq!(says("delete from public.teams where id = 2"), "1 1 30 70");
        assert_eq!(says("truncate public.people"), "0 0 0 0");
    }
}

/// `NaN` and infinity are not taken away by a difference.
#[test]
fn sums_return_from_values_that_are_not_finite() {
    let built = specc_tests::project(
        "domain weight: numeric?
         entity teams {
           id: int key
           weight: numeric = sum(people.weight where not away)
           waited: interval = sum(people.waited)
         }
         entity people {
           id: int key
           team_id -> teams inverse people
           weight: weight?
           waited: interval = '0'
           away: bool = false
         }",
    );
    for major in VERSIONS {
        let db = built.database(major, Rows::Base);
        let mut owner = db.connect().unwrap();
        let mut says = |statement: &str| {
            run(&mut owner, statement);
            texts(&mut owner, "select weight, waited from public.teams order by id").join(" | ")
        };
        says("insert into public.teams (id) values (1), (2)");
        says("insert into public.people values (1, 1, 1), (2, 1, 2), (3, 2, 4)");
        assert_eq!(says("update public.people set weight = 'NaN' where id = 2"), "NaN 00:00:00 | 4 00:00:00");
        assert_eq!(says("insert into public.people values (4, 1, 8)"), "NaN 00:00:00 | 4 00:00:00");
        assert_eq!(says("update public.people set team_id = 2 where id = 2"), "9 00:00:00 | NaN 00:00:00");
        assert_eq!(says("update public.people set away = true where id = 2"), "9 00:00:00 | 4 00:00:00");
        assert_eq!(says("update public.people set away = false where id = 2"), "9 00:00:00 | NaN 00:00:00");
        assert_eq!(says("delete from public.people where id = 2"), "9 00:00:00 | 4 00:00:00");
        assert_eq!(
            says("update public.people set weight = 'infinity' where id in (1, 3)"),
            "Infinity 00:00:00 | Infinity 00:00:00"
        );
        assert_eq!(
            says("update public.people set weight = '-infinity' where id = 4"),
            "NaN 00:00:00 | Infinity 00:00:00"
        );
        assert_eq!(says("update public.people set weight = case id when 4 then 8 end"), "8 00:00:00 | 0 00:00:00");
        // The first version that knows an interval without end is 17.
        if major >= 17 {
            assert_eq!(says("update public.people set waited = 'infinity' where id = 1"), "8 infinity | 0 00:00:00");
            assert_eq!(
                says("update public.people set team_id = 2, waited = '1h' where id = 1"),
                "8 00:00:00 | 0 01:00:00"
            );
        }
    }
}

/// A count that is written by hand would be a lie.
#[test]
fn nobody_sets_a_count() {
    each_version("srvc_crm", Rows::Base, |db| {
        let mut owner = db.connect().unwrap();
        bills(&mut owner);
        run(
            &mut owner,
            "insert into public.invoice_lines (invoice_id, line_number, description, unit_price) values (md5('invoice 0')::uuid, 1, 'work', 5)",
        );
        for who in [Who::User("ana"), Who::Service] {
            let said = told(
                &mut owner,
                who,
                &[
                    "update public.invoices set total = 1000000",
                    "insert into public.invoices (user_id, customer_id, due_date, total) values ({ana}, {bakery}, current_date, 99)",
                    "update public.invoices set total = total",
                ],
            );
            // the grant closes it to whoever row level security binds, the trigger to all
            if who != Who::Service {
                assert!(said.iter().all(|told| told.starts_with("42501")), "{who:?}: {said:?}");
                continue;
            }
            assert!(said[0].starts_with("23514 invoices.total"), "{who:?}: {said:?}");
            assert_eq!(
                said[1..],
                ["done", "done"],
                "{who:?}: what a new row says of it counts for nothing, and what stays as it is may be named"
            );
        }
        run(
            &mut owner,
            "insert into public.invoices (user_id, customer_id, due_date, total) values ({ana}, {bakery}, current_date, 99)",
        );
        assert_eq!(texts(&mut owner, "select max(total) from public.invoices"), ["5.00"]);
    });
}
