//! Texts that ask for time, memory or room on the screen: each is read in a time that grows with its length.

#![allow(clippy::disallowed_methods)]

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Bytes of each text, about.
const LENGTH: usize = 100_000;

/// The program: that of the tests, in which nothing is optimized, or the one that `SPECC_RELEASED` names, with what a command may
/// take then: time and, in kB, memory.
fn program() -> (PathBuf, Duration, u64) {
    match std::env::var_os("SPECC_RELEASED") {
        Some(path) => (path.into(), Duration::from_secs(2), 500_000),
        None => (env!("CARGO_BIN_EXE_specc").into(), Duration::from_secs(15), 3_000_000),
    }
}

/// What a command said, how long it took, and the most memory that it was seen with, in kB.
fn measured(command: &mut Command) -> (Output, Duration, u64) {
    let start = Instant::now();
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("specc runs");
    let status = format!("/proc/{}/status", child.id());
    let waits = std::thread::spawn(move || child.wait_with_output());
    let mut peak = 0;
    while !waits.is_finished() {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
        peak = peak.max(line.trim().trim_end_matches(" kB").parse().unwrap_or(0));
        std::thread::sleep(Duration::from_millis(2));
    }
    (waits.join().expect("no panic").expect("an output"), start.elapsed(), peak)
}

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
        (
            "domains over themselves",
            "email: d\n}\ndomain d: e\ndomain e: d\nentity u { id: d key, index (id), rls off\n".into(),
        ),
        (
            "domains",
            format!(
                "email: d0\n}}\n{}domain d{}: text",
                times(n / 20, |i| format!("domain d{i}: d{}\n", i + 1)),
                n / 20
            ),
        ),
        ("seeds", format!("}}\nseed base {{\n{}", times(n / 20, |i| format!(" t r{i} {{ id: {i} }}\n")))),
        ("a list", format!(" check c: id in ({}0)", again("1, "))),
        ("a union", format!("}}\nview v as $$ {} select 1 $$\nentity u {{", again("select 1 union "))),
        ("names of tables that a query gives twice", {
            let reads = |i: usize| if i == 0 { "public.t".to_owned() } else { format!("c{}", i - 1) };
            let one = |i: usize| format!("c{i} as (select x.id from {0} x join {0} y on x.id = y.id), ", reads(i));
            format!("}}\nview v as $$ with {} z as (select 1) select id from c39 $$\nentity u {{", times(40, one))
        }),
    ]
}

#[test]
fn no_text_takes_long_or_fills_the_screen() {
    let dir = tempfile::tempdir().expect("a folder");
    fs::write(dir.path().join("specc.toml"), "name = \"q\"\ntarget = \"postgres\"\n").expect("a file");
    let mut wrong = Vec::new();
    let (specc, time, memory) = program();
    for (nth, (name, text)) in texts(LENGTH).into_iter().enumerate() {
        fs::write(dir.path().join("a.dbspec"), format!("entity t {{\n id: int key\n {text}\n rls off\n}}\n"))
            .expect("a file");
        // Both are written from one list of findings.
        let format = if nth % 2 == 0 { "text" } else { "json" };
        let (out, took, peak) =
            measured(Command::new(&specc).args(["--format", format, "check"]).current_dir(dir.path()));
        // What grows with the square takes minutes for a text of this length.
        if took > time || peak > memory {
            wrong.push(format!("{name}: {took:?}, {peak} kB"));
        }
        let said = out.stderr.len() + out.stdout.len();
        if said > 300_000 || !matches!(out.status.code(), Some(0 | 1)) {
            wrong.push(format!("{name}: {} and {said} bytes", out.status));
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

/// What stands around an entity `t` with an owner, fields and rules.
fn ruled(fields: &str, rules: &str, more: &str) -> String {
    format!(
        "entity profiles {{\n  id -> auth.users key as account on delete cascade immutable\n  name: text\n  policy {{\n    \
         own: allow select to authenticated when id = viewer\n  }}\n}}\nviewer -> profiles\nentity t {{\n  id: uuid key\n  \
         owner_id -> profiles\n{fields}  policy {{\n{rules}  }}\n}}\n{more}"
    )
}

/// Rules, promises and tables that ask for much when it is decided what they mean.
fn asking(n: usize) -> Vec<(&'static str, String)> {
    let when = |condition: &str| format!("    r: allow select to authenticated when {condition}\n");
    let mine = "    r: allow all to authenticated when owner_id = viewer\n";
    let joined = |n: usize, by: &str, each: &dyn Fn(usize) -> String| (0..n).map(each).collect::<Vec<_>>().join(by);
    let fields = |n: usize, ty: &str| times(n, |i| format!("  a{i}: {ty}\n"));
    // More rows than places for them: no solution, and no short way to see that.
    let places = |i: usize| format!("({})", joined(9, " or ", &|place| format!("a{i} = {place}")));
    let apart = |i: usize| joined(i, " and ", &|other| format!("a{i} <> a{other}"));
    let pigeons = joined(10, " and ", &places) + " and " + &joined(9, " and ", &|i| apart(i + 1));
    let deep = |word: &str| format!("{}owner_id = viewer{}", format!("{word}exists kids (").repeat(12), ")".repeat(12));
    let doubled = |i: usize| match i {
        0 => "exists (select 1 from public.t)".to_owned(),
        _ => format!("public.f{0}() or not public.f{0}()", i - 1),
    };
    let function = |i: usize| {
        let body = doubled(i);
        format!("function f{i}() -> bool stable security definer language sql as $$ select {body} $$\n")
    };
    let member = |i: usize| {
        format!(
            "entity m{i} {{\n  id: uuid key\n  t_id -> t inverse m{i}\n  user_id -> profiles\n  policy {{ r: allow select to \
             authenticated when user_id = viewer }}\n}}\n"
        )
    };
    let tangled = |i: usize| {
        format!(
            "entity e{i} {{\n  id: uuid key\n{}  owner_id -> profiles\n  policy {{ r: allow all to authenticated when owner_id \
             = viewer or r0.owner_id = viewer or r1.r2.owner_id = viewer }}\n}}\n",
            times(10, |k| format!("  r{k} -> e{}? inverse b{i}_{k}\n", (i * 7 + k * 3 + 1) % 60))
        )
    };
    vec![
        ("columns that are compared", {
            let all = joined(n, " or ", &|i| format!("a{i} = b{i}"));
            ruled(&times(n, |i| format!("  a{i}: int\n  b{i}: int\n")), &when(&all), "")
        }),
        ("places for rows", ruled(&fields(10, "int"), &when(&pigeons), "")),
        (
            "rules",
            ruled("  a: int\n", &times(3 * n, |i| when(&format!("a = {i}")).replace(" r:", &format!(" r{i}:"))), ""),
        ),
        ("rules of members", {
            let rule = |i| when(&format!("exists m{i} (user_id = viewer)")).replace(" r:", &format!(" r{i}:"));
            ruled("", &times(n / 2, rule), &times(n / 2, member))
        }),
        ("rules of columns", {
            let rule = |i| format!("    r{i}: allow update (a{i}) to authenticated when owner_id = viewer\n");
            ruled(&fields(n / 2, "int"), &times(n / 2, rule), "")
        }),
        ("forbids", {
            let rules = mine.to_owned() + &times(n, |i| format!("    f{i}: forbid update unless a = {i}\n"));
            ruled("  a: int\n", &rules, "")
        }),
        ("roles", {
            let rule =
                format!("    r: allow all to {} when owner_id = viewer\n", joined(n, ", ", &|i| format!("r{i}")));
            ruled("", &rule, &times(n, |i| format!("role r{i}\n")))
        }),
        ("a wide table", ruled(&fields(1_500, "int"), mine, "")),
        ("a wide table with a check of each column", {
            ruled(&(fields(6 * n, "int") + &times(6 * n, |i| format!("  check c{i}: a{i} in (1, 2)\n"))), mine, "")
        }),
        ("a wide view of views", {
            let view = |i: usize| {
                let from = if i == 0 { "t".to_owned() } else { format!("v{}", i - 1) };
                format!("view v{i} to authenticated as $$ select * from public.{from} $$\n")
            };
            ruled(&fields(6 * n, "int"), mine, &times(20, view))
        }),
        ("a path", {
            let up = "up.".repeat(12 * n);
            ruled("  up_id -> t? inverse kids\n", &when(&format!("{up}owner_id = viewer")), "")
        }),
        ("levels", ruled("  up_id -> t? inverse kids\n", &when(&deep("")), "")),
        ("levels that are not there", ruled("  up_id -> t? inverse kids\n", &when(&deep("not ")), "")),
        ("functions that call another one twice", ruled("", &when("public.f39()"), &times(40, function))),
        ("tables in circles", ruled("", mine, &times(60, tangled))),
        ("promises", {
            let promise = |i| format!("promise 'p{i}' on t {{\n  deny select unless owner_id = viewer\n}}\n");
            ruled("", mine, &times(5 * n, promise))
        }),
        ("lines of a promise", {
            let lines = times(5 * n, |i| format!("  deny select when a = {i}\n"));
            ruled("  a: int\n", mine, &format!("promise 'p' on t {{\n{lines}}}\n"))
        }),
        (
            "the title of a promise",
            ruled("", mine, &format!("promise '{}' on t {{\n  deny select\n}}\n", "x".repeat(LENGTH))),
        ),
        ("a list", ruled("  a: int\n", &when(&format!("a in ({})", joined(1_200, ",", &|i| i.to_string()))), "")),
        ("claims", ruled("  a: text\n", &when(&joined(n, " or ", &|i| format!("claims.c{i} = a"))), "")),
        ("a literal", ruled("  a: text\n", &when(&format!("a = '{}'", "x".repeat(LENGTH))), "")),
        ("a number", ruled("  a: numeric\n", &when(&format!("a = {}", "9".repeat(LENGTH))), "")),
        ("scenarios", {
            let scenario = |i| format!("scenario 's{i}' {{\n  as anon {{\n    t -> none\n  }}\n}}\n");
            ruled("", mine, &times(10 * n, scenario))
        }),
    ]
}

/// The program within its limits, in seconds of a processor, however busy the machine is: how it ended, and what it said.
fn bounded(dir: &std::path::Path, args: &[&str]) -> Output {
    let (specc, time, memory) = program();
    let mut command = Command::new("sh");
    let seconds = 4 * time.as_secs();
    command.args(["-c", &format!("ulimit -t {seconds}; exec \"$@\""), "sh"]).arg(specc).args(args);
    let (mut out, _, peak) = measured(command.current_dir(dir).env("NO_COLOR", "1").env_remove("SPECC_PROJECT"));
    if peak > memory {
        out.stderr.extend(format!("{peak} kB").bytes());
        out.stdout.clear();
    }
    out
}

/// What is not decided in the steps that are taken is said to be so; the rest is decided.
#[test]
fn no_question_about_access_takes_long() {
    let mut wrong = Vec::new();
    let mut too_large = 0;
    for (name, text) in asking(50) {
        let dir = tempfile::tempdir().expect("a folder");
        fs::write(dir.path().join("specc.toml"), "name = \"q\"\n").expect("a file");
        fs::write(dir.path().join("a.dbspec"), text).expect("a file");
        let commands: [&[&str]; 7] = [
            &["prove"],
            &["why", "authenticated", "select", "t"],
            &["explain", "access", "authenticated"],
            &["types", "--strict"],
            &["types", "--lang", "rust"],
            &["build", "--only", "docs", "--stamp", "20260101000000"],
            &["docs", "--site", "-o", "site"],
        ];
        for args in commands {
            let out = bounded(dir.path(), args);
            let text = String::from_utf8_lossy(&out.stdout);
            too_large += usize::from(args[0] == "prove" && text.contains("TOO LARGE A"));
            let said = String::from_utf8_lossy(&out.stderr);
            let ended = matches!(out.status.code(), Some(0 | 1)) || args[0] == "why" && text.contains("not known: ");
            if !ended || args[0] == "prove" && !said.contains(" properties: ") {
                wrong.push(format!("{name}, {args:?}: {} {said}", out.status));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(too_large >= 3, "{too_large}");
}
