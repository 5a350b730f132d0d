//! Every block of code of the package runs: SQL as the role that its section is about, in a transaction that is rolled back;
//! `schema.sql` makes what the migrations make.
//!
//! With all specs, and the code for programs type-checked: `cargo test -p specc-tests --test all -- --ignored sentences::`.

use super::{project, rows_of};
use specc_catalog::{Catalog, Hints};
use specc_docs::{DocFile, Package};
use specc_postgres::{Database, as_user};
use specc_tests::{Rows, VERSIONS, database, root, spec, specs};
use std::collections::BTreeSet;
use std::fs;
use std::process::{Command, ExitCode};

fn package(name: &str) -> Vec<DocFile> {
    let (model, catalog, options) = project(name);
    let migrations = spec(name).migrations();
    let schema = specc_migrate::schema_file(name, &catalog).expect("no circle");
    let package = Package { to_docs: "../".to_owned(), migrations, schema: Some(schema) };
    specc_docs::package(&model, &catalog, &options, &package)
}

/// A part of a page under a heading of the second level, and its blocks of code.
struct Section {
    heading: String,
    text: String,
}

fn sections(page: &str) -> Vec<Section> {
    let mut all = vec![Section { heading: String::new(), text: String::new() }];
    let mut fence = None;
    for line in page.lines() {
        let ticks = line.len() - line.trim_start_matches('`').len();
        match fence {
            None if ticks >= 3 => fence = Some(ticks),
            Some(open) if ticks == open && line.len() == ticks => fence = None,
            _ => {}
        }
        if let Some(heading) = line.strip_prefix("## ").filter(|_| fence.is_none()) {
            all.push(Section { heading: heading.to_owned(), text: String::new() });
        } else if let Some(last) = all.last_mut() {
            last.text.push_str(line);
            last.text.push('\n');
        }
    }
    all
}

/// The blocks of one language.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let open = format!("```{language}\n");
    let mut found = Vec::new();
    for part in text.split(&open).skip(1) {
        found.push(part.split("\n```").next().unwrap_or_default().to_owned());
    }
    found
}

/// What stands between backticks.
fn quoted(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The codes of the tables of errors.
fn codes(text: &str) -> BTreeSet<String> {
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    rows.filter(|code| code.len() == 5).map(str::to_owned).collect()
}

/// Runs the SQL of the API pages as the roles of its section; returns how many statements ran, and what is wrong.
pub fn api(name: &str, pages: &[DocFile], db: &Database) -> (usize, Vec<String>) {
    let mut owner = db.connect().unwrap();
    let (mut ran, mut wrong) = (0, Vec::new());
    for page in pages.iter().filter(|page| page.path.starts_with("api/")) {
        let is_functions = page.path == "api/functions.md";
        for section in sections(&page.contents) {
            let roles = match is_functions {
                true => section.text.lines().find_map(|line| line.strip_prefix("Called by ")).map(quoted),
                false => section.heading.strip_prefix("As ").map(quoted),
            };
            let allowed = codes(&section.text);
            for role in roles.into_iter().flatten() {
                for sql in blocks(&section.text, "sql") {
                    ran += 1;
                    let claims = format!(r#"{{"sub":"00000000-0000-4000-8000-000000000001","role":"{role}"}}"#);
                    let done = as_user(&mut owner, &role, &claims, |tx| {
                        tx.batch_execute(&sql)?;
                        tx.batch_execute("set constraints all immediate")
                    });
                    let Err(error) = done else { continue };
                    let error = error.as_db_error().expect("an error of the server");
                    if !allowed.contains(error.code().code()) {
                        let (code, message) = (error.code().code(), error.message());
                        wrong.push(format!("{name}: {}: {role} gets {code} {message}\n{sql}", page.path));
                    }
                }
            }
        }
    }
    (ran, wrong)
}

/// Runs the SQL of the guide for psql, as its owner would.
pub fn psql(name: &str, pages: &[DocFile], db: &Database) -> usize {
    let mut owner = db.connect().unwrap();
    let page = pages.iter().find(|page| page.path == "psql.md").expect("the guide");
    let all = blocks(&page.contents, "sql");
    for sql in &all {
        owner.batch_execute(sql).unwrap_or_else(|error| panic!("{name}: {error:?}\n{sql}"));
    }
    all.len()
}

#[test]
fn the_sql_of_the_pages_runs() {
    let db = database("srvc_crm", 18, rows_of("srvc_crm"));
    let pages = package("srvc_crm");
    let (ran, wrong) = api("srvc_crm", &pages, &db);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(ran > 50 && psql("srvc_crm", &pages, &db) > 1, "{ran}");
}

#[test]
#[ignore = "runs thousands of statements"]
fn the_sql_of_all_pages_runs() {
    let (mut all, mut wrong) = (0, Vec::new());
    for name in specs() {
        for major in VERSIONS {
            let db = database(&name, major, rows_of(&name));
            let pages = package(&name);
            let (ran, found) = api(&name, &pages, &db);
            println!("{name}, Postgres {major}: {ran} blocks of the API, {} of the guide", psql(&name, &pages, &db));
            all += ran;
            wrong.extend(found);
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(all > 1000, "{all}");
}

fn catalog_of(db: &Database) -> Catalog {
    let mut session = db.connect().unwrap();
    specc_introspect::introspect(&mut session, &specc_introspect::Options::default()).expect("a catalog").catalog
}

fn same_schema(name: &str, major: u32) {
    let pages = package(name);
    let schema = &pages.iter().find(|page| page.path == "schema.sql").expect("the schema").contents;
    let (by_file, by_migrations) = (spec(name).bare_database(major), spec(name).bare_database(major));
    specc_tests::stage::run(&mut by_file.connect().unwrap(), "schema.sql", schema);
    spec(name).load(&mut by_migrations.connect().unwrap(), Rows::Base);
    let (one, other) = (catalog_of(&by_file), catalog_of(&by_migrations));
    let difference = specc_diff::diff(&one, &other, &Hints::default());
    assert!(difference.is_empty(), "{name}, {major}: {difference:?}");
    assert!(one.len() > 50, "{}", one.len());
}

#[test]
fn the_schema_in_one_file_is_that_of_the_migrations() {
    same_schema("starter", 15);
    same_schema("starter", 18);
}

#[test]
#[ignore = "loads every spec twice on each version"]
fn the_schema_of_each_spec_in_one_file_is_that_of_the_migrations() {
    for name in specs() {
        VERSIONS.into_iter().for_each(|major| same_schema(&name, major));
    }
}

/// `[output] guides` in `specc.toml` decides whether there are any; what nothing asks for any more goes.
#[test]
fn the_guides_are_written_where_the_settings_ask_for_them() {
    let dir = tempfile::tempdir().expect("a folder");
    let settings = |output: &str| {
        fs::write(dir.path().join("specc.toml"), format!("name = \"case\"\n{output}")).expect("a file");
    };
    fs::write(dir.path().join("case.dbspec"), "entity things { id: int key, rls off }\n").expect("a file");
    let build = |stamp: &str| {
        let at = dir.path().to_str().expect("a path");
        format!("{:?}", specc::run(["specc", "build", "--project", at, "--stamp", stamp]))
    };
    let done = format!("{:?}", ExitCode::SUCCESS);
    settings("[output]\nguides = \"docs/guides\"\n");
    assert_eq!(build("20260101000000"), done);
    let guides = dir.path().join("docs/guides");
    let start = fs::read_to_string(guides.join("README.md")).expect("the first page");
    assert!(start.contains("](../access.md)") && guides.join("api/things.md").is_file(), "{start}");
    let changes = fs::read_to_string(guides.join("changes.md")).expect("a page");
    assert!(changes.contains("20260101000000_init"), "{changes}");
    let files = specc_tests::build::files(dir.path());
    assert_eq!(build("20260101000001"), done);
    assert_eq!(files, specc_tests::build::files(dir.path()), "a second build changes nothing");
    settings("[output]\nguides = \"docs\"\n");
    assert_ne!(build("20260101000002"), done, "the docs are in that folder");
    settings("");
    assert_eq!(build("20260101000003"), done);
    assert!(!guides.exists() && dir.path().join("docs/README.md").is_file());
}

/// The code of the package as one program: each block of the API in a scope of its own, each file of a guide as it stands.
#[test]
#[ignore = "installs programs by npm"]
fn the_typescript_of_the_pages_is_of_the_types() {
    let dir = tempfile::tempdir().expect("a folder");
    let write = |path: &str, text: &str| {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    };
    write("package.json", r#"{"type": "module"}"#);
    let mut npm = Command::new("npm");
    npm.args(["install", "--no-audit", "--no-fund", "--silent", "typescript@5.9.3", "@supabase/supabase-js@2.58.0"])
        .args(["react@19.1.1", "@types/react@19.1.13", "@types/node@22.18.6"])
        .current_dir(dir.path());
    assert!(npm.status().expect("npm is there").success(), "npm installs");
    let options = r#"{"compilerOptions": {"strict": true, "noEmit": true, "target": "es2022", "module": "esnext", "moduleResolution": "bundler",
        "jsx": "react-jsx", "skipLibCheck": true, "lib": ["es2022", "dom", "dom.iterable"], "types": ["node"]}, "include": ["src"]}"#;
    write("tsconfig.json", options);
    let mut all = 0;
    for name in specs() {
        let (_, catalog, options) = project(&name);
        let types =
            specc_types::typescript(&catalog, &options.around, &specc_types::Options::default()).expect("types");
        write(&format!("src/{name}/database.types.ts"), &types.text);
        let mut program = "import { supabase } from './client'\nexport async function all() {\n".to_owned();
        for page in package(&name) {
            let guide = page.path.strip_suffix(".md").filter(|guide| ["react", "nextjs"].contains(guide));
            let code = [blocks(&page.contents, "ts"), blocks(&page.contents, "tsx")].concat();
            all += code.len();
            match guide {
                None => {
                    code.iter().for_each(|block| program.push_str(&format!("  {{ {block}; void data; void error }}\n")))
                }
                Some("react") => {
                    let names = ["client.ts", "add.ts", "list.tsx"];
                    code.iter().zip(names).for_each(|(block, file)| write(&format!("src/{name}/{file}"), block));
                }
                Some(_) => {
                    let names = ["server.ts", "app/list/route.ts"];
                    code.iter().zip(names).for_each(|(block, file)| write(&format!("src/{name}/{file}"), block));
                }
            }
        }
        write(&format!("src/{name}/all.ts"), &(program + "}\n"));
    }
    let done =
        Command::new("node").arg("node_modules/typescript/bin/tsc").current_dir(dir.path()).output().expect("node");
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success(), "{}", said.lines().take(40).collect::<Vec<_>>().join("\n"));
    println!("{all} blocks of TypeScript");
    assert!(all > 200 && root().exists(), "{all}");
}
