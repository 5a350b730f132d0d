//! The whole workflow, from an empty folder to the report: questions, spec, migrations, a project, staging, production, a change,
//! and back.

use super::site::{SPEC, Site, contents, ran};
use specc_postgres::shared;
use std::time::{Duration, Instant};

#[test]
fn from_an_empty_folder_to_a_report() {
    let began = Instant::now();
    let site = Site::with_api(SPEC);
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
    let json: serde_json::Value = serde_json::from_str(&site.read(".specc/staging/report.json")).expect("JSON");
    assert_eq!(json["complete"], true);

    // Production gets what staging has, and nothing else.
    let production = shared(18).platform_database().expect("a database");
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
    assert_eq!(contents(&production), site.contents());

    // A change that staging has not run is not promoted; one that failed there neither.
    site.write("shop.dbspec", &SPEC.replace("  price: numeric\n", "  price: numeric\n  size:  int?\n"));
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
    assert_eq!(contents(&production), site.contents());

    // And back.
    let hash = run(&["rollback", "production"])
        .ends(1, &["takes back 1 file by their down scripts", "nothing was changed"])
        .hash();
    run(&["rollback", "production", "--approve", &hash]).ends(0, &["the catalog is what it was before"]);
    assert_eq!(contents(&production), before);

    // Where nothing is to be done nothing is approved, and the database is verified all the same.
    site.run(&["deploy", "staging"]).ends(0, &["step verify", "step smoke", "deployed to staging"]);
    site.sql("revoke select on products from anon");
    site.run(&["deploy", "staging"]).ends(1, &["FAILED  drift"]);
    assert!(began.elapsed() < Duration::from_secs(300), "{:?}", began.elapsed());
}
