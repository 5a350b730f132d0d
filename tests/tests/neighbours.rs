//! Attacks over constructs that stand beside each other: counts, limits, waitlists, workflows, buckets, restrictive rules,
//! column lists, helpers and views; as nobody, as a member, as a member who was removed, and as an owner, on every version.

#![allow(clippy::unwrap_used)]

use specc_tests::access::matrix;
use specc_tests::stage::run;
use specc_tests::{Rows, VERSIONS, Who, project, sql};

const SPEC: &str = "
entity profiles {
  id -> auth.users  key as account on delete cascade
  role: text = 'user'
  policy {
    own:  allow select, update to authenticated when id = viewer
    role_stays: forbid update (role)
  }
}
viewer -> profiles

enum seat_status { confirmed, waitlisted, cancelled }

predicate belongs(c: clubs) = exists c.club_members (person_id = viewer)
predicate owns(c: clubs) = exists c.club_members (person_id = viewer and role = 'owner')

entity clubs {
  id: int key
  name: text = 'x'
  secret: text = 's'
  capacity: int = 1
  people: int = count(club_members)
  taken: int = count(seats where status = 'confirmed')
  use timestamps
  policy {
    members: allow select to authenticated when belongs(this)
    owners:  allow update (name, capacity) to authenticated when owns(this)
    gone:    forbid all unless name <> 'banned'
  }
}

entity club_members {
  id: bigint key identity
  club_id   -> clubs    inverse club_members on delete cascade
  person_id -> profiles on delete cascade
  role: text = 'member'
  use soft_delete
  unique (club_id, person_id)
  policy {
    see:    allow select to authenticated when belongs(club)
    join:   allow insert (club_id, person_id) to authenticated when person_id = viewer
    remove: allow delete to authenticated when owns(club)
    manage: allow update (role) to authenticated when owns(club)
  }
}

entity seats {
  id: int key
  club_id  -> clubs    on delete cascade
  guest_id -> profiles on delete cascade
  status: seat_status = 'confirmed'
  at: timestamptz = now()
  workflow status {
    -> confirmed, waitlisted
    confirmed  -> cancelled, waitlisted
    waitlisted -> confirmed, cancelled
  }
  limit places: status = 'confirmed' per club_id to club.capacity else status = 'waitlisted' promote by at
  policy {
    own: allow select, insert (id, club_id, guest_id, status), update (status), delete to authenticated when guest_id = viewer and belongs(club)
  }
}

entity posts {
  id: int key
  club_id   -> clubs    on delete cascade
  author_id -> profiles on delete cascade
  title: text = ''
  body: text = ''
  pinned: boolean = false
  policy {
    see:     allow select to authenticated when belongs(club)
    write:   allow insert to authenticated when author_id = viewer and belongs(club)
    authors: allow update (title, body) to authenticated when author_id = viewer
    owners:  allow update (pinned), delete to authenticated when owns(club)
    pinned_stay: forbid update (body), delete when pinned
  }
}

view club_names to anon, authenticated as $$ select id, name from public.clubs $$
view open_names security definer security barrier to anon, authenticated as $$ select id from public.clubs where capacity > 0 $$

bucket files {
  policy {
    members: allow select to authenticated when exists (select 1 from club_members m where m.club_id::text = (storage.foldername(this.name))[1] and m.person_id = viewer)
    own:     allow insert, update, delete to authenticated when (storage.foldername(name))[1] = viewer::text
  }
}
bucket other {
  policy { own: allow select, update to authenticated when (storage.foldername(name))[1] = viewer::text }
}
";

const ROWS: &str = "
insert into auth.users (id) values ({ana}), ({eve}), ({root});
insert into profiles (id) values ({ana}), ({eve}), ({root});
insert into clubs (id, name) values (1, 'one'), (2, 'two'), (3, 'banned');
insert into club_members (club_id, person_id, role) values (1, {ana}, 'member'), (1, {eve}, 'member'), (1, {root}, 'owner'), (2, {root}, 'owner'), (3, {root}, 'owner');
update club_members set deleted_at = now() where person_id = {eve};
insert into seats (id, club_id, guest_id) values (1, 1, {root});
insert into seats (id, club_id, guest_id, status) values (2, 1, {ana}, 'waitlisted'), (3, 1, {eve}, 'waitlisted');
insert into posts (id, club_id, author_id, pinned) values (1, 1, {ana}, false), (2, 1, {ana}, true), (3, 1, {eve}, false), (4, 2, {root}, false);
insert into storage.objects (bucket_id, name) values ('files', '1/a'), ('files', '2/b'), ('files', {ana} || '/c'), ('other', {ana} || '/d');
";

// Eve was a member and is none.
const ASKED: [Who; 4] = [Who::Anon, Who::User("ana"), Who::User("eve"), Who::User("root")];

#[test]
fn nothing_opens_beside_something_else() {
    let built = project(SPEC);
    for major in VERSIONS {
        let db = built.database(major, Rows::Base);
        let mut owner = db.connect().unwrap();
        run(&mut owner, "rows", &sql(ROWS));
        matrix(
            &mut owner,
            ASKED,
            &[
                // counts
                ("update clubs set people = 0", ["42501", "=", "=", "="]),
                ("update clubs set taken = -5", ["42501", "=", "=", "="]),
                ("update clubs set updated_at = now()", ["42501", "=", "=", "="]),
                ("select people from clubs", ["42501", "2", "-", "1 2"]),
                ("select id from clubs for update", ["42501", "-", "-", "1 2"]),
                // restrictive rules and column lists
                ("select id from clubs", ["42501", "1", "-", "1 2"]),
                ("update clubs set name = 'y'", ["42501", "0", "0", "2"]),
                ("update clubs set name = 'banned' where id = 1", ["42501", "0", "0", "42501"]),
                ("update clubs set secret = 'y' where id = 1", ["42501", "=", "=", "="]),
                ("update clubs set capacity = 0 where id = 2", ["42501", "0", "0", "1"]),
                ("update profiles set role = 'admin'", ["42501", "=", "=", "="]),
                ("insert into clubs (id) values (9)", ["42501", "=", "=", "="]),
                ("truncate clubs cascade", ["42501", "=", "=", "="]),
                // members
                ("update club_members set deleted_at = null", ["42501", "=", "=", "="]),
                ("update club_members set role = 'owner'", ["42501", "0", "0", "3"]),
                ("update club_members set club_id = 2 where club_id = 1", ["42501", "=", "=", "="]),
                ("insert into club_members (club_id, person_id) values (2, {ana})", ["42501", "1", "42501", "42501"]),
                (
                    "insert into club_members (club_id, person_id, role) values (2, {ana}, 'owner')",
                    ["42501", "=", "=", "="],
                ),
                (
                    "insert into club_members (club_id, person_id) values (1, {eve}) on conflict (club_id, person_id) do update set role = 'owner'",
                    ["42501", "=", "=", "="],
                ),
                (
                    "merge into club_members m using (select 1) x on m.person_id = {ana} when matched then update set role = 'owner'",
                    ["42501", "42501", "0", "1"],
                ),
                ("delete from club_members where person_id = {ana}", ["42501", "0", "0", "0"]),
                // limits, waitlists, workflows
                ("select status from seats", ["42501", "waitlisted", "-", "confirmed"]),
                ("update seats set status = 'confirmed' where id = 2", ["42501", "1", "0", "0"]),
                (
                    "insert into seats (id, club_id, guest_id, status) values (8, 1, {ana}, 'cancelled')",
                    ["42501", "23514", "=", "="],
                ),
                (
                    "insert into seats (id, club_id, guest_id, at) values (8, 1, {ana}, '2000-01-01')",
                    ["42501", "=", "=", "="],
                ),
                ("insert into seats (id, club_id, guest_id) values (8, 2, {ana})", ["42501", "=", "=", "="]),
                ("update seats set at = '2000-01-01'", ["42501", "=", "=", "="]),
                ("update seats set club_id = 2", ["42501", "=", "=", "="]),
                ("update seats set status = 'cancelled' where id = 3", ["42501", "0", "0", "0"]),
                // columns by the rule that opens the row
                // who wrote a post edits it, member or not; setting what is so is no change
                ("update posts set title = 'x'", ["42501", "2", "1", "42501"]),
                ("update posts set body = 'x' where id = 2", ["42501", "42501", "0", "42501"]),
                ("update posts set pinned = false", ["42501", "42501", "1", "4"]),
                ("update posts set title = 'x' where id = 3", ["42501", "0", "0", "42501"]),
                ("update posts set author_id = {eve} where id = 1", ["42501", "=", "=", "="]),
                ("delete from posts where id = 2", ["42501", "0", "0", "0"]),
                ("insert into posts (id, club_id, author_id) values (9, 1, {eve})", ["42501", "=", "=", "="]),
                ("insert into posts (id, club_id, author_id) values (9, 2, {ana})", ["42501", "=", "=", "="]),
                // views
                ("select id from club_names", ["42501", "1", "-", "1 2"]),
                ("select id from open_names", ["1 2 3", "=", "=", "="]),
                ("update open_names set id = 7", ["42501", "=", "=", "="]),
                // files
                ("select name from storage.objects where bucket_id = 'files'", ["-", "1/a", "-", "1/a 2/b"]),
                ("update storage.objects set bucket_id = 'files' where bucket_id = 'other'", ["0", "42501", "0", "0"]),
                (
                    "insert into storage.objects (bucket_id, name) values ('other', {ana} || '/x')",
                    ["42501", "=", "=", "="],
                ),
            ],
        );
    }
}
