//! A spec with sizes and queries, made ready.

#![allow(missing_docs)]

use specc_catalog::Catalog;
use specc_diag::Sources;
use specc_model::{Model, Options};
use specc_size::Sizes;

pub struct Made {
    pub model: Model,
    pub catalog: Catalog,
    pub sizes: Sizes,
}

pub fn made(text: &str) -> Made {
    let mut sources = Sources::new();
    let id = sources.add("events.dbspec", text);
    let (file, wrong) = specc_syntax::parse(id, text);
    assert!(wrong.is_empty(), "{wrong:?}");
    let (model, findings) = specc_model::analyze(vec![file], &mut sources, Options::default());
    let errors: Vec<_> = findings.iter().filter(|found| found.code.name().starts_with('E')).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    let catalog = specc_lower::lower(&model).0;
    let sizes = Sizes::of(&model, &catalog, None);
    Made { model, catalog, sizes }
}

pub const EVENTS: &str = "
enum event_status { draft, published, cancelled, completed }
enum registration_status { confirmed, waitlisted, cancelled }
entity profiles {
  id -> auth.users key on delete cascade
  name: text
  email: text unique
  role: text = 'member'
  policy {
    all_see: allow select to authenticated
    own: allow update to authenticated when id = viewer
  }
}
viewer -> profiles
predicate is_admin = viewer.role = 'admin'
entity venues {
  id: uuid = gen_random_uuid() key
  city: text
  name: text
  index (city)
  policy { all: allow select }
}
entity events {
  id: uuid = gen_random_uuid() key
  organizer_id -> profiles on delete restrict
  venue_id -> venues? on delete set null
  title: text
  description: text?
  status: event_status = 'draft'
  capacity: int
  starts_at: timestamptz
  made_at: timestamptz = now()
  tags: text[] = '{}'
  use soft_delete
  index (status, starts_at)
  index (starts_at) where deleted_at is null
  index (tags) using gin
  search (title A, description B) using english
  policy {
    published: allow select when status in ('published', 'completed')
    own: allow all to authenticated when organizer_id = viewer
    admins: allow all to authenticated when is_admin
  }
}
entity registrations {
  id: uuid = gen_random_uuid() key
  event_id -> events on delete cascade
  attendee_id -> profiles on delete cascade
  status: registration_status = 'confirmed'
  registered_at: timestamptz = now()
  index (attendee_id, registered_at)
  policy {
    own: allow select, insert, update to authenticated when attendee_id = viewer
    organizers: allow select to authenticated when event.organizer_id = viewer
  }
}
entity comments {
  id: bigint identity key
  event_id -> events on delete cascade
  author_id -> profiles on delete cascade
  body: text
  made_at: timestamptz = now()
  index (event_id, made_at)
  policy {
    all: allow select
    own: allow insert, delete to authenticated when author_id = viewer
  }
}
entity follows {
  follower_id -> profiles on delete cascade
  followed_id -> profiles on delete cascade
  key (follower_id, followed_id)
  policy { own: allow select to authenticated when follower_id = viewer }
}
size profiles 20_000
size venues 500 { city: distinct 40, zipf }
size events 60_000 {
  organizer_id: distinct 4_000, zipf
  status: published 60 %, completed 30 %, cancelled 4 %
  description: nulls 20 %, width 300
  starts_at: between (now() - interval '3 years', now() + interval '1 year'), correlation 0
}
size registrations 5 per event zipf { attendee_id: zipf 0.7, status: confirmed 85 % }
size comments 2 per event zipf { body: width 120 }
size follows 100_000 { follower_id: distinct 15_000, zipf 0.6, followed_id: distinct 18_000, zipf 0.8 }

query event(which: uuid from events.id) as anon within 10 ms { select * from events where id = which }
query event_of_mine(which: uuid from events.id) as authenticated { select * from events where id = which }
query upcoming as anon within 50 ms {
  select id, title, starts_at from events where status = 'published' and starts_at > now() order by starts_at limit 20
}
query upcoming_signed_in as authenticated {
  select id, title, starts_at from events where status = 'published' and starts_at > now() order by starts_at limit 20
}
query my_events(who: uuid from profiles.id) as authenticated {
  select id, title from events where organizer_id = who order by starts_at desc limit 50
}
query events_i_attend(who: uuid from profiles.id) as authenticated {
  select e.id, e.title, e.starts_at from registrations r join events e on e.id = r.event_id
  where r.attendee_id = who and r.status = 'confirmed' order by e.starts_at
}
query attendees(which: uuid from events.id) as authenticated {
  select p.id, p.name from registrations r join profiles p on p.id = r.attendee_id where r.event_id = which limit 100
}
query attendee_count(which: uuid from events.id) as service_role {
  select count(*) from registrations where event_id = which and status = 'confirmed'
}
query fill_of_events(who: uuid from profiles.id) as service_role {
  select e.id, e.capacity, count(r.id) from events e left join registrations r on r.event_id = e.id and r.status = 'confirmed'
  where e.organizer_id = who group by e.id
}
query search_events(words: text) as anon within 500 ms {
  select id, title from events where search @@ websearch_to_tsquery('english', words) limit 20
}
query tagged(tag: text) as anon { select id, title from events where tags @> array[tag] limit 20 }
query venues_of(place: text from venues.city) as anon { select id, name from venues where city = place }
query events_in(place: text from venues.city) as anon {
  select e.id, e.title, v.name from venues v join events e on e.venue_id = v.id
  where v.city = place and e.starts_at > now() and e.status = 'published' order by e.starts_at limit 20
}
query comments_of(which: uuid from events.id) as authenticated {
  select c.body, p.name from comments c left join profiles p on p.id = c.author_id where c.event_id = which order by c.made_at limit 50
}
query latest_comments(which: uuid from events.id) as authenticated {
  select c.body, p.name from comments c join profiles p on p.id = c.author_id where c.event_id = which order by c.made_at desc limit 10
}
query my_registrations(who: uuid from profiles.id) as authenticated {
  select * from registrations where attendee_id = who order by registered_at desc limit 20
}
query is_registered(which: uuid from events.id, who: uuid from profiles.id) as authenticated {
  select exists (select from registrations where event_id = which and attendee_id = who and status <> 'cancelled')
}
query feed(who: uuid from profiles.id) as service_role {
  select e.id, e.title from follows f join events e on e.organizer_id = f.followed_id
  where f.follower_id = who and e.status = 'published' order by e.starts_at desc limit 20
}
query followers(who: uuid from profiles.id) as service_role { select count(*) from follows where followed_id = who }
query profile_by_mail(mail: text from profiles.email) as service_role { select id, name from profiles where email = mail }
query by_status as service_role { select status, count(*) from events group by status }
query busiest as service_role {
  select e.id, e.title, count(*) from registrations r join events e on e.id = r.event_id
  group by e.id, e.title order by count(*) desc limit 10
}
query recent_registrations(since: timestamptz) as service_role {
  select r.id, p.email, e.title from registrations r join profiles p on p.id = r.attendee_id join events e on e.id = r.event_id
  where r.registered_at > since and r.status = 'waitlisted' order by r.registered_at limit 100
}
query page_of_events(after: timestamptz, count: int) as anon {
  select id, title from events where starts_at > after and status = 'published' order by starts_at limit count
}
query with_venue(which: uuid from events.id) as anon {
  select e.title, v.name, v.city from events e left join venues v on v.id = e.venue_id where e.id = which
}
query talkative as service_role {
  select author_id, count(*) from comments where made_at > now() - interval '7 days' group by author_id order by 2 desc limit 10
}
";
