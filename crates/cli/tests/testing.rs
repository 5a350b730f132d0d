//! `specc test` and `specc prove --run`, as users run them.

#![allow(clippy::disallowed_methods)]

use crate::program::run;
use crate::tried::{project, specs};
use std::fs;

const TEAMS: &str = "
entity people {
  id      -> auth.users  key as account on delete cascade immutable
  name:   text
  email:  text?  unique
  policy {
    own:   allow select                to authenticated  when id = viewer
    join:  allow insert                to authenticated  when id = viewer
    write: allow update (name, email)  to authenticated  when id = viewer
  }
}
viewer -> people

enum rank { member, manager }

entity teams {
  id:   uuid = gen_random_uuid()  key
  slug: text  unique
  size: int = 1
  open: bool?
  check slug_is_lowercase: slug ~ '^[a-z]+-[0-9]+$'
  check size_is_small: size between 1 and 9
  policy {
    read:   allow select                to authenticated, anon  when open
    inside: allow select                to authenticated        when exists members (person_id = viewer)
    manage: allow update (slug, size)   to authenticated
      when exists members (person_id = viewer and rank = 'manager')
    keep:   forbid delete  when size > 3
    close:  allow delete                to authenticated
      when exists members (person_id = viewer and rank = 'manager')
  }
}

entity members {
  team_id   -> teams   on delete cascade
  person_id -> people  on delete cascade
  rank:     rank = 'member'
  key (team_id, person_id)
  unique (team_id) where rank = 'manager'
  policy {
    own: allow select  to authenticated  when person_id = viewer
  }
}

view open_teams to authenticated as $$ select id, slug from public.teams where open $$
view managers to authenticated security definer as $$
  select m.team_id, m.person_id, t.slug
  from public.members m join public.teams t on t.id = m.team_id
  where m.rank = 'manager' and t.open
$$

// Each needs the other.
entity chapters {
  id:        uuid = gen_random_uuid()  key
  first_page -> pages
  team_id    -> teams
  policy {
    read: allow select  to authenticated  when exists team.members (person_id = viewer)
  }
}
entity pages {
  id:        uuid = gen_random_uuid()  key
  chapter_id -> chapters  deferrable initially deferred
  policy {
    read:  allow select  to authenticated  when exists chapter.team.members (person_id = viewer)
    write: allow insert  to authenticated  when exists chapter.team.members (person_id = viewer)
  }
}
";

/// `text` with a statement that the model of access does not look into.
fn behind(text: &str, sql: &str) -> String {
    format!("{text}\nsql leak\n  depends on teams, members, chapters, open_teams, managers\n$$\n{sql}\n$$\n")
}

/// A rule refuses nothing to who passes row level security, whether it names that role or another one.
#[test]
fn who_passes_row_level_security_is_refused_nothing() {
    let dir = project(
        "
role clerk bypassrls
entity notes {
  id:    uuid = gen_random_uuid()  key
  text:  text
  shut:  bool = false
  policy {
    read:  allow select  to authenticated, service_role, clerk  when not shut
    write: allow update (text)  to service_role, clerk  when not shut
    kept:  forbid update  to service_role, clerk  when text = 'x'
  }
}
view open_notes to authenticated, service_role, clerk as $$ select id, text from public.notes $$
",
    );
    for args in [&["test"][..], &["test", "--mutants"]] {
        let (code, out, said) = run(dir.path(), args);
        assert_eq!(code, 0, "{args:?} {out}{said}");
        assert!(!said.contains(" 0 passed") && !out.contains("service_role"), "{args:?} {out}{said}");
    }
}

/// Rows that refer to nothing are among those that a helper finds, and hide no other row by that.
#[test]
fn a_reference_that_is_null_decides_about_no_other_row() {
    let dir = project(
        "
entity people {
  id   -> auth.users  key as account on delete cascade immutable
  policy { own: allow select  to authenticated  when id = viewer }
}
viewer -> people

entity pages {
  id:        uuid = gen_random_uuid()  key
  author_id  -> people
  above_id   -> pages?  inverse below
  other_id   -> pages?  inverse others
  shut:      bool = false
  policy {
    ends:  allow select  to authenticated  when not exists below (author_id = viewer)
    turns: allow update  to authenticated  when not exists below (not exists others (author_id = viewer))
    goes:  allow delete  to authenticated  when author_id = viewer
    kept:  forbid delete  when exists below (shut)
  }
}
",
    );
    for major in ["15", "18"] {
        let (code, out, said) = run(dir.path(), &["test", "--postgres", major, "--filter", "pages"]);
        assert_eq!(code, 0, "{out}{said}");
    }
}

#[test]
fn what_the_rules_say_is_what_postgres_does() {
    let dir = project(TEAMS);
    for major in ["15", "18"] {
        let (code, out, said) = run(dir.path(), &["test", "--postgres", major]);
        assert_eq!((code, out.as_str()), (0, ""), "{said}");
        assert!(said.contains(&format!("on Postgres {major}, 0 failed, 0 not run")), "{said}");
    }
}

#[test]
fn the_specs_of_this_repository_pass() {
    for spec in ["starter", "srvc_crm", "automation_platform", "medellin_spark"] {
        let (code, out, said) = run(&specs(), &["test", "-C", spec]);
        assert_eq!(code, 0, "{spec}: {out}{said}");
        let older = ["test", "-C", spec, "--postgres", "15", "--filter", "startup"];
        let (code, out, said) = run(&specs(), &older);
        let nothing = said.contains("nothing to test");
        assert!(code == 0 || nothing && spec != "medellin_spark", "{spec}: {out}{said}");
    }
}

#[test]
fn a_policy_that_nobody_knows_of_fails_the_tests() {
    let leaks = [
        ("create policy leak on public.teams for select to anon using (true);", "select as anon"),
        ("create policy leak on public.teams as restrictive for delete using (size < 2);", "delete as authenticated"),
        (
            "create policy leak on public.members for delete using (true); grant delete on public.members to anon;",
            "delete as anon",
        ),
        ("grant update (open) on public.teams to authenticated;", "update as authenticated"),
        ("grant select on public.open_teams to anon;", "select as anon"),
        ("alter table public.chapters disable row level security;", "select as authenticated"),
        (
            "create or replace view public.open_teams with (security_invoker = true) as
               select id, slug from public.teams where open is not false;",
            "open_teams: select as authenticated",
        ),
        ("alter view public.managers set (security_invoker = true);", "managers: select as authenticated"),
    ];
    for (sql, what) in leaks {
        let dir = project(&behind(TEAMS, sql));
        let (code, out, said) = run(dir.path(), &["test"]);
        assert_eq!(code, 1, "{sql}: {out}{said}");
        assert!(
            out.contains("FAILED ") && out.contains(what) && out.contains("    rule:     a.dbspec:"),
            "{sql}: {out}"
        );
    }
}

/// Roles of its own, a viewer that a setting names, claims, numbers with limits, and a key that the server makes.
const PLAIN: &str = "
role reader
role writer in reader
entity authors {
  id:    uuid = gen_random_uuid()  key
  name:  text
  level: smallint
  check level_is_known: level in (1, 2, 3)
  policy {
    own:    allow select                to reader, writer  when id = viewer
    change: allow update (name, level)  to writer          when id = viewer and level < 3
  }
}
viewer -> authors
entity posts {
  id:        bigint identity  key
  author_id -> authors  on delete cascade
  title:     text  unique
  price:     numeric(5, 2)?
  check has_title: title <> ''
  check price_is_small: price > 0 and price < 2.5
  policy {
    mine:  allow all                to writer  when author_id = viewer
    cheap: allow select             to reader  when price < 1.5 and claims.tier = 'gold'
    keep:  forbid update (title)               when price > 2
  }
}
entity drafts {
  id:   int   key
  body: text
  policy {
    write: allow insert  to writer  when id > 0
  }
}
grant select, update (body), delete on drafts to reader
";

#[test]
fn a_plain_server_is_tried_as_well() {
    let dir = project(PLAIN);
    fs::write(dir.path().join("specc.toml"), "name = \"plain\"\ntarget = \"postgres\"\n").expect("a file");
    for major in ["15", "18"] {
        let (code, out, said) = run(dir.path(), &["test", "--mutants", "--postgres", major]);
        assert_eq!((code, out.as_str()), (0, ""), "{said}");
        assert!(said.contains("0 failed, 0 not run") && said.contains("(100.0 %)"), "{said}");
    }
    let cluster = specc_postgres::shared(18);
    let db = cluster.empty_database().expect("a database");
    let (code, out, said) = run(dir.path(), &["test", "--scratch-url", &db.url("postgres")]);
    assert_eq!((code, out.as_str()), (0, ""), "{said}");
    assert!(said.contains("on the server of --scratch-url, 0 failed, 0 not run"), "{said}");
}

#[test]
fn changed_rules_are_seen() {
    let dir = project(TEAMS);
    let (code, out, said) = run(dir.path(), &["test", "--mutants"]);
    assert_eq!(code, 0, "{out}{said}");
    assert!(said.contains(" that differ are seen (100.0 %)"), "{said}");
    let (code, out, _) = run(dir.path(), &["test", "--mutants", "--format", "json", "--filter", "teams"]);
    assert_eq!(code, 0);
    let found: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert!(found["mutants"]["killed"].as_u64().expect("a number") > 20, "{}", found["mutants"]);
    // A test that Postgres does not bear out has not seen anything.
    let dir = project(&behind(TEAMS, "create policy shut on public.teams as restrictive using (false);"));
    let (code, out, _) = run(dir.path(), &["test", "--mutants", "--filter", "teams"]);
    assert_eq!(code, 1);
    assert!(out.contains("LIVES a.dbspec:"), "{out}");
}

#[test]
fn what_a_trigger_refuses_is_tried_without_it() {
    let dir = project(&behind(TEAMS, NEVER));
    let (code, out, said) = run(dir.path(), &["test", "--filter", "teams"]);
    assert_eq!((code, out.as_str()), (0, ""), "{said}");
    assert!(said.contains("0 failed, 0 not run"), "{said}");
}

/// A trigger that refuses every change.
const NEVER: &str = "create function public.never() returns trigger language plpgsql as
'begin raise exception ''not today''; end';
create trigger never before update on public.teams for each row execute function public.never();";

#[test]
fn no_test_at_all_is_a_failure() {
    let dir = project(TEAMS);
    let (code, _, said) = run(dir.path(), &["test", "--filter", "nothing_of_that_name"]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("there is nothing to test"), "{said}");
    let (code, out, said) = run(dir.path(), &["test", "--filter", "teams", "--all"]);
    assert_eq!(code, 0, "{said}");
    assert!(out.contains("ok teams: ") && !out.contains("ok pages: "), "{out}");
}

#[test]
fn results_are_for_programs_too() {
    let dir = project(&behind(TEAMS, "create policy leak on public.teams for select to anon using (true);"));
    let (code, out, _) = run(dir.path(), &["test", "--format", "json", "--filter", "teams"]);
    assert_eq!(code, 1);
    let found: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    let failed: Vec<_> = found["tests"].as_array().expect("tests").iter().filter(|t| t["passed"] == false).collect();
    assert!(!failed.is_empty() && found["failed"] == failed.len());
    assert!(failed.iter().all(|t| t["entity"] == "teams" && t["what"] == "select as anon"), "{failed:?}");
    assert!(failed.iter().any(|t| t["shows"].as_array().is_some_and(|shows| !shows.is_empty())), "{failed:?}");
    let (code, out, _) = run(dir.path(), &["test", "--format", "junit", "--filter", "teams"]);
    assert_eq!(code, 1);
    assert!(
        out.starts_with("<?xml") && out.contains("<failure message=\"expected ") && out.ends_with("</testsuite>\n")
    );
    let (code, _, said) = run(dir.path(), &["test", "--format", "github"]);
    assert_eq!(code, 2, "{said}");
    let (code, _, said) = run(dir.path(), &["check", "--format", "junit"]);
    assert_eq!(code, 2, "{said}");
}

#[test]
fn counterexamples_are_replayed() {
    let open = TEAMS.replace(
        "own: allow select  to authenticated  when person_id",
        "join: allow insert  to authenticated  when person_id",
    );
    let dir = project(&open);
    for major in ["15", "18"] {
        let (code, out, said) = run(dir.path(), &["prove", "--run", "--postgres", major]);
        assert_eq!(code, 1, "{out}{said}");
        assert!(said.contains(&format!("replayed on Postgres {major}: allowed")), "{said}");
        assert!(!out.contains("REFUSED"), "{out}");
    }
    // Policies that nobody wrote as rules name no viewer.
    let sql = "create table public.people (id uuid primary key references auth.users on delete cascade, name text not null);
create table public.notes (id bigint generated always as identity primary key, owner uuid not null references public.people);
alter table public.people enable row level security;
alter table public.notes enable row level security;
create policy own on public.people for select to authenticated using (id = auth.uid());
create policy mine on public.notes for all to authenticated using (owner = (select auth.uid())) with check (true);
grant select on public.people to authenticated;
grant select, insert, update, delete on public.notes to authenticated;";
    fs::write(dir.path().join("a.sql"), sql).expect("a file");
    let (code, out, said) = run(dir.path(), &["prove", "--sql", "a.sql", "--target", "supabase", "--run"]);
    assert_eq!(code, 1, "{out}{said}");
    assert!(said.contains(": allowed") && !said.contains("not replayed"), "{said}");
    // Something that the model does not know of refuses what it shows.
    let dir =
        project(&behind(&open, "create policy shut on public.members as restrictive for insert with check (false);"));
    let (code, out, said) = run(dir.path(), &["prove", "--run"]);
    assert_eq!(code, 1);
    assert!(out.contains("REFUSED A0009 members"), "{out}");
    assert!(said.contains("the model of access is wrong there"), "{said}");
}

/// Several statements, what a view and a function show, and files are replayed too.
#[test]
fn counterexamples_of_every_kind_are_replayed() {
    let text = "
viewer -> people

entity people {
  id: uuid  key
  policy { own: allow select  to authenticated  when id = viewer }
}

entity circles {
  id:      uuid = gen_random_uuid()  key
  head_id  -> people                 on delete cascade immutable
  policy {
    seen: allow select  to authenticated
    make: allow insert  to authenticated  when head_id = viewer
  }
}

entity boards {
  id:       uuid = gen_random_uuid()  key
  owner_id  -> people                 on delete cascade immutable
  title:    text
  policy {
    own:    allow select  to authenticated  when owner_id = viewer
    circle: allow select  to authenticated  when exists attached (circle.head_id = viewer)
  }
}

entity attached {
  board_id  -> boards   inverse attached on delete cascade immutable
  circle_id -> circles  on delete cascade immutable
  key (board_id, circle_id)
  policy {
    seen:   allow select  to authenticated
    attach: allow insert  to authenticated  when circle.head_id = viewer
  }
}

view titles security definer to authenticated as $$ select id, title from public.boards $$

function title_of(b: uuid) -> text stable security definer to authenticated as $$
  select x.title from public.boards x where x.id = b
$$

bucket pictures {
  policy {
    read: allow select  to authenticated  when (storage.foldername(name))[1] = viewer::text
    add:  allow insert  to authenticated
  }
}
";
    let dir = project(text);
    let (code, out, said) = run(dir.path(), &["prove", "--run"]);
    assert_eq!(code, 1, "{out}{said}");
    for code in ["A0021", "A0035", "A0036", "A0012"] {
        assert!(said.contains(code), "{code}: {said}");
    }
    assert!(!out.contains("REFUSED") && !said.contains("not replayed"), "{out}{said}");
}

#[test]
fn tests_that_pass_run_as_pgtap() {
    let spec = format!(
        "{TEAMS}
seed base {{ teams first {{ slug: 'first-1', open: true }} }}
"
    );
    let on_users = "create function public.newcomer() returns trigger language plpgsql security definer as
'begin insert into public.people (id, name) values (new.id, ''new''); return new; end';
create trigger newcomer after insert on auth.users for each row execute function public.newcomer();";
    // Triggers on a table of the platform cannot be switched off by the owner of the spec.
    run_as_pgtap(&behind(&spec, on_users), specc_postgres::Database::connect_filler);
    run_as_pgtap(&spec, specc_postgres::Database::connect);
}

type Connect = fn(&specc_postgres::Database) -> Result<specc_postgres::Session, specc_postgres::Error>;

fn run_as_pgtap(spec: &str, connect: Connect) {
    let dir = project(spec);
    let folder = dir.path().join("supabase/tests");
    fs::create_dir_all(&folder).expect("a folder");
    fs::write(folder.join("mine.test.sql"), "select 1;").expect("a file");
    fs::write(folder.join("gone.test.sql"), format!("-- {}\n", specc_catalog::MARK)).expect("a file");
    let (code, out, said) = run(dir.path(), &["test", "--pgtap", "supabase/tests"]);
    assert_eq!((code, out.as_str()), (0, ""), "{said}");
    assert!(folder.join("mine.test.sql").exists() && !folder.join("gone.test.sql").exists());
    let (code, _, said) = run(dir.path(), &["build", "--stamp", "20260101000000"]);
    assert_eq!(code, 0, "{said}");
    for major in [15, 18] {
        let (db, mut above) = crate::tap::database(dir.path(), major);
        above.batch_execute("insert into public.teams (slug) values ('other-1')").expect("a row that is in the way");
        let mut session = connect(&db).expect("a session");
        let files = ["chapters", "managers", "members", "open_teams", "pages", "people", "teams"]
            .map(|name| folder.join(format!("{name}.test.sql")));
        let mut ran = 0;
        for path in &files {
            let lines = crate::tap::lines(&mut session, path);
            let (plan, lines) = lines.split_first().expect("a plan");
            assert_eq!(plan, &format!("1..{}", lines.len()), "{}", path.display());
            let wrong: Vec<&String> = lines.iter().filter(|line| line.starts_with("not ok")).collect();
            assert!(wrong.is_empty(), "{}: {wrong:#?}", path.display());
            ran += lines.len();
        }
        assert!(ran > 150, "{ran}");
        let kept: i64 = session.query_one("select count(*) from public.teams", &[]).expect("a row").get(0);
        assert!(kept >= 1, "nothing is left behind, and nothing is gone");
        above.batch_execute("create policy leak on public.teams for select to anon using (true)").expect("a leak");
        let lines = crate::tap::lines(&mut session, &files[6]);
        assert!(lines.iter().any(|line| line.starts_with("not ok")), "{lines:#?}");
    }
}

/// Scenarios are played among the tests: what they say fails where it is not so.
#[test]
fn scenarios_are_played() {
    const TOLD: &str = "
seed base {
  auth.users ana_account { email: 'ana@example.com' }
  auth.users ben_account { email: 'ben@example.com' }
  people ana { id: ana_account, name: 'Ana' }
  people ben { id: ben_account, name: 'Ben' }
}

scenario 'people see themselves' {
  as ana {
    people -> only ana
    allow update ana { name: 'Anna' }
    deny update ben { name: 'Mine' }
  }
}

scenario 'people see each other' { as ben { people -> only ana, ben } }
";
    let dir = project(&format!("{TEAMS}{TOLD}"));
    let (code, out, err) = run(dir.path(), &["test", "--all"]);
    assert_eq!(code, 1, "{out}\n{err}");
    let failed: Vec<&str> = out.lines().filter(|line| line.starts_with("FAILED")).collect();
    assert_eq!(failed, ["FAILED people see each other: ben: people -> only ana, ben"], "{out}\n{err}");
    assert!(out.contains("expected: only ana, ben") && out.contains("got:      ben"), "{out}");
    assert_eq!(out.lines().filter(|line| line.starts_with("ok people see themselves")).count(), 3, "{out}");
    assert!(err.contains("1 failed"), "{err}");
}
