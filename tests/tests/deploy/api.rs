//! Projects that a deployment makes, by a stand-in for Supabase's Management API.

use super::site::{SPEC, Site, killed_at};
use specc_tests::management::{Fault, TOKEN};
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

const CREATE: &[&str] = &["--create", "--api-timeout", "2"];

#[test]
fn a_project_is_made_and_filled() {
    let site = Site::with_api(SPEC);
    let api = site.api.as_ref().expect("an API");
    let before = site.contents();
    let plan = site.run(&[&["deploy", "staging", "--plan"], CREATE].concat());
    plan.ends(
        0,
        &[
            "PASSED  billing      plan `pro`",
            "PASSED  name",
            "make the Supabase project `shop-staging` in the organisation `acme`",
        ],
    );
    assert!(api.references().is_empty() && site.contents() == before, "a plan makes nothing");
    site.deploy(CREATE).ends(0, &["step provision", "deployed to staging"]);
    let [reference] = api.references().try_into().expect("one project");
    let env = site.read(".env.staging");
    for line in [
        &format!("SUPABASE_URL=https://{reference}.supabase.co"),
        "SUPABASE_ANON_KEY=eyJ.anon.key",
        "SUPABASE_SERVICE_ROLE_KEY=eyJ.service_role.key",
        "STAGING_URL=",
    ] {
        assert!(env.contains(line), "{line}: {env}");
    }
    let password = api.with(|state| state.projects[0].1.clone());
    assert!(env.contains(&password), "the password of the project is in the environment's file");
    let mode = std::fs::metadata(site.path(".env.staging")).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    // What is secret stands there and nowhere else.
    for entry in walkdir::WalkDir::new(site.path(".specc")) {
        let entry = entry.expect("an entry");
        let text = std::fs::read(entry.path()).unwrap_or_default();
        let text = String::from_utf8_lossy(&text).into_owned();
        for secret in [password.as_str(), TOKEN, "eyJ."] {
            assert!(!text.contains(secret), "{secret} is in {}", entry.path().display());
        }
    }
    site.run(&["rollback", "staging", "--delete-project", "other"]).ends(1, &["nothing was deleted"]);
    site.run(&["rollback", "staging", "--delete-project", &reference]).ends(0, &["deleted the project"]);
    assert!(api.references().is_empty());
    site.run(&["deploy", "staging", "--status"]).ends(0, &["the project that it made was deleted"]);
}

/// What is refused before anything is made.
#[test]
fn what_the_account_does_not_allow() {
    let site = Site::with_api(SPEC);
    let api = site.api.as_ref().expect("an API");
    let plan = |more: &[&str]| site.run(&[&["deploy", "staging", "--plan"], CREATE, more].concat());
    let mut command = site.command(&[&["deploy", "staging", "--plan"], CREATE].concat());
    command.env_remove("SUPABASE_ACCESS_TOKEN");
    super::site::ran(command).ends(1, &["FAILED  account", "there is no token"]);
    let mut command = site.command(&[&["deploy", "staging", "--plan"], CREATE].concat());
    command.env("SUPABASE_ACCESS_TOKEN", "nonsense");
    super::site::ran(command).ends(1, &["FAILED  account", "does not take the token"]);
    let database = format!("database = \"{}\"\n", site.db.name());
    site.settings(&format!("{database}organization = \"other\"\nregion = \"x\"\n"));
    plan(&[]).ends(1, &["reaches no organisation `other`", "it reaches `acme` (Acme)"]);
    site.settings(&format!("{database}organization = \"acme\"\n"));
    plan(&[]).ends(2, &["does not say its `region`"]);
    site.settings(&format!("{database}organization = \"acme\"\nregion = \"x\"\nplan = \"team\"\n"));
    plan(&[]).ends(1, &["FAILED  billing", "the organisation has the plan `pro`, and `team` is expected"]);
    site.settings(&format!("{database}organization = \"acme\"\nregion = \"x\"\n"));
    api.with(|state| {
        let taken =
            serde_json::json!({ "ref": "takentakentakentaken", "name": "shop-staging", "organization_slug": "acme" });
        state.projects.push((taken, String::new()));
    });
    plan(&[]).ends(1, &["FAILED  name", "there is a project `shop-staging` already"]);
    plan(&["--name", "another"]).ends(0, &["PASSED  name"]);
    assert_eq!(api.times("POST"), 0);
}

/// The API has no time, fails, or does not answer: what may be asked twice is, and what may not is looked for.
#[test]
fn the_api_fails_and_the_deployment_goes_on() {
    let site = Site::with_api(SPEC);
    let api = site.api.as_ref().expect("an API");
    let hash = site.hash(CREATE);
    api.fails([
        ("GET /v1/organizations", Fault::Status(429, "Too many requests", Some(1))),
        ("GET /v1/projects", Fault::Status(503, "Service Unavailable", None)),
        ("GET /v1/projects", Fault::Silent(Duration::from_secs(3))),
        ("POST /v1/projects", Fault::DoneUnsaid),
        ("GET /v1/projects/", Fault::Status(500, "Internal Server Error", None)),
        ("GET /v1/projects/", Fault::DoneBut(502)),
    ]);
    site.run(&[&["deploy", "staging", "--approve", &hash, "--yes-until", "testing"], CREATE].concat())
        .ends(0, &["deployed to staging"]);
    assert_eq!((api.references().len(), api.times("POST")), (1, 1), "it is made once");
    assert!(api.with(|state| state.faults.is_empty()));
}

#[test]
fn the_api_refuses_or_fails_to_make_it() {
    let site = Site::with_api(SPEC);
    let api = site.api.as_ref().expect("an API");
    let before = site.contents();
    let hash = site.hash(CREATE);
    let args = [&["deploy", "staging", "--approve", &hash, "--yes-until", "testing"], CREATE].concat();
    api.with(|state| state.quota = 0);
    site.run(&args).ends(1, &["has reached its limit of active projects", "a project was, or may have been, made"]);
    api.with(|state| state.quota = 10);
    api.fails([("POST /v1/projects", Fault::Status(500, "Internal Server Error", None))]);
    site.run(&args).ends(2, &["the Management API failed (500)"]);
    api.fails([("POST /v1/projects", Fault::Silent(Duration::from_secs(3)))]);
    site.run(&args).ends(2, &["has not answered within 2 s"]);
    assert!(api.references().is_empty() && site.contents() == before);
    site.run(&["rollback", "staging"]).ends(0, &["nothing to take back: the database was not changed"]);
    // The same command goes on, and needs no other approval.
    site.run(&args).ends(0, &["going on with the deployment that stopped", "deployed to staging"]);
    assert_eq!(api.references().len(), 1);
}

#[test]
fn a_project_does_not_become_healthy() {
    let site = Site::with_api(SPEC);
    let api = site.api.as_ref().expect("an API");
    let before = site.contents();
    let hash = site.hash(CREATE);
    let args = [&["deploy", "staging", "--approve", &hash, "--yes-until", "testing", "--healthy-within", "2"], CREATE]
        .concat();
    api.with(|state| state.healthy_after = 1000);
    site.run(&args).ends(1, &["is not healthy after 2 s: auth is COMING_UP", "is there still"]);
    assert_eq!(api.references().len(), 1, "nobody agreed to delete it");
    // Whoever agrees has it deleted.
    site.run(&[&args[..], &["--delete-on-failure"]].concat()).ends(1, &["deleted the project"]);
    assert!(api.references().is_empty());
    site.run(&["deploy", "staging", "--status"]).ends(0, &["the project that it made was deleted"]);
    api.with(|state| (state.healthy_after, state.begins) = (0, "INIT_FAILED"));
    let hash = site.hash(CREATE);
    let args = [&["deploy", "staging", "--approve", &hash, "--delete-on-failure"], CREATE].concat();
    site.run(&args).ends(1, &["is INIT_FAILED", "deleted the project"]);
    assert!(api.references().is_empty() && site.contents() == before);
}

/// Killed while a project is made: it is found again, with its password.
#[test]
fn killed_while_a_project_is_made() {
    let site = Site::with_api(SPEC);
    let api = site.api.as_ref().expect("an API");
    let hash = site.hash(CREATE);
    let args = [&["deploy", "staging", "--approve", &hash, "--yes-until", "testing"], CREATE].concat();
    api.with(|state| state.healthy_after = 1000);
    assert!(killed_at(site.command(&args), "made the project"));
    assert_eq!(api.references().len(), 1);
    site.run(&["deploy", "staging", "--status"])
        .ends(1, &["a project was, or may have been, made; its database was not changed"]);
    api.with(|state| state.healthy_after = 0);
    // Whoever goes on need not say again what is made.
    let args = ["deploy", "staging", "--yes-until", "testing"];
    site.run(&args).ends(0, &["going on with the deployment that stopped", "deployed to staging"]);
    assert_eq!((api.references().len(), api.times("POST")), (1, 1));
    let password = api.with(|state| state.projects[0].1.clone());
    assert!(site.read(".env.staging").contains(&password));
}

/// What `specc audit` says of the projects of an organisation.
#[test]
fn an_examination_sees_the_projects_of_the_organisation() {
    let site = Site::with_api(SPEC);
    let api = site.api.as_ref().expect("an API");
    let project = |reference: &str, name: &str, status: &str| {
        serde_json::json!({
            "ref": reference, "id": reference, "name": name, "organization_slug": "acme", "region": "eu-central-1",
            "status": status, "created_at": "2026-01-01T00:00:00Z", "database": { "host": format!("db.{reference}.supabase.co") },
        })
    };
    api.with(|state| {
        state.healthy_after = 0;
        state.projects.push((project("usedusedusedusedused", "shop-staging", "ACTIVE_HEALTHY"), String::new()));
        state.projects.push((project("oldoldoldoldoldoldol", "shop-old", "INACTIVE"), String::new()));
    });
    site.settings("project = \"usedusedusedusedused\"\n");
    let only = "project_not_healthy,project_of_no_environment";
    let alone = ["audit", "--env", "staging", "--no-spec", "--fail-on", "info", "--only", only];
    let of =
        |organization: &'static str| [&alone[..], &["--organization", organization, "--api-timeout", "2"]].concat();
    let looked = |organization: &'static str| site.run(&of(organization));
    let found = looked("acme");
    let all = found.out.clone();
    found
        .ends(1, &["the project shop-old (oldoldoldoldoldoldol, eu-central-1) is INACTIVE", "no environment leads to"]);
    assert!(!all.contains("shop-staging"), "{all}");
    // A service of the one that is in use.
    api.with(|state| {
        state.projects.truncate(1);
        state.healthy_after = 1;
    });
    looked("acme").ends(1, &["the project shop-staging", "in use, but not healthy: "]);
    let clean = looked("acme");
    assert!(!clean.out.contains("shop-"), "{}", clean.out);
    clean.ends(0, &[]);
    // What cannot be looked at has not passed.
    looked("other").ends(1, &["cannot[project_not_healthy]", "the token sees no organisation `other`, but `acme`"]);
    let mut command = site.command(&of("acme"));
    command.env_remove("SUPABASE_ACCESS_TOKEN");
    super::site::ran(command).ends(1, &["cannot[project_not_healthy]", "there is no token in SUPABASE_ACCESS_TOKEN"]);
    site.run(&alone).ends(1, &["cannot[project_not_healthy]", "`--organization SLUG`"]);
}
