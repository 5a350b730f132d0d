//! The correct spelling of every construct, as shown in help texts.

use super::Place;

/// Words that an item can start with.
pub(super) const ITEMS: &[&str] = &[
    "entity",
    "enum",
    "mixin",
    "policy",
    "predicate",
    "viewer",
    "view",
    "materialized",
    "function",
    "procedure",
    "trigger",
    "schema",
    "extension",
    "domain",
    "composite",
    "sequence",
    "role",
    "grant",
    "revoke",
    "owner",
    "bucket",
    "realtime",
    "schedule",
    "webhook",
    "seed",
    "sql",
    "scenario",
    "query",
    "size",
    "promise",
    "person",
    "external",
    "unlogged",
];

const MEMBERS: &[&str] = &[
    "key",
    "unique",
    "check",
    "index",
    "exclude",
    "search",
    "use",
    "reference",
    "partition",
    "workflow",
    "limit",
    "trigger",
    "policy",
    "promise",
    "rls",
    "with",
    "replica",
    "retain",
    "distribute",
];

/// Words that an entry of this block can start with.
pub(super) fn keywords(place: Place) -> &'static [&'static str] {
    match place {
        Place::Item => ITEMS,
        Place::Member => MEMBERS,
        Place::Domain => &["check"],
        Place::View => &["index", "unique"],
        Place::Webhook => &["url", "edge", "header", "timeout"],
        Place::Bucket => &["public", "size", "mime", "policy"],
        Place::Promise | Place::Actor => &["allow", "deny"],
        Place::Scenario => &["given", "as"],
        Place::Sequence => &["start", "increment", "min", "max", "cache", "cycle", "owned"],
        _ => &[],
    }
}

/// How the construct that starts with `keyword` is written.
pub(super) fn spelling(place: Place, keyword: &str) -> Option<&'static str> {
    Some(match (place, keyword) {
        (Place::Item, "entity" | "unlogged") => "`entity events { id: uuid = gen_random_uuid() key }`",
        (Place::Item, "external") => "`external entity auth.users { id: uuid key }` or `external role anon`",
        (Place::Item, "enum") => "`enum event_status { draft, published, cancelled }`",
        (Place::Item, "mixin") => "`mixin tenant(column) { $column -> startups }`",
        (Place::Item, "policy") => "`policy on events { published: allow select when status = 'published' }`",
        (Place::Item, "promise") => {
            "`promise 'drafts are their owner''s' on events { deny select unless owner_id = viewer }`"
        }
        (Place::Item, "scenario") => "`scenario 'drafts are hidden' { as ben { events -> only launch } }`",
        (Place::Item, "predicate") => "`predicate is_admin = viewer.role = 'admin'`",
        (Place::Item, "viewer") => "`viewer -> profiles`",
        (Place::Item, "view" | "materialized") => "`view active_events as $$ select … $$`",
        (Place::Item, "function") => "`function full_name(p: profiles) -> text as $$ select … $$`",
        (Place::Item, "procedure") => "`procedure rollup(day: date) as $$ … $$`",
        (Place::Item, "trigger") => "`trigger touch on events before update execute touch()`",
        (Place::Item, "query") => "`query upcoming(day: date) as anon within 50 ms p95 { select … }`",
        (Place::Item, "size") => "`size events 1_000_000, registrations 40 per event zipf`",
        (Place::Item, "person") => "`person profiles { invitations by email = contacts (email) }`",
        (Place::Item, "schema") => "`schema billing`",
        (Place::Item, "extension") => "`extension pg_trgm in extensions`",
        (Place::Item, "domain") => "`domain email: citext { check has_at: value ~ '@' }`",
        (Place::Item, "composite") => "`composite address { street: text, city: text }`",
        (Place::Item, "sequence") => "`sequence invoice_no: bigint { start 1000 increment 1 }`",
        (Place::Item, "role") => "`role reporting login in authenticated`",
        (Place::Item, "grant") => "`grant select on events to reporting`",
        (Place::Item, "revoke") => "`revoke select on events from reporting`",
        (Place::Item, "owner") => "`owner reporting of events, function f(int)`",
        (Place::Item, "bucket") => "`bucket avatars { public  size 5 MB  mime 'image/png' }`",
        (Place::Item, "realtime") => "`realtime { events, registrations (id, status) }`",
        (Place::Item, "schedule") => "`schedule nightly '0 2 * * *' as $$ call rollup() $$`",
        (Place::Item, "webhook") => "`webhook notify on orders after insert { url 'https://…' }`",
        (Place::Item, "seed") => "`seed dev { profiles ana { email: 'ana@example.com' } }`",
        (Place::Item, "sql") => "`sql name provides function f depends on events $$ … $$ down $$ … $$`",
        (Place::Member, "key") => "`key (tenant_id, id)`",
        (Place::Member, "unique") => "`unique (event_id, attendee_id) where status <> 'cancelled'`",
        (Place::Member | Place::Domain, "check") => "`check capacity_is_positive: capacity > 0`",
        (Place::Member | Place::View, "index") => {
            "`index (status, starts_at desc) using btree where deleted_at is null`"
        }
        (Place::Member, "exclude") => "`exclude using gist (room_id with =, during with &&)`",
        (Place::Member, "search") => "`search (title A, description B) using english`",
        (Place::Member, "use") => "`use timestamps, tenant(startup_id)`",
        (Place::Member, "reference") => "`reference (tenant_id, project_id) -> projects (tenant_id, id)`",
        (Place::Member, "partition") => {
            "`partition by range (created_at)`, with `every month` if you like, or `partition p from ('…') to ('…')`"
        }
        (Place::Member, "workflow") => "`workflow status { draft -> published, cancelled }`",
        (Place::Member, "limit") => "`limit seats: status = 'confirmed' per event_id to event.capacity`",
        (Place::Member, "trigger") => "`trigger touch before update execute touch()`",
        (Place::Member, "policy") => "`policy { read: allow select when is_public }`",
        (Place::Member, "promise") => "`promise 'rows stay with their owner' { deny update (owner_id) }`",
        (Place::Member, "rls") => "`rls off` or `rls force`",
        (Place::Member, "with") => "`with (fillfactor = 70)`",
        (Place::Member, "distribute") => {
            "`distribute by tenant_id`, `distribute as reference` or `distribute as local`"
        }
        (Place::Member, "retain") => "`retain 2 years` or `retain 90 days from created_at`",
        (Place::Member, "replica") => "`replica identity full` or `replica identity using index name`",
        (Place::Member, _) => "`name: type = default key unique`, or `column -> entity on delete cascade`",
        (Place::Enum, _) => "`draft` or `'in review' was reviewing`, apart by commas or line ends",
        (Place::Composite, _) => "`street: text`, apart by commas or line ends",
        (Place::Sequence, _) => "`start 1000 increment 1 min 1 max 99999 cache 1 cycle owned by invoices.no`",
        (Place::Workflow, _) => "`draft -> published, cancelled when starts_at > now()`",
        (Place::View, _) => "`unique index (id)`",
        (Place::Webhook, _) => "`url 'https://…'`, `edge function 'name'`, `header 'name' 'value'` or `timeout 5000`",
        (Place::Policy, _) => "`name: allow select, update to authenticated when owner_id = viewer`",
        (Place::Promise, _) => "`deny update (title) to authenticated unless owner_id = viewer`",
        (Place::Scenario, "given") => "`given { events party { organizer_id: ana, title: 'Party' } }`",
        (Place::Scenario, _) => "`as ben { events -> only launch }` or `given { … }`",
        (Place::Actor, "allow" | "deny") => {
            "`deny insert events { … }`, `allow update launch { title: 'x' }`, `deny delete launch` or `allow call f(1)`"
        }
        (Place::Actor, _) => "`events -> only launch, workshop`, `events -> none`, `-> all` or `-> 3 rows`",
        (Place::Bucket, _) => "`public`, `size 5 MB`, `mime 'image/png', 'image/*'` or `policy { … }`",
        (Place::Realtime, _) => "`registrations (id, status) where status = 'confirmed'`",
        (Place::Seed, _) => "`events launch { title: 'Launch' }` or `events * 100 { title: fake.sentence }`",
        (Place::Person, _) => "`notes by author_id` or `invitations by email = contacts (email)`",
        (Place::Size, _) => "`status: published 60 %, draft 30 %` or `note: nulls 40 %, width 200`",
        (Place::SeedRow, _) => "`title: 'Launch night'`, apart by commas or line ends",
        _ => return None,
    })
}
