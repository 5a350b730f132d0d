//! Projects that are tried.

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
