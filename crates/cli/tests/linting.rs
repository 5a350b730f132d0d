//! `lint` and the pages of its rules as users run them.

#![allow(clippy::disallowed_methods)]

use std::fs;
use std::process::Command;

const BAD: &str = "set lock_timeout = '3s';\nalter table t alter column a set not null;\n";

fn run(args: &[&str]) -> (i32, String, String) {
    let dir = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    };
    write("bad.sql", BAD);
    write("good.sql", "-- specc: allow L003 ten rows\nalter table t alter column a set not null;\n");
    write("advice.sql", "do $$ begin execute some_text; end $$;\n");
    write("habits.sql", "create table private.t (id bigint primary key, at timestamp);\n");
    write(
        "all/V2__check.sql",
        "set lock_timeout = '3s';\nalter table t add constraint c check (a is not null) not valid;\n",
    );
    write("all/V9__validate.sql", "alter table t validate constraint c;\n");
    write("all/V10__not_null.sql", BAD);
    write("all/V10__not_null.down.sql", "drop table t;\n");
    let out =
        Command::new(env!("CARGO_BIN_EXE_specc")).args(args).current_dir(dir.path()).output().expect("specc runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (out.status.code().expect("it ended by itself"), text(out.stdout), text(out.stderr))
}

#[test]
fn the_exit_code_says_whether_anything_is_bad() {
    let (code, out, err) = run(&["lint", "bad.sql"]);
    assert_eq!((code, out.as_str()), (1, ""), "{err}");
    assert!(err.contains("bad.sql:2:15") && err.contains("0 errors, 1 warning, 0 pieces of advice"), "{err}");
    let (code, _, err) = run(&["lint", "advice.sql"]);
    assert!(code == 0 && err.contains("L000"), "{err}");
    let (code, _, err) = run(&["lint", "habits.sql"]);
    assert!(code == 0 && !err.contains("L071"), "{err}");
    let (code, _, err) = run(&["lint", "--all", "habits.sql"]);
    assert!(code == 0 && err.contains("L071"), "{err}");
    assert_eq!(run(&["lint", "nothing.sql"]).0, 2);
}

#[test]
fn a_reason_allows_it_and_a_folder_is_read_in_order() {
    let (code, _, err) = run(&["lint", "good.sql"]);
    assert!(code == 1 && err.contains("L021") && err.contains(", 1 warning,"), "{err}");
    let (code, _, err) = run(&["lint", "all"]);
    assert!(code == 0 && err.contains("5 statements of 3 files"), "{err}");
}

#[test]
fn formats_for_programs() {
    let (_, out, _) = run(&["lint", "--format", "json", "bad.sql"]);
    let json: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(
        (json["findings"][0]["code"].as_str(), json["findings"][0]["labels"][0]["line"].as_u64()),
        (Some("L003"), Some(2))
    );
    let (_, out, _) = run(&["lint", "--format", "sarif", "bad.sql"]);
    let sarif: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    let result = &sarif["runs"][0]["results"][0];
    assert_eq!(result["locations"][0]["physicalLocation"]["region"]["startLine"], 2);
    let index = result["ruleIndex"].as_u64().expect("an index") as usize;
    assert_eq!(sarif["runs"][0]["tool"]["driver"]["rules"][index]["id"], result["ruleId"]);
    let (_, out, _) = run(&["lint", "--format", "github", "bad.sql"]);
    assert!(out.starts_with("::warning file=bad.sql,line=2,col=15,title=L003 "), "{out}");
    let (code, _, err) = run(&["check", "--format", "sarif"]);
    assert!(code == 2 && err.contains("only `specc lint`"), "{err}");
}

#[test]
fn explain_knows_the_rules() {
    let (code, out, _) = run(&["explain", "l003"]);
    assert!(code == 0 && out.starts_with("L003: A column is set not null") && out.contains("allow L003"), "{out}");
    let (_, out, _) = run(&["explain"]);
    assert!(out.contains("E0102") && out.contains("L060"), "{out}");
    let (code, _, err) = run(&["explain", "L999"]);
    assert!(code == 2 && err.contains("no code is called L999"), "{err}");
}
