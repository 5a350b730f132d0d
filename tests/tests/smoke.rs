//! What is wrong in a database shows in what clients are answered.

use specc_catalog::Catalog;
use specc_diag::Sources;
use specc_model::{Model, Options};
use specc_scenario::Server as Plays;
use specc_smoke::{Asking, Report, Surface};
use specc_verify::{Ground, Made, Scratch, Server};

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
        ("alter view public.open_teams set (security_invoker = off)", "GET /open_teams"),
        ("revoke select on public.open_teams from authenticated", "GET /open_teams"),
        ("revoke usage on schema public from authenticated", "GET /people"),
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
