//! `specc audit` as it is run: against a spec, in every form, with a baseline and evidence, and without a word of a secret.

use crate::program::run;
use crate::tried::apply;
use serde_json::Value;
use specc_postgres::{Database, shared};

const SPEC: &str = "entity profiles {
  id:    uuid = gen_random_uuid()  key
  mail:  text                      pii
  token: text?                     secret
  age:   int = 1

  check grown_up: age > 0
  check token_is_a_number: token is null or token::bigint > 0
}

viewer -> profiles

entity notes {
  id:        uuid = gen_random_uuid()  key
  profile_id -> profiles               on delete cascade
  title:     text

  index (title)
}

policy on profiles {
  own: allow select (id, mail, age)  to authenticated  when id = viewer
}

policy on notes {
  own: allow select  to authenticated  when profile_id = viewer
}

seed base {
  profiles first { id: '11111111-1111-4111-8111-111111111111', mail: 'first' }
}

bucket avatars {
  size 2 MB
}

realtime {
  notes
}

extension citext in extensions

schedule nightly '0 2 * * *' as $$ delete from public.notes where title = '' $$
";

/// A project, built, and a database with its migrations, and what is wrong in it.
struct Place {
    dir: tempfile::TempDir,
    db: Database,
    url: String,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(
            dir.path().join("specc.toml"),
            "name = \"audited\"\ntarget = \"supabase\"\nspecs = [\"spec/*.dbspec\"]\n",
        )
        .unwrap();
        std::fs::create_dir(dir.path().join("spec")).unwrap();
        std::fs::write(dir.path().join("spec/main.dbspec"), SPEC).unwrap();
        let db = shared(18).platform_database().unwrap();
        let url = apply(dir.path(), &db);
        Self { dir, db, url }
    }

    fn break_it(&self, sql: &str) {
        self.db.connect_superuser().unwrap().batch_execute(sql).unwrap();
    }

    fn audit(&self, more: &[&str]) -> (i32, String, String) {
        let mut args = vec!["audit", "--database-url", self.url.as_str()];
        args.extend(more);
        run(self.dir.path(), &args)
    }

    fn json(&self, more: &[&str]) -> Value {
        let mut args = vec!["--format", "json"];
        args.extend(more);
        let (_, out, err) = self.audit(&args);
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}{err}"))
    }
}

fn found(report: &Value) -> Vec<String> {
    let one =
        |finding: &Value| format!("{}: {}", finding["check"].as_str().unwrap(), finding["object"].as_str().unwrap());
    report["findings"].as_array().unwrap().iter().map(one).collect()
}

fn verdict<'r>(report: &'r Value, name: &str) -> &'r str {
    let all = report["checks"].as_array().unwrap();
    all.iter().find(|check| check["name"] == name).and_then(|check| check["verdict"].as_str()).unwrap()
}

/// Checks that have to do with the spec.
const OF_SPEC: &str = "drift,index_drift,policy_drift,access_differs,bucket_differs,publication_differs,extension_differs,job_differs,\
    secret_readable,person_readable_by_anyone,rows_break_the_spec,seed_rows_missing,orphans,migration_pending,migration_unknown,\
    migration_changed,migration_half_applied,access_not_audited";

/// What is as the spec says has no finding; each difference is found by the check that it is the matter of.
#[test]
fn a_database_is_held_against_its_spec() {
    let place = Place::new();
    let clean = place.json(&["--only", OF_SPEC]);
    assert_eq!(found(&clean), ["access_not_audited: pgaudit"], "{clean}");
    assert_eq!(verdict(&clean, "drift"), "RAN");
    // A difference that gives nobody more or less is none of access.
    place.db.connect().unwrap().batch_execute("create schema s9").unwrap();
    let other = found(&place.json(&["--only", OF_SPEC]));
    assert_eq!(other, ["drift: schema s9", "access_not_audited: pgaudit"]);
    place.break_it("drop schema s9");
    place.break_it(
        "alter table public.profiles drop constraint grown_up; alter table public.profiles add column more int;
         insert into public.profiles (mail, age) values ('x', -1);
         alter table public.notes drop constraint notes_profile_id_fkey;
         insert into public.notes (profile_id, title) values (gen_random_uuid(), 'lost');
         drop index public.notes_title_idx; grant update on public.notes to anon; grant select on public.profiles to anon;
         delete from public.profiles where mail = 'first'; update storage.buckets set public = true;
         alter publication supabase_realtime drop table public.notes; drop extension citext",
    );
    // Jobs belong to whoever is logged in.
    let jobs = "select cron.unschedule('nightly'), cron.schedule('other', '* * * * *', 'select 1')";
    place.db.connect().unwrap().batch_execute(jobs).unwrap();
    std::fs::write(place.dir.path().join("supabase/migrations/20260202000000_later.sql"), "select 1;\n").unwrap();
    let broken = place.json(&["--only", OF_SPEC]);
    let all = found(&broken);
    for wanted in [
        "drift: table public.profiles",
        "drift: constraint public.grown_up on profiles",
        "index_drift: index public.notes_title_idx",
        "policy_drift: grant ",
        "access_differs: ",
        "bucket_differs: bucket avatars",
        "publication_differs: published table",
        "extension_differs: extension citext",
        "job_differs: job nightly",
        "job_differs: job other",
        "secret_readable: public.profiles.token anon",
        "person_readable_by_anyone: public.profiles.mail anon",
        "rows_break_the_spec: public.profiles the check `grown_up`",
        "seed_rows_missing: public.profiles",
        "orphans: public.notes notes_profile_id_fkey",
        "migration_pending: 20260202000000_later",
    ] {
        assert!(all.iter().any(|one| one.starts_with(wanted)), "{wanted} is not in {all:#?}");
    }
    // What the matrix says of the table.
    assert_eq!(broken["matrix"]["public.profiles"]["Schema"]["ready"], false, "{}", broken["matrix"]);
    // Without the spec nobody says that it is met.
    let alone = place.json(&["--only", OF_SPEC, "--no-spec"]);
    for name in ["drift", "policy_drift", "secret_readable", "rows_break_the_spec", "seed_rows_missing"] {
        assert_eq!(verdict(&alone, name), "CANNOT", "{name}");
    }
}

/// A part of an XML or SARIF text.
fn count(text: &str, part: &str) -> usize {
    text.matches(part).count()
}

/// Every form says the same, none says a secret, and the exit code follows the level.
#[test]
fn each_form_says_the_same_and_no_secret() {
    const CANARY: &str = "CANARYSECRET";
    let place = Place::new();
    place.break_it(&format!(
        "alter table public.profiles drop constraint token_is_a_number;
         grant select on public.notes to anon; alter table public.notes disable row level security;
         insert into public.profiles (mail, token) values ('canary@mail.somewhere.de', '{CANARY}');
         insert into public.notes (profile_id, title) select id, 'sk_' || 'live_{CANARY}4eC39HqLy' from public.profiles limit 1;
         comment on table public.notes is '{CANARY}'; comment on column public.notes.title is '{CANARY}';
         create or replace function private.viewer_id() returns uuid language sql stable set search_path = ''
           as 'select ''{CANARY}''::text::uuid'",
    ));
    let web = place.dir.path().join("web");
    std::fs::create_dir(&web).unwrap();
    std::fs::write(web.join("a.ts"), format!("const key = 'sb_secret_{CANARY}';\n")).unwrap();
    let evidence = place.dir.path().join("evidence");
    let said = |format: &str, more: &[&str]| {
        let mut args = vec!["--format", format, "--code", "web"];
        args.extend(more);
        let (code, out, err) = place.audit(&args);
        assert_eq!(code, 1, "{format}: {err}");
        assert!(!out.contains(CANARY) && !err.contains(CANARY), "{format}: {out}{err}");
        out
    };
    let report: Value = serde_json::from_str(&said("json", &["--evidence", evidence.to_str().unwrap()])).unwrap();
    let findings = report["findings"].as_array().unwrap();
    let checks: Vec<&str> = findings.iter().map(|finding| finding["check"].as_str().unwrap()).collect();
    for name in ["rls_disabled_in_public", "secret_in_rows", "secret_in_code"] {
        assert!(checks.contains(&name), "{name} is not in {checks:?}");
    }
    // What the spec asks of the secret cannot be asked, and the server's message would show it.
    let all = report["checks"].as_array().unwrap();
    let broken = all.iter().find(|check| check["name"] == "rows_break_the_spec").unwrap();
    assert!(broken["not_looked_at"][0].as_str().unwrap().contains("a value cannot be read"), "{broken}");
    let text = said("text", &[]);
    let lines = text.lines().filter(|line| ["error[", "warning[", "info["].iter().any(|start| line.starts_with(start)));
    assert_eq!(lines.count(), findings.len());
    let page = said("markdown", &[]);
    assert_eq!(count(&page, ". Mend: `"), findings.len());
    assert!(page.contains("| `public.notes` |") && page.contains("## What no database shows"), "{page}");
    let html = said("html", &[]);
    assert_eq!(count(&html, ". Mend: <code>"), findings.len());
    assert!(!html.contains("<script") && !html.contains("src="));
    let sarif: Value = serde_json::from_str(&said("sarif", &[])).unwrap();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    let seen =
        results.iter().filter(|result| !result["message"]["text"].as_str().unwrap().starts_with("not looked at"));
    assert_eq!(seen.count(), findings.len());
    let in_code = results.iter().find(|result| result["ruleId"] == "secret_in_code").unwrap();
    assert_eq!(in_code["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], "web/a.ts");
    let junit = said("junit", &[]);
    let checks_with: std::collections::BTreeSet<&str> = checks.iter().copied().collect();
    assert_eq!(count(&junit, "<failure "), checks_with.len());
    assert_eq!(count(&junit, "<testcase "), report["checks"].as_array().unwrap().len());
    // Each check has its evidence, which says no secret.
    let mut files = 0;
    for entry in std::fs::read_dir(&evidence).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let text = std::fs::read_to_string(&path).unwrap();
            assert!(!text.contains(CANARY), "{}", path.display());
            files += 1;
        }
    }
    assert_eq!(files, 2 * report["checks"].as_array().unwrap().len());
    // A query of the evidence can be run again.
    let again = std::fs::read_to_string(evidence.join("rls_disabled_in_public.sql")).unwrap();
    let mut session = place.db.connect().unwrap();
    session.batch_execute(&again).unwrap();
    // Into a folder with files nothing is written.
    let (code, _, err) = place.audit(&["--only", "drift", "--evidence", evidence.to_str().unwrap()]);
    assert!(code == 2 && err.contains("has files in it"), "{err}");
    assert_eq!(place.audit(&["--only", "secret_in_rows", "--fail-on", "never"]).0, 0);
}

/// What is accepted is not counted, until it ends; what is not found any more is said.
#[test]
fn a_baseline_has_reasons_and_ends() {
    let place = Place::new();
    place.break_it("create table public.free (id int primary key); grant select on public.free to anon");
    let only = ["--only", "rls_disabled_in_public,no_archive,weak_password_stored", "--fail-on", "info"];
    let with = |more: &[&str]| place.audit(&[&only[..], more].concat());
    assert_eq!(with(&[]).0, 1);
    let (code, _, err) = with(&["--write-baseline", "b.toml"]);
    assert!(code == 2 && err.contains("--reason"), "{err}");
    with(&["--write-baseline", "b.toml", "--reason", "known", "--until", "2900-01-31"]);
    let file = place.dir.path().join("b.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(
        text.contains("key = \"rls_disabled_in_public_public_free\"") && text.contains("until = \"2900-01-31\""),
        "{text}"
    );
    assert!(text.contains("check = \"weak_password_stored\"\nreason"), "{text}");
    let (code, out, err) = with(&["--baseline", "b.toml"]);
    assert!(code == 0 && out.contains("3 accepted"), "{code} {out}{err}");
    // Never over what somebody wrote.
    let (code, _, err) = with(&["--write-baseline", "b.toml", "--reason", "known"]);
    assert!(code == 2 && err.contains("remove it first"), "{err}");
    // What ended counts again.
    std::fs::write(&file, text.replace("2900-01-31", "2020-01-31")).unwrap();
    let (code, out, _) = with(&["--baseline", "b.toml"]);
    assert!(code == 1 && out.contains("was accepted until 2020-01-31"), "{out}");
    std::fs::write(&file, text).unwrap();
    place.break_it("drop table public.free");
    let (code, out, _) = with(&["--baseline", "b.toml"]);
    assert!(
        code == 0 && out.contains("`rls_disabled_in_public_public_free` is accepted, and is not found any more"),
        "{out}"
    );
}

/// Outside a project there is nothing to compare with, and that is said.
#[test]
fn it_needs_no_project() {
    let db = shared(15).platform_database().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let (code, out, err) =
        run(dir.path(), &["audit", "--database-url", &db.url("postgres"), "--fail-on", "never", "--format", "json"]);
    assert_eq!(code, 0, "{err}");
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(report["with_spec"], false);
    assert_eq!(verdict(&report, "drift"), "CANNOT");
    assert_eq!(verdict(&report, "rls_disabled_in_public"), "RAN");
    let (code, out, _) = run(dir.path(), &["audit", "--list"]);
    assert!(code == 0 && out.lines().count() > 100 && out.contains("rls_disabled_in_public"), "{out}");
    let (code, _, err) = run(dir.path(), &["audit", "--only", "drifts"]);
    assert!(code == 2 && err.contains("did you mean `drift`?"), "{err}");
    let (code, _, err) = run(dir.path(), &["audit", "--format", "github"]);
    assert!(code == 2 && err.contains("text, json, markdown, html, sarif and junit"), "{err}");
    assert_eq!(run(dir.path(), &["audit", "--project", "/nowhere", "--database-url", "postgres://localhost:1/x"]).0, 2);
}

/// What came and what went since an earlier report is said, and only what came decides the exit code.
#[test]
fn what_is_new_is_told_from_what_was_there() {
    let place = Place::new();
    place.break_it("create table public.first (id int); create table public.second (id int)");
    let only = ["--only", "rls_disabled_in_public,no_primary_key", "--fail-on", "info"];
    let (code, out, err) = place.audit(&[&only[..], &["--format", "json"]].concat());
    assert_eq!(code, 1, "{out}{err}");
    let file = place.dir.path().join("earlier.json");
    std::fs::write(&file, &out).unwrap();
    let file = file.to_str().unwrap();
    let since = [&only[..], &["--since", file]].concat();
    let (code, out, err) = place.audit(&since);
    assert!(code == 0 && out.contains("0 came, 0 went") && !err.contains("warning"), "{code} {out}{err}");
    let mut elsewhere: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    elsewhere["database"] = "other".into();
    let other = place.dir.path().join("other.json");
    std::fs::write(&other, elsewhere.to_string()).unwrap();
    let (_, _, err) = place.audit(&[&only[..], &["--since", other.to_str().unwrap()]].concat());
    assert!(err.contains("the earlier report is of `other`"), "{err}");
    place.break_it("drop table public.first; create table public.third (id int primary key)");
    let (code, out, _) = place.audit(&[&since[..], &["--format", "markdown"]].concat());
    let told: Vec<&str> =
        out.lines().filter(|line| line.starts_with("- new:") || line.starts_with("- gone:")).collect();
    let has = |sign: &str, table: &str| told.iter().any(|line| line.contains(sign) && line.contains(table));
    // A new table is read by clients: that came.
    assert_eq!(code, 1, "{out}");
    assert!(has("new:", "public.third") && has("gone:", "public.first") && !has("new:", "public.second"), "{told:?}");
    place.break_it("create table public.fourth (id int)");
    let report = place.json(&[&only[2..], &["--only", only[1], "--since", file]].concat());
    let new: Vec<&str> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|finding| finding["new"] == true)
        .map(|finding| finding["object"].as_str().unwrap())
        .collect();
    assert!(new.contains(&"public.fourth") && !new.contains(&"public.second"), "{new:?}");
    // What is no report is said to be none, before a database is asked.
    let wrong = place.dir.path().join("wrong.json");
    for text in ["", "{}", "[1]", "{\"at\": 1}", "\u{0}"] {
        std::fs::write(&wrong, text).unwrap();
        let (code, _, said) = place.audit(&["--since", wrong.to_str().unwrap()]);
        assert!(code == 2 && said.contains("wrong.json"), "{text:?} {code} {said}");
    }
    assert_eq!(place.audit(&["--since", "none.json"]).0, 2);
}

/// Each gap has a text of its own in the folder, whatever its object is called, and nobody is called by one.
#[test]
fn an_issue_is_written_for_each_gap() {
    let place = Place::new();
    place.break_it(
        r#"create table public."../../../tmp/@everyone <b>`x`</b>
# not a title" (id int);
           create table public."NUL" (id int); create table public."nul" (id int);
           create table public."ключ" (id int); create table public."клюк" (id int);"#,
    );
    let issues = place.dir.path().join("issues");
    let only = ["--only", "rls_disabled_in_public,no_primary_key,function_does_not_compile", "--fail-on", "never"];
    let args = [&only[..], &["--issues", issues.to_str().unwrap()]].concat();
    let (code, out, err) = place.audit(&args);
    assert_eq!(code, 0, "{out}{err}");
    let report = place.json(&only);
    let gaps = report["findings"].as_array().unwrap().len()
        + report["checks"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|check| check["not_looked_at"] != serde_json::json!([]))
            .count();
    let files: Vec<_> = std::fs::read_dir(&issues).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len(), gaps, "{files:?}");
    for file in &files {
        let text = std::fs::read_to_string(file).unwrap();
        let titles = text.lines().filter(|line| line.starts_with("# ")).count();
        assert!(text.starts_with("# ") && titles == 1, "{text}");
        assert!(!text.lines().next().unwrap().contains('@') && !text.contains("<b>\n"), "{text}");
        assert!(text.contains("specc audit --only") || text.contains("could be looked at"), "{text}");
    }
    // A folder that has something keeps it.
    let (code, _, said) = place.audit(&args);
    assert!(code == 2 && said.contains("has files in it"), "{code} {said}");
}

/// A spec without an entity, and one whose tables are in another schema than `public`, are examined as any other.
#[test]
fn a_spec_of_nothing_and_one_of_another_schema_are_examined() {
    let nothing = tempfile::tempdir().unwrap();
    std::fs::write(nothing.path().join("specc.toml"), "name = \"nothing\"\n").unwrap();
    std::fs::write(nothing.path().join("a.dbspec"), "// nothing yet\n").unwrap();
    let db = shared(18).platform_database().unwrap();
    let url = db.url("postgres");
    let audit = |dir: &std::path::Path, more: &[&str]| {
        let args = [&["audit", "--format", "json", "--database-url", &url], more].concat();
        let (code, out, err) = run(dir, &args);
        assert!(code == 0 || code == 1, "{code} {out}{err}");
        serde_json::from_str::<Value>(&out).unwrap_or_else(|error| panic!("{error}: {out}{err}"))
    };
    let report = audit(nothing.path(), &[]);
    assert_eq!((verdict(&report, "drift"), report["with_spec"].as_bool()), ("RAN", Some(true)));
    // Neither do the others fall over nothing.
    assert_eq!(run(nothing.path(), &["smoke"]).0, 1);
    let (code, out, err) = run(nothing.path(), &["monitoring"]);
    assert_eq!(code, 0, "{out}{err}");

    let other = tempfile::tempdir().unwrap();
    std::fs::write(other.path().join("specc.toml"), "name = \"other\"\n").unwrap();
    let spec = "schema \"My Shop\"\n\nentity \"My Shop\".\"Order Items\" {\n  id: int  key\n  policy { all: allow select  to authenticated }\n}\n";
    std::fs::write(other.path().join("a.dbspec"), spec).unwrap();
    let (code, out, err) = run(other.path(), &["build", "--stamp", "20260101000000"]);
    assert_eq!(code, 0, "{out}{err}");
    let (code, out, err) = run(other.path(), &["apply", "--database-url", &url]);
    assert_eq!(code, 0, "{out}{err}");
    let report = audit(other.path(), &["--exposed", "My Shop"]);
    assert_eq!(verdict(&report, "drift"), "RAN", "{:#}", report["findings"]);
    assert!(
        report["matrix"].as_object().unwrap().contains_key("\"My Shop\".\"Order Items\""),
        "{:#}",
        report["matrix"]
    );
    let (code, out, err) = run(other.path(), &["smoke", "--exposed", "My Shop", "--format", "json"]);
    assert_eq!(code, 0, "{out}{err}");
    let asked: Value = serde_json::from_str(&out).unwrap();
    assert!(asked["requests"].as_array().unwrap().len() > 4, "{asked:#}");
    // What the API does not show is not asked, and that is said.
    let (code, out, _) = run(other.path(), &["smoke"]);
    assert!(code == 1 && out.contains("the API does not show the schema"), "{code} {out}");
}
