//! Never more seats taken than there are, however many ask at once; and a seat that becomes free goes to who waits longest.

use crate::behaviour::{event, run};
use specc_postgres::platform::{AUTHENTICATED, OWNER, claims};
use specc_postgres::{Database, Session, as_user_commit, postgres};
use specc_tests::{Rows, VERSIONS, Who, database, each_version, one_text, sql, texts};
use std::sync::Barrier;
use std::thread;

/// Has `count` sessions do something at the same time, each with its number.
/// So many sessions share the work: each has to learn the schema first, which costs more than all that it does.
const SESSIONS: u32 = 20;

fn at_once(db: &Database, count: u32, act: impl Fn(&mut Session, u32) + Sync) {
    let sessions = count.min(SESSIONS);
    let gate = Barrier::new(sessions as usize);
    let config = db.config(OWNER);
    thread::scope(|scope| {
        for first in 1..=sessions {
            let (gate, config, act) = (&gate, &config, &act);
            thread::Builder::new()
                .stack_size(512 * 1024)
                .spawn_scoped(scope, move || {
                    let session = Session::connect(config);
                    gate.wait();
                    let mut session = session.unwrap();
                    (first..=count).step_by(SESSIONS as usize).for_each(|n| act(&mut session, n));
                })
                .unwrap();
        }
    });
}

fn person(n: u32) -> String {
    format!("md5('person {n}')::uuid")
}

/// Signs up through the API's role, as the person with this number.
fn register(session: &mut Session, n: u32) -> Result<u64, postgres::Error> {
    let key: String = session.query_one(&format!("select {}::text", person(n)), &[])?.get(0);
    as_user_commit(session, AUTHENTICATED, &claims(&key), |tx| {
        tx.execute(
            &sql(&format!(
                "insert into public.registrations (event_id, attendee_id) values ({{launch}}, {})",
                person(n)
            )),
            &[],
        )
    })
}

fn cancel(session: &mut Session, n: u32) -> Result<u64, postgres::Error> {
    let key: String = session.query_one(&format!("select {}::text", person(n)), &[])?.get(0);
    as_user_commit(session, AUTHENTICATED, &claims(&key), |tx| {
        tx.execute(
            &sql(&format!(
                "update public.registrations set status = 'cancelled' where event_id = {{launch}} and attendee_id = {}",
                person(n)
            )),
            &[],
        )
    })
}

/// Confirmed, waitlisted, cancelled; then what the event's own counters say.
fn tally(owner: &mut Session) -> String {
    one_text(
        owner,
        "select count(*) filter (where r.status = 'confirmed') || ' ' || count(*) filter (where r.status = 'waitlisted') || ' '
                || count(*) filter (where r.status = 'cancelled') || ', ' || e.registered || ' ' || e.waitlisted
         from public.events e left join public.registrations r on r.event_id = e.id where e.id = {launch} group by e.id",
    )
}

/// Who has this status, the oldest registration first.
fn people(owner: &mut Session, status: &str) -> Vec<String> {
    texts(
        owner,
        &format!(
            "select p.full_name from public.registrations r join public.profiles p on p.id = r.attendee_id
             where r.event_id = {{launch}} and r.status = '{status}' order by r.registered_at, r.id"
        ),
    )
}

#[test]
fn two_hundred_ask_for_fifty_seats() {
    for major in VERSIONS {
        let db = database("medellin_spark", major, Rows::Base);
        let mut owner = db.connect().unwrap();
        event(&mut owner, 50, 200);

        at_once(&db, 200, |session, n| assert_eq!(register(session, n).unwrap(), 1));
        assert_eq!(tally(&mut owner), "50 150 0, 50 150", "version {major}");

        // everybody who waits has a place of their own in the queue, without gaps
        let places = "select count(*) || ' ' || count(distinct place) || ' ' || min(place) || ' ' || max(place) from public.waitlist";
        assert_eq!(Who::User("ana").tries(&mut owner, &[places.to_owned()]), ["150 150 1 150"], "version {major}");

        // one seat becomes free: one gets it, and it is who waits longest
        let (seated, waiting) = (people(&mut owner, "confirmed"), people(&mut owner, "waitlisted"));
        let number = |name: &String| name.trim_start_matches("Person ").parse::<u32>().unwrap();
        cancel(&mut owner, number(&seated[0])).unwrap();
        assert_eq!(tally(&mut owner), "50 149 1, 50 149", "version {major}");
        assert_eq!(people(&mut owner, "waitlisted"), waiting[1..], "version {major}: the oldest is promoted");

        // twenty become free at once: the twenty who wait longest get them
        let leaving: Vec<_> = seated[1..21].iter().map(number).collect();
        at_once(&db, 20, |session, n| assert_eq!(cancel(session, leaving[n as usize - 1]).unwrap(), 1));
        assert_eq!(tally(&mut owner), "50 129 21, 50 129", "version {major}");
        assert_eq!(people(&mut owner, "waitlisted"), waiting[21..], "version {major}: the oldest are promoted");

        // a larger room seats more of them
        run(&mut owner, "update public.events set capacity = 60 where id = {launch}");
        assert_eq!(tally(&mut owner), "60 119 21, 60 119", "version {major}");
        assert_eq!(people(&mut owner, "waitlisted"), waiting[31..], "version {major}: more seats promote");

        // who gave up waiting takes no seat from anybody, and a row that goes frees its seat too
        run(&mut owner, "delete from public.registrations where id in (
               select id from public.registrations where event_id = {launch} and status = 'confirmed' order by registered_at limit 5)");
        assert_eq!(tally(&mut owner), "60 114 21, 60 114", "version {major}");
    }
}

#[test]
fn seats_stay_right_while_people_come_and_go() {
    for major in VERSIONS {
        let db = database("medellin_spark", major, Rows::Base);
        let mut owner = db.connect().unwrap();
        event(&mut owner, 10, 40);
        at_once(&db, 40, |session, n| {
            for round in 0..4 {
                register(session, n).unwrap();
                if (n + round) % 3 != 0 || round < 3 {
                    cancel(session, n).unwrap();
                }
            }
        });
        let live =
            texts(&mut owner, "select 1 from public.registrations where status in ('confirmed', 'waitlisted')").len();
        assert_eq!(
            people(&mut owner, "confirmed").len(),
            live.min(10),
            "version {major}: no seat is empty while somebody waits"
        );
        let tally = tally(&mut owner);
        let (rows, counters) = tally.split_once(", ").unwrap();
        assert!(rows.starts_with(counters), "version {major}: {tally}");
    }
}

#[test]
fn a_limit_holds_for_every_way_into_it() {
    each_version("medellin_spark", Rows::Base, |db| {
        let mut owner = db.connect().unwrap();
        event(&mut owner, 2, 6);
        // many rows in one statement
        run(
            &mut owner,
            "insert into public.registrations (event_id, attendee_id, registered_at)
             select {launch}, md5('person ' || n)::uuid, now() - n * interval '1 minute' from generate_series(1, 5) n",
        );
        assert_eq!(tally(&mut owner), "2 3 0, 2 3");
        // a waiting row cannot be pushed in by an update
        run(&mut owner, "update public.registrations set status = 'confirmed' where status = 'waitlisted'");
        assert_eq!(tally(&mut owner), "2 3 0, 2 3");
        // many seats freed in one statement
        let waiting = people(&mut owner, "waitlisted");
        run(&mut owner, "update public.registrations set status = 'cancelled' where status = 'confirmed'");
        assert_eq!(tally(&mut owner), "2 1 2, 2 1");
        assert_eq!(people(&mut owner, "confirmed"), waiting[..2], "who waits longest comes first");
        // waiting people who cancel free nothing
        run(&mut owner, "update public.registrations set status = 'cancelled' where status = 'waitlisted'");
        assert_eq!(tally(&mut owner), "2 0 3, 2 0");
        // a person who left may come back
        run(
            &mut owner,
            "insert into public.registrations (event_id, attendee_id) select event_id, attendee_id
             from public.registrations where status = 'cancelled' order by registered_at limit 1",
        );
        assert_eq!(tally(&mut owner), "2 1 3, 2 1");
        // but not twice at a time
        let again = "insert into public.registrations (event_id, attendee_id) select event_id, attendee_id
             from public.registrations where status = 'confirmed' limit 1";
        let told = crate::behaviour::told(&mut owner, Who::Service, &[again]);
        assert!(told[0].starts_with("23505"), "{told:?}");
        // an event with nobody at it
        run(&mut owner, "update public.events set capacity = capacity + 1 where id = {launch}");
        assert_eq!(tally(&mut owner), "3 0 3, 3 0");
        run(
            &mut owner,
            "begin; set local specc.hard_delete = on; delete from public.events where id = {launch}; commit",
        );
        assert_eq!(one_text(&mut owner, "select count(*) from public.registrations"), "0");
    });
}

#[test]
fn people_are_told_of_their_seat() {
    let db = database("medellin_spark", 18, Rows::Base);
    let mut owner = db.connect().unwrap();
    event(&mut owner, 1, 2);
    register(&mut owner, 1).unwrap();
    register(&mut owner, 2).unwrap();
    cancel(&mut owner, 1).unwrap();
    let news = texts(
        &mut owner,
        "select p.full_name, n.kind, n.payload ->> 'status' from public.notifications n join public.profiles p on p.id = n.recipient_id
         order by n.created_at, n.kind desc",
    );
    assert_eq!(
        news,
        ["Person 1 registration confirmed", "Person 2 registration waitlisted", "Person 2 promotion confirmed"]
    );
    let place = Who::User("ben").tries(&mut owner, &[sql("select public.my_waitlist_place({launch})")]);
    assert_eq!(place, ["-"]);
}
