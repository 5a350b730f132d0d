//! What rules must not open together: a file stays in its bucket, and a plain query sees what who asks may read wherever it
//! stands. Each attack runs as the role named, on every version.

#![allow(clippy::unwrap_used)]

use specc_tests::access::matrix;
use specc_tests::stage::run;
use specc_tests::{Rows, VERSIONS, Who, findings, project, sql};

const PEOPLE: &str = "
entity profiles {
  id -> auth.users  key as account on delete cascade
  role: text = 'user'
  policy { own: allow select to authenticated when id = viewer }
}
viewer -> profiles
predicate is_admin = viewer.role = 'admin'
";

const ROWS: &str = "
insert into auth.users (id) values ({ana}), ({eve}), ({root});
insert into profiles (id, role) values ({ana}, 'user'), ({eve}, 'user'), ({root}, 'admin');
";

const ASKED: [Who; 4] = [Who::Anon, Who::User("ana"), Who::User("root"), Who::Service];

fn attacked(spec: &str, rows: &str, attacks: &[(&str, [&str; 4])]) {
    let built = project(&[PEOPLE, spec].concat());
    for major in VERSIONS {
        let db = built.database(major, Rows::Base);
        let mut owner = db.connect().unwrap();
        run(&mut owner, "rows", &sql(&[ROWS, rows].concat()));
        matrix(&mut owner, ASKED, attacks);
    }
}

const BUCKETS: &str = "
bucket drafts {
  policy { own: allow all to authenticated when (storage.foldername(name))[1] = viewer::text }
}
bucket pages {
  public
  policy {
    own: allow select, update to authenticated when (storage.foldername(name))[1] = viewer::text
    all: allow all to authenticated when is_admin
  }
}
";

#[test]
fn a_file_stays_in_its_bucket() {
    attacked(
        BUCKETS,
        "insert into storage.objects (bucket_id, name) values ('drafts', {ana} || '/a'), ('pages', {ana} || '/b'), ('drafts', {eve} || '/e');",
        &[
            ("update storage.objects set metadata = '[]' where bucket_id = 'drafts'", ["0", "1", "0", "2"]),
            (
                "update storage.objects set name = {ana} || '/c' where bucket_id = 'drafts' and name like '%/a'",
                ["0", "1", "0", "1"],
            ),
            ("update storage.objects set bucket_id = 'pages' where bucket_id = 'drafts'", ["0", "42501", "0", "2"]),
            ("update storage.objects set bucket_id = 'drafts' where bucket_id = 'pages'", ["0", "42501", "42501", "1"]),
            (
                "update storage.objects set bucket_id = 'pages', id = gen_random_uuid() where bucket_id = 'drafts'",
                ["0", "42501", "0", "2"],
            ),
            (
                "update storage.objects a set bucket_id = b.bucket_id from storage.objects b where a.bucket_id = 'drafts' and b.bucket_id = 'pages'",
                ["0", "42501", "0", "2"],
            ),
        ],
    );
}

const NOTES: &str = "
entity rooms {
  id: int key
  policy { see: allow select to authenticated }
}
entity keys {
  id: int key
  room_id -> rooms on delete cascade
  user_id -> profiles on delete cascade
  level: int = 1
  policy { own: allow select to authenticated when user_id = viewer }
}
entity colours {
  name: text key
  level: int
  policy { everyone: allow select to authenticated }
}
entity notes {
  id: int key
  room_id -> rooms on delete cascade
  level: int = 1
  policy { RULE }
}
";

fn ruled(rule: &str) -> String {
    NOTES.replace("RULE", rule)
}

/// The same words see the same rows, whatever stands beside them; where that cannot be, they are refused.
#[test]
fn a_plain_query_sees_what_who_asks_may_read() {
    let refused = |rule: &str| {
        let found = findings(&[PEOPLE, &ruled(rule)].concat());
        found.iter().any(|(code, message)| code == "E0616" && message.contains("`keys`"))
    };
    let inside = [
        "r: allow select to authenticated when exists room.keys (user_id = viewer and level >= (select max(k.level) from keys k))",
        "r: allow select to authenticated when exists room.keys (user_id in (select k.user_id from keys k))",
        "r: allow select to authenticated when room.id = (select max(k.room_id) from keys k)",
        "r: allow select to authenticated when not (room.id in (select k.room_id from keys k))",
        "r: allow select to authenticated when exists (select 1 from keys k where k.room_id = this.room.id)",
        "r: allow select when exists room.keys (user_id = viewer and exists (select 1 from keys k where k.level > 3))",
    ];
    for rule in inside {
        assert!(refused(rule), "{rule}");
    }
    let outside = [
        "r: allow select to authenticated when exists (select 1 from keys k where k.room_id = this.room_id)",
        "r: allow select to authenticated when exists room.keys (user_id = viewer) and exists (select 1 from keys k where k.room_id = this.room_id)",
        "r: allow select to authenticated when exists room.keys (user_id = viewer and level in (select c.level from colours c))",
    ];
    for rule in outside {
        assert!(!refused(rule), "{rule}");
    }
    for rule in &outside[..2] {
        attacked(
            &ruled(rule),
            "insert into rooms values (1), (2); insert into keys values (1, 1, {ana}, 1), (2, 2, {eve}, 1); insert into notes values (1, 1), (2, 2);",
            &[("select id from notes", ["42501", "1", "-", "1 2"])],
        );
    }
}

/// What a function with the rights of its caller reads is such a query too.
#[test]
fn a_function_of_the_caller_is_refused_where_every_row_is_seen() {
    let spec = ruled("r: allow select to authenticated when exists room.keys (level > most())");
    let spec = format!(
        "{PEOPLE}{spec}function most() -> int stable to authenticated as $$ select max(level) from public.keys $$\n"
    );
    let found = findings(&spec);
    assert!(found.iter().any(|(code, _)| code == "E0616"), "{found:?}");
    let found = findings(&spec.replace("stable to", "stable security definer to"));
    assert!(found.iter().all(|(code, _)| code != "E0616"), "{found:?}");
}
