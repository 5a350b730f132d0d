//! `specc prove` against a real server: what its model of access says of databases at random is what Postgres does, and what
//! it says of the specs under `specs/` holds.

#![allow(clippy::disallowed_methods, clippy::unwrap_used, clippy::print_stdout)]

use specc_model::{Model, Options};
use specc_prove::Verdict;
use specc_tests::replay::{BARE, model_of, outcome};
use specc_tests::{Rows, VERSIONS, database, root, specs, texts};
use std::fmt::Write;

/// The model of a spec under `specs/`.
fn model(name: &str) -> Model {
    let mut files: Vec<_> =
        std::fs::read_dir(root().join("specs").join(name)).unwrap().map(|f| f.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|ending| ending == "dbspec"));
    files.sort();
    let read = |path: &std::path::PathBuf| std::fs::read_to_string(path).unwrap();
    let names = files.iter().map(|path| path.file_name().unwrap().to_string_lossy().into_owned());
    let files: Vec<(String, String)> = names.zip(files.iter().map(read)).collect();
    model_of(&files, Options::default()).0
}

/// Tries databases at random, and says how many statements agreed.
fn agree(major: u32, seed: u64, count: usize) -> usize {
    let mut wrong = String::new();
    let mut tried = 0;
    for name in specs() {
        let model = model(&name);
        let db = database(&name, major, Rows::Base);
        let mut session = db.connect().expect("a session");
        session.batch_execute(BARE).expect("bare tables");
        let tables = texts(
            &mut session,
            "select string_agg(oid::regclass::text, ', ') from pg_class where relkind in ('r', 'p') and relnamespace = 'public'::regnamespace and not relispartition",
        );
        session
            .batch_execute(&format!("truncate {} cascade; delete from auth.users", tables.join(", ")))
            .expect("no rows");
        for (case, allowed) in specc_prove::sample(&model, seed, count) {
            let Some(got) = outcome(&mut session, &case, &model, false) else { continue };
            let got = got.into_iter().next().unwrap();
            tried += 1;
            let fits = match &got {
                Ok(rows) => (*rows > 0) == allowed,
                // Nothing but a refusal is a refusal.
                Err(error) => !allowed && error.starts_with("42501"),
            };
            if !fits {
                let _ = writeln!(
                    wrong,
                    "{name}: the model says {allowed}, {major} {got:?}\n  {}",
                    case.lines(&model).join("\n  ")
                );
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
    tried
}

#[test]
fn what_the_model_says_of_databases_at_random_is_what_postgres_does() {
    for major in VERSIONS {
        let tried = agree(major, 20_260_101 + u64::from(major), 1);
        assert!(tried > 150, "{tried}");
    }
}

/// `SPECC_CELLS` statements for each right, 200 where nothing is said.
#[test]
#[ignore = "a long run"]
fn what_the_model_says_of_many_databases_is_what_postgres_does() {
    let count = std::env::var("SPECC_CELLS").ok().and_then(|n| n.parse().ok()).unwrap_or(200);
    let tried = agree(18, 7, count);
    println!("{tried} statements agree");
}

#[test]
fn every_property_of_the_specs_is_decided() {
    for name in specs() {
        let model = model(&name);
        let found = specc_prove::prove(&model);
        let open =
            found.iter().filter(|f| matches!(f.verdict, Verdict::OutOfFragment { .. } | Verdict::Checked { .. }));
        assert!(open.count() * 100 <= found.len() * 3, "{name}");
        assert!(found.len() > 40, "{name}: {}", found.len());
    }
}

/// What is proven is proven by counting rows: with more of them nothing else comes out.
#[test]
fn more_rows_than_decide_change_no_verdict() {
    let pages = std::fs::read_dir(root().join("crates/diag/pages")).unwrap().map(|page| page.unwrap().path());
    let pages = pages.filter(|page| page.file_name().unwrap().to_string_lossy().starts_with('A'));
    let mut specs: Vec<(String, Model)> = pages
        .flat_map(|page| {
            let text = std::fs::read_to_string(&page).unwrap();
            let blocks: Vec<String> =
                text.split("```dbspec\n").skip(1).map(|b| b.split("```").next().unwrap().into()).collect();
            blocks
                .into_iter()
                .map(|block| (page.display().to_string(), model_of(&[("page.dbspec", block)], Options::default()).0))
                .collect::<Vec<_>>()
        })
        .collect();
    specs.extend(["starter", "srvc_crm", "automation_platform"].map(|name| (name.to_owned(), model(name))));
    assert!(specs.len() > 30);
    for (name, model) in &specs {
        let said = |more| -> Vec<String> {
            let found = specc_prove::prove_beyond(model, more);
            found.iter().map(|f| format!("{} {}", f.claim, matches!(f.verdict, Verdict::Counterexample(_)))).collect()
        };
        let (few, more) = (said(0), said(2));
        let differ: Vec<_> = few.iter().zip(&more).filter(|(a, b)| a != b).collect();
        assert!(differ.is_empty() && few.len() == more.len(), "{name}: {differ:?}");
    }
}
