//! Partitions, the event-sourced decks with their projection and versions, and the read models.

use crate::behaviour::{event, run, told};
use specc_postgres::{Session, as_user_commit};
use specc_tests::stage::said;
use specc_tests::{Rows, VERSIONS, Who, database, each_version, sql, texts};
use std::thread;

fn by(session: &mut Session, who: Who, statement: &str) {
    let statement = sql(statement);
    as_user_commit(session, who.role(), &who.claims(), |tx| tx.batch_execute(&statement))
        .unwrap_or_else(|error| panic!("{}\n{statement}", said(&error)));
}

#[test]
fn rows_find_their_partition() {
    each_version("medellin_spark", Rows::Base, |db| {
        let mut owner = db.connect().unwrap();
        event(&mut owner, 5, 0);
        run(
            &mut owner,
            "insert into public.event_activity (event_id, kind, occurred_at) values
             ({launch}, 'viewed', '2026-01-31 23:59:59.999+00'), ({launch}, 'viewed', '2026-02-01 00:00:00+00'),
             ({launch}, 'viewed', '2026-12-31 12:00:00+00'), ({launch}, 'viewed', '2019-05-05 12:00:00+00')",
        );
        let places = "select tableoid::regclass from public.event_activity where kind = 'viewed' order by occurred_at";
        assert_eq!(
            texts(&mut owner, places),
            ["event_activity_rest", "event_activity_2026_01", "event_activity_2026_02", "event_activity_2026_12"]
        );
        run(
            &mut owner,
            "update public.event_activity set occurred_at = '2026-06-15 12:00:00+00' where occurred_at < '2020-01-01'",
        );
        assert!(
            texts(&mut owner, places).contains(&"event_activity_2026_06".to_owned()),
            "a row that changes its month moves"
        );
        let plan = texts(
            &mut owner,
            "explain select * from public.event_activity where occurred_at >= '2026-02-03 00:00:00+00' and occurred_at < '2026-02-04 00:00:00+00'",
        );
        let plan = plan.join("\n");
        assert!(
            plan.contains("event_activity_2026_02") && !plan.contains("event_activity_2026_03"),
            "other months are not read:\n{plan}"
        );
        // a reference holds across partitions, and an erased event takes its rows along
        let said = told(
            &mut owner,
            Who::Service,
            &["insert into public.event_activity (event_id, kind) values (gen_random_uuid(), 'viewed')"],
        );
        assert!(said[0].starts_with("23503"), "{said:?}");
        run(
            &mut owner,
            "begin; set local specc.hard_delete = on; delete from public.events where id = {launch}; commit",
        );
        assert_eq!(texts(&mut owner, "select count(*) from public.event_activity"), ["0"]);
    });
}

/// The API shows partitions as tables: nobody reads past the policies through one of them.
#[test]
fn a_partition_is_no_way_around() {
    each_version("medellin_spark", Rows::Base, |db| {
        let mut owner = db.connect().unwrap();
        event(&mut owner, 5, 0);
        run(
            &mut owner,
            "insert into public.event_activity (event_id, kind, occurred_at) values ({launch}, 'viewed', '2026-01-05 00:00:00+00')",
        );
        specc_tests::access::matrix(
            &mut owner,
            [Who::Anon, Who::User("ana"), Who::User("ben"), Who::User("root")],
            &[
                ("select kind from public.event_activity where kind = 'viewed'", ["42501", "viewed", "-", "viewed"]),
                ("select kind from public.event_activity_2026_01", ["42501", "=", "=", "="]),
                ("select kind from public.event_activity_rest", ["42501", "=", "=", "="]),
                ("delete from public.event_activity_2026_01", ["42501", "=", "=", "="]),
                (
                    "insert into public.event_activity_rest (event_id, kind) values ({launch}, 'x')",
                    ["42501", "=", "=", "="],
                ),
            ],
        );
    });
}

fn decks(owner: &mut Session) {
    event(owner, 5, 0);
    by(owner, Who::User("ana"),
        "insert into public.pitch_decks (id, user_id, title) values ({deck}, {ana}, 'Deck');
         insert into public.deck_slides (id, deck_id, slide_order, slide_type, content) values
           ({one}, {deck}, 1, 'title', '{\"h\": 1}'), ({two}, {deck}, 2, 'ask', '{\"h\": 2}');
         update public.deck_slides set content = '{\"h\": 3}' where id = {two};
         update public.pitch_decks set title = 'Better deck' where id = {deck};
         insert into public.deck_collaborators (deck_id, user_id, role, invited_by) values ({deck}, {ben}, 'editor', {ana});");
    by(owner, Who::User("ben"), "delete from public.deck_slides where id = {one}");
}

#[test]
fn the_stream_says_all_and_the_projection_adds_it_up() {
    each_version("medellin_spark", Rows::Base, |db| {
        let mut owner = db.connect().unwrap();
        decks(&mut owner);
        let stream = texts(
            &mut owner,
            "select e.stream_version, e.kind, p.full_name from public.deck_events e join public.profiles p on p.id = e.actor_id order by e.stream_version",
        );
        assert_eq!(
            stream,
            [
                "1 deck_created Ana",
                "2 slide_added Ana",
                "3 slide_added Ana",
                "4 slide_changed Ana",
                "5 deck_changed Ana",
                "6 slide_removed Ben",
            ]
        );
        let projection = "select a.events, a.slides_added, a.edits, p.full_name from public.deck_activity a join public.profiles p on p.id = a.last_actor_id";
        assert_eq!(texts(&mut owner, projection), ["6 2 2 Ben"]);
        // what happened cannot be changed by anybody
        for who in [Who::User("ana"), Who::User("root"), Who::Service] {
            let said = told(
                &mut owner,
                who,
                &["update public.deck_events set kind = 'deck_deleted'", "delete from public.deck_events"],
            );
            assert!(said.iter().all(|s| s.starts_with("42501")), "{who:?}: {said:?}");
        }
        let refused = owner.batch_execute("delete from public.deck_events").unwrap_err();
        assert_eq!(refused.code().unwrap().code(), "42501");
        // the projection can be made anew from the stream
        let again = texts(
            &mut owner,
            "select count(*), count(*) filter (where kind = 'slide_added'), count(*) filter (where kind in ('deck_changed', 'slide_changed')) from public.deck_events",
        );
        assert_eq!(again, ["6 2 2"]);
        // the end of a deck is an event too
        by(&mut owner, Who::User("ana"), "delete from public.pitch_decks where id = {deck}");
        assert_eq!(
            texts(&mut owner, "select kind from public.deck_events order by stream_version desc limit 1"),
            ["deck_deleted"]
        );
    });
}

#[test]
fn two_writers_never_take_the_same_number() {
    for major in VERSIONS {
        let db = database("medellin_spark", major, Rows::Base);
        let mut owner = db.connect().unwrap();
        decks(&mut owner);
        let config = db.config(specc_postgres::platform::OWNER);
        thread::scope(|scope| {
            for writer in 0..12 {
                let config = &config;
                scope.spawn(move || {
                    let mut session = Session::connect(config).unwrap();
                    for n in 0..5 {
                        run(
                            &mut session,
                            &format!(
                                "insert into public.deck_slides (deck_id, slide_order) values ({{deck}}, {})",
                                100 + writer * 5 + n
                            ),
                        );
                    }
                });
            }
        });
        let gaps = texts(
            &mut owner,
            "select count(*), min(stream_version), max(stream_version), count(distinct stream_version) from public.deck_events",
        );
        assert_eq!(gaps, ["66 1 66 66"], "version {major}");
        assert_eq!(
            texts(&mut owner, "select events, slides_added from public.deck_activity"),
            ["66 62"],
            "version {major}"
        );
    }
}

#[test]
fn versions_are_saved_compared_and_restored() {
    each_version("medellin_spark", Rows::Base, |db| {
        let mut owner = db.connect().unwrap();
        decks(&mut owner);
        by(&mut owner, Who::User("ana"), "select public.save_deck_version({deck}, 'first')");
        by(&mut owner, Who::User("ben"),
            "update public.deck_slides set content = '{\"h\": 4}' where id = {two};
             insert into public.deck_slides (deck_id, slide_order, slide_type, content) values ({deck}, 3, 'team', '{}');
             select public.save_deck_version({deck});");
        let diff = specc_tests::Who::User("ana")
            .tries(&mut owner, &[sql("select slide_order || change from public.deck_version_diff({deck}, 1, 2)")]);
        assert_eq!(diff, ["2changed 3added"]);
        by(&mut owner, Who::User("ben"), "select public.restore_deck_version({deck}, 1)");
        assert_eq!(
            texts(&mut owner, "select slide_order, slide_type, content ->> 'h' from public.deck_slides order by 1"),
            ["2 ask 3"]
        );
        assert_eq!(
            texts(&mut owner, "select version_number, note from public.deck_versions order by 1"),
            ["1 first", "2 ", "3 before restoring version 1"]
        );
        // a stranger saves, compares and restores nothing
        let said = told(
            &mut owner,
            Who::User("carla"),
            &["select public.save_deck_version({deck})", "select public.restore_deck_version({deck}, 1)"],
        );
        assert!(said[0].starts_with("42501") && said[1].starts_with("P0002"), "{said:?}");
        // slides swap places in one transaction
        by(
            &mut owner,
            Who::User("ana"),
            "insert into public.deck_slides (deck_id, slide_order) values ({deck}, 1);
             update public.deck_slides set slide_order = 3 - slide_order;",
        );
        assert_eq!(texts(&mut owner, "select slide_order from public.deck_slides order by 1"), ["1", "2"]);
    });
}

#[test]
fn read_models_follow_what_is_written() {
    each_version("medellin_spark", Rows::Dev, |db| {
        let mut owner = db.connect().unwrap();
        run(&mut owner, "select public.refresh_startup_dashboards()");
        let figures = "select s.name, d.revenue_30_days, d.users, d.burn_rate_30_days from public.startup_dashboards d join public.startups s on s.id = d.startup_id order by 1";
        assert_eq!(texts(&mut owner, figures), ["Acme 2300.00 340 810.00", "Globex 90.00 12 250.00"]);
        run(
            &mut owner,
            "update public.startup_metrics set revenue = revenue + 100; select public.refresh_startup_dashboards()",
        );
        assert_eq!(texts(&mut owner, figures)[0], "Acme 2500.00 340 810.00");
        let open = "select bool_and(d.milestones_open = (select count(*) from public.startup_milestones m where m.startup_id = d.startup_id and not m.completed)) from public.startup_dashboards d";
        assert_eq!(texts(&mut owner, open), ["t"]);

        run(&mut owner, "select public.roll_up_day(current_date); select public.roll_up_day(current_date)");
        let day = "select new_profiles, registrations, applications, decks, revenue from public.daily_metrics";
        let rolled = texts(&mut owner, day);
        assert_eq!(rolled.len(), 1, "the same day is counted once");
        let counted = "select (select count(*) from public.profiles), (select count(*) from public.registrations where registered_at >= current_date), (select count(*) from public.job_applications), (select count(*) from public.pitch_decks), (select sum(amount) from public.payments where status = 'paid')";
        assert_eq!(rolled, texts(&mut owner, counted));

        run(
            &mut owner,
            "refresh materialized view concurrently public.company_funnel; refresh materialized view concurrently public.monthly_platform",
        );
        let funnel = texts(
            &mut owner,
            "select c.slug, f.applications from public.company_funnel f join public.companies c on c.id = f.company_id order by 1",
        );
        assert_eq!(funnel, ["acme 1", "globex 1"]);
    });
}
