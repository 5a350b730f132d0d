//! Who may do what, tried with rules that differ: on columns, on roles, on what mixins keep. Each attack is made as the
//! role that would make it.

use specc_postgres::Session;
use specc_tests::access::matrix;
use specc_tests::build::project_for;
use specc_tests::{Built, Layout, Rows, VERSIONS, Who, findings, project, sql, texts};
use std::collections::BTreeSet;

const PEOPLE: &str = "
entity profiles {
  id    -> auth.users  key as account on delete cascade immutable
  name: text

  policy {
    own: allow select  to authenticated  when id = viewer
  }
}

viewer -> profiles
";

/// Ann, Ben and Eve, with an account and a profile each.
const ACCOUNTS: &str = "
insert into auth.users (id, email) values ({ann}, 'a@x'), ({ben}, 'b@x'), ({eve}, 'e@x');
insert into public.profiles (id, name) values ({ann}, 'Ann'), ({ben}, 'Ben'), ({eve}, 'Eve');
";

/// A spec for Supabase in a database of each version, with the accounts and these rows.
fn with(spec: &str, rows: &str, test: impl Fn(&mut Session)) {
    let built = project(&format!("{PEOPLE}{spec}"));
    for major in VERSIONS {
        let db = built.database(major, Rows::Base);
        let mut owner = db.connect().expect("a session of the owner");
        owner.batch_execute(&sql(&format!("{ACCOUNTS}{rows}"))).expect("the rows are there");
        test(&mut owner);
    }
}

const TEAMS: &str = "
entity teams {
  id:       uuid = gen_random_uuid()  key
  owner_id  -> profiles               on delete cascade immutable

  policy {
    own: allow select  to authenticated  when owner_id = viewer
  }
}

entity members {
  team_id   -> teams     on delete cascade immutable
  user_id   -> profiles  on delete cascade immutable
  role:     text = 'member'
  nickname: text = ''
  badge:    uuid = gen_random_uuid()
  locked:   bool = false

  key (team_id, user_id)

  policy {
    team_reads:     allow select  to authenticated  when team.owner_id = viewer or user_id = viewer
    owners_change:  allow update (role, nickname, locked)  to authenticated  when team.owner_id = viewer
    members_change: allow update (nickname)                to authenticated  when user_id = viewer check user_id = viewer and nickname <> 'root'
    owners_add:     allow insert                           to authenticated  when team.owner_id = viewer
    members_join:   allow insert (team_id, user_id, nickname)  to authenticated  when user_id = viewer
    locked_stays:   forbid update (nickname)  when locked
  }
}
";

const MEMBERS: &str = "
insert into public.teams (id, owner_id) values ({red}, {ann}), ({blue}, {ben});
insert into public.members (team_id, user_id, role, locked) values
  ({red}, {ann}, 'owner', false), ({red}, {eve}, 'member', false), ({red}, {ben}, 'member', true);
";

#[test]
fn a_rule_opens_its_own_columns_only() {
    with(TEAMS, MEMBERS, |owner| {
        matrix(
            owner,
            [Who::User("ann"), Who::User("eve"), Who::User("ben"), Who::Anon, Who::Service],
            &[
                ("update public.members set role = 'owner' where user_id = {eve}", ["1", "42501", "0", "42501", "1"]),
                (
                    "update public.members set role = 'owner', nickname = 'E' where user_id = {eve}",
                    ["1", "42501", "0", "42501", "1"],
                ),
                (
                    "update public.members set role = role, nickname = 'E' where user_id = {eve}",
                    ["1", "1", "0", "42501", "1"],
                ),
                ("update public.members set nickname = 'E' where user_id = {eve}", ["1", "1", "0", "42501", "1"]),
                // the owner's check is another one, and a column is open where its own rule lets the row through
                (
                    "update public.members set nickname = 'root' where user_id = {eve}",
                    ["1", "42501", "0", "42501", "1"],
                ),
                ("update public.members set badge = {red} where user_id = {eve}", ["42501", "=", "=", "=", "1"]),
                // a column that is closed on some rows leaves the rest of the row alone
                ("update public.members set nickname = 'B' where user_id = {ben}", ["42501", "0", "42501", "=", "1"]),
                ("update public.members set locked = false where user_id = {ben}", ["1", "0", "42501", "=", "1"]),
                (
                    "update public.members set nickname = 'B', locked = false where user_id = {ben}",
                    ["42501", "0", "42501", "=", "1"],
                ),
                (
                    "insert into public.members (team_id, user_id, nickname) values ({blue}, {eve}, 'E')",
                    ["42501", "1", "1", "42501", "1"],
                ),
                (
                    "insert into public.members (team_id, user_id, role) values ({blue}, {eve}, 'owner')",
                    ["42501", "42501", "1", "42501", "1"],
                ),
                (
                    "insert into public.members (team_id, user_id, role) values ({blue}, {eve}, 'member')",
                    ["42501", "1", "1", "42501", "1"],
                ),
                (
                    "insert into public.members (team_id, user_id, locked) values ({blue}, {eve}, true)",
                    ["42501", "42501", "1", "42501", "1"],
                ),
                (
                    "insert into public.members (team_id, user_id) values ({red}, {eve}) on conflict (team_id, user_id) do update set role = 'owner'",
                    ["1", "42501", "42501", "42501", "1"],
                ),
            ],
        );
        let said = Who::User("eve").is_told(
            owner,
            &[
                sql("update public.members set role = 'owner' where user_id = {eve}"),
                sql("insert into public.members (team_id, user_id, role) values ({blue}, {eve}, 'owner')"),
            ],
        );
        assert!(said[0].contains("members.role") && said[0].contains("owners_change"), "{said:?}");
        assert!(said[1].contains("members.role") && said[1].contains("owners_add"), "{said:?}");
        let said =
            Who::User("ben").is_told(owner, &[sql("update public.members set nickname = 'B' where user_id = {ben}")]);
        assert!(said[0].contains("members.nickname") && said[0].contains("locked_stays"), "{said:?}");
        // a value that is another one each time cannot be told from the client's own, so it is made anew
        let badge = "with new as (insert into public.members (team_id, user_id, badge) values ({blue}, {eve}, {red}) returning badge)
                     select badge = {red} from new";
        matrix(owner, [Who::User("eve"), Who::Service], &[(&format!("select * from ({badge}) x"), ["0A000", "="])]);
    });
}

const STAFF: &str = "
role analyst
role chief in analyst

entity cases {
  id:       uuid = gen_random_uuid()  key
  owner_id  -> profiles               on delete cascade immutable
  title:    text
  locked:   bool = false
  fee:      int = 0

  use soft_delete

  policy {
    analysts:   allow select, update  to analyst
    owners:     allow all             to authenticated  when owner_id = viewer
    lock_stays: forbid update, delete                   unless not locked
    fees_stay:  forbid update (fee)  to analyst
  }
}
";

#[test]
fn a_rule_that_forbids_binds_every_role() {
    let rows = "
insert into public.cases (owner_id, title, locked, deleted_at) values
  ({ann}, 'live', false, null), ({ann}, 'gone', false, now()), ({ann}, 'locked', true, null);
grant analyst, chief to current_user;
";
    with(STAFF, rows, |owner| {
        let people = [Who::Role("analyst", "ben"), Who::Role("chief", "ben"), Who::User("ann"), Who::Service];
        matrix(
            owner,
            people,
            &[
                ("select title from public.cases", ["live locked", "=", "=", "gone live locked"]),
                ("update public.cases set title = title || '!'", ["1", "=", "=", "3"]),
                ("update public.cases set title = '!' where title = 'gone'", ["0", "=", "=", "1"]),
                ("update public.cases set fee = 1", ["42501", "=", "1", "3"]),
                ("delete from public.cases where title = 'locked'", ["42501", "=", "0", "0"]),
            ],
        );
    });
}

const KEPT: &str = "
entity papers {
  id:       uuid = gen_random_uuid()  key
  owner_id  -> profiles               on delete cascade immutable
  title:    text
  notes:    int = count(remarks)

  use soft_delete, timestamps, versioned, audited, history

  policy {
    owners: allow all  to authenticated  when owner_id = viewer
  }
}

entity remarks {
  id:       uuid = gen_random_uuid()  key
  paper_id  -> papers                 on delete cascade immutable

  policy {
    owners: allow all  to authenticated  when paper.owner_id = viewer
  }
}

policy on audit_log {
  own: allow select  to authenticated  when user_id = viewer
}

policy on row_history {
  own: allow select  to authenticated  when changed_by = viewer
}
";

#[test]
fn what_a_mixin_keeps_is_closed_to_clients() {
    with(KEPT, "insert into public.papers (id, owner_id, title) values ({one}, {ann}, 'One');", |owner| {
        matrix(
            owner,
            [Who::User("ann"), Who::User("eve"), Who::Service],
            &[
                ("insert into public.papers (owner_id, title) values ({ann}, 'Two')", ["1", "42501", "1"]),
                (
                    "insert into public.papers (owner_id, title, deleted_at) values ({ann}, 'Two', now())",
                    ["42501", "=", "1"],
                ),
                (
                    "insert into public.papers (owner_id, title, deleted_by) values ({ann}, 'Two', {eve})",
                    ["42501", "=", "1"],
                ),
                (
                    "insert into public.papers (owner_id, title, created_at) values ({ann}, 'Two', '2001-01-01')",
                    ["42501", "=", "1"],
                ),
                (
                    "insert into public.papers (owner_id, title, updated_at) values ({ann}, 'Two', '2001-01-01')",
                    ["42501", "=", "1"],
                ),
                (
                    "insert into public.papers (owner_id, title, version) values ({ann}, 'Two', 2147483647)",
                    ["42501", "=", "1"],
                ),
                ("insert into public.papers (owner_id, title, notes) values ({ann}, 'Two', 5)", ["42501", "=", "1"]),
                ("update public.papers set title = 'Two', version = 1", ["1", "0", "1"]),
                ("update public.papers set title = 'Two', version = 7", ["40001", "0", "40001"]),
                ("update public.papers set deleted_at = now()", ["42501", "=", "1"]),
                ("update public.papers set deleted_by = {eve}", ["42501", "=", "1"]),
                ("update public.papers set created_at = '2001-01-01'", ["42501", "=", "1"]),
                ("update public.papers set updated_at = '2001-01-01'", ["42501", "=", "1"]),
                ("update public.audit_log set user_id = {eve}", ["42501", "=", "="]),
                (
                    "insert into public.row_history (table_schema, table_name, record_id, version, data) values ('a', 'b', 'c', 1, '{}')",
                    ["42501", "=", "1"],
                ),
            ],
        );
    });
}

/// A setting that anybody can make decides nothing by itself.
#[test]
fn a_client_cannot_delete_for_good() {
    with(
        KEPT,
        "insert into public.papers (id, owner_id, title) values ({one}, {ann}, 'One'), ({two}, {ann}, 'Two');",
        |owner| {
            let hard = "select set_config('specc.hard_delete', 'on', true)";
            let left = "select count(*)::text || ' ' || count(deleted_at) from public.papers";
            owner.batch_execute("begin").unwrap();
            let claims = Who::User("ann").claims();
            owner.execute("select set_config('request.jwt.claims', $1, true)", &[&claims]).unwrap();
            owner
                .batch_execute(&sql(&format!(
                    "set local role authenticated; {hard}; delete from public.papers where id = {{one}}"
                )))
                .unwrap();
            owner.batch_execute("reset role").unwrap();
            assert_eq!(texts(owner, left), ["2 1"], "a client marks");
            owner.batch_execute(&sql("delete from public.papers where id = {two}")).unwrap();
            assert_eq!(texts(owner, left), ["1 1"], "the owner, with the setting on, deletes");
            owner.batch_execute("rollback").unwrap();
        },
    );
}

/// `pg_temp` is searched first where it is not named, and a type in it runs its checks as whoever reads.
#[test]
fn nothing_is_looked_up_in_the_temporary_schema() {
    let built = project_for(
        Layout::Postgres,
        "
role app

entity users {
  id:   uuid = gen_random_uuid()  key
  name: text
  role: text = 'member'

  policy {
    own: allow select, update (name)  to app  when id = viewer
  }
}

viewer -> users

entity secrets {
  id:   uuid = gen_random_uuid()  key
  body: text

  policy {
    admins: allow select  to app  when viewer.role = 'admin'
  }
}

function members() -> bigint stable security definer to app as $$
  select count(*) from public.users where id = '00000000-0000-4000-8000-00000000000e'::uuid
$$
",
    );
    for major in VERSIONS {
        let db = built.database(major, Rows::Base);
        let mut owner = db.connect().unwrap();
        owner
            .batch_execute(
                "grant app to current_user;
                 insert into public.users (id, name) values ('00000000-0000-4000-8000-00000000000e', 'Eve');
                 insert into public.secrets (body) values ('secret');
                 set role app;
                 select set_config('app.viewer_id', '00000000-0000-4000-8000-00000000000e', false);
                 create function pg_temp.pwn(pg_catalog.uuid) returns boolean language plpgsql as $$
                 begin
                   if current_user <> 'app' then
                     execute 'update public.users set role = ''admin''';
                   end if;
                   return true;
                 end $$;
                 create domain pg_temp.uuid as pg_catalog.uuid check (pg_temp.pwn(value));
                 create domain pg_temp.text as pg_catalog.text check (pg_temp.pwn(null));",
            )
            .unwrap();
        assert_eq!(texts(&mut owner, "select count(*) from public.secrets"), ["0"]);
        assert_eq!(texts(&mut owner, "select name from public.users"), ["Eve"]);
        assert_eq!(texts(&mut owner, "select public.members()"), ["1"]);
        assert_eq!(texts(&mut owner, "select count(*) from public.secrets"), ["0"]);
        owner.batch_execute("reset role").unwrap();
        assert_eq!(texts(&mut owner, "select role from public.users"), ["member"]);
    }
}

/// The generated functions of a build, each with its text.
fn helpers(built: &Built) -> BTreeSet<String> {
    let all: String = built.migrations().into_iter().map(|(_, text)| text).collect();
    let starts = all.match_indices("create function private.");
    starts.map(|(at, _)| all[at..].split("\n\n").next().unwrap_or_default().to_owned()).collect()
}

/// A helper is found by its body: who asks first, and what else is there, changes neither its name nor its text.
#[test]
fn a_helper_keeps_its_name_when_the_spec_grows() {
    let notes = "
entity notes {
  id:      uuid = gen_random_uuid()  key
  team_id  -> teams                  on delete cascade immutable

  policy {
    owners: allow all  to authenticated  when team.owner_id = viewer
    team:   allow select  to authenticated  when exists team.members (user_id = viewer and (role = 'a' or role = 'b'))
    pair:   allow select  to authenticated  when exists team.members (user_id = viewer and (role = 'a' or role = 'b' and locked))
  }
}
";
    let other = "
predicate owns(t: teams) = t.owner_id = viewer

entity aa_first {
  id:      uuid = gen_random_uuid()  key
  team_id  -> teams                  on delete cascade immutable

  policy {
    owners: allow all     to authenticated  when owns(team)
    team:   allow select  to authenticated  when exists team.members (user_id = viewer and (role = 'a' or role = 'b'))
    other:  allow select  to authenticated  when exists team.members (user_id = viewer and (role = 'b' or role = 'a'))
  }
}
";
    let small = helpers(&project(&format!("{PEOPLE}{TEAMS}{notes}")));
    let grown = helpers(&project(&format!("{other}{PEOPLE}{TEAMS}{notes}")));
    assert!(small.len() > 4, "{small:?}");
    assert!(small.is_subset(&grown), "{:#?}", small.difference(&grown));
    assert_eq!(grown.len(), small.len() + 1, "what is the same is one helper: {grown:#?}");
}

/// What a select shows cannot depend on the row, so lists that differ are refused; see also `tests/diagnostics`.
#[test]
fn lists_of_selects_differ_by_role_only() {
    let spec = |second: &str| {
        format!(
            "{PEOPLE}
entity cards {{
  id:       uuid  key
  owner_id  -> profiles  on delete cascade immutable
  code:     text

  policy {{
    own:   allow select (id, code)  to authenticated  when owner_id = viewer
    other: allow select {second}
  }}
}}
"
        )
    };
    let codes = |text: &str| findings(text).into_iter().map(|(code, _)| code).filter(|c| c == "E0613").count();
    assert_eq!(codes(&spec("(code, id)  to authenticated")), 0);
    assert_eq!(codes(&spec("(id)  to anon")), 0);
    assert_eq!(codes(&spec("(id)  to authenticated")), 1);
    assert_eq!(codes(&spec("to authenticated")), 1);
    assert_eq!(codes(&spec("(id)")), 1);
    assert_eq!(codes(&spec("(id)  to public")), 1);
}

/// The trigger that guards columns for each row may be all that the schema of the helpers has.
#[test]
fn guarded_columns_need_no_other_helper() {
    let spec = "
entity notes {
  id: int  key
  a:  int
  b:  int

  policy {
    all_read: allow select      to authenticated
    a_is_one: allow update (a)  to authenticated  when a = 1 check true
    b_is_one: allow update (b)  to authenticated  when b = 1 check true
  }
}
";
    let built = project(spec);
    for major in VERSIONS {
        let db = built.database(major, Rows::Base);
        let mut owner = db.connect().expect("a session of the owner");
        owner.batch_execute("insert into notes values (1, 1, 0)").expect("the row is there");
        let cases = [("update notes set a = 2", ["1"]), ("update notes set b = 2", ["42501"])];
        matrix(&mut owner, [Who::User("ann")], &cases);
    }
}

/// Nobody is asking where nothing says who, which a domain of the key would refuse.
#[test]
fn the_key_of_who_asks_may_be_a_domain() {
    let spec = "
domain person_id: uuid
domain rank: text { check value in ('member', 'boss') }
role app
entity people {
  id:   person_id = gen_random_uuid()  key
  rank: rank = 'member'
  rls off
}
viewer -> people
entity notes {
  id:        int        key
  person_id  -> people  on delete cascade
  text:      text

  policy {
    own:  allow all     to app  when person_id = viewer
    boss: allow select  to app  when viewer.rank = 'boss'
    open: allow select  to app  when text = 'open'
  }
}
";
    let built = project_for(Layout::Postgres, spec);
    for major in VERSIONS {
        let db = built.database(major, Rows::Base);
        let mut owner = db.connect().expect("a session of the owner");
        let rows = "insert into people (id, rank) values ({ann}, 'member'), ({ben}, 'boss');
insert into notes (id, person_id, text) values (1, {ann}, 'open'), (2, {ann}, 'closed'), (3, {ben}, 'closed'); grant usage on schema public to app; grant app to current_user";
        owner.batch_execute(&sql(rows)).expect("the rows are there");
        for (who, sees) in [("''", 1), ("{eve}", 1), ("{ann}", 2), ("{ben}", 3)] {
            let asks = format!("begin; set local role app; select set_config('app.viewer_id', {who}, true)");
            owner.batch_execute(&sql(&asks)).expect("who asks");
            let seen: i64 = owner.query_one("select count(*) from notes", &[]).expect("an answer").get(0);
            owner.batch_execute("rollback").expect("the end");
            assert_eq!(seen, sees, "{who} on {major}");
        }
    }
}
