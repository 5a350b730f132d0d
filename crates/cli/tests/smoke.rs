//! `specc smoke`, as users run it: on a scratch server, and on a database in use.

#![allow(clippy::disallowed_methods)]

use crate::program::{run, run_with};
use crate::tried::{applied, project};
use serde_json::Value;
use specc_model::RuleAction;
use specc_postgres::{Database, shared};
use specc_prove::Subject;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// Teams with their members, what clients call, and a view of them.
const TEAMS: &str = concat!(
    include_str!("../../../fixtures/smoke/teams.dbspec"),
    "\nview open_teams to authenticated as $$ select id, slug from public.teams where open $$\n"
);

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
    let (dir, db, url) = applied(TEAMS);
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
    // What a trigger says may have values of rows, and is not said on.
    owner
        .batch_execute(
            "create function private.tell() returns trigger language plpgsql as $f$ begin raise exception 'the slug is %', old.slug; end $f$;
             create trigger zz_tell before update on public.teams for each row execute function private.tell()",
        )
        .unwrap();
    let (_, said) = json(dir.path(), &live);
    assert!(
        said.to_string().contains("the message is not shown") && !said.to_string().contains("the slug is"),
        "{said:#}"
    );
    owner.batch_execute("drop trigger zz_tell on public.teams; drop function private.tell()").unwrap();
    // Who may not ask as the clients do is told so, and nothing passes.
    owner.batch_execute("create role stranger login").unwrap();
    let (code, _, said) = run(dir.path(), &["smoke", "--database-url", &db.url("stranger")]);
    assert!(code == 1 && said.contains("cannot ask as"), "{code} {said}");
}

const SHELF: &str = "
entity shelves {
  id:    int  key
  label: text
  note:  text?
  shown: bool = true
  policy { read: allow select  to authenticated, anon  when shown }
}

entity stock {
  id: int  key
  policy { read: allow select  to anon }
}

entity plain {
  id: int  key
  text: text
  rls off
}

view labels to authenticated, anon as $$ select id, label from public.shelves where id > 3 $$
";

/// A project whose database has twenty rows in each table.
fn shelf(text: &str) -> (tempfile::TempDir, Database, String) {
    let (dir, db, url) = applied(text);
    let rows = "insert into public.shelves (id, label, shown) select n, 'x', n <= 12 from generate_series(1, 20) n";
    db.load(rows).unwrap();
    (dir, db, url)
}

fn wrong(said: &Value) -> Vec<String> {
    let requests = said["requests"].as_array().unwrap_or_else(|| panic!("{said:#}"));
    let all = requests.iter().filter(|one| one["passed"] == false);
    all.map(|one| format!("{} as {}", one["request"].as_str().unwrap(), one["role"].as_str().unwrap())).collect()
}

/// What the spec names and the database has under another name or elsewhere, and what it gives where no rule does, is found on a
/// database in use. Half a second each.
#[test]
fn a_database_in_use_has_what_is_named_and_nothing_more() {
    let (dir, db, url) = shelf(SHELF);
    let reads = ["--database-url", &url];
    let writes = ["--database-url", &url, "--write"];
    let (code, said) = json(dir.path(), &writes);
    assert!(code == 0 && said["not_asked"] == serde_json::json!([]), "{said:#}");
    let faults = [
        // A fault, how it is undone, and what has to be among the requests that fail.
        ("alter table public.shelves rename to racks", "alter table public.racks rename to shelves", "GET /shelves"),
        (
            "create schema elsewhere; alter table public.shelves set schema elsewhere",
            "alter table elsewhere.shelves set schema public",
            "GET /shelves",
        ),
        (
            "create or replace view public.labels with (security_invoker = on) as select id, label from public.shelves",
            "create or replace view public.labels with (security_invoker = on) as select id, label from public.shelves where id > 3",
            "GET /labels",
        ),
        (
            "alter table public.shelves rename label to name",
            "alter table public.shelves rename name to label",
            "GET /shelves",
        ),
        (
            "alter table public.shelves rename shown to open",
            "alter table public.shelves rename open to shown",
            "GET /shelves",
        ),
        (
            "grant delete on public.stock to anon; create policy z on public.stock for delete to anon using (true)",
            "revoke delete on public.stock from anon; drop policy z on public.stock",
            "DELETE /stock?limit=0 as anon",
        ),
        (
            "grant update (note) on public.shelves to anon",
            "revoke update (note) on public.shelves from anon",
            "PATCH /shelves?columns=note",
        ),
        (
            "grant insert on public.stock to authenticated",
            "revoke insert on public.stock from authenticated",
            "POST /stock",
        ),
        (
            "grant delete on public.plain to anon",
            "revoke delete on public.plain from anon",
            "DELETE /plain?limit=0 as anon",
        ),
    ];
    for (fault, undo, wanted) in faults {
        db.load(fault).unwrap();
        let (code, said) = json(dir.path(), &writes);
        assert!(code == 1 && wrong(&said).iter().any(|line| line.starts_with(wanted)), "{fault}: {:?}", wrong(&said));
        db.load(undo).unwrap();
    }
    // A schema that the API does not show is said.
    let (_, said) = json(dir.path(), &[&reads[..], &["--exposed", "api"]].concat());
    assert!(said["not_asked"].to_string().contains("public.shelves"), "{said:#}");
    // Who connects and sees no rows has compared nothing.
    db.load("create role half login; grant anon, authenticated to half; grant select on all tables in schema public to half").unwrap();
    let (code, _, said) = run(dir.path(), &["smoke", "--database-url", &db.url("half")]);
    assert!(code == 1 && said.contains("not seen") && said.contains("owner of the tables"), "{code} {said}");
    db.connect_superuser().unwrap().batch_execute("drop owned by half; drop role half").unwrap();
}

/// A rule for everyone is for no role of its own: nobody asks as `public`, and it is said.
#[test]
fn everyone_is_no_role_that_asks() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("specc.toml"), "name = \"tried\"\ntarget = \"postgres\"\n").unwrap();
    let spec = "role smoke_clerk\n\nentity items {\n  id: int  key\n  shown: bool = true\n  policy {\n    \
        open: allow select  when shown\n    mine: allow update  to smoke_clerk  when shown\n  }\n}\n";
    std::fs::write(dir.path().join("a.dbspec"), spec).unwrap();
    let asked = |args: &[&str]| {
        let (code, said) = json(dir.path(), args);
        assert_eq!((code, wrong(&said)), (0, Vec::new()), "{said:#}");
        let requests = said["requests"].as_array().unwrap();
        assert!(requests.len() > 2 && requests.iter().all(|one| one["role"] == "smoke_clerk"), "{said:#}");
        assert!(said["not_asked"].to_string().contains("no role of its own"), "{said:#}");
    };
    asked(&[]);
    let (code, out, err) = run(dir.path(), &["build", "--stamp", "20260101000000"]);
    assert_eq!(code, 0, "{out}{err}");
    let db = shared(18).empty_database().unwrap();
    let url = db.url("postgres");
    let (code, out, err) = run(dir.path(), &["apply", "--database-url", &url]);
    assert_eq!(code, 0, "{out}{err}");
    // Who may not become the role cannot ask as it.
    let (code, _, said) = run(dir.path(), &["smoke", "--database-url", &url]);
    assert!(code == 1 && said.contains("cannot ask as `smoke_clerk`"), "{code} {said}");
    db.connect_superuser().unwrap().batch_execute("grant smoke_clerk to postgres with inherit true, set true").unwrap();
    asked(&["--database-url", &url, "--write"]);
}

/// Of a table with more rows than are read, some that the rules keep back are asked for, and that it is a part is said.
#[test]
fn a_larger_table_is_no_cover_for_a_wider_rule() {
    let (dir, db, url) = shelf(SHELF);
    let part = ["--database-url", &url, "--rows", "12"];
    let (code, said) = json(dir.path(), &part);
    assert!(code == 0 && said["not_asked"].to_string().contains("only 12 were compared"), "{said:#}");
    db.load("create policy wide on public.shelves for select to anon using (true)").unwrap();
    let (code, said) = json(dir.path(), &part);
    assert!(code == 1 && wrong(&said).iter().all(|line| line.contains("id=eq.")), "{:?}", wrong(&said));
}

/// An environment is a database in use, for what asks it and for a drill.
#[test]
fn an_environment_is_the_database_that_is_asked() {
    let (dir, db, url) = shelf(SHELF);
    let settings = "name = \"tried\"\n\n[environments.staging]\ndatabase_url = \"TRIED_URL\"\n";
    std::fs::write(dir.path().join("specc.toml"), settings).unwrap();
    let variables = [("TRIED_URL", url.as_str())];
    let asked = ["smoke", "--env", "staging", "--write", "--rows", "500"];
    let (code, out, said) = run_with(dir.path(), &asked, &variables);
    assert!(code == 0 && said.contains("on the database"), "{code} {out}{said}");
    db.load("create policy wide on public.shelves for select to anon using (true)").unwrap();
    assert_eq!(run_with(dir.path(), &asked, &variables).0, 1);
    let file = dir.path().join("a.dump");
    let file = file.to_str().unwrap();
    let (code, out, err) = run(dir.path(), &["backup", "--file", file, "--database-url", &url]);
    assert_eq!(code, 0, "{out}{err}");
    let (code, out, err) = run_with(dir.path(), &["drill", file, "--env", "staging", "--rpo", "3600"], &variables);
    assert!(code == 0 && err.contains("so old is the backup"), "{code} {out}{err}");
    for args in [&["smoke", "--env", "nowhere"][..], &["drill", file, "--env", "nowhere"]] {
        let (code, _, said) = run(dir.path(), args);
        assert!(code != 0 && said.contains("nowhere"), "{args:?}: {code} {said}");
    }
    let (code, _, said) = run(dir.path(), &["smoke", "--env", "staging", "--api-url", "http://127.0.0.1:9"]);
    assert!(code == 2 && said.contains("cannot be used with"), "{code} {said}");
}

/// A server that gives back what it was sent gives back keys, tokens and passwords: no report has one.
#[test]
fn what_a_server_gives_back_of_a_secret_is_not_shown() {
    let dir = project(SHELF);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    // Ends with the tests.
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut bytes = vec![0; 8192];
            let mut length = 0;
            // Head and body may come one after the other.
            loop {
                let read = stream.read(&mut bytes[length..]).unwrap_or(0);
                length += read;
                let text = String::from_utf8_lossy(&bytes[..length]).to_lowercase();
                let wanted = text.lines().find_map(|line| line.strip_prefix("content-length: ")?.trim().parse().ok());
                let have = text.split_once("\r\n\r\n").map(|(_, body)| body.len());
                if read == 0 || have.is_some_and(|have| have >= wanted.unwrap_or(0)) {
                    break;
                }
            }
            let body = serde_json::json!({ "code": "PGRST301", "message": String::from_utf8_lossy(&bytes[..length]) })
                .to_string();
            let head = format!(
                "HTTP/1.1 403 No\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                body.len()
            );
            let _ = stream.write_all(format!("{head}{body}").as_bytes());
        }
    });
    let story = "[[story]]\nname = 'a'\n[[story.step]]\nrequest = 'POST /auth/v1/signup'\nstatus = 200\n\
        body = { password = '{{env:TRIED_PASSWORD}}' }\n";
    std::fs::write(dir.path().join("a.toml"), story).unwrap();
    let variables =
        [("TRIED_KEY", "key-0123456789"), ("TRIED_TOKEN", "token-0123456789"), ("TRIED_PASSWORD", "horse-0123456789")];
    for format in ["text", "json", "junit"] {
        let args = [
            "smoke",
            "--format",
            format,
            "--api-url",
            &url,
            "--key-env",
            "TRIED_KEY",
            "--token-env",
            "TRIED_TOKEN",
            "--stories",
            "a.toml",
        ];
        let (code, out, said) = run_with(dir.path(), &args, &variables);
        assert!(code == 1 && out.to_lowercase().contains("bearer …"), "{format}: {code} {out}{said}");
        for (name, secret) in variables {
            assert!(!out.contains(secret) && !said.contains(secret), "{format}: {name}: {out}{said}");
        }
    }
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

/// Columns and tables that are called as what the statements around them call something.
const NAMES: &str = "
entity people {
  id -> auth.users key as account on delete cascade immutable
  policy { own: allow select to authenticated when id = viewer }
}
viewer -> people
entity body {
  id:     uuid = gen_random_uuid()  key
  page:   text
  asked:  text
  source: text
  lets:   bool = true
  passes: bool = true
  nth:    int = 3
  keys:   text = 'k'
  value:  int = 1
  policy {
    read:  allow select                    to authenticated  when lets
    write: allow update (page, nth, value) to authenticated  when passes
    make:  allow insert                    to authenticated  when lets
    close: allow delete                    to authenticated  when lets and nth > 1
  }
}
entity payload {
  id: int key
  one: text
  body_id -> body
  policy { read: allow select to authenticated }
}
";

#[test]
fn columns_may_be_called_as_ours() {
    let (dir, db, url) = applied(NAMES);
    let ada = "00000000-0000-4000-8000-00000000000a";
    db.connect_superuser()
        .unwrap()
        .batch_execute(&format!(
            "insert into auth.users (id) values ('{ada}'); insert into public.people values ('{ada}');
             insert into public.body (page, asked, source, lets, passes, nth)
               select 'p', 'a', 's', n % 2 = 0, n % 3 = 0, n from generate_series(1, 12) n;
             insert into public.payload select 1, 'x', id from public.body limit 1"
        ))
        .unwrap();
    let (code, said) = json(dir.path(), &["--database-url", &url, "--as", ada, "--write"]);
    assert_eq!(code, 0, "{said:#}");
    assert_eq!(said["not_asked"], serde_json::json!([]), "{said:#}");
    let asked = said["requests"].as_array().unwrap().iter().map(|one| one["request"].as_str().unwrap());
    let asked: Vec<&str> = asked.filter(|request| request.contains("/body")).collect();
    for method in ["GET", "PATCH", "DELETE"] {
        assert!(asked.iter().any(|request| request.starts_with(method)), "{asked:?}");
    }
    // Without a database the same requests are asked of rows that are made.
    let (code, said) = json(dir.path(), &[]);
    assert_eq!(code, 0, "{said:#}");
}
