//! Databases that are made from SQL, read, made again from what was read, and read again.

#![allow(clippy::disallowed_methods)]
#![allow(dead_code)] // each test binary uses some

use specc_catalog::Kind;
use specc_catalog::{Catalog, Entry, ObjectId};
use specc_diag::Sources;
use specc_introspect::{Introspected, Options, introspect};
use specc_model::Target;
use specc_postgres::{Cluster, Database, Session, load_sql};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Where SQL is loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ground {
    /// A server of one's own, as its superuser.
    Plain,
    /// The emulated platform, as the owner of the database.
    Platform,
    /// The emulated platform, as the superuser above the owner.
    Above,
}

/// An empty database and the session that things are made in.
pub fn open(cluster: &Cluster, ground: Ground) -> (Database, Session) {
    match ground {
        Ground::Platform => {
            let db = cluster.platform_database().expect("a database");
            let session = db.connect().expect("a session");
            (db, session)
        }
        Ground::Above => {
            let db = cluster.platform_database().expect("a database");
            let session = db.connect_superuser().expect("a session");
            (db, session)
        }
        Ground::Plain => {
            let db = cluster.empty_database().expect("a database");
            let mut session = db.connect_superuser().expect("a session");
            session.batch_execute(&format!("alter database {} owner to current_user", db.name())).expect("the owner");
            (db, session)
        }
    }
}

/// Reads.
pub fn read(session: &mut Session) -> Introspected {
    introspect(session, &Options::default()).unwrap_or_else(|error| panic!("{error}"))
}

/// The statements that make a catalog.
pub fn script(catalog: &Catalog) -> Result<String, String> {
    let plan = specc_migrate::plan_create(catalog).map_err(|cycle| cycle.to_string())?;
    let mut out = String::new();
    plan.statements().for_each(|statement| specc_sql::print(statement, &mut out));
    Ok(out)
}

/// Loads SQL, making roles that it names and nobody made.
pub fn load(cluster: &Cluster, ground: Ground, text: &str) -> Result<(Database, Session), String> {
    for _ in 0..20 {
        let (db, mut session) = open(cluster, ground);
        let error = match load_sql(&mut session, text) {
            Ok(_) => return Ok((db, session)),
            Err(error) => error.to_string(),
        };
        let missing = error.strip_prefix("role \"").and_then(|rest| rest.split_once("\" does not exist"));
        let Some((role, _)) = missing else { return Err(error) };
        // Whoever makes a role is the superuser, so that it is nobody's.
        let mut admin = db.connect_superuser().map_err(|error| error.to_string())?;
        admin.batch_execute(&format!("create role \"{role}\"")).map_err(|error| error.to_string())?;
    }
    Err("the script names too many roles that nobody made".into())
}

/// Makes what was read in an empty database, reads that, and tells what is different.
pub fn again(cluster: &Cluster, ground: Ground, first: &Catalog) -> Result<Vec<String>, String> {
    let script = script(first)?;
    let (mut db, mut session) = open(cluster, ground);
    if load_sql(&mut session, &script).is_err() {
        // A body may be such that Postgres would refuse it today; a dump would not look at it either.
        (db, session) = open(cluster, ground);
        session.batch_execute("set check_function_bodies to off").expect("a setting");
        load_sql(&mut session, &script).map_err(|error| format!("what was read does not load: {error}"))?;
        println!("  loads only without a look at the bodies of functions");
    }
    let second = read(&mut session).catalog;
    drop((session, db));
    Ok(differences(first, &second))
}

/// What two catalogs disagree on, a line each.
pub fn differences(a: &Catalog, b: &Catalog) -> Vec<String> {
    let mut found = Vec::new();
    if a.default_grantees != b.default_grantees {
        found.push(format!("default grantees: {:?} / {:?}", a.default_grantees, b.default_grantees));
    }
    let show = |entry: &Entry| format!("{entry:?}");
    let mut all: BTreeMap<&ObjectId, [Option<&Entry>; 2]> = BTreeMap::new();
    a.iter().for_each(|(id, entry)| all.entry(id).or_default()[0] = Some(entry));
    b.iter().for_each(|(id, entry)| all.entry(id).or_default()[1] = Some(entry));
    for (id, [one, two]) in all {
        match (one, two) {
            (Some(one), Some(two)) if one != two => found.push(format!("~ {id}\n    {}\n    {}", show(one), show(two))),
            (Some(one), None) => found.push(format!("- {id} {}", show(one))),
            (None, Some(two)) => found.push(format!("+ {id} {}", show(two))),
            _ => {}
        }
    }
    found
}

/// How many objects of each kind.
pub fn counts(catalog: &Catalog) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    catalog.iter().for_each(|(id, _)| *counts.entry(id.kind.word()).or_default() += 1);
    counts
}

fn files(dir: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, out);
        } else if path.extension().is_some_and(|end| end == "dbspec") {
            out.push(path);
        }
    }
}

/// The catalog of a spec, without rows.
pub fn lowered(name: &str) -> (Catalog, Ground) {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../specs").join(name);
    let config = std::fs::read_to_string(dir.join("specc.toml")).expect("specc.toml");
    let plain = config.contains("target = \"postgres\"");
    let mut paths = Vec::new();
    files(&dir, &mut paths);
    paths.sort();
    let mut sources = Sources::new();
    let mut trees = Vec::new();
    for path in paths {
        let text = std::fs::read_to_string(&path).expect("text");
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let file = sources.add(name, text.clone());
        trees.push(specc_syntax::parse(file, &text).0);
    }
    let target = if plain { Target::Postgres } else { Target::Supabase };
    let (model, found) =
        specc_model::analyze(trees, &mut sources, specc_model::Options { target, ..Default::default() });
    assert!(!specc_diag::has_errors(&found), "{name}: {found:?}");
    let all = specc_lower::lower(&model).0;
    let mut catalog = Catalog::new();
    catalog.default_grantees = all.default_grantees.clone();
    for (_, entry) in all.iter().filter(|(id, _)| id.kind != Kind::Seed) {
        catalog.insert(entry.clone());
    }
    (catalog, if plain { Ground::Plain } else { Ground::Platform })
}
