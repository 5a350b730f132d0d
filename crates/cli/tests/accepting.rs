//! `accept CODE 'reason'`: what is accepted is counted, listed with its reason, and denied by nobody.

#![allow(clippy::disallowed_methods)]

use crate::program::run;
use std::fs;

const SPEC: &str = "entity notes {  accept W0604 'the server | <b>reads</b> it'\n  id: uuid key\n}\n";

#[test]
fn what_is_accepted_is_listed() {
    let dir = tempfile::tempdir().expect("a folder");
    let dir = dir.path();
    fs::write(dir.join("specc.toml"), "name = \"shop\"\n").expect("a file");
    fs::write(dir.join("notes.dbspec"), SPEC).expect("a file");
    let (code, _, err) = run(dir, &["check", "--deny-warnings"]);
    assert_eq!(code, 0, "{err}");
    assert!(err.starts_with("0 errors, 0 warnings, 1 accepted\n"), "{err}");
    let (_, out, _) = run(dir, &["check", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(json["diagnostics"].as_array().map(Vec::len), Some(0));
    let accepted = &json["accepted"][0];
    assert_eq!((&accepted["code"], &accepted["labels"][0]["line"]), (&"W0604".into(), &1.into()), "{out}");
    assert_eq!(accepted["reason"], "the server | <b>reads</b> it");

    let (code, out, err) = run(dir, &["build", "--stamp", "20260101000000", "--format", "json"]);
    assert!(code == 0 && err.contains("1 accepted"), "{err}");
    let json: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(json["accepted"][0]["code"], "W0604");
    let page = fs::read_to_string(dir.join("docs/README.md")).expect("the page");
    let row = page.lines().find(|line| line.starts_with("| `W0604`")).expect("a row");
    assert!(row.contains("| `notes.dbspec:1` | The server \\|"), "{row}");

    fs::write(dir.join("notes.dbspec"), SPEC.replace("id: uuid key", "id: uuid key\n  rls off")).expect("a file");
    let (code, _, err) = run(dir, &["check", "--deny-warnings"]);
    assert!(code == 1 && err.contains("`accept W0604` accepts nothing"), "{err}");
}
