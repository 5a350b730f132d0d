//! Rows that keep their version, rows that are hidden instead of deleted, and fields that never change.

use crate::behaviour::{event, run, told};
use specc_postgres::platform::OWNER;
use specc_postgres::{Session, as_user_commit};
use specc_tests::access::matrix;
use specc_tests::{Rows, VERSIONS, Who, database, each_version, one_text, sql, texts};
use std::sync::Barrier;
use std::thread;

#[test]
fn a_stale_version_is_refused() {
    each_version("medellin_spark", Rows::Base, |db| {
        let mut owner = db.connect().unwrap();
        event(&mut owner, 5, 0);
        run(&mut owner, "insert into public.pitch_decks (id, user_id, title) values ({deck}, {ana}, 'One')");
        let version = || one_text(&mut db.connect().unwrap(), "select version from public.pitch_decks");
        assert_eq!(version(), "1");
        // an update that names the version it read, and one that does not
        run(&mut owner, "update public.pitch_decks set title = 'Two', version = 1 where id = {deck}");
        assert_eq!(version(), "2");
        run(&mut owner, "update public.pitch_decks set title = 'Three' where id = {deck}");
        assert_eq!(version(), "3");
        for who in [Who::User("ana"), Who::Service] {
            let said = told(
                &mut owner,
                who,
                &[
                    "update public.pitch_decks set title = 'Four', version = 1 where id = {deck}",
                    "update public.pitch_decks set title = 'Four', version = 4 where id = {deck}",
                    "update public.pitch_decks set title = 'Four', version = 3 where id = {deck}",
                ],
            );
            assert!(said[0].starts_with("40001") && said[1].starts_with("40001"), "{who:?}: {said:?}");
            assert_eq!(said[2], "done", "{who:?}");
        }
        assert_eq!(version(), "3");
    });
}

/// Of people who read the same version and save at the same time, one wins and the others are told.
#[test]
fn one_of_many_who_save_at_once_wins() {
    for major in VERSIONS {
        let db = database("medellin_spark", major, Rows::Base);
        let mut owner = db.connect().unwrap();
        event(&mut owner, 5, 0);
        run(&mut owner, "insert into public.pitch_decks (id, user_id, title) values ({deck}, {ana}, 'One')");
        let config = db.config(OWNER);
        for round in 1..=5 {
            let gate = Barrier::new(8);
            let codes: Vec<_> = thread::scope(|scope| {
                let writers: Vec<_> = (0..8)
                    .map(|writer| {
                        let (config, gate) = (&config, &gate);
                        scope.spawn(move || {
                            let mut session = Session::connect(config).unwrap();
                            let ana = Who::User("ana");
                            let save = sql(&format!(
                                "update public.pitch_decks set title = 'By {writer}', version = {round} where id = {{deck}}"
                            ));
                            gate.wait();
                            as_user_commit(&mut session, ana.role(), &ana.claims(), |tx| tx.batch_execute(&save))
                                .map_or_else(|e| e.code().unwrap().code().to_owned(), |()| "saved".to_owned())
                        })
                    })
                    .collect();
                writers.into_iter().map(|writer| writer.join().unwrap()).collect()
            });
            let count = |code: &str| codes.iter().filter(|c| *c == code).count();
            assert_eq!((count("saved"), count("40001")), (1, 7), "version {major}: {codes:?}");
            let now = one_text(&mut owner, "select version from public.pitch_decks");
            assert_eq!(now, (round + 1).to_string(), "version {major}");
        }
    }
}

#[test]
fn what_is_soft_deleted_is_gone_for_users_and_there_for_the_service() {
    each_version("medellin_spark", Rows::Base, |db| {
        let mut owner = db.connect().unwrap();
        event(&mut owner, 5, 1);
        run(&mut owner,
            "insert into public.companies (id, created_by, name, slug, industry) values ({acme}, {ana}, 'Acme', 'acme', 'fintech');
             insert into public.job_postings (id, company_id, posted_by, title, description, remote, status) values ({job}, {acme}, {ana}, 'Engineer', 'Build', true, 'open');
             insert into public.pitch_decks (id, user_id, title, published) values ({deck}, {ana}, 'Deck', true);
             insert into public.registrations (event_id, attendee_id) values ({launch}, {ben});
             insert into public.job_applications (job_id, user_id) values ({job}, {carla});");
        let people = [Who::Anon, Who::User("ana"), Who::User("ben"), Who::User("root"), Who::Service];
        let look = |owner: &mut _, events: [&str; 5], jobs: [&str; 5], decks: [&str; 5]| {
            matrix(
                owner,
                people,
                &[
                    ("select title from public.events", events),
                    ("select title from public.job_postings", jobs),
                    ("select title from public.pitch_decks", decks),
                ],
            );
        };
        look(&mut owner, ["Launch night"; 5], ["Engineer"; 5], ["42501", "Deck", "Deck", "Deck", "Deck"]);
        // a row is not hidden by the mark itself, but by a delete, from whoever may delete
        let mark = ["events", "job_postings", "pitch_decks"]
            .map(|table| format!("update public.{table} set deleted_at = now()"));
        assert_eq!(Who::User("ana").tries(&mut owner, &mark), ["42501"; 3]);
        matrix(
            &mut owner,
            [Who::Anon, Who::User("ana"), Who::User("ben")],
            &[
                ("delete from public.events", ["42501", "0", "0"]),
                ("delete from public.job_postings", ["42501", "0", "0"]),
                ("delete from public.pitch_decks", ["42501", "0", "0"]),
            ],
        );
        look(&mut owner, ["Launch night"; 5], ["Engineer"; 5], ["42501", "Deck", "Deck", "Deck", "Deck"]);
        for (who, table) in
            [(Who::User("root"), "events"), (Who::User("ana"), "job_postings"), (Who::User("ana"), "pitch_decks")]
        {
            as_user_commit(&mut owner, who.role(), &who.claims(), |tx| {
                tx.batch_execute(&format!("delete from public.{table}"))
            })
            .unwrap();
        }
        let marks = texts(&mut owner, "select deleted_by = {root}, deleted_at is not null from public.events");
        assert_eq!(marks, ["t t"], "who deleted it, and when");
        look(
            &mut owner,
            ["-", "-", "-", "-", "Launch night"],
            ["-", "-", "-", "-", "Engineer"],
            ["42501", "-", "-", "-", "Deck"],
        );
        // what is gone cannot be changed, signed up for, applied to, or brought back by users
        matrix(
            &mut owner,
            [Who::User("ana"), Who::User("carla"), Who::Service],
            &[
                ("update public.events set title = 'Other'", ["0", "0", "1"]),
                ("update public.events set deleted_at = null", ["42501", "42501", "1"]),
                ("delete from public.pitch_decks where id = {nothing}", ["0", "0", "0"]),
                (
                    "insert into public.registrations (event_id, attendee_id) values ({launch}, {carla})",
                    ["42501", "42501", "1"],
                ),
                (
                    "insert into public.job_applications (job_id, user_id) values ({job}, {ana})",
                    ["42501", "42501", "1"],
                ),
                ("select id::text from public.search_events('launch')", ["-", "-", "-"]),
                ("select id::text from public.search_jobs('engineer')", ["-", "-", "-"]),
                ("select count(*) from public.event_capacity", ["0", "0", "0"]),
            ],
        );
    });
}

/// The service can delete for good; so does what takes the parent away.
#[test]
fn a_hard_delete_is_still_possible() {
    each_version("medellin_spark", Rows::Base, |db| {
        let mut owner = db.connect().unwrap();
        event(&mut owner, 5, 0);
        run(&mut owner, "delete from public.events");
        assert_eq!(texts(&mut owner, "select count(*) from public.events"), ["1"]);
        run(&mut owner, "begin; set local specc.hard_delete = on; delete from public.events; commit");
        assert_eq!(texts(&mut owner, "select count(*) from public.events"), ["0"]);
    });
}

#[test]
fn fields_that_are_immutable_stay() {
    each_version("medellin_spark", Rows::Dev, |db| {
        let mut owner = db.connect().unwrap();
        // every immutable column of the specs that a user could otherwise name in an update
        let columns = [
            ("events", "organizer_id", "(select id from public.profiles p where p.id <> organizer_id limit 1)"),
            ("registrations", "event_id", "(select id from public.events e where e.id <> event_id limit 1)"),
            ("registrations", "attendee_id", "(select id from public.profiles p where p.id <> attendee_id limit 1)"),
            ("startup_metrics", "startup_id", "(select id from public.startups s where s.id <> startup_id limit 1)"),
            ("startup_milestones", "startup_id", "(select id from public.startups s where s.id <> startup_id limit 1)"),
            ("startup_documents", "startup_id", "(select id from public.startups s where s.id <> startup_id limit 1)"),
            (
                "startup_invitations",
                "startup_id",
                "(select id from public.startups s where s.id <> startup_id limit 1)",
            ),
            ("startup_members", "startup_id", "(select id from public.startups s where s.id <> startup_id limit 1)"),
            ("startup_members", "user_id", "(select id from public.profiles p where p.id <> user_id limit 1)"),
            ("pitch_decks", "user_id", "(select id from public.profiles p where p.id <> user_id limit 1)"),
            ("deck_slides", "deck_id", "(select id from public.pitch_decks d where d.id <> deck_id limit 1)"),
            ("deck_comments", "parent_id", "id"),
            ("job_postings", "company_id", "(select id from public.companies c where c.id <> company_id limit 1)"),
            ("job_applications", "user_id", "(select id from public.profiles p where p.id <> user_id limit 1)"),
            ("profiles", "id", "gen_random_uuid()"),
        ];
        for (table, column, other) in columns {
            let said = told(
                &mut owner,
                Who::Service,
                &[
                    &format!("update public.{table} set {column} = {other}"),
                    &format!("update public.{table} set {column} = {column}"),
                ],
            );
            assert!(said[0].starts_with("23514") && said[0].contains(column), "{table}.{column}: {said:?}");
            assert_eq!(said[1], "done", "{table}.{column}");
        }
    });
}

/// An immutable reference with `on delete set null` still lets its parent go.
#[test]
fn a_parent_may_go() {
    let built = specc_tests::project(
        "entity people { id: int key }
         entity pictures {
           id: int key
           by_id -> people? on delete set null immutable
           for_id -> people on delete cascade immutable as recipient inverse gifts
         }",
    );
    for major in specc_tests::VERSIONS {
        let db = built.database(major, Rows::Base);
        let mut owner = db.connect().unwrap();
        run(
            &mut owner,
            "insert into public.people values (1), (2); insert into public.pictures values (1, 1, 2), (2, 2, 1)",
        );
        let said = told(
            &mut owner,
            Who::Service,
            &["update public.pictures set by_id = null", "update public.pictures set by_id = 2 where id = 1"],
        );
        assert!(said.iter().all(|s| s.starts_with("23514")), "{said:?}");
        run(&mut owner, "delete from public.people where id = 1");
        assert_eq!(texts(&mut owner, "select * from public.pictures"), ["1 null 2"]);
    }
}

/// `timestamps` moves with the row and not without it.
#[test]
fn timestamps_follow() {
    each_version("starter", Rows::Base, |db| {
        let mut owner = db.connect().unwrap();
        run(
            &mut owner,
            "insert into auth.users (id, email) values ({ana}, 'a@example.com');
             insert into public.profiles (id, display_name) values ({ana}, 'Ana');
             update public.profiles set created_at = created_at where id = {ana};",
        );
        let fresh =
            one_text(&mut owner, "select created_at = updated_at or updated_at > created_at from public.profiles");
        assert_eq!(fresh, "t");
        let before = one_text(&mut owner, "select updated_at from public.profiles");
        run(&mut owner, "update public.profiles set bio = 'Plans' where id = {ana}");
        assert_ne!(one_text(&mut owner, "select updated_at from public.profiles"), before);
        let created = one_text(&mut owner, "select created_at < updated_at from public.profiles");
        assert_eq!(created, "t");
    });
}
