//! The sentences and the SQL of the pages of schemas that are at the edge of what a spec can say.

use super::{blocks, read, tried_on};
use specc_docs::Package;
use specc_model::{Options, Target};
use specc_sql::quote::ident;
use specc_tests::{Layout, Rows, one_text, project_for};

const PLAIN: &str = r#"
role app
role "odd Role"
role reader
role boss in app, reader
schema "Weird Schema"

entity users {
  id:     int  key identity
  name:   varchar(3)
  secret: text?

  policy {
    own:  allow select (id, name), update (name)  to app  when id = viewer
    adds: allow insert
    kept: forbid delete
  }
}
viewer -> users

entity keyless {
  a: int
  b: text

  policy { them: allow select, insert, update, delete to app when a > 0 }
}

entity half { id: int key, v: int?, policy { halves: allow select (v), update (v) to "odd Role" } }

entity "Weird Schema"."select" {
  "from":  text
  "order": int[]
  "json":  jsonb
  "p":     point
  at:      date
  user_id -> users on delete restrict

  key ("from", at)
  partition by range (at)
  partition "2027" from ('2027-01-01') to ('2028-01-01')
  partition "2026" from ('2026-01-01') to ('2027-01-01')

  policy {
    own:    allow select, insert, update, delete  to app  when user_id = viewer
    closed: forbid update ("json")  when at > '2026-06-01'
    strict: forbid select  unless "from" <> ''
  }
}

entity whole { id: int, at: date, partition by range (at), partition all_of_it from (minvalue) to (maxvalue), rls off }
entity open { id: int key, v: bytea, rls off }
entity closed { id: int key, n: text }
entity forced { id: int key, rls force, policy { seen: allow select to app } }

grant select (id) on open to reader

view through to reader, app as $$ select id from public.open $$
view past security definer to "odd Role" as $$ select id, name from public.users $$
view twice to app as $$ select id from through $$
view filtered to app as $$ select id from public.users where secret is null $$
view joined to reader as $$ select a.id from public.open a join public.open b on a.v = b.v $$
view whole_rows to reader as $$ select to_json(o) as row from public.open o $$
view over_all security definer to reader as $$ select id from joined $$
materialized view counted as $$ select count(*) as n from public.users $$

function unnamed(int, text) -> int stable to app as $$ select $1 $$
function refuses() -> void volatile to app language plpgsql as $$ begin raise exception 'no'; end $$
"#;

const SUPABASE: &str = r#"
entity profiles {
  id -> auth.users  key as account on delete cascade
  name: text

  policy { own: allow select, update (name) to authenticated when id = viewer }
}
viewer -> profiles

entity notes {
  id:    uuid = gen_random_uuid()  key
  owner_id -> profiles  on delete cascade
  title: text
  parts: int = count(parts)

  use soft_delete

  policy {
    own:    allow select, insert, update, delete  to authenticated  when owner_id = viewer
    public: allow select (id, title)  to anon
  }
}

entity parts {
  id: uuid = gen_random_uuid()  key
  note_id -> notes  on delete cascade immutable

  use soft_delete

  rls off
}
grant select, insert, update, delete on parts to authenticated

view titles to anon, authenticated as $$ select title from public.notes $$
view ordered to anon, authenticated as $$ select title from public.notes order by owner_id $$
view grouped to anon, authenticated as $$ select count(*) as n from public.notes n group by n.parts $$
view hidden to anon as $$ select id from public.profiles $$
"#;

fn hold(layout: Layout, text: &str, least: usize) {
    let target = if layout == Layout::Supabase { Target::Supabase } else { Target::Postgres };
    let options = Options { target, ..Options::default() };
    let (model, catalog, options) = read("case", &[("case.dbspec".to_owned(), text.to_owned())], options);
    let db = project_for(layout, text).database(18, Rows::Base);
    let mut claims = specc_docs::claims(&model, &catalog, &options);
    if layout == Layout::Postgres {
        // On the platform whoever makes the tables may take the roles.
        let owner = one_text(&mut db.connect().unwrap(), "select current_user::text");
        let roles: Vec<String> = model.roles.iter().map(|role| ident(&role.name).into_owned()).collect();
        let grant = format!("grant {} to {} with inherit false, set true", roles.join(", "), ident(&owner));
        db.connect_superuser().unwrap().batch_execute(&grant).unwrap();
        let by_owner = claims.iter_mut().filter(|claim| claim.role == "owner");
        by_owner.for_each(|claim| claim.role = owner.as_str().into());
    }
    let (counts, mut wrong) = tried_on(&db, "case", &claims);
    let pages = specc_docs::package(&model, &catalog, &options, &Package::default());
    let (ran, found) = blocks::api("case", &pages, &db);
    wrong.extend(found);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let decided: usize = counts.values().map(|count| count[0]).sum();
    assert!(
        blocks::psql("case", &pages, &db) > 1 && decided >= least && ran >= least / 4,
        "{decided} {ran} {counts:?}"
    );
}

#[test]
fn sentences_hold_of_plain_tables_without_keys_rights_or_plain_names() {
    hold(Layout::Postgres, PLAIN, 80);
}

#[test]
fn sentences_hold_of_hidden_rows_and_closed_views() {
    hold(Layout::Supabase, SUPABASE, 40);
}
