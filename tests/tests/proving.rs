//! `specc prove` against a real server: what its model of access says of databases at random is what Postgres does, and what
//! it says of the specs under `specs/` holds.

#![allow(clippy::disallowed_methods, clippy::unwrap_used, clippy::print_stdout)]

use specc_diag::Sources;
use specc_model::{Model, Options};
use specc_postgres::{Session, as_user, postgres};
use specc_prove::{Case, Verdict};
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
    of_texts(&files)
}

/// The model of some files, each with its name.
fn of_texts(files: &[(impl AsRef<str>, String)]) -> Model {
    let mut sources = Sources::new();
    sources.add("specc.toml", "");
    let trees = files.iter().map(|(name, text)| {
        let id = sources.add(name.as_ref(), text.as_str());
        specc_syntax::parse(id, text).0
    });
    let trees: Vec<_> = trees.collect();
    let (model, found) = specc_model::analyze(trees, &mut sources, Options::default());
    assert!(!specc_diag::has_errors(&found), "{found:?}");
    model
}

/// Takes away what a case does not speak of: references, checks, uniques, and triggers other than those that decide access.
const BARE: &str = "
do $$
declare r record;
begin
  for r in select conrelid::regclass as t, conname from pg_constraint
           where contype in ('f', 'c', 'u', 'x') and conparentid = 0 and conrelid <> 0
             and connamespace = 'public'::regnamespace order by contype desc loop
    execute format('alter table %s drop constraint if exists %I cascade', r.t, r.conname);
  end loop;
  for r in select contypid::regtype as t, conname from pg_constraint
           where contypid <> 0 and contype = 'c' and connamespace = 'public'::regnamespace loop
    execute format('alter domain %s drop constraint %I', r.t, r.conname);
  end loop;
  for r in select tgrelid::regclass as t, tgname from pg_trigger g join pg_proc p on p.oid = g.tgfoid
           where not tgisinternal and tgparentid = 0 and tgrelid in (select oid from pg_class where relnamespace = 'public'::regnamespace)
             and tgname !~ '^aa_columns' and proname <> 'refuse_immutable_change' loop
    execute format('drop trigger %I on %s', r.tgname, r.t);
  end loop;
  for r in select c.oid::regclass as i from pg_index x join pg_class c on c.oid = x.indexrelid
           where indisunique and not indisprimary and c.relnamespace = 'public'::regnamespace loop
    execute format('drop index if exists %s', r.i);
  end loop;
end
$$";

/// What came of a statement: the rows that it touched, or the error.
fn outcome(session: &mut Session, case: &Case, model: &Model) -> Option<Result<u64, String>> {
    let replay = case.replay(model)?;
    let said = |error: &postgres::Error| {
        error.as_db_error().map_or_else(|| error.to_string(), |db| format!("{} {}", db.code().code(), db.message()))
    };
    let mut claims = serde_json::json!({ "role": replay.role });
    if let Some(viewer) = &replay.viewer {
        claims["sub"] = viewer.as_str().into();
    }
    for (keys, value) in &replay.claims {
        let mut at = &mut claims;
        for key in keys {
            at = &mut at[key.as_str()];
        }
        *at = value.as_deref().into();
    }
    let all = replay.rows.join(";\n");
    if let Err(error) = session.batch_execute(&all) {
        panic!("{}\n{all}", said(&error));
    }
    let got = as_user(session, &replay.role, &claims.to_string(), |tx| tx.execute(&replay.statement, &[]));
    let tables: Vec<String> = case
        .rows
        .iter()
        .map(|row| {
            let name = &model.entity(row.entity).name;
            format!("{}.{}", name.schema, name.name)
        })
        .collect();
    let tables: std::collections::BTreeSet<_> = tables.into_iter().collect();
    for table in tables {
        session.batch_execute(&format!("delete from {table}")).unwrap();
    }
    Some(got.map_err(|error| format!("{}: {}", said(&error), replay.statement)))
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
            let Some(got) = outcome(&mut session, &case, &model) else { continue };
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
                .map(|block| (page.display().to_string(), of_texts(&[("page.dbspec", block)])))
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
