//! Projects that are tried.

use crate::program::run;
use specc_postgres::{Database, shared};
use std::fs;
use std::path::{Path, PathBuf};

/// The specs that ship.
pub fn specs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../specs")
}

/// A project in a folder of its own.
pub fn project(text: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    fs::write(dir.path().join("specc.toml"), "name = \"tried\"\n").expect("a file");
    fs::write(dir.path().join("a.dbspec"), text).expect("a file");
    dir
}

/// Builds a project and applies it to a new database, whose address comes back.
pub fn apply(dir: &Path, db: &Database) -> String {
    let (code, out, err) = run(dir, &["build", "--stamp", "20260101000000"]);
    assert_eq!(code, 0, "{out}{err}");
    let url = db.url("postgres");
    let (code, out, err) = run(dir, &["apply", "--database-url", &url]);
    assert_eq!(code, 0, "{out}{err}");
    url
}

/// A project, the database of the platform that it is applied to, and its address.
pub fn applied(text: &str) -> (tempfile::TempDir, Database, String) {
    let (dir, db) = (project(text), shared(18).platform_database().expect("a database"));
    let url = apply(dir.path(), &db);
    (dir, db, url)
}
