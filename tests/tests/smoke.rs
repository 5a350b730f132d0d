//! What is wrong in a database shows in what clients are answered.

use specc_catalog::Catalog;
use specc_diag::Sources;
use specc_http::{Client, Secret};
use specc_model::{Model, Options};
use specc_scenario::Server as Plays;
use specc_smoke::{Asker, Asking, Door, Kept, Playbill, Report, Surface};
use specc_tests::build::{root, spec_files};
use specc_tests::stage::{Rows, database};
use specc_tests::standin::{ANON_KEY, SERVICE_KEY, StandIn};
use specc_verify::{Ground, Made, Scratch, Server};
use std::io::Write;
use std::net::{TcpListener, TcpStream};

/// Teams with their members, what clients call, and a view of them.
const TEAMS: &str = concat!(
    include_str!("../../fixtures/smoke/teams.dbspec"),
    "\nview team_names to authenticated as $$ select id, slug from public.teams $$\n"
);

fn read(text: &str) -> (Model, Catalog) {
    let mut sources = Sources::new();
    let file = sources.add("case.dbspec", text.to_owned());
    let (tree, mut found) = specc_syntax::parse(file, text);
    let (model, more) = specc_model::analyze(vec![tree], &mut sources, Options::default());
    found.extend(more);
    let (catalog, more) = specc_lower::lower(&model);
    found.extend(more);
    assert!(!specc_diag::has_errors(&found), "{found:?}");
    (model, catalog)
}

/// The requests that come out otherwise than the spec says, with a fault in the database.
fn failed(server: &Server, fault: &str) -> Vec<String> {
    let (model, catalog) = read(TEAMS);
    let around = specc_lower::external(&model);
    let surface = Surface::new(&model, &catalog, &around, vec!["public".into()], "anon".to_owned());
    let matrix = specc_prove::matrix(&model, &[], &|_| true);
    let roles = specc_prove::roles(&model).iter().map(|role| role.name.to_string()).collect();
    let made = Made { catalog: &catalog, external: specc_trial::referred(&model), roles };
    let mut ground = Ground::make(server, &made).unwrap();
    let samples = specc_trial::samples_of(&model, &ground.samples(&catalog).unwrap());
    if let Err(refused) = Plays::run(&mut ground, fault) {
        panic!("{fault}: {}", refused.message);
    }
    let nobody = |role: &str| specc_trial::settings(&model, &serde_json::json!({ "role": role }), None);
    let search = vec!["public".to_owned(), "extensions".to_owned()];
    let asking = Asking { samples: &samples, nobody: &nobody, is_wanted: &|_| true, search };
    let mut report = Report::new("anon");
    let stage = &mut |run: &_, quiet, act: specc_smoke::Act<'_>| ground.within(run, quiet, act);
    specc_smoke::staged(&surface, &matrix, &asking, &mut report, stage).unwrap();
    assert!(report.tried.len() > 60, "{}", report.tried.len());
    report.failures().map(|one| one.exchange.request.line()).collect()
}

/// Each fault is found, and there is none without it. Half a second each.
#[test]
fn each_fault_is_found() {
    let server = Server::Private(Scratch::start(Some(18), true).unwrap());
    assert_eq!(failed(&server, "select 1"), Vec::<String>::new());
    let faults = [
        // A fault, and what has to be among the requests that fail.
        ("revoke select on public.teams from authenticated", "GET /teams"),
        ("revoke insert on public.people from authenticated", "POST /people"),
        ("revoke update (slug) on public.teams from authenticated", "PATCH /teams"),
        ("revoke delete on public.teams from authenticated", "DELETE /teams"),
        ("grant delete on public.people to anon", "DELETE /people"),
        ("grant select on public.members to anon", "GET /members"),
        ("create policy wide on public.teams for select to authenticated using (true)", "GET /teams"),
        ("create policy wide on public.teams for update to authenticated using (true)", "PATCH /teams"),
        ("create policy wide on public.people for insert to authenticated with check (true)", "POST /people"),
        ("alter table public.members disable row level security", "GET /members"),
        (
            "do $do$ declare one text; begin for one in select format('drop policy %I on public.teams', polname) from pg_policy \
             where polrelid = 'public.teams'::regclass loop execute one; end loop; end $do$",
            "GET /teams",
        ),
        ("drop function public.teams_of(uuid)", "POST /rpc/teams_of"),
        ("revoke execute on function public.teams_of(uuid) from authenticated", "POST /rpc/teams_of"),
        ("grant execute on function public.teams_of(uuid) to anon", "POST /rpc/teams_of"),
        ("revoke select on public.teams from anon; grant select (id, slug) on public.teams to anon", "GET /teams"),
        (
            "do $do$ declare one text; begin for one in select format('revoke execute on function %s from authenticated', oid::regprocedure) \
             from pg_proc where pronamespace = 'private'::regnamespace loop execute one; end loop; end $do$",
            "GET /teams",
        ),
        ("create policy shut on public.teams as restrictive for select using (false)", "GET /teams"),
        ("alter view public.team_names set (security_invoker = off)", "GET /team_names"),
        ("revoke select on public.team_names from authenticated", "GET /team_names"),
        ("grant select on public.team_names to anon", "GET /team_names"),
        ("revoke usage on schema public from public, authenticated", "GET /people"),
        (
            "create or replace function public.teams_of(person uuid) returns bigint language plpgsql stable as \
             $f$ begin return (select gone from public.members); end $f$",
            "POST /rpc/teams_of",
        ),
        (
            "create function private.swallow() returns trigger language plpgsql as $f$ begin return null; end $f$; \
             create trigger zz_swallow before update on public.teams for each row execute function private.swallow()",
            "PATCH /teams",
        ),
        ("alter table public.members rename to membership", "GET /members"),
        ("alter table public.teams rename column slug to name", "PATCH /teams"),
    ];
    for (fault, wanted) in faults {
        let failed = failed(&server, fault);
        assert!(failed.iter().any(|line| line.starts_with(wanted)), "{fault}: {failed:?}");
    }
}

/// The model of a spec under `specs/`.
fn spec(name: &str) -> (Model, Catalog) {
    let mut sources = Sources::new();
    let mut trees = Vec::new();
    for (name, text) in spec_files(name) {
        let file = sources.add(name, text.clone());
        trees.push(specc_syntax::parse(file, &text).0);
    }
    let (model, _) = specc_model::analyze(trees, &mut sources, Options::default());
    let catalog = specc_lower::lower(&model).0;
    (model, catalog)
}

/// What comes of the stories and of reads over HTTP, on a database with a fault.
fn over_http(fault: &str) -> (Playbill, Report) {
    let (model, catalog) = spec("medellin_spark");
    let around = specc_lower::external(&model);
    let surface = || Surface::new(&model, &catalog, &around, vec!["public".into()], "anon".to_owned());
    let db = database("medellin_spark", 18, Rows::Base);
    db.load(fault).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let surface = surface();
            StandIn::new(&surface, &db).serve(&listener);
        });
        let client = Client::new(specc_http::Options::default());
        let door = Door { url: url.clone(), key: Secret::new(ANON_KEY), client };
        let text = std::fs::read_to_string(root().join("specs/medellin_spark/smoke/stories.toml")).unwrap();
        let stories = specc_smoke::read_stories(&text).unwrap();
        assert_eq!(Kept::asked(&stories), ["MAILBOX_URL", "SERVICE_ROLE_KEY"]);
        let mut kept = Kept::default();
        kept.keep("run", "7f".into());
        kept.keep("env:MAILBOX_URL", format!("{url}/mailbox").into());
        kept.keep("env:SERVICE_ROLE_KEY", SERVICE_KEY.into());
        let bill = specc_smoke::play(&door, &stories, &kept);
        let mut report = Report::new("anon");
        let asker = |role: &str| Asker { role: role.into(), viewer: None, settings: Vec::new() };
        let signed_in = Secret::new("session-of-00000000-0000-4000-8000-000000000000");
        let askers = [(asker("anon"), None), (asker("authenticated"), Some(signed_in))];
        specc_smoke::reads(&door, &surface(), (&askers, &|_| true), &mut report).unwrap();
        let _ = TcpStream::connect(listener.local_addr().unwrap())
            .and_then(|mut stream| stream.write_all(b"GET /stop HTTP/1.1\r\n\r\n"));
        (bill, report)
    })
}

/// Signing up and in, a password that is used once, a profile, a picture and a payment, as a client sends them; and what is
/// wrong in the database is found. Two seconds each.
#[test]
fn stories_pass_over_http() {
    let (bill, report) = over_http("select 1");
    assert_eq!(bill.failures().map(|one| (&one.request, &one.wrong)).collect::<Vec<_>>(), []);
    assert!(bill.played.len() > 30 && bill.played.iter().all(|one| one.status == Some(one.expected)), "{bill:?}");
    assert!(report.tried.len() > 60, "{}", report.tried.len());
    assert_eq!(report.failures().map(|one| one.exchange.request.line()).collect::<Vec<_>>(), Vec::<String>::new());
    // No key, token or password of what was sent is in what is said.
    let said = format!("{}{:?}", bill.json(), bill);
    for secret in [ANON_KEY, SERVICE_KEY, "session-of-", "correct horse 7f"] {
        assert!(!said.contains(secret), "{secret}");
    }
    let (bill, report) = over_http(
        "drop policy if exists owners_join on public.profiles;
         do $do$ declare one text; begin
           for one in select format('drop policy %I on public.profiles', polname) from pg_policy
             where polrelid = 'public.profiles'::regclass and polcmd = 'a'
           loop execute one; end loop; end $do$;
         grant select on public.payments to anon;",
    );
    let failed: Vec<&str> = bill.failures().map(|one| one.request.as_str()).collect();
    assert_eq!(failed, ["POST /rest/v1/profiles?select=id,full_name,role", "POST /rest/v1/profiles"]);
    assert!(bill.played.iter().any(|one| one.skipped && one.status.is_none()), "{bill:?}");
    let failed: Vec<String> = report.failures().map(|one| one.exchange.request.line()).collect();
    assert_eq!(failed, ["GET /payments?select=*&limit=1"]);
}
