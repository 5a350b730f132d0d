//! The whole workflow, from an empty folder to the report: questions, spec, migrations, a project, staging, production, a change,
//! and back.

use super::site::{Site, catalog, contents, ran};
use specc_postgres::shared;
use std::time::{Duration, Instant};

/// Answers that the starter meets.
const ANSWERS: &str = "## Entities
- notes: title
- projects: name, owner_id
## Roles
- anon: reads own projects
- authenticated: adds own notes, changes own notes
## Security
- profiles: closed to anon
## Scale
- notes: 100000 rows
- notes: found by project_id, created_at
## Integrations
- none
";

#[test]
fn from_an_empty_folder_to_a_report() {
    let began = Instant::now();
    let mut site = Site::empty(15);
    // Phase 1: the questions, a spec, and what of the answers it does not meet.
    site.git(&["init", "-q"]);
    site.run(&["init", "."]).ends(0, &[]);
    let plan = ["plan", "--requirements", "requirements.md"];
    site.run(&plan).ends(0, &["wrote requirements.md"]);
    site.write("requirements.md", &ANSWERS.replace("- notes: title", "- notes: title, subtitle"));
    site.run(&plan).ends(1, &["`notes` has no column `subtitle`"]);
    site.write("requirements.md", ANSWERS);
    site.run(&plan).ends(0, &[" 0 not met or not answered"]);
    site.build("20260101000000");
    let more = site.api();
    let settings = format!(
        "{}\n[environments.staging]\ndatabase_url = \"STAGING_URL\"\nenv_file = \".env.staging\"\nseed = \"dev\"\n{more}\n\
         [environments.production]\ndatabase_url = \"PRODUCTION_URL\"\n",
        site.read("specc.toml")
    );
    site.write("specc.toml", &settings);
    site.write(".gitignore", ".env.staging\n");
    // Staging: each checkpoint is one run, as in CI.
    let create = ["--create"];
    let hash = site.hash(&create);
    site.run(&["deploy", "staging", "--create"]).ends(1, &["stopped at the checkpoint `design`", &hash]);
    site.run(&["deploy", "staging", "--create", "--approve", &hash])
        .ends(1, &["stopped at the checkpoint `provisioning`"]);
    site.run(&["deploy", "staging", "--create", "--yes-until", "provisioning"])
        .ends(1, &["stopped at the checkpoint `testing`"]);
    site.run(&["deploy", "staging", "--create", "--yes-until", "testing"]).ends(0, &["deployed to staging"]);
    let report = site.read(".specc/staging/report.md");
    for text in [
        "- State: complete",
        "| as anon | PASSED |",
        "| catalog | PASSED |",
        "| verify | done |",
        "## Open\n\nNothing.",
    ] {
        assert!(report.contains(text), "{text}\n{report}");
    }
    let notes: i64 = site.session().query_one("select count(*) from notes", &[]).expect("a number").get(0);
    assert!(notes > 0, "it has the rows to begin with");
    let json: serde_json::Value = serde_json::from_str(&site.read(".specc/staging/report.json")).expect("JSON");
    assert_eq!(json["complete"], true);

    // Production gets what staging has, and nothing else.
    let production = shared(15).platform_database().expect("a database");
    let run = |args: &[&str]| {
        let mut command = site.command(args);
        command.env("PRODUCTION_URL", production.url("postgres"));
        ran(command)
    };
    let promote = ["promote", "staging", "production"];
    let hash = run(&[&promote[..], &["--plan"]].concat())
        .ends(0, &["PASSED  promotion", "only what `staging` has run and proven"])
        .hash();
    run(&[&promote[..], &["--approve", &hash, "--yes-until", "testing"]].concat()).ends(0, &["deployed to production"]);
    assert_eq!(catalog(&production), catalog(&site.db));

    // A change that staging has not run is not promoted; one that failed there neither.
    site.write(
        "projects.dbspec",
        &site
            .read("projects.dbspec")
            .replace("  pinned:    bool = false\n", "  pinned:    bool = false\n  subtitle:  text?\n"),
    );
    site.build("20260102000000");
    run(&promote).ends(1, &["E0983", "is pending there"]);
    let hash = site.hash(&[]);
    site.run(&["deploy", "staging", "--approve", &hash]).ends(1, &["stopped at the checkpoint `provisioning`"]);
    run(&promote).ends(1, &["E0983", "its deployment did not end"]);
    site.run(&["deploy", "staging", "--yes-until", "testing"]).ends(0, &["deployed to staging"]);
    let before = contents(&production);
    let hash = run(&[&promote[..], &["--plan"]].concat()).ends(0, &["back up the database"]).hash();
    run(&[&promote[..], &["--approve", &hash, "--yes-until", "testing"]].concat())
        .ends(0, &["step backup", "deployed to production"]);
    assert_eq!(catalog(&production), catalog(&site.db));

    // And back.
    let hash = run(&["rollback", "production"])
        .ends(1, &["takes back 1 file by their down scripts", "nothing was changed"])
        .hash();
    run(&["rollback", "production", "--approve", &hash]).ends(0, &["the catalog is what it was before"]);
    assert_eq!(contents(&production), before);

    // Where nothing is to be done nothing is approved, and the database is verified all the same.
    site.run(&["deploy", "staging"]).ends(0, &["step verify", "step smoke", "deployed to staging"]);
    site.sql("revoke select on projects from anon");
    site.run(&["deploy", "staging"]).ends(1, &["FAILED  drift"]);
    assert!(began.elapsed() < Duration::from_secs(300), "{:?}", began.elapsed());
}
