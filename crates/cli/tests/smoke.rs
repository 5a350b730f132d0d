//! `specc smoke`, as users run it: on a scratch server, and on a database in use.

#![allow(clippy::disallowed_methods)]

use crate::program::run;
use crate::tried::project;
use serde_json::Value;
use specc_model::RuleAction;
use specc_postgres::shared;
use specc_prove::Subject;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const TEAMS: &str = "
entity people {
  id      -> auth.users  key as account on delete cascade immutable
  name:   text
  policy {
    own:   allow select         to authenticated  when id = viewer
    join:  allow insert         to authenticated  when id = viewer
    write: allow update (name)  to authenticated  when id = viewer
  }
}
viewer -> people

enum rank { member, manager }

entity teams {
  id:   uuid = gen_random_uuid()  key
  slug: text  unique
  size: int = 1
  open: bool?
  policy {
    read:   allow select               to authenticated, anon  when open
    inside: allow select               to authenticated        when exists members (person_id = viewer)
    manage: allow update (slug, size)  to authenticated
      when exists members (person_id = viewer and rank = 'manager')
    close:  allow delete               to authenticated
      when exists members (person_id = viewer and rank = 'manager')
  }
}

entity members {
  team_id   -> teams   on delete cascade
  person_id -> people  on delete cascade
  rank:     rank = 'member'
  key (team_id, person_id)
  policy {
    own: allow select  to authenticated  when person_id = viewer
  }
}

view open_teams to authenticated as $$ select id, slug from public.teams where open $$

function teams_of(person: uuid) -> bigint to authenticated stable as $$
  select count(*) from public.members where person_id = person
$$

function rename_team(team: uuid, slug: text) -> void to authenticated as $$
  update public.teams set slug = rename_team.slug where id = team
$$
";

fn json(dir: &Path, args: &[&str]) -> (i32, Value) {
    let mut all = vec!["smoke", "--format", "json"];
    all.extend(args);
    let (code, out, said) = run(dir, &all);
    (code, serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}{said}")))
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// How often each entity is asked by each role with each method.
type Cells = BTreeMap<(String, String, &'static str), usize>;

/// What the matrix has of a spec: statements by entity, role and method, of what the API shows.
fn matrix(name: &str) -> Cells {
    let mut sources = specc_diag::Sources::new();
    let mut trees = Vec::new();
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(root().join("specs").join(name)).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|end| end == "dbspec"));
    paths.sort();
    for path in paths {
        let text = std::fs::read_to_string(&path).unwrap();
        let file = sources.add(path.display().to_string(), text.clone());
        trees.push(specc_syntax::parse(file, &text).0);
    }
    let (model, _) = specc_model::analyze(trees, &mut sources, specc_model::Options::default());
    let matrix = specc_prove::matrix(&model, &[], &|_| true);
    let mut cells = Cells::new();
    for trial in &matrix.trials {
        let schema = match trial.of {
            Subject::Entity(id) => &model.entity(id).name.schema,
            Subject::View(at) => &model.views[at].name.schema,
        };
        let method = match trial.case.command() {
            RuleAction::Select => "GET",
            RuleAction::Insert => "POST",
            RuleAction::Update => "PATCH",
            RuleAction::Delete => "DELETE",
        };
        if schema == "public" {
            *cells.entry((trial.of.name(&model), trial.case.role.to_string(), method)).or_default() +=
                trial.statements.len();
        }
    }
    cells
}

/// Every statement of the matrix is a request, and comes out as the matrix says, for all roles, entities and verbs; what is
/// not asked is said so, with what is in the way.
#[test]
fn the_specs_answer_as_the_matrix_says() {
    for name in ["srvc_crm", "automation_platform", "medellin_spark"] {
        let (code, said) = json(&root().join("specs").join(name), &[]);
        let failed: Vec<&Value> =
            said["requests"].as_array().unwrap().iter().filter(|one| one["passed"] == false).collect();
        assert!(code == 0 && failed.is_empty(), "{name}: {failed:?}");
        let mut asked = Cells::new();
        for one in said["requests"].as_array().unwrap().iter().filter(|one| one["kind"] == "rows") {
            let text = |key: &str| one[key].as_str().unwrap().to_owned();
            let method = ["GET", "POST", "PATCH", "DELETE"].into_iter().find(|word| *word == text("method")).unwrap();
            *asked.entry((text("entity"), text("role"), method)).or_default() += 1;
        }
        let mut open: BTreeMap<(String, String), usize> = BTreeMap::new();
        for one in said["not_asked"].as_array().unwrap() {
            let role = one["what"].as_str().unwrap().rsplit(" as ").next().unwrap().to_owned();
            *open.entry((one["entity"].as_str().unwrap().to_owned(), role)).or_default() += 1;
        }
        let wanted = matrix(name);
        assert!(wanted.len() > 40, "{name}: {}", wanted.len());
        for (cell, count) in &wanted {
            let seen = asked.get(cell).copied().unwrap_or_default();
            let left = open.get(&(cell.0.clone(), cell.1.clone())).copied().unwrap_or_default();
            assert!(seen > 0 && seen + left >= *count, "{name}: {cell:?} has {count} statements, {seen} asked");
        }
    }
}

/// A database in use is asked on the rows that it has, by somebody who is there, and is as before.
#[test]
fn a_database_in_use_is_asked_and_stays_as_it_was() {
    let dir = project(TEAMS);
    let (code, out, err) = run(dir.path(), &["build", "--stamp", "20260101000000"]);
    assert_eq!(code, 0, "{out}{err}");
    let db = shared(18).platform_database().unwrap();
    let url = db.url("postgres");
    let (code, out, err) = run(dir.path(), &["apply", "--database-url", &url]);
    assert_eq!(code, 0, "{out}{err}");
    let ada = "00000000-0000-4000-8000-00000000000a";
    let mut owner = db.connect_superuser().unwrap();
    owner
        .batch_execute(
            "insert into auth.users (id) select ('00000000-0000-4000-8000-00000000000' || c)::uuid from unnest(array['a', 'b', 'c']) c;
             insert into public.people (id, name) select id, 'x' from auth.users;
             insert into public.teams (id, slug, open) values
               ('10000000-0000-4000-8000-000000000001', 'a-1', true), ('10000000-0000-4000-8000-000000000002', 'a-2', false),
               ('10000000-0000-4000-8000-000000000003', 'a-3', null);
             insert into public.members values
               ('10000000-0000-4000-8000-000000000002', '00000000-0000-4000-8000-00000000000a', 'manager'),
               ('10000000-0000-4000-8000-000000000003', '00000000-0000-4000-8000-00000000000a', 'member'),
               ('10000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-00000000000b', 'manager');",
        )
        .unwrap();
    let mut all = || -> String {
        let row = owner
            .query_one(
                "select concat((select string_agg(t::text, ';' order by t::text) from public.teams t),
                   (select string_agg(t::text, ';' order by t::text) from public.people t),
                   (select string_agg(t::text, ';' order by t::text) from public.members t))",
                &[],
            )
            .unwrap();
        row.get(0)
    };
    let before = all();
    let live = ["--database-url", &url, "--as", ada, "--write"];
    let (code, said) = json(dir.path(), &live);
    assert_eq!(code, 0, "{said:#}");
    let got = |request: &str, role: &str| -> Vec<String> {
        let all = said["requests"].as_array().unwrap().iter();
        let of = all.filter(|one| one["role"] == role && one["request"].as_str().unwrap().starts_with(request));
        of.map(|one| one["got"].as_str().unwrap().to_owned()).collect()
    };
    // Nobody in particular, then she: of three teams one is open, and two are hers.
    assert_eq!(got("GET /teams", "authenticated"), ["200, 1 row", "200, 3 rows"]);
    assert_eq!(got("GET /teams", "anon"), ["200, 1 row"]);
    assert!(got("GET /people", "anon")[0].starts_with("401"), "{:?}", got("GET /people", "anon"));
    assert_eq!(said["not_asked"], serde_json::json!([]));
    assert!(
        got("PATCH /teams?id=eq.10000000-0000-4000-8000-000000000002", "authenticated").contains(&"204, 1 row".into())
    );
    assert!(got("DELETE /teams", "authenticated").contains(&"204, 0 rows".into()));
    assert_eq!(before, all());
    // Without `--write`, nothing but reads.
    let (_, reads) = json(dir.path(), &live[..4]);
    let writes = |one: &&Value| !["GET", "POST"].contains(&one["method"].as_str().unwrap());
    assert_eq!(reads["requests"].as_array().unwrap().iter().filter(writes).count(), 0);
    let faults = [
        ("create policy wide on public.teams for select to authenticated using (true)", "GET /teams"),
        ("create policy wide on public.teams for delete to authenticated using (true)", "DELETE /teams"),
        ("alter table public.members disable row level security", "GET /members"),
        ("revoke select on public.people from authenticated", "GET /people"),
        ("revoke insert on public.people from authenticated", "POST /people"),
    ];
    for (fault, wanted) in faults {
        let mut owner = db.connect_superuser().unwrap();
        owner.batch_execute(fault).unwrap();
        let (code, said) = json(dir.path(), &live);
        let failed: Vec<String> = said["requests"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|one| one["passed"] == false)
            .map(|one| one["request"].to_string())
            .collect();
        assert!(code == 1 && failed.iter().any(|line| line[1..].starts_with(wanted)), "{fault}: {failed:?}");
        let undo = match fault.split_whitespace().next() {
            Some("create") => "drop policy wide on public.teams",
            Some("alter") => "alter table public.members enable row level security",
            _ => "grant select, insert on public.people to authenticated",
        };
        owner.batch_execute(undo).unwrap();
    }
    // Who may not ask as the clients do is told so, and nothing passes.
    owner.batch_execute("create role stranger login").unwrap();
    let (code, _, said) = run(dir.path(), &["smoke", "--database-url", &db.url("stranger")]);
    assert!(code == 1 && said.contains("cannot ask as"), "{code} {said}");
}

/// What is wrong with a question over HTTP is said, and nothing of a key is.
#[test]
fn wrong_questions_over_http_are_refused() {
    let dir = project(TEAMS);
    let refused = |args: &[&str], words: &str| {
        let (code, out, said) = run(dir.path(), args);
        assert!(code == 2 && said.contains(words), "{args:?}: {code} {out}{said}");
    };
    refused(&["smoke", "--api-url", "http://127.0.0.1:9"], "SUPABASE_ANON_KEY");
    let keyed = ["smoke", "--key-env", "PATH", "--api-url"];
    refused(&[&keyed[..], &["http://example.com"]].concat(), "example.com");
    refused(&[&keyed[..], &["http://127.0.0.1:9"]].concat(), "127.0.0.1:9");
    let file = dir.path().join("a.toml");
    std::fs::write(&file, "[[story]]\nname = 'a'\n[[story.step]]\nrequest = 'GET /x'\n").unwrap();
    let with = ["http://127.0.0.1:9", "--stories", file.to_str().unwrap()];
    refused(&[&keyed[..], &with[..]].concat(), "status");
    refused(&["smoke", "--stories", "a.toml"], "--api-url");
    refused(&["smoke", "--as", "x"], "--database-url");
    let (_, _, said) = run(dir.path(), &[&keyed[..], &["http://127.0.0.1:9"]].concat());
    assert!(!said.contains("/usr/bin"), "{said}");
}
