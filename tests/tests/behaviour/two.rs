//! Two sessions of clients at once, on the same rows: what is hidden, fixed or counted stays so whatever the other does
//! meanwhile, at the isolation level that everybody has and at the one above.

use crate::behaviour::run;
use specc_postgres::{Database, Session};
use specc_tests::stage::said;
use specc_tests::{Rows, VERSIONS, Who, project, sql, texts};
use std::time::Duration;

const TEAMS: &str = "
entity profiles {
  id -> auth.users  key as account on delete cascade
  policy { own: allow select to authenticated when id = viewer }
}
viewer -> profiles

entity teams {
  id:    int key
  notes: int = count(notes)
  ever:  int = count(notes including deleted)
  policy { members: allow select to authenticated when exists members (profile_id = viewer) }
}

entity members {
  team_id -> teams on delete cascade
  profile_id -> profiles on delete cascade
  key (team_id, profile_id)
  policy { own: allow select to authenticated when profile_id = viewer }
}

entity notes {
  id: int key
  team_id -> teams on delete cascade
  body: text = 'x'
  use soft_delete
  policy { members: allow all to authenticated when exists team.members (profile_id = viewer) }
}

entity entries {
  id: int key
  team_id -> teams on delete cascade
  body: text = 'x'
  use append_only
  policy { members: allow select, insert to authenticated when exists team.members (profile_id = viewer) }
}

enum step { draft, review, published, dropped }

entity papers {
  id: int key
  team_id -> teams on delete cascade
  step: step = 'draft'
  workflow step {
    draft  -> review, dropped
    review -> draft, published
  }
  policy { members: allow all to authenticated when exists team.members (profile_id = viewer) }
}
";

const TEAM_ROWS: &str = "
insert into auth.users (id) values ({ana}), ({eve});
insert into public.profiles (id) values ({ana}), ({eve});
insert into public.teams (id) values (1), (2);
insert into public.members values (1, {ana}), (1, {eve}), (2, {ana});
insert into public.notes (id, team_id) values (1, 1), (2, 1), (3, 2);
insert into public.entries (id, team_id) values (1, 1);
insert into public.papers (id, team_id) values (1, 1);
";

/// A client in a transaction of her own.
struct Client(Session);

impl Client {
    fn begins(db: &Database, who: Who, level: &str) -> Self {
        let mut session = db.connect_superuser().unwrap();
        session.batch_execute(&format!("begin isolation level {level}")).unwrap();
        let claims = who.claims().replace('\'', "''");
        let role = who.role();
        let begin = format!("select set_config('request.jwt.claims', '{claims}', true); set local role {role}");
        session.batch_execute(&begin).unwrap();
        Self(session)
    }

    /// How many rows the statement touches, or the code of its error.
    fn does(&mut self, statement: &str) -> String {
        match self.0.execute(&sql(statement), &[]) {
            Ok(count) => count.to_string(),
            Err(error) => said(&error).split(' ').next().unwrap_or_default().to_owned(),
        }
    }

    fn commits(mut self) -> String {
        match self.0.batch_execute("commit") {
            Ok(()) => "done".to_owned(),
            Err(error) => said(&error),
        }
    }
}

/// What one does and the other does beside it, what the other is told at each level, and a query with what it gives then at
/// each.
type Case = (&'static str, &'static str, [&'static str; 2], &'static str, [&'static str; 2]);

const CASES: &[Case] = &[
    // What is marked as deleted is not there for who waited for it.
    (
        "delete from public.notes where id = 1",
        "update public.notes set body = 'y' where id = 1",
        ["0", "40001"],
        "select notes || ' ' || ever from public.teams where id = 1",
        ["1 2"; 2],
    ),
    (
        "delete from public.notes where id = 1",
        "delete from public.notes where id = 1",
        ["0", "40001"],
        "select notes || ' ' || ever from public.teams where id = 1",
        ["1 2"; 2],
    ),
    // It goes to another team of hers, out of reach of who waited for it.
    (
        "update public.notes set team_id = 2 where id = 1",
        "update public.notes set body = 'y' where id = 1",
        ["0", "40001"],
        "select string_agg(notes || ' ' || ever, ' ' order by id) from public.teams",
        ["1 1 2 2"; 2],
    ),
    (
        "update public.notes set team_id = 2 where id = 1",
        "delete from public.notes where id = 1",
        ["0", "40001"],
        "select string_agg(notes || ' ' || ever, ' ' order by id) from public.teams",
        ["1 1 2 2"; 2],
    ),
    // Steps are taken from where the row is by then.
    (
        "update public.papers set step = 'review' where id = 1",
        "update public.papers set step = 'dropped' where id = 1",
        ["23514", "40001"],
        "select step from public.papers",
        ["review"; 2],
    ),
    (
        "update public.papers set step = 'review' where id = 1",
        "update public.papers set step = 'published' where id = 1",
        ["1", "40001"],
        "select step from public.papers",
        ["published", "review"],
    ),
    (
        "update public.papers set step = 'dropped' where id = 1",
        "update public.papers set step = 'review' where id = 1",
        ["23514", "40001"],
        "select step from public.papers",
        ["dropped"; 2],
    ),
    // Entries stay, whoever else is at them.
    (
        "insert into public.entries (id, team_id) values (2, 1)",
        "update public.entries set body = 'y' where id = 1",
        ["42501", "42501"],
        "select string_agg(id || body, ' ' order by id) from public.entries",
        ["1x 2x"; 2],
    ),
    (
        "insert into public.entries (id, team_id) values (2, 1)",
        "insert into public.entries (id, team_id) values (2, 1) on conflict (id) do update set body = 'y'",
        ["42501", "42501"],
        "select string_agg(id || body, ' ' order by id) from public.entries",
        ["1x 2x"; 2],
    ),
    // Two add to one count.
    (
        "insert into public.notes (id, team_id) values (10, 1), (11, 2)",
        "insert into public.notes (id, team_id) values (12, 1)",
        ["1", "40001"],
        "select string_agg((t.notes = n.n)::text, ' ' order by t.id) from public.teams t
         cross join lateral (select count(*) as n from public.notes n where n.team_id = t.id and n.deleted_at is null) n",
        ["true true"; 2],
    ),
];

#[test]
fn who_waits_for_another_finds_what_is_there_by_then() {
    let built = project(TEAMS);
    for major in VERSIONS {
        let db = built.database(major, Rows::Base);
        let mut owner = db.connect_superuser().unwrap();
        let mut wrong = Vec::new();
        for (first, second, told, query, wanted) in CASES {
            for ((level, told), wanted) in ["read committed", "repeatable read"].into_iter().zip(told).zip(wanted) {
                // Entries refuse to go otherwise.
                run(
                    &mut owner,
                    &format!(
                        "set session_replication_role = replica; truncate auth.users, public.teams cascade;
                         reset session_replication_role; {TEAM_ROWS}"
                    ),
                );
                let mut one = Client::begins(&db, Who::User("ana"), level);
                let mut other = Client::begins(&db, Who::User("eve"), level);
                // Her snapshot is from before.
                other.does("select from public.notes");
                assert!(one.does(first).parse::<u32>().is_ok(), "{first}");
                let said = std::thread::scope(|scope| {
                    let waits = scope.spawn(move || {
                        let said = other.does(second);
                        other.commits();
                        said
                    });
                    std::thread::sleep(Duration::from_millis(150));
                    assert_eq!(one.commits(), "done", "{first}");
                    waits.join().unwrap()
                });
                let found = texts(&mut owner, query);
                if said != *told || found != [*wanted] {
                    wrong.push(format!("{level}: {first}; {second}: told {said}, then {found:?}"));
                }
            }
        }
        assert!(wrong.is_empty(), "{major}: {wrong:#?}");
    }
}

/// Who is removed from a team in the middle of her session reaches nothing of it from her next statement on; where she has asked
/// for a snapshot, it ends with her transaction.
#[test]
fn who_is_removed_meanwhile_is_out() {
    let built = project(TEAMS);
    for major in VERSIONS {
        let db = built.database(major, Rows::Base);
        let mut owner = db.connect().unwrap();
        run(&mut owner, TEAM_ROWS);
        let mut eve = Client::begins(&db, Who::User("eve"), "read committed");
        assert_eq!(eve.does("select from public.notes"), "2", "{major}");
        run(&mut owner, "delete from public.members where profile_id = {eve}");
        for (statement, told) in [
            ("select from public.notes", "0"),
            ("select from public.teams", "0"),
            ("update public.notes set body = 'y'", "0"),
            ("delete from public.notes", "0"),
            ("insert into public.notes (id, team_id) values (20, 1)", "42501"),
        ] {
            assert_eq!(eve.does(statement), told, "{major}: {statement}");
        }
        // One whose token says that nobody stands behind it is a user like any other: no rule lets her in.
        let nobody = Who::Claims("zoe", r#"{"is_anonymous":true}"#);
        let mut nobody = Client::begins(&db, nobody, "read committed");
        for (statement, told) in [
            ("select from public.notes", "0"),
            ("select from public.profiles", "0"),
            ("insert into public.members values (1, {zoe})", "42501"),
        ] {
            assert_eq!(nobody.does(statement), told, "{major}: {statement}");
        }
    }
}
