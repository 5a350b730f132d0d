//! The files as text.

use crate::catalog::{everything, job};
use specc_catalog::{Catalog, Entry, Hints};
use specc_migrate::{
    Arena, ChangeOptions, Consent, Layout, MigrationError, MigrationInput, OutputFile, Part, Plan, Purpose,
    migration_files, plan_change, plan_create,
};
use specc_sql::{Statement, print};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;

pub fn files(
    catalog: &Catalog,
    layout: &Layout,
    previous: Option<&Catalog>,
) -> Result<Vec<OutputFile>, MigrationError> {
    migration_files(&MigrationInput {
        project: "everything",
        name: "initial",
        catalog,
        previous,
        stamp: "20250817235959".parse().unwrap(),
        layout,
        recorded: &[("supabase/migrations/older.sql".into(), "00".into())],
        hints: &Hints::default(),
        access: None,
        consent: Consent::default(),
    })
}

#[test]
fn the_files_for_the_platform() {
    let mut catalog = everything(true);
    catalog.insert(Entry::new(job()));
    for file in files(&catalog, &Layout::supabase(), None).unwrap() {
        if file.path.ends_with(".json") {
            continue;
        }
        let name = file.path.replace('/', "__");
        if file.path.ends_with(".toml") {
            let paths: String =
                file.contents.lines().map(|line| line.split(" = ").next().unwrap().to_owned() + "\n").collect();
            insta::assert_snapshot!(name, paths);
        } else {
            insta::assert_snapshot!(name, file.contents);
        }
    }
}

#[test]
fn one_file_for_plain_postgres() {
    let layout = Layout { split: false, ..Layout::postgres() };
    let files = files(&everything(false), &layout, None).unwrap();
    let paths: Vec<_> = files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "migrations/20250817235959_initial.sql",
            "specc/catalog.json",
            "specc/checksums.toml",
            "specc/down/20250817235959_initial.down.sql",
            "specc/plans/20250817235959_initial.json",
        ]
    );
    insta::assert_snapshot!("one_file", files[0].contents);
    insta::assert_snapshot!("one_file_down", files[3].contents);
}

#[test]
fn nothing_is_written_when_nothing_changed() {
    let catalog = everything(true);
    let stored = specc_catalog::from_json(&specc_catalog::to_json(&catalog)).unwrap();
    assert_eq!(files(&catalog, &Layout::supabase(), Some(&stored)), Ok(Vec::new()));
    let mut more = everything(true);
    more.insert(Entry::new(job()));
    let written = files(&more, &Layout::supabase(), Some(&stored)).unwrap();
    let paths: Vec<&str> = written.iter().map(|file| file.path.as_str()).collect();
    assert!(paths.contains(&"supabase/migrations/20250817235959_initial.sql"), "{paths:?}");
}

#[test]
fn the_stored_order_does_not_matter_for_what_a_file_may_hold() {
    // Sorted by id instead of by insertion: other files, and still each part closed under needs.
    let catalog = everything(true);
    let stored = specc_catalog::from_json(&specc_catalog::to_json(&catalog)).unwrap();
    let plan = plan_create(&stored).unwrap();
    let mut made = vec![false; stored.len()];
    for place in plan.stages.iter().flat_map(|stage| &stage.steps).filter_map(|step| step.object) {
        made[place.index()] = true;
    }
    let missing = stored.iter().enumerate().filter(|(n, (_, entry))| {
        !made[*n] && !matches!(entry.object, specc_catalog::Object::Constraint(_) | specc_catalog::Object::Grant(_))
    });
    assert_eq!(missing.map(|(_, (id, _))| id.to_string()).collect::<Vec<_>>(), Vec::<String>::new());
    let purposes: Vec<_> = plan.stages.iter().map(|stage| stage.purpose).collect();
    assert!(purposes.is_sorted());
    assert!(purposes.contains(&Purpose::Part(Part::Access)));
}

/// What sqlparser has no grammar for; Postgres itself reads these in the other test.
fn beyond_sqlparser(sql: &str) -> bool {
    let words = [
        "begin atomic",
        "nulls not distinct",
        "partition of",
        "exclude using",
        "replica identity",
        "owned by",
        "create publication",
        "alter publication",
        "create statistics",
        "as restrictive",
        "on type",
        "on policy",
        "on trigger",
        "on constraint",
        "comment on",
        "do $",
        "create procedure",
        "overriding system value",
        "is distinct from (",
        "add table",
        "set storage",
        "row level security",
        "referencing",
        "constraint trigger",
        "on procedure",
        "create domain",
        "no data",
        "revoke",
        "grant",
        "check option",
        "returns table",
        "create function",
        "storage external",
        "include (",
        "create policy",
        "create sequence",
        "create trigger",
        "create type",
    ];
    words.iter().any(|word| sql.contains(word))
}

#[test]
fn what_is_printed_parses() {
    let mut catalog = everything(true);
    catalog.insert(Entry::new(job()));
    let plan = plan_create(&catalog).unwrap();
    let mut failed = Vec::new();
    let mut parsed = 0;
    for statement in plan.statements() {
        let mut sql = String::new();
        print(statement, &mut sql);
        assert!(sql.ends_with('\n'));
        match Parser::parse_sql(&PostgreSqlDialect {}, &sql) {
            Ok(_) => parsed += 1,
            Err(_) if beyond_sqlparser(&sql) => {}
            Err(error) => failed.push(format!("{error}\n{sql}")),
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    assert!(parsed > 40, "{parsed}");
}

#[test]
fn every_statement_says_what_it_does() {
    let catalog = everything(true);
    let plan = plan_create(&catalog).unwrap();
    for statement in plan.statements() {
        let effects = statement.effects(|_| true);
        assert!(effects.locks.is_empty() && effects.scans.is_empty() && effects.loses.is_empty());
        let effects = statement.effects(|_| false);
        if let Statement::CreateTable { .. } = statement {
            assert!(effects.scans.is_empty());
        }
    }
}

/// The planner of changes, given nothing to begin with, makes what the first migration makes.
#[test]
fn a_first_migration_is_a_change_from_nothing() {
    for platform in [true, false] {
        let catalog = everything(platform);
        let (nothing, hints, arena) = (Catalog::new(), Hints::default(), Arena::new());
        let difference = specc_diff::diff(&nothing, &catalog, &hints);
        let options = ChangeOptions { offline: true, one: false };
        let change = plan_change(&difference, &hints, &arena, options).unwrap();
        let first = plan_create(&catalog).unwrap();
        let texts = |plan: &Plan<'_>| {
            let mut all = Vec::new();
            for statement in plan.statements() {
                match statement {
                    // A change puts rows in one by one, the first migration by seed.
                    Statement::InsertSeed { .. } | Statement::AdvanceSequence { .. } => {}
                    // Those of the first migration are put into its files.
                    Statement::TakeLocks(_) => {}
                    // One statement for several roles, or several.
                    Statement::Grant(access) => {
                        for role in &access.roles {
                            let mut one = String::new();
                            let access = specc_sql::Access { roles: vec![*role], ..access.clone() };
                            print(&Statement::Grant(access), &mut one);
                            all.push(one);
                        }
                    }
                    statement => {
                        let mut one = String::new();
                        print(statement, &mut one);
                        all.push(one);
                    }
                }
            }
            all.sort();
            all
        };
        assert_eq!(texts(&first), texts(&change));
    }
}
