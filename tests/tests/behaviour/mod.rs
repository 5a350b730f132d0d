//! The specs in use: what triggers, limits, workflows, trails, searches and the platform's services do, on a real server.

#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

mod audit;
mod capacity;
mod counts;
mod erase;
mod extensions;
mod hostile;
mod kept;
mod left;
mod load;
mod platform;
mod removed;
mod rolling;
mod rows;
mod search;
mod streams;
mod two;
mod versions;
mod workflow;

use specc_postgres::Session;
use specc_tests::stage::said;
use specc_tests::{Who, sql};

/// An event with people around it: `{ana}` organizes `{launch}`, which has `seats` seats and `people` profiles to fill
/// them, `{ben}` and `{carla}` among the others; `{root}` is an admin.
fn event(owner: &mut Session, seats: u32, people: u32) {
    let statement = format!(
        "insert into auth.users (id, email)
           select k, n || '@example.com' from (values ('ana', {{ana}}::uuid), ('ben', {{ben}}), ('carla', {{carla}}), ('root', {{root}})) p (n, k);
         insert into public.profiles (id, full_name) values ({{ana}}, 'Ana'), ({{ben}}, 'Ben'), ({{carla}}, 'Carla');
         insert into public.profiles (id, full_name, role) values ({{root}}, 'Root', 'admin');
         insert into auth.users (id, email)
           select md5('person ' || n)::uuid, 'person' || n || '@example.com' from generate_series(1, {people}) n;
         insert into public.profiles (id, full_name)
           select md5('person ' || n)::uuid, 'Person ' || n from generate_series(1, {people}) n;
         insert into public.events (id, organizer_id, title, status, capacity, online_url, starts_at)
           values ({{launch}}, {{ana}}, 'Launch night', 'published', {seats}, 'https://example.com', now() + interval '7 days');"
    );
    owner.batch_execute(&sql(&statement)).unwrap();
}

/// What somebody is told for each statement.
fn told(session: &mut Session, who: Who, statements: &[&str]) -> Vec<String> {
    let statements: Vec<_> = statements.iter().map(|s| sql(s)).collect();
    who.is_told(session, &statements)
}

/// Runs statements as the owner.
fn run(owner: &mut Session, statements: &str) {
    owner.batch_execute(&sql(statements)).unwrap_or_else(|error| panic!("{}\n{statements}", said(&error)));
}
