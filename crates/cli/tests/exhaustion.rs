//! Texts that ask for time, memory or room on the screen: each is read in a time that grows with its length.

#![allow(clippy::disallowed_methods)]

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

/// Bytes of each text, about.
const LENGTH: usize = 100_000;

fn times(n: usize, each: impl Fn(usize) -> String) -> String {
    (0..n).map(each).collect()
}

/// Members of an entity, or what closes it and goes on.
fn texts(n: usize) -> Vec<(&'static str, String)> {
    let again = |text: &str| text.repeat(n / text.len());
    vec![
        ("quotes of names", again("\"")),
        ("quotes of texts", again("'")),
        ("dollars", again("$")),
        ("bodies", times(n / 8, |i| format!("$a{i}$ "))),
        ("comments", again("/*")),
        ("braces, then parentheses", "{".repeat(n / 4) + &")".repeat(n / 4)),
        ("parentheses, then braces", "(".repeat(n) + &"}".repeat(n)),
        ("open parentheses", "a: text = ".to_owned() + &"(".repeat(n)),
        ("accepted on one line", again("accept W0605 'x' ")),
        ("cases", again("case when a then b end ")),
        ("words", again("a ")),
        ("one word", again("a")),
        ("dots", again("a.")),
        ("control characters", again("\u{1}")),
        ("a condition", format!(" check c: {}a", again("a or "))),
        ("dimensions", format!(" a: text{}", again("[]"))),
        ("fields", times(n / 12, |i| format!(" a{i}: text\n"))),
        ("fields of one name", again(" a: text\n")),
        ("references", times(n / 10, |i| format!(" r{i} -> t\n"))),
        ("indexes", again(" index (id)\n")),
        ("uses", again(" use timestamps\n")),
        ("labels", format!("}}\nenum e {{ {}", times(n / 8, |i| format!("a{i}, ")))),
        ("labels of one name", format!("}}\nenum e {{ {}", again("a, "))),
        ("rules", format!(" policy {{\n{}}}", times(n / 30, |i| format!("  p{i}: allow select when true\n")))),
        ("entities", format!("}}\n{}", times(n / 36, |i| format!("entity e{i} {{\n id: int key\n rls off\n}}\n")))),
        ("entities of one name", format!("}}\n{}", again("entity e {\n id: int key\n rls off\n}\n"))),
        ("mixins", format!("}}\n{}", times(n / 24, |i| format!("mixin m{i} {{\n use m{}\n}}\n", i + 1)))),
        ("predicates", format!("}}\n{}", times(n / 22, |i| format!("predicate p{i} = p{}\n", i + 1)))),
        ("seeds", format!("}}\nseed base {{\n{}", times(n / 20, |i| format!(" t r{i} {{ id: {i} }}\n")))),
        ("a list", format!(" check c: id in ({}0)", again("1, "))),
        ("a union", format!("}}\nview v as $$ {} select 1 $$\nentity u {{", again("select 1 union "))),
    ]
}

#[test]
fn no_text_takes_long_or_fills_the_screen() {
    let dir = tempfile::tempdir().expect("a folder");
    fs::write(dir.path().join("specc.toml"), "name = \"q\"\ntarget = \"postgres\"\n").expect("a file");
    let mut wrong = Vec::new();
    for (name, text) in texts(LENGTH) {
        fs::write(dir.path().join("a.dbspec"), format!("entity t {{\n id: int key\n {text}\n rls off\n}}\n"))
            .expect("a file");
        for format in ["text", "json"] {
            let start = Instant::now();
            let out = Command::new(env!("CARGO_BIN_EXE_specc"))
                .args(["--format", format, "check"])
                .current_dir(dir.path())
                .output()
                .expect("specc runs");
            // What grows with the square takes minutes for a text of this length.
            if start.elapsed() > Duration::from_secs(15) {
                wrong.push(format!("{name}: {:?}", start.elapsed()));
            }
            let said = out.stderr.len() + out.stdout.len();
            if said > 300_000 || !matches!(out.status.code(), Some(0 | 1)) {
                wrong.push(format!("{name}: {} and {said} bytes", out.status));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Of many findings the first fifty of a file are shown, errors before warnings, and the rest is counted.
#[test]
fn findings_that_are_left_out_are_counted() {
    let dir = tempfile::tempdir().expect("a folder");
    fs::write(dir.path().join("specc.toml"), "name = \"q\"\ntarget = \"postgres\"\n").expect("a file");
    let fields = times(60, |i| format!("  \"a{i}e\u{301}\": text\n")) + &times(40, |i| format!("  b{i}: nothing\n"));
    fs::write(dir.path().join("a.dbspec"), format!("entity t {{\n  id: int key\n{fields}  rls off\n}}\n"))
        .expect("a file");
    fs::write(dir.path().join("b.dbspec"), "entity u {\n  id: nothing key\n  rls off\n}\n").expect("a file");
    let run = |format: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_specc"));
        let out = command.args(["--format", format, "check"]).current_dir(dir.path()).output().expect("specc runs");
        String::from_utf8([out.stdout, out.stderr].concat()).expect("text")
    };
    let said = run("text");
    assert_eq!((said.matches("E0103").count(), said.matches("W0126").count()), (41, 10), "{said}");
    assert!(said.contains("50 findings more in a.dbspec") && said.contains("41 errors, 60 warnings"), "{said}");
    let found: serde_json::Value = serde_json::from_str(&run("json")).expect("JSON");
    assert_eq!(found["diagnostics"].as_array().map(Vec::len), Some(51));
    assert_eq!(found["left_out"], serde_json::json!({ "a.dbspec": 50 }));
}
