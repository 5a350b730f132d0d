use super::medellin_people::PEOPLE_ROWS;
use crate::access::with_rows;
use specc_tests::Who;
use specc_tests::access::matrix;

/// Ana organizes, Ben attends the launch and the cancelled one, Carla waits, Diego has nothing to do with it.
const ROWS: &str = "
insert into public.venues (id, created_by, name, address) values ({hall}, {ana}, 'Hall', 'Street'), ({park}, {carla}, 'Park', 'Street');
insert into public.events (id, organizer_id, title, status, capacity, price, online_url, starts_at) values
  ({launch}, {ana}, 'Launch', 'published', 1, 0, 'https://example.com', now() + interval '1 day'),
  ({secret}, {ana}, 'Secret', 'draft', 5, 0, null, now() + interval '1 day'),
  ({off}, {ana}, 'Off', 'published', 5, 10, 'https://example.com', now() + interval '1 day'),
  ({past}, {ana}, 'Past', 'published', 5, 0, 'https://example.com', now() - interval '1 day'),
  ({other}, {carla}, 'Other', 'published', 5, 0, 'https://example.com', now() + interval '1 day');
insert into public.registrations (id, event_id, attendee_id, note) values ({benlaunch}, {launch}, {ben}, 'Ben'), ({carlalaunch}, {launch}, {carla}, 'Carla'), ({benoff}, {off}, {ben}, 'Off');
insert into public.payments (registration_id, amount, stripe_payment_id) values ({benoff}, 10, 'pi_ben');
insert into public.stripe_events (id, type, payload) values ('evt_1', 'payment', '{}');
update public.events set status = 'cancelled' where id = {off};
delete from public.event_activity;
insert into public.event_activity (event_id, kind) values ({launch}, 'viewed'), ({other}, 'shared');
";

const PEOPLE: [Who; 6] = [Who::Anon, Who::User("ana"), Who::User("ben"), Who::User("carla"), Who::User("diego"), Who::User("root")];

#[test]
fn venues_and_events() {
    with_rows("medellin_spark", &[PEOPLE_ROWS, ROWS].concat(), |owner| {
        matrix(owner, PEOPLE, &[
            ("select name from public.venues", ["Hall Park", "=", "=", "=", "=", "="]),
            ("insert into public.venues (created_by, name, address) values ({ana}, 'New', 'x')", ["42501", "1", "42501", "42501", "42501", "42501"]),
            ("insert into public.venues (created_by, name, address) values (null, 'New', 'x')", ["42501", "=", "=", "=", "=", "="]),
            ("update public.venues set city = 'Cali'", ["42501", "1", "0", "1", "0", "2"]),
            ("update public.venues set created_by = {ben}", ["42501", "=", "=", "=", "=", "="]),
            ("delete from public.venues", ["42501", "0", "0", "0", "0", "2"]),

            ("select title from public.events", ["Launch Other Past", "Launch Off Other Past Secret", "Launch Off Other Past", "Launch Other Past", "Launch Other Past", "Launch Off Other Past Secret"]),
            ("insert into public.events (organizer_id, title, capacity, starts_at) values ({ana}, 'New', 5, now())", ["42501", "1", "42501", "42501", "42501", "1"]),
            ("insert into public.events (organizer_id, title, capacity, starts_at) values ({diego}, 'New', 5, now())", ["42501", "42501", "42501", "42501", "1", "1"]),
            ("update public.events set tags = array['x'] where status <> 'cancelled'", ["42501", "3", "0", "1", "0", "4"]),
            ("update public.events set organizer_id = {ben} where title = 'Launch'", ["42501", "23514", "0", "0", "0", "23514"]),
            ("update public.events set capacity = 100 where title = 'Launch'", ["42501", "1", "0", "0", "0", "1"]),
            ("delete from public.events where title = 'Launch'", ["42501", "0", "0", "0", "0", "0"]),
            ("select (select count(*) from public.events)::text from public.events where title = 'Secret' for update", ["42501", "5", "-", "-", "-", "5"]),

            ("select title from public.event_capacity", ["Launch Other Past", "=", "=", "=", "=", "="]),
            ("select title from public.my_events", ["42501", "-", "Launch Off", "Launch", "-", "-"]),
            ("select place from public.waitlist", ["42501", "1", "-", "-", "-", "-"]),
            ("select public.my_waitlist_place({launch})", ["42501", "-", "-", "1", "-", "-"]),
            ("select title from public.search_events('secret or off or launch')", ["Launch", "=", "=", "=", "=", "="]),
        ]);
    });
}

/// A delete by somebody who may hides the row; it is no row touched, so this looks.
#[test]
fn deleting_an_event_hides_it() {
    with_rows("medellin_spark", &[PEOPLE_ROWS, ROWS].concat(), |owner| {
        for (who, deleted) in [("ben", "-"), ("ana", "Secret"), ("root", "Launch Off Other Past")] {
            let who = Who::User(who);
            specc_postgres::as_user_commit(owner, who.role(), &who.claims(), |tx| tx.batch_execute("delete from public.events")).unwrap();
            let gone = Who::Service.tries(owner, &[specc_tests::sql(&format!(
                "select title from public.events where deleted_by = {}", match who { Who::User(name) => format!("{{{name}}}"), _ => unreachable!() }
            ))]);
            assert_eq!(gone, [deleted], "{who:?}");
        }
    });
}

#[test]
fn registrations_and_payments() {
    with_rows("medellin_spark", &[PEOPLE_ROWS, ROWS].concat(), |owner| {
        matrix(owner, PEOPLE, &[
            ("select note from public.registrations", ["42501", "Ben Carla Off", "Ben Off", "Carla", "-", "Ben Carla Off"]),
            ("insert into public.registrations (event_id, attendee_id) values ({launch}, {diego})", ["42501", "42501", "42501", "42501", "1", "42501"]),
            ("insert into public.registrations (event_id, attendee_id) values ({launch}, {ana})", ["42501", "1", "42501", "42501", "42501", "42501"]),
            ("insert into public.registrations (event_id, attendee_id) values ({launch}, {ben})", ["42501", "42501", "23505", "42501", "42501", "42501"]),
            // not open: a draft, a cancelled event, one that has begun
            ("insert into public.registrations (event_id, attendee_id) values ({secret}, {diego})", ["42501", "=", "=", "=", "=", "="]),
            ("insert into public.registrations (event_id, attendee_id) values ({off}, {diego})", ["42501", "=", "=", "=", "=", "="]),
            ("insert into public.registrations (event_id, attendee_id) values ({past}, {diego})", ["42501", "=", "=", "=", "=", "="]),
            // neither the place in the queue nor the payment can be chosen
            ("insert into public.registrations (event_id, attendee_id, registered_at) values ({launch}, {diego}, '2000-01-01')", ["42501", "=", "=", "=", "=", "="]),
            ("insert into public.registrations (event_id, attendee_id, payment_status) values ({launch}, {diego}, 'paid')", ["42501", "=", "=", "=", "=", "="]),
            ("insert into public.registrations (event_id, attendee_id, status) values ({launch}, {diego}, 'confirmed')", ["42501", "=", "=", "=", "=", "="]),
            ("update public.registrations set status = 'cancelled' where event_id = {launch}", ["42501", "2", "1", "1", "0", "2"]),
            ("update public.registrations set status = 'attended' where note = 'Ben'", ["42501", "1", "42501", "0", "0", "1"]),
            ("update public.registrations set status = 'confirmed' where note = 'Carla'", ["42501", "1", "0", "42501", "0", "1"]),
            ("update public.registrations set attendee_id = {diego}", ["42501", "=", "=", "=", "=", "="]),
            ("update public.registrations set note = 'x'", ["42501", "=", "=", "=", "=", "="]),
            ("delete from public.registrations", ["42501", "=", "=", "=", "=", "="]),

            ("select stripe_payment_id from public.payments", ["42501", "pi_ben", "pi_ben", "-", "-", "pi_ben"]),
            ("insert into public.payments (registration_id, amount, stripe_payment_id) values ({benlaunch}, 1, 'x')", ["42501", "=", "=", "=", "=", "="]),
            ("update public.payments set amount = 1", ["42501", "=", "=", "=", "=", "="]),
            ("delete from public.payments", ["42501", "=", "=", "=", "=", "="]),

            ("select id from public.stripe_events", ["42501", "-", "-", "-", "-", "evt_1"]),
            ("insert into public.stripe_events (id, type, payload) values ('evt_2', 'x', '{}')", ["42501", "=", "=", "=", "=", "="]),
            ("update public.stripe_events set processed_at = now()", ["42501", "=", "=", "=", "=", "="]),
            ("delete from public.stripe_events", ["42501", "=", "=", "=", "=", "="]),

            ("select kind from public.event_activity", ["42501", "viewed", "-", "shared", "-", "shared viewed"]),
            ("insert into public.event_activity (event_id, kind) values ({launch}, 'x')", ["42501", "=", "=", "=", "=", "="]),
            ("update public.event_activity set kind = 'x'", ["42501", "=", "=", "=", "=", "="]),
            ("delete from public.event_activity", ["42501", "=", "=", "=", "=", "="]),
            ("select kind from public.event_activity_rest", ["42501", "=", "=", "=", "=", "="]),
        ]);
    });
}
