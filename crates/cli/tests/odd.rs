//! Odd input: the real program answers, with an exit code of its own, and soon.

#![allow(clippy::disallowed_methods)]

use std::fmt::Write;
use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

/// Far more than any case needs, even unoptimized on a busy machine; what is not linear takes minutes.
const SOON: Duration = Duration::from_secs(40);

/// Exit code and what is said of a project of this one file.
fn check(text: &str) -> (i32, String) {
    let dir = tempfile::tempdir().expect("a folder");
    fs::write(dir.path().join("specc.toml"), "name = \"odd\"\n").expect("a file");
    fs::write(dir.path().join("a.dbspec"), text).expect("a file");
    let start = Instant::now();
    let out = Command::new(env!("CARGO_BIN_EXE_specc")).arg("check").current_dir(dir.path()).output().expect("it runs");
    assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
    let code = out.status.code().expect("no signal ended it");
    assert!(code < 2, "exit code {code}");
    (code, String::from_utf8(out.stderr).expect("UTF-8"))
}

fn entity(members: &str) -> String {
    format!("entity t {{\n  id: uuid = gen_random_uuid() key\n{members}\n  rls off\n}}\n")
}

#[test]
fn ten_thousand_levels_of_anything() {
    let n = 10_000;
    let deep = [
        ("more than 100 brackets", entity(&format!("  n: int = {}1{}", "(".repeat(n), ")".repeat(n)))),
        ("never closed", entity(&format!("  n: int = {}", "(".repeat(n)))),
        ("tokens", entity(&format!("  check a: {}(id is null)", "not ".repeat(n)))),
        ("tokens", entity(&format!("  check a: {}id is null", "id is null or ".repeat(n)))),
        ("tokens", entity(&format!("  n: int = 1{}", "::int".repeat(n)))),
        ("more than 100 brackets", format!("{}{}", "{".repeat(n), "}".repeat(n))),
        ("never closed", "/*".repeat(n)),
        ("tokens", format!("view v as $$ {}select 1{} $$\n", "select * from (".repeat(n), ") x".repeat(n))),
    ];
    for (said, text) in deep {
        let (code, err) = check(&text);
        assert!(code == 1 && err.contains(said), "wanted {said}: {}", &err[..err.len().min(2_000)]);
    }
    assert_eq!(check(&entity(&format!("  j: jsonb = '{}{}'", "[".repeat(n), "]".repeat(n)))).0, 0);
}

#[test]
fn ten_thousand_that_use_the_next() {
    let chain = |one: &dyn Fn(usize) -> String, last: &str| {
        let mut text = String::new();
        (0..10_000).for_each(|i| writeln!(text, "{}", one(i)).expect("a text"));
        text + last
    };
    let domains = chain(&|i| format!("domain d{i}: d{}", i + 1), "domain d10000: int\n");
    assert_eq!(check(&(domains + &entity("  n: d9999"))).0, 0);
    let composites = chain(&|i| format!("composite c{i} {{ a: c{} }}", i + 1), "composite c10000 { a: int }\n");
    assert_eq!(check(&(composites + &entity("  n: c9999"))).0, 0);
    let mixins = chain(&|i| format!("mixin m{i} {{ use m{} }}", i + 1), "mixin m10000 { n: int }\n");
    let (code, err) = check(&(mixins + &entity("  use m0")));
    assert!(code == 1 && err.contains("more than 100 mixins"), "{err}");
}

#[test]
fn names_of_63_bytes_and_of_64() {
    for (name, good) in
        [("n".repeat(63), true), ("n".repeat(64), false), ("é".repeat(31) + "n", true), ("é".repeat(32), false)]
    {
        let (code, err) = check(&entity(&format!("  {name}: int")));
        assert_eq!(code == 0, good, "{err}");
        assert!(good || err.contains("is 64 bytes long"), "{err}");
    }
}

#[test]
fn names_that_are_keywords_or_hold_quotes() {
    let names =
        ["select", "order", "user", "\"Mixed Case\"", "\"with \"\"quotes\"\"\"", "\"sp ace\"", "\"sem;icolon\""];
    for name in names {
        let text = format!(
            "entity {name} {{\n  id: uuid = gen_random_uuid() key\n  {name}: int\n  index ({name})\n  rls off\n}}\n"
        );
        let (code, err) = check(&text);
        assert_eq!(code, 0, "{name}: {err}");
    }
}

#[test]
fn letters_of_all_kinds() {
    // combining marks, right to left, other scripts
    for name in ["cafe\u{301}", "שם", "名前", "имя", "\"🦀\"", "\"👩\u{200d}🚀\""] {
        let (code, err) = check(&entity(&format!("  {name}: text")));
        assert_eq!(code, 0, "{name}: {err}");
    }
    // what cannot be seen, or turns the text around, and characters that are no letters
    for (bad, code) in [("a\u{202e}b", "E0006"), ("a\u{200b}b", "E0006"), ("a\0b", "E0006"), ("🦀", "E0006")] {
        let (exit, err) = check(&entity(&format!("  {bad}: text")));
        assert!(exit == 1 && err.contains(code), "{bad:?}: {err}");
        assert!(!err.contains(['\0', '\u{202e}', '\u{200b}']), "{err:?}");
    }
}

#[test]
fn a_file_of_ten_megabytes() {
    let line = format!("// {}\n", "x".repeat(96));
    let (code, _) = check(&(line.repeat(100_000) + &entity("  n: int")));
    assert_eq!(code, 0);
    let (code, err) = check(&(line.repeat(100_000) + &entity("  n: itn")));
    assert!(code == 1 && err.contains("a.dbspec:100003:6") && err.len() < 2_000, "{}", &err[..err.len().min(2_000)]);
}

#[test]
fn many_errors_in_one_large_file() {
    let mut text = String::new();
    for i in 0..500 {
        writeln!(text, "entity e{i} {{\n  id: uuid key\n  a: itn\n  rls off\n}}").expect("a text");
    }
    let (code, err) = check(&text);
    assert_eq!((code, err.matches("unknown type `itn`").count()), (1, 50));
    assert!(err.contains("450 findings more in a.dbspec\n500 errors"), "{}", &err[err.len() - 200..]);
}
