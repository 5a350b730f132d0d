//! A document of OpenAPI has the paths, verbs and columns that its role has on a loaded database, and no others.
//!
//! The ignored test asks a validator whether the documents are OpenAPI 3.1:
//! `cargo test -p specc-tests --test all -- --ignored written::openapi`.

use super::written;
use serde_json::Value;
use specc_postgres::Session;
use specc_tests::{Rows, VERSIONS, database, one_text, specs, texts};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;

/// The roles of the API on Supabase.
const ROLES: [&str; 3] = ["anon", "authenticated", "service_role"];

fn document(name: &str, role: &str) -> Value {
    let text = written(name, &["--lang", "openapi", "--role", role]);
    serde_json::from_str(&text).expect("JSON")
}

#[test]
fn the_documents_of_the_specs() {
    for role in ROLES {
        insta::assert_snapshot!(
            format!("openapi_starter_{role}"),
            written("starter", &["--lang", "openapi", "--role", role])
        );
    }
    for name in specs() {
        for role in ROLES {
            let lines = verbs(&document(&name, role)).into_iter().map(|(what, columns)| {
                let columns: Vec<_> = columns.into_iter().collect();
                format!("{what}: {}", columns.join(" "))
            });
            insta::assert_snapshot!(format!("openapi_{name}_{role}_verbs"), lines.collect::<Vec<_>>().join("\n"));
        }
    }
}

/// Each path with a verb, and the columns that it takes or gives.
fn verbs(document: &Value) -> BTreeMap<String, BTreeSet<String>> {
    let mut all = BTreeMap::new();
    for (path, verbs) in document["paths"].as_object().expect("paths") {
        for (verb, _) in verbs.as_object().expect("verbs") {
            let part = match verb.as_str() {
                "get" => "",
                "post" => ".insert",
                "patch" => ".update",
                _ => "none",
            };
            let schema = &document["components"]["schemas"][format!("{}{part}", path.trim_start_matches('/'))];
            let columns =
                schema["properties"].as_object().map(|fields| fields.keys().cloned().collect()).unwrap_or_default();
            all.insert(format!("{verb} {path}"), columns);
        }
    }
    all
}

#[test]
fn a_document_has_the_rights_of_its_role() {
    for name in specs() {
        for role in ROLES {
            let document = document(&name, role);
            for major in VERSIONS {
                let db = database(&name, major, Rows::Base);
                let mut session = db.connect_superuser().expect("a session");
                same_tables(&mut session, &document, role, &name);
                same_functions(&mut session, &document, role, &name);
            }
        }
    }
}

/// What a role may do with each column of each table and view of `public`, asked of the database.
fn same_tables(session: &mut Session, document: &Value, role: &str, name: &str) {
    let query = |privilege: &str, written: &str| {
        format!(
            "select c.relname || ' ' || a.attname from pg_class c join pg_attribute a on a.attrelid = c.oid
             where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm') and a.attnum > 0 and not a.attisdropped
               and has_column_privilege('{role}', c.oid, a.attnum, '{privilege}') {written}"
        )
    };
    let asked =
        |session: &mut Session, query: &str| -> BTreeSet<String> { texts(session, query).into_iter().collect() };
    let of = |verb: &str| -> BTreeSet<String> {
        let all = verbs(document).into_iter();
        let own = all.filter_map(|(what, columns)| {
            let path = what.strip_prefix(verb)?.strip_prefix(" /")?.to_owned();
            (!path.starts_with("rpc/")).then_some((path, columns))
        });
        own.flat_map(|(path, columns)| columns.into_iter().map(move |column| format!("{path} {column}"))).collect()
    };
    let written = "and a.attgenerated = '' and a.attidentity <> 'a'";
    let through = |event: u32| {
        format!(
            "{written} and (c.relkind in ('r', 'p') or pg_relation_is_updatable(c.oid, true) & {event} <> 0 and
                 pg_column_is_updatable(c.oid, a.attnum, true))"
        )
    };
    assert_eq!(of("get"), asked(session, &query("select", "")), "{name}: {role} reads");
    assert_eq!(of("post"), asked(session, &query("insert", &through(8))), "{name}: {role} inserts");
    assert_eq!(of("patch"), asked(session, &query("update", &through(4))), "{name}: {role} updates");
    let deletes =
        "select relname from pg_class c where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v')
        and (relkind <> 'v' or pg_relation_is_updatable(oid, true) & 16 <> 0)";
    let deletes = asked(session, &format!("{deletes} and has_table_privilege('{role}', oid, 'delete')"));
    let own = verbs(document).into_keys().filter_map(|what| what.strip_prefix("delete /").map(ToOwned::to_owned));
    assert_eq!(own.collect::<BTreeSet<_>>(), deletes, "{name}: {role} deletes");
}

fn same_functions(session: &mut Session, document: &Value, role: &str, name: &str) {
    let query = format!(
        "select distinct proname from pg_proc where pronamespace = 'public'::regnamespace and prokind = 'f'
         and prorettype not in ('trigger'::regtype, 'event_trigger'::regtype) and has_function_privilege('{role}', oid, 'execute')
         and not exists (select from pg_depend d where d.objid = pg_proc.oid and d.deptype = 'e')"
    );
    let own = document["paths"].as_object().expect("paths").keys();
    let own: BTreeSet<String> = own.filter_map(|path| path.strip_prefix("/rpc/").map(ToOwned::to_owned)).collect();
    assert_eq!(own, texts(session, &query).into_iter().collect::<BTreeSet<_>>(), "{name}: {role} calls");
    assert_eq!(one_text(session, &format!("select has_schema_privilege('{role}', 'public', 'usage')")), "t");
}

#[test]
#[ignore = "installs programs by npm"]
fn a_validator_takes_the_documents() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut npm = Command::new("npm");
    npm.args(["install", "--no-audit", "--no-fund", "--silent", "@seriousme/openapi-schema-validator@2.4.0"])
        .current_dir(dir.path());
    assert!(npm.status().expect("npm is there").success(), "npm installs");
    let script = r#"
import { Validator } from "@seriousme/openapi-schema-validator"
const found = await new Validator().validate(process.argv[2])
if (!found.valid) throw new Error(JSON.stringify(found.errors))
"#;
    fs::write(dir.path().join("check.mjs"), script).expect("a file");
    for name in specs() {
        for role in ROLES {
            let file = dir.path().join(format!("{name}_{role}.json"));
            fs::write(&file, written(&name, &["--lang", "openapi", "--role", role])).expect("a file");
            let done = Command::new("node")
                .arg("check.mjs")
                .arg(&file)
                .current_dir(dir.path())
                .output()
                .expect("node is there");
            assert!(done.status.success(), "{name}, {role}: {}", String::from_utf8_lossy(&done.stderr));
        }
    }
}
